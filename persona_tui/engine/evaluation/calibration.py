"""What a real change did at each step, in the parameters of simulated changes, so that it can be replayed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from persona_tui.engine.data.sequences import Sequences, take_events
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.arm_effects import (
    LEAST_VISITS,
    N_DRAWS,
    DrawnEffects,
    Kind,
    TwoArms,
    can_be_left,
)
from persona_tui.engine.evaluation.arms import Arms
from persona_tui.engine.evaluation.followed import Followed, follow
from persona_tui.engine.evaluation.rerouting import Rerouted, find_rerouted
from persona_tui.engine.modeling.assignment import assign_users
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.params import quote
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.statistics import Interval, interval
from persona_tui.engine.types import BoolArray, FloatArray, RandomState, Unit

_STANDARD_ERRORS_OF_RANGE: Final = 2.773
"""From the mode of a range to its ends: its PERT distribution has the 95 % interval of 1.96 of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepEffect:
    """What a change did to leaving at one step.

    Parameters
    ----------
    step : str
        Empty for one effect at all steps.
    visits : (int, int)
        In control and in treatment.
    leaving : (float, float)
        Share of these visits after which the journey was left.
    kind : {"friction", "reward"} or None
        None where nothing can be told.
    factor : float
        Of the friction or reward; below zero where the interval reaches past none.
    interval : (float, float) or None
        95 %, from users weighted anew and memberships fitted anew.
    error : float
        Standard deviation over these draws.
    why_not : str
        Why nothing can be told; else empty.
    """

    step: str
    visits: tuple[int, int]
    leaving: tuple[float, float]
    kind: Kind | None
    factor: float
    interval: Interval | None
    error: float
    why_not: str

    @property
    def is_settled(self) -> bool:
        """Return whether the interval leaves out none."""
        return self.interval is not None and not self.interval[0] <= 0 <= self.interval[1]

    def as_effect(self) -> str:
        """Return it as the text of a simulated change; empty where nothing can be told.

        Notes
        -----
        The range reaches 2.773 standard errors to either side, cut at none and at all: the 95 % interval of
        a PERT distribution is narrower than its range.
        """
        if self.kind is None:
            return ""
        reach = _STANDARD_ERRORS_OF_RANGE * self.error
        mode = float(np.clip(self.factor, 0.0, 1.0))
        low, high = max(mode - reach, 0.0), min(mode + reach, 1.0)
        at = f",at={quote(self.step)}" if self.step else ""
        return f"{self.kind}:factor={low:.4f}/{mode:.4f}/{high:.4f}{at}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """How much of the difference in completion the effects on leaving account for.

    Parameters
    ----------
    observed : float
        Treatment minus control.
    observed_interval : (float, float)
    by_leaving : float
        What the flow of control makes of the effects.
    by_leaving_interval : (float, float)
    rest_interval : (float, float)
        95 % of what is left.
    """

    observed: float
    observed_interval: Interval
    by_leaving: float
    by_leaving_interval: Interval
    rest_interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a real change did, in the parameters of simulated ones.

    Parameters
    ----------
    treatment : str
    n_users : (int, int)
        Followed, in control and in treatment.
    n_too_late : int
        Journeys left out since they began too near the end of the log.
    followed_seconds : float
    n_clusters : int
        Personas that share the effects.
    steps : tuple of StepEffect
    overall : StepEffect
        One effect at all steps.
    rerouted : tuple of Rerouted
        Where the change sent people elsewhere, the largest first.
    explained : Explained
    only_in : tuple of (str, str)
        Events that one arm has only, and the arm; they were taken out.
    """

    treatment: str
    n_users: tuple[int, int]
    n_too_late: int
    followed_seconds: float
    n_clusters: int
    steps: tuple[StepEffect, ...]
    overall: StepEffect
    rerouted: tuple[Rerouted, ...]
    explained: Explained
    only_in: tuple[tuple[str, str], ...]

    def as_modification(self) -> tuple[str, ...]:
        """Return the effects whose intervals leave out none, as texts of simulated changes.

        What may go either way is no range of a friction or of a reward: cut at none, it would lean.
        """
        return tuple(each.as_effect() for each in self.steps if each.is_settled)


