from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from svg_reading import assert_inside

from persona_tui.engine.analytics.metrics import EXIT, retention
from persona_tui.engine.analytics.numbers import percent
from persona_tui.engine.analytics.visualization import (
    MORE,
    OTHER,
    funnel_chart,
    retention_curve,
    sankey_from_sequences,
)
from persona_tui.engine.data.funnel import count_funnel
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError

ENDS = [EXIT, MORE]
units = st.sampled_from(["user", "session"])
sizes = st.integers(1, 6)


def journeys_of(log, unit):
    found, session_of = {}, {}
    for user, session, _, event in sorted(log.rows(), key=lambda row: row[2]):
        journey = found.setdefault(user if unit == "user" else (user, session), [])
        if unit == "user" and journey and session_of[user] != session:
            journey.append("return")
        journey.append(event)
        session_of[user] = session
    return list(found.values())


def sums(links, *keys):
    summed = links.group_by(keys).agg(pl.col("count").sum())
    return {tuple(key): n for *key, n in summed.iter_rows()}


@given(data=st.data(), n_steps=sizes, n_events=sizes, unit=units)
def test_at_every_event_what_comes_in_goes_out(small_logs, data, n_steps, n_events, unit):
    chart = sankey_from_sequences(data.draw(small_logs), n_steps=n_steps, n_events=n_events, unit=unit)
    inflow = sums(chart.links.with_columns(pl.col("step") + 1), "step", "target")
    outflow = sums(chart.links, "step", "source")
    for step, event, n in chart.nodes.iter_rows():
        assert step == 1 or inflow[step, event] == n
        assert event in ENDS or outflow[step, event] == n
    assert len(chart.nodes) == len(set(inflow) | set(outflow))


@given(data=st.data(), n_steps=sizes, unit=units)
def test_every_journey_begins_once_and_ends_once(small_logs, data, n_steps, unit):
    log = data.draw(small_logs)
    chart, n_journeys = sankey_from_sequences(log, n_steps=n_steps, unit=unit), len(journeys_of(log, unit))
    assert chart.nodes.filter(step=1)["count"].sum() == n_journeys
    assert chart.nodes.filter(pl.col("event").is_in(ENDS))["count"].sum() == n_journeys


@given(data=st.data(), n_steps=sizes, unit=units)
def test_links_count_the_moves_of_journeys_step_by_step(small_logs, data, n_steps, unit):
    log = data.draw(small_logs)
    expected = {}
    for journey in journeys_of(log, unit):
        shown = [*journey[:n_steps], MORE if len(journey) > n_steps else EXIT]
        for place in range(len(shown) - 1):
            key = (place + 1, shown[place], shown[place + 1])
            expected[key] = expected.get(key, 0) + 1
    assert (
        sums(sankey_from_sequences(log, n_steps=n_steps, unit=unit).links, "step", "source", "target")
        == expected
    )


@given(data=st.data(), n_steps=sizes, n_events=sizes)
def test_rare_events_are_folded_and_told(small_logs, data, n_steps, n_events):
    log = data.draw(small_logs)
    chart = sankey_from_sequences(log, n_steps=n_steps, n_events=n_events)
    whole = sankey_from_sequences(log, n_steps=n_steps, n_events=99)
    kept = set(chart.nodes["event"]) - {OTHER, "return", *ENDS}
    totals = dict(whole.nodes.group_by("event").agg(pl.col("count").sum()).iter_rows())
    assert len(kept) <= n_events
    assert kept | set(chart.folded) == set(totals) - {"return", *ENDS}
    assert not kept & set(chart.folded)
    assert min(totals[event] for event in kept) >= max((totals[event] for event in chart.folded), default=0)
    folded = chart.nodes.filter(event=OTHER)["count"].sum()
    assert folded == sum(totals[event] for event in chart.folded)


@given(data=st.data(), ascii_only=st.booleans(), width=st.integers(60, 140))
def test_text_fits_its_width(small_logs, data, ascii_only, width):
    log = data.draw(small_logs)
    text = sankey_from_sequences(log, n_steps=3, n_events=2).to_text(width, ascii_only=ascii_only)
    assert max(map(len, text.splitlines())) <= width
    assert text.isascii() or not ascii_only


@pytest.mark.parametrize(("n_steps", "n_events"), [(0, 1), (1, 0)])
def test_a_sankey_has_a_step_and_an_event(make_log, n_steps, n_events):
    with pytest.raises(DataError, match="== 0, must be >= 1"):
        sankey_from_sequences(make_log([("u", "1", 0, "a")]), n_steps=n_steps, n_events=n_events)


@pytest.mark.parametrize("name", [EXIT, OTHER, MORE])
def test_an_event_with_a_reserved_name_is_refused(make_log, name):
    with pytest.raises(DataError, match="which is reserved"):
        sankey_from_sequences(make_log([("u", "1", 0, name)]))


def test_the_frame_of_a_sankey_is_its_links(make_log):
    chart = sankey_from_sequences(make_log([("u", "1", 0, "a")]))
    assert chart.to_frame().rows() == [(1, "a", EXIT, 1)]


def test_the_text_of_a_sankey_names_what_is_folded(make_log):
    log = make_log([("u", "1", 0, "a"), ("u", "1", 1, "a"), ("u", "1", 2, "rare")])
    assert "(other): 1 rarer events: rare" in sankey_from_sequences(log, n_events=1).to_text()


