"""The report of a finished run: worked out exactly again, beside what its synthetic users did then."""

from __future__ import annotations

import csv
import json
import math
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from persona_tui.engine.errors import DataError, SimulationError
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.text import inert_cell
from persona_tui.study.config import RUN_FILE
from persona_tui.study.fit import fit_personas
from persona_tui.study.following import state_of
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings
from persona_tui.study.run_folders import MANIFEST, RUNS
from persona_tui.study.study import StudyResult, check_settings, report_fit

_RESULT, _TABLE = "result.json", "experiment_results.csv"
_DIGITS: Final = 1e-8
"""Relative difference of numbers that are the same: the table holds ten digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """What the files of a finished run hold.

    Parameters
    ----------
    folder : Path
    document : dict
        The content of ``result.json``.
    rows : dict of list of dict
        Of ``experiment_results.csv``, by scenario, in their order.
    """

    folder: Path
    document: dict[str, Any]
    rows: dict[str, list[dict[str, str]]]

    def recall(self, scenario: str, found: Experiment) -> Experiment:
        """Return what was found exactly with what the run simulated.

        Raises
        ------
        SimulationError
            If the run found something else.
        """
        kept = next((each for each in self.document["experiments"] if each["scenario"] == scenario), None)
        parts, n_metrics = (found.total, *found.personas), len(found.metrics)
        rows = self.rows.get(inert_cell(scenario), [])
        if kept is None or len(rows) != len(parts) * n_metrics:
            raise self._differs(f"has no scenario '{scenario}' of {len(found.personas)} personas")
        total, *personas = (
            self._recall_part(part, kept_part, rows[place * n_metrics : (place + 1) * n_metrics])
            for place, (part, kept_part) in enumerate(zip(parts, (kept, *kept["personas"]), strict=True))
        )
        simulated = {arm: _known(values) for arm, values in kept["simulated"]["arms"].items()}
        total = replace(
            total, simulated_arms=simulated, simulated_uplifts=_known(kept["simulated"]["uplifts"])
        )
        return replace(
            found,
            solver=kept["solver"],
            n_personas=kept["n_personas"],
            walk_length=self.document["recipe"]["settings"]["walk_length"],
            total=total,
            personas=tuple(personas),
        )

    def _recall_part(self, part: Comparison, kept: dict[str, Any], rows: list[dict[str, str]]) -> Comparison:
        """Return some users under both arms with what the run simulated for them."""
        for row in rows:
            for arm in ARMS:
                if not _same(part.arms[arm][row["metric"]], row[arm]):
                    raise self._differs(f"found another {row['metric']} of {part.name}")
        errors = {name: each["simulation_error"] for name, each in kept["uplifts"]["treatment"].items()}
        simulated = [row for row in rows if row["simulated_uplift"]]
        return replace(
            part,
            n_personas=int(rows[0]["n_personas"]),
            uplifts={
                name: replace(each, simulation_error=errors[name]) for name, each in part.uplifts.items()
            },
            simulated_arms={
                arm: {row["metric"]: float(row[f"simulated_{arm}"]) for row in simulated} for arm in ARMS
            },
            simulated_uplifts={row["metric"]: float(row["simulated_uplift"]) for row in simulated},
        )

    def check_data(self, fingerprint: str) -> None:
        """Refuse another log than that of the run.

        Raises
        ------
        SimulationError
            If the fingerprint is another one.
        """
        if fingerprint != self.document["data"]["fingerprint"]:
            raise self._differs("was done on other data: its log has changed since")

    def _differs(self, how: str) -> SimulationError:
        study = shlex.quote(str(self.folder.parents[1]))
        return SimulationError(
            f"The run {self.folder.name} {how}, so that its simulation does not stand beside these numbers.",
            hint="Leave out options that change numbers, or report what holds now: "
            f"persona-tui export {study}",
        )


def run_folder(source: str) -> Path | None:
    """Return the folder of the run that a source names, by itself or its settings file; None for others."""
    path = Path(source)
    folder = path.parent if path.name == RUN_FILE else path
    return folder if folder.resolve().parent.name == RUNS and (folder / RUN_FILE).is_file() else None


def read_run(folder: Path) -> KeptRun:
    """Return what the files of a finished run hold.

    Parameters
    ----------
    folder : Path
        As ``run_folder`` returns it.

    Raises
    ------
    SimulationError
        If the run is not finished; the hint tells how it goes on.
    DataError
        If its files cannot be read.
    """
    folder = folder.resolve()
    if not (folder / MANIFEST).exists():
        status = state_of(folder).status
        action = "attach" if status in {"starting", "running"} else "resume"
        study = shlex.quote(str(folder.parents[1]))
        raise SimulationError(
            f"The run {folder.name} is not finished: it is {status}.",
            hint=f"Try: persona-tui runs {action} {study} {folder.name}",
        )
    rows: dict[str, list[dict[str, str]]] = {}
    try:
        document = json.loads((folder / _RESULT).read_bytes())
        document["experiments"], document["data"]["fingerprint"]
        with (folder / _TABLE).open(encoding="utf-8", newline="") as table:
            for row in csv.DictReader(table):
                rows.setdefault(row["scenario"], []).append(row)
    except (OSError, ValueError, LookupError, TypeError) as fault:
        raise DataError(
            f"The files of the run {folder.name} cannot be read: {fault}.",
            hint=f"They are {_RESULT} and {_TABLE}; do the run again to have them.",
        ) from None
    return KeptRun(folder=folder, document=document, rows=rows)


def report_run(
    settings: Settings, folder: Path, *, on_progress: ProgressCallback = ignore_progress
) -> StudyResult:
    """Return the report of a finished run; nobody is simulated anew.

    Parameters
    ----------
    settings : Settings
        Of the run.
    folder : Path
    on_progress : callable

    Raises
    ------
    DataError, ModelingError, SimulationError, UnknownNameError
        If the run is not finished, or its log or settings give other numbers now.
    """
    kept = read_run(folder)
    prepared = prepare_log(settings, on_progress=on_progress)
    kept.check_data(prepared.facts.fingerprint)
    check_settings(settings, prepared)
    fit = fit_personas(settings, prepared, on_progress=on_progress)
    return report_fit(settings, prepared, fit, solver="exact", recall=kept.recall, on_progress=on_progress)


def _same(value: float, shown: str) -> bool:
    """Return whether a number is the one in a cell, which is empty where there is none."""
    kept = float(shown or "nan")
    return math.isclose(value, kept, rel_tol=_DIGITS, abs_tol=1e-12) or (
        math.isnan(value) and math.isnan(kept)
    )


def _known(values: dict[str, float | None]) -> dict[str, float]:
    """Return values with NaN in place of those that do not exist."""
    return {name: math.nan if value is None else value for name, value in values.items()}
