"""Where the states and moves of a flow stand in a diagram: data, folding, order and heights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Generic

from persona_tui.engine.analytics.step_flow import SMALL, Drawn, FlowLink, StepFlow, folded

_SWEEPS: Final = 4
_SHRINK: Final = 0.97
_NOTHING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a node stands, or what passes a column on its way to ``node``: rows from the top."""

    node: int
    passes: bool
    volume: float
    top: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout(Generic[Drawn]):
    """Columns of places, and links between the places of each column and the next.

    Parameters
    ----------
    flow : StepFlow
        After folding.
    columns : tuple of tuple of Placed
    bands : tuple of tuple of FlowLink
        One shorter than the columns; source and target are places in them.
    scale : float
        Rows per unit of volume.
    hidden, back : tuple of FlowLink
        Moves too small to draw, and moves to the same or an earlier step.
    """

    flow: Drawn
    columns: tuple[tuple[Placed, ...], ...]
    bands: tuple[tuple[FlowLink, ...], ...]
    scale: float
    hidden: tuple[FlowLink, ...]
    back: tuple[FlowLink, ...]


_Slot = tuple[int, int, bool]
"""A column, a node, and whether it only passes."""
_Bands = dict[tuple[_Slot, _Slot], float]


def laid_out(flow: Drawn, rows: int) -> Layout[Drawn] | None:
    """Return the layout in so many rows, with a row free below each state; None where there is no room."""
    for most in range(max(rows // 3, 1), 0, -1):
        small = folded(flow, most)
        steps = sorted({node.step for node in small.nodes})
        column_of = [steps.index(node.step) for node in small.nodes]
        ahead = [link for link in small.links if column_of[link.source] < column_of[link.target]]
        drawn = [link for link in ahead if link.volume >= SMALL * flow.total]
        slots, bands = _routed(small, column_of, drawn)
        if slots and all(2 * len(column) <= rows for column in slots):
            columns = _uncrossed(slots, bands)
            placed, scale = _stacked(columns, _volumes(small, slots, bands), bands, rows)
            return Layout(
                flow=small,
                columns=placed,
                bands=_between(columns, bands),
                scale=scale,
                hidden=tuple(link for link in ahead if link.volume < SMALL * flow.total),
                back=tuple(link for link in small.links if column_of[link.source] >= column_of[link.target]),
            )
    return None


def _routed(
    flow: StepFlow, column_of: Sequence[int], links: Iterable[FlowLink]
) -> tuple[list[list[_Slot]], _Bands]:
    """Return the places of each column, the largest first, and the bands; long ones pass what is between."""
    slots: list[list[_Slot]] = [[] for _ in range(max(column_of, default=-1) + 1)]
    for node in sorted(range(len(flow.nodes)), key=lambda node: -flow.nodes[node].volume):
        slots[column_of[node]].append((column_of[node], node, False))
    bands: _Bands = defaultdict(float)
    for link in links:
        first, last = column_of[link.source], column_of[link.target]
        way = [
            (first, link.source, False),
            *((column, link.target, True) for column in range(first + 1, last)),
            (last, link.target, False),
        ]
        for left, right in pairwise(way):
            bands[left, right] += link.volume
            if right not in slots[right[0]]:
                slots[right[0]].append(right)
    return slots, bands


def _volumes(flow: StepFlow, slots: Iterable[Sequence[_Slot]], bands: _Bands) -> dict[_Slot, float]:
    """Return the volume of each place, at least what comes in or goes out."""
    entering: dict[_Slot, float] = defaultdict(float)
    leaving: dict[_Slot, float] = defaultdict(float)
    for (left, right), volume in bands.items():
        leaving[left] += volume
        entering[right] += volume
    return {
        slot: max(0.0 if slot[2] else flow.nodes[slot[1]].volume, entering[slot], leaving[slot])
        for column in slots
        for slot in column
    }


def _uncrossed(slots: list[list[_Slot]], bands: _Bands) -> list[list[_Slot]]:
    """Return the order with the fewest crossings found: each place moves to the middle of its neighbours."""
    near: dict[tuple[_Slot, bool], list[tuple[_Slot, float]]] = defaultdict(list)
    for (left, right), volume in bands.items():
        near[left, True].append((right, volume))
        near[right, False].append((left, volume))
    columns = best = [list(column) for column in slots]
    fewest = crossings(columns, bands)
    for sweep in range(_SWEEPS):
        ahead = sweep % 2 == 1
        columns = [list(column) for column in columns]
        order = range(len(columns) - 2, -1, -1) if ahead else range(1, len(columns))
        for column in order:
            place = {slot: at for at, slot in enumerate(columns[column + 1 if ahead else column - 1])}
            middle = {
                slot: _mean([(place[other], volume) for other, volume in near[slot, ahead]], at)
                for at, slot in enumerate(columns[column])
            }
            columns[column].sort(key=middle.__getitem__)
        crossed = crossings(columns, bands)
        if crossed < fewest:
            best, fewest = columns, crossed
    return best


def _mean(weighted: Sequence[tuple[float, float]], otherwise: float) -> float:
    weight = sum(volume for _, volume in weighted)
    return sum(at * volume for at, volume in weighted) / weight if weight else otherwise


def crossings(columns: Sequence[Sequence[_Slot]], bands: _Bands) -> float:
    """Return how much crosses: of every two bands that do, the smaller volume."""
    at = {slot: place for column in columns for place, slot in enumerate(column)}
    crossed = 0.0
    for column in range(len(columns) - 1):
        drawn = [(at[a], at[b], volume) for (a, b), volume in bands.items() if a[0] == column]
        for first, (a, b, volume) in enumerate(drawn):
            crossed += sum(min(volume, other) for c, d, other in drawn[first + 1 :] if (a - c) * (b - d) < 0)
    return crossed


def _stacked(
    columns: Sequence[Sequence[_Slot]], volumes: dict[_Slot, float], bands: _Bands, rows: int
) -> tuple[tuple[tuple[Placed, ...], ...], float]:
    """Return every place with its rows, at the highest scale at which all columns fit."""

    def heights(column: Sequence[_Slot], scale: float) -> list[int]:
        return [max(1, round(volumes[slot] * scale)) for slot in column]

    largest = max((volumes[slot] for column in columns for slot in column), default=0.0)
    scale = rows / max(largest, _NOTHING)
    while any(sum(heights(column, scale)) + len(column) > rows for column in columns):
        scale *= _SHRINK
    middles: dict[_Slot, float] = {}
    placed = []
    for column in columns:
        tall = heights(column, scale)
        wished = []
        for slot, height in zip(column, tall, strict=True):
            came = [(middles[left], v) for (left, right), v in bands.items() if right == slot]
            wished.append(_mean(came, height / 2) - height / 2)
        tops = _apart(wished, tall, rows)
        middles |= {slot: top + height / 2 for slot, top, height in zip(column, tops, tall, strict=True)}
        placed.append(
            tuple(
                Placed(node=slot[1], passes=slot[2], volume=volumes[slot], top=top, height=height)
                for slot, top, height in zip(column, tops, tall, strict=True)
            )
        )
    return tuple(placed), scale


def _apart(wished: Sequence[float], heights: Sequence[int], rows: int) -> list[int]:
    """Return tops near those wished for, with a free row below each."""
    tops: list[int] = []
    free = 0
    for wish, height in zip(wished, heights, strict=True):
        tops.append(max(free, round(wish)))
        free = tops[-1] + height + 1
    limit = rows
    for place in range(len(tops) - 1, -1, -1):
        tops[place] = min(tops[place], limit - heights[place] - 1)
        limit = tops[place]
    return tops


def _between(columns: Sequence[Sequence[_Slot]], bands: _Bands) -> tuple[tuple[FlowLink, ...], ...]:
    """Return the bands of each gap by the places of their ends, in the order in which they leave."""
    at = {slot: place for column in columns for place, slot in enumerate(column)}
    gaps: list[list[FlowLink]] = [[] for _ in range(max(len(columns) - 1, 0))]
    for (left, right), volume in bands.items():
        gaps[left[0]].append(FlowLink(source=at[left], target=at[right], volume=volume))
    return tuple(tuple(sorted(gap, key=lambda link: (link.source, link.target))) for gap in gaps)
