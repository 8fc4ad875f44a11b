"""What a reader should know before trusting a result."""

from __future__ import annotations

from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.population import n_users_of
from persona_tui.engine.simulation.simulated import ARMS

TRUNCATION_WARNING = 0.01
FEW_USERS = 50


def caveats_of(
    simulator: ProductFlowSimulator,
    modification: FlowModification,
    total: Comparison,
    max_length: int | None,
) -> tuple[str, ...]:
    """Return what the reader should know before trusting an experiment: of the change, horizon and sample."""
    return (
        *modification.caveats(simulator.flow),
        *_truncation_caveats(total, max_length),
        *_sample_caveats(simulator),
    )


def _truncation_caveats(total: Comparison, max_length: int | None) -> list[str]:
    worst = max(total.arms[arm]["truncated_rate"] for arm in ARMS)
    if worst <= TRUNCATION_WARNING:
        return []
    return [f"{100 * worst:.1f} % of journeys are cut at {max_length} events and end in no outcome."]


def _sample_caveats(simulator: ProductFlowSimulator) -> list[str]:
    n_users = round(n_users_of(simulator))
    if n_users >= FEW_USERS:
        return []
    told = f"The log has only {n_users} users: its"
    if simulator.excluded:
        told = f"Only {n_users} users are not excluded:"
    return [f"{told} intervals are narrower than the doubt really is."]
