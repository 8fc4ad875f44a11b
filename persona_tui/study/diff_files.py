"""A difference as files that others read: the page of the terminal, every number, a tidy table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from persona_tui.engine.analytics.html_page import page_html
from persona_tui.engine.analytics.markdown import blocks_to_markdown
from persona_tui.engine.analytics.page import Block
from persona_tui.engine.errors import unknown_name
from persona_tui.engine.evaluation.period_change import Changed
from persona_tui.engine.files import dump_json, write_text
from persona_tui.engine.text import inert_cell
from persona_tui.study.diff_pages import period_page, run_page
from persona_tui.study.period_diff import PeriodDiff, period_document
from persona_tui.study.run_diff import RunDiff, run_document
from persona_tui.study.store import make_folder

Diff: TypeAlias = PeriodDiff | RunDiff
Row: TypeAlias = dict[str, "str | float | None"]
_TEXTS: Final[dict[str, Callable[[Diff], str]]] = {
    "md": lambda diff: blocks_to_markdown(page_of(diff)),
    "html": lambda diff: page_html(page_of(diff), {}),
    "json": lambda diff: dump_json(document_of(diff)),
    "csv": lambda diff: _csv(list(_rows(diff))),
}
DIFF_FORMATS: Final = tuple(_TEXTS)


def page_of(diff: Diff) -> tuple[Block, ...]:
    """Return a difference as a page."""
    return period_page(diff) if isinstance(diff, PeriodDiff) else run_page(diff)


def document_of(diff: Diff) -> dict[str, Any]:
    """Return a difference as ``--json`` prints it."""
    return period_document(diff) if isinstance(diff, PeriodDiff) else run_document(diff)


def check_formats(formats: Sequence[str]) -> None:
    """Refuse formats in which no difference is written.

    Raises
    ------
    UnknownNameError
        If there is no such format.
    """
    for name in formats:
        if name not in _TEXTS:
            raise unknown_name("format", name, DIFF_FORMATS)


def write_diff(diff: Diff, formats: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """Write a difference in some formats.

    Parameters
    ----------
    diff : PeriodDiff or RunDiff
    formats : sequence of str
        Of ``DIFF_FORMATS``.
    folder : Path
        Made where it is missing.

    Returns
    -------
    tuple of Path
        Every file appears whole or not at all; one that is there is replaced.

    Raises
    ------
    UnknownNameError
        If there is no such format; nothing is written then.
    ExportError
        If a file cannot be written.
    """
    check_formats(formats)
    make_folder(folder)
    written = tuple(folder / f"diff.{name}" for name in formats)
    for name, path in zip(formats, written, strict=True):
        write_text(path, _TEXTS[name](diff))
    return written


def _rows(diff: Diff) -> Iterator[Row]:
    if isinstance(diff, PeriodDiff):
        found = diff.found
        parts = {
            "metric": found.metrics,
            "change of completion": (found.mix, found.behaviour),
            "persona, share": [each.share for each in found.personas],
            "persona, completion": [each.completion for each in found.personas],
            "funnel": found.funnel,
            "event": [each.change for each in found.events],
        }
        for part, changes in parts.items():
            yield from (_changed(part, each) for each in changes)
        return
    for pair in diff.uplifts:
        first, second = (ends or (None, None) for ends in (pair.first_interval, pair.second_interval))
        yield {
            "scenario": pair.scenario,
            "metric": pair.metric,
            "first": pair.first,
            "first_low": first[0],
            "first_high": first[1],
            "second": pair.second,
            "second_low": second[0],
            "second_high": second[1],
            "change": pair.change,
        }


def _changed(part: str, each: Changed) -> Row:
    low, high = each.interval
    values = {"before": each.before, "after": each.after, "change": each.value, "low": low, "high": high}
    return {"part": part, "name": each.name, **values}


def _csv(rows: Sequence[Row]) -> str:
    """Return rows as CSV whose cells no spreadsheet runs; floats carry 10 significant digits."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return inert_cell(value) if isinstance(value, str) else f"{value:.10g}"
