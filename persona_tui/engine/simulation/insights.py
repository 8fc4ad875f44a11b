"""Why a change does what it does, what would have to be true, and what a real test of it takes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.params import Range, parameters_of
from persona_tui.engine.simulation.arrivals import Arrivals
from persona_tui.engine.simulation.comparison import ROUNDING
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.leverage import (
    StateDropOff,
    StepLeverage,
    drop_off_by_state,
    step_leverage,
)
from persona_tui.engine.simulation.parameter_ranges import possible_values
from persona_tui.engine.simulation.planning import Plan, Trial, plan_experiment
from persona_tui.engine.simulation.sensitivity import (
    BreakEven,
    Build,
    Tornado,
    break_even,
    tornado,
    vary,
)

_ALWAYS_LARGER = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEvenParameter:
    """Where one parameter of a modification turns its uplift.

    Parameters
    ----------
    effect : int
        Position in ``FlowModification.compile()``.
    name : str
        ``effect.parameter``.
    value : float
        As the modification has it; the mean of a range.
    found : BreakEven
    """

    effect: int
    name: str
    value: float
    found: BreakEven


@dataclass(frozen=True, slots=True, kw_only=True)
class Insights:
    """What stands behind an experiment.

    Parameters
    ----------
    drop_off : tuple of StateDropOff
        Where journeys leave in both arms.
    leverage : tuple of StepLeverage
        What one point less leaving at each step of the control is worth, the best first.
    drivers : Tornado
        What moves the uplift most.
    break_even : tuple of BreakEvenParameter
        Continuous parameters; one whose uplift never turns says on which side it stays.
    """

    drop_off: tuple[StateDropOff, ...]
    leverage: tuple[StepLeverage, ...]
    drivers: Tornado
    break_even: tuple[BreakEvenParameter, ...]


def explain(experiment: Experiment) -> Insights:
    """Return what stands behind an experiment.

    Parameters
    ----------
    experiment : Experiment

    Notes
    -----
    About 50 solves for each continuous parameter, one set of derivatives and a few solves besides.
    """
    control, shares, horizon = experiment.control, experiment.shares, experiment.max_length
    return Insights(
        drop_off=drop_off_by_state(
            control, experiment.treatment, shares["control"], shares["treatment"], horizon
        ),
        leverage=step_leverage(control, shares["control"], horizon),
        drivers=tornado(
            control,
            experiment.modification,
            shares=shares["control"],
            max_length=horizon,
            data=experiment.total.uplifts["completion_rate"].data,
        ),
        break_even=tuple(_break_evens(experiment)),
    )


def _break_evens(experiment: Experiment) -> Iterator[BreakEvenParameter]:
    modification = experiment.modification
    for index, effect in enumerate(modification.compile()):
        for each in parameters_of(type(effect)):
            value: Any = getattr(effect, each.name)
            if each.kind != "float" or value is None or each.low is None or each.high is None:
                continue
            build = _varied(modification, index, each.name)
            stated = value.mean if isinstance(value, Range) else value
            low, high = possible_values(experiment.control, build, stated, (each.low, each.high))
            if low == high:
                continue
            found = break_even(
                experiment.control,
                build,
                low,
                high,
                shares=experiment.shares["control"],
                max_length=experiment.max_length,
            )
            yield BreakEvenParameter(
                effect=index, name=f"{effect.name}.{each.name}", value=stated, found=found
            )


def _varied(modification: FlowModification, index: int, parameter: str) -> Build:
    return lambda value: vary(modification, index, parameter, value)


def plan_real_test(
    experiment: Experiment,
    arrivals: Arrivals,
    counts: TransitionCounts,
    *,
    weeks: float = 4.0,
    **terms: Any,  # noqa: ANN401 - fields of Trial
) -> Plan:
    """Return what a real test of a predicted uplift of completion takes.

    Parameters
    ----------
    experiment : Experiment
    arrivals : Arrivals
        Of the experiment's unit.
    counts : TransitionCounts
        Of the log, for how alike the journeys of one user are.
    weeks : float
        A length for which the least uplift that can be found is told.
    **terms
        Further fields of ``Trial``: power, level, one_sided, treatment_share, exposed.

    Raises
    ------
    SimulationError
        If a term is out of bounds.
    """
    estimate, drawn = experiment.total.uplifts["completion_rate"], experiment.drawn_uplifts
    low, high = estimate.total
    per_user, correlation = journeys_per_user(counts)
    trial = Trial(
        control=experiment.total.arms["control"]["completion_rate"],
        uplift=_settled(estimate.value),
        per_week=arrivals.per_week,
        total=(_settled(low), _settled(high)),
        draws=np.where(np.abs(drawn) <= ROUNDING, 0.0, drawn),
        unit=experiment.unit,
        units_per_user=per_user,
        correlation=correlation,
        **terms,
    )
    return plan_experiment(trial, weeks=weeks)


def _settled(uplift: float) -> float:
    """Return an uplift, zero where it is rounding: no test is sized to find that."""
    return 0.0 if abs(uplift) <= ROUNDING else uplift


def journeys_per_user(counts: TransitionCounts) -> tuple[float, float]:
    """Return the mean number of journeys of a user, and the correlation of conversion of two of them.

    Parameters
    ----------
    counts : TransitionCounts

    Notes
    -----
    The correlation is the one-way analysis-of-variance estimate for groups of unequal size, cut to
    0 to 1. The mean weighs users by their journeys, since a user with many tells the same thing often.

    References
    ----------
    Donner (1986), A review of inference procedures for the intraclass correlation coefficient,
    *International Statistical Review* 54, 67-82.

    Examples
    --------
    >>> from persona_tui.engine.data.sequences import Sequences
    >>> from persona_tui.engine.modeling.counts import count_transitions
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u", "v"), codes=np.array([1, 1, 0, 0], np.int32),
    ...     users=np.array([0, 0, 1, 1], np.int32), sessions=np.arange(4), times=np.arange(4))
    >>> cut = cut_journeys(log, unit="session", completion={"b"}, censor=False)
    >>> journeys_per_user(count_transitions(cut))
    (2.0, 1.0)
    """
    users, sizes, hits = counts.multiplicity, counts.n_journeys, counts.n_converted
    n_users, n_journeys = users.sum(), (users * sizes).sum()
    weighted = float((users * sizes**2).sum() / n_journeys)
    if weighted <= 1 + _ALWAYS_LARGER or n_users < 2:
        return 1.0, 0.0
    mean = (users * hits).sum() / n_journeys
    rates = hits / sizes
    between = (users * sizes * (rates - mean) ** 2).sum() / (n_users - 1)
    within = (users * sizes * rates * (1 - rates)).sum() / max(n_journeys - n_users, 1)
    typical = (n_journeys - weighted) / (n_users - 1)
    total = between + (typical - 1) * within
    correlation = (between - within) / total if total > 0 else 0.0
    return weighted, float(np.clip(correlation, 0.0, 1.0))
