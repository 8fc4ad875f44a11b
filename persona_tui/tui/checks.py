"""What the Trust screen works out, in a thread: the functions of the study that the command line calls."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from persona_tui.engine.errors import DataError
from persona_tui.engine.progress import ProgressCallback
from persona_tui.study.backtest import CheckedLog, check_forecasts
from persona_tui.study.calibration import CalibratedExperiment, calibrate_experiment
from persona_tui.study.drift import DriftFound, last_quarter, measure_drift
from persona_tui.study.experiment import RealExperiment, read_experiment
from persona_tui.study.ledger import Ledger, read_ledger
from persona_tui.study.log import load_log
from persona_tui.study.options import Settings
from persona_tui.study.period_diff import read_period

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.period_change import Period


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TriedExperiment:
    """A real experiment in the log, what its change did at each step, and what was ever foretold."""

    read: RealExperiment
    calibrated: CalibratedExperiment
    ledger: Ledger | None


def work_out(
    name: str, settings: Settings, against: str, on_progress: ProgressCallback
) -> CheckedLog | DriftFound | TriedExperiment:
    """Return what a check came to."""
    match name:
        case "backtest":
            return check_forecasts(settings, on_progress=on_progress)
        case "drift":
            return _drift(settings, against, on_progress)
        case _:
            return _experiment(settings, on_progress)


def _drift(settings: Settings, against: str, on_progress: ProgressCallback) -> DriftFound:
    """Return the drift toward a newer log, toward some days of this one, or toward its last quarter."""
    if against and ".." not in against:
        return measure_drift(settings, against, on_progress=on_progress)
    earlier, later = last_quarter(load_log(settings, on_progress=on_progress))
    periods = (earlier, later) if not against else _before(earlier, read_period(against, "days"))
    return measure_drift(settings, periods=periods, on_progress=on_progress)


def _before(whole: Period, later: Period) -> tuple[Period, Period]:
    if later.begins <= whole.begins:
        raise DataError("There is nothing in the log before these days.", hint="Name later ones.")
    return type(whole)(whole.begins, later.begins), later


def _experiment(settings: Settings, on_progress: ProgressCallback) -> TriedExperiment:
    read = read_experiment(settings, on_progress=on_progress)
    kept = Path(settings.output) if settings.output else None
    return TriedExperiment(
        read=read,
        calibrated=calibrate_experiment(settings, on_progress=on_progress),
        ledger=read_ledger(kept) if kept is not None and kept.is_dir() else None,
    )
