"""A report as an Excel workbook: a sheet of words, and a sheet a table."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from xlsxwriter import Workbook

from persona_tui.engine.analytics.branding import HOUSE, Branding
from persona_tui.engine.analytics.reporting import Report
from persona_tui.engine.analytics.tables import report_tables
from persona_tui.engine.files import write_whole
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

_OPTIONS: Final = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "nan_inf_to_errors": True,
    "in_memory": True,
}
"""A text of the data stays a text, whatever it looks like; parts wait in memory, not on a disk."""
_CREATED: Final = datetime(1980, 1, 1)
"""The same report makes the same bytes."""
_LONGEST: Final = 32_767
"""Characters that a cell holds."""
_WIDEST: Final = 60
_ABOUT: Final = "about"


def write_workbook(report: Report, path: Path, branding: Branding = HOUSE) -> Path:
    """Write a report as an Excel workbook; the file appears whole or not at all.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    content = BytesIO()
    with Workbook(content, _OPTIONS) as book:
        book.set_properties(
            {
                "title": printable(report.title),
                "author": printable(branding.author),
                "created": _CREATED,
            }
        )
        bold = book.add_format({"bold": True})
        _about(book, report, bold)
        for name, frame in report_tables(report).items():
            _sheet(book, name, frame, bold)
    write_whole(path, lambda temporary: temporary.write_bytes(content.getvalue()))
    return path


def _about(book: Workbook, report: Report, bold: Any) -> None:  # noqa: ANN401 - the library has no types
    sheet = book.add_worksheet(_ABOUT)
    wrapped = book.add_format({"text_wrap": True, "valign": "top"})
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, 1, 100)
    lines = [("question", report.title), ("answer", report.lead.decision)]
    lines += [("assumption", each) for each in report.assumptions]
    lines += list(report.recipe.items())
    for row, (name, text) in enumerate(lines):
        sheet.write_string(row, 0, printable(name)[:_LONGEST], bold)
        sheet.write_string(row, 1, printable(text)[:_LONGEST], wrapped)


def _sheet(book: Workbook, name: str, frame: pl.DataFrame, bold: Any) -> None:  # noqa: ANN401 - as above
    sheet = book.add_worksheet(name)
    for column, series in enumerate(frame):
        sheet.write_string(0, column, series.name, bold)
        for row, value in enumerate(series.to_list(), start=1):
            _write(sheet, row, column, value)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, frame.height, max(frame.width - 1, 0))
    sheet.autofit(max_width=_WIDEST * 7)


def _write(sheet: Worksheet, row: int, column: int, value: object) -> None:
    if isinstance(value, str):
        sheet.write_string(row, column, printable(value)[:_LONGEST])
    elif isinstance(value, float):
        sheet.write_number(row, column, float(f"{value:.10g}"))
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
