"""What the convergence chart promises."""

import plotext
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import HOSTILE_NAMES
from textual.app import App

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.widgets.convergence import Convergence, ConvergenceChart, RunningArm, draw_convergence


def running(name: str, value: float, exact: float | None, style: str = "$primary", n: int = 40) -> RunningArm:
    half = [0.2 / (at + 1) for at in range(n)]
    return RunningArm(
        name=name,
        values=tuple(value + (-1) ** at * part / 3 for at, part in enumerate(half)),
        low=tuple(value - part for part in half),
        high=tuple(value + part for part in half),
        exact=exact,
        style=style,
    )


ARMS = (running("control", 0.31, 0.312), running("treatment", 0.27, 0.29, "$accent"))
DATA = Convergence(n=tuple(range(100, 4100, 100)), arms=ARMS)


def text(data: Convergence, width: int, height: int, rung: str) -> list[str]:
    return [line.plain.rstrip() for line in draw_convergence(data, width, height, LADDER[rung])]


def test_each_arm_is_told_with_its_band_its_n_and_its_exact_value() -> None:
    assert text(DATA, 80, 20, "braille")[-2:] == [
        "control: 30.8 % (30.5 to 31.5 %); n = 4,000; exact 31.2 %, in the band",
        "treatment: 26.8 % (26.5 to 27.5 %); n = 4,000; exact 29.0 %, outside the band",
    ]


def test_each_arm_is_named_where_its_line_ends() -> None:
    lines = text(DATA, 80, 20, "braille")
    ends = [at for at, line in enumerate(lines) if line.endswith((" control", " treatment"))]
    assert len(ends) == 2
    assert lines[ends[0]].endswith("control")


def test_the_axes_name_their_ends() -> None:
    lines = text(DATA, 80, 20, "eighths")
    assert "4,000" in lines[-3]
    assert lines[1].split("┤")[0].strip().endswith("%")


@pytest.mark.parametrize("width", [40, 80, 200])
def test_the_ascii_rung_draws_in_ascii_alone(width: int) -> None:
    assert all(line.isascii() for line in text(DATA, width, 20, "ascii"))


def test_lines_wear_the_styles_of_their_arms() -> None:
    styles = {
        str(span.style) for line in draw_convergence(DATA, 80, 20, LADDER["braille"]) for span in line.spans
    }
    assert {"$primary", "$accent", "$primary dim", "$accent dim", "$text-muted"} <= styles


def test_nothing_of_a_chart_leaks_into_the_next() -> None:
    first = text(DATA, 80, 20, "braille")
    plotext.clear_figure()
    plotext.plot([1, 2], [900, 1000])
    plotext.title("of somebody else")
    assert text(DATA, 80, 20, "braille") == first
    assert "900" not in plotext.uncolorize(plotext.build())


def test_without_users_or_room_there_are_words() -> None:
    assert text(Convergence(n=(), arms=ARMS), 40, 9, "ascii") == ["No synthetic users yet."]
    assert text(DATA, 34, 9, "ascii")[:3] == [
        "control: 30.8 % (30.5 to 31.5 %)",
        "n = 4,000",
        "exact 31.2 %, in the band",
    ]


def test_one_block_of_users_is_one_point_with_its_band() -> None:
    one = Convergence(n=(10,), arms=(running("control", 0.5, None, n=1),))
    *chart, words = text(one, 80, 20, "ascii")
    assert words == "control: 56.7 % (30.0 to 70.0 %); n = 10"
    assert [line.index("o") for line in chart[1:-2] if "o control" in line]
    assert sum("." in line.partition(" %")[2] for line in chart[1:-2]) == 2


@settings(max_examples=60, deadline=None)
@given(
    name=st.sampled_from(["control", *HOSTILE_NAMES]) | st.text(max_size=30),
    value=st.floats(0, 1),
    n=st.integers(1, 300),
    width=st.integers(1, 200),
    height=st.integers(1, 45),
    rung=st.sampled_from(sorted(LADDER)),
)
def test_no_line_is_wider_or_lower_than_its_room(name, value, n, width, height, rung) -> None:
    arms = (running(name, value, value, n=n), running("treatment", 0.2, None, "$accent", n=n))
    lines = draw_convergence(Convergence(n=tuple(range(1, n + 1)), arms=arms), width, height, LADDER[rung])
    assert 1 <= len(lines) <= height
    assert all(line.cell_length <= width for line in lines)
    assert all(printable(line.plain) == line.plain for line in lines)


def test_an_arm_is_made_from_how_many_converted_so_far() -> None:
    arm = RunningArm.counted("control", (0, 50), (10, 100), exact=0.4)
    assert arm.values == (0.0, 0.5)
    assert arm.low[0] == 0
    assert arm.high[0] == pytest.approx(0.278, abs=1e-3)
    assert arm.low[1] < 0.5 < arm.high[1]
    assert arm.exact == 0.4


async def test_the_chart_fills_the_height_it_is_given() -> None:
    class Shown(App[None]):
        def compose(self):
            yield ConvergenceChart(DATA)

    app = Shown()
    async with app.run_test(size=(80, 24)):
        assert app.query_one(ConvergenceChart).render().plain.count("\n") == 23
