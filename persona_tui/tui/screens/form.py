"""A form: some fields, what is wrong with them, and nothing lost until they are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Select, Static

from persona_tui.engine.text import printable
from persona_tui.tui.screens.dialog import Dialog

Check = Callable[[dict[str, str]], str]
"""Says what is wrong with the values by name; empty where nothing is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form.

    Parameters
    ----------
    name : str
    label : str
    value : str
    help : str
    choices : tuple of str
        To choose from; any text where there are none.
    """

    name: str
    label: str
    value: str = ""
    help: str = ""
    choices: tuple[str, ...] = ()


class FormScreen(Dialog[dict[str, str]]):
    """Asks for some values; enter in a field, or the button, takes them."""

    AUTO_FOCUS = "Input, Select"

    def __init__(self, title: str, fields: Sequence[Field], check: Check, done: str = "Apply") -> None:
        super().__init__()
        self._title, self._fields, self._check, self._done = title, fields, check, done

    def compose(self) -> ComposeResult:
        """Build a label, a field and its help for each value."""
        with VerticalScroll(classes="dialog"):
            yield Static(Content.styled(printable(self._title), "bold"))
            for each in self._fields:
                with Horizontal(classes="field"):
                    yield Static(Content(printable(each.label)), classes="label")
                    yield self._widget(each)
                if each.help:
                    yield Static(Content(printable(each.help)), classes="hint")
            yield Static(id="fault", classes="fault", markup=False)
            with Horizontal(classes="answers"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._done, id="done", variant="primary", compact=True)

    @staticmethod
    def _widget(each: Field) -> Input | Select[str]:
        if not each.choices:
            return Input(each.value, id=f"field-{each.name}", compact=True)
        options = [(Content(printable(choice)), choice) for choice in each.choices]
        value = each.value if each.value in each.choices else Select.NULL
        return Select(options, value=value, id=f"field-{each.name}", compact=True)

    def values(self) -> dict[str, str]:
        """Return what the fields hold."""
        held = {}
        for each in self._fields:
            widget = self.query_one(f"#field-{each.name}")
            value = widget.value if isinstance(widget, Input | Select) else ""
            held[each.name] = value if isinstance(value, str) else ""
        return held

    @on(Input.Submitted)
    def action_apply(self) -> None:
        """Close with the values, or say what is wrong with them."""
        values = self.values()
        fault = self._check(values)
        if fault:
            self.query_one("#fault", Static).update(Content(printable(fault)))
        else:
            self.dismiss(values)

    @on(Button.Pressed)
    def press(self, pressed: Button.Pressed) -> None:
        """Take the values or leave them."""
        if pressed.button.id == "done":
            self.action_apply()
        else:
            self.dismiss(None)
