"""An attribute that personas have with chances of their own: do the intervals of its lifts hold them."""

from __future__ import annotations

import numpy as np
import polars as pl

from persona_tui.engine.data.attributes import Attributes
from persona_tui.engine.modeling.enrichment import AttributeLift, ValueSums, attribute_lifts, tabulate_values
from persona_tui.engine.simulation.membership_draws import sum_by_persona, user_memberships
from persona_tui.engine.simulation.uncertainty import FlowDraws

VALUES = ("free", "paid", "trial")
CONCENTRATION = 3.0


def plant_attribute(n_personas: int, generator: np.random.Generator) -> np.ndarray:
    """Return the chance of each value for users of each persona, shape (K, values)."""
    return generator.dirichlet(np.full(len(VALUES), CONCENTRATION), n_personas)


def leave_attribute(chances: np.ndarray, personas: np.ndarray, generator: np.random.Generator) -> Attributes:
    """Return the attribute of users whose personas are given."""
    held = (generator.random((len(personas), 1)) >= chances.cumsum(axis=1)[personas, :-1]).sum(axis=1)
    users = [f"u{number:06d}" for number in range(len(personas))]
    table = pl.DataFrame({"user_id": users, "plan": [VALUES[each] for each in held]})
    return Attributes(table=table, left_out={})


def planted_lifts(chances: np.ndarray, shares_of_users: np.ndarray) -> np.ndarray:
    """Return how much more often a persona has a value than all users do, shape (K, values)."""
    return chances / (shares_of_users @ chances)


def find_lifts(draws: FlowDraws, attributes: Attributes) -> list[tuple[AttributeLift, ...]]:
    """Return the lifts of each persona that were tested."""
    memberships = user_memberships(draws.simulator)
    table = tabulate_values(attributes, len(memberships))
    sums = sum_by_persona(draws, {"values": table.matrix})
    values = ValueSums(
        fitted=sums.fitted["values"],
        drawn=sums.drawn["values"],
        overlap=sums.overlap,
        drawn_overlap=sums.drawn_overlap,
    )
    return [each.lifts for each in attribute_lifts(table, values, memberships)]
