"""What became of a study's personas since the fit before, and the log of it: ``personas/moved.jsonl``."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from persona_tui.engine.errors import DataError, ExportError
from persona_tui.engine.modeling.matching import Matching, TransitionShift
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.types import Unit
from persona_tui.study.persona_files import read_kept_personas
from persona_tui.study.placing import PlacedPersonas, place_personas, reference_after
from persona_tui.study.reference import FOLDER, Reference, write_reference
from persona_tui.study.store import locked, make_folder, write_text

MOVED_FILE: Final = FOLDER / "moved.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedPersona:
    """What became of one persona.

    Parameters
    ----------
    name : str
        As it is shown.
    number_before, number_after : int or None
        At which it was and is shown; None before where it was not among those of the fit before, None
        after where it is not among those of this one.
    share_before, share_after : float
        Of users; zero where it was or is not there.
    distance : float or None
        Between its chains, from 0 to 1; None where it has one only.
    shifts : tuple of TransitionShift
        The transitions that moved most.
    """

    name: str
    number_before: int | None
    number_after: int | None
    share_before: float
    share_after: float
    distance: float | None
    shifts: tuple[TransitionShift, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What became of the personas of a study from one fit to the next.

    Parameters
    ----------
    time : str
        UTC, of the later fit.
    unit : {"user", "session"}
    fingerprint_before, fingerprint_after : str
        Of the logs.
    personas : tuple of MovedPersona
        Those of the later fit in their order, then those that vanished.
    """

    time: str
    unit: Unit
    fingerprint_before: str
    fingerprint_after: str
    personas: tuple[MovedPersona, ...]

    @property
    def continued(self) -> tuple[MovedPersona, ...]:
        """Return those of either fit."""
        return tuple(each for each in self.personas if each.number_before and each.number_after)

    @property
    def returned(self) -> tuple[MovedPersona, ...]:
        """Return those that an earlier fit had, the one before had not, and this one has again."""
        return tuple(
            each for each in self.personas if each.number_before is None and each.distance is not None
        )

    @property
    def appeared(self) -> tuple[MovedPersona, ...]:
        """Return those that no fit had before."""
        return tuple(each for each in self.personas if each.number_before is None and each.distance is None)

    @property
    def vanished(self) -> tuple[MovedPersona, ...]:
        """Return those that the fit before had and this one has not."""
        return tuple(each for each in self.personas if each.number_after is None)

    def document(self) -> dict[str, Any]:
        """Return it as plain values; chances that a fit does not know are None."""
        document = asdict(self)
        for persona in document["personas"]:
            persona["shifts"] = [
                {
                    key: None if isinstance(value, float) and math.isnan(value) else value
                    for key, value in shift.items()
                }
                for shift in persona["shifts"]
            ]
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """What a study knows after a fit.

    Parameters
    ----------
    movement : Movement or None
        From the fit before to this one; None where there was none before.
    fault : str
        Why this fit could not be kept, and so what moved is not known; empty where it is kept.
    """

    movement: Movement | None = None
    fault: str = ""


def remember_personas(study: Path, found: SegmentationResult, fingerprint: str) -> Remembered:
    """Keep the personas of a fit as those that the study knows, and log what moved; takes the lock.

    Parameters
    ----------
    study : Path
    found : SegmentationResult
        As it was fitted.
    fingerprint : str
        Of the log.

    Returns
    -------
    Remembered
        A study that cannot be written, or that another program is writing to, can be read all the same.

    Raises
    ------
    DataError
        If a file of the study is damaged.

    Notes
    -----
    A fit that the study knows already writes nothing and needs no lock.
    """
    if found.mixture is None:
        return Remembered()
    try:
        if _remembered(study, found, fingerprint)[1] is not None:
            with locked(make_folder(study)):
                keep_personas(study, found, fingerprint)
    except ExportError as fault:
        return Remembered(fault=fault.message)
    return Remembered(movement=last_movement(study, found.mixture.unit))


