"""Timelines of users, drawn in cells."""

from hypothesis import given
from hypothesis import strategies as st
from textual.content import Content

from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.widgets.timeline import Timeline, TimelineRow, Timelines, letters_of

NAMES = st.sampled_from(["landing", "[b]buy[/b]", "日本", "\x1b[31mred", "a" * 300, "👩‍👩‍👧", "\u202eabc"])


def drawn(data, width, rung="eighths"):
    return [line.plain for line in Timeline().draw(data, width, LADDER[rung])]


def test_events_stand_where_they_happened_on_an_axis_that_begins_fast():
    row = TimelineRow(label="ann", note="99 %", events=("a", "b", "a"), seconds=(0.0, 60.0, 3_600.0))
    assert drawn(Timelines(rows=(row,)), 40, "ascii") == [
        "ann a         b                  a  99 %",
        "    +--+------+---------+--------+",
        "    0       1 min    10 min    1 h",
        "a a  b b",
    ]


def test_every_event_is_shown_in_order_where_there_is_a_cell_for_each():
    events = tuple("abcdefghij")
    row = TimelineRow(label="u", events=events, seconds=(0.0, *(1e6 + n for n in range(9))))
    line = drawn(Timelines(rows=(row,)), 20)[0]
    assert "".join(line.split()[1:]) == "".join(letters_of(Timelines(rows=(row,))).values())


def test_what_is_left_out_is_said():
    row = TimelineRow(label="u", events=("a",) * 50, seconds=tuple(map(float, range(50))))
    assert drawn(Timelines(rows=(row,)), 20)[0].endswith("a…")
    cut = TimelineRow(label="u", events=("a",), seconds=(0.0,), is_cut=True)
    assert drawn(Timelines(rows=(cut,)), 20)[0] == "u a…"


def test_the_most_frequent_event_is_a_and_those_beyond_the_letters_share_a_sign():
    events = ("often", "often", *(f"e{n:03d}" for n in range(60)))
    data = Timelines(rows=(TimelineRow(label="u", events=events, seconds=(0.0,) * 62),))
    letters = letters_of(data)
    assert letters["often"] == "a"
    assert letters["e059"] == "*"
    assert drawn(data, 80)[-1].endswith("* 9 others")


def test_no_users_is_said():
    assert drawn(Timelines(rows=()), 40) == ["No users to show."]


@given(
    st.lists(st.tuples(NAMES, st.lists(st.tuples(NAMES, st.floats(0, 1e9)), max_size=30)), max_size=4),
    st.integers(1, 200),
    st.sampled_from(sorted(LADDER)),
)
def test_no_line_is_wider_than_its_room(users, width, rung):
    rows = tuple(
        TimelineRow(
            label=label,
            note="99 %",
            events=tuple(name for name, _ in events),
            seconds=tuple(sorted(seconds for _, seconds in events)),
        )
        for label, events in users
    )
    for line in Timeline().draw(Timelines(rows=rows), width, LADDER[rung]):
        assert line.cell_length <= width
        assert "\x1b" not in line.plain
    assert isinstance(Timeline().draw(Timelines(rows=rows), width, LADDER[rung])[0], Content)
