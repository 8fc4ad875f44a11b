"""Where the states and moves of a flow stand in a diagram: data, folding, order and heights."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from persona_tui.engine.types import FloatArray

SMALL: Final = 0.01
"""States and moves below this share of all are folded, or told instead of drawn."""
_MOST: Final = 24
"""States a step that are kept of a chain: more than a diagram has room for."""
_SWEEPS: Final = 4
_SHRINK: Final = 0.97
_NOTHING: Final = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowNode:
    """A state at a step.

    Parameters
    ----------
    name : str
        From the data.
    step : int
        Its column, from 0.
    volume : float
        How many are here.
    exits : float
        How many of them end here: by leaving, or by completing where ``completes``.
    completes : bool
        Whether who is here has converted.
    folded : int
        How many small states it stands for; 0 for a state of its own.
    """

    name: str
    step: int
    volume: float
    exits: float = 0.0
    completes: bool = False
    folded: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLink:
    """How many move from one state to another; both are places in the nodes of the flow."""

    source: int
    target: int
    volume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a flow diagram shows.

    Parameters
    ----------
    nodes : tuple of FlowNode
    links : tuple of FlowLink
        Those that do not lead to a later step are told, not drawn.
    total : float
        What shares are of; 1 where volumes are shares already.
    unit : str
        What is counted, in the plural.
    style : str
        Of states and moves: that of the arm.
    """

    nodes: tuple[FlowNode, ...]
    links: tuple[FlowLink, ...]
    total: float = 1.0
    unit: str = "users"
    style: str = "$primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a node stands, or what passes a column on its way to ``node``: rows from the top."""

    node: int
    passes: bool
    volume: float
    top: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Columns of places, and links between the places of each column and the next.

    Parameters
    ----------
    flow : Flow
        After folding.
    columns : tuple of tuple of Placed
    bands : tuple of tuple of FlowLink
        One shorter than the columns; source and target are places in them.
    scale : float
        Rows per unit of volume.
    hidden, back : tuple of FlowLink
        Moves too small to draw, and moves to the same or an earlier step.
    """

    flow: Flow
    columns: tuple[tuple[Placed, ...], ...]
    bands: tuple[tuple[FlowLink, ...], ...]
    scale: float
    hidden: tuple[FlowLink, ...]
    back: tuple[FlowLink, ...]


_Slot = tuple[int, int, bool]
"""A column, a node, and whether it only passes."""
_Bands = dict[tuple[_Slot, _Slot], float]


def flow_by_step(
    *,
    start: FloatArray,
    transitions: FloatArray,
    vocabulary: Sequence[str],
    n_steps: int = 5,
    completions: Collection[str] = (),
    total: float = 1.0,
    unit: str = "users",
) -> Flow:
    """Return the expected volumes of the first steps of one chain, or of several at once.

    Who completes goes no further; who has nowhere to go leaves.

    Parameters
    ----------
    start : array of shape (n,) or (K, n)
        Where journeys begin; over several chains it holds the share of each.
    transitions : array of shape (n, n + columns of leaving), or (K, n, ...)
    vocabulary : sequence of str, length n
    n_steps : int
    completions : collection of str
    total : float
        Journeys.
    unit : str
    """
    n = len(vocabulary)
    here = start.reshape(-1, n) * total
    staying = transitions.reshape(len(here), n, -1)[..., :n].copy()
    ends = [vocabulary.index(name) for name in completions if name in vocabulary]
    staying[:, ends] = 0.0
    nodes: list[FlowNode] = []
    links: list[FlowLink] = []
    before: dict[int, int] = {}
    arriving = None
    for step in range(n_steps):
        volumes = here.sum(axis=0)
        moved = here[:, :, None] * staying
        onward = moved.sum(axis=0)
        places = {state: len(nodes) + place for place, state in enumerate(volumes.nonzero()[0].tolist())}
        if arriving is not None:
            links += [
                FlowLink(source=before[source], target=place, volume=float(arriving[source, state]))
                for state, place in places.items()
                for source in arriving[:, state].nonzero()[0].tolist()
            ]
        nodes += [
            FlowNode(
                name=vocabulary[state],
                step=step,
                volume=float(volumes[state]),
                exits=max(float(volumes[state] - onward[state].sum()), 0.0),
                completes=state in ends,
            )
            for state in places
        ]
        here, arriving, before = moved.sum(axis=1), onward, places
    return folded(Flow(nodes=tuple(nodes), links=tuple(links), total=total, unit=unit), _MOST)


def folded(flow: Flow, most: int) -> Flow:
    """Return the flow with at most ``most`` states a step; the smallest become one that is called other."""
    home: dict[int, int] = {}
    nodes: list[FlowNode] = []
    for step in sorted({node.step for node in flow.nodes}):
        column = [place for place, node in enumerate(flow.nodes) if node.step == step]
        small = _small(flow, column, most)
        for place in (place for place in column if place not in small):
            home[place] = len(nodes)
            nodes.append(flow.nodes[place])
        if small:
            home |= dict.fromkeys(small, len(nodes))
            nodes.append(_other([flow.nodes[place] for place in sorted(small)]))
    volumes: dict[tuple[int, int], float] = defaultdict(float)
    for link in flow.links:
        volumes[home[link.source], home[link.target]] += link.volume
    links = tuple(FlowLink(source=a, target=b, volume=volume) for (a, b), volume in volumes.items())
    return replace(flow, nodes=tuple(nodes), links=links)


def _small(flow: Flow, column: Iterable[int], most: int) -> set[int]:
    """Return which states of a column are folded: never one alone, those that complete last."""
    nodes = flow.nodes
    ranked = sorted(column, key=lambda place: (not nodes[place].completes, -nodes[place].volume))
    kept = [
        place
        for place in ranked
        if nodes[place].completes or (not nodes[place].folded and nodes[place].volume >= SMALL * flow.total)
    ]
    small = set(ranked) - set(kept)
    if len(kept) + bool(small) > most:
        small |= set(kept[max(most - 1, 0) :])
    return small if len(small) > 1 else set()


def _other(nodes: Sequence[FlowNode]) -> FlowNode:
    """Return one node for many, some of which may stand for many themselves."""
    n_states = sum(max(node.folded, 1) for node in nodes)
    return FlowNode(
        name=f"other ({n_states})",
        step=nodes[0].step,
        volume=sum(node.volume for node in nodes),
        exits=sum(node.exits for node in nodes if not node.completes),
        folded=n_states,
    )


def laid_out(flow: Flow, rows: int) -> Layout | None:
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
    flow: Flow, column_of: Sequence[int], links: Iterable[FlowLink]
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


def _volumes(flow: Flow, slots: Iterable[Sequence[_Slot]], bands: _Bands) -> dict[_Slot, float]:
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
