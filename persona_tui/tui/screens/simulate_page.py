"""What the Simulate screen says: lines, tables and figures made from how a run stands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from persona_tui.engine.analytics.numbers import points_number
from persona_tui.study.run_state import ALIVE, PHASES, RESUMABLE, RunState, ScenarioState, StepState
from persona_tui.study.run_words import enough_sentence, mean_text, seconds_text, uplift_text
from persona_tui.tui.glyphs import Glyphs, bar
from persona_tui.tui.screens.flow_page import plain
from persona_tui.tui.widgets.convergence import Convergence, RunningArm
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.widgets.funnel_bars import ARM_STYLES, Funnel, FunnelArm
from persona_tui.tui.widgets.numbers import shown
from persona_tui.tui.widgets.text_table import TextTable

if TYPE_CHECKING:
    from persona_tui.study.following import ListedRun

_BAR: Final = 20
_MOST_STEPS: Final = 12
_NAME: Final = re.compile(r"\d{4}(\d\d)(\d\d)T(\d\d)(\d\d)\d\dZ-(.+)")
_NOTES: Final = 40
_AT_REST: Final = {
    "interrupted": "Its process is gone without a word; r goes on from the last block that is done.",
    "stopped": "What is done is kept; r goes on from the last block that is done.",
    "failed": "r tries again, from the last block that is done.",
}
"""What can be done about a run that is at rest before its end."""
_Z: Final = 1.959964
"""Standard errors to either side of an estimate that make a band of 95 %."""


def run_line(run: ListedRun, width: int, glyphs: Glyphs) -> Content:
    """Return a run as the list shows it: when it began, and how it stands."""
    status = run.state.status
    style = "$text-accent" if status in ALIVE else "$text-warning" if status in RESUMABLE else "$text-muted"
    told = status if status not in ALIVE else f"{status} {_share(run.state)}".strip()
    room = max(width - len(told) - 1, 6)
    name = run_name(run.folder.name)
    if len(name) > room:  # what tells runs apart is when they began; the headline has the rest
        name = began(run.folder.name)
    return Content.assemble(fitted(name, room, glyphs), " ", (told, style))


def run_name(name: str) -> str:
    """Return the name of a run as people read it: when it began (UTC), and what tells it from others.

    Examples
    --------
    >>> run_name("20261123T044918Z-74276d"), run_name("mine")
    ('11-23 04:49 74276d', 'mine')
    """
    parts = _NAME.fullmatch(name)
    return name if parts is None else f"{began(name)} {parts[5]}"


def began(name: str) -> str:
    """Return when a run began (UTC), by its name; the name itself where that does not tell."""
    parts = _NAME.fullmatch(name)
    return name if parts is None else "{}-{} {}:{}".format(*parts.groups()[:4])


def _share(state: RunState) -> str:
    stage = state.stage
    return f"{stage.done / stage.total:.0%}" if stage is not None and stage.total else ""


def headline(
    state: RunState, name: str, glyphs: Glyphs, *, replayed: str = "", silent: float = 0.0
) -> Content:
    """Return how a run stands: where it is, how fast, how long still; that it is a replay where it is one.

    While it says nothing, within a long block, its clock goes on.
    """
    style = "$text-error" if state.status in {"failed", "interrupted"} else "bold"
    scenario = state.scenario
    told: list[str | tuple[str, str]] = [
        (f"{replayed} of {plain(name)}" if replayed else plain(name), "bold"),
        "  ",
        (state.status, style),
        f"  {seconds_text(state.seconds + silent)}",
        f", attempt {state.attempts}" if state.attempts > 1 else "",
        f", {plain(scenario.without)}" if scenario is not None and scenario.without else "",
        "\n",
        *_phases(state, glyphs),
    ]
    stage = state.stage
    if stage is not None and state.status in ALIVE:
        share = stage.done / stage.total if stage.total else 0.0
        told += [
            "\n",
            (bar(share, _BAR, glyphs), "$accent"),
            f" {plain(stage.name)} {shown(share, 'percent')}",
        ]
        if stage.phase == "walks":
            told.append(f"  {stage.done:,} of {stage.total:,} per arm")
            told.append(f"  {stage.per_second:,.0f} a second" if stage.per_second else "")
        left = max((state.eta_seconds or 0.0) - silent, 0.0)
        told.append(f"  {seconds_text(left)} left" if left else "")
    if state.message:
        told += ["\n", (plain(state.message), "$text-error"), f" {plain(state.hint)}"]
    if state.status in _AT_REST:
        told += ["\n", (_AT_REST[state.status], "$text-warning")]
    return Content.assemble(*told)


def _phases(state: RunState, glyphs: Glyphs) -> list[tuple[str, str]]:
    at = len(PHASES) if state.status == "finished" else PHASES.index(state.phase)
    return [
        (
            f"{glyphs.right if place == at else ' '}{name} ",
            "bold" if place == at else "$text-success" if place < at else "$text-muted",
        )
        for place, name in enumerate(PHASES)
    ]


def convergence(scenario: ScenarioState) -> Convergence | None:
    """Return both arms' conversion so far with 95 % bands, beside the exact values."""
    course = [each.standing for each in scenario.course]
    course = [each for each in course if each.control is not None and each.treatment is not None]
    if not course:
        return None
    control = [(each.control, each.control_error) for each in course]
    treatment = [(each.treatment, each.treatment_error) for each in course]
    return Convergence(
        n=tuple(each.n_personas for each in course),
        arms=(
            _arm("control", scenario.exact_control, control, 0),
            _arm("treatment", scenario.exact_treatment, treatment, 1),
        ),
    )


