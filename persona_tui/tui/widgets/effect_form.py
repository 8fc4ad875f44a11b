"""The form of one effect, made of the parameters that it declares; every keystroke is told."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final

from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.params import (
    LISTS,
    NAMES,
    NUMBERS,
    Parameter,
    Range,
    parameters_of,
    parse_call,
    parse_names,
    parse_value,
    quote,
    unquote,
)
from persona_tui.engine.simulation.effects import EFFECTS, parse_effect
from persona_tui.engine.text import printable
from persona_tui.tui.widgets.slider import Slider, number_text
from persona_tui.tui.widgets.step_list import step_text

_STARTS: Final = {"int": "1", "float": "0.1"}
"""What a number that must be given begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The names that the fields of effects can hold.

    Parameters
    ----------
    events, personas : tuple of str
    segments : tuple of str
        As the grammar writes them.
    """

    events: tuple[str, ...] = ()
    personas: tuple[str, ...] = ()
    segments: tuple[str, ...] = field(default=())

    def of(self, kind: str) -> tuple[str, ...]:
        """Return the names for a kind of parameter."""
        if kind.startswith("event"):
            return self.events
        return self.personas if kind.startswith("persona") else self.segments


class LastName(Suggester):
    """Completes the last of the names that are separated by commas."""

    def __init__(self, names: Sequence[str], *, several: bool) -> None:
        super().__init__(case_sensitive=True)
        self._names, self._several = tuple(names), several

    async def get_suggestion(self, value: str) -> str | None:
        """Return the text with its last name completed."""
        head, comma, last = value.rpartition(",") if self._several else ("", "", value)
        typed = last.lstrip()
        if not typed:
            return None
        found = next((each for each in self._names if each.startswith(typed)), None)
        return None if found is None else f"{head}{comma}{last[: len(last) - len(typed)]}{found}"


class EffectForm(VerticalScroll, can_focus=False):
    """The fields of an effect; tells the effect, or what is wrong with it, after every change."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Cancel"),
        Binding("ctrl+s", "take", "Apply"),
    ]

    class Changed(Message):
        """The fields say another effect."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Wrong(Message):
        """The fields make no sense yet."""

    class Taken(Message):
        """The effect is to be kept."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """The effect is to be forgotten."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.kind = ""
        self._fields: tuple[Parameter, ...] = ()

    async def open(self, kind: str, values: Mapping[str, str], known: Known) -> None:
        """Show the fields of a kind of effect, with what they begin with."""
        self.kind, self._fields = kind, parameters_of(EFFECTS.get(kind))
        with self.prevent(Input.Changed):
            await self.remove_children()
            await self.mount(
                Static(Content.assemble((kind, "bold"), f"  {EFFECTS.help(kind)}")),
                *(
                    widget
                    for each in self._fields
                    for widget in _field(each, values.get(each.name, ""), known)
                ),
                Static(id="effect-fault", classes="fault", markup=False),
                Static("enter applies, escape cancels", classes="hint", markup=False),
            )
        self.query("Input").first().focus()
        self.check()

    def text(self) -> str:
        """Return the effect as the grammar writes it, from what the fields hold."""
        held = {each.name: self.query_one(f"#effect-{each.name}", Input).value for each in self._fields}
        return step_text(self.kind, self._fields, held)

    def check(self) -> str:
        """Tell the effect, or say what is wrong; return its text where it makes sense."""
        try:
            text = str(parse_effect(self.text()))
        except (PersonaError, ValueError) as fault:
            self._say(fault.message if isinstance(fault, PersonaError) else str(fault))
            self.post_message(self.Wrong())
            return ""
        self._say("")
        self.post_message(self.Changed(text))
        return text

    def _say(self, fault: str) -> None:
        told = re.sub(r"^Modification '.*?': ", "", fault, flags=re.DOTALL)
        shown = self.query_one("#effect-fault", Static)
        shown.update(printable(told))
        shown.display = bool(told)

    def refuse(self, fault: PersonaError) -> None:
        """Say why the flow does not take the effect."""
        self._say(f"{fault.message} {fault.hint}".strip())

    @on(Input.Changed)
    def _typed(self, changed: Input.Changed) -> None:
        changed.stop()
        name = (changed.input.id or "").removeprefix("effect-")
        parameter = next((each for each in self._fields if each.name == name), None)
        if parameter is not None and parameter.kind in NUMBERS:
            self.query_one(f"#slide-{name}", Slider).show(_number(parameter, changed.value))
        self.check()

    @on(Slider.Changed)
    def _slid(self, changed: Slider.Changed) -> None:
        changed.stop()
        name = changed.slider.parameter.name
        self.query_one(f"#effect-{name}", Input).value = number_text(changed.value)

    @on(Input.Submitted)
    def _submitted(self, submitted: Input.Submitted) -> None:
        submitted.stop()
        self.action_take()

    def action_take(self) -> None:
        """Keep the effect, unless it makes no sense."""
        text = self.check()
        if text:
            self.post_message(self.Taken(text))

    def action_leave(self) -> None:
        """Forget the effect."""
        self.post_message(self.Left())


