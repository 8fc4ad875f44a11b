"""Screens as text, whole: what is clipped, empty or out of line shows in the difference."""

from pathlib import Path

import pytest
from support import golden

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.workspace import Workspace

ROOT = Path(__file__).parents[2]
FORMS = {
    "80x24": ((80, 24), {"glyphs": "ascii", "theme": "persona-ansi"}),
    "120x35": ((120, 35), {}),
    "200x60": ((200, 60), {}),
}


def is_at_rest(app):
    """Return whether no worker is at work; that of a tree goes on for ever."""
    return all(each.is_finished for each in app.workers if each.name != "_loader")


async def text_of_screen(keys, size, options):
    """Return the screen after some keys, once nothing runs any more."""
    app = PersonaApp(Workspace(Settings(events="data/sample_events.csv")), **options)
    async with app.run_test(size=size) as pilot:
        for key in ("", *keys):
            if key:
                await pilot.press(key)
            for _ in range(600):
                await pilot.pause(0.05)
                if app.running is None and app.findings.inspection is not None and is_at_rest(app):
                    break
            await pilot.pause(0.2)
        lines = app.screen._compositor.render_strips()
        return "\n".join("".join(part.text for part in line).rstrip() for line in lines) + "\n"


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("data-overview", ()),
        ("data-journeys", ("right_square_bracket",)),
        ("data-rows", ("left_square_bracket",)),
        ("data-outcomes", ("f",)),
        ("data-step", ("a",)),
        ("flow", ("3",)),
        ("help", ("question_mark",)),
    ],
)
async def test_a_screen_looks_as_it_is_kept(name, keys, form, monkeypatch):
    monkeypatch.chdir(ROOT)
    size, options = FORMS[form]
    golden(f"tui/{name}-{form}.txt", await text_of_screen(keys, size, options))
