"""The line at the top that always tells where one is: study, data, seed, edits, work."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive, var
from textual.style import Style
from textual.widget import Widget

from persona_tui.engine.text import printable
from persona_tui.tui.actions import SCREENS
from persona_tui.tui.findings import Findings, Work
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.workspace import Workspace

_SHORTEST_NAME = 8


class StudyBar(Widget):
    """The header of every screen."""

    DEFAULT_CSS = """
    StudyBar { height: 2; dock: top; background: $panel; color: $foreground; padding: 0 1; }
    """

    auto_links = var(False)
    facts: reactive[tuple[Workspace, Findings, Work | None, str] | None] = reactive(None, always_update=True)

    def render(self) -> Content:
        """Return the screens, then what holds in all of them."""
        if self.facts is None:
            return Content("")
        workspace, found, work, screen = self.facts
        return Content("\n").join([self._tabs(screen), self._state(workspace, found, work)])

    def _tabs(self, screen: str) -> Content:
        """Return the screens; where they do not fit, the others by their numbers alone."""
        names = {name: f" {number} {name.capitalize()} " for number, name in enumerate(SCREENS, start=1)}
        fits = len(" ".join(names.values())) <= self.size.width
        return Content(" ").join(
            _tab(shown if fits or name == screen else f" {number} ", number, is_active=name == screen)
            for number, (name, shown) in enumerate(names.items(), start=1)
        )

    def _state(self, workspace: Workspace, found: Findings, work: Work | None) -> Content:
        settings = workspace.settings
        data = f"data {found.log.fingerprint[:8]}" if found.log is not None else "no data"
        unsaved = "not saved" if workspace.is_unsaved else "saved" if workspace.study else "no study"
        running = work.sentence() if work is not None else "idle"
        ends = f"{unsaved}  {running}"
        left = self.size.width - len(ends) - _SHORTEST_NAME
        seed = f"seed {settings.seed}  "
        trust = f"trust {found.backtest.verdict.level.word}  " if found.backtest is not None else ""
        told = [
            f"  {data}  {seed}{trust}",
            f"  {data.removeprefix('data ')}  {seed}{trust}",
            f"  {seed}{trust}",
            f"  {trust}",
            "  ",
        ]
        rest = next((each for each in told if len(each) <= left), told[-1])
        room = max(self.size.width - len(rest) - len(ends), _SHORTEST_NAME)
        name = printable(workspace.study.name if workspace.study else settings.source_name()) or "no log"
        shown = name if len(name) <= room else fitted(name, room, LADDER["eighths"])
        return Content.assemble(
            (shown, "bold"),
            (rest, "$text-muted"),
            (unsaved, "$text-warning" if workspace.is_unsaved else "$text-muted"),
            "  ",
            (running, "$text-accent" if work else "$text-muted"),
        )


def _tab(shown: str, number: int, *, is_active: bool) -> Content:
    """Return the name of a screen, which a click goes to."""
    goes_there = Style.from_meta({"@click": f"app.simulate_key('alt+{number}')"})
    return Content.styled(shown, "reverse bold" if is_active else "").stylize(goes_there)
