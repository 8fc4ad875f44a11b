"""What the change of a real experiment did at each step, and whether it was foretold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import tomli_w

from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.arms import Arms, Check
from persona_tui.engine.evaluation.calibration import Calibration, calibrate
from persona_tui.engine.evaluation.readout import ReadOut, read_out
from persona_tui.engine.evaluation.user_metrics import COMPLETION, PER_SESSION, metrics_of
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.study.experiment import OpenedExperiment, open_experiment
from persona_tui.study.options import Settings
from persona_tui.study.resources import available_workers
from persona_tui.study.store import write_text

SCHEMA: Final = "persona-tui/calibration/1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CalibratedExperiment:
    """What the changes of a real experiment did at each step.

    Parameters
    ----------
    source, variant : str
        The log, and its column of arms.
    unit : {"user", "session"}
    arms : Arms
    checks : tuple of Check
        Whether the lot was fair; read them first.
    found : tuple of Calibration
        Of each treatment.
    completion_events : tuple of str
    completion : tuple of ReadOut
        Of each treatment: the difference in completion as it was observed.
    fingerprint : str
        Of the log.
    """

    source: str
    variant: str
    unit: str
    arms: Arms
    checks: tuple[Check, ...]
    found: tuple[Calibration, ...]
    completion_events: tuple[str, ...]
    completion: tuple[ReadOut, ...]
    fingerprint: str

    @property
    def is_broken(self) -> bool:
        """Return whether the differences cannot be taken for effects."""
        return any(each.is_broken for each in self.checks)

    def treatment(self, name: str) -> int:
        """Return the place of a treatment; the only one where no name is given.

        Raises
        ------
        DataError
            If there are several and none is named, or there is none of that name.
        """
        names = [each.treatment for each in self.found]
        if name in names:
            return names.index(name)
        if name or len(names) > 1:
            raise DataError(
                f"Which treatment? There are: {', '.join(names)}.", hint="Name it: --treatment ARM"
            )
        return 0


def calibrate_experiment(
    settings: Settings,
    *,
    variant: str = "",
    control: str = "",
    since: str = "",
    allocation: Sequence[float] = (),
    on_progress: ProgressCallback = ignore_progress,
) -> CalibratedExperiment:
    """Return what the changes of a real experiment did at each step.

    Parameters
    ----------
    settings : Settings
        The log, its outcomes, the unit and the number of personas.
    variant, control, since, allocation
        As ``read_experiment`` takes them.
    on_progress : callable

    Raises
    ------
    DataError
        If the log cannot be used, is none of an experiment, or has too few users to be followed.
    UnknownNameError
        If an attribute, an arm or an event is not there.
    """
    opened = open_experiment(
        settings,
        variant=variant,
        control=control,
        since=since,
        allocation=allocation,
        on_progress=on_progress,
    )
    found = tuple(
        calibrate(
            opened.log.sequences,
            opened.arms,
            place,
            unit=settings.unit,
            completion=opened.completion,
            drop=opened.drop,
            n_clusters=settings.n_clusters(),
            random_state=settings.seed,
            workers=settings.workers or available_workers(),
            on_progress=on_progress,
        )
        for place in range(1, len(opened.arms.names))
    )
    return CalibratedExperiment(
        source=settings.source_shown(),
        variant=opened.variant,
        unit=settings.unit,
        arms=opened.arms,
        checks=opened.checks,
        found=found,
        completion_events=tuple(sorted(opened.completion)),
        completion=_observed(opened, settings.unit),
        fingerprint=opened.log.fingerprint,
    )


def _observed(opened: OpenedExperiment, unit: str) -> tuple[ReadOut, ...]:
    """Return the difference in completion of each treatment, in the unit that rates are shares of."""
    arms = opened.arms
    wanted = COMPLETION if unit == "user" else PER_SESSION
    metrics = metrics_of(opened.log.sequences, arms, completion=opened.completion, drop=opened.drop)
    metric = next(each for each in metrics if each.name == wanted)
    return tuple(
        read_out(metric, arms.members(0), arms.members(place)) for place in range(1, len(arms.names))
    )


def write_modification(calibrated: CalibratedExperiment, path: Path, treatment: str = "") -> Path:
    """Write the settled effects of a treatment as a file that ``--modification @FILE`` takes.

    Parameters
    ----------
    calibrated : CalibratedExperiment
    path : Path
    treatment : str
        Which, where there are several.

    Returns
    -------
    Path

    Raises
    ------
    DataError
        If no effect is settled.
    ExportError
        If the file cannot be written.
    """
    found = calibrated.found[calibrated.treatment(treatment)]
    effects = found.as_modification()
    if not effects:
        raise DataError(
            "No step has an effect whose interval leaves out none; there is nothing to replay.",
            hint="A longer or larger experiment would tell.",
        )
    write_text(path, tomli_w.dumps({"effects": list(effects)}))
    return path


def calibration_document(calibrated: CalibratedExperiment) -> dict[str, Any]:
    """Return what a real experiment did at each step as ``--json`` prints it.

    Parameters
    ----------
    calibrated : CalibratedExperiment
    """
    return {
        "schema": SCHEMA,
        "source": calibrated.source,
        "variant": calibrated.variant,
        "unit": calibrated.unit,
        "completion": list(calibrated.completion_events),
        "randomisation": {
            "is_broken": calibrated.is_broken,
            "checks": [asdict(each) for each in calibrated.checks],
        },
        "treatments": [
            {
                **asdict(each),
                "only_in": dict(each.only_in),
                "modification": list(each.as_modification()),
                "completion": asdict(observed),
            }
            for each, observed in zip(calibrated.found, calibrated.completion, strict=True)
        ],
        "fingerprint": calibrated.fingerprint,
    }
