"""A fitted mixture as arrays and as a file, exact to the last bit; it holds no user ids.

One entry of the arrays is a header: JSON text with a versioned ``schema``.
"""

from __future__ import annotations

import json
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from persona_tui.engine.errors import DataError
from persona_tui.engine.files import write_whole
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.types import AnyArray

SCHEMA: Final = "persona-tui/mixture/2"
HEADER: Final = "mixture"
ARRAYS: Final = (
    *("weights", "chains", "multiplicity", "responsibilities", "fitted_responsibilities"),
    *("bound_history", "pooled"),
)
NUMBERS: Final = ("log_likelihood", "entropy", "converged", "restarted", "prior", "n_moves", "n_sources")
_SUM_TOLERANCE = 1e-6
DAMAGED = (
    *(OSError, EOFError, ValueError, LookupError, TypeError),
    *(zipfile.BadZipFile, zlib.error, RuntimeError, MemoryError),
    *(SyntaxError, tokenize.TokenError),
)
"""What reading a damaged file raises: archives, array headers and JSON each have their own."""
_HINT = "Save the personas again, or fit them anew."


def to_arrays(mixture: MarkovMixture) -> dict[str, AnyArray]:
    """Return a mixture as named arrays that need no pickle.

    Returns
    -------
    dict of str to array
        The arrays of the mixture under their own names, and a header of JSON text under ``mixture``.
    """
    header = {
        "schema": SCHEMA,
        "vocabulary": mixture.vocabulary,
        "unit": mixture.unit,
        "completion": sorted(mixture.completion),
        "drop": sorted(mixture.drop),
        **{name: getattr(mixture, name) for name in NUMBERS},
    }
    return {HEADER: np.array(json.dumps(header)), **{name: getattr(mixture, name) for name in ARRAYS}}


def from_arrays(arrays: Mapping[str, AnyArray]) -> MarkovMixture:
    """Return the mixture that ``to_arrays`` was given; other entries are not looked at.

    Raises
    ------
    DataError
        If an entry is missing, of another schema, or makes no mixture together with the others.

    Examples
    --------
    >>> from_arrays({})
    Traceback (most recent call last):
        ...
    persona_tui.engine.errors.DataError: There is no mixture among: nothing.
    Save the personas again, or fit them anew.
    """
    header = _header(arrays)
    missing = [name for name in ARRAYS if name not in arrays]
    if missing:
        raise DataError(f"The mixture lacks: {', '.join(missing)}.", hint=_HINT)
    parts: dict[str, Any] = {name: np.array(arrays[name]) for name in ARRAYS}
    for array in parts.values():
        array.setflags(write=False)
    try:
        mixture = MarkovMixture(
            vocabulary=tuple(header["vocabulary"]),
            unit=header["unit"],
            completion=frozenset(header["completion"]),
            drop=frozenset(header["drop"]),
            **parts,
            **{name: header[name] for name in NUMBERS},
        )
    except (LookupError, TypeError) as fault:
        raise DataError(f"The header of the mixture is not whole: {fault}.", hint=_HINT) from None
    faults = _faults(mixture)
    if faults:
        raise DataError(f"The mixture makes no sense: {'; '.join(faults)}.", hint=_HINT)
    return mixture


def write_mixture(mixture: MarkovMixture, path: str | Path) -> None:
    """Write a mixture to one file, whole or not at all; the same mixture gives the same bytes.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """

    def write(temporary: Path) -> None:
        with temporary.open("wb") as file:
            np.savez(file, **to_arrays(mixture))  # type: ignore[arg-type]

    write_whole(Path(path), write)


def read_mixture(path: str | Path) -> MarkovMixture:
    """Return the mixture of a file that ``write_mixture`` wrote.

    Raises
    ------
    DataError
        If there is no such file, or it is damaged, foreign or of another schema.
    """
    try:
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as kept:
            arrays = {name: kept[name] for name in kept.files}
        return from_arrays(arrays)
    except DataError as fault:
        raise DataError(f"'{path}': {fault.message}", hint=fault.hint) from None
    except FileNotFoundError:
        raise DataError(f"There is no file '{path}'.", hint="Check the path.") from None
    except DAMAGED as fault:
        raise DataError(f"'{path}' holds no mixture, or is damaged: {fault}.", hint=_HINT) from None


def _header(arrays: Mapping[str, AnyArray]) -> dict[str, Any]:
    if HEADER not in arrays:
        raise DataError(f"There is no mixture among: {', '.join(arrays) or 'nothing'}.", hint=_HINT)
    try:
        header = json.loads(str(arrays[HEADER]))
    except ValueError:
        raise DataError("The header of the mixture is not JSON.", hint=_HINT) from None
    schema = header.get("schema") if isinstance(header, dict) else None
    if schema != SCHEMA:
        raise DataError(
            f"schema == '{schema}', must be '{SCHEMA}'.",
            hint="Read it with the version of persona-tui that wrote it, or fit the personas anew.",
        )
    return dict(header)


def _faults(mixture: MarkovMixture) -> list[str]:
    """Return what keeps the parts of a mixture from belonging together."""
    faults = [] if mixture.unit in {"user", "session"} else [f"unit == '{mixture.unit}'"]
    marked = mixture.completion | mixture.drop
    faults += [f"'{name}' is no event type" for name in sorted(marked - set(mixture.vocabulary))]
    size, n = len(mixture.vocabulary) + (mixture.unit == "user") + 1, mixture.weights.size
    shapes = {
        "weights": (n,),
        "chains": (n, size, size),
        "multiplicity": (mixture.multiplicity.size,),
        "responsibilities": (mixture.multiplicity.size, n),
        "fitted_responsibilities": (mixture.multiplicity.size, n),
        "bound_history": (mixture.bound_history.size,),
        "pooled": (size, size),
    }
    for name, shape in shapes.items():
        array: AnyArray = getattr(mixture, name)
        if array.dtype != np.float64:
            faults.append(f"{name} holds {array.dtype}, not float64")
        elif array.shape != shape or not array.size:
            faults.append(f"{name} has shape {array.shape}, not {shape}")
        elif not np.isfinite(array).all():
            faults.append(f"{name} holds numbers that are not finite")
        elif name != "bound_history" and (array < 0).any():
            faults.append(f"{name} holds negative numbers")
    return faults or _sums_that_are_off(mixture)


def _sums_that_are_off(mixture: MarkovMixture) -> list[str]:
    """Return which chances do not sum to one; a row of a state that ends the journey is zero."""
    chances = {
        "weights": mixture.weights,
        "responsibilities": mixture.responsibilities,
        "fitted_responsibilities": mixture.fitted_responsibilities,
        "chains": mixture.chains,
        "pooled": mixture.pooled,
    }
    sums = {name: array.sum(axis=-1) for name, array in chances.items()}
    may_be_zero = {"chains", "pooled"}
    return [
        f"{name} does not sum to one"
        for name, total in sums.items()
        if ((abs(total - 1) > _SUM_TOLERANCE) & ~((name in may_be_zero) & (total == 0))).any()
    ]
