import re
from itertools import combinations

import pytest
from deck_samples import (
    everything_said,
    excluding_report,
    height_of,
    inches,
    slide_on,
)
from pptx import Presentation
from report_samples import make_report

from persona_tui.engine.analytics.deck_text import text_width
from persona_tui.engine.analytics.pptx import write_deck

CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"
EDGES = {
    "one persona": {"names": ("Everyone",), "steps": ("a", "b"), "uplift": 0.0, "caveats": ()},
    "ten steps": {"names": list("abcdefghi"), "steps": [f"s{place}" for place in range(10)]},
    "long steps": {"steps": [f"a_step_with_a_long_name_{place}" for place in range(20)], "uplift": 0.04},
    "bare": {"steps": (), "caveats": (), "assumptions": (), "title": "", "decision": "", "names": ("",)},
}


@pytest.fixture(scope="module")
def edge_decks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edges")
    reports = {name: make_report(**parts) for name, parts in EDGES.items()} | {
        "excluding": excluding_report()
    }
    return {
        name: Presentation(write_deck(report, folder / f"{name}.pptx")) for name, report in reports.items()
    }


@pytest.fixture(scope="module")
def all_decks(deck, nasty_deck, edge_decks):
    return [deck, nasty_deck, *edge_decks.values()]


def test_bars_are_as_high_as_the_rows_that_name_them(all_decks):
    for deck in all_decks:
        for slide in deck.slides:
            shapes = {shape.name: shape for shape in slide.shapes}
            for chart, table in (("Share of journeys", "Personas"), ("Uplift by persona", "Uplift values")):
                if chart in shapes:
                    rows = list(shapes[table].table.rows)
                    body = sum(row.height for row in rows[1:])
                    layout = shapes[chart].chart._chartSpace.find(f".//{CHART}manualLayout")
                    drawn = shapes[chart].height * float(layout.find(f"{CHART}h").get("val"))
                    assert shapes[chart].top == pytest.approx(shapes[table].top + rows[0].height, abs=20)
                    assert drawn == pytest.approx(body, rel=1e-4)


def test_every_shape_is_inside_its_slide(all_decks):
    for deck in all_decks:
        for slide in deck.slides:
            for shape in slide.shapes:
                assert shape.left >= 0, shape.name
                assert shape.top >= 0, shape.name
                assert shape.left + shape.width <= deck.slide_width, shape.name
                assert shape.top + shape.height <= deck.slide_height, shape.name


def test_no_two_boxes_overlap(all_decks):
    for deck in all_decks:
        for number, slide in enumerate(deck.slides, start=1):
            for one, other in combinations(slide.shapes, 2):
                across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
                down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
                assert min(across, down) <= 0, (number, one.name, other.name)


def test_text_fits_its_box(all_decks):
    for deck in all_decks:
        for number, slide in enumerate(deck.slides, start=1):
            for shape in slide.shapes:
                if shape.has_text_frame and shape.text_frame.text:
                    assert height_of(shape.text_frame, shape.width) <= inches(shape.height) + 0.02, (
                        number,
                        shape.name,
                    )


def test_text_fits_its_cell(all_decks):
    for deck in all_decks:
        for table in (shape.table for slide in deck.slides for shape in slide.shapes if shape.has_table):
            for row in table.rows:
                for column, cell in zip(table.columns, row.cells, strict=True):
                    taken = height_of(cell.text_frame, column.width, cell.margin_left + cell.margin_right)
                    assert taken <= inches(row.height), cell.text_frame.text


def test_every_chart_and_table_is_described_for_those_who_hear_it(all_decks):
    for deck in all_decks:
        frames = [s for slide in deck.slides for s in slide.shapes if s.has_chart or s.has_table]
        assert all(len(frame._element.nvGraphicFramePr.cNvPr.get("descr")) > 30 for frame in frames)


def test_a_single_persona_is_told_by_its_averages(edge_decks):
    slide = slide_on(edge_decks["one persona"], "PERSONA 1")
    said = next(shape.text_frame.text for shape in slide.shapes if shape.name == "What sets it apart")
    assert said.startswith("On average: ")
    assert not any(shape.has_chart for shape in slide.shapes)


def test_no_number_reads_as_nan(all_decks):
    said = [text for deck in all_decks for text in everything_said(deck)]
    assert not any(re.search(r"\b(nan|inf|None)\b", text) for text in said)


def test_wide_characters_take_more_room_than_narrow_ones():
    widths = [text_width(text * 10, 12) for text in ("i", "n", "W", "漢", "🚀")]
    assert widths == sorted(widths)
    assert text_width("e\u0301", 12) == text_width("e", 12)
