import re
import time
import zipfile
from dataclasses import replace
from io import BytesIO
from types import SimpleNamespace

import pytest
from deck_samples import (
    cells,
    charts,
    everything_said,
    excluding_report,
    several_scenarios,
    slide_on,
    tables,
    tables_of,
    title_of,
    with_lead,
)
from pptx import Presentation
from report_samples import comparison, make_report

from persona_tui.engine.analytics.pptx import write_deck
from persona_tui.engine.simulation.leverage import StateDropOff

CHART = "{http://schemas.openxmlformats.org/drawingml/2006/chart}"


def deck_of(report, path):
    return Presentation(write_deck(report, path))


def test_the_slides_come_in_the_order_of_an_argument(deck):
    topics = [
        next((s.text_frame.text for s in slide.shapes if s.name == "Topic"), "") for slide in deck.slides
    ]
    assert topics == [
        "",
        "HOW TO READ IT",
        "DECISION",
        "PERSONAS",
        *(f"PERSONA {number}" for number in range(1, 5)),
        "THE CHANGE AS FLOW",
        "FUNNEL: CONTROL AGAINST TREATMENT",
        "UPLIFT BY PERSONA",
        "WHERE PEOPLE LEAVE",
        "DRIVERS",
        "THE REAL TEST",
        "ASSUMPTIONS AND CAVEATS",
        "DATA QUALITY",
        "RECIPE",
    ]


def test_every_title_says_the_message_of_its_slide(deck):
    titles = [title_of(slide).replace("\u202f", " ").replace("\u00a0", " ") for slide in deck.slides]
    assert titles == [
        "What if: add two extra onboarding clicks?",
        "Values are exact for the fitted personas; intervals say what the log leaves open",
        "The change is expected to lower completion from 62.4 % to 59.3 %: −3.1 points "
        "(95 % interval −4.0 to −2.2).",
        "4 personas: “Determined buyers” is the largest with 34.6 % of journeys "
        "and converts best with 80.0 %",
        "“Determined buyers”: 34.6 % of journeys; 80.0 % convert",
        "“Window shoppers”: 28.2 % of journeys; 67.5 % convert",
        "“Explorers”: 21.8 % of journeys; 55.0 % convert",
        "“Bargain hunters”: 15.4 % of journeys; 42.5 % convert",
        "In the first 4 steps, as many complete and leave with the change as without it",
        "The gap is widest at “signup_complete”: 58.8 % are predicted to reach it instead of 61.7 %",
        "“Determined buyers” loses most in completion: −5.0 points (95 % interval −5.9 to −4.1)",
        "Journeys are left most often at “checkout”, 20.0 times in 100; the change moves “checkout” most, "
        "by +5.0",
        "What moves the uplift most is friction.factor",
        "A test of fixed size takes 3,891 users per arm, 9.7 weeks.",
        "Read the result with 1 caveat and 4 assumptions in mind",
        "3 rows are left out: 3 could not be used, 0 copied another",
        "The same log, settings, seed and version give these numbers again",
    ]


def test_the_title_of_uplifts_claims_nothing_that_the_intervals_do_not_hold(decks_folder):
    unclear = make_report(uplift=-0.002)
    deck = deck_of(unclear, decks_folder / "unclear.pptx")
    assert (
        title_of(slide_on(deck, "UPLIFT BY PERSONA"))
        == "The log cannot tell for any persona whether the change helps or hurts"
    )


def test_a_change_without_effect_reads_as_such(decks_folder):
    deck = deck_of(make_report(uplift=0.0), decks_folder / "null.pptx")
    assert (
        title_of(slide_on(deck, "FUNNEL: CONTROL AGAINST TREATMENT"))
        == "Every step is reached as often with the change as without it"
    )
    assert title_of(slide_on(deck, "UPLIFT BY PERSONA")) == "The change moves the completion of no persona"
    assert {row[5] for row in cells(tables(deck, "Uplift values")[0])[1:]} == {"0.0"}


