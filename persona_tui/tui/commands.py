"""The command line that does what a screen shows."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from persona_tui.engine.errors import SimulationError
from persona_tui.study.options import Settings, options_by_name
from persona_tui.tui.findings import FITTING, MEANING, READING

_CHANGE: Final = ("modification", "description", "value", "max_length")
_SHOWN: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "data": ("inspect", (*READING, *MEANING)),
    "personas": ("personas", (*READING, *MEANING, *FITTING)),
    "flow": ("preview", (*READING, *MEANING, *FITTING, *_CHANGE)),
    "simulate": ("simulate", (*READING, *MEANING, *FITTING, *_CHANGE, "n_personas", "solver")),
    "report": ("batch", (*READING, *MEANING, *FITTING, *_CHANGE, "n_personas", "solver")),
    "trust": ("backtest", (*READING, *MEANING, *FITTING)),
}
"""By screen, the verb and the settings that it shows."""


def command_of(screen: str, settings: Settings, saved: Settings | None = None) -> str:
    """Return the command that shows what a screen shows.

    Parameters
    ----------
    screen : str
    settings : Settings
    saved : Settings, optional
        Of the study that is open: the command then names the study, which knows its personas' names, and
        the options that are others than the study's.

    Raises
    ------
    SimulationError
        If no command can say the scenarios: those of a study that is not saved.

    Examples
    --------
    >>> command_of("personas", Settings(events="log.csv", clusters="3", funnel="a,b c"))
    "persona-tui personas log.csv --funnel 'a,b c' --clusters 3"
    """
    verb, names = _SHOWN[screen]
    shown = [name for name in names if name != "events"]
    has_scenarios = bool(settings.scenarios) and "modification" in shown
    if saved is not None and saved.personas is not None and not (has_scenarios and _differ(settings, saved)):
        is_alone = bool(saved.scenarios) and not settings.scenarios
        changed = [
            name
            for name in shown
            if getattr(settings, name) != getattr(saved, name) or (name == "modification" and is_alone)
        ]
        if all(getattr(settings, name) not in (None, "", ()) for name in changed):
            return shlex.join([*_words(verb, str(saved.personas.folder)), *_options(settings, changed)])
    if has_scenarios:
        raise SimulationError(
            "A command says one change that has no name, or all scenarios of a saved study.",
            hint="Save the study first.",
        )
    declared = options_by_name()
    changed = [name for name in shown if getattr(settings, name) != declared[name].default]
    return shlex.join([*_words(verb, *settings.source_words()), *_options(settings, changed)])


def _differ(settings: Settings, saved: Settings) -> bool:
    return (settings.scenarios, settings.lead) != (saved.scenarios, saved.lead)


def _words(verb: str, *source: str) -> list[str]:
    return ["persona-tui", verb, *source]


def _options(settings: Settings, names: Sequence[str]) -> list[str]:
    declared = options_by_name()
    words = []
    for name in names:
        value = getattr(settings, name)
        for each in value if isinstance(value, tuple) else (value,):
            words += [declared[name].metadata["flag"], str(each)]
    return words
