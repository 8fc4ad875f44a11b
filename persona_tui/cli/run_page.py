"""A run as lines of text: while it works, when it is at rest, and in a list of runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final

from rich.cells import cell_len, set_cell_size

from persona_tui.engine.analytics.numbers import count, percent, points, points_number
from persona_tui.engine.text import printable
from persona_tui.study.run_state import (
    ALIVE,
    PHASES,
    ExampleWalk,
    RunState,
    ScenarioState,
    StepState,
)
from persona_tui.study.run_words import NONE, enough_sentence, mean_text, seconds_text, uplift_text

_NARROWEST: Final = 8
_GAP: Final = "  "
_BAR: Final = 24
_TOP_STEPS: Final = 5
_LAST: Final = 3
_WIDE: Final = 110
"""Columns from which funnel and drop-off stand side by side."""


def page_lines(state: RunState, width: int) -> list[str]:
    """Return how a run stands, no line wider than asked for."""
    lines = [_headline(state), _phases(state), *_stage_lines(state)]
    if state.scenario is not None:
        lines += _scenario_lines(state.scenario, width)
    lines += [f"  {seconds_text(seconds)}  {text}" for seconds, text in state.notes[-_LAST:]]
    if state.message:
        lines += ["", state.message, *([state.hint] if state.hint else [])]
    return [part for line in lines for part in _folded(line, width)]


def plain_line(state: RunState) -> str:
    """Return how a run stands in one line, for those who read line after line."""
    stage, scenario = state.stage, state.scenario
    told = [f"{seconds_text(state.seconds)} {state.status}"]
    if state.status in ALIVE:
        told.append(state.phase if stage is None else f"{stage.name} {_share(stage.done, stage.total)}")
        if state.eta_seconds:
            told.append(f"{seconds_text(state.eta_seconds)} left")
    if scenario is not None and scenario.standing.uplift is not None:
        told.append(
            f"{printable(scenario.name)}: uplift {uplift_text(scenario.standing)}, exactly "
            f"{points(scenario.exact_uplift)}, n = {count(scenario.standing.n_personas)} per arm"
        )
    return "; ".join(told)


def _headline(state: RunState) -> str:
    tried = f", attempt {state.attempts}" if state.attempts > 1 else ""
    return f"{(state.verb or 'run').capitalize()}: {state.status}, {seconds_text(state.seconds)}{tried}"


def _phases(state: RunState) -> str:
    at = len(PHASES) if state.status == "finished" else PHASES.index(state.phase)
    shown = [f"{'✓' if n < at else '▶' if n == at else '·'} {name}" for n, name in enumerate(PHASES)]
    return _GAP.join(shown)


def _stage_lines(state: RunState) -> list[str]:
    stage = state.stage
    if stage is None or state.status not in ALIVE:
        return []
    filled = round(_BAR * stage.done / max(stage.total, 1))
    told = [f"{'█' * filled}{'░' * (_BAR - filled)} {stage.name}", _share(stage.done, stage.total)]
    if stage.phase == "walks":
        told.append(f"{count(stage.done)} of {count(stage.total)} per arm")
        if stage.per_second:
            told.append(f"{count(round(stage.per_second))}/s")
    if state.eta_seconds:
        told.append(f"{seconds_text(state.eta_seconds)} left")
    return [", ".join(told)]


def _scenario_lines(scenario: ScenarioState, width: int) -> list[str]:
    which = f" ({scenario.number} of {scenario.n_scenarios})" if scenario.n_scenarios > 1 else ""
    standing = scenario.standing
    rows = [
        ("control", mean_text(standing.control, standing.control_error), percent(scenario.exact_control)),
        (
            "treatment",
            mean_text(standing.treatment, standing.treatment_error),
            percent(scenario.exact_treatment),
        ),
        ("uplift", uplift_text(standing), points(scenario.exact_uplift)),
    ]
    lines = ["", f"Conversion, {printable(scenario.name)}{which}"]
    head = ("arm", f"simulated, n = {count(standing.n_personas)}", "exact")
    lines += _table(head, rows)
    lines += [each for each in [enough_sentence(scenario)] if each]
    lines += ["", *_personas(scenario, width)]
    funnel, drop_off = _funnel(scenario), _drop_off(scenario)
    if width >= _WIDE and funnel and drop_off:
        lines += ["", *_beside(funnel, drop_off)]
    else:
        for block in (funnel, drop_off):
            lines += ["", *block] if block else []
    return lines + _examples(scenario.examples)


def _personas(scenario: ScenarioState, width: int) -> list[str]:
    rows = [
        (
            each.name,
            percent(each.share),
            count(each.standing.n_personas),
            mean_text(each.standing.control, each.standing.control_error),
            uplift_text(each.standing, points_number),
            points_number(each.exact_treatment - each.exact_control),
        )
        for each in scenario.personas
    ]
    who = f"persona {scenario.without}" if scenario.without else "persona"
    head = (f"{who}, uplift in points", "share", "n", "control", "uplift", "exact")
    return _table(head, rows, width)


def _funnel(scenario: ScenarioState) -> list[str]:
    return _steps(f"Funnel, n = {count(scenario.n_followed)} followed", scenario.funnel)


def _drop_off(scenario: ScenarioState) -> list[str]:
    return _steps("Leave for good after", scenario.drop_off[:_TOP_STEPS])


def _steps(title: str, steps: Sequence[StepState]) -> list[str]:
    rows = [(each.name, _percent(each.control), _percent(each.treatment)) for each in steps]
    return _table((title, "control", "treatment"), rows) if rows else []


def _examples(examples: Sequence[ExampleWalk]) -> list[str]:
    if not examples:
        return []
    lines = [""]
    for each in examples[-_LAST:]:
        more = f" … {each.n_steps - len(each.steps)} more" if each.n_steps > len(each.steps) else ""
        path = " → ".join(map(printable, each.steps))
        lines.append(f"{printable(each.persona)}, {each.arm}, {each.outcome}: {path}{more}")
    return lines


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], width: int = 80) -> list[str]:
    """Return rows under their head: the first column is text, cut where it is long; the others numbers."""
    shown = [tuple(map(printable, row)) for row in (head, *rows)]
    widest = [max(cell_len(cell) for cell in column) for column in zip(*shown, strict=True)]
    left = width - sum(widest[1:]) - len(_GAP) * len(widest[1:])
    widest[0] = max(_NARROWEST, min(widest[0], left))
    return [_GAP.join([_left(row[0], widest[0]), *map(_right, row[1:], widest[1:])]) for row in shown]


def _left(cell: str, size: int) -> str:
    return set_cell_size(_cut(cell, size), size)


def _right(cell: str, size: int) -> str:
    return " " * (size - cell_len(cell)) + cell


def _beside(left: list[str], right: list[str]) -> list[str]:
    widest = max(map(cell_len, left))
    rows = max(len(left), len(right))
    padded = [each + [""] * (rows - len(each)) for each in (left, right)]
    return [f"{set_cell_size(a, widest)}    {b}".rstrip() for a, b in zip(*padded, strict=True)]


def _folded(line: str, width: int) -> list[str]:
    """Return a line in parts that are not too wide: a sentence goes on below, a row is cut."""
    if cell_len(printable(line)) <= width or _GAP in line or "→" in line:
        return [_cut(line, width)]
    return [_cut(part, width) for part in wrap(line, max(width, 1), break_long_words=False)]


def _cut(line: str, width: int) -> str:
    shown = printable(line)
    if cell_len(shown) <= width:
        return shown
    return f"{set_cell_size(shown, max(width - 1, 0)).rstrip()}…"[:width]


def _percent(share: float | None) -> str:
    return NONE if share is None else percent(share)


def _share(done: int, total: int) -> str:
    return percent(min(done / total, 1.0)) if total else NONE
