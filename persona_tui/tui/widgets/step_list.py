"""The steps of a preparation as sentences, in the order in which they act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from persona_tui.engine.params import LISTS, NAMES, format_names, parse_call, parse_names, quote
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from persona_tui.engine.params import Parameter

NOTHING = "No steps: the log is read as it is. a adds one: leave events out, rename, sample, cut sessions …"


class StepList(OptionList):
    """The preparation; the highlighted step is the one that is removed."""

    HELP = "Steps of the preparation: up and down choose one, a adds one, d removes the chosen one."

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id, markup=False)

    def show(self, steps: Sequence[str]) -> None:
        """Show the steps of a preparation."""
        chosen = self.highlighted
        self.clear_options()
        if not steps:
            self.add_option(Option(Content(NOTHING), disabled=True))
            return
        self.add_options(
            Option(Content.assemble((f"{number:>2}  ", "$text-muted"), printable(step_sentence(step))))
            for number, step in enumerate(steps, start=1)
        )
        self.highlighted = min(chosen or 0, len(steps) - 1)


def step_sentence(text: str) -> str:
    """Return a step in words.

    Examples
    --------
    >>> step_sentence("drop:events=debug*|ping"), step_sentence("sessionise")
    ('drop: events debug*, ping', 'sessionise')
    """
    name, given = parse_call(text)
    words = [f"{key.replace('_', ' ')} {', '.join(parse_names(value, '|'))}" for key, value in given.items()]
    return f"{name.replace('_', ' ')}: {'; '.join(words)}" if words else name.replace("_", " ")


def step_text(kind: str, declared: Sequence[Parameter], values: Mapping[str, str]) -> str:
    """Return a step as the grammar writes it, from what was typed; blanks are left out."""
    given: list[str] = []
    for each in declared:
        value = values.get(each.name, "").strip()
        if not value:
            continue
        if each.kind in LISTS:
            value = format_names([name.strip() for name in parse_names(value)], "|")
        elif each.kind in NAMES:
            value = quote(value)
        given.append(f"{each.name}={value}")
    return kind + (":" + ",".join(given) if given else "")
