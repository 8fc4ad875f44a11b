"""The formats that a report can leave in, in one place.

To add one, write a function from what is exported and a folder, and register it here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from persona_tui.engine.analytics.branding import HOUSE, Branding
from persona_tui.engine.files import dump_json, write_text, write_whole
from persona_tui.engine.registry import Registry

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import Report

Document: TypeAlias = "dict[str, Any]"
"""What ``result.json`` holds."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Exported:
    """What leaves a study.

    Parameters
    ----------
    report : Report
    document : dict
        What ``result.json`` holds.
    request : dict of bytes
        The files, by name, of a folder that asks for the same report again.
    branding : Branding
    """

    report: Report
    document: Document
    request: Mapping[str, bytes]
    branding: Branding = HOUSE


Exporter: TypeAlias = "Callable[[Exported, Path], tuple[Path, ...]]"
"""Writes into a folder and returns the files; each appears whole or not at all."""
EXPORTERS: Final[Registry[Exporter]] = Registry("format")


@EXPORTERS.register("pptx", help="PowerPoint: native, editable slides.")
def _export_deck(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.reporting import export_powerpoint  # noqa: PLC0415 - loads pptx

    return (
        export_powerpoint(exported.report, folder / "simulation_report.pptx", branding=exported.branding),
    )


@EXPORTERS.register("html", help="One page with charts to look closer at; needs no network.")
def _export_page(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.html_page import write_html  # noqa: PLC0415 - loads jinja2

    return (write_html(exported.report, folder / "report.html", exported.branding),)


@EXPORTERS.register("svg", help="Each figure as a picture that stays sharp at any size.")
def _export_svg(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.report_figures import figures_of  # noqa: PLC0415 - as the report

    return tuple(
        figure.write_svg(folder / f"figure_{name}.svg") for name, figure in figures_of(exported.report)
    )


@EXPORTERS.register("png", help="The same figures as pictures of twice the size; needs no browser.")
def _export_png(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.report_figures import figures_of  # noqa: PLC0415 - as the report

    return tuple(
        figure.write_png(folder / f"figure_{name}.png") for name, figure in figures_of(exported.report)
    )


@EXPORTERS.register("md", help="Markdown: one page to paste into a ticket or a wiki.")
def _export_markdown(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.markdown import write_markdown  # noqa: PLC0415 - as the report

    return (write_markdown(exported.report, folder / "report.md", exported.branding),)


@EXPORTERS.register("json", help="Every number, with a versioned schema.")
def _export_json(exported: Exported, folder: Path) -> tuple[Path, ...]:
    return (_written(folder / "result.json", dump_json(exported.document)),)


@EXPORTERS.register("csv", help="Tidy tables of personas and results; no spreadsheet runs their cells.")
def _export_csv(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.tables import report_tables, to_csv  # noqa: PLC0415 - loads polars

    tables = report_tables(exported.report)
    return tuple(_written(folder / f"{name}.csv", to_csv(frame)) for name, frame in tables.items())


@EXPORTERS.register("parquet", help="The same tables for other programs, every digit kept.")
def _export_parquet(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.tables import report_tables  # noqa: PLC0415 - loads polars

    written = []
    for name, frame in report_tables(exported.report).items():
        written.append(folder / f"{name}.parquet")
        content = BytesIO()
        frame.write_parquet(content)
        write_whole(written[-1], partial(_fill, content=content.getvalue()))
    return tuple(written)


@EXPORTERS.register("xlsx", help="The same tables as an Excel workbook.")
def _export_workbook(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.workbook import write_workbook  # noqa: PLC0415 - loads polars

    return (write_workbook(exported.report, folder / "report.xlsx", exported.branding),)


@EXPORTERS.register("ipynb", help="A notebook that works the report out anew, to go on from.")
def _export_notebook(exported: Exported, folder: Path) -> tuple[Path, ...]:
    from persona_tui.engine.analytics.notebook import to_notebook  # noqa: PLC0415 - as the report

    return (_written(folder / "report.ipynb", to_notebook(exported.report, exported.request)),)


def _fill(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _written(path: Path, text: str) -> Path:
    write_text(path, text)
    return path
