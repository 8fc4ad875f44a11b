"""Groups of users by attribute: which part of every persona's journeys is theirs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from persona_tui.engine.data.attributes import UNKNOWN, Attributes
from persona_tui.engine.params import format_segment
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.types import BoolArray, FloatArray

FEWEST_USERS = 30
"""Users below which a group is not reported: it would tell of persons."""
MOST_VALUES = 12
"""Values of an attribute above which its groups are left out of reports."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """A part of all journeys that is reported on its own.

    Parameters
    ----------
    name : str
        ``attribute=value``.
    n_users : int
    part : array of shape (K,)
        Share of the journeys of each chain that belong to it.
    """

    name: str
    n_users: int
    part: FloatArray


def attribute_groups(simulator: ProductFlowSimulator) -> tuple[Group, ...]:
    """Return the groups of users that the attributes of a simulator make.

    Parameters
    ----------
    simulator : ProductFlowSimulator

    Returns
    -------
    tuple of Group
        By attribute, the largest group first; none where the simulator has no attributes. Groups of
        fewer than 30 users, attributes of more than 12 values and unknown values are left out.

    Notes
    -----
    A group's journeys are spread over personas as the memberships of its users are; within a persona
    it walks as everybody does. Parts are held as fitted in every draw.
    """
    attributes = simulator.attributes
    if attributes is None:
        return ()
    journeys = _journeys_of_users(simulator)
    inside = _users_of_chains(simulator, attributes)
    total = _by_chain(simulator, journeys, inside)
    groups = []
    for name in attributes.names:
        values = attributes.values_of(name)
        if not 1 < len(values) <= MOST_VALUES:
            continue
        for value, n_users in values.items():
            if value == UNKNOWN or n_users < FEWEST_USERS:
                continue
            segment = format_segment(name, (value,))
            members = attributes.in_segment(segment)
            own = _by_chain(simulator, journeys * members[:, None], inside)
            part = np.divide(own, total, out=np.zeros_like(total), where=total > 0)
            groups.append(Group(name=segment, n_users=n_users, part=part))
    return tuple(groups)


def _journeys_of_users(simulator: ProductFlowSimulator) -> FloatArray:
    """Return the journeys of each user in each persona, shape (U, number of personas)."""
    counts = simulator.counts
    journeys: FloatArray = (counts.n_journeys[:, None] * simulator.memberships)[counts.row_of_user]
    return journeys


def _users_of_chains(simulator: ProductFlowSimulator, attributes: Attributes) -> list[BoolArray]:
    """Return which users walk each chain, by the segments that the chains tell apart."""
    patterns = simulator.segments or (frozenset[str](),) * len(simulator.names)
    named = {segment: attributes.in_segment(segment) for segment in frozenset[str]().union(*patterns)}
    everyone = np.ones(len(attributes.user_ids), dtype=bool)
    masks: list[BoolArray] = []
    for pattern in patterns:
        mask = everyone.copy()
        for segment, members in named.items():
            mask &= members if segment in pattern else ~members
        masks.append(mask)
    return masks


def _by_chain(simulator: ProductFlowSimulator, journeys: FloatArray, inside: list[BoolArray]) -> FloatArray:
    """Return the journeys of each chain, shape (K,)."""
    owners = {cell: persona for persona, cells in enumerate(simulator.persona_cells) for cell in cells}
    return np.array([journeys[mask, owners[cell]].sum() for cell, mask in enumerate(inside)])
