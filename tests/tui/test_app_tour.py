"""A tour of every screen, tab and dialogue: all of it in ASCII where that is asked for, and legible."""

import asyncio
import re

import pytest
from textual.color import Color
from textual.geometry import Region

from persona_tui.study.options import Settings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.workspace import Workspace

LEAST = {"persona-dark": 4.5, "persona-light": 4.5, "persona-contrast": 7.0}
"""Contrast, by theme; what the colours of the fourth are, the terminal knows."""
STATIONS = {
    "overview": ("1",),
    "preparation": ("right_square_bracket",),
    "focus on the tabs": ("tab",),
    "rows": ("right_square_bracket",),
    "filter": ("slash", "h"),
    "source": ("escape", "o"),
    "columns": ("c",),
    "columns to choose from": ("c", "enter"),
    "step": ("a",),
    "outcomes": ("f",),
    "save": ("ctrl+s",),
    "help": ("question_mark",),
    "palette": ("ctrl+p", "f", "u"),
    "copied": ("y",),
    "copied, shown": ("ctrl+y",),
    "flow": ("3",),
    "simulate": ("4",),
    "report": ("5",),
    "trust": ("6",),
    "personas": ("2",),
    "number of personas": ("k",),
    "comparison": ("c",),
    "nothing to take back": ("z",),
}
"""Keys, by what they lead to; dialogues are closed before the next."""
OF_ALL_KINDS = ("preparation", "filter", "columns to choose from", "outcomes", "help", "palette", "personas")
"""Stations that have every kind of words between them; a change of theme takes 0.2 s."""


def small_log(folder):
    path = folder / "log.csv"
    lines = [
        f"{user},2026-03-{1 + user % 28:02d}T10:0{at}:00,{name}"
        for user in range(60)
        for at, name in enumerate(("landing", "help", "signup" if user % 2 else "leave"))
    ]
    path.write_text("\n".join(["user_id,timestamp,event_type", *lines]) + "\n")
    return path


async def walk(pilot):
    """Go to every station, and yield its name once nothing runs there."""
    app = pilot.app
    for name, keys in STATIONS.items():
        await pilot.press(*keys)
        for _ in range(1000):
            await pilot.pause(0.02)
            if app.running is None:
                break
        yield name
        while app.screen.is_modal:
            await pilot.press("escape")
    assert app.screen.NAME == "personas"


def in_front(app):
    """Return the lines of a screen, or of the dialogue above it: what that covers is faint by intent."""
    region = Region(0, 0, *app.size)
    if app.screen.is_modal:
        region = app.screen.query(".dialog, CommandPalette > Vertical").first().region
    lines = app.screen._compositor.render_strips()
    return [each.crop(region.x, region.right) for each in lines[region.y : region.bottom]]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """Return what is drawn in ASCII, by station and theme."""
    log = small_log(tmp_path_factory.mktemp("tour"))
    found = {}

    async def tour():
        app = PersonaApp(Workspace(Settings(events=str(log), clusters="2")), glyphs="ascii")
        async with app.run_test(size=(80, 24)) as pilot:
            async for station in walk(pilot):
                for theme in reversed(LEAST) if station in OF_ALL_KINDS else ("persona-dark",):
                    app.theme = theme
                    await pilot.pause()
                    found[station, theme] = in_front(app)

    asyncio.run(tour())
    return found


def luminance(color):
    parts = [each / 255 for each in color.rgb]
    red, green, blue = (
        each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    """Return the ratio of WCAG 2."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_nothing_outside_ascii_is_drawn(drawn):
    others = {
        (station, each) for (station, _), lines in drawn.items() for line in lines for each in line.text
        if not each.isascii()
    }  # fmt: skip
    assert not others


@pytest.mark.parametrize("theme", LEAST)
def test_every_word_can_be_read(drawn, theme):
    faint = set()
    for (station, of), lines in drawn.items():
        for part in (each for line in lines for each in line if of == theme and re.search(r"\w", each.text)):
            ink, ground = (Color(*each.triplet) for each in (part.style.color, part.style.bgcolor))
            if contrast(ink, ground) < LEAST[theme]:
                faint.add((station, part.text, ink.hex, ground.hex))
    assert not faint
