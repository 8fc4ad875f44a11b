"""A flow in cells: states by step, bands as thick as what moves, drop-off where it leaves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from textwrap import wrap
from typing import Final

from textual.content import Content

from persona_tui.engine.analytics.flow_layout import Layout, Placed, laid_out
from persona_tui.engine.analytics.step_flow import SMALL, FlowNode, StepFlow, folded
from persona_tui.tui.glyphs import Glyphs, bar
from persona_tui.tui.widgets.figure import Figure, fitted
from persona_tui.tui.widgets.flow_ribbons import Ribbon, drawn_ribbons, full_cell
from persona_tui.tui.widgets.numbers import shown

_NARROWEST_BOX: Final = 12
_WIDEST_BOX: Final = 24
_NARROWEST_GAP: Final = 5
_FEWEST_ROWS: Final = 8
_PREFERRED_ROWS: Final = 20
_NOTHING: Final = 1e-9
_UNBROKEN: Final = "\xa0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow(StepFlow):
    """What a flow diagram shows.

    Parameters
    ----------
    style : str
        Of states and moves: that of the arm.
    """

    style: str = "$primary"

    @classmethod
    def of(cls, flow: StepFlow, style: str = "$primary") -> Flow:
        """Return a flow as it is drawn in a style."""
        return cls(nodes=flow.nodes, links=flow.links, total=flow.total, unit=flow.unit, style=style)


class FlowDiagram(Figure[Flow]):
    """A flow diagram that fills the height it is given."""

    DEFAULT_CSS = "FlowDiagram { height: 1fr; min-height: 8; }"

    def draw(self, data: Flow, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the diagram at the height of the widget."""
        return draw_flow(data, width, self.size.height or _PREFERRED_ROWS, glyphs)


def draw_flow(flow: Flow, width: int, height: int, glyphs: Glyphs) -> list[Content]:
    """Return the diagram, or a list of the states by step where it has no room, in so many lines at most."""
    if not flow.nodes or flow.total <= 0:
        return [Content(fitted("No moves to show.", width, glyphs)).stylize("$text-muted")][:height]
    flow = folded(flow, height)
    n_columns = len({node.step for node in flow.nodes})
    roomy = n_columns * (_NARROWEST_BOX + _NARROWEST_GAP) - _NARROWEST_GAP <= width
    if n_columns > 1 and roomy and height >= _FEWEST_ROWS:
        for n_notes in (1, 2, 3):
            layout = laid_out(flow, height - 1 - n_notes)
            notes = _wrapped(_notes(layout, glyphs), width) if layout else []
            if layout and len(notes) <= n_notes:
                return _diagram(layout, width, height - 1 - n_notes, glyphs) + notes
    return _list(flow, width, height, glyphs)


def _diagram(layout: Layout[Flow], width: int, rows: int, glyphs: Glyphs) -> list[Content]:
    """Return the heading and the rows of columns and bands."""
    n_columns = len(layout.columns)
    box = min(max(_NARROWEST_BOX, round(0.75 * width / n_columns)), _WIDEST_BOX)
    gaps = _shared(width - box * n_columns, n_columns - 1)
    pieces: list[list[Content]] = []
    heads = []
    for column in range(n_columns):
        pieces.append(_column(layout, column, box, rows, glyphs))
        heads.append(_heading(layout, column, box, glyphs))
        if column < n_columns - 1:
            pieces.append(drawn_ribbons(_ribbons(layout, column), gaps[column], rows, glyphs))
            heads.append(Content(" " * gaps[column]))
    return [Content.assemble(*heads), *(Content.assemble(*row) for row in zip(*pieces, strict=True))]


