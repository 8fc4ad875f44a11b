"""A loaded log in a folder, user by user: opened again at once, and never read whole.

Every part is a few files without compression. Its flat arrays stand one after the other in a file that is
mapped into memory, so that only those that are used are read from disk; texts are Arrow IPC.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, overload

import numpy as np
import polars as pl

from persona_tui.engine.data.arrow_files import told_of_disk, write_arrow
from persona_tui.engine.data.event_log import EventLog
from persona_tui.engine.data.log_parts import LogPart
from persona_tui.engine.data.quality import Quality
from persona_tui.engine.data.recognition.recognition import Recognition
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.types import AnyArray
from persona_tui.engine.working_folders import WorkingFolder

FORMAT: Final = 2
_HEADER, _REJECTS = "log.json", "rejects.arrow"
_FLAT: Final = {"times": "<i8", "sessions": "<i8", "users": "<i4", "codes": "<i4"}
"""The arrays in the order in which they stand in a file; the widest first, so that all are aligned."""
_ROW_BYTES: Final = sum(np.dtype(kind).itemsize for kind in _FLAT.values())
_DAMAGED = (OSError, ValueError, LookupError, TypeError, pl.exceptions.PolarsError)


class StoredParts(Sequence[LogPart]):
    """The parts of a log in a folder, each opened when it is asked for.

    Parameters
    ----------
    folder : Path
    vocabulary : tuple of str
    n_parts : int
    working : WorkingFolder, optional
        The folder, where it is to go when nobody holds the parts any more.
    """

    def __init__(
        self,
        folder: Path,
        vocabulary: tuple[str, ...],
        n_parts: int = 0,
        *,
        working: WorkingFolder | None = None,
    ) -> None:
        self._folder, self._vocabulary, self._n_parts = folder, vocabulary, n_parts
        self._working = working

    def append(self, part: LogPart) -> None:
        """Write another part."""
        write_part(self._folder, self._n_parts, part)
        self._n_parts += 1

    def __len__(self) -> int:
        return self._n_parts

    @overload
    def __getitem__(self, number: int) -> LogPart: ...

    @overload
    def __getitem__(self, number: slice) -> list[LogPart]: ...

    def __getitem__(self, number: int | slice) -> LogPart | list[LogPart]:
        if isinstance(number, slice):
            return [self[each] for each in range(*number.indices(self._n_parts))]
        if not -self._n_parts <= number < self._n_parts:
            raise IndexError(number)
        return read_part(self._folder, number % self._n_parts, self._vocabulary)


def write_part(folder: Path, number: int, part: LogPart) -> None:
    """Write one part into a folder; the vocabulary is kept elsewhere.

    Raises
    ------
    ExportError
        If the disk is full or the folder cannot be written.
    """
    flat = part.sequences
    path = _file(folder, number, "events")
    with told_of_disk(path), path.open("wb") as file:
        for name, kind in _FLAT.items():
            getattr(flat, name).astype(kind, copy=False).tofile(file)
    frames = {"users": pl.DataFrame({"user_id": pl.Series(flat.user_ids, dtype=pl.String)})}
    if part.session_ids is not None:
        frames["sessions"] = part.session_ids.alias("session_id").to_frame()
    if part.columns.width:
        frames["columns"] = part.columns
    for name, frame in frames.items():
        write_arrow(frame, _file(folder, number, name))


def read_part(folder: Path, number: int, vocabulary: tuple[str, ...]) -> LogPart:
    """Open one part; its arrays are mapped, and read when they are used."""
    sessions, columns = (_file(folder, number, name) for name in ("sessions", "columns"))
    flat = Sequences(
        vocabulary=vocabulary,
        user_ids=tuple(pl.read_ipc(_file(folder, number, "users"))["user_id"].to_list()),
        **_mapped(_file(folder, number, "events")),
    )
    return LogPart(
        sequences=flat,
        session_ids=pl.read_ipc(sessions)["session_id"] if sessions.exists() else None,
        columns=pl.read_ipc(columns) if columns.exists() else pl.DataFrame(),
    )


def _mapped(path: Path) -> dict[str, AnyArray]:
    """Return the arrays of a file by their names."""
    n_bytes = path.stat().st_size
    content = np.memmap(path, mode="r") if n_bytes else b""
    n_rows, begin = n_bytes // _ROW_BYTES, 0
    arrays: dict[str, AnyArray] = {}
    for name, kind in _FLAT.items():
        arrays[name] = np.ndarray(n_rows, kind, content, begin)
        begin += arrays[name].nbytes
    return arrays


def _file(folder: Path, number: int, of: str) -> Path:
    return folder / f"{of}-{number:05d}.{'arrays' if of == 'events' else 'arrow'}"


def save_log(log: EventLog, folder: Path) -> None:
    """Write a log into an empty folder.

    Parameters
    ----------
    log : EventLog
    folder : Path
        Exists. Make it appear whole with ``engine.files.write_whole_folder``.

    Raises
    ------
    ExportError, OSError
        If the disk is full or the folder cannot be written.
    """
    for number, part in enumerate(log.parts):
        write_part(folder, number, part)
    write_arrow(log.quality.rejects, folder / _REJECTS)
    found = log.recognition
    header = {
        "format": FORMAT,
        "n_parts": len(log.parts),
        "n_bytes": _sizes(folder),
        "vocabulary": log.vocabulary,
        "quality": log.quality.as_kept(),
        "recognition": {
            "schema": found.schema,
            "confidence": found.confidence,
            "sentence": found.sentence,
            "columns": found.columns,
            "notes": found.notes,
        },
        "fingerprint": log.fingerprint,
        "recipe": log.recipe,
    }
    (folder / _HEADER).write_text(json.dumps(header), encoding="utf-8")


def _sizes(folder: Path) -> dict[str, int]:
    """Return the bytes of every table in a folder, by which one that is cut off or missing is noticed."""
    return {file.name: file.stat().st_size for file in sorted(folder.glob("*.arr*"))}


def open_log(folder: Path) -> EventLog | None:
    """Return the log in a folder, None where there is none, or it is damaged or of another version.

    Parameters
    ----------
    folder : Path
    """
    try:
        header: dict[str, Any] = json.loads((folder / _HEADER).read_text(encoding="utf-8"))
        if header["format"] != FORMAT:
            return None
        vocabulary = tuple(header["vocabulary"])
        parts = StoredParts(folder, vocabulary, header["n_parts"])
        if _sizes(folder) != header["n_bytes"]:
            return None
        found = {**header["recognition"], "notes": tuple(header["recognition"]["notes"])}
        return EventLog(
            parts=parts,
            vocabulary=vocabulary,
            quality=Quality.from_kept(header["quality"], pl.read_ipc(folder / _REJECTS)),
            recognition=Recognition(**found, reads=(), shapes={}),
            fingerprint=header["fingerprint"],
            recipe=header["recipe"],
        )
    except _DAMAGED:
        return None
