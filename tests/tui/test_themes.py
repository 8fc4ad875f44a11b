import pytest
from textual.app import App
from textual.color import Color
from textual.content import Content
from textual.widgets import DataTable, Input, Static

from persona_tui.tui.preferences import CHOICES
from persona_tui.tui.themes import ANSI, CONTRAST, DARK, LIGHT, THEMES, register

MEANINGS = ("foreground", "primary", "secondary", "accent", "success", "warning", "error", "text-muted")
GROUNDS = ("background", "surface", "panel")


class Shown(App[None]):
    def __init__(self, theme):
        super().__init__()
        self.wanted = theme

    def compose(self):
        yield Static(Content.assemble(*((name, f"${name}") for name in MEANINGS)))
        yield Input("a path")
        yield DataTable()

    def on_mount(self):
        register(self)
        self.theme = self.wanted


def luminance(color):
    parts = [each / 255 for each in (color.r, color.g, color.b)]
    red, green, blue = (
        each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("theme", "least"), [(DARK, 4.5), (LIGHT, 4.5), (CONTRAST, 7.0)])
def test_every_meaning_can_be_read_on_every_ground(theme, least):
    variables = theme.to_color_system().generate()
    for ground in GROUNDS:
        for meaning in MEANINGS:
            reached = contrast(Color.parse(variables[meaning]), Color.parse(variables[ground]))
            assert reached >= least, (meaning, ground)
    cursor = [Color.parse(variables[f"block-cursor-{part}"]) for part in ("foreground", "background")]
    assert contrast(*cursor) >= least


def test_the_theme_of_16_colours_has_no_others():
    for meaning in (*MEANINGS[:-1], *GROUNDS):
        assert Color.parse(getattr(ANSI, meaning)).ansi is not None, meaning
    assert all(value.startswith("ansi_") for value in ANSI.variables.values())


def test_the_themes_are_those_that_can_be_preferred():
    assert tuple(each.name for each in THEMES) == CHOICES["theme"]


@pytest.mark.parametrize("theme", [each.name for each in THEMES])
async def test_the_app_can_be_drawn_in_every_theme(theme):
    app = Shown(theme)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab")
        assert app.current_theme.name == theme


async def test_16_colours_reach_the_terminal_as_they_are_named():
    app = Shown("persona-ansi")
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        drawn = app.screen._compositor.render_strips()[0]
        named = [each.style.color.name for each in drawn if each.text in {"primary", "success"}]
        assert named == ["color(12)", "color(2)"]
