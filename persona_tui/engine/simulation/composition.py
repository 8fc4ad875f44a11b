"""Effects taken one after the other; everything that does not fit the flow or each other is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import TypeAlias

import numpy as np

from persona_tui.engine.errors import PersonaError, SimulationError
from persona_tui.engine.params import Range
from persona_tui.engine.simulation.effect_base import Effect, Values
from persona_tui.engine.simulation.effects import MixShift, RemoveStep
from persona_tui.engine.simulation.flow import Flow
from persona_tui.engine.types import BoolArray

_TOLERANCE = 1e-9
"""Shares that are off by less are off by rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What is wrong with one effect of a list; ``place`` counts from 1."""

    place: int
    effect: Effect
    error: PersonaError


Removal: TypeAlias = "tuple[int, RemoveStep, BoolArray]"
"""Which effect of the list removed a step, and for which chains."""


def compose(effects: Sequence[Effect], flow: Flow, drawn: Sequence[Values] = ()) -> Flow:
    """Return the flow after some effects, in their order; the same object where nothing changes.

    Parameters
    ----------
    effects : sequence of Effect
    flow : Flow
    drawn : sequence of mapping, optional
        Numbers for each effect to act with, as ``Effect.apply`` takes them.

    Raises
    ------
    SimulationError
        If an effect does not fit the flow as the effects before leave it, or contradicts one of
        them. Several faults are told in one message, each with its effect's place, from 1.
    UnknownNameError
        If the only fault is a name that the flow does not know.

    Notes
    -----
    An effect with a fault is passed over, so that the faults after it are found too. Names are
    looked up in effects that change nothing as well.
    """
    faults: list[Fault] = []
    removals: list[Removal] = []
    for place, (effect, numbers) in enumerate(zip_longest(effects, drawn), start=1):
        found = _unknown_names(effect, flow) or _acts_at_removed(effect, flow, removals)
        if not found:
            try:
                changed = effect.apply(flow, numbers)
                if isinstance(effect, RemoveStep):
                    removals.append((place, effect, effect.touched(flow)))
                flow = changed
            except PersonaError as error:
                found = [error]
        faults += [Fault(place=place, effect=effect, error=error) for error in found]
    faulty = {fault.place for fault in faults}
    shifts = [
        (place, effect)
        for place, effect in enumerate(effects, start=1)
        if isinstance(effect, MixShift) and place not in faulty
    ]
    raise_together(sorted([*faults, *_share_faults(shifts, flow)], key=lambda fault: fault.place))
    return flow


def raise_together(faults: Sequence[Fault]) -> None:
    """Raise the only fault as it is, or one error that tells all."""
    if len(faults) == 1:
        raise faults[0].error
    if faults:
        told = "; ".join(
            f"effect {each.place} ({each.effect.name}): {each.error.message.removesuffix('.')}"
            for each in faults
        )
        hints = dict.fromkeys(each.error.hint for each in faults if each.error.hint)
        raise SimulationError(f"{len(faults)} faults: {told}.", hint=" ".join(hints))


def _unknown_names(effect: Effect, flow: Flow) -> list[PersonaError]:
    """Return an error for each event, persona and segment of an effect that the flow does not know."""
    personas = (*effect.personas, effect.persona) if isinstance(effect, MixShift) else effect.personas
    errors: list[PersonaError] = []
    for name in dict.fromkeys(effect.events()):
        try:
            flow.index(name)
        except PersonaError as error:
            errors.append(error)
    masks: list[tuple[tuple[str, ...], str]] = [((name,), "") for name in dict.fromkeys(personas)]
    masks += [((), effect.segment)] if effect.segment else []
    for wanted, segment in masks:
        try:
            flow.persona_mask(wanted, segment)
        except PersonaError as error:
            errors.append(error)
    return errors


def _acts_at_removed(effect: Effect, flow: Flow, removals: Iterable[Removal]) -> list[PersonaError]:
    """Return an error for each step that was removed for everyone whom the effect touches."""
    named, touched = effect.events(), effect.touched(flow)
    return [
        SimulationError(
            f"'{removal.event}' was removed by effect {place}{removal.limited()}.",
            hint="Act at another step, or before the step is removed.",
        )
        for place, removal, removed in removals
        if removal.event in named and removed[touched].all()
    ]


def _share_faults(shifts: Sequence[tuple[int, MixShift]], flow: Flow) -> list[Fault]:
    """Return what is wrong with the shares that are set, taken together."""
    by_persona: dict[str, tuple[int, MixShift]] = {}
    faults: list[Fault] = []

    def add(place: int, effect: MixShift, message: str, hint: str) -> None:
        faults.append(Fault(place=place, effect=effect, error=SimulationError(message, hint=hint)))

    names = flow.persona_names
    for place, effect in shifts:
        first = int(np.argmax(flow.persona_mask((effect.persona,))))
        persona = flow.personas[first] if flow.personas else names[first]
        if persona in by_persona:
            earlier = by_persona[persona][0]
            add(
                place, effect, f"The share of '{persona}' is set by effect {earlier} already.", "Set it once."
            )
        else:
            by_persona[persona] = (place, effect)
    if not by_persona:
        return faults
    place, last = list(by_persona.values())[-1]
    greatest = sum(_greatest(effect.share) for _, effect in by_persona.values())
    if len(names) == 1:
        add(place, last, "mix_shift needs at least two personas.", "Find more personas, or leave it out.")
    elif greatest > 1 + _TOLERANCE:
        add(
            place, last, f"The shares that are set add up to as much as {greatest:g}, above 1.",
            "Lower one of them.",
        )  # fmt: skip
    elif len(by_persona) == len(names) and (
        greatest < 1 - _TOLERANCE or any(effect.ranges() for _, effect in by_persona.values())
    ):
        add(
            place, last, f"The shares of all {len(names)} personas are set, but they do not add up to 1.",
            "Leave one persona out: it gets the rest.",
        )  # fmt: skip
    return faults


def _greatest(share: float | Range) -> float:
    return share.high if isinstance(share, Range) else share


def stand_in(pooled: Flow, effects: Sequence[Effect]) -> Flow:
    """Return a flow that knows every persona and segment that effects name, each with the pooled chain.

    With it effects can be checked before personas are found: what does not fit it fits no flow
    of these states.

    Parameters
    ----------
    pooled : Flow
        With one chain.
    effects : sequence of Effect
    """
    named = [name for effect in effects for name in effect.personas]
    named += [effect.persona for effect in effects if isinstance(effect, MixShift)]
    personas = (*dict.fromkeys(named), "everyone else")
    segments = (frozenset[str](), *(frozenset({e.segment}) for e in effects if e.segment))
    n_chains = len(personas) * len(segments)
    return replace(
        pooled,
        starts=np.repeat(pooled.starts, n_chains, axis=-2),
        transitions=np.repeat(pooled.transitions, n_chains, axis=-3),
        support=np.repeat(pooled.support, n_chains, axis=0),
        time_factors=np.repeat(pooled.time_factors, n_chains, axis=-2),
        personas=tuple(name for name in personas for _ in segments),
        segments=segments * len(personas),
    )
