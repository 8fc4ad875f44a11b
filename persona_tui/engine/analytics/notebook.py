"""A Jupyter notebook that works a report out anew from its source, as a place to go on from."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

from persona_tui.engine.analytics.markdown import escaped
from persona_tui.engine.analytics.report_figures import FIGURES
from persona_tui.engine.analytics.reporting import Report

_FORMAT: Final = {"nbformat": 4, "nbformat_minor": 5}
_WIDTH: Final = 100
_OPEN: Final = """\
from pathlib import Path
from tempfile import mkdtemp

from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.study import forecast

folder = Path(mkdtemp())
for name, content in REQUEST.items():
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

settings = merge_settings(read_settings(folder / "run.toml"), {})
result = forecast(settings)
report = result.report
report.lead.decision"""
_PERSONAS: Final = """\
from persona_tui.engine.analytics.tables import persona_table

persona_table(report.personas)"""
_SCENARIOS: Final = """\
from persona_tui.engine.analytics.tables import ranking_table

ranking_table(report)"""
_CHART: Final = """\
from persona_tui.engine.analytics.report_figures import FIGURES

FIGURES["{kind}"](report.lead)"""
_NUMBERS: Final = """\
from persona_tui.engine.simulation.experiments import results_to_dataframe

results_to_dataframe(report.lead.experiment)"""


def to_notebook(report: Report, request: Mapping[str, bytes]) -> str:
    """Return a notebook, in version 4.5 of the format.

    Parameters
    ----------
    report : Report
    request : dict of bytes
        The files, by name, of a folder that asks for the same report again; one is ``run.toml``.
    """
    cells = [
        _words(f"# {escaped(report.title)}\n\n**{escaped(report.lead.decision)}**"),
        _words(
            "Run all cells to work the report out anew: the source is read, personas are found, every "
            "scenario is worked out exactly. What the study asked for is in the next cell; change it and "
            "run again."
        ),
        _code(_request(request)),
        _code(_OPEN),
        _words("## Personas"),
        _code(_PERSONAS),
        _words("## Scenarios, the best first"),
        _code(_SCENARIOS),
        _words("## The scenario that leads"),
        *(_code(_CHART.format(kind=kind)) for kind in FIGURES),
        _words("## Every number"),
        _code(_NUMBERS),
    ]
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    numbered = [{"id": f"cell-{place}", **cell} for place, cell in enumerate(cells, start=1)]
    return (
        json.dumps({"cells": numbered, "metadata": metadata, **_FORMAT}, indent=1, ensure_ascii=False) + "\n"
    )


def _request(request: Mapping[str, bytes]) -> str:
    lines = ["from base64 import b64decode", "", "REQUEST = {"]
    for name, content in sorted(request.items()):
        lines.append(f"    {name!r}: {_literal(name, content)},")
    return "\n".join([*lines, "}"])


def _literal(name: str, content: bytes) -> str:
    """Return content as Python has it: lines of a text, other files in base 64."""
    if name.endswith(".toml"):
        lines = content.decode().splitlines(keepends=True)
        return "(\n" + "".join(f"        {line!r}\n" for line in lines) + "    )"
    coded = base64.b64encode(content).decode()
    parts = [coded[at : at + _WIDTH] for at in range(0, len(coded), _WIDTH)]
    return "b64decode(\n" + "".join(f"        {part!r}\n" for part in parts) + "    )"


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }
