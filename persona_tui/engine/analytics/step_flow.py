"""The first steps of journeys as volumes: states by step, and the moves between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeVar

from persona_tui.engine.analytics.numbers import percent

if TYPE_CHECKING:
    from persona_tui.engine.simulation.experiments import Experiment
    from persona_tui.engine.types import FloatArray

SMALL: Final = 0.01
"""States and moves below this share of all are folded, or told instead of drawn."""
OTHER: Final = "other"
LEAVES: Final = "leave"
"""What the state is called that those go to who leave."""
FLOW_NOTE: Final = (
    f"Who leaves is drawn, too. Moves of less than {percent(SMALL)} are left out; "
    "small states are drawn as one that is called other, with how many it stands for."
)
_MOST: Final = 24
"""States a step that are kept of a chain: more than a diagram has room for."""


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
    left : bool
        Whether it is no state, but who has left from the step before.
    """

    name: str
    step: int
    volume: float
    exits: float = 0.0
    completes: bool = False
    folded: int = 0
    left: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowLink:
    """How many move from one state to another; both are places in the nodes of the flow."""

    source: int
    target: int
    volume: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFlow:
    """How many are in each state at each of the first steps, and how they move.

    Parameters
    ----------
    nodes : tuple of FlowNode
    links : tuple of FlowLink
        Those that do not lead to a later step are told, not drawn.
    total : float
        What shares are of; 1 where volumes are shares already.
    unit : str
        What is counted, in the plural.
    """

    nodes: tuple[FlowNode, ...]
    links: tuple[FlowLink, ...]
    total: float = 1.0
    unit: str = "users"

    @property
    def left(self) -> float:
        """Return the share of all who leave within these steps."""
        return sum(node.exits for node in self.nodes if not node.completes) / self.total

    @property
    def completed(self) -> float:
        """Return the share of all who complete within these steps."""
        return sum(node.volume for node in self.nodes if node.completes) / self.total


Drawn = TypeVar("Drawn", bound=StepFlow)


def flow_by_step(
    *,
    start: FloatArray,
    transitions: FloatArray,
    vocabulary: Sequence[str],
    n_steps: int = 5,
    completions: Collection[str] = (),
    total: float = 1.0,
    unit: str = "users",
) -> StepFlow:
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
    return folded(StepFlow(nodes=tuple(nodes), links=tuple(links), total=total, unit=unit), _MOST)


def flow_of_arm(
    experiment: Experiment,
    arm: str,
    *,
    n_steps: int,
    total: float = 1.0,
    cells: Sequence[int] | None = None,
) -> StepFlow:
    """Return the expected volumes of the first steps of an arm of an experiment.

    Parameters
    ----------
    experiment : Experiment
    arm : {"control", "treatment"}
    n_steps : int
    total : float
        Journeys.
    cells : sequence of int, optional
        Places of the chains that are meant; all by default.
    """
    from persona_tui.engine.simulation.flow import StateKind  # noqa: PLC0415 - loaded with the experiment

    flow = experiment.control if arm == "control" else experiment.treatment
    shares = experiment.shares[arm]
    starts, chains = flow.starts * shares[:, None], flow.transitions
    if cells is not None:
        chosen = list(cells)
        starts, chains = starts[chosen] / shares[chosen].sum(), chains[chosen]
    kinds = zip(flow.states, flow.kinds, strict=True)
    return flow_by_step(
        start=starts,
        transitions=chains,
        vocabulary=flow.states,
        n_steps=n_steps,
        completions={name for name, kind in kinds if kind == StateKind.COMPLETION},
        total=total,
        unit="journeys",
    )


def folded(flow: Drawn, most: int) -> Drawn:
    """Return the flow with at most ``most`` states a step; the smallest become one that is called other."""
    return _fold(flow, _all_small(flow, most))


def folded_alike(flows: Mapping[str, Drawn], most: int) -> dict[str, Drawn]:
    """Return flows in which the same states are folded, so that they can be laid beside each other.

    Parameters
    ----------
    flows : mapping of str to StepFlow
    most : int
        States a step; how large one is, is how large it is in the flow that has most of it.
    """
    merged = merge_flows(flows.values())
    small = {(merged.nodes[place].step, merged.nodes[place].name) for place in _all_small(merged, most)}
    return {
        name: _fold(flow, {place for place, node in enumerate(flow.nodes) if key_of(node) in small})
        for name, flow in flows.items()
    }