def _arm(
    name: str, exact: float, course: Sequence[tuple[float | None, float | None]], place: int
) -> RunningArm:
    values = tuple(value or 0.0 for value, _ in course)
    widths = tuple(_Z * (error or 0.0) for _, error in course)
    return RunningArm(
        name=name,
        values=values,
        low=tuple(value - width for value, width in zip(values, widths, strict=True)),
        high=tuple(value + width for value, width in zip(values, widths, strict=True)),
        exact=exact,
        style=ARM_STYLES[place],
    )


def standing(scenario: ScenarioState) -> TextTable:
    """Return both arms and the uplift so far, with one standard error each, beside the exact values."""
    now = scenario.standing
    return TextTable(
        heads=(f"{now.n_personas:,} per arm", "simulated", "exact"),
        rows=(
            (
                "control",
                plain(mean_text(now.control, now.control_error)),
                shown(scenario.exact_control, "percent"),
            ),
            (
                "treatment",
                plain(mean_text(now.treatment, now.treatment_error)),
                shown(scenario.exact_treatment, "percent"),
            ),
            ("uplift, points", _uplift(scenario), shown(scenario.exact_uplift, "points")),
        ),
    )


def _uplift(scenario: ScenarioState) -> str:
    return plain(uplift_text(scenario.standing, points_number))


def enough(scenario: ScenarioState) -> str:
    """Return whether more synthetic users would still help."""
    return plain(enough_sentence(scenario))


def by_persona(scenario: ScenarioState) -> TextTable:
    """Return the uplift of each persona so far, beside the exact one."""
    return TextTable(
        heads=("persona", "share", "n", "uplift ± error", "exact"),
        rows=tuple(
            (
                f"{each.number} {each.name}",
                shown(each.share, "percent"),
                shown(each.standing.n_personas, "count"),
                plain(uplift_text(each.standing, points_number)),
                shown(each.exact_treatment - each.exact_control, "points"),
            )
            for each in scenario.personas
        ),
    )


def funnel(scenario: ScenarioState) -> Funnel | None:
    """Return how many of the walkers that are followed reach each step in both arms."""
    steps = [each for each in scenario.funnel if each.control is not None and each.treatment is not None]
    if not steps or not scenario.n_followed:
        return None
    return Funnel(
        steps=tuple(each.name for each in steps),
        arms=tuple(
            FunnelArm(
                name=arm,
                reached=tuple(scenario.n_followed * (getattr(each, arm) or 0.0) for each in steps),
                total=scenario.n_followed,
            )
            for arm in ("control", "treatment")
        ),
        unit="followed",
    )


def drop_off(scenario: ScenarioState) -> TextTable:
    """Return after which steps the walkers that are followed leave for good."""
    return TextTable(
        heads=("leave for good after", "control", "treatment"),
        rows=tuple(
            (each.name, _percent(each, "control"), _percent(each, "treatment"))
            for each in scenario.drop_off[:_MOST_STEPS]
        ),
    )


def _percent(step: StepState, arm: str) -> str:
    value = getattr(step, arm)
    return "" if value is None else shown(value, "percent")


def walks(scenario: ScenarioState) -> Content:
    """Return some synthetic users, the newest first."""
    lines = []
    for each in reversed(scenario.examples):
        more = f" ... {each.n_steps - len(each.steps)} more" if each.n_steps > len(each.steps) else ""
        style = ARM_STYLES[each.arm == "treatment"]
        path = " > ".join(map(plain, each.steps))
        lines.append(
            Content.assemble(
                (each.arm, style), f", {plain(each.persona)}, ", (each.outcome, "bold"), f": {path}{more}"
            )
        )
    return Content("\n").join(lines)


def log(state: RunState) -> str:
    """Return what happened, the newest first: stages, notes."""
    stages = [
        (each.began, f"{each.name}, {each.done:,} of {each.total:,}, {seconds_text(each.told - each.began)}")
        for each in state.stages
    ]
    told = sorted([*stages, *state.notes], reverse=True)[:_NOTES]
    return "\n".join(f"{seconds_text(at):>10}  {plain(text)}" for at, text in told)
