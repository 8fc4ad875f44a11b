from pathlib import Path

from textual.widgets import Input, OptionList, Select, TabbedContent

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.recent import recent_sources, remember_source
from persona_tui.tui.screens.data_choice import Outcomes
from persona_tui.tui.screens.data_columns import ColumnsScreen
from persona_tui.tui.screens.data_outcomes import OutcomesScreen
from persona_tui.tui.screens.data_source import SourceScreen
from persona_tui.tui.screens.data_step import StepScreen
from persona_tui.tui.widgets.quality_table import QualityTable
from persona_tui.tui.widgets.step_list import StepList
from persona_tui.tui.widgets.virtual_table import VirtualTable
from persona_tui.tui.widgets.vocabulary import EventRow
from persona_tui.tui.workspace import Workspace

SAMPLE = str(Path(__file__).parents[2] / "data" / "sample_events.csv")
SPOILT = """user_id,timestamp,event_type
ann,2026-03-02 09:00:00,start
ann,not a time,start
ann,2026-03-02 09:05:00,finish
bob,2026-03-02 09:06:00,start
bob,2026-03-02 09:07:00,start
"""


def app_on(source, folder=None):
    events = source if isinstance(source, tuple) else str(source)
    return PersonaApp(Workspace(Settings(events=events), folder=folder))


async def ready(pilot):
    """Wait until nothing runs in the background and everything is shown."""
    await pilot.pause()
    await pilot.pause()
    for each in [one for one in pilot.app.workers if one.name != "_loader"]:  # a tree's goes on for ever
        await each.wait()
    await pilot.pause()
    await pilot.pause()


async def press(pilot, *keys):
    await pilot.press(*keys)
    await ready(pilot)


def text_of(app):
    lines = app.screen._compositor.render_strips()
    return "\n".join("".join(part.text for part in strip).rstrip() for strip in lines)


