"""The moves of a flow as bands between its states, in whatever unit those stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from persona_tui.engine.analytics.step_flow import FlowLink, StepFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A move between two states.

    Parameters
    ----------
    link : FlowLink
    leaves, enters : float
        Its upper edge at the state that it leaves, and at the one that it enters.
    height : float
        The same at both ends.
    """

    link: FlowLink
    leaves: float
    enters: float
    height: float


def stacked_bands(flow: StepFlow, tops: Sequence[float], scale: float) -> tuple[Band, ...]:
    """Return the moves stacked on both sides of the states, at each end in the order of the other ends.

    Parameters
    ----------
    flow : StepFlow
    tops : sequence of float
        Upper edge of each state.
    scale : float
        Height per unit of volume, in the unit of ``tops``.

    Notes
    -----
    Two bands of one state never cross.
    """
    entering, leaving = list(tops), list(tops)
    enters: dict[tuple[int, int], float] = {}
    for link in sorted(flow.links, key=lambda link: tops[link.source]):
        enters[link.source, link.target] = entering[link.target]
        entering[link.target] += link.volume * scale
    bands = []
    for link in sorted(flow.links, key=lambda link: tops[link.target]):
        height = link.volume * scale
        end = enters[link.source, link.target]
        bands.append(Band(link=link, leaves=leaving[link.source], enters=end, height=height))
        leaving[link.source] += height
    return tuple(bands)
