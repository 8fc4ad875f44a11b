"""How long journeys take to convert, in both arms."""

from __future__ import annotations

import numpy as np

from persona_tui.engine.simulation.durations import conversion_times
from persona_tui.engine.simulation.dwell import DwellTimes
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.simulated import ARMS

QUANTILES = (25, 50, 75, 90)
"""Percentages of those who convert, whose time to convert is told."""


def conversion_quantiles(experiment: Experiment, dwell: DwellTimes) -> dict[str, dict[str, float]]:
    """Return quantiles of the time to convert by arm; none where nobody converts."""
    found: dict[str, dict[str, float]] = {}
    shares = experiment.shares
    equal_shares = np.array_equal(shares["control"], shares["treatment"])
    for arm, flow in zip(ARMS, (experiment.control, experiment.treatment), strict=True):
        if arm == "treatment" and flow is experiment.control and equal_shares:
            found[arm] = found["control"]
            continue
        times = conversion_times(flow, shares[arm], dwell, experiment.max_length)
        quantiles = times.quantiles(tuple(each / 100 for each in QUANTILES)).tolist()
        found[arm] = {f"p{each}": seconds for each, seconds in zip(QUANTILES, quantiles, strict=True)}
    return found
