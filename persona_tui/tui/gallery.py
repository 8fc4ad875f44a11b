"""Every figure of the app with real data, in every theme, at every width and with every glyph.

``python -m persona_tui.tui.gallery [STUDY]`` opens it; ``--print WIDTH [--glyphs NAME]`` writes it as text.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Footer, Static
from textual.worker import get_current_worker

from persona_tui.engine.errors import PersonaError, RunCancelled
from persona_tui.tui.gallery_examples import EXAMPLES, Findings, learn
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.themes import DARK, THEMES, register

if TYPE_CHECKING:
    from persona_tui.engine.progress import Progress
    from persona_tui.study.options import Settings

STUDY: Final = Path("data/sample_study.toml")
WIDTHS: Final = (None, 40, 80, 120, 200)
"""None is as wide as the terminal."""


class Learning(Message):
    """The study is being worked out."""

    def __init__(self, stage: str) -> None:
        super().__init__()
        self.stage = stage

    def can_replace(self, message: Message) -> bool:
        """Return whether an older message can go unread."""
        return isinstance(message, Learning)


class Learned(Message):
    """The figures have their data."""

    def __init__(self, found: Findings) -> None:
        super().__init__()
        self.found = found


class Failed(Message):
    """The study could not be worked out."""

    def __init__(self, cause: str) -> None:
        super().__init__()
        self.cause = cause


class GalleryApp(App[None]):
    """One figure at a time; keys change the figure, the theme, the glyphs and the width."""

    CSS = """
    #about { height: auto; padding: 0 1; background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n,right", "next_figure(1)", "Next figure"),
        Binding("p,left", "next_figure(-1)", "Figure before"),
        Binding("t", "next_theme", "Theme"),
        Binding("g", "next_glyphs", "Glyphs"),
        Binding("w", "next_width", "Width"),
        Binding("q", "quit", "Quit"),
    ]

    def __init__(self, study: Path = STUDY) -> None:
        super().__init__()
        register(self)
        self.theme = DARK.name
        self.glyphs = LADDER["eighths"]
        self.study = study
        self._found: Findings | None = None
        self._figure = 0
        self._width = 0

    def compose(self) -> ComposeResult:
        """Compose a line about what is seen, room for a figure, and the keys."""
        yield Static(f"Working out {self.study} …", id="about", markup=False)
        yield VerticalScroll(id="room")
        yield Footer()

    def on_mount(self) -> None:
        """Begin to work out the study."""
        self.learn()

    @work(thread=True, exclusive=True, exit_on_error=False, group="learn", description="-")
    def learn(self) -> None:
        """Work out the study and post it."""
        worker = get_current_worker()

        def report(progress: Progress) -> None:
            if worker.is_cancelled:
                raise RunCancelled("The gallery was closed.")
            self.post_message(Learning(progress.stage))

        try:
            self.post_message(Learned(learn(_settings(self.study), report)))
        except RunCancelled:
            return
        except (PersonaError, OSError) as error:
            self.post_message(Failed(str(error)))

    @on(Learning)
    def tell_progress(self, message: Learning) -> None:
        """Say how far the study is."""
        self.query_one("#about", Static).update(f"Working out {self.study}: {message.stage} …")

    @on(Failed)
    def tell_failure(self, message: Failed) -> None:
        """Say why there is nothing to see."""
        self.query_one("#about", Static).update(message.cause)

    @on(Learned)
    async def take(self, message: Learned) -> None:
        """Show the first figure."""
        self._found = message.found
        await self._show()

    async def action_next_figure(self, step: int) -> None:
        """Show another figure."""
        self._figure = (self._figure + step) % len(EXAMPLES)
        await self._show()

    async def action_next_theme(self) -> None:
        """Show the figure in another theme."""
        names = [each.name for each in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        await self._show()

    async def action_next_glyphs(self) -> None:
        """Show the figure on another rung of the ladder."""
        names = list(LADDER)
        self.glyphs = LADDER[names[(names.index(self.glyphs.name) + 1) % len(names)]]
        await self._show()

    async def action_next_width(self) -> None:
        """Show the figure at another width."""
        self._width = (self._width + 1) % len(WIDTHS)
        await self._show()

    async def _show(self) -> None:
        """Make the figure anew, and say what is seen."""
        if self._found is None:
            return
        name, (kind, make) = list(EXAMPLES.items())[self._figure]
        width, room = WIDTHS[self._width], self.query_one("#room", VerticalScroll)
        figure = kind(make(self._found, width or room.content_size.width))
        if width is not None:
            figure.styles.width = width
        async with room.batch():
            await room.remove_children()
            await room.mount(figure)
        seen = f"{width} cells" if width else "all of the width"
        about = (f"{name}, {self._figure + 1} of {len(EXAMPLES)}", self.theme, self.glyphs.name, seen)
        self.query_one("#about", Static).update("; ".join(about))


def figures_as_text(found: Findings, width: int, glyphs: str) -> str:
    """Return every figure as text, under its name."""
    blocks = []
    for name, (kind, make) in EXAMPLES.items():
        lines = kind().draw(make(found, width), width, LADDER[glyphs])
        blocks.append("\n".join([f"== {name}", *(line.plain.rstrip() for line in lines)]))
    return "\n\n".join(blocks) + "\n"


def _settings(study: Path) -> Settings:
    from persona_tui.study.config import merge_settings, read_settings  # noqa: PLC0415 - 0.6 s, with the study

    return merge_settings(read_settings(study), {})


def main() -> None:
    """Open the gallery, or write it."""
    parser = argparse.ArgumentParser(
        prog="python -m persona_tui.tui.gallery", description=__doc__.splitlines()[0]
    )
    parser.add_argument("study", nargs="?", type=Path, default=STUDY, help="a settings file (%(default)s)")
    parser.add_argument("--print", type=int, metavar="WIDTH", dest="width", help="write the figures as text")
    parser.add_argument("--glyphs", choices=tuple(LADDER), default="eighths", help="(%(default)s)")
    asked = parser.parse_args()
    if asked.width is None:
        GalleryApp(asked.study).run()
        return
    try:
        found = learn(_settings(asked.study))
    except (PersonaError, OSError) as error:
        sys.exit(str(error))
    sys.stdout.write(figures_as_text(found, asked.width, asked.glyphs))


if __name__ == "__main__":
    main()
