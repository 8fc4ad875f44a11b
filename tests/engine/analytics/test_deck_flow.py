from itertools import pairwise

import numpy as np
import pytest
from deck_samples import random_flow, with_lead
from pptx import Presentation
from pptx.util import Emu
from report_samples import make_report

from persona_tui.engine.analytics.deck_text import LINE_HEIGHT, text_width
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.pptx import write_deck
from persona_tui.engine.analytics.step_flow import (
    LEAVES,
    folded_alike,
    key_of,
    merge_flows,
    with_leaving,
)
from persona_tui.engine.simulation.simulated import ARMS

DRAWING = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
NAMES = (
    "landing",
    "プラン比較" * 8,
    "<b>&amp;",
    "=cmd()",
    "x" * 200,
    *(f"state {place}" for place in range(9)),
)


def flows_of(seed):
    return folded_alike({arm: random_flow(seed + place, NAMES) for place, arm in enumerate(ARMS)}, 7)


def report_with(flows):
    return with_lead(make_report(), flows=flows)


@pytest.fixture(scope="module", params=(0, 10, 20))
def drawn(request, tmp_path_factory):
    """The flows of a report, and the groups of its deck by arm."""
    flows = flows_of(request.param)
    path = tmp_path_factory.mktemp("flows") / "deck.pptx"
    return flows, groups(Presentation(write_deck(report_with(flows), path)))


def groups(deck):
    found = {
        shape.name.removeprefix("Flow: "): shape
        for slide in deck.slides
        for shape in slide.shapes
        if shape.name.startswith("Flow: ")
    }
    assert list(found) == ["control", "treatment"]
    return found


def labels(group):
    return [shape for shape in group.shapes if shape.name.startswith("Label: ")]


def blocks(group):
    return [shape for shape in group.shapes if not shape.name.startswith("Label: ") and not curves(shape)]


def curves(shape):
    return shape._element.findall(f".//{DRAWING}cubicBezTo")


def share_of(block):
    return float(block.name.rsplit(" ", 1)[-1].split("\u202f")[0]) / 100


def test_the_same_states_are_folded_in_both_arms():
    flows = flows_of(3)
    wholes = {"control": random_flow(3, NAMES), "treatment": random_flow(4, NAMES)}
    kept = {arm: {key_of(node) for node in flow.nodes if not node.folded} for arm, flow in flows.items()}
    there = {arm: {key_of(node) for node in flow.nodes} for arm, flow in wholes.items()}
    assert kept["control"] & there["treatment"] == kept["treatment"] & there["control"]
    assert any(node.folded for flow in flows.values() for node in flow.nodes)
    for arm, whole in wholes.items():
        volumes = [sum(node.volume for node in flow.nodes) for flow in (flows[arm], whole)]
        assert volumes[0] == pytest.approx(volumes[1])
        assert (flows[arm].left, flows[arm].completed) == pytest.approx((whole.left, whole.completed))


def test_flows_are_merged_by_what_is_largest():
    flows = flows_of(5).values()
    merged = merge_flows(flows)
    for flow in flows:
        sizes = {key_of(node): node.volume for node in merged.nodes}
        assert all(node.volume <= sizes[key_of(node)] for node in flow.nodes)
    assert len({key_of(node) for node in merged.nodes}) == len(merged.nodes)


def test_bands_are_freeforms_with_two_curved_edges(drawn):
    flows, found = drawn
    for arm, group in found.items():
        bands = [shape for shape in group.shapes if curves(shape)]
        assert len(bands) == len(with_leaving(flows[arm]).links)
        for band in bands:
            assert len(curves(band)) == 2
            path = band._element.find(f".//{DRAWING}path")
            assert (int(path.get("w")), int(path.get("h"))) == (band.width, band.height)
            points = [(int(each.get("x")), int(each.get("y"))) for each in path.iter(f"{DRAWING}pt")]
            assert all(0 <= x <= band.width and -2 <= y <= band.height + 2 for x, y in points)


def test_heights_are_shares_at_one_scale_in_both_arms(drawn):
    _, found = drawn
    ratios = [
        block.height / share_of(block)
        for group in found.values()
        for block in blocks(group)
        if share_of(block) > 0.1
    ]
    assert max(ratios) == pytest.approx(min(ratios), rel=0.01)


def test_every_state_is_labelled_with_its_share_and_who_leaves_is_drawn(drawn):
    flows, found = drawn
    for arm, group in found.items():
        flow = with_leaving(flows[arm])
        texts = [shape.text_frame.text for shape in labels(group)]
        assert sorted(text.rsplit(" ", 1)[1] for text in texts) == sorted(
            percent(node.volume / flow.total) for node in flow.nodes
        )
        assert sum(text.startswith(f"{LEAVES} ") for text in texts) == sum(
            node.name == LEAVES for node in flow.nodes
        )


def test_labels_fit_and_do_not_overlap(drawn):
    _, found = drawn
    for group in found.values():
        columns = {}
        for label in labels(group):
            columns.setdefault(label.left, []).append(label)
            runs = label.text_frame.paragraphs[0].runs
            size = runs[0].font.size.pt
            width = sum(text_width(run.text, size, bold=run.font.bold) for run in runs)
            assert width <= Emu(label.width).inches
            assert size * LINE_HEIGHT / 72 <= Emu(label.height).inches + 0.001
        for column in columns.values():
            column.sort(key=lambda label: label.top)
            for above, below in pairwise(column):
                assert above.top + above.height <= below.top + 2
        pitch = np.diff(sorted(columns)).min(initial=10**9)
        assert all(label.width < pitch for label in labels(group))


def test_a_drawing_is_inside_its_group_and_described(drawn):
    _, found = drawn
    for arm, group in found.items():
        assert group._element.nvGrpSpPr.cNvPr.get("descr").startswith(f"Flow of the {arm} by step")
        for shape in group.shapes:
            assert shape.left >= group.left
            assert shape.top >= group.top
            assert shape.left + shape.width <= group.left + group.width + 2
            assert shape.top + shape.height <= group.top + group.height + 2


def test_every_shape_of_a_slide_has_a_number_of_its_own(drawn):
    _, found = drawn
    tree = found["control"]._element.getparent()
    numbers = tree.xpath(".//p:cNvPr/@id")
    assert len(set(numbers)) == len(numbers)


def test_the_notes_name_every_state_of_every_step(tmp_path):
    flows = flows_of(7)
    deck = Presentation(write_deck(report_with(flows), tmp_path / "deck.pptx"))
    notes = next(
        slide.notes_slide.notes_text_frame.text
        for slide in deck.slides
        if any(shape.name == "Flow: control" for shape in slide.shapes)
    )
    for arm, flow in flows.items():
        for node in flow.nodes:
            assert f"{arm}, step {node.step + 1}: " in notes
            assert f"{node.name} {percent(node.volume)}" in notes


def test_the_title_says_what_the_change_does_to_the_first_steps(tmp_path):
    flow = random_flow(7, NAMES)
    deck = Presentation(write_deck(report_with({"control": flow, "treatment": flow}), tmp_path / "a.pptx"))
    titles = [slide.shapes.title.text_frame.text for slide in deck.slides]
    assert "In the first 5 steps, as many complete and leave with the change as without it" in titles