@given(data=st.data(), n_steps=sizes, n_events=sizes, unit=units)
def test_the_picture_of_a_sankey_holds_the_shares_of_its_nodes(small_logs, data, n_steps, n_events, unit):
    chart = sankey_from_sequences(data.draw(small_logs), n_steps=n_steps, n_events=n_events, unit=unit)
    (panel,) = chart.figure.panels
    counts = {(step, event): n for step, event, n in chart.nodes.iter_rows()}
    for node in panel.flow.nodes:
        name = EXIT if node.left else node.name
        assert node.volume == counts[node.step + 1, name]
    assert panel.flow.total == chart.nodes.filter(step=1)["count"].sum()
    words = "".join(ElementTree.fromstring(chart.to_svg()).itertext())
    assert_inside(chart.to_svg())
    assert all(percent(node.volume / panel.flow.total) in words for node in panel.flow.nodes)


def test_the_picture_of_a_sankey_draws_who_leaves_and_names_what_is_folded(make_log):
    log = make_log([("u", "1", 0, "a"), ("u", "1", 1, "a"), ("v", "1", 0, "a"), ("v", "1", 1, "<rare>")])
    picture = sankey_from_sequences(log, n_events=1).to_svg()
    assert "(other): 1 rarer events: &lt;rare&gt;" in picture
    assert ">leave" in picture


def test_figures_of_a_log_show_themselves_and_leave_as_files(steps, visits, make_log, tmp_path):
    sankey = sankey_from_sequences(make_log([("u", "1", 0, "a"), ("u", "1", 1, "b")]))
    for place, chart in enumerate((sankey, funnel_chart(steps), retention_curve(visits, n_periods=3))):
        assert chart._repr_mimebundle_() == {"image/svg+xml": chart.to_svg(), "text/plain": chart.to_text()}
        picture = chart.write_svg(tmp_path / f"{place}.svg")
        assert picture.read_text() == chart.to_svg()
        assert chart.write_png(tmp_path / f"{place}.png").read_bytes()[1:4] == b"PNG"
        assert "<table>" in chart.write_html(tmp_path / f"{place}.html").read_text()


def test_a_name_from_the_log_cannot_steer_the_terminal(make_log):
    log = make_log([("u", "1", 0, "\x1b[31mred"), ("u", "1", 1, "\x1b[2Jrare\n")])
    text = sankey_from_sequences(log, n_events=1).to_text()
    assert "\x1b" not in text
    assert "\\x1b[31mred" in text


@pytest.fixture
def steps(make_log):
    rows = [
        ("u", "1", 0, "landing"),
        ("u", "1", 1, "signup"),
        ("v", "1", 0, "signup"),
        ("w", "1", 0, "landing"),
    ]
    return count_funnel(encode_sequences(make_log(rows)), ["landing", "signup"])


def test_the_frame_of_a_funnel_has_a_row_a_step(steps):
    frame = funnel_chart(steps).to_frame()
    assert frame["step"].to_list() == ["landing", "signup"]
    assert frame["reached"].to_list() == [2, 2]
    assert frame["reached_in_order"].to_list() == [2, 1]


def test_the_text_of_a_funnel_shows_reached_and_in_order(steps):
    line = funnel_chart(steps).to_text(ascii_only=True).splitlines()[2]
    assert line.split() == ["signup", "#######", "2", "66.7", "%", "in", "order", "33.3", "%"]


def test_a_bar_is_empty_only_at_zero(steps):
    tiny, none = replace(steps[0], rate=1e-6, reached=1), replace(steps[1], rate=0.0, reached=0)
    lines = funnel_chart([tiny, none]).to_text().splitlines()
    assert "▏" in lines[1]
    assert not {"▏", "█"} & set(lines[2])


def test_a_funnel_without_steps_is_refused():
    with pytest.raises(DataError, match="has no step"):
        funnel_chart([])


@pytest.fixture
def visits():
    begin = datetime(2026, 3, 2, tzinfo=UTC)
    weeks = [("u", 0), ("u", 1), ("u", 2), ("v", 0), ("w", 1), ("w", 2), ("x", 2)]
    return pl.DataFrame(
        {"user_id": [user for user, _ in weeks], "timestamp": [begin + timedelta(weeks=n) for _, n in weeks]}
    )


def test_a_retention_curve_pools_the_cohorts_whose_period_is_over(visits):
    curve = retention_curve(visits, n_periods=4).to_frame()
    assert curve.rows() == [
        (0, 2, 3, 3, 1.0),
        (1, 1, 2, 1, 0.5),
        (2, 0, None, None, None),
        (3, 0, None, None, None),
    ]


def test_a_retention_curve_keeps_its_cohorts(visits):
    assert_frame_equal(retention_curve(visits, "day", 3).cohorts, retention(visits, "day", 3))


def test_the_text_of_a_retention_curve_says_what_is_not_over(visits):
    lines = retention_curve(visits, n_periods=3).to_text(ascii_only=True).splitlines()
    assert lines[2].split() == ["week", "1", "#####", "1", "50.0", "%", "of", "2"]
    assert lines[3].endswith("not over yet")
