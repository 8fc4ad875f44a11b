"""What the Trust screen works out, in a thread: the functions of the study that the command line calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.errors import DataError, PersonaError, RunCancelled
from persona_tui.engine.params import parse_names
from persona_tui.engine.progress import ProgressCallback
from persona_tui.engine.simulation.groups import MOST_VALUES
from persona_tui.study.backtest import CheckedLog, check_forecasts
from persona_tui.study.calibration import CalibratedExperiment, calibrate_experiment
from persona_tui.study.drift import DriftFound, last_quarter, measure_drift
from persona_tui.study.experiment import RealExperiment, read_experiment
from persona_tui.study.fairness import Fairness, judge_fairness
from persona_tui.study.ledger import Ledger, read_ledger
from persona_tui.study.log import load_log
from persona_tui.study.options import Settings
from persona_tui.study.period_diff import read_period
from persona_tui.tui.findings import names_days

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.period_change import Period


_ATTRIBUTES_AT_FIRST: Final = 2
"""Of the log, whose groups are told of where none is named; their intersection is told of too."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TriedExperiment:
    """A real experiment in the log, what its change did at each step or why that is not known, the ledger."""

    read: RealExperiment
    calibrated: CalibratedExperiment | PersonaError
    ledger: Ledger | None


def work_out(
    name: str, settings: Settings, against: str, on_progress: ProgressCallback
) -> CheckedLog | DriftFound | Fairness | TriedExperiment:
    """Return what a check came to."""
    match name:
        case "backtest":
            return check_forecasts(settings, on_progress=on_progress)
        case "drift":
            return _drift(settings, against, on_progress)
        case "fairness":
            return judge_fairness(settings, _groups(settings, against), on_progress=on_progress)
        case _:
            return _experiment(settings, against, on_progress)


def _drift(settings: Settings, against: str, on_progress: ProgressCallback) -> DriftFound:
    """Return the drift toward a newer log, toward some days of this one, or toward its last quarter."""
    if against and not names_days(against):
        return measure_drift(settings, against, on_progress=on_progress)
    earlier, later = last_quarter(load_log(settings, on_progress=on_progress))
    periods = (earlier, later) if not against else _before(earlier, read_period(against, "days"))
    return measure_drift(settings, periods=periods, on_progress=on_progress)


def _before(whole: Period, later: Period) -> tuple[Period, Period]:
    if later.begins <= whole.begins:
        raise DataError("There is nothing in the log before these days.", hint="Name later ones.")
    return type(whole)(whole.begins, later.begins), later


def _groups(settings: Settings, asked: str) -> tuple[str, ...]:
    """Return the attributes that are named, else those with few values."""
    if asked:
        return parse_names(asked)
    log = load_log(settings)
    known = attributes_of(log.events, log.sequences)
    few = [name for name in known.names if 1 < len(known.values_of(name)) <= MOST_VALUES]
    if not few:
        raise DataError("The log has no attribute of users with groups.", hint="n names one.")
    return tuple(few[:_ATTRIBUTES_AT_FIRST])


def _experiment(settings: Settings, asked: str, on_progress: ProgressCallback) -> TriedExperiment:
    variant, control = (each.strip() for each in asked.partition(",")[::2])
    read = read_experiment(settings, variant=variant, control=control, on_progress=on_progress)
    calibrated: CalibratedExperiment | PersonaError
    try:
        calibrated = calibrate_experiment(settings, variant=variant, control=control, on_progress=on_progress)
    except RunCancelled:
        raise
    except PersonaError as fault:
        calibrated = fault  # whether the lot was fair is told all the same
    kept = Path(settings.output) if settings.output else None
    return TriedExperiment(
        read=read,
        calibrated=calibrated,
        ledger=read_ledger(kept) if kept is not None and kept.is_dir() else None,
    )