async def test_the_sample_is_told_whole_in_one_column_of_80_cells():
    app = app_on(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        text = text_of(app)
        assert "41,175" in text
        assert "from 2026-03-02" in text
        assert "100% confident: sure" in text
        assert "metadata  metadata" in text
        assert app.screen.query_one(QualityTable).region.x < 5


async def test_quality_stands_beside_the_recognition_where_there_is_room(real_log):
    app = app_on(real_log("online_wizard"))
    async with app.run_test(size=(120, 35)) as pilot:
        await ready(pilot)
        text = text_of(app)
        assert app.screen.query_one(QualityTable).region.x > 50
        assert "70% confident: likely" in text
        assert "9,976 rows   9.9%  kept" in text
        assert "clnt_age" in text


async def test_without_a_log_the_screen_says_how_to_open_one():
    app = app_on("")
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert "No log is open. o opens one" in text_of(app)
        await press(pilot, "d", "f", "c", "a", "slash")
        assert app.screen.NAME == "data"


async def test_a_wrong_path_keeps_what_was_typed_and_says_why(tmp_path):
    app = app_on(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "o", *"nowhere.csv", "enter")
        assert isinstance(app.screen, SourceScreen)
        assert app.screen.query_one(Input).value == "nowhere.csv"
        assert "There is no file 'nowhere.csv'" in text_of(app)
        log = tmp_path / "log.csv"
        log.write_text(SPOILT)
        app.screen.query_one(Input).value = str(log)
        await press(pilot, "enter")
        assert app.workspace.settings.events == str(log)
        assert app.findings.inspection.n_events == 4


async def test_a_source_that_was_opened_is_offered_again_without_its_password(tmp_path):
    remember_source(tmp_path, "postgresql://ann@db.example/shop#events")
    app = app_on("", tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "o")
        app.screen.query_one(Input).value = SAMPLE
        await press(pilot, "enter")
        assert recent_sources(tmp_path) == (SAMPLE, "postgresql://ann@db.example/shop#events")
        await press(pilot, "o")
        assert "postgresql://ann" in text_of(app)


async def test_the_password_of_a_database_is_not_shown_where_it_cannot_be_opened():
    app = app_on("")
    async with app.run_test(size=(120, 35)) as pilot:
        await ready(pilot)
        await press(pilot, "o")
        app.screen._take("sqlite:///none.db?password=hushhush#events")
        await ready(pilot)
        text = text_of(app)
        assert "hushhush" not in text
        assert "none.db" in text


async def test_a_column_that_is_chosen_is_how_the_log_is_read(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(SPOILT.replace("event_type", "event_type,other").replace("start", "start,b"))
    app = app_on(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "c")
        assert isinstance(app.screen, ColumnsScreen)
        app.screen.query_one("#part-event_type", Select).value = "other"
        app.screen.query_one("#timezone", Input).value = "Europe/Berlin"
        await press(pilot, "ctrl+s")
        assert app.workspace.settings.column == ("event_type=other",)
        assert app.findings.inspection.recognition.columns["event_type"] == "other"
        assert app.findings.inspection.first.hour == 8
        assert "other (set by you)" in text_of(app)
        await press(pilot, "z")
        assert app.findings.inspection.recognition.columns["event_type"] == "event_type"


async def test_a_zone_that_is_none_is_refused_in_the_form():
    app = app_on(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "c")
        app.screen.query_one("#timezone", Input).value = "Europe/Berln"
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, ColumnsScreen)
        assert "Europe/Berlin" in text_of(app).replace("│\n", "")
        assert app.workspace.settings.timezone == "UTC"


async def test_a_step_is_added_tells_what_it_did_and_is_undone(real_log):
    app = app_on(real_log("online_wizard"))
    async with app.run_test(size=(120, 35)) as pilot:
        await ready(pilot)
        before = app.findings.inspection.n_events
        await press(pilot, "a")
        await choose_kind(app, pilot, "drop")
        app.screen.query_one("#field-events", Input).value = "step_1, confirm"
        await press(pilot, "ctrl+s")
        assert app.workspace.settings.prepare == ("drop:events=step_1|confirm",)
        assert app.findings.inspection.n_events < before
        text = text_of(app)
        assert "1  drop: events step_1, confirm" in text
        assert "events 'confirm', 'step_1' left out" in text
        await press(pilot, "z")
        assert app.findings.inspection.n_events == before
        assert app.screen.query_one(StepList).option_count == 1
        await press(pilot, "Z", "d")
        assert app.workspace.settings.prepare == ()


async def choose_kind(app, pilot, name):
    kinds = app.screen.query_one("#kinds", OptionList)
    kinds.highlighted = kinds.get_option_index(name)
    await ready(pilot)


async def test_what_is_wrong_with_a_step_stands_under_its_field():
    app = app_on(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "a")
        await choose_kind(app, pilot, "sample")
        app.screen.query_one("#field-share", Input).value = "7"
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, StepScreen)
        assert "must be <= 1" in str(app.screen.query_one("#fault-share").render())
        assert app.screen.query_one("#field-share", Input).value == "7"
        await press(pilot, "escape")
        assert app.workspace.settings.prepare == ()


