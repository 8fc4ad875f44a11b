"""The keys that hold now, as many as fit on one line; the way out and help are always the last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from textual.binding import Binding
from textual.content import Content
from textual.reactive import var
from textual.style import Style
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

_KEPT: Final = ("close", "help")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownKey:
    """A key, or several of one meaning, as the footer shows them.

    Parameters
    ----------
    key : str
        As it is called.
    label : str
    pressed : str
        What a click presses, empty for nothing.
    is_last : bool
        Whether it stands at the end and is never left out.
    """

    key: str
    label: str
    pressed: str = ""
    is_last: bool = False


class KeyFooter(Widget, can_focus=False):
    """The last line of every screen and dialogue; a click on a key presses it."""

    DEFAULT_CSS = """
    KeyFooter {
        dock: bottom; height: 1;
        background: $footer-background; color: $footer-foreground;
    }
    """

    auto_links = var(False)

    def on_mount(self) -> None:
        """Follow the keys as the focus moves."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, _screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        """Return the keys that fit, those of this place alone first, then those of the table of actions."""
        active = self.screen.active_bindings.values()
        shown = [each.binding for each in active if each.enabled and each.binding.show]
        shown.sort(key=lambda each: each.id is not None)
        return line_of_keys(tuple(_shown_keys(self.app, shown)), self.size.width)


def line_of_keys(keys: Sequence[ShownKey], width: int) -> Content:
    """Return as many keys as fit, in their order, then those that are never left out."""
    last = [_drawn(each) for each in keys if each.is_last]
    left = width - sum(each.cell_length + 1 for each in last)
    parts = []
    for each in (_drawn(each) for each in keys if not each.is_last):
        left -= each.cell_length + 1
        if left < 0:
            break
        parts.append(each)
    return Content(" ").join([*parts, *last]).truncate(width)


def _drawn(shown: ShownKey) -> Content:
    text = Content.assemble((shown.key, "bold $footer-key-foreground"), f" {shown.label}")
    pressed = Style.from_meta({"@click": f"app.simulate_key({shown.pressed!r})"}) if shown.pressed else ""
    return text.stylize(pressed)


def _shown_keys(app: App[object], bindings: Iterable[Binding]) -> Iterator[ShownKey]:
    """Yield each action once, under the first of its keys; actions of a group together."""
    first = {each.action: each for each in reversed(list(bindings))}
    ordered = list(dict.fromkeys(each.action for each in bindings))
    for group, each_of_group in groupby((first[action] for action in ordered), lambda each: each.group):
        members = list(each_of_group)
        if group is not None and len(members) > 1:
            yield ShownKey(key="".join(map(app.get_key_display, members)), label=group.description)
            continue
        for each in members:
            yield ShownKey(
                key=app.get_key_display(each),
                label=each.description,
                pressed=each.key,
                is_last=each.id in _KEPT,
            )
