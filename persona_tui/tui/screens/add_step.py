"""Add a step to the preparation: choose its kind, then fill its fields."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from persona_tui.engine.data.preparation.preparation import parse_preparation
from persona_tui.engine.data.preparation.steps import PREPARATIONS
from persona_tui.engine.errors import PersonaError
from persona_tui.engine.params import format_names, parameters_of, quote
from persona_tui.tui.screens.form import Field, FormScreen


class AddStepScreen(ModalScreen[str | None]):
    """Asks for a step and closes with its text."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]

    def compose(self) -> ComposeResult:
        """Build the list of kinds."""
        with Vertical(classes="dialog"):
            yield Static("Which step? (enter chooses, escape cancels)", classes="label")
            yield OptionList(
                *(
                    Option(Content.assemble((f"{name:<11}", "bold"), PREPARATIONS.help(name)), id=name)
                    for name in PREPARATIONS.names()
                ),
                markup=False,
                compact=True,
            )

    @on(OptionList.OptionSelected)
    def fill(self, chosen: OptionList.OptionSelected) -> None:
        """Ask for the fields of the kind."""
        name = chosen.option_id or ""
        fields = [
            Field(
                name=each.name,
                label=each.name + (f" ({each.unit})" if each.unit else ""),
                value=_default(each.default),
                help=each.help + (" Needed." if each.required else ""),
            )
            for each in parameters_of(PREPARATIONS.get(name))
        ]
        form = FormScreen(
            f"{name}: {PREPARATIONS.help(name)}", fields, lambda values: fault_of(name, values), "Add"
        )
        self.app.push_screen(form, partial(self._filled, name))

    def _filled(self, name: str, values: dict[str, str] | None) -> None:
        if values is not None:
            self.dismiss(step_text(name, values))


def _default(value: object) -> str:
    if isinstance(value, tuple):
        return format_names(value, "|")
    return "" if value is None else str(value)


def step_text(name: str, values: dict[str, str]) -> str:
    """Return a step as it is written, without the fields that are empty."""
    given = ",".join(f"{key}={_quoted(value)}" for key, value in values.items() if value)
    return f"{name}:{given}" if given else name


def _quoted(value: str) -> str:
    """Return a value as part of a step; lists are typed with their own separators."""
    return value if "|" in value or "=" in value else quote(value)


def fault_of(name: str, values: dict[str, str]) -> str:
    """Return what is wrong with the fields of a step; empty where nothing is."""
    try:
        parse_preparation([step_text(name, values)])
    except PersonaError as fault:
        return f"{fault.message} {fault.hint or ''}".strip()
    return ""