def test_the_decision_shows_the_key_figures(deck):
    tiles = [
        shape.text_frame.text
        for shape in slide_on(deck, "DECISION").shapes
        if shape.name.startswith("Key figure")
    ]
    assert [tile.replace("\u202f", " ").replace("\u00a0", " ").split("\n") for tile in tiles] == [
        ["Completion", "62.4 % → 59.3 %", "control → treatment"],
        ["Uplift in completion", "−3.1 points", "95 % interval −4.0 to −2.2; −5.0 % of control"],
        ["Chance that it hurts", "99.8 %", "399 of 400 draws have an uplift below zero"],
        ["Drop-off", "30.0 % → 33.1 %", "+3.1 points; 95 % interval +2.2 to +4.0"],
    ]


def test_certainty_is_never_claimed_from_draws(decks_folder):
    deck = deck_of(make_report(uplift=0.02), decks_folder / "sure.pptx")
    tile = next(
        shape
        for shape in slide_on(deck, "DECISION").shapes
        if shape.name == "Key figure: Chance that it hurts"
    )
    assert tile.text_frame.paragraphs[1].text == "<\u202f0.2\u202f%"


def test_charts_are_native_and_hold_the_numbers_of_the_report(deck):
    report = make_report()
    (funnel,), (share,), (uplift,) = (
        charts(deck, name) for name in ("Funnel", "Share of journeys", "Uplift by persona")
    )
    assert list(funnel.plots[0].categories) == [arm.step for arm in report.lead.funnel_arms]
    control, treatment = funnel.plots[0].series
    assert (control.name, treatment.name) == ("Control", "Treatment")
    assert list(control.values) == pytest.approx([arm.control for arm in report.lead.funnel_arms])
    assert list(treatment.values) == pytest.approx([arm.treatment for arm in report.lead.funnel_arms])
    assert list(share.plots[0].series[0].values) == pytest.approx([card.share for card in report.personas])
    everyone = (report.lead.experiment.total, *report.lead.experiment.personas)
    expected = [100 * each.uplifts["completion_rate"].value for each in everyone]
    assert list(uplift.plots[0].series[0].values) == pytest.approx(expected)


def test_uplifts_carry_error_bars_that_refer_to_the_workbook(deck):
    (chart,) = charts(deck, "Uplift by persona")
    bars = chart._chartSpace.find(f".//{CHART}errBars")
    total = make_report().lead.experiment.total.uplifts["completion_rate"]
    plus, minus = bars.find(f"{CHART}plus"), bars.find(f"{CHART}minus")
    assert [bars.find(f"{CHART}{tag}").get("val") for tag in ("errBarType", "errValType")] == ["both", "cust"]
    assert plus.find(f".//{CHART}f").text == "Sheet1!$C$2:$C$6"
    assert float(plus.find(f".//{CHART}v").text) == pytest.approx(100 * (total.total[1] - total.value))
    assert float(minus.find(f".//{CHART}v").text) == pytest.approx(100 * (total.value - total.total[0]))
    sheet = workbook_of(chart).read("xl/worksheets/sheet1.xml").decode()
    assert re.search(r'<c r="C2"><v>0\.9</v>', sheet)
    assert re.search(r'<c r="D2"><v>0\.9</v>', sheet)


def workbook_of(chart):
    return zipfile.ZipFile(BytesIO(chart.part.chart_workbook.xlsx_part.blob))


def test_names_in_workbooks_are_text_and_never_formulas(nasty_deck):
    for chart in charts(nasty_deck, "Uplift by persona") + charts(nasty_deck, "Funnel"):
        book = workbook_of(chart)
        assert "<f>" not in book.read("xl/worksheets/sheet1.xml").decode()
        assert "xl/worksheets/_rels/sheet1.xml.rels" not in book.namelist()


def test_tables_show_value_and_interval_with_a_real_minus_sign(deck):
    (uplifts,) = tables(deck, "Uplift values")
    first = [text.replace("\u202f", " ") for text in cells(uplifts)[1]]
    assert first == ["", "All users", "100.0 %", "62.4 %", "59.3 %", "−3.1", "−4.0 to −2.2"]


def test_the_funnel_is_told_with_the_interval_of_each_uplift(deck):
    (funnel,) = tables(deck, "Funnel values")
    last = [text.replace("\u202f", " ") for text in cells(funnel)[-1]]
    assert last == ["signup_complete", "61.1 %", "61.7 %", "58.8 %", "−2.9", "−3.2 to −2.5"]


