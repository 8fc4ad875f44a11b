"""What is said of a scenario's outcome, in table cells and sentences; every face says the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from persona_tui.engine.analytics.numbers import chance, interval_text, percent, points_number, signed
from persona_tui.engine.analytics.wording import (
    METRIC_WORDS,
    NOTICED_TRUNCATION,
    SHARES,
    duration,
    duration_interval,
)
from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.statistics import Estimate, Interval

_SHOWN: Final = 0.0005
"""Half of the last digit of a share that is shown: what is narrower reads as one number."""


def shown_metrics(experiment: Experiment) -> list[str]:
    """Return the metrics that are told; how many walks are cut is told where it is worth a line."""
    truncated = max(arm["truncated_rate"] for arm in experiment.total.arms.values())
    hidden = set() if truncated >= NOTICED_TRUNCATION else {"truncated_rate"}
    return [metric for metric in experiment.metrics if metric not in hidden]


def harm_words(part: Comparison, experiment: Experiment) -> str:
    """Return the chance that completion falls, as far as the draws can tell."""
    return chance(part.harm, experiment.n_draws)


def layers(estimate: Estimate) -> str:
    """Return the sources of doubt that the interval of the table is made of or stands beside."""
    told = ""
    if estimate.assumption is not None:
        told += (
            f" Doubt from the log alone: {interval_text(*estimate.data)}; from the stated ranges alone: "
            f"{interval_text(*estimate.assumption)}."
        )
    if estimate.model is not None:
        wider = " That is wider than what the log leaves open: mind the model." if _amber(estimate) else ""
        told += f" Over other models of the same log: {interval_text(*estimate.model)}.{wider}"
    return told


def _amber(estimate: Estimate) -> bool:
    if estimate.model is None:
        return False
    return _width(estimate.model) > max(_width(estimate.data), _SHOWN)


def _width(ends: Interval) -> float:
    return ends[1] - ends[0]


def metric_cells(total: Comparison, metric: str) -> tuple[str, ...]:
    """Return a row of a table: the metric, both arms, the uplift and its interval."""
    estimate = total.uplifts[metric]
    value, difference = writers(metric)
    return (
        METRIC_WORDS[metric],
        *(value(total.arms[arm][metric]) for arm in ARMS),
        difference(estimate.value),
        band(metric, estimate.total),
    )


def band(metric: str, ends: Interval) -> str:
    """Return the interval of an uplift of a metric."""
    if metric in SHARES:
        return interval_text(*ends)
    return duration_interval(*ends) if "seconds" in metric else " to ".join(map(signed, ends))


def writers(metric: str) -> tuple[Callable[[float], str], Callable[[float], str]]:
    """Return how a value and a difference of a metric are written."""
    if metric in SHARES:
        return percent, points_number
    return (duration, _signed_duration) if "seconds" in metric else (plain_number, signed)


def plain_number(value: float) -> str:
    """Return a number that is neither a share nor a time."""
    return f"{value:.2f}"


def _signed_duration(seconds: float) -> str:
    return f"{'+' if seconds > 0 else ''}{duration(seconds)}"
