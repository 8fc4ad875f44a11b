"""Personas of a fit under the names and at the places that a study settled; nowhere else is that done."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.matching import (
    Matching,
    carry_chains,
    carry_names,
    match_personas,
    without_users,
)
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.simulation.effects import Effect, MixShift
from persona_tui.engine.types import IntArray
from persona_tui.study.kept_personas import KeptPersona, KeptPersonas, shown_names
from persona_tui.study.reference import Reference


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
    matching : Matching or None
        With the personas that the study knew; None where it knew none.
    """

    segmentation: SegmentationResult
    order: IntArray
    settled: tuple[KeptPersona, ...]
    lost: tuple[KeptPersona, ...]
    matching: Matching | None

    @property
    def excluded(self) -> tuple[int, ...]:
        """Return the positions, in the order of the study, of the personas that predictions leave out."""
        return tuple(position for position, each in enumerate(self.settled) if each.excluded)

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
        A persona that continues one of an earlier fit goes by its name and stands as it stood among the
        others; those that are new follow, by falling share. Without an earlier fit a persona is known
        again by the name that the fit gives it. Those that are pinned stand at their places.
    """
    reference = None if kept is None or found.mixture is None else kept.reference(found.mixture.unit)
    names, ranks, matching = found.names, list(range(found.n_clusters)), None
    if reference is not None and found.mixture is not None:
        matching = match_personas(reference.mixture, found.mixture)
        names = carry_names(matching, reference.names, found.names)
        ranks = _ranks(matching)
    settled = [KeptPersona(generated=name) if kept is None else kept.of(name) for name in names]
    order = _order([each.place for each in settled], ranks)
    placed = tuple(settled[position] for position in order)
    known = {each.generated for each in settled}
    return PlacedPersonas(
        segmentation=_arrange(found, order, shown_names(placed)),
        order=order,
        settled=placed,
        lost=() if kept is None else tuple(each for each in kept.personas if each.generated not in known),
        matching=matching,
    )


def _ranks(matching: Matching) -> list[int]:
    """Return where each persona of a fit stands among all that are known then."""
    n_known = len(matching.distances)
    appeared = {new: n_known + rank for rank, new in enumerate(matching.appeared)}
    return [appeared[new] if old is None else old for new, old in enumerate(matching.old_of_new)]


def _order(places: Sequence[int | None], ranks: Sequence[int]) -> IntArray:
    """Return which persona stands at each place: those that are pinned, and the others by rank."""
    pinned = {place - 1: position for position, place in enumerate(places) if place and place <= len(places)}
    others = iter(sorted(set(range(len(places))) - set(pinned.values()), key=ranks.__getitem__))
    return np.array([pinned[place] if place in pinned else next(others) for place in range(len(places))])


def reference_after(
    mixture: MarkovMixture, placed: PlacedPersonas, before: Reference | None, fingerprint: str
) -> Reference:
    """Return what a study knows of its personas after a fit.

    Parameters
    ----------
    mixture : MarkovMixture
        As it was fitted.
    placed : PlacedPersonas
        Its personas, placed by what the study knew before.
    before : Reference or None
    fingerprint : str
        Of the log.

    Returns
    -------
    Reference
        Those that are shown under the names by which they are known, with their chains; those that the
        fit did not find as they were known before.
    """
    number_of = {int(position): number for number, position in enumerate(placed.order, start=1)}
    name_of = {
        int(position): each.generated for position, each in zip(placed.order, placed.settled, strict=True)
    }
    positions = range(len(placed.order))
    if before is None or placed.matching is None:
        return Reference(
            mixture=without_users(mixture),
            names=tuple(name_of[position] for position in positions),
            numbers=tuple(number_of[position] for position in positions),
            fingerprint=fingerprint,
        )
    matching = placed.matching
    numbers: list[int | None] = [None] * len(before.names)
    for each in matching.continuations:
        numbers[each.old] = number_of[each.new]
    return Reference(
        mixture=carry_chains(matching, before.mixture, mixture),
        names=(*before.names, *(name_of[new] for new in matching.appeared)),
        numbers=(*numbers, *(number_of[new] for new in matching.appeared)),
        fingerprint=fingerprint,
    )


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
