"""What each line of a journal changes in how its run stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from persona_tui.study.journal import Line
from persona_tui.study.run_state import (
    ENOUGH,
    ExampleWalk,
    PersonaState,
    Point,
    RunState,
    ScenarioState,
    Stage,
    Standing,
    StepState,
)

_PHASE_OF: Final = {
    "bootstrap": "bootstrap",
    "other models": "uncertainty",
    "uncertainty": "uncertainty",
    "walks": "walks",
    "counts": "walks",
    "intervals": "report",
    "export": "report",
}
MOST_NOTES: Final = 200
MOST_EXAMPLES: Final = 12


def advance(state: RunState, line: Line) -> RunState:
    """Return the state after one more line of the journal; lines of a later version change nothing.

    Parameters
    ----------
    state : RunState
    line : dict

    Examples
    --------
    >>> state = advance(RunState(), {"stage": "walks", "done": 5, "total": 20, "seconds": 2.0})
    >>> advance(state, {"stage": "walks", "done": 15, "total": 20, "seconds": 4.0}).eta_seconds
    1.0
    """
    seconds = float(line["seconds"])
    status = "running" if state.status == "starting" and "begin" not in line else state.status
    state = replace(state, seconds=max(seconds, state.seconds), status=status)
    try:
        kind = next((each for each in _TELLERS if each in line), None)
        return state if kind is None else _TELLERS[kind](state, line, seconds)
    except (KeyError, TypeError, ValueError, IndexError):
        return state


def _begin(state: RunState, line: Line, _seconds: float) -> RunState:
    begun = line["begin"]
    return replace(
        state,
        verb=str(begun.get("verb", state.verb)),
        status="starting" if begun.get("starting") else "running",
        process={name: begun.get(name) for name in ("pid", "host", "started")},
        attempts=state.attempts + (not begun.get("starting")),
        stages=(),
        message="",
        hint="",
    )


def _end(state: RunState, line: Line, _seconds: float) -> RunState:
    ended = line["end"]
    return replace(state, status=ended["how"], message=ended.get("message", ""), hint=ended.get("hint", ""))


def _paused(state: RunState, line: Line, _seconds: float) -> RunState:
    return replace(state, status="paused" if line["paused"] else "running")


def _note(state: RunState, line: Line, seconds: float) -> RunState:
    return replace(state, notes=(*state.notes, (seconds, str(line["note"])))[-MOST_NOTES:])


def _stage(state: RunState, line: Line, seconds: float) -> RunState:
    name, done, total = str(line["stage"]), int(line["done"]), int(line["total"])
    before = state.stages[-1] if state.stages else None
    if before is not None and before.name == name and done >= before.done:
        return replace(
            state, stages=(*state.stages[:-1], replace(before, done=done, total=total, told=seconds))
        )
    fresh = Stage(
        name=name,
        phase=_phase(name, state),
        done=done,
        total=total,
        began=seconds,
        told=seconds,
        first_done=done,
    )
    return replace(state, stages=(*state.stages, fresh))


def _phase(name: str, state: RunState) -> str:
    fits = name == "number of personas" or name.startswith("restarts of")
    return _PHASE_OF.get(name) or ("fit" if fits else state.phase)


def _scenario(state: RunState, line: Line, _seconds: float) -> RunState:
    told = line["scenario"]
    nobody = _standing([0, None, None, None, None, None])
    personas = tuple(
        PersonaState(
            number=each.get("number", place),
            name=each["name"],
            share=each["share"],
            n_personas=each["n_personas"],
            exact_control=each["exact"][0],
            exact_treatment=each["exact"][1],
            standing=nobody,
        )
        for place, each in enumerate(told["personas"], start=1)
    )
    fresh = ScenarioState(
        name=told["name"],
        number=told["number"],
        n_scenarios=told["n_scenarios"],
        solver=told["solver"],
        n_personas=told["n_personas"],
        exact_control=told["exact"][0],
        exact_treatment=told["exact"][1],
        own_error=told["own_error"],
        standing=nobody,
        personas=personas,
        without=told.get("without", ""),
    )
    earlier = tuple(each for each in state.scenarios if each.number < fresh.number)
    return replace(state, scenarios=(*earlier, fresh))


def _walked(state: RunState, line: Line, seconds: float) -> RunState:
    scenario = state.scenarios[-1]
    total, *others = (_standing(each) for each in line["walked"])
    enough = total.uplift_error is not None and total.uplift_error <= ENOUGH * scenario.own_error
    return _with_scenario(
        state,
        replace(
            scenario,
            standing=total,
            course=scenario.course
            if total.uplift is None
            else (*scenario.course, Point(seconds=seconds, standing=total)),
            personas=tuple(
                replace(each, standing=standing)
                for each, standing in zip(scenario.personas, others, strict=True)
            ),
            enough_at=scenario.enough_at or (total.n_personas if enough else None),
        ),
    )


def _standing(told: list[Any]) -> Standing:
    n, control, control_error, treatment, treatment_error, uplift_error = told
    known = control is not None and treatment is not None
    return Standing(
        n_personas=n,
        control=control,
        control_error=control_error,
        treatment=treatment,
        treatment_error=treatment_error,
        uplift=treatment - control if known else None,
        uplift_error=uplift_error,
    )


def _followed(state: RunState, line: Line, _seconds: float) -> RunState:
    told, scenario = line["followed"], state.scenarios[-1]
    examples = tuple(
        ExampleWalk(
            persona=each["persona"],
            arm=each["arm"],
            outcome=each["outcome"],
            steps=tuple(each["steps"]),
            n_steps=each["n_steps"],
        )
        for each in told["examples"]
    )
    return _with_scenario(
        state,
        replace(
            scenario,
            n_followed=told["n"],
            funnel=_steps(told["funnel"]),
            drop_off=_steps(told["drop_off"]),
            examples=(*scenario.examples, *examples)[-MOST_EXAMPLES:],
        ),
    )


def _steps(told: list[list[Any]]) -> tuple[StepState, ...]:
    return tuple(
        StepState(name=name, control=control, treatment=treatment) for name, control, treatment in told
    )


def _with_scenario(state: RunState, scenario: ScenarioState) -> RunState:
    return replace(state, scenarios=(*state.scenarios[:-1], scenario))


_TELLERS: Final = {
    "begin": _begin,
    "end": _end,
    "paused": _paused,
    "note": _note,
    "stage": _stage,
    "scenario": _scenario,
    "walked": _walked,
    "followed": _followed,
}
