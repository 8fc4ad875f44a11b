"""What effects do to a flow over places, so that a change means the same at second order as at first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.params import parameters_of
from persona_tui.engine.simulation.edits import (
    add_reward,
    entry_exit_rate,
    insert_steps,
    only_for,
)
from persona_tui.engine.simulation.effects import Effect, InsertSteps, Redirect, RemoveStep
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import Flow, StateKind
from persona_tui.engine.simulation.second_order import Past, Place, SecondOrder, passed_over
from persona_tui.engine.types import BoolArray


def modify(model: SecondOrder, modification: FlowModification) -> SecondOrder:
    """Return the second-order flow under a modification.

    Parameters
    ----------
    model : SecondOrder
    modification : FlowModification
        Ranges act with their means.

    Raises
    ------
    UnknownNameError, SimulationError
        As the effects.

    Notes
    -----
    An effect at an event acts at every place of it. What an effect takes from the flow, such as the
    default exit rate of inserted steps, is taken from the first-order flow. Where a step is removed,
    those who pass it still remember it; who is sent along a move that was never seen arrives with an
    unknown history, and goes on by the first-order row.
    """
    for effect in modification.compile():
        model = _act(model, effect)
    return model


def _act(model: SecondOrder, effect: Effect) -> SecondOrder:
    first = effect.apply(model.first)  # names that do not fit are refused here
    if first is model.first:
        return model
    if not effect.personas:
        return _on_all(model, effect)
    changed = _on_all(model, replace(effect, personas=()))  # type: ignore[type-var]  # all are dataclasses
    touched = model.flow.persona_mask(effect.personas)
    return replace(changed, first=first, flow=only_for(changed.flow, model.flow, touched))


def _on_all(model: SecondOrder, effect: Effect) -> SecondOrder:
    """Return the places changed by an effect that is not limited to some personas."""
    if isinstance(effect, InsertSteps):
        for target in model.events(StateKind.COMPLETION) if effect.before is None else (effect.before,):
            model = _insert_before(model, replace(effect, before=target), target)
        return model
    first = effect.apply(model.first)
    if isinstance(effect, RemoveStep):
        return replace(model, first=first, flow=_remove(model, effect))
    if isinstance(effect, Redirect):
        return replace(model, first=first, flow=_redirect(model, effect))
    return replace(model, first=first, flow=spread(effect, model.variants).apply(model.flow))


def spread(effect: Effect, variants: Mapping[str, tuple[str, ...]]) -> Effect:
    """Return an effect whose lists of events name all their variants.

    Parameters
    ----------
    effect : Effect
        One that names single events needs a meaning of its own here.
    variants : mapping
        The names that stand for each event.

    Raises
    ------
    SimulationError
        If the effect names a single event.

    Examples
    --------
    >>> from persona_tui.engine.simulation.effects import parse_effect
    >>> str(spread(parse_effect("friction:factor=0.1,at=a|b"), {"a": ("a1", "a2"), "b": ("b1",)}))
    'friction:factor=0.1,at=a1|a2|b1'
    """
    names: dict[str, tuple[str, ...]] = {}
    for each in parameters_of(type(effect)):
        if each.kind == "event":
            raise SimulationError(f"{effect.name} is not defined at second order.")
        if each.kind == "events":
            names[each.name] = tuple(v for event in getattr(effect, each.name) for v in variants[event])
    return replace(effect, **names)  # type: ignore[type-var]  # all are dataclasses


def _insert_before(model: SecondOrder, effect: InsertSteps, target: str) -> SecondOrder:
    """Insert steps before every place of an event that is entered; who passes keeps their history."""
    first = effect.apply(model.first)
    names = first.states[model.first.n_states :]
    rate = effect.values()["exit_rate"]
    if rate is None:
        rate = entry_exit_rate(model.first, model.first.index(target))
    others = model.at(*effect.sources) if effect.sources else np.ones(model.flow.n_states, dtype=bool)
    others &= ~model.at(target)
    flow, added = model.flow, list[Place]()
    for position in np.flatnonzero(model.at(target)):
        place = model.places[position]
        if place.history is not Past.UNKNOWN and not _entered(model.flow, int(position), others):
            continue
        starting = place.history is Past.START or model.flow.absorbing[position]
        padded = np.append(others, np.zeros(flow.n_states - len(others), dtype=bool))
        sources = None if starting and not effect.sources else padded
        flow = insert_steps(flow, effect.count, int(position), rate, sources)
        added += [Place(event=name, history=place.history, memory=place.history) for name in names]
    return SecondOrder(first=first, flow=flow, places=model.places + tuple(added))


def _entered(flow: Flow, position: int, others: BoolArray) -> bool:
    """Return whether anyone starts at a place or comes to it from some others."""
    return bool(flow.transitions[..., others, position].any() or flow.starts[..., position].any())


def _remove(model: SecondOrder, effect: RemoveStep) -> Flow:
    """Take out every place of a step at once; whoever begins there still shows it."""
    at = model.at(effect.event)
    flow = add_reward(model.flow, effect.values()["rescued"], at)
    moves = passed_over(flow.transitions, at)
    return replace(flow, transitions=moves, kinds=np.where(at, StateKind.REMOVED, flow.kinds))


def _redirect(model: SecondOrder, effect: Redirect) -> Flow:
    """Send the share of every place's move to where the same history leads."""
    states = model.flow.states
    place_of = dict(zip(states, model.places, strict=True))
    arrivals = {(place.history, place.event): state for state, place in place_of.items()}
    flow, variants = model.flow, model.variants
    for source in variants[effect.source]:
        to = arrivals.get((place_of[source].memory, effect.to)) or arrivals[(Past.UNKNOWN, effect.to)]
        for target in variants[effect.target]:
            if flow.transitions[..., flow.index(source), flow.index(target)].max() > 0:
                flow = replace(effect, source=source, target=target, to=to).apply(flow)
    return flow