def test_a_deck_says_on_every_slide_whom_it_is_without(decks_folder):
    deck = deck_of(excluding_report(), decks_folder / "excluding.pptx")
    (personas,), (uplifts,) = tables(deck, "Personas"), tables(deck, "Uplift values")
    assert [row[1] for row in cells(personas)[1:]][1] == "Window shoppers (excluded)"
    assert [row[:2] for row in cells(uplifts)[1:]] == [
        ["", "All not excluded"],
        ["1", "Determined buyers"],
        ["3", "Explorers"],
        ["4", "Bargain hunters"],
    ]
    for slide in deck.slides:
        texts = " ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
        assert "without 'Window shoppers'" in texts


def test_personas_flow_over_slides_of_at_most_eight(nasty_deck):
    parts = tables(nasty_deck, "Personas")
    assert [len(part.rows) - 1 for part in parts] == [7, 8, 7, 8, 7, 8, 7, 8]
    titles = [title_of(slide) for slide in nasty_deck.slides if tables_of(slide, "Personas")]
    assert [title[-8:] for title in titles] == [f"({number} of 8)" for number in range(1, 9)]


def test_only_the_largest_personas_have_a_slide_each(deck, nasty_deck):
    assert len(tables(deck, "Traits")) == 4
    assert len(tables(nasty_deck, "Traits")) == 12
    told = next(shape for shape in slide_on(nasty_deck, "PERSONAS").shapes if shape.name == "How to read it")
    assert told.text_frame.text.endswith("The 12 largest have a slide each.")


def test_a_persona_is_told_with_its_figures_traits_and_typical_journey(deck):
    slide = slide_on(deck, "PERSONA 4")
    texts = {
        shape.name: shape.text_frame.text.replace("\u202f", " ").replace("\u00a0", " ")
        for shape in slide.shapes
        if shape.has_text_frame
    }
    assert texts["Key figure: Share of journeys"].split("\n")[1:] == [
        "15.4 %",
        "95 % interval 13.8 to 16.9 %",
    ]
    assert texts["Key figure: Uplift of the change"].split("\n")[1:] == [
        "−2.6 points",
        "95 % interval −4.7 to −0.5",
    ]
    assert "Does more: plan_select 3.80× (2.90 to 5.10)" in texts["What sets it apart"]
    assert texts["Journey"] == "landing → signup_start → plan_select → signup_complete"
    (traits,) = tables_of(slide, "Traits")
    assert [text.replace("\u202f", " ") for text in cells(traits)[5]] == [
        "share who return",
        "40.0 %",
        "30.0 %",
    ]
    (chart,) = (shape.chart for shape in slide.shapes if shape.has_chart)
    assert chart._chartSpace.find(f".//{CHART}errBars") is not None


def test_scenarios_are_told_beside_each_other_the_best_first(decks_folder):
    deck = deck_of(several_scenarios(["Clearer form", "Two pages", "More steps"]), decks_folder / "many.pptx")
    (scenarios,) = tables(deck, "Scenarios")
    assert [[text.replace("\u202f", " ") for text in row] for row in cells(scenarios)[1:]] == [
        ["Clearer form", "64.4 %", "+2.0", "+1.3 to +2.7", "< 0.2 %", "> 99.8 %"],
        ["Two pages", "63.4 %", "+1.0", "+0.4 to +1.6", "< 0.2 %", "< 0.2 %"],
        ["More steps", "62.4 %", "0.0", "−0.5 to +0.5", "< 0.2 %", "< 0.2 %"],
    ]
    (chart,) = charts(deck, "Uplift by scenario")
    assert list(chart.plots[0].categories) == ["Clearer form", "Two pages", "More steps"]
    assert chart._chartSpace.find(f".//{CHART}errBars") is not None
    assert title_of(slide_on(deck, "SCENARIOS")) == "“Clearer form” does best: +2.0 points of completion"


