"""The gallery shows every figure, in every theme, at every width and on every rung of the ladder."""

from dataclasses import replace
from itertools import chain, groupby
from pathlib import Path
from string import ascii_letters

import pytest
from support import golden
from textual.containers import VerticalScroll
from textual.content import Content
from textual.visual import Visual
from textual.widgets import Static

from persona_tui.engine.errors import DataError
from persona_tui.engine.text import printable
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.tui import gallery
from persona_tui.tui.gallery import GalleryApp, figures_as_text
from persona_tui.tui.gallery_examples import EXAMPLES, learn
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.themes import THEMES
from persona_tui.tui.widgets.figure import Figure

WIDTHS = (40, 80, 120, 200)
STUDY = Path(__file__).parents[2] / gallery.STUDY


@pytest.fixture(scope="module")
def found():
    settings = merge_settings(read_settings(STUDY), {})
    return learn(replace(settings, scenarios=settings.scenarios[:2]))


@pytest.fixture
def quick(monkeypatch, found):
    monkeypatch.setattr(gallery, "learn", lambda *_: found)


def about(app):
    return str(app.query_one("#about", Static).content)


async def shown(app, pilot):
    await app.workers.wait_for_complete()
    await pilot.pause()
    return app.query_one(Figure)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rung", LADDER)
def test_figures_look_as_they_are_kept(found, width, rung):
    golden(f"tui/figures-{width}-{rung}.txt", figures_as_text(found, width, rung))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("rung", LADDER)
def test_figures_keep_within_their_width_and_the_last_rung_to_ascii(found, width, rung):
    told = figures_as_text(found, width, rung)
    assert max(Content(line).cell_length for line in told.splitlines()) <= width
    assert printable(told.replace("\n", "")) == told.replace("\n", "")
    assert told.isascii() == (rung == "ascii")


def runs_of_styles(figures, widget):
    """Return each line of figures as runs of a letter for a style and its cells, and what letters mean."""
    letters, blocks = {}, []
    for name, lines in figures.items():
        block = [f"== {name}"]
        for strip in Visual.to_strips(widget, Content("\n").join(lines), 80, None, widget.visual_style):
            cells = "".join(
                letters.setdefault(str(segment.style), ascii_letters[len(letters)]) * segment.cell_length
                for segment in strip
            )
            block.append(" ".join(f"{letter}{len(list(run))}" for letter, run in groupby(cells)))
        blocks.append("\n".join(block))
    legend = "\n".join(f"{letter} {style}" for style, letter in letters.items())
    return "\n\n".join([legend, *blocks]) + "\n"


async def test_figures_have_the_colours_of_the_theme_as_they_are_kept(quick, found):
    figures = {
        name: kind().draw(make(found, 80), 80, LADDER["eighths"]) for name, (kind, make) in EXAMPLES.items()
    }
    app = GalleryApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, pilot)
        for theme in THEMES:
            app.theme = theme.name
            await pilot.pause()
            told = runs_of_styles(figures, app.query_one("#room"))
            golden(f"tui/figures-colours-{theme.name}.txt", told)


async def test_every_figure_is_shown_within_the_width_of_the_terminal(quick):
    app = GalleryApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await shown(app, pilot)
        for name in EXAMPLES:
            assert about(app).startswith(name)
            lines = app.query_one(Figure).render().plain.splitlines()
            assert any(line.strip() for line in lines)
            assert app.query_one(Figure).size.height >= len(lines)
            assert app.query_one("#room", VerticalScroll).max_scroll_x == 0
            await pilot.press("n")
            await pilot.pause()


async def test_keys_go_through_themes_glyphs_and_widths(quick):
    app = GalleryApp()
    async with app.run_test(size=(120, 24)) as pilot:
        await shown(app, pilot)
        themes, rungs, widths = set(), set(), set()
        for key in chain("t" * len(THEMES), "g" * len(LADDER), "w" * len(gallery.WIDTHS)):
            await pilot.press(key)
            await pilot.pause()
            themes.add(app.theme)
            rungs.add(app.query_one(Figure).glyphs.name)
            widths.add(app.query_one(Figure).size.width)
        assert themes == {each.name for each in THEMES}
        assert rungs == set(LADDER)
        assert {40, 80, 120, 200} <= widths


async def test_a_study_that_cannot_be_worked_out_is_told(monkeypatch):
    def refuse(*_):
        raise DataError("There is no study.")

    monkeypatch.setattr(gallery, "learn", refuse)
    app = GalleryApp(STUDY)
    async with app.run_test(size=(80, 24)) as pilot:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert about(app) == "There is no study."


def test_a_study_that_is_not_there_is_told_without_a_traceback(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["gallery", str(tmp_path / "none.toml"), "--print", "80"])
    with pytest.raises(SystemExit, match=r"none\.toml"):
        gallery.main()
