"""Personas as a reader meets them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.modeling.naming import signature_events
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.uncertainty import FlowDraws
from persona_tui.engine.statistics import Interval, interval, largest_remainder


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaCard:
    """One persona as a reader meets it.

    Parameters
    ----------
    id : int
        Position by falling share, from 1.
    name : str
    users : int
        Memberships summed over users, to whole users.
    share : float
        Of all journeys, memberships counted in parts.
    share_interval : (float, float)
        95 % interval of the user bootstrap.
    conversion : float
        Observed: of its journeys, open ones counted as not converted.
    conversion_interval : (float, float)
        95 % interval of the user bootstrap.
    signature_events : tuple of str
        What it does more than the others.
    excluded : bool
        Whether predictions leave its users out.
    """

    id: int
    name: str
    users: int
    share: float
    share_interval: Interval
    conversion: float
    conversion_interval: Interval
    signature_events: tuple[str, ...]
    excluded: bool = False


def name_in_table(card: PersonaCard) -> str:
    """Return the name of a persona as a table shows it, with a word where it is excluded."""
    return f"{card.name} (excluded)" if card.excluded else card.name


def build_persona_cards(
    simulator: ProductFlowSimulator,
    segmentation: SegmentationResult,
    draws: FlowDraws,
    excluded: Collection[int] = (),
) -> tuple[PersonaCard, ...]:
    """Return the personas of a simulator as a reader meets them.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    segmentation : SegmentationResult
        What its generator was made from.
    draws : FlowDraws
        For the intervals of shares and of observed conversion.
    excluded : collection of int
        Positions of the personas that predictions leave out.
    """
    counts = simulator.counts
    mass = counts.multiplicity[:, None] * simulator.memberships
    signatures = signature_events(counts, mass)
    conversion = (counts.n_converted @ mass) / np.maximum(counts.n_journeys @ mass, 1e-12)
    memberships = segmentation.memberships.sum(axis=0)
    users = largest_remainder(memberships, len(segmentation.user_ids))
    return tuple(
        PersonaCard(
            id=k + 1,
            name=simulator.names[k],
            users=int(users[k]),
            share=float(simulator.shares[k]),
            share_interval=interval(draws.shares[:, k]),
            conversion=float(conversion[k]),
            conversion_interval=interval(draws.conversions[:, k]),
            signature_events=tuple(signatures[k]),
            excluded=k in excluded,
        )
        for k in range(segmentation.n_clusters)
    )