async def test_a_step_that_the_log_cannot_follow_says_so_above_the_log_in_view():
    app = app_on(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.edit("a step", prepare=("drop:events=nowhere",))
        await ready(pilot)
        text = text_of(app)
        assert "nowhere" in text
        assert "z takes the last edit back." in text
        assert "41,175" in text


async def test_the_funnel_is_chosen_and_put_in_order_with_keys_alone():
    app = app_on(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert app.findings.inspection.funnel[0].step == "landing"
        await press(pilot, "f")
        assert isinstance(app.screen, OutcomesScreen)
        await press(pilot, "down", "space", "K", "K", "K", "K", "down", "down", "down", "c", "ctrl+s")
        settings = app.workspace.settings
        assert settings.funnel.startswith("view_pricing,landing")
        assert settings.completion == ("read_docs",)
        assert app.findings.inspection.funnel_is_given
        assert "as you set it" in text_of(app)
        await press(pilot, "z")
        assert app.workspace.settings.funnel == ""


async def test_events_to_choose_from_are_found_by_a_part_of_their_names():
    rows = [EventRow(name=f"Event_{n}", count=9, share=0.1, role="") for n in range(3_000)]
    chosen = []
    app = app_on(SAMPLE)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        nothing = Outcomes(funnel=(), completion=(), drop=())
        app.push_screen(OutcomesScreen(rows, nothing, nothing), chosen.append)
        await ready(pilot)
        await press(pilot, "slash")
        await press(pilot, *"t_299", "enter")
        assert app.screen.query_one("#events").option_count == 11
        await press(pilot, "down", "space", "escape")
        assert app.screen.query_one("#events").option_count == 3_000
        await press(pilot, "ctrl+s")
    assert [each["funnel"] for each in chosen] == ["Event_2990"]


async def test_long_names_leave_room_for_the_events_to_choose_from(tmp_path):
    log, name = tmp_path / "long.csv", "x" * 300
    log.write_text(
        "user_id,timestamp,event_type\n"
        + "".join(f"u{n % 9},2026-01-01 00:{n:02d}:00,{(name, 'a', 'b', 'c')[n % 4]}\n" for n in range(40))
    )
    app = app_on(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "f", "space", "down", "space")
        assert app.screen.query_one("#order").size.height == 1


async def test_rows_are_filtered_and_copied(tmp_path):
    app = app_on(SAMPLE)
    async with app.run_test(size=(120, 35)) as pilot:
        await ready(pilot)
        await press(pilot, "slash")
        assert app.screen.query_one(TabbedContent).active == "rows-tab"
        assert isinstance(app.focused, Input)
        await press(pilot, *"watch_demo", "enter")
        await ready(pilot)
        table = app.screen.query_one(VirtualTable)
        lines = table.as_text().splitlines()[1:]
        assert {line.split("\t")[3] for line in lines} == {"watch_demo"}
        assert app.focused is table
        assert app.screen.table_text().splitlines()[0].startswith("user_id\tsession_id\ttimestamp")


async def test_a_finding_leads_to_the_line_of_the_source(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(SPOILT)
    app = app_on(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        quality = app.screen.query_one(QualityTable)
        assert quality.rows[0].done == "dropped"
        quality.focus()
        await press(pilot, "home", "enter")
        await ready(pilot)
        table = app.screen.query_one(VirtualTable)
        lines = table.as_text().splitlines()[1:]
        assert lines[table.cursor_row].split("\t")[:3] == ["3", "ann", "not a time"]
        await press(pilot, "escape")
        await ready(pilot)
        assert table.as_text().startswith("user_id")


async def test_a_finding_in_one_of_several_files_leads_to_that_file(tmp_path):
    whole, spoilt = tmp_path / "a.csv", tmp_path / "b.csv"
    whole.write_text(SPOILT.replace("not a time", "2026-03-02T09:00:30Z").replace("ann", "bea"))
    spoilt.write_text(SPOILT)
    app = app_on((str(whole), str(spoilt)))
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        app.screen.query_one(QualityTable).focus()
        await press(pilot, "home", "enter")
        await ready(pilot)
        table = app.screen.query_one(VirtualTable)
        lines = table.as_text().splitlines()[1:]
        assert lines[table.cursor_row].split("\t")[:3] == ["3", "ann", "not a time"]


async def test_brackets_turn_the_tabs_and_the_next_session_begins_there(tmp_path):
    app = app_on(SAMPLE, tmp_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        await press(pilot, "right_square_bracket")
        assert app.screen.query_one(TabbedContent).active == "journeys"
        assert app.screen.table_text().startswith("event\tcount\tshare\trole\ncompare_plans\t4891")
        await press(pilot, "left_square_bracket", "left_square_bracket", "left_square_bracket")
        assert app.screen.query_one(TabbedContent).active == "journeys"
    again = Workspace(Settings(events=SAMPLE), folder=tmp_path)
    again.resume()
    async with PersonaApp(again).run_test(size=(80, 24)) as pilot:
        await ready(pilot)
        assert pilot.app.screen.query_one(TabbedContent).active == "journeys"


async def test_names_with_markup_and_escapes_are_shown_as_they_are(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(SPOILT.replace("start", "[red]日本\x1b[31m"), encoding="utf-8")
    app = app_on(log)
    async with app.run_test(size=(120, 35)) as pilot:
        await ready(pilot)
        await press(pilot, "right_square_bracket")
        assert "[red]日本\\x1b[31m" in text_of(app)
        await press(pilot, "right_square_bracket")
        assert "[red]日本\\x1b[31m" in text_of(app)
