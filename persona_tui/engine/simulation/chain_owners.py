"""Whose each chain of a flow is: which persona's, and of the users of which segments."""

from __future__ import annotations

from itertools import count

import numpy as np

from persona_tui.engine.errors import PersonaError, SimulationError, unknown_name
from persona_tui.engine.types import BoolArray


def number_personas(
    names: tuple[str, ...], segments: tuple[frozenset[str], ...], n_chains: int
) -> tuple[tuple[str, ...], list[int]]:
    """Return the name of each persona once, and the persona of each chain.

    Parameters
    ----------
    names : tuple of str
        One a chain, or none: then every chain is a persona that is called by its number, from 1.
    segments : tuple of frozenset of str
        One a chain, or none: then every chain is a persona of its own.
    n_chains : int

    Examples
    --------
    >>> number_personas(("A", "A", "B", "B"), (frozenset(),) * 4, 4)
    (('A', 'B'), [0, 0, 1, 1])
    """
    each = names or tuple(str(number + 1) for number in range(n_chains))
    if not segments:
        return each, list(range(n_chains))
    distinct = tuple(dict.fromkeys(each))
    return distinct, [distinct.index(name) for name in each]


def numbers_beside(excluded: tuple[tuple[int, str], ...], n_personas: int) -> tuple[int, ...]:
    """Return the number of each persona, from 1: those that are excluded keep theirs.

    Examples
    --------
    >>> numbers_beside(((2, "Bots"),), 3)
    (1, 3, 4)
    """
    taken = dict(excluded)
    free = (number for number in count(1) if number not in taken)
    return tuple(next(free) for _ in range(n_personas))


def mask_personas(
    wanted: tuple[str, ...],
    names: tuple[str, ...],
    owners: list[int],
    excluded: tuple[tuple[int, str], ...] = (),
) -> BoolArray:
    """Return which chains are of some personas, by name or by number from 1; all where none is wanted.

    Raises
    ------
    SimulationError
        If a persona is excluded.
    UnknownNameError
        If there is no persona of that name or number.
    """
    if not wanted:
        return np.ones(len(owners), dtype=bool)
    numbers = numbers_beside(excluded, len(names))
    positions = {str(number): position for position, number in enumerate(numbers)}
    positions |= {name: position for position, name in enumerate(names)}
    for name in wanted:
        if name not in positions:
            raise _not_among(name, names, excluded)
    return np.isin(owners, [positions[name] for name in wanted])


def _not_among(name: str, names: tuple[str, ...], excluded: tuple[tuple[int, str], ...]) -> PersonaError:
    for number, label in excluded:
        if name in (label, str(number)):
            return SimulationError(
                f"Persona '{label}' is excluded from predictions, so nothing can be changed for it.",
                hint="Include it again, or leave it out of the change.",
            )
    return unknown_name("persona", name, names)


def mask_segment(segment: str, segments: tuple[frozenset[str], ...], n_chains: int) -> BoolArray:
    """Return which chains are of users in a segment; all where none is named.

    Raises
    ------
    SimulationError
        If users are not told apart by segments.
    UnknownNameError
        If they are, but not by this one.
    """
    if not segment:
        return np.ones(n_chains, dtype=bool)
    if not segments:
        raise SimulationError(
            f"The segment {segment} is named, but users are not told apart by segments.",
            hint="Call segments.split_by_segments first; it needs a log with attributes.",
        )
    known = frozenset[str]().union(*segments)
    if segment not in known:
        raise unknown_name("segment", segment, sorted(known))
    return np.array([segment in each for each in segments])
