"""The file of preferences as it is first written: every setting, its meaning and its default."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import Field
from itertools import groupby
from typing import Any, Final

from persona_tui.study.config import defaultable_options
from persona_tui.study.declared import shown_default
from persona_tui.tui.actions import ACTIONS, APP, DIALOG, Action
from persona_tui.tui.preferences import CHOICES, DEFAULTS, KEYS, Preferences, variable_of

_WIDTH: Final = 88
_MEANINGS: Final = {
    "theme": "The colours; persona-contrast has the strongest, persona-ansi has those of the terminal.",
    "glyphs": "What figures are drawn with; auto takes what the terminal surely shows.",
    "animation": "Whether things move; auto means not over SSH.",
    "clipboard": "How text is copied: osc52 sends it through the terminal, show shows it to be selected by "
    "hand; auto shows it where the terminal does not take it.",
}

_WHERE: Final = {APP: "In the whole app:", DIALOG: "In every dialogue:"}


def preferences_text() -> str:
    """Return the text of a file in which every setting stands with its default, and none has an effect."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield from _comment(
        "Your preferences for persona-tui. Every setting stands here with its default: to change one, take "
        "the # before its name away. 'persona-tui config show' prints what holds, and why."
    )
    preferences = Preferences()
    for name, choices in CHOICES.items():
        yield ""
        yield from _comment(_MEANINGS[name])
        yield from _comment(f"One of {', '.join(choices)}. {variable_of(name)} goes before it.")
        yield _setting(name, getattr(preferences, name))
    yield "\n" + f"[{KEYS}]"
    yield from _comment('Keys by action; several are separated by commas, as in "z,ctrl+u".')
    for scope, actions in groupby(sorted(ACTIONS, key=_scope_order), key=lambda action: action.scope):
        yield ""
        yield from _comment(_WHERE.get(scope, f"On the {scope.capitalize()} screen:"))
        for action in actions:
            yield from _comment(action.help)
            yield _setting(action.id, ",".join(action.keys))
    yield "\n" + f"[{DEFAULTS}]"
    yield from _comment("Options that hold for logs that are no study; a study has its own.")
    for name, option in defaultable_options().items():
        yield ""
        yield from _option(name, option)


def _scope_order(action: Action) -> int:
    """Return where the scope of an action comes first in the table."""
    return next(place for place, each in enumerate(ACTIONS) if each.scope == action.scope)


def _option(name: str, option: Field[Any]) -> Iterator[str]:
    """Yield an option; one whose default is worked out from the data is shown by its form."""
    meaning, choices = option.metadata["help"], option.metadata["choices"]
    yield from _comment(meaning + (f" One of {', '.join(choices)}." if choices else ""))
    default = shown_default(option)
    if option.metadata["shown_default"]:
        yield from _comment(f"Default: {default}.")
    if option.default is None:
        yield from _comment(f"Written as: {name} = {option.metadata['metavar']}")
    else:
        yield _setting(name, option.default)


def _comment(text: str) -> Iterable[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)


def _setting(name: str, value: object) -> str:
    """Return a setting that its sign keeps from having an effect; a comment has a blank after the sign."""
    import tomli_w  # noqa: PLC0415 - 0.01 s, only this needs it

    kept = list(value) if isinstance(value, tuple) else value
    line = tomli_w.dumps({name: kept}, multiline_strings=False).strip()
    if "\n" in line:
        line = f"{name} = [{', '.join(part.strip() for part in line.splitlines()[1:-1]).rstrip(',')}]"
    return f"#{line}"
