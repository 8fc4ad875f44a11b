"""What the heat map promises."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import HOSTILE_NAMES
from textual import on
from textual.app import App

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.widgets.heat_map import Heat, HeatMap, draw_heat, in_words

HEAT = Heat(
    sources=("landing", "form"),
    targets=("landing", "form", "leave"),
    values=((0.0, 0.6, 0.4), (0.002, 0.1, 0.898)),
    n=(100.0, 0.0),
)
NAMES = st.sampled_from(HOSTILE_NAMES) | st.text(max_size=9)
GOLDEN = [
    "from / to, %        1        2        3",
    "1 landing           -  ###  60 [***  40]",
    "2 form        ...  <1  :::  10  ###  90",
    ". <5 : 5+ * 20+ # 50+ %; 3 leave",
    "After landing, 40.0 % go to leave.",
    "95 % interval 30.9 to 49.8 %, n = 100",
]


@st.composite
def heats(draw: st.DrawFn) -> Heat:
    sources = draw(st.lists(NAMES, min_size=1, max_size=20))
    targets = draw(st.lists(NAMES, min_size=1, max_size=45))
    share = draw(st.floats(0, 1))
    row = tuple(share for _ in targets)
    return Heat(
        sources=tuple(sources),
        targets=tuple(targets),
        values=tuple(row for _ in sources),
        n=tuple(draw(st.floats(0, 1e7)) for _ in sources),
    )


def test_shares_stand_in_shades_and_percentages_and_the_focus_in_words() -> None:
    assert [line.plain.rstrip() for line in draw_heat(HEAT, (0, 2), 40, 10, LADDER["ascii"])] == GOLDEN


def test_a_row_that_was_never_seen_says_so() -> None:
    assert in_words(HEAT, (1, 1), 120, LADDER["eighths"])[0].rstrip() == (
        "After form, 10.0 % go to form (no moves seen)."
    )


def test_wide_columns_carry_their_names() -> None:
    heading = draw_heat(HEAT, (0, 0), 100, 10, LADDER["eighths"])[0].plain
    assert heading.split() == ["from", "/", "to,", "%", "landing", "form", "leave"]


def test_a_matrix_that_does_not_fit_scrolls_to_the_focus_and_says_where_it_is() -> None:
    names = tuple(f"event_{number}" for number in range(60))
    heat = Heat(sources=names, targets=names, values=((0.5,) * 60,) * 60, n=(10.0,) * 60)
    drawn = "\n".join(line.plain for line in draw_heat(heat, (59, 59), 80, 12, LADDER["eighths"]))
    assert "[█ 50]" in drawn
    assert "rows 53 to 60 of 60" in drawn
    assert "columns 50 to 60 of 60" in drawn


@settings(max_examples=100, deadline=None)
@given(
    heat=heats(),
    at=st.tuples(st.integers(0, 19), st.integers(0, 44)),
    width=st.integers(1, 200),
    height=st.integers(1, 45),
    rung=st.sampled_from(sorted(LADDER)),
)
def test_no_line_is_wider_or_lower_than_its_room(heat, at, width, height, rung) -> None:
    cell = at[0] % len(heat.sources), at[1] % len(heat.targets)
    lines = draw_heat(heat, cell, width, height, LADDER[rung])
    assert 1 <= len(lines) <= height
    assert all(line.cell_length <= width for line in lines)
    assert all(printable(line.plain) == line.plain for line in lines)


def test_no_moves_are_said() -> None:
    nothing = Heat(sources=(), targets=(), values=(), n=())
    assert [line.plain.strip() for line in draw_heat(nothing, (0, 0), 40, 9, LADDER["ascii"])] == [
        "No moves to show."
    ]


class Shown(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str, float, float]] = []

    def compose(self):
        yield HeatMap(HEAT)

    @on(HeatMap.CellFocused)
    def keep(self, message: HeatMap.CellFocused) -> None:
        self.told.append((message.source, message.target, message.value, message.n))


async def test_arrow_keys_move_the_focus_which_is_told() -> None:
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(HeatMap).focus()
        await pilot.press("right", "down")
        assert app.told[-2:] == [("landing", "form", 0.6, 100.0), ("form", "form", 0.1, 0.0)]


@pytest.mark.parametrize(("keys", "cell"), [(("left", "up"), (0, 0)), (("end", "ctrl+end"), (1, 2))])
async def test_the_focus_stays_in_the_matrix(keys, cell) -> None:
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        app.query_one(HeatMap).focus()
        await pilot.press(*keys)
        assert app.query_one(HeatMap).at == cell


async def test_a_click_puts_the_focus_where_the_mouse_is() -> None:
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        line = app.query_one(HeatMap).render().plain.splitlines()[2]
        await pilot.click(HeatMap, offset=(line.index("90"), 2))
        assert app.query_one(HeatMap).at == (1, 2)


async def test_a_smaller_matrix_keeps_the_focus_inside() -> None:
    app = Shown()
    async with app.run_test(size=(80, 24)) as pilot:
        heat_map = app.query_one(HeatMap)
        heat_map.at = (1, 2)
        heat_map.data = Heat(sources=("a",), targets=("b",), values=((1.0,),), n=(5.0,))
        await pilot.pause()
        assert heat_map.at == (0, 0)
        assert app.told[-1] == ("a", "b", 1.0, 5.0)