def test_the_real_test_is_told_by_design(deck):
    (designs,) = tables(deck, "Designs")
    plan = make_report().lead.plan
    assert [row[1:4] for row in cells(designs)[1:]] == [
        [f"{each.control:,}", f"{each.treatment:,}", f"{each.weeks:,.1f}"] for each in plan.designs
    ]
    slide = slide_on(deck, "THE REAL TEST")
    said = next(shape.text_frame.text for shape in slide.shapes if shape.name == "Plan").split("\n")
    assert said == list(plan.remarks())
    assert set(plan.remarks()) < set(plan.sentences())


def test_groups_are_told_beside_all_users_and_the_smallest_left_to_the_tables(decks_folder):
    report = make_report()
    groups = tuple(
        comparison(f"plan={place}", 0.01 * (place + 1), 0.5, -0.001 * place, 0.01) for place in range(30)
    )
    experiment = replace(report.lead.experiment, groups=groups)
    deck = deck_of(with_lead(report, experiment=experiment), decks_folder / "groups.pptx")
    parts = [table for table in tables(deck, "Uplift values") if cells(table)[0][0] == "Group"]
    told = [row[0] for table in parts for row in cells(table)[1:] if row[0] != "All users"]
    assert told == [f"plan={place}" for place in range(6, 30)]
    slide = slide_on(deck, "UPLIFT BY GROUP")
    assert title_of(slide) == (
        "By group the uplift lies between −2.9 for “plan=29” and −0.6 for “plan=6” (1 of 3)"
    )
    caption = next(shape.text_frame.text for shape in slide.shapes if shape.name == "How to read it")
    assert caption.endswith("6 smaller groups are in the tables.")


def test_where_people_leave_is_told_for_both_arms(deck):
    (leavings,) = tables(deck, "Leavings")
    assert cells(leavings)[1:] == [["checkout", "20.0", "25.0", "+5.0"]]
    (chart,) = charts(deck, "Where people leave")
    assert [list(series.values) for series in chart.plots[0].series] == [[20.0], [25.0]]


def test_the_states_that_are_left_most_are_told_and_the_others_counted(decks_folder):
    report = make_report()
    drop_off = tuple(
        StateDropOff(state=f"state {place:02}", leaving=(place / 100, place / 90), ended=(0.1, 0.1))
        for place in range(15)
    )
    insights = replace(report.lead.insights, drop_off=drop_off)
    deck = deck_of(with_lead(report, insights=insights), decks_folder / "left.pptx")
    (leavings,) = tables(deck, "Leavings")
    assert [row[0] for row in cells(leavings)[1:]] == [f"state {place:02}" for place in range(14, 4, -1)]
    slide = slide_on(deck, "WHERE PEOPLE LEAVE")
    caption = next(shape.text_frame.text for shape in slide.shapes if shape.name == "How to read it")
    assert caption.endswith("4 more states, each 4.4 at most.")


def test_events_that_drop_a_journey_are_no_place_where_people_leave(decks_folder):
    report = make_report()
    drop_off = (
        StateDropOff(state="help", leaving=(0.1, 0.1), ended=(0.1, 0.1)),
        StateDropOff(state="drop_off", leaving=(0.4, 0.4), ended=(0.4, 0.4), drops=True),
    )
    insights = replace(report.lead.insights, drop_off=drop_off)
    deck = deck_of(with_lead(report, insights=insights), decks_folder / "drops.pptx")
    assert [row[0] for row in cells(tables(deck, "Leavings")[0])[1:]] == ["help"]
    title = title_of(slide_on(deck, "WHERE PEOPLE LEAVE"))
    assert title == "Journeys are left most often at “help”, 10.0 times in 100, with the change as without it"


def test_the_tornado_begins_at_the_uplift_as_predicted(deck):
    (chart,) = charts(deck, "Tornado")
    assert [list(series.values) for series in chart.plots[0].series] == [[-1.55, -4.0], [-6.2, -2.2]]
    assert float(chart._chartSpace.find(f".//{CHART}catAx/{CHART}crossesAt").get("val")) == -3.1


def test_a_log_without_findings_is_said_to_have_none(decks_folder):
    deck = deck_of(make_report(findings=()), decks_folder / "clean.pptx")
    shapes = slide_on(deck, "DATA QUALITY").shapes
    said = next(shape.text_frame.text for shape in shapes if shape.name == "Findings")
    assert said.startswith("Nothing was dropped or repaired")


