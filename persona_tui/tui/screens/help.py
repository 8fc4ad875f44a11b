"""What can be done here: about what has the focus, then the keys of this screen and of all."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from persona_tui.tui.actions import APP, actions_of
from persona_tui.tui.screens.dialog import Dialog
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of_focus

if TYPE_CHECKING:
    from persona_tui.tui.app import PersonaApp


@dataclass(frozen=True, slots=True, kw_only=True)
class HelpSection:
    """Some keys with what they do.

    Parameters
    ----------
    title : str
    text : str
        Before the keys.
    keys : sequence of (str, str)
        Keys as they are called, and a sentence.
    """

    title: str
    text: str = ""
    keys: Sequence[tuple[str, str]] = ()


class HelpScreen(Dialog[None]):
    """Lists what can be done, by where."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,question_mark,f1", "close", "Close", show=False),
    ]

    def __init__(self, sections: Sequence[HelpSection]) -> None:
        super().__init__()
        self._sections = sections

    def compose(self) -> ComposeResult:
        """Build the page, keys in one column."""
        indent = 2 + max(cell_len(keys) for section in self._sections for keys, _ in section.keys)
        with VerticalScroll(classes="dialog wide"):
            for each in self._sections:
                yield Static(each.title, classes="heading", markup=False)
                if each.text:
                    yield Static(inspect.cleandoc(each.text), markup=False)
                for keys, sentence in each.keys:
                    yield KeyLine(keys, sentence, indent)


class KeyLine(Widget):
    """Keys and what they do, a longer sentence below itself."""

    DEFAULT_CSS = "KeyLine { height: auto; }"

    def __init__(self, keys: str, sentence: str, indent: int) -> None:
        super().__init__()
        self._keys, self._sentence, self._indent = keys, sentence, indent

    def render(self) -> Content:
        """Return the keys, then the sentence in the cells that are left."""
        return Content("\n").join(self._lines(self.size.width))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:  # noqa: ARG002
        """Return how many lines it takes at a width."""
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Content]:
        keys = Content.styled(f"{self._keys}{' ' * (self._indent - cell_len(self._keys))}", "$text-accent")
        first, *others = Content(self._sentence).wrap(max(width - self._indent, 1)) or [Content("")]
        return [keys + first, *(Content(" " * self._indent) + each for each in others)]


def help_sections(app: PersonaApp) -> list[HelpSection]:
    """Return what can be done where the focus is, on the screen or in the dialogue, and everywhere."""
    screen = app.screen
    here = _listed(app, bindings_of_focus(screen))
    sections = [HelpSection(title="Here", text=getattr(app.focused, "HELP", ""), keys=here)]
    if isinstance(screen, WorkScreen):
        title = f"{screen.NAME.capitalize()} screen"
        sections += [HelpSection(title=title, keys=_of_table(app, screen.NAME))]
        sections += [HelpSection(title="Everywhere", keys=_of_table(app, APP))]
    else:
        active = screen.active_bindings.values()
        mine = [each for each in active if each.binding.show and each.enabled and each.node is screen]
        sections += [HelpSection(title="In this dialogue", keys=_listed(app, mine))]
    return [each for each in sections if each.text or each.keys]


def _of_table(app: PersonaApp, scope: str) -> list[tuple[str, str]]:
    return [(app.shown_keys(each), each.help) for each in actions_of(scope)]


def _listed(app: PersonaApp, active: Iterable[ActiveBinding]) -> list[tuple[str, str]]:
    """Return each action once, with all of its keys."""
    by_action: dict[str, list[Binding]] = {}
    for each in active:
        by_action.setdefault(each.binding.action, []).append(each.binding)
    return [
        (" ".join(map(app.get_key_display, bindings)), bindings[0].tooltip or bindings[0].description)
        for bindings in by_action.values()
    ]