def values_of_text(text: str) -> tuple[str, dict[str, str]]:
    """Return the kind of an effect and what its fields hold.

    Examples
    --------
    >>> values_of_text("friction:factor=0.05,at=cart|pay")
    ('friction', {'factor': '0.05', 'at': 'cart, pay'})
    """
    kind, given = parse_call(text)
    kinds = {each.name: each.kind for each in parameters_of(EFFECTS.get(kind))}
    return kind, {
        name: ", ".join(map(quote, parse_names(value, "|")))
        if kinds[name] in LISTS
        else unquote(value)
        if kinds[name] in NAMES
        else value
        for name, value in given.items()
    }


def first_values(kind: str, step: str | None) -> dict[str, str]:
    """Return what the fields of a new effect begin with: the step in view, and numbers that must be given.

    Examples
    --------
    >>> first_values("friction", "cart"), first_values("insert_steps", None)
    ({'factor': '0.1', 'at': 'cart'}, {'count': '1'})
    """
    declared = parameters_of(EFFECTS.get(kind))
    values = {each.name: _STARTS[each.kind] for each in declared if each.required and each.kind in NUMBERS}
    place = next(
        (each for each in declared if each.kind in {"event", "events"} and each.name != "sources"), None
    )
    if step is not None and place is not None:
        values[place.name] = quote(step) if place.kind in LISTS else step
    return values


def effect_kinds() -> tuple[tuple[str, str], ...]:
    """Return the kinds of effects, each with its help."""
    return tuple((name, EFFECTS.help(name)) for name in EFFECTS.names())


def _field(parameter: Parameter, value: str, known: Known) -> list[Widget]:
    unit = f"  {parameter.unit}" if parameter.unit else ""
    bounds = f", {parameter.bounds}" if parameter.bounds and parameter.kind in NUMBERS else ""
    several = parameter.kind in LISTS
    names = [each for each in known.of(parameter.kind) if each == printable(each)]
    entry = Input(
        value,
        id=f"effect-{parameter.name}",
        compact=True,
        select_on_focus=False,
        placeholder=_left_open(parameter),
        suggester=None
        if parameter.kind in NUMBERS
        else LastName(list(map(quote, names)) if several else names, several=several),
    )
    label = Static(
        Content.assemble(parameter.name, (f"{unit}{bounds}", "$text-muted")), classes="effect-label"
    )
    hint = Static(Content(parameter.help), classes="hint effect-hint")
    if parameter.kind in NUMBERS:
        slider = Slider(parameter, _number(parameter, value), id=f"slide-{parameter.name}")
        return [label, Horizontal(entry, slider, classes="effect-number"), hint]
    return [label, entry, hint]


def _left_open(parameter: Parameter) -> str:
    """Return what a field that is left empty stands for."""
    if parameter.required:
        return ""
    if parameter.kind in NUMBERS:
        return "as it is"
    return "completion" if parameter.kind == "event" else "all"


def _number(parameter: Parameter, text: str) -> float | Range | None:
    try:
        value = parse_value(parameter, text)
    except ValueError:
        return None
    return value if isinstance(value, Range | int | float) else None
