"""Figures of the Data screen, and what it works out without a screen."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.recent import recent_sources, remember_source
from persona_tui.tui.screens.data_choice import Outcomes
from persona_tui.tui.widgets.attributes import AttributeRow, Attributes
from persona_tui.tui.widgets.quality_table import FindingRow, finding_lines
from persona_tui.tui.widgets.recognised import Recognised, RecognisedColumns
from persona_tui.tui.widgets.source_picker import completed
from persona_tui.tui.widgets.tiles import Tile, Tiles
from persona_tui.tui.widgets.vocabulary import EventRow, Vocabulary

names = st.one_of(
    st.text(max_size=40),
    st.sampled_from(["日本語のイベント", "[red]x[/red]", "a\x1b[31mb", "👩‍👩‍👧 family", "x" * 300, ""]),
)
widths = st.integers(1, 200)
rungs = st.sampled_from(sorted(LADDER))
shares = st.floats(0, 1)


@given(names, names, shares, widths, rungs)
def test_no_figure_of_the_data_screen_is_wider_than_it_may_be(name, other, share, width, rung):
    glyphs = LADDER[rung]
    events = (EventRow(name=name, count=9, share=share, role=other), EventRow(name=other, count=7, share=0.5))
    known = Recognised(
        sentence=name, confidence=share, columns=(("user_id", other), ("event_type", name)), notes=(other,)
    )
    attributes = (AttributeRow(name=name, n_levels=3, levels=((other, 4), (name, 2))),)
    finding = FindingRow(
        kind="rejected",
        count="9 rows",
        share="1%",
        done="dropped",
        sentence=name,
        examples=(other,),
        place=(other, 3),
    )
    tiles = tuple(Tile(label=name, value=other, note=name) for _ in range(6))
    drawn = [
        *Vocabulary(events).draw(events, width, glyphs),
        *RecognisedColumns(known).draw(known, width, glyphs),
        *Attributes(attributes).draw(attributes, width, glyphs),
        *Tiles(tiles).draw(tiles, width, glyphs),
        *finding_lines(finding, width, glyphs),
    ]
    assert all(line.cell_length <= width for line in drawn)
    assert not any("\x1b" in line.plain for line in drawn)


def test_event_types_have_their_numbers_under_one_another():
    rows = (
        EventRow(name="landing", count=4_000, share=0.8, role="step 1"),
        EventRow(name="日本", count=1_000, share=0.2),
    )
    lines = [line.plain.rstrip() for line in Vocabulary(rows).draw(rows, 40, LADDER["ascii"])]
    assert lines == ["landing 4,000   80.0% step 1 ##########", "日本    1,000   20.0%        ##"]


@pytest.mark.parametrize("kind", ["funnel", "completion", "drop"])
@given(st.lists(st.sampled_from("abcd"), max_size=12))
def test_an_event_that_drops_a_journey_is_no_step_and_completes_nothing(kind, events):
    held = Outcomes()
    for number, event in enumerate(events):
        held = held.toggled([kind, "drop", "funnel"][number % 3], event)
    assert not set(held.drop) & {*held.funnel, *held.completion}


def test_a_path_is_completed_to_the_first_name_that_begins_so(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "log.csv").touch()
    (tmp_path / ".hidden").touch()
    assert completed(f"{tmp_path}/lo") == f"{tmp_path}/log.csv"
    assert completed(f"{tmp_path}/logs") == f"{tmp_path}/logs/"
    assert completed(f"{tmp_path}/x") is None
    assert completed("sqlite:///lo") is None
    assert completed("/nowhere/at/all") is None


@pytest.mark.parametrize("kept", ["{", "7", '{"a": 1}', '[1, "log.csv"]'])
def test_a_spoilt_file_of_recent_sources_offers_what_it_can(tmp_path, kept):
    (tmp_path / "recent.json").write_text(kept)
    assert recent_sources(tmp_path) == (("log.csv",) if "log" in kept else ())
    remember_source(tmp_path, "b.csv")
    assert json.loads((tmp_path / "recent.json").read_text())[0] == "b.csv"