def key_of(node: FlowNode) -> tuple[int, str]:
    """Return what a state is known by in several flows, where ``other`` stands for different numbers.

    An event that is called other, or leave, is a state of its own.
    """
    kind = OTHER if node.folded else LEAVES if node.left else ""
    return node.step, f"\0{kind}" if kind else node.name


def merge_flows(flows: Iterable[StepFlow]) -> StepFlow:
    """Return every state and move of some flows, each as large as in the flow that has most of it."""
    nodes: dict[tuple[int, str], FlowNode] = {}
    moves: dict[tuple[tuple[int, str], tuple[int, str]], float] = {}
    total = 1.0
    for flow in flows:
        total = flow.total
        for node in flow.nodes:
            known = nodes.setdefault(key_of(node), replace(node, name=key_of(node)[1]))
            if node.volume > known.volume:
                nodes[key_of(node)] = replace(known, volume=node.volume, exits=node.exits)
        for link in flow.links:
            ends = key_of(flow.nodes[link.source]), key_of(flow.nodes[link.target])
            moves[ends] = max(moves.get(ends, 0.0), link.volume)
    place_of = {key: place for place, key in enumerate(nodes)}
    return StepFlow(
        nodes=tuple(nodes.values()),
        links=tuple(
            FlowLink(source=place_of[source], target=place_of[target], volume=volume)
            for (source, target), volume in moves.items()
        ),
        total=total,
    )


def _all_small(flow: StepFlow, most: int) -> set[int]:
    """Return which states are folded, step by step."""
    columns: dict[int, list[int]] = defaultdict(list)
    for place, node in enumerate(flow.nodes):
        columns[node.step].append(place)
    return set().union(*(_small(flow, column, most) for column in columns.values()))


def _fold(flow: Drawn, small: Collection[int]) -> Drawn:
    """Return the flow with some states of each step as one."""
    home: dict[int, int] = {}
    nodes: list[FlowNode] = []
    for step in sorted({node.step for node in flow.nodes}):
        column = [place for place, node in enumerate(flow.nodes) if node.step == step]
        for place in (place for place in column if place not in small):
            home[place] = len(nodes)
            nodes.append(flow.nodes[place])
        if folding := [place for place in column if place in small]:
            home |= dict.fromkeys(folding, len(nodes))
            nodes.append(_other([flow.nodes[place] for place in folding]))
    volumes: dict[tuple[int, int], float] = defaultdict(float)
    for link in flow.links:
        volumes[home[link.source], home[link.target]] += link.volume
    links = tuple(FlowLink(source=a, target=b, volume=volume) for (a, b), volume in volumes.items())
    return replace(flow, nodes=tuple(nodes), links=links)


def _small(flow: StepFlow, column: Iterable[int], most: int) -> set[int]:
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
        name=f"{OTHER} ({n_states})",
        step=nodes[0].step,
        volume=sum(node.volume for node in nodes),
        exits=sum(node.exits for node in nodes if not node.completes),
        folded=n_states,
    )


def with_leaving(flow: StepFlow) -> StepFlow:
    """Return a flow in which who leaves goes to a state of the next step; small moves are left out.

    A state that no move leads to or from is left out with them.
    """
    nodes, links = list(flow.nodes), [each for each in flow.links if each.volume >= SMALL * flow.total]
    for step in sorted({node.step for node in flow.nodes}):
        gone = [
            (place, node.exits)
            for place, node in enumerate(flow.nodes)
            if node.step == step and not node.completes and node.exits >= SMALL * flow.total
        ]
        links += [FlowLink(source=place, target=len(nodes), volume=volume) for place, volume in gone]
        if gone:
            volume = sum(volume for _, volume in gone)
            nodes.append(FlowNode(name=LEAVES, step=step + 1, volume=volume, exits=volume, left=True))
    moved = sorted({place for link in links for place in (link.source, link.target)})
    place_of = {place: number for number, place in enumerate(moved)}
    return replace(
        flow,
        nodes=tuple(nodes[place] for place in moved),
        links=tuple(
            replace(each, source=place_of[each.source], target=place_of[each.target]) for each in links
        ),
    )
