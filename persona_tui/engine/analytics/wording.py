"""Sentences written from the numbers, that never say more than the intervals allow."""

from __future__ import annotations

import math
from collections.abc import Iterable

from persona_tui.engine.analytics.numbers import MINUS, UNKNOWN, count, interval_text, percent, points
from persona_tui.engine.data.quality import LogFacts
from persona_tui.engine.simulation.comparison import ROUNDING
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.population import observed_conversion
from persona_tui.engine.statistics import Estimate

MISFIT = 0.05
"""Difference between observed and predicted reach beyond which a step is named."""
NOTICED_TRUNCATION = 0.001
"""Share of journeys cut at a horizon from which it is shown."""
UNIT_WORDS = {"user": "users", "session": "sessions"}
METRIC_WORDS = {
    "completion_rate": "completion",
    "drop_off_rate": "drop-off",
    "truncated_rate": "cut off",
    "avg_length": "events",
    "steps_to_convert": "events to convert",
    "seconds_in_sessions": "time in sessions",
    "seconds_to_convert": "time to convert",
    "sessions_per_user": "sessions",
    "return_rate": "come back",
    "value_per_journey": "value",
}
SHARES = frozenset({"completion_rate", "drop_off_rate", "truncated_rate", "return_rate"})
"""Metrics that are shares of journeys; their uplifts are points."""
_METRIC_UNITS = {
    "return_rate": "share of sessions",
    "avg_length": "events per journey",
    "steps_to_convert": "events",
    "seconds_in_sessions": "seconds per journey",
    "seconds_to_convert": "seconds",
    "sessions_per_user": "sessions per user",
    "value_per_journey": "value per journey",
}
_UNITS_OF_TIME = (("d", 86_400), ("h", 3_600), ("min", 60))


def metric_unit(metric: str) -> str:
    """Return the unit of a metric, and of its uplift.

    Examples
    --------
    >>> metric_unit("completion_rate"), metric_unit("avg_length")
    ('share of journeys', 'events per journey')
    """
    return _METRIC_UNITS.get(metric, "share of journeys")


def duration(seconds: float) -> str:
    """Return a time in the unit that suits its size.

    Examples
    --------
    >>> duration(75), duration(802), duration(56_880), duration(-400_000), duration(0.25)
    ('75 s', '13.4 min', '15.8 h', '−4.6 d', '0.2 s')
    """
    return f"{_amount_of_time(seconds, seconds)} {_unit_of_time(seconds)[0]}"


def duration_interval(low: float, high: float) -> str:
    """Return an interval of differences of time, in the unit that suits the larger end.

    Examples
    --------
    >>> duration_interval(-1079, -828)
    '−18.0 to −13.8 min'
    """
    larger = max(abs(low), abs(high))
    ends = (f"{'+' if end > 0 else ''}{_amount_of_time(end, larger)}" for end in (low, high))
    return f"{' to '.join(ends)} {_unit_of_time(larger)[0]}"


def _unit_of_time(seconds: float) -> tuple[str, int]:
    return next((each for each in _UNITS_OF_TIME if abs(seconds) >= 2 * each[1]), ("s", 1))


def _amount_of_time(seconds: float, scale: float) -> str:
    if math.isnan(seconds):
        return UNKNOWN
    name, size = _unit_of_time(scale)
    text = f"{seconds / size:.{0 if name == 's' and abs(scale) >= 10 else 1}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) else text.lstrip("-")


def question(experiment: Experiment) -> str:
    """Return what the experiment asks."""
    change = experiment.modification.description.strip().rstrip(".?!")
    return f"What if: {change[:1].lower() + change[1:]}?" if change else "What if nothing changes?"


def decision(experiment: Experiment) -> str:
    """Return the answer in one sentence."""
    said = _decision(experiment)
    if not experiment.without:
        return said
    return f"{experiment.without[:1].upper()}{experiment.without[1:]}: {said[:1].lower()}{said[1:]}"


def _decision(experiment: Experiment) -> str:
    arms = experiment.total.arms
    uplift = experiment.total.uplifts["completion_rate"]
    before, after = arms["control"]["completion_rate"], arms["treatment"]["completion_rate"]
    cut = min(_size(experiment.total.uplifts["truncated_rate"]), NOTICED_TRUNCATION)
    if _size(uplift) <= cut + ROUNDING:  # what is cut at the horizon would have ended somehow
        return f"The change leaves completion where it is, at {percent(before)}."
    low, high = uplift.total
    moves = f"from {percent(before)} to {percent(after)}"
    band = interval_text(low, high)
    if min(low, uplift.value) > 0 or max(high, uplift.value) < 0:
        verb = "raise" if low > 0 else "lower"
        return (
            f"The change is expected to {verb} completion {moves}: "
            f"{points(uplift.value)} (95 % interval {band})."
        )
    return (
        f"The log cannot tell whether the change helps or hurts completion ({moves}): "
        f"{points(uplift.value)}, 95 % interval {band}."
    )


