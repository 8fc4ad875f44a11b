"""The Flow screen: changes of the flow, edited step by step, and what each does, at every keystroke."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, OptionList, Static
from textual.widgets.option_list import Option

from persona_tui.engine.errors import PersonaError
from persona_tui.study import scenario_edits as edits
from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.tui.actions import actions_of
from persona_tui.tui.findings import Findings, flow_is_stale, personas_are_stale
from persona_tui.tui.screens import flow_page as page
from persona_tui.tui.screens.faults import told, without_log
from persona_tui.tui.screens.flow_preview import FlowPreview
from persona_tui.tui.screens.form import Field, FormScreen
from persona_tui.tui.screens.work_screen import WorkScreen, bindings_of
from persona_tui.tui.widgets.effect_form import EffectForm, Known, effect_kinds, first_values, values_of_text

if TYPE_CHECKING:
    from persona_tui.engine.simulation.leverage import StepLeverage
    from persona_tui.study.previews import OpenFlow


_NO_PERSONAS: Final = "The flow is that of the personas; they are found first (2 shows them, ctrl+x stops) …"
_STOPPED: Final = "The personas are not known yet: 2 finds them."
_OPENING: Final = "Opening the flow …"
_EDITS: Final = {each.id for each in actions_of("flow")} - {"next_persona", "other_arm"}


class FlowScreen(WorkScreen):
    """Edits scenarios; what the one in view does is worked out anew after every change."""

    NAME = "flow"
    BINDINGS: ClassVar[list[BindingType]] = bindings_of("flow")

    def __init__(self) -> None:
        super().__init__()
        self._draft: ScenarioSettings | None = None
        self._edited: int | None = None
        self._persona: int | None = None
        self._flow: OpenFlow | None = None
        self._steps: tuple[StepLeverage, ...] = ()
        self._step: str | None = None

    def compose_body(self) -> ComposeResult:
        """Build what is changed beside what that does."""
        yield Static(id="said", markup=False)
        with Horizontal(id="flow"):
            with Vertical(id="changes"):
                yield Static("Scenarios", classes="heading")
                yield OptionList(id="scenarios", markup=False, compact=True)
                yield Static("Changes, in order", classes="heading")
                yield OptionList(id="effects", markup=False, compact=True)
                with ContentSwitcher(initial="step-list", id="below"):
                    with Vertical(id="step-list"):
                        yield Static(id="step-title", classes="heading", markup=False)
                        yield Static(id="step-heads", classes="hint", markup=False)
                        yield OptionList(id="steps", markup=False, compact=True)
                    with Vertical(id="kind-list"):
                        yield Static("Which change? enter chooses, escape cancels", classes="heading")
                        yield OptionList(id="kinds", markup=False, compact=True)
                    yield EffectForm(id="form")
            yield FlowPreview(id="preview")

    def on_mount(self) -> None:
        """Show the kinds of changes, and follow the settings and the work in the background."""
        kinds = self.query_one("#kinds", OptionList)
        kinds.add_options(
            Option(Content.assemble((name, "bold"), f"  {words}"), id=name) for name, words in effect_kinds()
        )
        super().on_mount()
        self.follow("running", self._say)
        self.follow("edits", self._show_scenarios)

    # what is shown

    @property
    def scenarios(self) -> tuple[ScenarioSettings, ...]:
        """Return the scenarios of the settings."""
        return self.persona_app.workspace.settings.effective_scenarios()

    @property
    def chosen(self) -> int:
        """Return the place of the scenario in view."""
        return min(self.query_one("#scenarios", OptionList).highlighted or 0, len(self.scenarios) - 1)

    @property
    def scenario(self) -> ScenarioSettings:
        """Return the scenario in view, as it is being edited."""
        return self._draft or self.scenarios[self.chosen]

    def show(self, found: Findings) -> None:
        """Show the flow once it is open; open it once the personas are known."""
        app = self.persona_app
        is_ready = found.personas is not None and not personas_are_stale(found, app.workspace.settings)
        if is_ready and app.running is None and found.flow_fault is None and flow_is_stale(found):
            app.open_flow()
        self.query_one("#flow").display = found.flow is not None
        self._say()
        if found.flow is not None and found.flow is not self._flow:
            self._flow = found.flow
            self._persona = None
            self._show_scenarios()
            self.call_after_refresh(self._show_steps)  # at the width that there is once they are in view

    def _say(self, *_changed: object) -> None:
        app, found = self.persona_app, self.persona_app.findings
        said = self.query_one("#said", Static)
        fault = found.flow_fault or (found.fit_fault if found.flow is None else None)
        text: Content | str = ""
        if fault is not None:
            text = told(fault, shown_before=found.flow is not None)
        elif found.flow is None and found.log is None:
            text = without_log(found, app.running)
        elif found.flow is None:
            text = _STOPPED if app.running is None else _NO_PERSONAS if found.personas is None else _OPENING
        elif flow_is_stale(found) or personas_are_stale(found, app.workspace.settings):
            text = "This flow is that of earlier settings; 2 finds the personas anew."
        said.update(text)
        said.display = bool(str(text))

    def _show_scenarios(self, *_changed: object) -> None:
        if self.persona_app.findings.flow is None:
            return
        listed = self.query_one("#scenarios", OptionList)
        lead = self.persona_app.workspace.settings.lead_scenario().name
        several = len(self.scenarios) > 1
        chosen = self.chosen
        with self.prevent(OptionList.OptionHighlighted):
            listed.clear_options()
            listed.add_options(
                page.scenario_line(each, leads=several and each.name == lead) for each in self.scenarios
            )
            listed.highlighted = chosen
        self._show_effects()

    def _show_effects(self) -> None:
        listed, scenario = self.query_one("#effects", OptionList), self.scenario
        place = listed.highlighted or 0
        listed.clear_options()
        listed.add_options(
            page.effect_line(number, text, acts=number not in scenario.off)
            for number, text in enumerate(scenario.effects, start=1)
        )
        listed.highlighted = min(place, len(scenario.effects) - 1)
        self.preview()

    def _show_steps(self) -> None:
        flow = self.persona_app.findings.flow
        if flow is None:
            return
        who = "all personas" if self._persona is None else flow.personas[self._persona]
        self.query_one("#step-title", Static).update(page.plain(f"Steps, {who} (p)"))
        listed = self.query_one("#steps", OptionList)
        width = max(self.query_one("#changes").content_size.width - 2, 1)  # without the scroll bar
        self.query_one("#step-heads", Static).update(page.step_heads(width))
        place = listed.highlighted or 0
        self._steps = flow.steps(self._persona)
        listed.clear_options()
        listed.add_options(page.step_line(each, width, self.persona_app.glyphs) for each in self._steps)
        if self._steps:
            listed.highlighted = min(place, len(self._steps) - 1)

    def on_resize(self) -> None:
        """Draw the steps at the width that there is."""
        self.call_after_refresh(self._show_steps)

    @on(OptionList.OptionHighlighted, "#scenarios")
    def _choose_scenario(self) -> None:
        self._close_form()
        self._show_effects()

    # what the scenario does

    def preview(self) -> None:
        """Show what the scenario in view does."""
        if (flow := self.persona_app.findings.flow) is not None:
            self.query_one(FlowPreview).work_out(flow, self.scenario, is_draft=self._draft is not None)

    @on(FlowPreview.Refused)
    def _refuse(self, refused: FlowPreview.Refused) -> None:
        self.query_one(EffectForm).refuse(refused.fault)

    # editing effects

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave changes and scenarios alone while the form of one change is open."""
        return self._draft is None or action not in _EDITS

    def _keep(self, what: str, scenario: ScenarioSettings) -> None:
        """Keep the scenario in view in another form."""
        self._keep_all(what, edits.with_scenario(self.scenarios, self.chosen, scenario))

    def _keep_all(self, what: str, scenarios: tuple[ScenarioSettings, ...]) -> None:
        settings = self.persona_app.workspace.settings
        self.persona_app.edit(what, **edits.values_of(settings, scenarios))

    def _try(self, what: str, edit: Callable[[ScenarioSettings, int], ScenarioSettings]) -> None:
        """Edit the effect that is chosen."""
        place = self.query_one("#effects", OptionList).highlighted
        if place is None or self._draft is not None:
            return
        try:
            self._keep(what, edit(self.scenario, place))
        except PersonaError as fault:
            self.persona_app.tell(fault)

    def action_add_effect(self) -> None:
        """Ask which change is to be made; at the step that is chosen, from the list of steps."""
        steps = self.query_one("#steps", OptionList)
        self._step = self._steps[steps.highlighted or 0].state if steps.has_focus and self._steps else None
        self._below("kind-list")
        kinds = self.query_one("#kinds", OptionList)
        kinds.highlighted = kinds.highlighted or 0
        kinds.focus()

    @on(OptionList.OptionSelected, "#kinds")
    async def _begin_effect(self, selected: OptionList.OptionSelected) -> None:
        kind = selected.option.id or ""
        self._edited = None
        await self._open_form(kind, first_values(kind, self._step))

    @on(OptionList.OptionSelected, "#effects")
    async def action_edit_effect(self) -> None:
        """Open the form of the effect that is chosen."""
        place = self.query_one("#effects", OptionList).highlighted
        if place is not None:
            self._edited = place
            await self._open_form(*values_of_text(self.scenario.effects[place]))

    async def _open_form(self, kind: str, values: dict[str, str]) -> None:
        flow = self.persona_app.findings.flow
        if flow is None:
            return
        self._draft = self.scenario
        self._below("form")
        known = Known(events=flow.events, personas=flow.personas, segments=flow.segments)
        await self.query_one(EffectForm).open(kind, values, known)

    @on(OptionList.OptionSelected, "#steps")
    def _add_at_step(self) -> None:
        self.action_add_effect()

    @on(EffectForm.Changed)
    def _try_effect(self, changed: EffectForm.Changed) -> None:
        if self._draft is not None:
            self._draft = self._with_effect(changed.text)
            self.preview()

    def _with_effect(self, text: str) -> ScenarioSettings:
        kept = self.scenarios[self.chosen]
        if self._edited is None:
            return edits.add_effect(kept, text)
        return edits.replace_effect(kept, self._edited, text)

    @on(EffectForm.Taken)
    def _take_effect(self, taken: EffectForm.Taken) -> None:
        scenario = self._with_effect(taken.text)
        fault = self.query_one(FlowPreview).fault_of(scenario)
        if fault is not None:
            self.query_one(EffectForm).refuse(fault)
            return
        place = len(scenario.effects) - 1 if self._edited is None else self._edited
        self._close_form()
        self._keep(page.plain(edits.effect_words(taken.text)), scenario)
        self.query_one("#effects", OptionList).highlighted = place

    @on(EffectForm.Left)
    def _leave_effect(self) -> None:
        self._close_form()
        self.preview()

    def _close_form(self) -> None:
        self._draft = self._edited = None
        if self.query_one("#below", ContentSwitcher).current != "step-list":
            self._below("step-list")
            self.query_one("#effects").focus()

    def _below(self, which: str) -> None:
        """Show a part below the lists, which wait for a form that is open: it would be lost."""
        self.query_one("#below", ContentSwitcher).current = which
        for name in ("#scenarios", "#effects"):
            self.query_one(name).disabled = which == "form"
        self.refresh_bindings()

    def key_escape(self) -> None:
        """Leave the kinds of changes."""
        if self._draft is None:
            self._close_form()

    def action_toggle_effect(self) -> None:
        """Switch the effect that is chosen off, or on again."""
        self._try("an effect on or off", edits.toggle_effect)

    def action_remove_effect(self) -> None:
        """Remove the effect that is chosen."""
        self._try("an effect removed", edits.remove_effect)

    def action_duplicate_effect(self) -> None:
        """Copy the effect that is chosen."""
        self._try("an effect copied", edits.duplicate_effect)

    def _move_effect(self, by: int) -> None:
        listed = self.query_one("#effects", OptionList)
        place = listed.highlighted or 0
        self._try("effects in another order", lambda each, at: edits.move_effect(each, at, by))
        listed.highlighted = min(max(place + by, 0), len(self.scenario.effects) - 1)

    def action_effect_earlier(self) -> None:
        """Make the effect that is chosen act earlier."""
        self._move_effect(-1)

    def action_effect_later(self) -> None:
        """Make the effect that is chosen act later."""
        self._move_effect(1)

    # editing scenarios

    def action_new_scenario(self) -> None:
        """Ask for the name of another scenario, which begins as a copy of the one in view."""
        name = edits.fresh_name(self.scenarios, self.scenario.name)
        field = Field(name="name", label="name", value=name, help="It begins with the changes of this one.")
        self.app.push_screen(FormScreen("Another scenario", [field], self._name_fault, "Add"), self._add)

    def _add(self, values: dict[str, str] | None) -> None:
        if values is None:
            return
        place = self.chosen
        scenarios = list(edits.duplicate_scenario(self.scenarios, place))
        scenarios[place + 1] = replace(scenarios[place + 1], name=values["name"].strip())
        self._keep_all(f"scenario {values['name'].strip()}", tuple(scenarios))
        self.query_one("#scenarios", OptionList).highlighted = place + 1

    def action_rename_scenario(self) -> None:
        """Ask for another name of the scenario in view."""
        field = Field(name="name", label="name", value=self.scenario.name)
        form = FormScreen("Name of the scenario", [field], self._name_fault_of_chosen, "Rename")
        self.app.push_screen(form, self._rename)

    def _rename(self, values: dict[str, str] | None) -> None:
        if values is not None:
            name = values["name"].strip()
            self._keep(f"scenario {name}", replace(self.scenario, name=name))

    def _name_fault(self, values: dict[str, str], *, but: int | None = None) -> str:
        from persona_tui.study.scenarios import name_fault  # noqa: PLC0415 - with the form

        name = values["name"].strip()
        taken = {each.name.casefold() for place, each in enumerate(self.scenarios) if place != but}
        return name_fault(name) or ("Another scenario has this name." if name.casefold() in taken else "")

    def _name_fault_of_chosen(self, values: dict[str, str]) -> str:
        return self._name_fault(values, but=self.chosen)

    def action_remove_scenario(self) -> None:
        """Remove the scenario in view; z takes that back."""
        try:
            self._keep_all(
                f"scenario {self.scenario.name} removed", edits.remove_scenario(self.scenarios, self.chosen)
            )
        except PersonaError as fault:
            self.persona_app.tell(fault)

    # looking

    def action_next_persona(self) -> None:
        """Show the steps of the next persona, or of all."""
        flow = self.persona_app.findings.flow
        if flow is None:
            return
        following = 0 if self._persona is None else self._persona + 1
        self._persona = following if following < len(flow.personas) else None
        self.query_one(FlowPreview).look_at(self._persona)
        self._show_steps()

    def action_other_arm(self) -> None:
        """Draw the flow of the other arm."""
        self.query_one(FlowPreview).other_arm()

    def shown_settings(self) -> Settings:
        """Return settings with the scenario in view alone."""
        return edits.alone(self.persona_app.workspace.settings, self.scenario)

    def table_text(self) -> str:
        """Return the tables of the tab in view."""
        return self.query_one(FlowPreview).table_text()
