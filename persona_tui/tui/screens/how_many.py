"""Choose the number of personas, with the ladder in view."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from persona_tui.engine.text import printable
from persona_tui.tui.screens import personas_page as page
from persona_tui.tui.screens.dialog import Dialog
from persona_tui.tui.widgets.text_table import Table

if TYPE_CHECKING:
    from persona_tui.engine.modeling.ladder import LadderDescription

_MOST: Final = 8


class HowManyScreen(Dialog[str]):
    """Asks for a number; closes with it as the setting has it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *((str(n), f"dismiss('{n}')", f"{n}") for n in range(1, _MOST + 1)),
        ("a", "dismiss('auto')", "auto"),
    ]

    def __init__(self, ladder: LadderDescription | None, chosen: str) -> None:
        super().__init__()
        self._ladder, self._chosen = ladder, chosen

    def compose(self) -> ComposeResult:
        """Build the ladder and the choice."""
        with VerticalScroll(classes="dialog wide"):
            yield Static(Content.styled("How many personas?", "bold"))
            if self._ladder is not None:
                yield Static(Content(f"{printable(self._ladder.reason)}."))
                yield Table(page.rungs(self._ladder))
                for caution in self._ladder.cautions:
                    yield Static(Content(f"- {printable(caution)}"), classes="caution")
                yield Static(
                    "bits per event: how well users held out are foretold, lower is better; stability: "
                    "agreement of refits on users drawn again, 1 is full.",
                    classes="hint",
                )
            else:
                yield Static("The ladder is climbed where the number is left to it: choose auto.")
            yield OptionList(
                Option("auto: the best on users held out (a)", id="auto"),
                *(Option(f"{n}", id=str(n)) for n in range(1, _MOST + 1)),
                compact=True,
            )

    def on_mount(self) -> None:
        """Begin at what holds now."""
        choices = self.query_one(OptionList)
        if self._chosen == "auto" or (self._chosen.isdigit() and int(self._chosen) <= _MOST):
            choices.highlighted = choices.get_option_index(self._chosen)
        choices.focus()

    @on(OptionList.OptionSelected)
    def choose(self, chosen: OptionList.OptionSelected) -> None:
        """Close with the number."""
        self.dismiss(chosen.option_id)
