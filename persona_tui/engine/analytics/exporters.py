"""The formats that a report can leave in, in one place.

To add one, write a function from a report, its document and a folder, and register it here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from persona_tui.engine.files import dump_json, write_text, write_whole
from persona_tui.engine.registry import Registry

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report

Document: TypeAlias = "dict[str, Any]"
"""What ``result.json`` holds."""
Exporter: TypeAlias = "Callable[[Report, Document, Path], tuple[Path, ...]]"
"""Writes into a folder and returns the files; each appears whole or not at all."""
EXPORTERS: Final[Registry[Exporter]] = Registry("format")


@EXPORTERS.register("pptx", help="PowerPoint: native, editable slides.")
def _export_deck(report: Report, _document: Document, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.reporting import export_powerpoint  # noqa: PLC0415 - loads pptx

    return (export_powerpoint(report, folder / "simulation_report.pptx"),)


@EXPORTERS.register("html", help="One page with charts to look closer at; needs no network.")
def _export_page(report: Report, _document: Document, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.html_page import write_html  # noqa: PLC0415 - loads jinja2

    return (write_html(report, folder / "report.html"),)


@EXPORTERS.register("md", help="Markdown: one page to paste into a ticket or a wiki.")
def _export_markdown(report: Report, _document: Document, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.markdown import write_markdown  # noqa: PLC0415 - as the report

    return (write_markdown(report, folder / "report.md"),)


@EXPORTERS.register("json", help="Every number, with a versioned schema.")
def _export_json(_report: Report, document: Document, folder: Path) -> tuple[Path, ...]:
    return (_written(folder / "result.json", dump_json(document)),)


@EXPORTERS.register("csv", help="Tidy tables of personas and results; no spreadsheet runs their cells.")
def _export_csv(report: Report, _document: Document, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.tables import report_tables, to_csv  # noqa: PLC0415 - loads polars

    tables = report_tables(report)
    return tuple(_written(folder / f"{name}.csv", to_csv(frame)) for name, frame in tables.items())


@EXPORTERS.register("parquet", help="The same tables for other programs, every digit kept.")
def _export_parquet(report: Report, _document: Document, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.tables import report_tables  # noqa: PLC0415 - loads polars

    written = []
    for name, frame in report_tables(report).items():
        written.append(folder / f"{name}.parquet")
        write_whole(written[-1], frame.write_parquet)
    return tuple(written)


@EXPORTERS.register("xlsx", help="The same tables as an Excel workbook.")
def _export_workbook(report: Report, _document: Document, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.workbook import write_workbook  # noqa: PLC0415 - loads polars

    return (write_workbook(report, folder / "report.xlsx"),)


def _written(path: Path, text: str) -> Path:
    write_text(path, text)
    return path
