"""The Personas screen: how many, who they are, and how they differ."""

from __future__ import annotations

from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import OptionList, Static, TabbedContent, TabPane

from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable
from persona_tui.tui.findings import Findings, personas_are_stale
from persona_tui.tui.screens import personas_page as page
from persona_tui.tui.screens.faults import NO_LOG, told, without_log
from persona_tui.tui.screens.form import Field, FormScreen
from persona_tui.tui.screens.how_many import HowManyScreen
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of
from persona_tui.tui.widgets.flow_diagram import FlowDiagram
from persona_tui.tui.widgets.heat_map import HeatMap
from persona_tui.tui.widgets.interval_bars import IntervalBars
from persona_tui.tui.widgets.text_table import Table, TextTable
from persona_tui.tui.widgets.timeline import Timeline

_NOT_YET: Final = "No personas yet: r finds them."
_STALE: Final = "These personas were found with other settings; r finds them anew."
_COLUMNS: Final = "Columns: the events a journey does, full where no other persona does them more."
_CARD_WIDTH: Final = 34


class PersonasScreen(WorkScreen):
    """Shows the personas; those in view stay until others are found."""

    NAME = "personas"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("personas")
    AUTO_FOCUS = ""

    def compose_body(self) -> ComposeResult:
        """Build the cards and the tabs of the one that is chosen."""
        yield Static(id="said", markup=False)
        with Container(id="personas"):
            with Vertical(id="left"):
                yield OptionList(id="cards", markup=False, compact=True)
                yield Static(_COLUMNS, id="columns", classes="hint", markup=False)
            with TabbedContent(id="tabs"):
                with TabPane("Overview", id="overview"), VerticalScroll():
                    yield IntervalBars(id="sizes")
                    yield Static(id="early", classes="hint", markup=False)
                    yield Static(
                        "Traits: effect in standard deviations, against the other users", classes="heading"
                    )
                    yield IntervalBars(id="traits")
                    yield Static("Attributes: lift over all users", classes="heading")
                    yield Table(id="attributes")
                    yield Static(id="attributes-said", classes="hint", markup=False)
                with TabPane("Flow", id="flow"):
                    yield FlowDiagram(id="diagram")
                with TabPane("Moves", id="moves"):
                    yield HeatMap(id="heat")
                with TabPane("Paths", id="paths"), VerticalScroll():
                    yield Static(id="journey", markup=False)
                    yield Static("Events it does more than the others", classes="heading")
                    yield Table(id="signature")
                    yield Static("Paths that more of its journeys hold", classes="heading")
                    yield Table(id="path-table")
                with TabPane("Users", id="users"), VerticalScroll():
                    yield Table(id="user-table")
                    yield Static("All that they did, from the first event on", classes="heading")
                    yield Timeline(id="timelines")
                with TabPane("Compare", id="compare"), VerticalScroll():
                    yield Static(id="compared", markup=False)
                    yield IntervalBars(id="compared-outcomes")
                    yield Static("Moves that set them apart", classes="heading")
                    yield Table(id="compared-moves")

    def on_mount(self) -> None:
        """Say what the work in the background is about, too."""
        super().on_mount()
        self.follow("running", self._say)
        self.follow("edits", self._say)

    # what is shown

    def show(self, found: Findings) -> None:
        """Show the personas, or why there are none."""
        self._say()
        personas = found.personas
        self.query_one("#personas").display = personas is not None
        if personas is None:
            return
        cards = self.query_one("#cards", OptionList)
        chosen = cards.highlighted
        if chosen is None:
            chosen = self.remembered("persona") or 0
        glyphs, is_wide = self.persona_app.glyphs, self.has_class("-wide")
        draw, width = (page.card, _CARD_WIDTH) if is_wide else (page.short_card, self.size.width - 4)
        cards.clear_options()
        cards.add_options(
            [draw(personas, position, width, glyphs) for position in range(len(personas.profiles))]
        )
        cards.highlighted = min(chosen, len(personas.profiles) - 1)

    def _say(self, *_changed: object) -> None:
        app, found = self.persona_app, self.persona_app.findings
        text: Content | str = ""
        if found.fit_fault is not None:
            text = told(found.fit_fault, shown_before=found.personas is not None)
        elif found.personas is not None:
            stale = personas_are_stale(found, app.workspace.settings)
            text = _STALE if stale else page.headline(found.personas)
        elif found.log is None:
            text = without_log(found, app.running)
        else:
            text = _NOT_YET if app.running is None else "Finding personas (ctrl+x stops it) …"
        self.query_one("#said", Static).update(Content(text) if isinstance(text, str) else text)

    @on(OptionList.OptionHighlighted, "#cards")
    def show_persona(self) -> None:
        """Show the persona that is chosen."""
        personas, position = self.persona_app.findings.personas, self.chosen
        if personas is None or position is None or position >= len(personas.profiles):
            return
        self.remember("persona", position)
        profile = personas.profiles[position]
        traits = page.traits(profile)
        self.query_one("#sizes", IntervalBars).data = page.sizes(personas, profile)
        self.query_one("#early", Static).update(page.early_sentence(personas, profile))
        self.query_one("#traits", IntervalBars).data = traits
        self.query_one("#attributes", Table).data = page.attributes(profile)
        self.query_one("#attributes-said", Static).update(Content(page.attributes_said(profile)))
        self.query_one(FlowDiagram).data = page.flow(personas, position, self._pane_width())
        self.query_one(HeatMap).data = page.moves(personas, position)
        steps = " → ".join(map(printable, profile.typical_journey))
        self.query_one("#journey", Static).update(Content(f"Typical journey: {steps}"))
        self.query_one("#signature", Table).data = page.signature(profile)
        self.query_one("#path-table", Table).data = page.paths(profile)
        self.query_one("#user-table", Table).data = page.users(profile)
        self.query_one(Timeline).data = page.timelines(personas, profile)
        if self.query_one("#compared-moves", Table).data is None:
            self.query_one("#compared", Static).update("c sets this persona beside another.")

    def _pane_width(self) -> int:
        """Return the cells beside, or below, the cards."""
        return self.size.width - (_CARD_WIDTH + 6 if self.has_class("-wide") else 2)

    def on_resize(self) -> None:
        """Draw the cards anew, which are shorter on a narrow screen."""
        self.call_after_refresh(lambda: self.show(self.persona_app.findings))

    @property
    def chosen(self) -> int | None:
        """Return the position of the persona in view."""
        return self.query_one("#cards", OptionList).highlighted

    def table_text(self) -> str:
        """Return the table of the tab in view."""
        names = {
            "overview": "#attributes",
            "paths": "#path-table",
            "users": "#user-table",
            "compare": "#compared-moves",
        }
        name = names.get(self.query_one(TabbedContent).active)
        data = self.query_one(name, Table).data if name else None
        return data.as_text() if isinstance(data, TextTable) else ""

    # actions

    def action_fit(self) -> None:
        """Find the personas anew."""
        if self.persona_app.findings.log is None:
            self.notify(NO_LOG)
            return
        self.persona_app.fit()

    def action_choose_clusters(self) -> None:
        """Choose the number of personas."""
        found = self.persona_app.findings.personas
        ladder = found.ladder if found is not None else None
        screen = HowManyScreen(ladder, self.persona_app.workspace.settings.clusters)
        self.app.push_screen(screen, self._choose_clusters)

    def _choose_clusters(self, clusters: str | None) -> None:
        if clusters is not None and self.persona_app.edit(f"{clusters} personas", clusters=clusters):
            self.action_fit()

    def action_rename(self) -> None:
        """Give the persona in view a name of the analyst's own."""
        found, position = self.persona_app.findings.personas, self.chosen
        if found is None or position is None or not self._is_study():
            return
        kept, name = found.settled[position], found.cards[position].name
        field = Field(
            name="name",
            label="name",
            value=name,
            help=f"The fit calls it '{kept.generated}'; that takes it back.",
        )
        form = FormScreen(f"Rename persona {position + 1}", [field], _name_fault, "Rename")
        self.app.push_screen(form, lambda values: self._rename(position, values))

    def _rename(self, position: int, values: dict[str, str] | None) -> None:
        if values is not None:
            self.persona_app.settle(renames=((str(position + 1), values["name"].strip()),))

    def action_pin(self) -> None:
        """Keep the persona in view at its place in later fits, or let it go."""
        found, position = self.persona_app.findings.personas, self.chosen
        if found is None or position is None or not self._is_study():
            return
        change = "unpins" if found.settled[position].place else "pins"
        self.persona_app.settle(**{change: (str(position + 1),)})

    def action_exclude(self) -> None:
        """Leave the users of the persona in view out of predictions, or include them again."""
        found, position = self.persona_app.findings.personas, self.chosen
        if found is None or position is None or not self._is_study():
            return
        change = "includes" if found.settled[position].excluded else "excludes"
        self.persona_app.settle(**{change: (str(position + 1),)})

    def _is_study(self) -> bool:
        if self.persona_app.workspace.study is not None:
            return True
        self.notify("A log keeps no names; a study does. Save one first: ctrl+s.", severity="warning")
        return False

    def action_compare(self) -> None:
        """Set the persona in view beside another."""
        found, position = self.persona_app.findings.personas, self.chosen
        if found is None or position is None:
            return
        others = tuple(f"{each.id} {each.name}" for each in found.cards if each.id != position + 1)
        if not others:
            self.notify("There is one persona, so none to compare it with.")
            return
        field = Field(name="other", label="with", value=others[0], choices=others)
        form = FormScreen(f"Compare {found.cards[position].name}", [field], lambda _: "", "Compare")
        self.app.push_screen(form, lambda values: self._compare(position, values))

    def _compare(self, position: int, values: dict[str, str] | None) -> None:
        found = self.persona_app.findings.personas
        if found is None or values is None:
            return
        from persona_tui.study.personas import compare_two  # noqa: PLC0415 - loaded with the personas

        try:
            comparison = compare_two(found, str(position + 1), values["other"].split(" ", 1)[0])
        except PersonaError as fault:
            self.persona_app.tell(fault)
            return
        one, other = (each.card for each in comparison.profiles)
        names = f"{one.id} {printable(one.name)} less {other.id} {printable(other.name)}"
        self.query_one("#compared", Static).update(Content(f"{names}, in percentage points"))
        self.query_one("#compared-outcomes", IntervalBars).data = page.compared_outcomes(comparison)
        self.query_one("#compared-moves", Table).data = page.compared_moves(comparison)
        self.show_tab("compare")


def _name_fault(values: dict[str, str]) -> str:
    """Return what is wrong with a name; empty where nothing is."""
    from persona_tui.study.kept_personas import name_fault  # noqa: PLC0415 - with the form

    return name_fault(values["name"].strip())
