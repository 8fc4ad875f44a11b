"""``persona-tui formats``: what can be read, recognised and written, and the steps of a preparation."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any, Final

from persona_tui.cli import output
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.params import parameters_of
from persona_tui.study.options import Settings

DATABASES: Final = {
    "duckdb": ("duckdb:///shop.db#events", "duckdb"),
    "sqlite": ("sqlite:///shop.db#events", "sqlite"),
    "postgresql": ("postgresql://ann@db.example/shop#events", "postgres"),
}
"""How each is named, and the extra that reads it."""
EXTRAS: Final = {
    "excel": "fastexcel",
    "duckdb": "duckdb",
    "sqlite": "adbc_driver_sqlite",
    "postgres": "adbc_driver_postgresql",
}
"""The module that tells whether an extra is installed."""


def _formats(_settings: Settings, presentation: Presentation) -> None:
    document = _document()
    if presentation.as_json:
        output.write_json(document)
        return
    page = output.Page()
    page.heading("Files, each plain or as .gz, .zst or .zip; folders, globs, and - for standard input")
    for each in document["files"]:
        page.sentence(
            f"{each['name']} ({' '.join(each['suffixes'])}): {each['help']}{_cure(each)}", bullet=True
        )
    page.heading("Databases, by URL")
    for each in document["databases"]:
        page.sentence(f"{each['name']}: {each['example']}{_cure(each)}", bullet=True)
    page.heading("Schemas that are recognised; other logs by the names of columns, or by their content")
    for each in document["schemas"]:
        page.sentence(f"{each['name']}: {each['help']}", bullet=True)
    page.heading("Reports, written by export")
    for each in document["reports"]:
        page.sentence(f"{each['name']}: {each['help']}", bullet=True)
    page.heading("Logs, written by inspect --convert and by synth")
    for each in document["written"]:
        page.sentence(f"{each['name']}: {each['help']}", bullet=True)
    if document["preparation"]:
        page.heading("Steps of a preparation (--prepare)")
    for each in document["preparation"]:
        page.sentence(f"{each['name']}: {each['help']}", bullet=True)
        for key in each["parameters"]:
            page.sentence(f"   {key['name']}: {key['help']}")
    page.print()


def _cure(each: dict[str, Any]) -> str:
    if each["installed"]:
        return ""
    return f" Not installed: pip install 'persona-tui[{each['extra']}]'"


def _document() -> dict[str, Any]:
    from persona_tui.engine.analytics.exporters import EXPORTERS  # noqa: PLC0415 - as below
    from persona_tui.engine.data.preparation.steps import PREPARATIONS  # noqa: PLC0415 - 0.1 s: polars
    from persona_tui.engine.data.readers.registry import READERS  # noqa: PLC0415 - as above
    from persona_tui.engine.data.recognition.vendors import SCHEMAS  # noqa: PLC0415 - as above
    from persona_tui.engine.data.writers import WRITERS  # noqa: PLC0415 - as above

    return {
        "schema": "persona-tui/formats/1",
        "files": [
            {
                "name": name,
                "suffixes": [f".{suffix}" for suffix in READERS.get(name).suffixes],
                "help": READERS.help(name),
                **_extra(name if name in EXTRAS else ""),
            }
            for name in READERS.names()
        ],
        "databases": [
            {"name": name, "example": example, **_extra(extra)}
            for name, (example, extra) in DATABASES.items()
        ],
        "schemas": [{"name": name, "help": SCHEMAS.help(name)} for name in SCHEMAS.names()],
        "reports": [{"name": name, "help": EXPORTERS.help(name)} for name in EXPORTERS.names()],
        "written": [{"name": name, "help": WRITERS.help(name)} for name in WRITERS.names()],
        "preparation": [
            {
                "name": name,
                "help": PREPARATIONS.help(name),
                "parameters": [
                    {"name": each.name, "help": each.help} for each in parameters_of(PREPARATIONS.get(name))
                ],
            }
            for name in PREPARATIONS.names()
        ],
    }


def _extra(name: str) -> dict[str, Any]:
    return {"extra": name or None, "installed": not name or find_spec(EXTRAS[name]) is not None}


VERB = Verb(
    name="formats",
    help="List the formats of logs that are read and written, the schemas that are recognised, and the steps "
    "of a preparation.",
    options=(),
    argument="",
    run=_formats,
    presentation=("as_json",),
)