def test_the_quality_of_the_log_is_told_with_what_was_done(deck):
    (findings,) = tables(deck, "Findings")
    reason = "rows stand after a later one: each user's events are put in time order"
    assert cells(findings)[1:] == [[reason, "9,976 rows", "9.9%", "kept"]]


def test_a_long_funnel_is_split_into_bars_and_a_short_one_is_columns(deck, nasty_deck):
    assert [chart.chart_type.name for chart in charts(deck, "Funnel")] == ["COLUMN_CLUSTERED"]
    long = charts(nasty_deck, "Funnel")
    assert [chart.chart_type.name for chart in long] == ["BAR_CLUSTERED"] * 2
    assert [len(list(chart.plots[0].categories)) for chart in long] == [15, 15]


def test_text_neither_shrinks_nor_grows_its_box(deck):
    for slide in deck.slides:
        for shape in slide.shapes:
            if shape.has_text_frame and shape.text_frame.text:
                assert shape.text_frame.auto_size.name == "NONE"
                assert shape.text_frame.word_wrap


def test_numbers_in_tables_are_never_cut(decks_folder):
    report = make_report(names=[f"Persona {place}" for place in range(8)])
    cards = [
        SimpleNamespace(**{name: getattr(card, name) for name in card.__slots__}) for card in report.personas
    ]
    for card in cards:
        card.users = 1_234_567_890
    huge = SimpleNamespace(
        **{name: getattr(report, name) for name in (*report.__slots__, "trust")} | {"personas": tuple(cards)}
    )
    deck = deck_of(huge, decks_folder / "huge.pptx")
    assert {row[2] for row in cells(tables(deck, "Personas")[0])[1:]} == {"1,234,567,890"}


def test_text_from_the_log_is_shown_escaped_and_whole_in_the_notes(nasty_deck):
    said = list(everything_said(nasty_deck))
    assert not any(re.search(r"[\x00-\x08\x0c-\x1f\x7f\ud800-\udfff\u202e]", text) for text in said)
    notes = "\n".join(slide.notes_slide.notes_text_frame.text for slide in nasty_deck.slides)
    assert "bell\\x07 escape\\x1b[31m null\\x00 surrogate\\ud83d new\\nline2" in notes
    assert "漢字の名前" * 40 in notes
    assert "<script>alert('x')</script> & [/b]1" in notes
    assert "W" * 200 * 12 not in notes
    assert "W" * 2000 + "…" in notes


def test_every_slide_says_how_to_read_it_and_where_it_comes_from(deck):
    for number, slide in enumerate(deck.slides, start=1):
        assert len(slide.notes_slide.notes_text_frame.text) > 40
        said = " ".join(shape.text_frame.text for shape in slide.shapes if shape.has_text_frame)
        assert "3fa9c17be2d0 · seed 7 · version 0.1.0" in said
        if number > 1:
            assert next(s for s in slide.shapes if s.name == "Slide number").text_frame._txBody.find(
                ".//{*}fld/{*}t"
            ).text == str(number)


def test_the_same_report_gives_the_same_bytes_whenever_it_is_written(tmp_path, monkeypatch):
    first = write_deck(make_report(), tmp_path / "first.pptx").read_bytes()
    clock = time.time
    time.sleep(2.1)
    monkeypatch.setattr(time, "time", lambda: clock() + 86_400 * 400)
    assert write_deck(make_report(), tmp_path / "second.pptx").read_bytes() == first


def test_the_deck_holds_no_time_but_that_of_the_log(deck, decks_folder):
    properties = deck.core_properties
    assert {properties.created, properties.modified} == {make_report().log.last.replace(tzinfo=None)}
    packages = [zipfile.ZipFile(decks_folder / "plain.pptx"), *map(workbook_of, charts(deck, "Funnel"))]
    assert {entry.date_time for package in packages for entry in package.infolist()} == {
        (1980, 1, 1, 0, 0, 0)
    }
    assert b"1980-01-01" in packages[1].read("docProps/core.xml")