def keep_personas(study: Path, found: SegmentationResult, fingerprint: str) -> None:
    """Do as ``remember_personas`` does, under a lock that is held already.

    Raises
    ------
    DataError
        If a file of the study is damaged.
    ExportError
        If the study cannot be written.
    """
    before, after, placed = _remembered(study, found, fingerprint)
    if after is None:
        return
    write_reference(study, after)
    if before is not None and placed.matching is not None and _differ(before, after):
        _append(study, _movement(before, after, placed.matching, placed))


def _remembered(
    study: Path, found: SegmentationResult, fingerprint: str
) -> tuple[Reference | None, Reference | None, PlacedPersonas]:
    """Return what the study knows before and after a fit, None after where it stays as it is."""
    kept = read_kept_personas(study)
    placed = place_personas(found, kept)
    if found.mixture is None:
        return None, None, placed
    before = kept.reference(found.mixture.unit)
    after = reference_after(found.mixture, placed, before, fingerprint)
    return before, None if before is not None and after.same_as(before) else after, placed


def _differ(before: Reference, after: Reference) -> bool:
    """Return whether the fit is another one: another pin moves nobody."""
    chains = before.mixture.chains
    return (
        before.fingerprint != after.fingerprint
        or before.names != after.names
        or chains.shape != after.mixture.chains.shape
        or bool((chains != after.mixture.chains).any())
        or bool((before.mixture.weights != after.mixture.weights).any())
    )


def _movement(before: Reference, after: Reference, matching: Matching, placed: PlacedPersonas) -> Movement:
    continued = {each.old: each for each in matching.continuations}
    shown = dict(enumerate(placed.segmentation.names, start=1))
    called = {each.generated: each.called for each in (*placed.settled, *placed.lost)}
    personas = []
    for position, (name, number) in enumerate(zip(after.names, after.numbers, strict=True)):
        is_old, pair = position < len(before.names), continued.get(position)
        number_before = before.numbers[position] if is_old else None
        if number is None and number_before is None:
            continue  # vanished before
        personas.append(
            MovedPersona(
                name=shown[number] if number else called.get(name, name),
                number_before=number_before,
                number_after=number,
                share_before=float(before.mixture.weights[position]) if is_old else 0.0,
                share_after=float(after.mixture.weights[position]),
                distance=pair.distance if pair else None,
                shifts=pair.shifts if pair else (),
            )
        )
    return Movement(
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        unit=after.mixture.unit,
        fingerprint_before=before.fingerprint,
        fingerprint_after=after.fingerprint,
        personas=tuple(sorted(personas, key=lambda each: each.number_after or math.inf)),
    )


def _append(study: Path, movement: Movement) -> None:
    path = study / MOVED_FILE
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    write_text(path, text + json.dumps(movement.document(), ensure_ascii=False) + "\n")


def read_movements(study: Path) -> tuple[Movement, ...]:
    """Return every movement that a study logged, oldest first.

    Raises
    ------
    DataError
        If a line of the log is damaged.
    """
    path = study / MOVED_FILE
    if not path.is_file():
        return ()
    return tuple(_read(path, number, line) for number, line in enumerate(_lines(path), start=1))


def last_movement(study: Path, unit: Unit) -> Movement | None:
    """Return the last movement of the personas of a unit, None where there was none."""
    return next((each for each in reversed(read_movements(study)) if each.unit == unit), None)


def _lines(path: Path) -> Sequence[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise DataError(f"'{path}' cannot be read: {fault}.", hint="Delete the file.") from None


def _read(path: Path, number: int, line: str) -> Movement:
    try:
        given = json.loads(line)
        personas = tuple(
            MovedPersona(**{**each, "shifts": tuple(_read_shift(shift) for shift in each["shifts"])})
            for each in given["personas"]
        )
        return Movement(**{**given, "personas": personas})
    except (ValueError, LookupError, TypeError) as fault:
        raise DataError(
            f"Line {number} of '{path}' tells of no movement: {fault}.", hint="Delete the line."
        ) from None


def _read_shift(given: dict[str, Any]) -> TransitionShift:
    known: dict[str, Any] = {key: math.nan if value is None else value for key, value in given.items()}
    return TransitionShift(**known)