def _shared(cells: int, n: int) -> list[int]:
    """Return cells in n parts that differ by one at most."""
    return [cells * (part + 1) // n - cells * part // n for part in range(n)]


def _heading(layout: Layout[Flow], column: int, box: int, glyphs: Glyphs) -> Content:
    """Return the step and how many are there."""
    flow = layout.flow
    here = [flow.nodes[place.node] for place in layout.columns[column] if not place.passes]
    share = _whole(sum(node.volume for node in here) / flow.total)
    text = f"step {here[0].step + 1}"
    return Content.styled(fitted(text, box - len(share) - 1, glyphs) + " " + share, "$text-muted")


def _column(layout: Layout[Flow], column: int, box: int, rows: int, glyphs: Glyphs) -> list[Content]:
    """Return the rows of the states of a step, each a box of its height with what ends there below."""
    lines = [Content(" " * box)] * rows
    for number, place in enumerate(layout.columns[column]):
        if place.passes:
            fill = Content.styled(full_cell(glyphs, number) * box, _style(layout.flow, place.node, number))
            lines[place.top : place.top + place.height] = [fill] * place.height
            continue
        node = layout.flow.nodes[place.node]
        drawn = [*_box(layout.flow, node, place, box, glyphs), _below(layout, place, box, glyphs)]
        lines[place.top : place.top + len(drawn)] = drawn
    return lines


def _box(flow: Flow, node: FlowNode, place: Placed, box: int, glyphs: Glyphs) -> list[Content]:
    """Return a box between two edges with its name and volume; the lower right edge is what ends here."""
    inside = box - 3
    share = _whole(node.volume / flow.total)
    style = "$success" if node.completes else "$text-muted" if node.folded else flow.style
    edge = glyphs.steps[-1]
    texts = [fitted(node.name, inside, glyphs)]
    if place.height == 1:
        texts = [fitted(node.name, inside - len(share) - 1, glyphs) + " " + share]
    else:
        texts.append(_volume(flow, node, share, inside).ljust(inside))
    first = (place.height - len(texts)) // 2
    leaving = 0 if node.completes else round(place.height * _part(node.exits, node.volume))
    lines = []
    for row in range(place.height):
        text = texts[row - first] if first <= row < first + len(texts) else " " * inside
        right = "$error" if row >= place.height - leaving else style
        weight = "bold" if row == first else ""
        lines.append(Content.assemble((edge, style), " ", (text, weight), (edge, right)))
    return lines


def _volume(flow: Flow, node: FlowNode, share: str, width: int) -> str:
    """Return how many and, at the right, their share; the share alone where there is no room for both."""
    number = shown(node.volume, "count")
    if flow.total == 1 or len(number) + 1 + len(share) > width:
        return share
    return number + share.rjust(width - len(number))


def _below(layout: Layout[Flow], place: Placed, box: int, glyphs: Glyphs) -> Content:
    """Return what ends at a state, arrows as wide as it is much, and what goes on after the last step."""
    flow = layout.flow
    node = flow.nodes[place.node]
    if node.completes:
        return Content.styled(fitted(f" {_mark(glyphs)} converted", box, glyphs), "$success")
    moved = sum(link.volume for link in flow.links if link.source == place.node)
    on = _part(node.volume - node.exits - moved, node.volume)
    onward = f" {glyphs.right} {_whole(on)}" if on >= SMALL else ""
    told = f" {_whole(_part(node.exits, node.volume))}" if node.exits > _NOTHING else ""
    if len(told) + len(onward) + 2 > box:
        onward = ""
    arrows = min(max(round(2 * node.exits * layout.scale), 1), box - 1 - len(told) - len(onward))
    leaving = " " + glyphs.down * arrows + told if told else ""
    rest = " " * (box - len(leaving) - len(onward))
    return Content.assemble((leaving, "$error"), (onward, "$text-muted"), rest)


def _ribbons(layout: Layout[Flow], column: int) -> list[Ribbon]:
    """Return the bands of a gap; at both ends they lie above each other from the top of their place."""
    left, right = layout.columns[column], layout.columns[column + 1]
    arrived: dict[int, float] = defaultdict(float)
    ends = {}
    for link in sorted(layout.bands[column], key=lambda link: (link.target, link.source)):
        ends[link] = _span(right[link.target], arrived, link.target, link.volume)
    left_over: dict[int, float] = defaultdict(float)
    return [
        Ribbon(
            left=_span(left[link.source], left_over, link.source, link.volume),
            right=ends[link],
            style=_style(layout.flow, right[link.target].node, link.source + link.target),
        )
        for link in layout.bands[column]
    ]


def _span(place: Placed, used: dict[int, float], key: int, volume: float) -> tuple[float, float]:
    """Return the rows that a volume takes of its place, after what has been used of it."""
    per_row = place.height / place.volume
    top = place.top + used[key] * per_row
    used[key] += volume
    return top, top + volume * per_row


def _style(flow: Flow, target: int, number: int) -> str:
    """Return the style of a band by where it leads; neighbours differ."""
    node = flow.nodes[target]
    if node.completes:
        return "$success"
    if node.folded:
        return "$text-muted"
    return (flow.style, "$secondary")[number % 2]


def _part(some: float, of: float) -> float:
    """Return a share between 0 and 1, of next to nothing none."""
    return min(max(some / of, 0.0), 1.0) if of > _NOTHING else 0.0


def _whole(share: float) -> str:
    """Return a share in whole percents; what is not 0 or 1 never reads so."""
    if 0 < share < 0.005:
        return "<1%"
    return ">99%" if 0.995 <= share < 1 - _NOTHING else f"{share:.0%}"


def _mark(glyphs: Glyphs) -> str:
    return "*" if glyphs.name == "ascii" else "✓"


def _notes(layout: Layout[Flow], glyphs: Glyphs) -> list[str]:
    """Return what the signs mean and what is not drawn, each in words."""
    flow = layout.flow
    notes = [f"% of {_base(flow)}", f"{glyphs.down} leave, of those there"]
    last = max(node.step for node in flow.nodes)
    if _goes_on(flow, last):
        notes.append(f"{glyphs.right} go on after step {last + 1}")
    n_folded = sum(node.folded for node in flow.nodes)
    if n_folded:
        notes.append(f"other: {n_folded} small states")
    moved = sum(link.volume for link in flow.links)
    kinds = ((layout.hidden, f"below {_whole(SMALL)}"), (layout.back, "back or to the same step"))
    for links, what in kinds:
        if links:
            share = _whole(_part(sum(link.volume for link in links), moved))
            notes.append(f"moves {what} are not drawn ({share} of all moves)")
    return notes


def _base(flow: Flow) -> str:
    return flow.unit if flow.total == 1 else f"{shown(flow.total, 'count')} {flow.unit}"


def _goes_on(flow: Flow, last: int) -> bool:
    """Return whether any of those at the last step goes on."""
    moved: dict[int, float] = defaultdict(float)
    for link in flow.links:
        moved[link.source] += link.volume
    return any(
        not node.completes and node.volume - node.exits - moved[place] >= SMALL * node.volume
        for place, node in enumerate(flow.nodes)
        if node.step == last
    )


def _wrapped(notes: Sequence[str], width: int) -> list[Content]:
    """Return notes in lines, each note in one piece where a line has room for it."""
    if any(len(note) > width for note in notes):
        lines = wrap("; ".join(notes), width)
    else:
        whole = "; ".join(note.replace(" ", _UNBROKEN) for note in notes)
        lines = [line.replace(_UNBROKEN, " ") for line in wrap(whole, width)]
    return [Content.styled(line, "$text-muted") for line in lines]


def _list(flow: Flow, width: int, height: int, glyphs: Glyphs) -> list[Content]:
    """Return a line for each state, step by step; as many states a step as the height has room for."""
    room = max(height - 1, 1)
    states = replace(flow, links=())
    most = max((most for most in range(1, room + 1) if len(folded(states, most).nodes) <= room), default=1)
    nodes = sorted(folded(states, most).nodes, key=lambda node: (node.step, bool(node.folded), -node.volume))
    lines = [_item(flow, node, width, glyphs) for node in nodes]
    if len(lines) > room:
        missing = f"{len(lines) - height + 1} of {len(lines)} lines have no room"
        return [*lines[: height - 1], Content.styled(fitted(missing, width, glyphs), "$text-muted")]
    legend = f"% of {_base(flow)}; {glyphs.down} leave"
    return [*lines, Content.styled(fitted(legend, width, glyphs), "$text-muted")][:height]


def _item(flow: Flow, node: FlowNode, width: int, glyphs: Glyphs) -> Content:
    """Return the step, name, bar, share and drop-off of a state, as many of them as there is room for."""
    share = shown(node.volume / flow.total, "percent").rjust(8)
    if width < 12:
        return Content(fitted(node.name, width, glyphs))
    step = f"{node.step + 1:>2} " if width >= 20 else ""
    gone = _part(node.exits, node.volume)
    end, style = f"  {glyphs.down}{shown(gone, 'percent').rjust(8)}" if gone > _NOTHING else "", "$error"
    if node.completes:
        end, style = f"  {_mark(glyphs)} converted", "$success"
    ending = end.ljust(13) if width >= 34 else ""
    left = width - len(step) - len(share) - len(ending)
    name = min(max(left // 2, 12), 32) if left >= 20 else left
    drawn = bar(node.volume / flow.total, left - name - 1, glyphs) if left > name + 1 else ""
    return Content.assemble(
        (step, "$text-muted"),
        fitted(node.name, name, glyphs),
        (" " + drawn if drawn else "").ljust(left - name),
        share,
        (ending, style),
    )