def _interval_meaning(log: LogFacts, experiment: Experiment) -> str:
    drawn = (
        f"Intervals are 95 % and come from reweighting the {count(log.users)} users of the log "
        f"{count(experiment.n_draws)} times and fitting the personas again"
    )
    if experiment.total.uplifts["completion_rate"].assumption is None:
        return f"{drawn}; they hold what the log cannot pin down, not whether the change acts as described."
    return f"{drawn}, each time with other numbers from the ranges that the change is believed to lie in."


def models_left_out(experiment: Experiment) -> str:
    """Return which other models of the log have no part in the model layer and why; empty where all have.

    Each reason is told by its first sentence, once for all models that it holds for.
    """
    if not experiment.left_out:
        return ""
    models: dict[str, list[str]] = {}
    for name, why in experiment.left_out.items():
        models.setdefault(why.split(". ")[0].rstrip("."), []).append(name)
    listed = "; ".join(f"{', '.join(names)} ({why})" for why, names in models.items())
    told = f"Other models of the log without a part: {listed}."
    if experiment.total.uplifts["completion_rate"].model is not None:
        return told
    return f"{told} How far the choice of the model carries the result is not known."


def _size(estimate: Estimate) -> float:
    """Return how far from zero an estimate or an end of its interval lies."""
    return max(abs(estimate.value), *(abs(end) for end in estimate.total))


def assumptions(log: LogFacts, simulator: ProductFlowSimulator, experiment: Experiment) -> tuple[str, ...]:
    """Return what the numbers rest on, a sentence each."""
    units = UNIT_WORDS[experiment.unit]
    control = experiment.total.arms["control"]["completion_rate"]
    observed = observed_conversion(simulator)
    told = [
        f"Every rate is a share of {units}; a journey ends at its first completion.",
        "People are assumed to move through the changed flow as they do today, but for the stated change: "
        "each next step depends on the current step and on the persona, not on the way there.",
        _interval_meaning(log, experiment),
    ]
    if experiment.without:
        told.insert(
            0,
            f"Every total, share and number of a test is {experiment.without}, who were excluded. They keep "
            "their part of the fit, and what is said of the log as a whole holds them. How long moves take "
            "is that of users who belong to the others by half or more.",
        )
    if any(metric.startswith("seconds_") for metric in experiment.metrics):
        told.append(
            "Intervals of times hold how long each move takes at what the log shows; they move only with "
            "which moves are made."
        )
    if left_out := models_left_out(experiment):
        told.append(left_out)
    if experiment.n_personas:
        told.append(
            f"The exact values stand beside a simulation of {count(experiment.n_personas)} synthetic {units} "
            "per arm; more synthetic users shrink the simulation error only."
        )
    if log.censored_users:
        told.append(
            f"{count(log.censored_users)} users ({percent(log.censored_users / log.users)}) may still have "
            "come back when the log ended; each counts as lost only by the chance that it was. Counted as "
            f"lost in full, {_completion_instead(observed, control)}"
        )
    if simulator.journeys.n_after_completion:
        told.append(
            f"{count(simulator.journeys.n_after_completion)} events after a first completion are left out."
        )
    return tuple(told)


def _completion_instead(observed: float, control: float) -> str:
    """Return what completion would be, where that reads as another number."""
    if percent(observed) == percent(control):
        return f"completion today would still be {percent(control)}."
    return f"completion today would be {percent(observed)} instead of {percent(control)}."


def funnel_misfits(reached: Iterable[tuple[str, float, float]]) -> tuple[str, ...]:
    """Say which steps the chains reach more or less often than the log.

    Parameters
    ----------
    reached : iterable of (str, float, float)
        Step, observed rate, predicted rate of the control.

    Examples
    --------
    >>> funnel_misfits([("landing", 0.79, 0.8)])
    ()
    """
    wrong = [
        f"{step} ({percent(predicted)} instead of {percent(observed)})"
        for step, observed, predicted in reached
        if abs(predicted - observed) > MISFIT
    ]
    if not wrong:
        return ()
    return (
        f"The chains do not reproduce how many reach {', '.join(wrong)}: steps are repeated more or less "
        "than a chain without memory can tell, or reached after a completion. Trust uplifts there less.",
    )
