"""The command line that does what a screen shows."""

from __future__ import annotations

import shlex
from typing import Final

from persona_tui.study.options import Settings, options_by_name
from persona_tui.tui.findings import FITTING, MEANING, READING

_VERBS: Final = {
    "data": "inspect",
    "personas": "personas",
    "flow": "preview",
    "simulate": "simulate",
    "report": "batch",
}
_SHOWN: Final = {"data": (*READING, *MEANING), "personas": (*READING, *MEANING, *FITTING)}
"""Settings that a screen shows; the others show all."""


def command_of(screen: str, settings: Settings) -> str:
    """Return the command that shows what a screen shows, with the settings that are not the default.

    Examples
    --------
    >>> command_of("personas", Settings(events="log.csv", clusters="3", funnel="a,b c"))
    "persona-tui personas log.csv --funnel 'a,b c' --clusters 3"
    """
    declared = options_by_name()
    words = ["persona-tui", _VERBS[screen], *settings.source_words()]
    for name in _SHOWN.get(screen, (*READING, *MEANING, *FITTING, "modification", "n_personas")):
        value, default = getattr(settings, name), declared[name].default
        if name != "events" and value != default:
            for each in value if isinstance(value, tuple) else (value,):
                words += [declared[name].metadata["flag"], str(each)]
    return shlex.join(words)
