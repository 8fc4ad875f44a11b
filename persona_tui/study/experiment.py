"""A real experiment, read from a log that says in which arm its users were."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from persona_tui.engine.data.attributes import attribute_columns
from persona_tui.engine.data.event_log import EventLog
from persona_tui.engine.data.funnel import detect_funnel
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.evaluation.arms import Arms, Check, arms_of, check_lot
from persona_tui.engine.evaluation.readout import TIGHTEST_AT, ReadOut, UserValues, read_out
from persona_tui.engine.evaluation.user_metrics import funnel_of, metrics_of, only_in_some
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.study.log import load_log, outcomes_of
from persona_tui.study.options import Settings

SCHEMA: Final = "persona-tui/experiment/1"
VARIANT_NAMES: Final = frozenset(
    {
        "variant",
        "variation",
        "experiment",
        "experiment_variant",
        "ab_group",
        "ab_variant",
        "test_group",
        "arm",
    }
    | {"treatment", "bucket", "group", "cohort"}
)
"""What a column of arms is called where nobody says which it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """One treatment beside the control.

    Parameters
    ----------
    treatment : str
    metrics, funnel : tuple of ReadOut
    """

    treatment: str
    metrics: tuple[ReadOut, ...]
    funnel: tuple[ReadOut, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealExperiment:
    """What a real experiment found.

    Parameters
    ----------
    source, variant : str
        The log, and its column of arms.
    arms : Arms
    checks : tuple of Check
        Whether the lot was fair; read them first.
    comparisons : tuple of Comparison
        Each treatment with the control.
    other_events : tuple of (str, str)
        Events that not all arms have, and the arms that have them.
    completion : tuple of str
    since : str
        As it was given.
    tightest_at : int
        Users at which always-valid intervals are the tightest.
    fingerprint : str
        Of the log.
    """

    source: str
    variant: str
    arms: Arms
    checks: tuple[Check, ...]
    comparisons: tuple[Comparison, ...]
    other_events: tuple[tuple[str, str], ...]
    completion: tuple[str, ...]
    since: str
    tightest_at: int
    fingerprint: str

    @property
    def is_broken(self) -> bool:
        """Return whether the differences cannot be taken for effects."""
        return any(each.is_broken for each in self.checks)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenedExperiment:
    """The log of a real experiment, and who was in which arm.

    Parameters
    ----------
    log : EventLog
    variant : str
        Attribute that names the arm.
    arms : Arms
    checks : tuple of Check
        Whether the lot was fair.
    steps : tuple of str
        Of the funnel.
    completion, drop : frozenset of str
    """

    log: EventLog
    variant: str
    arms: Arms
    checks: tuple[Check, ...]
    steps: tuple[str, ...]
    completion: frozenset[str]
    drop: frozenset[str]


def open_experiment(
    settings: Settings,
    *,
    variant: str = "",
    control: str = "",
    since: str = "",
    allocation: Sequence[float] = (),
    on_progress: ProgressCallback = ignore_progress,
) -> OpenedExperiment:
    """Return the log of a real experiment, and who was in which arm; see ``read_experiment``."""
    began = _moment(since) if since else None
    log = load_log(settings, on_progress=on_progress)
    sequences = log.sequences
    column = _variant_of(variant, attribute_columns(log.events))
    arms = arms_of(sequences, log.events[column], control=control, since=began)
    steps = settings.funnel_steps() or detect_funnel(sequences, next(iter(settings.completion), None))
    completion, drop = outcomes_of(settings, sequences.vocabulary, steps)
    return OpenedExperiment(
        log=log,
        variant=column,
        arms=arms,
        checks=check_lot(arms, allocation),
        steps=tuple(steps),
        completion=completion,
        drop=drop,
    )


def read_experiment(
    settings: Settings,
    *,
    variant: str = "",
    control: str = "",
    since: str = "",
    allocation: Sequence[float] = (),
    tightest_at: int = TIGHTEST_AT,
    on_progress: ProgressCallback = ignore_progress,
) -> RealExperiment:
    """Return what a real experiment found.

    Parameters
    ----------
    settings : Settings
        The log, its funnel and its outcomes.
    variant : str
        Attribute that names the arm; found by its name where empty.
    control : str
        Arm without the change; found by its name where empty.
    since : str
        Date or time, ISO 8601, UTC without a zone, when the experiment began.
    allocation : sequence of float
        Intended parts of the users, control first.
    tightest_at : int
        As ``read_out`` takes it.
    on_progress : callable

    Raises
    ------
    DataError
        If the log cannot be used, or is none of an experiment.
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
    arms, sequences = opened.arms, opened.log.sequences
    completion = opened.completion
    on_progress(Progress(stage="read the experiment", done=0, total=len(arms.names) - 1))
    metrics = metrics_of(sequences, arms, completion=completion, drop=opened.drop)
    funnel = funnel_of(sequences, arms, opened.steps)
    comparisons = []
    for place, name in enumerate(arms.names[1:], start=1):
        told, stepped = (_read_outs(each, arms, place, tightest_at) for each in (metrics, funnel))
        comparisons.append(Comparison(treatment=name, metrics=told, funnel=stepped))
        on_progress(Progress(stage="read the experiment", done=place, total=len(arms.names) - 1))
    return RealExperiment(
        source=settings.source_shown(),
        variant=opened.variant,
        arms=arms,
        checks=opened.checks,
        comparisons=tuple(comparisons),
        other_events=only_in_some(sequences, arms),
        completion=tuple(sorted(completion)),
        since=since,
        tightest_at=tightest_at,
        fingerprint=opened.log.fingerprint,
    )


def _read_outs(
    metrics: Sequence[UserValues], arms: Arms, place: int, tightest_at: int
) -> tuple[ReadOut, ...]:
    control, treatment = arms.members(0), arms.members(place)
    return tuple(read_out(each, control, treatment, tightest_at=tightest_at) for each in metrics)


def _moment(text: str) -> datetime:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(f"'{text}' is no date.", hint="For example: --since 2026-03-01") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _variant_of(asked: str, attributes: Sequence[str]) -> str:
    if asked:
        if asked not in attributes:
            raise unknown_name("attribute", asked, attributes)
        return asked
    likely = [name for name in attributes if name.casefold() in VARIANT_NAMES]
    if len(likely) == 1:
        return likely[0]
    shown = ", ".join(likely or attributes) or "none; keys of metadata become some by --prepare flatten"
    raise DataError(f"Which attribute names the arm? There are: {shown}.", hint="Name it: --variant COLUMN")


def experiment_document(found: RealExperiment) -> dict[str, Any]:
    """Return what a real experiment found as ``--json`` prints it.

    Parameters
    ----------
    found : RealExperiment
    """
    return {
        "schema": SCHEMA,
        "source": found.source,
        "variant": found.variant,
        "since": found.since,
        "completion": list(found.completion),
        "arms": [
            {"name": name, "users": n} for name, n in zip(found.arms.names, found.arms.n_users(), strict=True)
        ],
        "users_in_several_arms": found.arms.n_crossing,
        "users_in_none": found.arms.n_outside,
        "randomisation": {
            "is_broken": found.is_broken,
            "checks": [asdict(each) for each in found.checks],
        },
        "comparisons": [
            {
                "control": found.arms.names[0],
                "treatment": each.treatment,
                "metrics": [asdict(metric) for metric in each.metrics],
                "funnel": [asdict(step) for step in each.funnel],
            }
            for each in found.comparisons
        ],
        "events_not_in_all_arms": {name: arms.split(", ") for name, arms in found.other_events},
        "always_valid_tightest_at": found.tightest_at,
        "fingerprint": found.fingerprint,
    }
