"""Transition counts on disk, a bucket of users at a time: what a mixture is fitted from out of core.

A folder holds a header and, for each bucket, arrays that numpy maps into memory. Only one bucket is worked
on at a time, so that what is held does not grow with the users.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from persona_tui.engine.errors import DataError, ModelingError
from persona_tui.engine.files import write_whole_folder
from persona_tui.engine.modeling.climbing import Rows
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.modeling.saved_mixture import DAMAGED
from persona_tui.engine.types import AnyArray, BoolArray, FloatArray, IntArray, Unit

SCHEMA: Final = "persona-tui/buckets/1"
_HEADER: Final = "buckets.json"
_ARRAYS: Final = ("data", "indices", "indptr", "multiplicity", "moves")
_CUT: Final = ("unit", "vocabulary", "completion", "drop")
"""What all buckets have in common."""
_CHECKED_BYTES: Final = 2**20
"""At once, for the memory."""
_HINT = "Write the counts anew."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BucketedCounts:
    """Transition counts of users in a folder, bucket by bucket.

    Parameters
    ----------
    folder : Path
    unit : {"user", "session"}
    vocabulary : tuple of str, length V
    completion, drop : bool array of shape (V,)
        Event types that convert, and that end a session.
    moves : int64 array of shape (F,)
        Number of each move that occurs in some bucket, ascending.
    moved : array of shape (F,)
        How often all users made it.
    n_users : array of shape (B,)
        Users of each bucket.
    n_rows : int64 array of shape (B,)
        Distinct ones.
    """

    folder: Path
    unit: Unit
    vocabulary: tuple[str, ...]
    completion: BoolArray
    drop: BoolArray
    moves: IntArray
    moved: FloatArray
    n_users: FloatArray
    n_rows: IntArray

    def __post_init__(self) -> None:
        for array in (self.completion, self.drop, self.moves, self.moved, self.n_users, self.n_rows):
            array.setflags(write=False)

    def __iter__(self) -> Iterator[Rows]:
        """Give the buckets in turn; one at a time is mapped into memory."""
        for bucket in range(len(self.n_users)):
            yield self.read(bucket)

    def read(self, bucket: int) -> Rows:
        """Return the distinct users of one bucket, their moves numbered as in ``moves``.

        Raises
        ------
        DataError
            If its files have been taken away since the folder was opened.
        """
        from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s, only models need it

        data, indices, indptr, multiplicity, moves = _map_arrays(self.folder, bucket)
        if len(moves) < len(self.moves):  # else they are numbered so already, and a pass takes a third less
            indices = np.searchsorted(self.moves, moves).astype(indices.dtype)[indices]
        matrix = csr_array((data, indices, indptr), shape=(len(indptr) - 1, len(self.moves)))
        return Rows(matrix, multiplicity)

    def together(self) -> TransitionCounts:
        """Return all users as one row of counts, without their journeys: what the pooled chain is made of."""
        from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s, only models need it

        none = np.zeros(0, dtype=np.int32)
        return TransitionCounts(
            journeys=Journeys(
                unit=self.unit,
                vocabulary=self.vocabulary,
                steps=none,
                offsets=np.zeros(1, dtype=np.int64),
                users=none,
                user_ids=(),
                endings=none,
                exit_chances=np.zeros(0),
                completion=self.completion,
                drop=self.drop,
                n_after_completion=0,
                censor=False,
            ),
            matrix=csr_array(self.moved[None, :]),
            moves=self.moves,
            multiplicity=np.ones(1),
            row_of_user=np.zeros(0, dtype=np.int64),
            n_journeys=np.zeros(1),
            n_converted=np.zeros(1),
            n_events=np.zeros(1),
        )


def write_counts(buckets: Iterable[TransitionCounts], folder: str | Path) -> BucketedCounts:
    """Write the transition counts of users to a new folder, a bucket at a time.

    Parameters
    ----------
    buckets : iterable of TransitionCounts
        Each of other users, cut alike; a generator counts one while no other is in memory. An open journey
        weighs in as the log that it was cut with tells, so cut the whole log before it is split.
    folder : path
        Appears whole or not at all.

    Returns
    -------
    BucketedCounts

    Raises
    ------
    ModelingError
        If there is no bucket, or one has another unit, vocabulary, completion or drop than the first.
    ExportError
        If the folder exists already or cannot be written.

    Notes
    -----
    O(one bucket) memory; 12 bytes on disk for each distinct move of each distinct user. Equal users of
    different buckets stay apart.

    Examples
    --------
    >>> import tempfile
    >>> from persona_tui.engine.data.sequences import Sequences
    >>> from persona_tui.engine.modeling.counts import count_transitions
    >>> from persona_tui.engine.modeling.journeys import cut_journeys
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u",), codes=np.array([0, 1, 1], np.int32),
    ...     users=np.zeros(3, np.int32), sessions=np.zeros(3, np.int64), times=np.arange(3))
    >>> counts = count_transitions(cut_journeys(log, censor=False))
    >>> with tempfile.TemporaryDirectory() as above:
    ...     write_counts([counts, counts], Path(above) / "counts").n_users
    array([1., 1.])
    """

    def write(temporary: Path) -> None:
        header: dict[str, Any] = {}
        checksums: dict[str, int] = {}
        for bucket, counts in enumerate(buckets):
            cut = _describe_cut(counts.journeys)
            header = header or cut
            _check_cut(bucket, cut, header)
            if not len(counts.multiplicity):
                raise ModelingError(f"Bucket {bucket} holds no users.", hint="Leave it out.")
            _write_bucket(temporary, bucket, counts)
            checksums |= {_name(bucket, each): _checksum(temporary / _name(bucket, each)) for each in _ARRAYS}
        if not header:
            raise ModelingError("buckets holds nothing.", hint="Give the counts of at least one bucket.")
        header = {"schema": SCHEMA, **header, "checksums": checksums}
        (temporary / _HEADER).write_text(json.dumps(header), encoding="utf-8")

    write_whole_folder(Path(folder), write)
    return read_counts(folder)


def read_counts(folder: str | Path) -> BucketedCounts:
    """Return the counts of a folder that ``write_counts`` wrote, once every byte is found as it was written.

    Raises
    ------
    DataError
        If there is no such folder, or a file of it is missing, damaged or of another schema.
    """
    folder = Path(folder)
    header = _read_header(folder)
    for name, checksum in header["checksums"].items():
        if _checksum(folder / name) != checksum:
            raise DataError(f"'{folder / name}' is damaged.", hint=_HINT)
    n_states = len(header["vocabulary"]) + (header["unit"] == "user")
    moved = np.zeros(n_states * (n_states + 2))
    occurs = np.zeros(len(moved), dtype=bool)
    n_users, n_rows = [], []
    for bucket in range(len(header["checksums"]) // len(_ARRAYS)):
        data, indices, indptr, multiplicity, moves = _map_arrays(folder, bucket)
        amounts = np.repeat(multiplicity, np.diff(indptr)) * data
        moved[moves] += np.bincount(indices, amounts, minlength=len(moves))
        occurs[moves] = True
        n_users.append(multiplicity.sum())
        n_rows.append(len(multiplicity))
    return BucketedCounts(
        folder=folder,
        unit=header["unit"],
        vocabulary=tuple(header["vocabulary"]),
        completion=np.array(header["completion"], dtype=bool),
        drop=np.array(header["drop"], dtype=bool),
        moves=np.flatnonzero(occurs),
        moved=moved[occurs],
        n_users=np.array(n_users),
        n_rows=np.array(n_rows),
    )


def _describe_cut(journeys: Journeys) -> dict[str, Any]:
    told = (
        journeys.unit,
        list(journeys.vocabulary),
        journeys.completion.tolist(),
        journeys.drop.tolist(),
    )
    return dict(zip(_CUT, told, strict=True))


def _check_cut(bucket: int, cut: dict[str, Any], first: dict[str, Any]) -> None:
    """Refuse a bucket of other states than the first: its moves would be numbered otherwise."""
    other = [name for name in first if cut[name] != first[name]]
    if not other:
        return
    told = ", ".join(other)
    if "vocabulary" in other:
        unknown = sorted(set(cut["vocabulary"]) ^ set(first["vocabulary"]))
        told += f" ({', '.join(unknown[:5])})" if unknown else " (in another order)"
    raise ModelingError(
        f"Bucket {bucket} differs from the first one in: {told}.",
        hint="Encode the whole log with one vocabulary, and cut all buckets alike.",
    )


def _name(bucket: int, array: str) -> str:
    return f"{bucket:05d}/{array}.npy"


def _write_bucket(folder: Path, bucket: int, counts: TransitionCounts) -> None:
    matrix = counts.matrix
    arrays: tuple[AnyArray, ...] = (
        matrix.data.astype(np.float64, copy=False),
        matrix.indices,
        matrix.indptr,
        counts.multiplicity,
        counts.moves,
    )
    (folder / _name(bucket, "data")).parent.mkdir()
    for name, array in zip(_ARRAYS, arrays, strict=True):
        np.save(folder / _name(bucket, name), array, allow_pickle=False)


def _map_arrays(folder: Path, bucket: int) -> list[AnyArray]:
    """Return the arrays of a bucket, read-only, by the names of ``_ARRAYS``."""
    paths = [folder / _name(bucket, name) for name in _ARRAYS]
    try:
        return [np.asarray(np.load(path, mmap_mode="r", allow_pickle=False)) for path in paths]
    except DAMAGED as fault:
        raise DataError(f"'{folder}' is damaged: {fault}.", hint=_HINT) from None


def _checksum(path: Path) -> int:
    """Return the CRC-32 of a file."""
    checksum = 0
    try:
        with path.open("rb") as file:
            while part := file.read(_CHECKED_BYTES):
                checksum = zlib.crc32(part, checksum)
    except OSError as fault:
        raise DataError(f"'{path}' cannot be read: {fault.strerror or fault}.", hint=_HINT) from None
    return checksum


def _read_header(folder: Path) -> dict[str, Any]:
    path = folder / _HEADER
    try:
        header = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"'{folder}' holds no counts in buckets.", hint="Check the path.") from None
    except ValueError:
        raise DataError(f"'{path}' is damaged.", hint=_HINT) from None
    schema = header.get("schema") if isinstance(header, dict) else None
    if schema != SCHEMA:
        raise DataError(f"'{path}': schema == '{schema}', must be '{SCHEMA}'.", hint=_HINT)
    missing = [name for name in (*_CUT, "checksums") if name not in header]
    if missing:
        raise DataError(f"'{path}' lacks: {', '.join(missing)}.", hint=_HINT)
    return dict(header)
