"""Screens as text, whole: what is clipped, empty or out of line shows in the difference."""

import asyncio
from datetime import datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pytest
from run_samples import write_runs
from support import golden, write_part_of_sample

from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.tui import checks
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.screens import report
from persona_tui.tui.workspace import Workspace

FORMS = {
    "80x24": ((80, 24), {"glyphs": "ascii", "theme": "persona-ansi"}),
    "120x35": ((120, 35), {}),
    "200x60": ((200, 60), {}),
}
SCENARIOS = (
    ScenarioSettings(name="Two more steps", effects=("insert_steps:count=2",)),
    ScenarioSettings(
        name="An easier form", effects=("reward:factor=0.05/0.1/0.2,at=form_step_3", "retime:factor=0.8")
    ),
)
WALK = {
    "data-overview": (),
    "data-journeys": ("right_square_bracket",),
    "data-rows": ("right_square_bracket",),
    "data-outcomes": ("right_square_bracket", "f"),
    "data-step": ("escape", "a"),
    "personas-overview": ("escape", "2"),
    "personas-flow": ("right_square_bracket",),
    "personas-moves": ("right_square_bracket",),
    "personas-paths": ("right_square_bracket",),
    "personas-users": ("right_square_bracket",),
    "personas-compare": ("c", "ctrl+s"),
    "personas-how-many": ("k",),
    "flow-outcomes": ("escape", "3"),
    "flow-funnel": ("right_square_bracket",),
    "flow-diagram": ("right_square_bracket",),
    "flow-why": ("right_square_bracket",),
    "flow-chains": ("right_square_bracket",),
    "flow-groups": ("right_square_bracket",),
    "flow-kinds": ("right_square_bracket", "a"),
    "flow-form": ("escape", "down", "e"),
    "report-decision": ("escape", "5"),
    "report-beside": ("right_square_bracket",),
    "report-plan": ("right_square_bracket",),
    "report-mind": ("right_square_bracket",),
    "report-page": ("right_square_bracket",),
    "report-deck": ("right_square_bracket",),
    "report-export": ("e",),
    "simulate": ("escape", "4"),
    "simulate-waiting": (write_runs, "1", "4"),
    "simulate-steps": ("right_square_bracket",),
    "simulate-finished": ("left_square_bracket", "tab", "down"),
    "report-runs": ("5", "right_square_bracket", "right_square_bracket"),
    "trust": ("6",),
    "trust-backtest": ("r",),
    "trust-drift": ("right_square_bracket", "r"),
    "trust-fairness": ("right_square_bracket", "r"),
    "trust-test": ("right_square_bracket", "r"),
    "tour": ("f3",),
    "help": ("f4", "3", "question_mark"),
}
"""Pictures in the order of one session, each with what is pressed, or done to the study, to get to it."""


ENDLESS = ("_loader", "_follow")


def is_at_rest(app):
    """Return whether no worker is at work; those of a tree and of a run that is watched go on for ever."""
    known = app.findings
    wanted = {"flow": known.flow, "report": known.report}.get(
        getattr(app.screen, "NAME", ""), known.inspection
    )
    at_work = [each for each in app.workers if not each.is_finished and each.name not in ENDLESS]
    watched = getattr(app.screen, "_watched", None)
    is_seen = watched is None or watched.name in str(app.screen.query_one("#headline").render())
    return app.running is None and wanted is not None and is_seen and not at_work


def worked_out_once(work_out):
    """Return what a check comes to, from the session before where there is one."""
    found = {}

    def ask(name, settings, against, on_progress):
        if name not in found:
            found[name] = work_out(name, settings, against, on_progress)
        return found[name]

    return ask


@cache
def session(form):
    """Return every picture of one session, by name."""
    size, options = FORMS[form]

    async def walk():
        study = Path(form) / "study"
        settings = Settings(events="data/sample_events.csv", scenarios=SCENARIOS, output=str(study))
        for kept in Path("cache").rglob("*.backtest.json"):
            kept.unlink()  # that of the session before: this one begins without a verdict
        app, shown = PersonaApp(Workspace(settings), **options), {}
        async with app.run_test(size=size) as pilot:
            for name, keys in WALK.items():
                for key in ("", *keys):
                    if callable(key):
                        key(study)
                    elif key:
                        await pilot.press(key)
                    for _ in range(1_200):  # a machine that has other work takes its time
                        await pilot.pause(0.05)
                        if is_at_rest(app):
                            break
                await pilot.pause(0.2)
                lines = app.screen._compositor.render_strips()
                text = "\n".join("".join(part.text for part in line).rstrip() for line in lines)
                shown[name] = f"{text}\n"
        return shown

    return asyncio.run(walk())


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Sessions in a folder beside a fifth of the sample, with one fit for all, on a certain day."""
    folder = tmp_path_factory.mktemp("goldens")
    (folder / "data").mkdir()
    write_part_of_sample(folder / "data" / "sample_events.csv", "u", ends=("0", "5"))
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("PERSONA_TUI_CACHE_DIR", str(folder / "cache"))
        patch.setattr(checks, "work_out", worked_out_once(checks.work_out))
        patch.setattr(report, "datetime", SimpleNamespace(now=lambda zone: datetime(2026, 4, 3, tzinfo=zone)))
        yield session


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize("name", WALK)
def test_a_screen_looks_as_it_is_kept(pictures, name, form):
    golden(f"tui/{name}-{form}.txt", pictures(form)[name])
