"""What runs of a study foretold, beside what real experiments then found: ``ledger.jsonl``."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.statistics import NORMAL_QUANTILE, Interval
from persona_tui.study.calibration import CalibratedExperiment
from persona_tui.study.rebuilding import rebuild
from persona_tui.study.run_folders import RUNS
from persona_tui.study.run_results import RunResult, run_results
from persona_tui.study.store import locked, write_text

SCHEMA: Final = "persona-tui/ledger/1"
LEDGER: Final = "ledger.jsonl"
ENOUGH: Final = 3
"""Entries from which it is told how far predictions run too large or too small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """What one run foretold of a change, and what an experiment found of it.

    Parameters
    ----------
    entered : str
        UTC.
    run, scenario : str
    experiment : str
        Fingerprint of its log.
    source, treatment : str
    unit : {"user", "session"}
    predicted, observed : float
        Uplift of completion.
    predicted_interval, observed_interval : (float, float)
        95 %.
    was_broken : bool
        Whether the lot of the experiment was not fair.
    """

    entered: str
    run: str
    scenario: str
    experiment: str
    source: str
    treatment: str
    unit: str
    predicted: float
    predicted_interval: Interval
    observed: float
    observed_interval: Interval
    was_broken: bool

    @property
    def gap(self) -> float:
        """Return how much more came than was foretold."""
        return self.observed - self.predicted

    @property
    def gap_error(self) -> float:
        """Return its standard error, from both intervals."""
        return math.hypot(*(_error(each) for each in (self.predicted_interval, self.observed_interval)))

    @property
    def gap_interval(self) -> Interval:
        """Return its 95 % interval."""
        half = NORMAL_QUANTILE * self.gap_error
        return self.gap - half, self.gap + half

    @property
    def agrees(self) -> bool:
        """Return whether both may be the same number."""
        return self.gap_interval[0] <= 0 <= self.gap_interval[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """All that was foretold and then tried.

    Parameters
    ----------
    study : str
    entries : tuple of LedgerEntry
        The oldest first.
    slope : float or None
        What came for each point foretold; None with fewer than three entries whose lot was fair.
    slope_interval : (float, float) or None
    """

    study: str
    entries: tuple[LedgerEntry, ...]
    slope: float | None
    slope_interval: Interval | None

    @property
    def fair(self) -> tuple[LedgerEntry, ...]:
        """Return the entries whose lot was fair."""
        return tuple(each for each in self.entries if not each.was_broken)


def enter(
    calibrated: CalibratedExperiment, run: Path, *, scenario: str = "", treatment: str = ""
) -> tuple[LedgerEntry, bool]:
    """Put what a run foretold beside what an experiment found, into the ledger of its study.

    Parameters
    ----------
    calibrated : CalibratedExperiment
    run : Path
        A finished run, or a study, whose newest run is meant.
    scenario : str
        Which, where the run has several.
    treatment : str
        Which, where the experiment has several.

    Returns
    -------
    LedgerEntry
        As the ledger has it.
    bool
        Whether it is new there: the same run and experiment are entered once.

    Raises
    ------
    DataError
        If there is no such run, its rates are of another unit or completion, it was learned from the log of
        the experiment, or this tells nothing.
    UnknownNameError
        If the run has no such scenario.
    ExportError
        If the study cannot be written.
    """
    study, foretold = _foretold(run, scenario)
    _require_comparable(foretold, calibrated)
    place = calibrated.treatment(treatment)
    best = calibrated.completion[place].best
    if best.interval is None:
        raise DataError("Nobody in the experiment differs from another: it tells nothing of completion.")
    entry = LedgerEntry(
        entered=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        run=foretold.run,
        scenario=foretold.scenario,
        experiment=calibrated.fingerprint,
        source=calibrated.source,
        treatment=calibrated.found[place].treatment,
        unit=calibrated.unit,
        predicted=foretold.uplift,
        predicted_interval=foretold.interval,
        observed=best.value,
        observed_interval=best.interval,
        was_broken=calibrated.is_broken,
    )
    with locked(study, patience=2.0):
        entries = _read(study)
        known = next((each for each in entries if _key(each) == _key(entry)), None)
        if known is not None:
            return known, False
        lines = (
            json.dumps({"schema": SCHEMA, **asdict(each)}, ensure_ascii=False) for each in (*entries, entry)
        )
        write_text(study / LEDGER, "".join(f"{line}\n" for line in lines))
    return entry, True


def read_ledger(study: Path) -> Ledger:
    """Return what runs of a study foretold beside what was found.

    Parameters
    ----------
    study : Path

    Raises
    ------
    DataError
        If the ledger is damaged.

    Notes
    -----
    The slope is that of what came on what was foretold, through zero, entries weighted by the inverse
    variance of their gap; its error is widened where they scatter more than that.
    """
    entries = _read(study)
    fair = [each for each in entries if not each.was_broken]
    slope, ends = _slope(fair) if len(fair) >= ENOUGH else (None, None)
    return Ledger(study=str(study), entries=entries, slope=slope, slope_interval=ends)


def entry_document(entry: LedgerEntry) -> dict[str, Any]:
    """Return an entry of a ledger as plain values."""
    told = {"gap": entry.gap, "gap_interval": list(entry.gap_interval), "agrees": entry.agrees}
    return {**asdict(entry), **told}


def ledger_document(ledger: Ledger) -> dict[str, Any]:
    """Return a ledger as ``--json`` prints it."""
    return {
        "schema": SCHEMA,
        "study": ledger.study,
        "entries": [entry_document(each) for each in ledger.entries],
        "agree": sum(each.agrees for each in ledger.fair),
        "of": len(ledger.fair),
        "slope": ledger.slope,
        "slope_interval": None if ledger.slope_interval is None else list(ledger.slope_interval),
    }


def _require_comparable(foretold: RunResult, calibrated: CalibratedExperiment) -> None:
    if foretold.unit != calibrated.unit:
        raise DataError(
            f"The run foretold rates of {foretold.unit}s, the experiment is read by {calibrated.unit}s.",
            hint=f"Read it with --unit {foretold.unit}.",
        )
    if foretold.fingerprint == calibrated.fingerprint:
        raise DataError(
            "The run was learned from this very log, so the experiment in it is no test of what it foretold.",
            hint="Name a run of the log from before the experiment.",
        )
    if foretold.completion != calibrated.completion_events:
        raise DataError(
            f"The run foretold {' or '.join(foretold.completion)}, the experiment is read for "
            f"{' or '.join(calibrated.completion_events)}.",
            hint="Give the same --completion to both.",
        )


def _foretold(run: Path, scenario: str) -> tuple[Path, RunResult]:
    is_run = run.parent.name == RUNS
    study = run.parent.parent if is_run else run
    results = [each for each in run_results(study) if not is_run or each.run == run.name]
    if not results:
        raise DataError(f"'{run}' has no finished run.", hint="Do one: persona-tui simulate STUDY")
    newest = [each for each in results if each.run == results[0].run]
    names = [each.scenario for each in newest]
    if scenario and scenario not in names:
        raise unknown_name("scenario", scenario, names)
    if not scenario and len(names) > 1:
        raise DataError(
            f"Which scenario was tried? The run has: {', '.join(names)}.", hint="Name it: --scenario NAME"
        )
    return study, newest[names.index(scenario) if scenario else 0]


def _read(study: Path) -> tuple[LedgerEntry, ...]:
    path = study / LEDGER
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ()
    except OSError as fault:
        raise DataError(f"'{path}' cannot be read: {fault.strerror or fault}.") from None
    entries = []
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            entries.append(rebuild(LedgerEntry, json.loads(line)))
        except (ValueError, LookupError, TypeError):
            raise DataError(f"'{path}' is damaged in line {number}.", hint="Mend or move it.") from None
    return tuple(entries)


def _key(entry: LedgerEntry) -> tuple[str, ...]:
    return entry.run, entry.scenario, entry.experiment, entry.treatment


def _error(ends: Interval) -> float:
    return (ends[1] - ends[0]) / (2 * NORMAL_QUANTILE)


def _slope(entries: list[LedgerEntry]) -> tuple[float | None, Interval | None]:
    from scipy.special import stdtrit  # noqa: PLC0415 - 0.1 s, only ledgers need it

    foretold = np.array([each.predicted for each in entries])
    came = np.array([each.observed for each in entries])
    weights = np.array([each.gap_error for each in entries]) ** -2.0
    total = float(weights @ foretold**2)
    if not total:
        return None, None
    slope = float(weights @ (foretold * came)) / total
    freedom = len(entries) - 1
    scatter = float(weights @ (came - slope * foretold) ** 2) / freedom
    half = float(stdtrit(freedom, 0.975)) * math.sqrt(max(scatter, 1.0) / total)
    return slope, (slope - half, slope + half)
