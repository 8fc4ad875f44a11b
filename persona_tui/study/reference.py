"""The personas that a study knows, so that those of the next fit keep numbers and names: ``personas/``.

One file a unit holds the chain of every persona that was ever found, in the order in which the study met
them, also of those that the last fit did not find. It holds no users.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np

from persona_tui.engine.errors import DataError
from persona_tui.engine.files import write_whole
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.saved_mixture import DAMAGED, from_arrays, to_arrays
from persona_tui.engine.types import AnyArray, Unit
from persona_tui.study.store import make_folder

SCHEMA: Final = "persona-tui/reference/1"
FOLDER: Final = Path("personas")
"""Inside a study or a run."""
_HEADER: Final = "reference"
_HINT: Final = "Delete the file: the personas of the next fit are then numbered and named anew."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """The personas that a study knows.

    Parameters
    ----------
    mixture : MarkovMixture
        Without users; those that the last fit did not find have no weight.
    names : tuple of str
        By which each is known, all different: those under which they were found first.
    numbers : tuple of int or None
        At which each was shown last; None where the last fit did not find it.
    fingerprint : str
        Of the log of the last fit.
    """

    mixture: MarkovMixture
    names: tuple[str, ...]
    numbers: tuple[int | None, ...]
    fingerprint: str

    def arrays(self) -> dict[str, AnyArray]:
        """Return it as named arrays that need no pickle."""
        header = {
            "schema": SCHEMA,
            "names": self.names,
            "numbers": self.numbers,
            "fingerprint": self.fingerprint,
        }
        return {**to_arrays(self.mixture), _HEADER: np.array(json.dumps(header))}

    def digest(self) -> str:
        """Return a digest of all that numbers and names of the next fit depend on."""
        digest = hashlib.sha256()
        for name, array in self.arrays().items():
            digest.update(f"{name}{array.shape}".encode())
            digest.update(array.tobytes())
        return digest.hexdigest()

    def same_as(self, other: Reference) -> bool:
        """Return whether it is the same to the last bit."""
        return self.digest() == other.digest()


def reference_file(unit: Unit) -> Path:
    """Return where a study or a run keeps the personas of a unit.

    Examples
    --------
    >>> reference_file("user").as_posix()
    'personas/reference-user.npz'
    """
    return FOLDER / f"reference-{unit}.npz"


def read_references(folder: Path) -> tuple[Reference, ...]:
    """Return the personas that a study or a run knows, of each unit that it has any of.

    Raises
    ------
    DataError
        If a file is damaged, foreign or of another schema.
    """
    files = (folder / reference_file(unit) for unit in get_args(Unit))
    return tuple(_read(path) for path in files if path.is_file())


def _read(path: Path) -> Reference:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        header = json.loads(str(arrays[_HEADER]))
        mixture = from_arrays(arrays)
        reference = Reference(
            mixture=mixture,
            names=tuple(map(str, header["names"])),
            numbers=tuple(header["numbers"]),
            fingerprint=str(header["fingerprint"]),
        )
    except DataError as fault:
        raise DataError(f"'{path}': {fault.message}", hint=_HINT) from None
    except DAMAGED as fault:
        raise DataError(f"'{path}' holds no known personas, or is damaged: {fault}.", hint=_HINT) from None
    mismatch = _mismatch(reference, header, path)
    if mismatch:
        raise DataError(f"'{path}': {mismatch}.", hint=_HINT)
    return reference


def _mismatch(reference: Reference, header: dict[str, Any], path: Path) -> str:
    """Return what keeps the parts of a file from belonging together, empty where nothing does."""
    if header.get("schema") != SCHEMA:
        return f"schema == '{header.get('schema')}', must be '{SCHEMA}'"
    sizes = {len(reference.names), len(set(reference.names)), len(reference.numbers)}
    if sizes != {reference.mixture.n_clusters}:
        return f"{len(reference.names)} names do not go with {reference.mixture.n_clusters} personas"
    if path.name != reference_file(reference.mixture.unit).name:
        return f"it holds personas by {reference.mixture.unit}"
    shown: Sequence[int | None] = [number for number in reference.numbers if number is not None]
    return "" if len(set(shown)) == len(shown) else "two personas have one number"


def write_reference(folder: Path, reference: Reference) -> Path:
    """Write the personas that a study or a run knows, whole or not at all; same personas, same bytes.

    Raises
    ------
    ExportError
        If the folder cannot be written.
    """

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **reference.arrays())  # type: ignore[arg-type]

    path = folder / reference_file(reference.mixture.unit)
    make_folder(path.parent)
    write_whole(path, write)
    return path
