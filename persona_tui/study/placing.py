"""Personas of a fit under the names and at the places that a study settled; nowhere else is that done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.simulation.effects import Effect, MixShift
from persona_tui.engine.types import IntArray
from persona_tui.study.kept_personas import KeptPersona, KeptPersonas


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlacedPersonas:
    """The personas of a fit as a study shows them.

    Parameters
    ----------
    segmentation : SegmentationResult
        Under the names and in the order of the study.
    order : array of shape (K,)
        Which persona of the fit stands at each place.
    settled : tuple of KeptPersona, length K
        What is settled about each, in the order of the study.
    lost : tuple of KeptPersona
        Those that the study settled something about and that the fit does not have.
    """

    segmentation: SegmentationResult
    order: IntArray
    settled: tuple[KeptPersona, ...]
    lost: tuple[KeptPersona, ...]

    @property
    def reordered(self) -> bool:
        """Return whether some persona stands at another place than in the fit."""
        return bool((np.diff(self.order) != 1).any())


def place_personas(found: SegmentationResult, kept: KeptPersonas | None) -> PlacedPersonas:
    """Return the personas of a fit under the names and at the places that a study settled.

    Parameters
    ----------
    found : SegmentationResult
        As it was fitted: by falling share, under the names that the fit gives.
    kept : KeptPersonas or None

    Returns
    -------
    PlacedPersonas
        A persona is known again by the name that the fit gives it. Those that are pinned stand at their
        places, the others, by falling share, at those that are left.
    """
    settled = [KeptPersona(generated=name) if kept is None else kept.of(name) for name in found.names]
    order = _order([each.place for each in settled])
    placed = tuple(settled[position] for position in order)
    known = {each.generated for each in settled}
    return PlacedPersonas(
        segmentation=_arrange(found, order, _distinct_names(placed)),
        order=order,
        settled=placed,
        lost=() if kept is None else tuple(each for each in kept.personas if each.generated not in known),
    )


def _order(places: Sequence[int | None]) -> IntArray:
    """Return which persona stands at each place."""
    pinned = {place - 1: position for position, place in enumerate(places) if place and place <= len(places)}
    others = iter([position for position in range(len(places)) if position not in pinned.values()])
    return np.array([pinned[place] if place in pinned else next(others) for place in range(len(places))])


def _distinct_names(placed: Sequence[KeptPersona]) -> tuple[str, ...]:
    """Return the names that are shown; one of the fit that was given to another gets a number."""
    given = {each.name.casefold() for each in placed if each.name}
    taken = {each.called.casefold() for each in placed}
    names: list[str] = []
    for each in placed:
        name = each.called
        if not each.name and name.casefold() in given:
            numbered = (f"{each.generated} ({number})" for number in count(2))
            name = next(other for other in numbered if other.casefold() not in taken)
            taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def _arrange(found: SegmentationResult, order: IntArray, names: tuple[str, ...]) -> SegmentationResult:
    if (np.diff(order) == 1).all():  # arrays keep their layout, and so sums their last digits
        return found if names == found.names else replace(found, names=names)
    mixture = found.mixture
    return replace(
        found,
        names=names,
        memberships=found.memberships[:, order],
        fitted_memberships=found.fitted_memberships[:, order],
        mixture=mixture
        and replace(
            mixture,
            weights=mixture.weights[order],
            chains=mixture.chains[order],
            responsibilities=mixture.responsibilities[:, order],
            fitted_responsibilities=mixture.fitted_responsibilities[:, order],
        ),
    )


def call_anew(
    effects: Iterable[Effect], kept: KeptPersonas | None, names: tuple[str, ...]
) -> tuple[Effect, ...]:
    """Return effects whose personas go by the names that are shown, also where those of the fit were given.

    Parameters
    ----------
    effects : iterable of Effect
    kept : KeptPersonas or None
    names : tuple of str
        Those that are shown; one of them is never read as that of another persona in the fit.
    """
    settled = () if kept is None else kept.personas
    new = {
        each.generated: each.name for each in settled if each.name in names and each.generated not in names
    }
    return tuple(_call_anew(effect, new) for effect in effects) if new else tuple(effects)


def _call_anew(effect: Effect, new: dict[str, str]) -> Effect:
    if isinstance(effect, MixShift):
        return replace(effect, persona=new.get(effect.persona, effect.persona))
    personas = tuple(new.get(name, name) for name in effect.personas)
    return replace(effect, personas=personas)  # type: ignore[type-var]  # all are dataclasses
