"""Rows that could not be used: the file that keeps them, and the limit on their share."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from persona_tui.engine.data.quality import Quality, percent
from persona_tui.engine.errors import DataError, ThresholdError
from persona_tui.engine.files import write_whole
from persona_tui.engine.text import inert_cell


def write_rejects(quality: Quality, path: Path) -> None:
    """Write the rows that were left out as CSV, the file whole or not at all.

    Parameters
    ----------
    quality : Quality
    path : Path

    Raises
    ------
    ExportError
        If the disk is full or the folder cannot be written.

    Notes
    -----
    Cells that a spreadsheet would run as formulas get an apostrophe before them.
    """
    inert = quality.rejects.with_columns(
        pl.Series(name, [each and inert_cell(each) for each in quality.rejects[name]], dtype=pl.String)
        for name, dtype in quality.rejects.schema.items()
        if dtype == pl.String
    )
    write_whole(path, inert.write_csv)


def check_rejected(quality: Quality, limit: float) -> None:
    """Refuse a log of which too many rows could not be used.

    Parameters
    ----------
    quality : Quality
    limit : float
        The largest share that is allowed, from 0 to 1.

    Raises
    ------
    ThresholdError
        If more were rejected; the message names both shares.
    """
    if quality.rejected_share <= limit:
        return
    told = quality.sentences()
    raise ThresholdError(
        f"{percent(quality.rejected_share)} of rows were rejected "
        f"({quality.n_rejected:,} of {quality.n_rows_read:,}), more than --max-rejected {percent(limit)}.",
        hint=f"Most of all: {told[0]}. Repair the source, or allow more.",
    )


def parse_share(text: str) -> float:
    """Return a share that is written as a percentage or as a number from 0 to 1.

    Parameters
    ----------
    text : str
        As ``1%`` or ``0.01``.

    Raises
    ------
    DataError
        If it is no number, or not from 0 to 1.

    Examples
    --------
    >>> parse_share("1%"), parse_share("0.01")
    (0.01, 0.01)
    """
    digits = text.strip()
    is_percentage = digits.endswith("%")
    try:
        number = float(digits.removesuffix("%"))
    except ValueError:
        raise DataError(f"'{text}' is not a share.", hint="Write it as 1% or as 0.01.") from None
    share = number / 100 if is_percentage else number
    if not 0 <= share <= 1:
        near = f" Did you mean {number:g}%?" if 1 < number <= 100 and not is_percentage else ""
        raise DataError(
            f"A share of {text.strip()} is not from 0 to 1.{near}", hint="Write it as 1% or as 0.01."
        )
    return share
