"""Bands between the states of a flow: as thick as their volume, and never crossing at a state."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_samples import make_report

from persona_tui.engine.analytics.charts import plotly_figure
from persona_tui.engine.analytics.flow_bands import stacked_bands
from persona_tui.engine.analytics.report_figures import flow_figure
from persona_tui.engine.analytics.step_flow import FlowLink, FlowNode, StepFlow


@st.composite
def flows(draw):
    """A flow of two steps, whose states stand in any order."""
    n_left, n_right = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    volumes = draw(st.lists(st.floats(0.01, 1), min_size=n_left * n_right, max_size=n_left * n_right))
    links = tuple(
        FlowLink(source=left, target=n_left + right, volume=volumes[left * n_right + right])
        for left in range(n_left)
        for right in range(n_right)
    )
    nodes = tuple(
        FlowNode(step=int(place >= n_left), name=str(place), volume=1.0, exits=0.0)
        for place in range(n_left + n_right)
    )
    tops = draw(st.permutations([10.0 * place for place in range(len(nodes))]))
    return StepFlow(unit="users", total=1.0, nodes=nodes, links=links), tops


@given(flows(), st.floats(0.1, 9))
def test_bands_fill_the_states_without_a_crossing(drawn, scale):
    flow, tops = drawn
    bands = stacked_bands(flow, tops, scale)
    assert {band.link for band in bands} == set(flow.links)
    for band in bands:
        assert band.height == pytest.approx(band.link.volume * scale)
    for end, edge in (("source", "leaves"), ("target", "enters")):
        for state, top in enumerate(tops):
            here = sorted((b for b in bands if getattr(b.link, end) == state), key=lambda b: getattr(b, edge))
            at = top
            for band in here:
                assert getattr(band, edge) == pytest.approx(at)
                at += band.height
    for one, other in combinations(bands, 2):
        if one.link.source == other.link.source:
            order = tops[one.link.target] < tops[other.link.target]
            assert (one.leaves < other.leaves) == order


def test_the_page_draws_each_band_and_state_with_what_it_is():
    figure = flow_figure(make_report().lead)
    drawn = plotly_figure(figure)["data"]
    told = [trace["text"] for trace in drawn if trace["mode"] == "lines"]
    n_parts = sum(len(panel.flow.nodes) + len(panel.flow.links) for panel in figure.panels)
    assert len(told) == n_parts
    assert all(text.endswith(f"% of {figure.panels[0].flow.unit}") for text in told)
    assert {trace["yaxis"] for trace in drawn} == {"y", "y2"}
