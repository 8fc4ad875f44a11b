"""After how many events a simulated journey may be cut."""

from __future__ import annotations

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.flow import Flow, solve
from persona_tui.engine.types import FloatArray

LOOSE_ENDS = 1e-6
"""Share of journeys that the simulation may cut: too few to set it apart from the exact values."""
_LONGEST_HORIZON = 2**20


def shortest_horizon(*arms: tuple[Flow, FloatArray]) -> int:
    """Return the smallest power of two that truncates less than a millionth of journeys in every arm.

    Parameters
    ----------
    *arms : (Flow, array of shape (K,))
        Flow and shares.

    Raises
    ------
    SimulationError
        If journeys hardly ever end.
    """
    horizon = 1
    while horizon <= _LONGEST_HORIZON:
        truncated = [float(shares @ solve(flow, horizon).truncated) for flow, shares in arms]
        if max(truncated) < LOOSE_ENDS:
            return horizon
        horizon *= 2
    raise SimulationError(
        f"After {_LONGEST_HORIZON} events {100 * max(truncated):.1f} % of journeys have still not ended.",
        hint="Set max_length, or name the events that end a journey.",
    )
