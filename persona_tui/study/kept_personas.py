"""What a study settled about its personas: their names, their places, and which of them are excluded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from persona_tui.engine.errors import PersonaError, SimulationError, UnknownNameError, unknown_name
from persona_tui.engine.params import split, unquote
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from persona_tui.engine.types import Unit
    from persona_tui.study.reference import Reference

LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPersona:
    """What was settled about one persona.

    Parameters
    ----------
    generated : str
        The name that the fit gave it when the study met it, by which it is known again.
    name : str
        The one that it was given; empty where it keeps that of the fit.
    place : int, optional
        The number at which it is pinned, from 1.
    excluded : bool
        Whether predictions leave its users out.
    """

    generated: str
    name: str = ""
    place: int | None = None
    excluded: bool = False

    @property
    def is_settled(self) -> bool:
        """Return whether there is anything to keep."""
        return bool(self.name or self.place or self.excluded)

    @property
    def called(self) -> str:
        """Return the name that is shown."""
        return self.name or self.generated

    def lost_sentence(self) -> str:
        """Return that it is not among the personas of a fit."""
        settled = "was excluded" if self.excluded else "was pinned"
        if self.name:
            settled = f"was called '{self.name}'"
        nobody = "; nobody is left out of predictions in its place" if self.excluded else ""
        return (
            f"The persona that was found as '{self.generated}' and {settled} is not among these{nobody}; "
            "what the study settled about it is kept."
        )

    def document(self) -> dict[str, str | int | bool | None]:
        """Return it as plain values; that it is excluded is told only where it is."""
        plain = {"generated": self.generated, "name": self.name, "place": self.place}
        return {**plain, "excluded": True} if self.excluded else plain


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptPersonas:
    """What was settled about the personas of a study, or of one of its runs.

    Parameters
    ----------
    folder : Path
        The study or the run.
    personas : tuple of KeptPersona
        Those about which something is settled.
    references : tuple of Reference
        The personas that are known from earlier fits, of one unit each.
    settled_for_good : bool
        Of a run, which keeps the names that it was done with.
    """

    folder: Path
    personas: tuple[KeptPersona, ...] = ()
    references: tuple[Reference, ...] = ()
    settled_for_good: bool = False

    def of(self, generated: str) -> KeptPersona:
        """Return what is settled about a persona, by the name that the fit gives it."""
        return next(
            (each for each in self.personas if each.generated == generated), KeptPersona(generated=generated)
        )

    def reference(self, unit: Unit) -> Reference | None:
        """Return the personas of a unit that are known from earlier fits, None where there was no fit."""
        return next((each for each in self.references if each.mixture.unit == unit), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaChanges:
    """What is to be settled anew; personas are meant by number, by name, or by the name of the fit.

    Parameters
    ----------
    renames : tuple of (str, str)
        A persona and its new name. The name that the fit gives it undoes a renaming.
    pins, unpins : tuple of str
    excludes, includes : tuple of str
        Whose users predictions leave out, or speak of again.
    restores : tuple of KeptPersona
        What is settled about some personas as it was at another time.

    Examples
    --------
    >>> kept = KeptPersonas(folder=Path("study"))
    >>> found = [KeptPersona(generated="Search"), KeptPersona(generated="Buy")]
    >>> changes = PersonaChanges(renames=(("2", "Buyers"),), pins=("Search",))
    >>> changes.apply(kept, found)[0]
    KeptPersona(generated='Search', name='', place=1, excluded=False)
    >>> changes.apply(kept, found)[1]
    KeptPersona(generated='Buy', name='Buyers', place=None, excluded=False)
    """

    renames: tuple[tuple[str, str], ...] = ()
    pins: tuple[str, ...] = ()
    unpins: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    includes: tuple[str, ...] = ()
    restores: tuple[KeptPersona, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.restores) or any(True for _ in self._parts())

    def apply(self, kept: KeptPersonas, found: Sequence[KeptPersona]) -> tuple[KeptPersona, ...]:
        """Return what is settled after the changes; what was settled about personas not found stays.

        Parameters
        ----------
        kept : KeptPersonas
        found : sequence of KeptPersona
            The personas of the fit in the order in which they are shown.

        Raises
        ------
        UnknownNameError
            If the only fault is a persona that is not there.
        SimulationError
            If a persona is not there, a name cannot be had, or none would be left to predict; every
            fault is told.
        """
        faults: list[PersonaError] = []
        restored = {each.generated: each for each in self.restores}
        changed = [restored.get(each.generated, each) for each in found]
        touched: set[tuple[str, int]] = set()
        for part, persona, value in self._parts():
            try:
                position = position_of(persona, found)
            except UnknownNameError as fault:
                faults.append(fault)
                continue
            if (part, position) in touched:
                faults.append(SimulationError(f"--{part}: '{printable(persona)}' is settled twice."))
            touched.add((part, position))
            if part == "rename":
                generated = found[position].generated
                told = "" if value == generated else name_fault(value)
                faults += [SimulationError(told)] if told else []
                changed[position] = replace(changed[position], name="" if value == generated else value)
            elif part == "pin":
                changed[position] = replace(changed[position], place=position + 1 if value else None)
            else:
                changed[position] = replace(changed[position], excluded=bool(value))
        faults += _repeated(changed)
        faults += self._nobody_left(changed)
        _raise_all(faults)
        settled = [each for each in changed if each.is_settled]
        mine = {each.generated for each in found}
        lost = (each for each in kept.personas if each.generated not in mine)
        others = (_give_way(restored.get(each.generated, each), settled) for each in lost)
        return (*settled, *(each for each in others if each.is_settled))

    def _nobody_left(self, changed: Sequence[KeptPersona]) -> list[PersonaError]:
        """Return a fault where these changes exclude the last persona that predictions speak of."""
        if not (self.excludes or self.restores) or not all(each.excluded for each in changed):
            return []
        told = "With these excluded no persona would be left, and so nobody to predict anything of."
        return [SimulationError(told, hint="Leave one in, or include another one with it.")]

    def _parts(self) -> Iterator[tuple[str, str, str]]:
        """Yield what is settled, about which persona, and as what: a name, else some text for yes or none."""
        yield from (("rename", persona, name) for persona, name in self.renames)
        yield from (("pin", persona, "here") for persona in self.pins)
        yield from (("pin", persona, "") for persona in self.unpins)
        yield from (("exclude", persona, "yes") for persona in self.excludes)
        yield from (("exclude", persona, "") for persona in self.includes)


def _repeated(changed: Sequence[KeptPersona]) -> list[PersonaError]:
    """Return a fault for each name that an earlier persona has, case aside."""
    faults: list[PersonaError] = []
    seen: set[str] = set()
    for each in changed:
        folded = each.called.casefold()
        if folded in seen:
            told = f"'{printable(each.called)}' names two personas; case does not count."
            faults.append(SimulationError(told))
        seen.add(folded)
    return faults


def _give_way(lost: KeptPersona, settled: Sequence[KeptPersona]) -> KeptPersona:
    """Return what is left of what was settled about a persona that is not there: others may take it over."""
    names = {each.name.casefold() for each in settled}
    places = {each.place for each in settled}
    return replace(
        lost,
        name="" if lost.name.casefold() in names else lost.name,
        place=None if lost.place in places else lost.place,
    )


def shown_names(personas: Sequence[KeptPersona]) -> tuple[str, ...]:
    """Return the names that are shown; one of the fit that was given to another gets a number.

    Examples
    --------
    >>> shown_names([KeptPersona(generated="Search"), KeptPersona(generated="Buy", name="search")])
    ('Search (2)', 'search')
    """
    given = {each.name.casefold() for each in personas if each.name}
    taken = {each.called.casefold() for each in personas}
    names: list[str] = []
    for each in personas:
        name = each.called
        if not each.name and name.casefold() in given:
            numbered = (f"{each.generated} ({number})" for number in count(2))
            name = next(other for other in numbered if other.casefold() not in taken)
            taken.add(name.casefold())
        names.append(name)
    return tuple(names)


def position_of(wanted: str, personas: Sequence[KeptPersona]) -> int:
    """Return where a persona stands, from 0.

    Parameters
    ----------
    wanted : str
        The name that is shown, the one that the fit gives it, or its number from 1.
    personas : sequence of KeptPersona
        In the order in which they are shown.

    Raises
    ------
    UnknownNameError
        If there is none; the message suggests the nearest.

    Examples
    --------
    >>> position_of("2", [KeptPersona(generated="Search"), KeptPersona(generated="Buy")])
    1
    """
    names = shown_names(personas)
    numbers = [str(number + 1) for number in range(len(personas))]
    for known in (names, [each.generated for each in personas], numbers):
        if wanted in known:
            return known.index(wanted)
    raise unknown_name("persona", printable(wanted), [printable(name) for name in names])


def _raise_all(faults: Sequence[PersonaError]) -> None:
    """Raise the only fault as it is, or all of them in one message."""
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise SimulationError(" ".join(each.message for each in faults))


def name_fault(name: str) -> str:
    """Return why a persona cannot be given a name, empty where it can.

    Examples
    --------
    >>> name_fault("Window shoppers"), name_fault(" ")
    ('', "A persona's name must not be empty.")
    """
    shown = f"A persona's name == '{printable(name)}', must"
    if not name.strip():
        return "A persona's name must not be empty."
    if name != name.strip():
        return f"{shown} not begin or end with a blank."
    if printable(name) != name:
        return f"{shown} be printable."
    if len(name) > LONGEST_NAME:
        return f"{shown} have at most {LONGEST_NAME} characters, not {len(name)}."
    return f"{shown} not be a number, which stands for a place." if name.isdecimal() else ""


def read_rename(text: str) -> tuple[str, str]:
    """Return the persona and the new name of ``persona=name``.

    Raises
    ------
    ValueError
        If it is not that, or a quote is not closed.

    Examples
    --------
    >>> read_rename("2=Window shoppers"), read_rename('"a=b"=c')
    (('2', 'Window shoppers'), ('a=b', 'c'))
    """
    persona, *name = split(text, "=")
    if not name or not persona.strip():
        raise ValueError(f"'{printable(text)}': write it as persona=name, for example 2=\"Window shoppers\".")
    try:
        return unquote(persona), unquote("=".join(name))
    except ValueError as fault:
        raise ValueError(f"'{printable(text)}': {fault}") from None
