"""Figures fit the cells they have, whatever their data, and say their numbers."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import HOSTILE_NAMES
from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import LADDER, bar, column
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.widgets.funnel_bars import Funnel, FunnelArm, FunnelBars
from persona_tui.tui.widgets.histogram import Counts, Histogram
from persona_tui.tui.widgets.interval_bars import IntervalBars, IntervalRow, Intervals
from persona_tui.tui.widgets.measures import MEASURES
from persona_tui.tui.widgets.sparkline import Spark, Sparkline
from persona_tui.tui.widgets.text_table import Table, TextTable
from persona_tui.tui.widgets.tornado import Swing, Swings, Tornado

NAMES = st.sampled_from(["landing", *HOSTILE_NAMES]) | st.text(max_size=30)
RUNGS = st.sampled_from(sorted(LADDER))
SHARES = st.floats(0, 1)


@st.composite
def intervals(draw):
    kind = draw(st.sampled_from(sorted(MEASURES)))
    numbers = {"percent": SHARES, "points": st.floats(-1, 1), "lift": st.floats(0, 1e4)}.get(
        kind, st.floats(-1e6, 1e6)
    )
    rows = []
    for _ in range(draw(st.integers(0, 5))):
        low, value, high = sorted(draw(st.tuples(numbers, numbers, numbers)))
        known = draw(st.booleans())
        value = draw(st.sampled_from([value, value, math.nan]))
        rows.append(
            IntervalRow(
                label=draw(NAMES),
                value=value,
                low=low if known else None,
                high=high if known else None,
                n=draw(st.none() | st.integers(0, 10**9)),
                note=draw(NAMES),
            )
        )
    mark = draw(st.sampled_from(["bar", "point"]))
    return IntervalBars, Intervals(rows=tuple(rows), kind=kind, title=draw(NAMES), n_title="users", mark=mark)


@st.composite
def funnels(draw):
    steps = tuple(draw(st.lists(NAMES, max_size=6)))
    n = len(steps)
    ends = st.tuples(st.floats(-1, 1), st.floats(-1, 1))
    arms = tuple(
        FunnelArm(
            name=name,
            reached=tuple(draw(st.lists(st.floats(0, 1e6), min_size=n, max_size=n))),
            total=draw(st.sampled_from([0.0, 1e6])),
            intervals=draw(st.sampled_from([(), ((0.1, 0.4),) * n])),
        )
        for name in draw(st.sampled_from([("",), ("control", "treatment"), ("日本\x1b[31m", "[b]")]))
    )
    uplifts = tuple(draw(st.lists(st.none() | ends, min_size=n, max_size=n)))
    return FunnelBars, Funnel(steps=steps, arms=arms, uplifts=uplifts, title=draw(NAMES))


@st.composite
def histograms(draw):
    counts = tuple(draw(st.lists(st.integers(0, 10**9), max_size=300)))
    labels = (draw(NAMES),) * len(counts)
    return Histogram, Counts(counts=counts, labels=labels, title=draw(NAMES), height=draw(st.integers(1, 6)))


@st.composite
def sparklines(draw):
    values = tuple(draw(st.lists(st.floats(0, 1e9), max_size=100)))
    return Sparkline, Spark(values=values, label=draw(NAMES))


@st.composite
def tables(draw):
    n = draw(st.integers(1, 6))
    rows = draw(st.lists(st.tuples(*[NAMES] * n), max_size=5))
    table = TextTable(
        heads=draw(st.tuples(*[NAMES] * n)),
        rows=tuple(rows),
        left=draw(st.integers(0, n)),
        last_is_text=draw(st.booleans()),
    )
    return Table, table


@st.composite
def tornados(draw):
    numbers = st.floats(-1, 1)
    one = st.builds(
        Swing,
        label=NAMES,
        ends=st.none() | st.tuples(st.floats(0, 1e3), st.floats(0, 1e3)),
        results=st.tuples(numbers, numbers),
        is_assumed=st.booleans(),
    )
    kind = draw(st.sampled_from(["percent", "points", "number"]))
    swings = tuple(draw(st.lists(one, max_size=5)))
    return Tornado, Swings(base=draw(numbers), swings=swings, kind=kind, title=draw(NAMES))


@pytest.mark.parametrize("figures", [tornados, intervals, funnels, histograms, sparklines, tables])
@given(drawing=st.data(), width=st.integers(1, 200), rung=RUNGS)
def test_no_line_is_wider_than_the_cells_it_has_or_steers_the_terminal(figures, drawing, width, rung):
    kind, data = drawing.draw(figures())
    for line in kind().draw(data, width, LADDER[rung]):
        assert line.cell_length <= width
        assert printable(line.plain) == line.plain


@given(SHARES, st.integers(0, 60), RUNGS)
def test_a_bar_is_as_long_as_its_share_to_what_the_glyphs_can_show(share, width, rung):
    glyphs = LADDER[rung]
    text = bar(share, width, glyphs)
    finest = len(glyphs.steps) - 1
    filled = sum(glyphs.steps.index(char) for char in text)
    assert len(text) == width
    assert abs(filled - share * width * finest) <= 0.5 + 1e-9


@given(st.floats(1e-9, 1), RUNGS)
def test_what_is_not_zero_shows(share, rung):
    assert column(share, LADDER[rung]) != " "


@given(NAMES, st.integers(1, 60), RUNGS)
def test_a_name_takes_exactly_its_cells(name, width, rung):
    assert Content(fitted(name, width, LADDER[rung])).cell_length == width


def test_the_ascii_rung_is_ascii():
    data = Intervals(rows=(IntervalRow(label="mobile", value=0.3, low=0.1, high=0.4),))
    shown = "\n".join(line.plain for line in IntervalBars().draw(data, 80, LADDER["ascii"]))
    assert shown.isascii()


def drawn(figure, data, width=70, rung="eighths"):
    return "\n".join(line.plain.rstrip() for line in figure().draw(data, width, LADDER[rung]))


PICTURE = """\
Conversion                                        95 % interval  users
deciders ███████████████████████├──●──┤  32.0 %  28.0 to 36.0 %  1,203
browsers ████████├─●┤                    12.0 %  10.0 to 14.0 %    803
         ┬───────────────┬─────────────
         0 %           20 %"""


def test_intervals_as_a_picture():
    rows = (
        IntervalRow(label="deciders", value=0.32, low=0.28, high=0.36, n=1_203),
        IntervalRow(label="browsers", value=0.12, low=0.10, high=0.14, n=803),
    )
    assert drawn(IntervalBars, Intervals(rows=rows, title="Conversion", n_title="users")) == PICTURE


@pytest.mark.parametrize("rung", sorted(LADDER))
def test_an_arrow_says_on_which_side_of_zero_the_whole_interval_lies(rung):
    glyphs = LADDER[rung]
    row = IntervalRow(label="x", value=0.02, low=0.01, high=0.03)
    rows = (row, replace(row, value=-0.02, low=-0.03, high=-0.01), replace(row, low=-0.01))
    up, down, unclear = drawn(IntervalBars, Intervals(rows=rows, kind="points"), rung=rung).splitlines()[1:4]
    assert f"{glyphs.up} +2.0" in up
    assert f"{glyphs.down} -2.0" in down
    assert "  +2.0" in unclear


def test_a_half_lies_as_far_from_one_as_a_double():
    rows = tuple(IntervalRow(label=str(value), value=value) for value in (0.5, 2.0))
    half, double = drawn(IntervalBars, Intervals(rows=rows, kind="lift", mark="point")).splitlines()[:2]
    middle = half.index("│")
    assert middle - half.index("●") == double.index("●") - double.index("│")
    assert double.index("│") == middle


def test_numbers_go_before_the_bars_do():
    rows = (IntervalRow(label="x", value=0.3, low=0.1, high=0.4, n=12_345, note="a note"),)
    wide, narrow = (drawn(IntervalBars, Intervals(rows=rows), width) for width in (80, 30))
    assert "12,345  a note" in wide
    assert "12,345" not in narrow
    assert "█" in narrow


STEPS = ("landing", "signup_start", "signup_complete")
CONTROL = FunnelArm(name="control", reached=(2_540, 2_400, 1_383), total=3_200)
TREATMENT = FunnelArm(name="treatment", reached=(2_540, 2_290, 1_401), total=3_200)


def test_the_step_that_loses_most_is_named():
    told = drawn(FunnelBars, Funnel(steps=STEPS, arms=(replace(CONTROL, name=""),))).splitlines()
    assert [line.strip() for line in told if "lost" in line] == [
        "▼ 140 lost, 5.5 %",
        "▼ 1,017 lost, 42.4 %, the largest loss",
    ]


def test_a_funnel_that_grows_on_the_way_says_so():
    arm = FunnelArm(reached=(100, 112, 50), total=200)
    assert "▲ 12 more" in drawn(FunnelBars, Funnel(steps=STEPS, arms=(arm,)))


def test_two_arms_name_the_uplift_of_each_step_with_its_interval():
    uplifts = (None, (-0.05, -0.02), (-0.01, 0.02))
    told = drawn(FunnelBars, Funnel(steps=STEPS, arms=(CONTROL, TREATMENT), uplifts=uplifts))
    assert "= 0.0 points\n" in told
    assert "▼ -3.4 points (-5.0 to -2.0)" in told
    assert "▲ +0.6 points (-1.0 to +2.0)" in told
    assert "▼ lost: control 5.5 %, treatment 9.8 %" in told


def test_rounding_noise_between_two_arms_is_no_uplift():
    arms = (
        FunnelArm(name="control", reached=(0.3,), total=1),
        FunnelArm(name="treatment", reached=(0.1 + 0.2,), total=1),
    )
    assert "= 0.0 points" in drawn(FunnelBars, Funnel(steps=("landing",), arms=arms))


def test_a_single_event_shows_among_millions():
    counts = Counts(counts=(10**6, 1, 0), labels=("a", "b", "c"), height=4)
    assert "▁" in drawn(Histogram, counts).splitlines()[3]


def test_columns_have_their_highest_count_and_dates_below_them():
    days = tuple(f"2026-03-{day:02}" for day in range(1, 31))
    told = drawn(Histogram, Counts(counts=tuple(range(30)), labels=days, title="Events", unit="events a day"))
    title, top, *_, dates = told.splitlines()
    assert title.endswith("highest: 29 events a day, 2026-03-30")
    assert top.startswith("29 │")
    assert dates.split() == ["2026-03-01", "2026-03-15", "2026-03-30"]


def test_the_widest_swing_comes_first_and_an_assumed_range_is_marked():
    swings = (
        Swing(label="data", ends=None, results=(-0.041, -0.021)),
        Swing(label="friction.factor", ends=(0.05, 0.2), results=(-0.011, -0.055), is_assumed=True),
        Swing(label="reward.factor", ends=(0.05, 0.2), results=(-0.037, -0.03)),
    )
    told = drawn(Tornado, Swings(base=-0.032, swings=swings), width=100).splitlines()
    assert [line.split()[0] for line in told[1:4]] == ["friction.factor*", "data", "reward.factor"]
    assert told[1].endswith("4.4  0.05: -1.1    0.2: -5.5")
    assert told[-2].endswith("as set: -3.2 points")
    assert told[-1] == "* no range stated: half either way"


def test_a_table_copies_with_tabs_and_no_cell_runs_in_a_spreadsheet():
    table = TextTable(heads=("event", "n"), rows=(("=cmd()", "1"), ("a\x1bb", "2")))
    assert table.as_text() == "event\tn\n'=cmd()\t1\na\\x1bb\t2"
