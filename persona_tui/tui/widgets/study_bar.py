"""The line at the top that always tells where one is: study, data, seed, edits, work."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
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

    facts: reactive[tuple[Workspace, Findings, Work | None, str] | None] = reactive(None, always_update=True)

    def render(self) -> Content:
        """Return the screens, then what holds in all of them."""
        if self.facts is None:
            return Content("")
        workspace, found, work, screen = self.facts
        tabs = Content(" ").join(
            Content.styled(f" {number} {name.capitalize()} ", "reverse bold" if name == screen else "")
            for number, name in enumerate(SCREENS, start=1)
        )
        return Content("\n").join([tabs, self._state(workspace, found, work)])

    def _state(self, workspace: Workspace, found: Findings, work: Work | None) -> Content:
        settings = workspace.settings
        data = f"data {found.log.fingerprint[:8]}" if found.log is not None else "no data"
        unsaved = "not saved" if workspace.is_unsaved else "saved" if workspace.study else "no study"
        running = work.sentence() if work is not None else "idle"
        rest = f"  {data}  seed {settings.seed}  "
        ends = f"{unsaved}  {running}"
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
