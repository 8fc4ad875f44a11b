"""What the flow diagram promises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import HOSTILE_NAMES
from textual.app import App
from textual.content import Content

from persona_tui.engine.analytics.flow_layout import laid_out
from persona_tui.engine.analytics.step_flow import FlowLink, FlowNode, flow_by_step, folded
from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.widgets.flow_diagram import Flow, FlowDiagram, draw_flow

VOCABULARY = ("landing", "form", "done")
TRANSITIONS = np.array([[0.0, 0.6, 0.0, 0.4], [0.0, 0.0, 0.5, 0.5], [0.0, 0.0, 0.0, 1.0]])

GOLDEN = [
    "step 1     100%       step 2      60%        step 3      30%",
    "#             #==",
    "#             #=====",
    "#             #=======#             #===",
    "# landing     #=======#             #=====",
    "# 1,000   100%#=======# form        #========# done        #",
    "#             # ======# 600      60%#   =====# 300      30%#",
    "#             #   ====#             #     ===#             #",
    "#             #     ==#             #         * converted",
    "#             #        vvvvvv 50%",
    " vvvvvvvv 40%",
    "% of 1,000 users; v leave, of those there",
]
LISTED = [
    " 1 landing          100.0 %  ▼  40.0 %",
    " 2 form              60.0 %  ▼  50.0 %",
    " 3 done              30.0 %  ✓ converted",
    "% of 1,000 users; ▼ leave",
]


def funnel(total: float = 1000) -> Flow:
    return Flow.of(
        flow_by_step(
            start=np.array([1.0, 0.0, 0.0]),
            transitions=TRANSITIONS,
            vocabulary=VOCABULARY,
            n_steps=3,
            completions={"done"},
            total=total,
        )
    )


@st.composite
def flows(draw: st.DrawFn) -> Flow:
    nodes = draw(
        st.lists(
            st.builds(
                FlowNode,
                name=st.sampled_from(HOSTILE_NAMES) | st.text(max_size=12),
                step=st.integers(0, 4),
                volume=st.floats(0, 1),
                exits=st.floats(0, 1),
                completes=st.booleans(),
            ),
            min_size=1,
            max_size=14,
        )
    )
    place = st.integers(0, len(nodes) - 1)
    links = draw(
        st.lists(st.builds(FlowLink, source=place, target=place, volume=st.floats(0, 1)), max_size=20)
    )
    return Flow(nodes=tuple(nodes), links=tuple(links), total=1.0)


def texts(lines: list[Content]) -> list[str]:
    return [line.plain.rstrip() for line in lines]


def test_volumes_by_step_are_those_of_the_chain() -> None:
    flow = funnel()
    assert [(node.name, node.step, node.volume, node.exits) for node in flow.nodes] == [
        ("landing", 0, 1000.0, pytest.approx(400.0)),
        ("form", 1, 600.0, pytest.approx(300.0)),
        ("done", 2, 300.0, pytest.approx(300.0)),
    ]
    assert [(link.source, link.target, link.volume) for link in flow.links] == [(0, 1, 600.0), (1, 2, 300.0)]


def test_who_completes_goes_no_further() -> None:
    again = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    flow = flow_by_step(
        start=np.array([1.0, 0.0]), transitions=again, vocabulary=("a", "b"), n_steps=4, completions={"b"}
    )
    assert [node.name for node in flow.nodes] == ["a", "b"]


@given(seed=st.integers(0, 50), n_steps=st.integers(1, 6))
def test_nobody_is_lost_between_steps(seed: int, n_steps: int) -> None:
    generator = np.random.default_rng(seed)
    rows = generator.dirichlet(np.ones(5), 4)
    flow = flow_by_step(
        start=generator.dirichlet(np.ones(4)), transitions=rows, vocabulary=tuple("abcd"), n_steps=n_steps
    )
    here = [sum(node.volume for node in flow.nodes if node.step == step) for step in range(n_steps)]
    gone = [sum(node.exits for node in flow.nodes if node.step == step) for step in range(n_steps)]
    assert here[1:] == pytest.approx([a - b for a, b in zip(here, gone, strict=True)][:-1])


@given(flow=flows(), most=st.integers(1, 6))
def test_folding_keeps_every_volume(flow: Flow, most: int) -> None:
    small = folded(flow, most)
    assert sum(node.volume for node in small.nodes) == pytest.approx(sum(node.volume for node in flow.nodes))
    assert sum(link.volume for link in small.links) == pytest.approx(sum(link.volume for link in flow.links))
    for step in {node.step for node in small.nodes}:
        assert len([node for node in small.nodes if node.step == step]) <= most


@given(flow=flows(), most=st.integers(1, 6), more=st.integers(0, 6))
def test_folding_in_two_goes_is_folding_in_one(flow: Flow, most: int, more: int) -> None:
    def seen(small: Flow) -> list[tuple[str, int, float]]:
        return sorted((node.name, node.step, round(node.volume, 9)) for node in small.nodes)

    assert seen(folded(folded(flow, most + more), most)) == seen(folded(flow, most))


@given(flow=flows(), rows=st.integers(1, 40))
def test_places_never_overlap_and_stay_in_the_rows(flow: Flow, rows: int) -> None:
    layout = laid_out(flow, rows)
    for column in layout.columns if layout else ():
        free = 0
        for place in column:
            assert place.top >= free
            assert place.height >= 1
            free = place.top + place.height + 1
        assert free <= rows


def test_crossing_moves_are_put_apart() -> None:
    nodes = tuple(
        FlowNode(name=name, step=step, volume=v)
        for name, step, v in (("a", 0, 0.6), ("b", 0, 0.4), ("c", 1, 0.6), ("d", 1, 0.4))
    )
    links = (FlowLink(source=0, target=3, volume=0.4), FlowLink(source=1, target=2, volume=0.4))
    layout = laid_out(Flow(nodes=nodes, links=links), 20)
    assert layout is not None
    (gap,) = layout.bands
    assert [link.target - link.source for link in gap] == [0, 0]


@settings(max_examples=150, deadline=None)
@given(
    flow=flows(), width=st.integers(1, 200), height=st.integers(1, 45), rung=st.sampled_from(sorted(LADDER))
)
def test_no_line_is_wider_or_lower_than_its_room(flow: Flow, width: int, height: int, rung: str) -> None:
    lines = draw_flow(flow, width, height, LADDER[rung])
    assert 1 <= len(lines) <= height
    assert all(line.cell_length <= width for line in lines)
    assert all(printable(line.plain) == line.plain for line in lines)


@pytest.mark.parametrize("width", [80, 120])
def test_the_ascii_rung_draws_in_ascii_alone(width: int) -> None:
    assert all(line.plain.isascii() for line in draw_flow(funnel(), width, 20, LADDER["ascii"]))
    assert all(line.plain.isascii() for line in draw_flow(funnel(), 30, 20, LADDER["ascii"]))


def test_a_funnel_shows_its_volumes_its_drop_off_and_its_completion() -> None:
    assert texts(draw_flow(funnel(), 60, 12, LADDER["ascii"])) == GOLDEN


def test_without_room_for_columns_the_volumes_stand_in_a_list() -> None:
    assert texts(draw_flow(funnel(), 40, 6, LADDER["eighths"])) == LISTED


def test_a_list_without_room_for_all_says_what_is_missing() -> None:
    lines = texts(draw_flow(funnel(), 60, 3, LADDER["eighths"]))
    assert lines[-1].startswith("1 of 3 lines have no room")


def test_small_states_and_small_moves_are_told() -> None:
    nodes = (
        FlowNode(name="a", step=0, volume=1.0),
        FlowNode(name="b", step=1, volume=0.9),
        FlowNode(name="c", step=1, volume=0.005),
        FlowNode(name="d", step=1, volume=0.004),
    )
    links = tuple(FlowLink(source=0, target=at, volume=nodes[at].volume) for at in (1, 2, 3))
    drawn = "\n".join(texts(draw_flow(Flow(nodes=nodes, links=links), 100, 14, LADDER["braille"])))
    assert "other (2)" in drawn
    assert "other: 2 small states" in drawn
    assert "moves below 1% are not drawn (1% of all moves)" in drawn


def test_moves_back_are_told_instead_of_drawn() -> None:
    nodes = (FlowNode(name="a", step=0, volume=1.0), FlowNode(name="b", step=1, volume=0.5))
    links = (FlowLink(source=0, target=1, volume=0.5), FlowLink(source=1, target=0, volume=0.5))
    drawn = "\n".join(texts(draw_flow(Flow(nodes=nodes, links=links), 100, 14, LADDER["braille"])))
    assert "moves back or to the same step are not drawn (50% of all moves)" in drawn


def test_a_move_over_several_steps_passes_the_columns_between() -> None:
    nodes = tuple(FlowNode(name=name, step=step, volume=0.5) for step, name in enumerate("abc"))
    links = (FlowLink(source=0, target=2, volume=0.3), FlowLink(source=0, target=1, volume=0.2))
    layout = laid_out(Flow(nodes=nodes, links=links), 20)
    assert layout is not None
    assert [place.passes for place in layout.columns[1]].count(True) == 1


def test_no_flow_is_said() -> None:
    assert texts(draw_flow(Flow(nodes=(), links=()), 40, 10, LADDER["ascii"])) == ["No moves to show."]


async def test_the_diagram_fills_the_height_it_is_given() -> None:
    class Shown(App[None]):
        def compose(self):
            yield FlowDiagram(funnel())

    app = Shown()
    async with app.run_test(size=(80, 24)):
        assert app.query_one(FlowDiagram).render().plain.count("\n") == 23
