"""Read the sheet of a spreadsheet that has the most rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from persona_tui.engine.data.readers.parts import EmptyFileError, Part
from persona_tui.engine.data.readers.tables import BATCH_ROWS, LINE, Batch, no_rejects
from persona_tui.engine.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from fastexcel import ExcelSheet

_HEADER_ROWS = 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SheetTable:
    """A sheet that is open, and whole in memory: a spreadsheet has a million rows at most.

    Parameters
    ----------
    part : Part
    frame : DataFrame
        ``LINE``, counted from the header, which is line 1, then the columns.
    notes : tuple of str
        Which sheet was read of several, and which columns were not.
    """

    part: Part
    frame: pl.DataFrame = field(repr=False)
    notes: tuple[str, ...]

    @property
    def name(self) -> str:
        """Return what the file is called in messages."""
        return self.part.name

    @property
    def schema(self) -> pl.Schema:
        """Return the columns with their types."""
        return self.frame.drop(LINE).schema

    @property
    def size(self) -> int:
        """Return the number of rows."""
        return self.frame.height

    @property
    def n_rows(self) -> int:
        """Return the number of rows."""
        return self.frame.height

    def head(self, n_rows: int = 1_000) -> pl.DataFrame:
        """Return the first rows, all columns."""
        return self.frame.drop(LINE).head(n_rows)

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """Yield the rows with some columns only."""
        wanted = self.frame.select(LINE, *columns)
        done = 0
        for rows in wanted.iter_slices(BATCH_ROWS):
            done += rows.height
            yield Batch(frame=rows, rejects=no_rejects(), file=self.part.name, done=done)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the file's bytes."""
        return self.part.fingerprint()


def open_excel(part: Part) -> SheetTable:
    """Open a spreadsheet: ``.xlsx``, ``.xlsm``, ``.xlsb``, ``.xls`` or ``.ods``.

    Parameters
    ----------
    part : Part

    Returns
    -------
    SheetTable
        Of the sheet with the most rows, the first of those; its first row is the header, columns
        without a name are left out and told. A column whose cells are of several types is text.

    Raises
    ------
    DataError
        If it is damaged, encrypted or no spreadsheet, or two columns have one name.
    EmptyFileError
        If no sheet has rows.
    MissingExtraError
        If ``fastexcel`` is not installed.
    """
    try:
        import fastexcel  # noqa: PLC0415 - 60 ms, an extra
    except ImportError:
        raise MissingExtraError(
            f"'{part.name}' needs the package fastexcel.", hint="pip install 'persona-tui[excel]'"
        ) from None
    with part.as_file() as path:
        try:
            workbook = fastexcel.read_excel(path)
            sheets = [workbook.load_sheet(name, schema_sample_rows=None) for name in workbook.sheet_names]
            largest = max(sheets, key=lambda sheet: sheet.total_height, default=None)
            if largest is None or not largest.total_height:
                raise EmptyFileError(f"'{part.name}' holds no rows below a header.")
            header = workbook.load_sheet(largest.name, header_row=None, n_rows=1).to_polars().row(0)
            frame = largest.to_polars()
        except fastexcel.FastExcelError as fault:
            what = str(fault).strip().splitlines()[0].rstrip(".")
            raise DataError(f"'{part.name}' is not a readable spreadsheet: {what}.") from None
    named, told = _named_columns(part, largest, header)
    others = [sheet.name for sheet in sheets if sheet is not largest and sheet.total_height]
    if others:
        told.append(f"the sheet '{largest.name}' is read, {', '.join(map(repr, others))} left out")
    return SheetTable(part=part, frame=_filled_rows(part, frame.select(named)), notes=tuple(told))


def _named_columns(part: Part, sheet: ExcelSheet, header: Sequence[object]) -> tuple[list[str], list[str]]:
    """Return the columns with a name, and what is to be told of the others."""
    names = Counter(str(name).strip() for name in header if name is not None)
    repeated = [name for name, times in names.items() if times > 1]
    if repeated:
        raise DataError(f"'{part.name}' has two columns named '{repeated[0]}'.", hint="Rename one of them.")
    columns = sheet.selected_columns
    named = [column.name for column in columns if column.column_name_from == "looked_up"]
    n_nameless = len(columns) - len(named)
    return named, [f"columns without a name are left out: {n_nameless:,}"] if n_nameless else []


def _filled_rows(part: Part, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that hold something, with their place."""
    filled = frame.with_row_index(LINE, offset=1 + _HEADER_ROWS).cast({LINE: pl.Int64})
    if frame.width:
        filled = filled.filter(pl.any_horizontal(pl.exclude(LINE).is_not_null()))
    if not frame.width or filled.is_empty():
        raise EmptyFileError(f"'{part.name}' holds no rows below a header.")
    return filled
