"""A step of the preparation: its kind, and a form made of what the kind declares."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.suggester import SuggestFromList
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.params import LISTS, Parameter, parameters_of
from persona_tui.engine.text import printable
from persona_tui.tui.screens.dialog import Dialog
from persona_tui.tui.widgets.step_list import step_text


@dataclass(frozen=True, slots=True, kw_only=True)
class StepKind:
    """A kind of step.

    Parameters
    ----------
    name : str
    help : str
    fields : tuple of Parameter
    """

    name: str
    help: str
    fields: tuple[Parameter, ...]


class StepScreen(Dialog[str]):
    """Closes with a step as the grammar writes it."""

    class KindsKnown(Message):
        """The kinds of steps are known."""

        def __init__(self, kinds: Sequence[StepKind]) -> None:
            super().__init__()
            self.kinds = tuple(kinds)

    class Added(Message):
        """The step makes sense."""

        def __init__(self, step: str) -> None:
            super().__init__()
            self.step = step

    class Refused(Message):
        """The step makes no sense."""

        def __init__(self, fault: PersonaError) -> None:
            super().__init__()
            self.fault = fault

    def __init__(self, steps: Sequence[str], events: Sequence[str]) -> None:
        super().__init__()
        self._steps, self._events = tuple(steps), tuple(events)
        self._kinds: tuple[StepKind, ...] = ()

    def compose(self) -> ComposeResult:
        """Build the kinds beside the form."""
        with Vertical(classes="dialog wide"):
            yield Static("Add a step (enter on a kind goes to its fields)", markup=False)
            with Horizontal(id="step"):
                yield OptionList(id="kinds", markup=False, compact=True)
                yield VerticalScroll(id="fields", can_focus=False)

    def on_mount(self) -> None:
        """Ask for the kinds."""
        self.query_one("#kinds").focus()
        self._read_kinds()

    @work(thread=True, exit_on_error=False, group="kinds")
    def _read_kinds(self) -> None:
        from persona_tui.engine.data.preparation.steps import PREPARATIONS  # noqa: PLC0415 - loads polars

        names = PREPARATIONS.names()
        self.post_message(
            self.KindsKnown(
                [
                    StepKind(
                        name=name,
                        help=PREPARATIONS.help(name),
                        fields=parameters_of(PREPARATIONS.get(name)),
                    )
                    for name in names
                ]
            )
        )

    @on(KindsKnown)
    def _offer(self, known: KindsKnown) -> None:
        self._kinds = known.kinds
        kinds = self.query_one("#kinds", OptionList)
        kinds.add_options(Option(each.name, id=each.name) for each in known.kinds)
        kinds.highlighted = 0

    @property
    def _kind(self) -> StepKind | None:
        chosen = self.query_one("#kinds", OptionList).highlighted
        return self._kinds[chosen] if chosen is not None and chosen < len(self._kinds) else None

    @on(OptionList.OptionHighlighted)
    async def _show_form(self) -> None:
        kind = self._kind
        if kind is None:
            return
        fields = self.query_one("#fields")
        await fields.remove_children()
        await fields.mount(
            Static(kind.help, classes="kind-help", markup=False),
            *(widget for each in kind.fields for widget in self._field(each)),
            Static(id="refused", classes="fault", markup=False),
        )

    def _field(self, parameter: Parameter) -> list[Widget]:
        names = [each for each in self._events if each == printable(each)]
        suggester = SuggestFromList(names, case_sensitive=True) if parameter.name == "events" else None
        return [
            Static(f"{parameter.name}{'' if parameter.required else ' (may stay empty)'}", markup=False),
            Input(
                placeholder=_placeholder(parameter),
                suggester=suggester,
                id=f"field-{parameter.name}",
                compact=True,
            ),
            Static(Content(_told(parameter)), classes="hint", markup=False),
            Static(id=f"fault-{parameter.name}", classes="fault", markup=False),
        ]

    @on(OptionList.OptionSelected)
    def _enter_form(self) -> None:
        fields = self.query("#fields Input")
        if fields:
            fields.first().focus()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_apply()

    def action_apply(self) -> None:
        """Close with the step, unless it makes no sense."""
        kind = self._kind
        if kind is None:
            return
        values = {each.name: self.query_one(f"#field-{each.name}", Input).value for each in kind.fields}
        try:
            self._check(step_text(kind.name, kind.fields, values))
        except ValueError as fault:
            self._say(self.Refused(PersonaError(str(fault))))

    @work(thread=True, exclusive=True, exit_on_error=False, group="step")
    def _check(self, step: str) -> None:
        from persona_tui.engine.data.preparation.preparation import (  # noqa: PLC0415 - loads polars
            parse_preparation,
        )

        try:
            text = parse_preparation([*self._steps, step]).as_texts()[-1]
        except PersonaError as fault:
            self.post_message(self.Refused(fault))
        else:
            self.post_message(self.Added(text))

    @on(Added)
    def _close(self, added: Added) -> None:
        self.dismiss(added.step)

    @on(Refused)
    def _say(self, refused: Refused) -> None:
        for each in self.query("#fields .fault").results(Static):
            each.update("")
        text = " ".join(filter(None, (refused.fault.message, refused.fault.hint))).replace("\n", " ")
        kind = self._kind
        named = [each.name for each in kind.fields if re.search(rf"\b{each.name}\b", text)] if kind else []
        place = f"#fault-{named[0]}" if named else "#refused"
        self.query_one(place, Static).update(printable(text))


def _placeholder(parameter: Parameter) -> str:
    """Return what an empty field means."""
    if parameter.required or parameter.default in ("", None):
        return "a, b, c" if parameter.kind in LISTS else ""
    default = parameter.default
    return ", ".join(default) if isinstance(default, tuple) else str(default)


def _told(parameter: Parameter) -> str:
    """Return what a field is: its help, its unit, its bounds."""
    several = "Several are separated by commas." if parameter.kind in LISTS else ""
    unit = (
        f"In {parameter.unit}{', ' + parameter.bounds if parameter.bounds else ''}." if parameter.unit else ""
    )
    return " ".join(filter(None, (parameter.help, unit, several)))
