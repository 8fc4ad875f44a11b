"""The Personas screen on the sample and on a real log."""

from pathlib import Path

import pytest
from textual.widgets import Input, OptionList, Select, Static, TabbedContent

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.findings import flow_is_stale
from persona_tui.tui.screens.form import FormScreen
from persona_tui.tui.screens.how_many import HowManyScreen
from persona_tui.tui.widgets.flow_diagram import FlowDiagram
from persona_tui.tui.widgets.heat_map import HeatMap
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.timeline import Timeline
from persona_tui.tui.workspace import Workspace

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture(autouse=True, scope="module")
def kept_fits(tmp_path_factory):
    """Fits are kept between the tests of this file, as between sessions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


def app_of(source=SAMPLE, **options):
    return PersonaApp(Workspace(Settings(events=str(source), **options)))


async def settled(app, pilot):
    for _ in range(2400):
        await pilot.pause(0.05)
        if app.running is None:
            await pilot.pause()
            return
    raise AssertionError("the work did not end")


async def quiet(app, pilot):
    """Wait until the flow, which opens anew with other personas, is previewed: nothing is under way."""
    await settled(app, pilot)
    while app.running is not None or flow_is_stale(app.findings):
        await pilot.pause(0.05)
    await pilot.pause()
    await app.workers.wait_for_complete()
    await pilot.pause()


async def shown(app, pilot):
    await settled(app, pilot)
    await pilot.press("2")
    await settled(app, pilot)
    await pilot.pause()


def said(app):
    return str(app.screen.query_one("#said", Static).render())


async def test_personas_are_found_on_the_way_to_their_screen_and_each_is_told():
    app = app_of()
    async with app.run_test(size=(120, 35)) as pilot:
        await shown(app, pilot)
        assert said(app).startswith("4 personas")
        assert app.screen.query_one("#cards", OptionList).option_count == 4
        first = app.screen.query_one("#sizes", IntervalBars).data.rows[0]
        assert first.value == app.findings.personas.profiles[0].user_share
        assert (first.low, first.high) == app.findings.personas.profiles[0].user_share_interval
        app.screen.query_one("#cards", OptionList).highlighted = 1
        await pilot.pause()
        assert app.screen.query_one("#sizes", IntervalBars).data.rows[0].value == (
            app.findings.personas.profiles[1].user_share
        )


async def test_the_flow_and_the_moves_are_those_of_the_chain():
    app = app_of()
    async with app.run_test(size=(160, 45)) as pilot:
        await shown(app, pilot)
        flow = app.screen.query_one(FlowDiagram).data
        first = [node for node in flow.nodes if node.step == 0]
        assert sum(node.volume for node in first) == pytest.approx(flow.total)
        heat = app.screen.query_one(HeatMap).data
        for row in heat.values:
            assert sum(row) == pytest.approx(1)


async def test_users_are_told_with_all_that_they_did():
    app = app_of()
    async with app.run_test(size=(120, 35)) as pilot:
        await shown(app, pilot)
        profile = app.findings.personas.profiles[0]
        rows = app.screen.query_one(Timeline).data.rows
        assert [row.label for row in rows] == [
            each.user_id for each in (*profile.typical_users, *profile.borderline_users)
        ]
        assert [len(row.events) for row in rows] == [
            each.n_events for each in (*profile.typical_users, *profile.borderline_users)
        ]


async def test_a_session_begins_at_the_persona_and_the_tab_it_looked_at(tmp_path):
    settings = Settings(events=str(SAMPLE), clusters="2")
    app = PersonaApp(Workspace(settings, folder=tmp_path))
    async with app.run_test(size=(120, 35)) as pilot:
        await shown(app, pilot)
        await pilot.press("right_square_bracket", "right_square_bracket")
        app.screen.query_one("#cards", OptionList).highlighted = 1
        await pilot.pause()
        assert app.screen.query_one(TabbedContent).active == "moves"
    workspace = Workspace(settings, folder=tmp_path)
    assert workspace.resume()
    app = PersonaApp(workspace)
    async with app.run_test(size=(120, 35)) as pilot:
        await shown(app, pilot)
        assert app.screen.query_one(TabbedContent).active == "moves"
        assert app.screen.query_one("#cards", OptionList).highlighted == 1


async def test_the_number_is_chosen_with_the_ladder_in_view():
    app = app_of()
    async with app.run_test(size=(120, 45)) as pilot:
        await shown(app, pilot)
        await pilot.press("k")
        await pilot.pause()
        assert isinstance(app.screen, HowManyScreen)
        numbers = app.screen.query_one("#numbers", OptionList)
        told = {option.id: str(option.prompt) for option in numbers.options}
        assert [number for number, line in told.items() if line.endswith("recommended")] == ["4"]
        third = next(each.rung for each in app.findings.personas.ladder.rungs if each.rung.n_clusters == 3)
        assert f"{third.gain:.4f} ±{third.gain_error:.4f}" in told["3"]
        assert told["8"].endswith("not tried")
        await pilot.press("2")
        await settled(app, pilot)
        assert app.workspace.settings.clusters == "2"
        assert len(app.findings.personas.cards) == 2
        assert app.workspace.done == ("2 personas",)


async def test_a_study_keeps_names_and_pins_and_a_log_says_that_it_does_not(tmp_path):
    app = app_of(clusters="2")
    async with app.run_test(size=(120, 45)) as pilot:
        await shown(app, pilot)
        await pilot.press("n")
        await pilot.pause()
        assert "Save one first: ctrl+s" in next(each.message for each in app._notifications)
        app._save(tmp_path / "study")
        await pilot.press("n")
        await pilot.pause()
        assert isinstance(app.screen, FormScreen)
        app.screen.query_one(Input).value = "[b]Buyers"
        await pilot.press("enter")
        await settled(app, pilot)
        assert app.findings.personas.cards[0].name == "[b]Buyers"
        await pilot.press("p")
        await settled(app, pilot)
        assert app.findings.personas.settled[0].place == 1
        kept = [path.read_text() for path in (tmp_path / "study").rglob("*.toml")]
        assert any("[b]Buyers" in text for text in kept)
        await pilot.press("z")
        await settled(app, pilot)
        assert app.findings.personas.settled[0].place is None
        await pilot.press("z")
        await settled(app, pilot)
        assert not app.findings.personas.settled[0].is_settled


async def test_an_excluded_persona_is_told_beside_every_answer_and_the_last_one_stays(tmp_path):
    app = app_of(clusters="2")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, pilot)
        app._save(tmp_path / "study")
        await pilot.press("x")
        await settled(app, pilot)
        assert [each.excluded for each in app.findings.personas.settled] == [True, False]
        without = app.findings.personas.without
        assert f"Predictions are {without}." in said(app)
        cards = app.screen.query_one("#cards", OptionList)
        shown_cards = [str(cards.get_option_at_index(place).prompt) for place in range(2)]
        assert ["excluded" in each for each in shown_cards] == [True, False]
        assert len({len(each) for each in shown_cards}) == 1
        await pilot.press("3")
        await settled(app, pilot)
        flow = app.findings.flow
        assert flow.without == without
        while "Without" not in str(app.screen.query_one("#answer", Static).render()):
            await pilot.pause(0.05)
        await pilot.press("5")
        await settled(app, pilot)
        await settled(app, pilot)
        assert "Without" in str(app.screen.query_one("#answer", Static).render())
        assert without in str(app.screen.query_one("#plan-text", Static).render())
        await pilot.press("2")
        cards.highlighted = 1
        await pilot.press("x")
        await settled(app, pilot)
        assert "no persona would be left" in said(app)
        cards.highlighted = 0
        await pilot.press("x")
        await settled(app, pilot)
        assert [each.excluded for each in app.findings.personas.settled] == [False, False]
        assert "without" not in said(app)
        await pilot.press("z")
        await settled(app, pilot)
        assert [each.excluded for each in app.findings.personas.settled] == [True, False]
        await quiet(app, pilot)


async def test_two_personas_are_set_side_by_side():
    app = app_of(clusters="2")
    async with app.run_test(size=(120, 45)) as pilot:
        await shown(app, pilot)
        await pilot.press("c")
        await pilot.pause()
        assert app.screen.query_one(Select).value.startswith("2 ")
        await pilot.click("#done")
        await pilot.pause()
        assert app.screen.query_one(TabbedContent).active == "compare"
        rows = app.screen.query_one("#compared-outcomes", IntervalBars).data.rows
        one, other = app.findings.personas.cards
        assert rows[0].label == "conversion"
        assert (rows[0].value > 0) == (one.conversion > other.conversion)
        assert app.screen.table_text().startswith("move\t1\t2")


async def test_personas_of_other_settings_stay_in_view_and_say_so():
    app = app_of(clusters="2")
    async with app.run_test(size=(120, 45)) as pilot:
        await shown(app, pilot)
        app.edit("seed 7", seed=7)
        await pilot.pause()
        assert "found with other settings" in said(app)
        assert app.screen.query_one("#cards", OptionList).option_count == 2


async def test_more_personas_than_users_is_told_with_its_cure(tmp_path):
    tiny = tmp_path / "tiny.csv"
    tiny.write_text(
        "user_id,timestamp,event_type\n"
        + "".join(f"u{n},2026-01-01T00:0{n}:00Z,{event}\n" for n in range(3) for event in ("a", "purchase"))
    )
    app = app_of(tiny, clusters="8")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, pilot)
        assert "must be from 1 to 3, the number of users" in said(app)
        assert "Ask for fewer" in said(app)


@pytest.mark.real
async def test_a_real_log_is_told_at_80_columns(real_log):
    app = app_of(real_log("online_wizard"), clusters="3")
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, pilot)
        assert len(app.findings.personas.cards) == 3
        lines = ["".join(part.text for part in line) for line in app.screen._compositor.render_strips()]
        assert all(len(line) == 80 for line in lines)