def calibrate(
    sequences: Sequences,
    arms: Arms,
    place: int,
    *,
    unit: Unit,
    completion: Collection[str],
    drop: Collection[str] = frozenset(),
    n_clusters: int | Literal["auto"] = "auto",
    n_draws: int = N_DRAWS,
    random_state: RandomState = None,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> Calibration:
    """Return what the change of a real experiment did at each step.

    Parameters
    ----------
    sequences : Sequences
        The whole log.
    arms : Arms
        Of its users.
    place : int
        Of the treatment among the arms.
    unit : {"user", "session"}
    completion, drop : collection of str
    n_clusters : int or "auto"
        Personas; found among the users of control.
    n_draws : int
    random_state : int, SeedSequence, Generator or None
    workers : int
    on_progress : callable

    Raises
    ------
    DataError
        If an arm has too few users that can be followed.

    Notes
    -----
    Journeys are followed for the same time from entry on. Both arms have the same personas, in the same
    shares since a lot was drawn, and the same chains but for the chance of leaving at each step: stay
    becomes ``(1 - p)(1 - friction)``, or leave ``p (1 - reward)``, whichever direction the step went, for
    every persona alike, as a simulated change does. Fitted at once by EM; a comparison of pooled rates
    would be off where the change alters who is still there at later visits. Intervals are normal on the
    logarithm of what an effect multiplies by, with the spread of the Bayesian bootstrap over users,
    memberships fitted anew.

    References
    ----------
    Dempster, Laird & Rubin (1977), Maximum likelihood from incomplete data via the EM algorithm, *Journal of
    the Royal Statistical Society B* 39, 1-38. Rubin (1981), The Bayesian bootstrap, *Annals of Statistics* 9.
    """
    seed = normalise_seed(random_state)
    present = frozenset(sequences.vocabulary)
    completion, drop = present.intersection(completion), present.intersection(drop)
    inside, treated = _enter(sequences, arms, place)
    names = arms.names[0], arms.names[place]
    common, only_in = _common_events(inside, treated, names, completion)
    followed = follow(common, unit=unit, completion=completion, drop=drop)
    treated_ids = frozenset(np.array(inside.user_ids, dtype=object)[treated])
    treated = np.array([user in treated_ids for user in followed.sequences.user_ids])
    _require_users(treated, names)
    on_progress(Progress(stage="fit both arms", done=0, total=3))
    memberships, prior = _personas_of_control(followed, treated, n_clusters, seed, workers)
    both = TwoArms.of(count_transitions(followed.journeys), treated, memberships, prior)
    acts = both.acts_on
    if not acts.any():
        raise DataError(
            f"Of no step anything can be told: each has fewer than {LEAST_VISITS} visits in an arm, or "
            "nobody or everybody of an arm leaves there.",
            hint="Take a longer experiment, or see persona-tui experiment.",
        )
    by_step = both.estimate(np.where(acts, np.cumsum(acts) - 1, -1), seed, n_draws)
    on_progress(Progress(stage="fit both arms", done=1, total=3))
    at_all = both.estimate(np.where(acts, 0, -1), seed, n_draws)
    on_progress(Progress(stage="fit both arms", done=2, total=3))
    rerouted = find_rerouted(both.counts, treated, both.leaves, both.states, seed)
    on_progress(Progress(stage="fit both arms", done=3, total=3))
    return Calibration(
        treatment=arms.names[place],
        n_users=(int((~treated).sum()), int(treated.sum())),
        n_too_late=followed.n_too_late,
        followed_seconds=followed.horizon / 1e6,
        n_clusters=memberships.shape[1],
        steps=_steps(both, by_step),
        overall=_overall(both, at_all),
        rerouted=rerouted,
        explained=_explain(by_step),
        only_in=only_in,
    )


def _require_users(treated: BoolArray, names: tuple[str, str]) -> None:
    for arm, name in zip((~treated, treated), names, strict=True):
        if not arm.any():
            raise DataError(
                f"No user of '{name}' shows an event that both arms have.",
                hint="Give the events of the arms common names: --prepare rename, or merge.",
            )
        if arm.sum() < LEAST_VISITS:
            raise DataError(
                f"{int(arm.sum())} users of '{name}' can be followed for long enough; "
                f"{LEAST_VISITS} are needed.",
                hint="Take a longer log.",
            )


def _enter(sequences: Sequences, arms: Arms, place: int) -> tuple[Sequences, BoolArray]:
    """Return the events of the users of two arms from entry on, and which of these users are treated."""
    member = np.isin(arms.of_users, (0, place))
    rows = np.flatnonzero(member[sequences.users] & (sequences.times >= arms.entered[sequences.users]))
    inside, users = take_events(sequences, rows)
    return inside, arms.of_users[users] == place


def _common_events(
    inside: Sequences, treated: BoolArray, names: tuple[str, str], kept: Collection[str]
) -> tuple[Sequences, tuple[tuple[str, str], ...]]:
    """Return a log without events that one arm has only, and these with the arm; some are kept always."""
    n_types = len(inside.vocabulary)
    seen = [
        np.bincount(inside.codes[arm[inside.users]], minlength=n_types) > 0 for arm in (~treated, treated)
    ]
    always = np.isin(inside.vocabulary, sorted(kept))
    only_in = tuple(
        (event, names[int(seen[1][code])])
        for code, event in enumerate(inside.vocabulary)
        if seen[0][code] != seen[1][code] and not always[code]
    )
    common = (seen[0] & seen[1]) | always
    if not common[inside.codes].any():
        raise DataError("The arms have no event in common.", hint="Check the variant column.")
    return take_events(inside, np.flatnonzero(common[inside.codes]))[0], only_in


def _personas_of_control(
    followed: Followed,
    treated: BoolArray,
    n_clusters: int | Literal["auto"],
    seed: np.random.SeedSequence,
    workers: int,
) -> tuple[FloatArray, float]:
    """Return how far each user belongs to the personas of control, to begin with, and their prior."""
    control = followed.of_users(~treated)
    found = find_personas(
        count_transitions(followed.cut(control)), n_clusters, random_state=seed, workers=workers
    )
    assert found.mixture is not None  # find_personas always fits one
    return assign_users(found.mixture, followed.sequences, censor=False).memberships, found.mixture.prior


def _steps(both: TwoArms, found: DrawnEffects) -> tuple[StepEffect, ...]:
    told = np.flatnonzero(both.acts_on)
    number = {row: effect for effect, row in enumerate(told.tolist())}
    rows = np.flatnonzero(can_be_left(both.counts) & (both.visits.sum(axis=0) > 0))
    return tuple(
        _effect(
            both.states[row - 1],
            both.visits[:, row],
            both.left[:, row],
            found,
            number.get(row),
        )
        for row in rows.tolist()
    )


def _overall(both: TwoArms, found: DrawnEffects) -> StepEffect:
    acts = both.acts_on
    visits, left = both.visits[:, acts].sum(axis=1), both.left[:, acts].sum(axis=1)
    return _effect("", visits, left, found, 0 if acts.any() else None)


def _effect(
    step: str, visits: FloatArray, left: FloatArray, found: DrawnEffects, effect: int | None
) -> StepEffect:
    control, treatment = (float(part) for part in np.divide(left, visits, out=np.zeros(2), where=visits > 0))
    draws = np.zeros(2) if effect is None else found.factors[effect, 1:]
    kind: Kind | None = None
    if effect is not None:
        kind = "reward" if found.rewards[effect] else "friction"
    return StepEffect(
        step=step,
        visits=(round(visits[0]), round(visits[1])),
        leaving=(control, treatment),
        kind=kind,
        factor=0.0 if effect is None else float(found.factors[effect, 0]),
        interval=None if effect is None else found.interval_of(effect),
        error=float(draws.std(ddof=1)),
        why_not="" if effect is not None else _why_not(visits, left),
    )


def _why_not(visits: FloatArray, left: FloatArray) -> str:
    if (visits < LEAST_VISITS).any():
        return f"fewer than {LEAST_VISITS} visits in an arm"
    if not left.all():
        return "nobody leaves there" if not left.any() else "nobody of one arm leaves there"
    return "all of an arm leave there"


def _explain(found: DrawnEffects) -> Explained:
    control, treatment, observed = found.conversions
    by_leaving = treatment - control
    return Explained(
        observed=float(observed[0]),
        observed_interval=interval(observed[1:]),
        by_leaving=float(by_leaving[0]),
        by_leaving_interval=interval(by_leaving[1:]),
        rest_interval=interval((observed - by_leaving)[1:]),
    )
