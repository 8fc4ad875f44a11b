"""Choose the number of personas, with the ladder in view."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from persona_tui.engine.text import printable
from persona_tui.tui.screens import personas_page as page
from persona_tui.tui.screens.dialog import Dialog

if TYPE_CHECKING:
    from persona_tui.engine.modeling.ladder import LadderDescription

_MOST: Final = 8
_EXPLAINED: Final = (
    "bits saved: how much better users held out are foretold than by one persona, in bits per event; "
    "stability: agreement of refits on users drawn again, 1 is full; smallest: its share of users."
)


class HowManyScreen(Dialog[str]):
    """Asks for a number; closes with it as the setting has it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"dismiss('{n}')", show=False) for n in range(1, _MOST + 1)),
        Binding("a", "dismiss('auto')", show=False),
    ]

    def __init__(self, ladder: LadderDescription | None, chosen: str) -> None:
        super().__init__()
        self._ladder, self._chosen = ladder, chosen

    def compose(self) -> ComposeResult:
        """Build the choices, which are the ladder where there is one."""
        with VerticalScroll(classes="dialog wide"):
            yield Static(Content.assemble(("How many personas?", "bold"), f" 1 to {_MOST}, or a for auto"))
            if self._ladder is None:
                yield Static("The ladder is climbed where the number is left to it: choose auto.")
            else:
                yield Static(Content(f"{printable(self._ladder.reason)}."))
                for caution in self._ladder.cautions:
                    yield Static(Content(f"- {printable(caution)}"), classes="caution")
                yield Static(id="heads", markup=False)
            yield OptionList(id="numbers", markup=False, compact=True)
            if self._ladder is not None:
                yield Static(_EXPLAINED, classes="hint", markup=False)

    def on_resize(self) -> None:
        """Draw the choices to the room that they have, from what is chosen now on."""
        choices, glyphs = self.query_one(OptionList), self.app.glyphs  # type: ignore[attr-defined]
        width = self.query_one(".dialog").content_size.width
        tried = [each.rung.n_clusters for each in self._ladder.rungs] if self._ladder else []
        highlighted = choices.highlighted
        choices.clear_options()
        choices.add_option(Option("auto  the best on users held out", id="auto"))
        choices.add_options(
            Option(page.rung_choice(n, self._ladder, width, glyphs), id=str(n))
            for n in range(1, max([_MOST, *tried]) + 1)
        )
        if self._ladder is not None:
            self.query_one("#heads", Static).update(page.rungs_head(width))
        if highlighted is None and self._chosen in {option.id for option in choices.options}:
            highlighted = choices.get_option_index(self._chosen)
        choices.highlighted = highlighted

    def on_mount(self) -> None:
        """Let the arrows choose."""
        super().on_mount()
        self.query_one(OptionList).focus()

    @on(OptionList.OptionSelected)
    def choose(self, chosen: OptionList.OptionSelected) -> None:
        """Close with the number."""
        self.dismiss(chosen.option_id)
