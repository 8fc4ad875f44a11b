"""The slide that draws the change as flow: the first steps of journeys before and after, as native shapes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pptx.presentation import Presentation as Deck
from pptx.slide import Slide

from persona_tui.engine.analytics.deck_drawing import Block, Label, Ribbon, add_drawing
from persona_tui.engine.analytics.deck_page import (
    BODY,
    ROOM,
    add_caption,
    add_slide,
    in_full,
    write_notes,
)
from persona_tui.engine.analytics.deck_shapes import (
    ACCENT,
    BAR,
    CONTROL,
    INK,
    QUIET,
    RULE,
    TREATMENT,
    Box,
    Run,
    Style,
    add_runs,
)
from persona_tui.engine.analytics.deck_text import LINE_HEIGHT, shorten, text_width
from persona_tui.engine.analytics.deck_titles import flow_title
from persona_tui.engine.analytics.flow_layout import Layout, laid_out
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.step_flow import (
    SMALL,
    FlowNode,
    StepFlow,
    key_of,
    merge_flows,
    with_leaving,
)
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from pptx.enum.dml import MSO_THEME_COLOR as THEME

    from persona_tui.engine.analytics.reporting import Report

_STATES: Final = 8
_ROWS_A_STATE: Final = 3
"""Of the layout, which folds states where it has fewer."""
_ROWS_A_LABEL: Final = 2
"""What the layout keeps apart at least."""
_HEAD: Final = 0.28
_PAD: Final = 0.05
"""Half a row, by which the label of a small state is higher than the state."""
_HEIGHT: Final = BODY.height / 2
_NODE_WIDTH: Final = 0.12
_LABEL_GAP: Final = 0.06
_LABEL_SIZE: Final = 9
_LONGEST_PITCH: Final = 2.6
_COLORS: Final = {"control": CONTROL, "treatment": TREATMENT}
_HEADINGS: Final = {"control": "Before: control", "treatment": "After: treatment"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Arm:
    """An arm as it is drawn: where the layout of both puts its states, as large as they are in it.

    Parameters
    ----------
    flow : StepFlow
    layout : Layout
        Of both arms at once.
    rows : int
        Of the layout.
    place : Box
    color : theme colour
    """

    flow: StepFlow
    layout: Layout[StepFlow]
    rows: int
    place: Box
    color: THEME

    @property
    def row(self) -> float:
        """Return the height of a row of the layout."""
        return self.place.height / self.rows

    @property
    def pitch(self) -> float:
        """Return the distance of two columns."""
        return min(self.place.width / len(self.layout.columns), _LONGEST_PITCH)

    def nodes(self) -> Iterator[tuple[FlowNode, Box]]:
        """Yield the states of the arm, each in the middle of the rows that the layout keeps for it."""
        known = {key_of(node): node for node in self.flow.nodes}
        for column, places in enumerate(self.layout.columns):
            for place in places:
                node = known.get(key_of(self.layout.flow.nodes[place.node]))
                if node is not None and not place.passes:
                    height = node.volume * self.layout.scale * self.row
                    middle = self.place.top + (place.top + place.height / 2) * self.row
                    left = self.place.left + column * self.pitch
                    yield node, Box(left, middle - height / 2, _NODE_WIDTH, height)


def add_flow(deck: Deck, report: Report) -> None:
    """Add where journeys go in their first steps, before and after the change, at one scale."""
    flows = {arm: with_leaving(report.lead.flows[arm]) for arm in ARMS}
    merged = merge_flows(flows.values())
    rows = _ROWS_A_STATE * max([_STATES, *Counter(node.step for node in merged.nodes).values()])
    layout = laid_out(merged, rows)
    if layout is None:
        return
    slide = add_slide(deck, report, "The change as flow", flow_title(report.lead.flows))
    for number, arm in enumerate(ARMS):
        top = BODY.top + number * _HEIGHT
        _add_heading(slide, Box(BODY.left, top, ROOM, _HEAD), arm, report.lead.flows[arm])
        place = Box(BODY.left, top + _HEAD + _PAD, ROOM, _HEIGHT - _HEAD - 2 * _PAD)
        _draw(slide, _Arm(flow=flows[arm], layout=layout, rows=rows, place=place, color=_COLORS[arm]), arm)
    n_small = sum(1 for arm in ARMS for _ in _small_moves(report.lead.flows[arm]))
    add_caption(
        slide,
        "Heights are shares of journeys, to one scale; columns are steps. Bold: completed. Outlined: left. "
        "“other (n)”: n rarer states."
        + (f" {n_small} moves of less than {percent(SMALL)} are not drawn." if n_small else ""),
    )
    write_notes(
        slide,
        "Each column is a step of journeys, from their first event; bands are moves. Above as it is, below "
        "with the change. Nodes, bands and labels are shapes that can be moved and coloured.",
        *(line for arm in ARMS for line in _told(arm, report.lead.flows[arm])),
    )


def _small_moves(flow: StepFlow) -> Iterator[float]:
    """Yield the volume of each move that is too small to draw."""
    return (link.volume for link in flow.links if link.volume < SMALL * flow.total)


def _add_heading(slide: Slide, box: Box, arm: str, flow: StepFlow) -> None:
    told = f"   {percent(flow.completed)} complete, {percent(flow.left)} leave"
    runs = [Run(_HEADINGS[arm], Style(13, _COLORS[arm], bold=True)), Run(told, Style(12, QUIET))]
    add_runs(slide, box, runs, name=_HEADINGS[arm])


def _told(arm: str, flow: StepFlow) -> Iterator[str]:
    """Yield what the diagram of an arm shows, step by step."""
    for step in sorted({node.step for node in flow.nodes}):
        here = sorted((node for node in flow.nodes if node.step == step), key=lambda node: -node.volume)
        named = ", ".join(f"{in_full(node.name)} {_share(flow, node)}" for node in here)
        yield f"{arm}, step {step + 1}: {named}"


def _share(flow: StepFlow, node: FlowNode) -> str:
    return percent(node.volume / flow.total)


def _draw(slide: Slide, arm: _Arm, name: str) -> None:
    ends = ", ".join(
        f"{_brief(node)} {_share(arm.flow, node)} at step {node.step + 1}"
        for node in arm.flow.nodes
        if node.completes or node.left
    )
    add_drawing(
        slide,
        [*_ribbons(arm), *_states(arm)],
        name=f"Flow: {name}",
        description=f"Flow of the {name} by step, with those who end: {ends or 'nobody'}.",
    )


def _ribbons(arm: _Arm) -> Iterator[Ribbon]:
    """Yield the bands, stacked in the order of the layout on both sides of the nodes that they join."""
    nodes = {key_of(node): (node, box) for node, box in arm.nodes()}
    volumes = {
        (key_of(arm.flow.nodes[link.source]), key_of(arm.flow.nodes[link.target])): link.volume
        for link in arm.flow.links
    }
    starts, ends = ({key: box.top for key, (_, box) in nodes.items()} for _ in range(2))
    for one, other in _joined(arm.layout):
        volume = volumes.get((one, other), 0.0)
        if not volume:
            continue
        (source, left), (target, right) = nodes[one], nodes[other]
        height = volume * arm.layout.scale * arm.row
        yield Ribbon(
            left=left.left + _NODE_WIDTH,
            right=right.left,
            start=starts[one],
            end=ends[other],
            height=height,
            color=RULE if target.left else BAR if target.completes else arm.color,
            name=f"{_brief(source)} to {_brief(target)}: {percent(volume / arm.flow.total)}",
        )
        starts[one] += height
        ends[other] += height


def _joined(layout: Layout[StepFlow]) -> Iterator[tuple[tuple[int, str], tuple[int, str]]]:
    """Yield which two states each band joins, in the order in which bands leave."""
    for column, bands in enumerate(layout.bands):
        before, after = layout.columns[column], layout.columns[column + 1]
        for band in bands:
            source, target = before[band.source].node, after[band.target].node
            yield key_of(layout.flow.nodes[source]), key_of(layout.flow.nodes[target])


def _brief(node: FlowNode) -> str:
    return printable(node.name)[:60]


def _states(arm: _Arm) -> Iterator[Block | Label]:
    """Yield a rectangle for each state, its name and share beside it; who left is outlined."""
    width = arm.pitch - _NODE_WIDTH - 2 * _LABEL_GAP
    size = min(_LABEL_SIZE, int(_ROWS_A_LABEL * arm.row * 72 / LINE_HEIGHT))
    for node, box in arm.nodes():
        share, lost = _share(arm.flow, node), node.left
        color = QUIET if lost else ACCENT if node.completes else arm.color
        yield Block(box=box, color=color, hollow=lost, name=f"{_brief(node)} {share}")
        text = Style(size, QUIET if lost else INK, bold=node.completes)
        room = width - text_width(f" {share}", size, bold=True)
        top = box.top + box.height / 2 - _ROWS_A_LABEL * arm.row / 2
        yield Label(
            box=Box(box.left + _NODE_WIDTH + _LABEL_GAP, top, width, _ROWS_A_LABEL * arm.row),
            runs=(
                Run(f"{shorten(node.name, room, size, bold=True)} ", text),
                Run(share, replace(text, bold=True)),
            ),
            name=f"Label: {_brief(node)}",
        )
