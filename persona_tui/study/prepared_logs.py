"""Loaded logs kept on disk, so that the next command starts at once.

An entry belongs to a source and the way it is read. It holds the stamps of the source's files: while they
stay, nothing of the source is read; where only a time changed, its content decides. A log is written whole
or not at all, under a lock, and holds users' ids: its folder is private.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Any, Final, TypeAlias

from persona_tui import __version__
from persona_tui.engine.data.event_log import EventLog
from persona_tui.engine.data.readers.sources import open_source
from persona_tui.engine.data.stored_log import FORMAT, open_log, save_log
from persona_tui.engine.errors import ExportError
from persona_tui.engine.files import write_whole_folder
from persona_tui.engine.locks import held
from persona_tui.study.cache_folders import cache_limit, folder_size
from persona_tui.study.option_texts import STANDARD_INPUT
from persona_tui.study.store import make_folder, write_text

LOGS: Final = "logs"
_ENTRY, _LOG = "entry.json", "log"
_LOCK: Final = ".lock"
_SPARED_SECONDS: Final = 3_600
"""A log that was used so recently may be mapped by another program; it makes no room."""
_SPARE_BYTES: Final = 64 * 10**6
"""Left free on the disk."""

Stamps: TypeAlias = list[list[Any]]
"""Path, bytes, time of change and of status change in ns, inode of every file of a source, sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptLog:
    """A log that is kept, as it is listed.

    Parameters
    ----------
    folder : Path
    source : str
    n_events : int
    n_bytes : int
    kept_at, used_at : float
        Seconds since 1970.
    """

    folder: Path
    source: str
    n_events: int
    n_bytes: int
    kept_at: float
    used_at: float


def stamps_of(sources: Sequence[str]) -> Stamps:
    """Return what tells files of sources from others; empty where one is no file, folder or glob.

    Parameters
    ----------
    sources : sequence of str
    """
    found: Stamps = []
    for source in sources:
        if source == STANDARD_INPUT:
            return []
        path = Path(source)
        paths = [path] if path.exists() else _matching(source)
        files = [file for path in paths for file in (_below(path) if path.is_dir() else [path])]
        stamps = [_stamp(file) for file in files if file.is_file()]
        if not stamps:
            return []
        found += stamps
    return found


def _matching(pattern: str) -> list[Path]:
    return sorted(map(Path, glob(pattern, recursive=True)))  # noqa: PTH207 - patterns may be absolute


def _below(folder: Path) -> list[Path]:
    """Return the files in a folder, through links to folders too, each folder once."""
    files: list[Path] = []
    seen: set[str] = set()
    for parent, folders, names in os.walk(folder, followlinks=True):
        if (real := os.path.realpath(parent)) in seen:
            folders.clear()
            continue
        seen.add(real)
        files += [Path(parent, name) for name in names]
    return sorted(files)


def _stamp(path: Path) -> list[Any]:
    state = path.stat()
    return [str(path.resolve()), state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino]


class LogCache:
    """The kept log of one source, read in one way.

    Parameters
    ----------
    root : Path
        As ``cache_root`` returns it.
    sources : sequence of str
        Files, folders or globs that are one log.
    recipe : dict
        How it is read: plain values.
    beside : sequence of str
        Other files that the log depends on.
    """

    def __init__(
        self, root: Path, sources: Sequence[str], recipe: dict[str, Any], beside: Sequence[str] = ()
    ) -> None:
        self._sources, self._beside = tuple(sources), tuple(beside)
        self._stamps = stamps_of((*sources, *beside))
        depends_on = {
            "files": sorted({each[0] for each in self._stamps}),
            "sources": [str(Path(each).resolve()) for each in sources],
            "recipe": recipe,
            "format": FORMAT,
            "version": __version__,
        }
        digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()
        self._logs = root / LOGS
        self.folder = self._logs / digest[:32]

    def load(self) -> EventLog | None:
        """Return the log, None where it is not kept, is damaged, or its source has changed."""
        entry = _read_entry(self.folder)
        if not self._stamps or entry is None or not self._is_current(entry):
            return None
        log = open_log(self.folder / _LOG)
        if log is not None:
            with suppress(OSError):
                os.utime(self.folder)
        return log

    def _is_current(self, entry: dict[str, Any]) -> bool:
        if entry["stamps"] == self._stamps:
            return True
        sizes = [each[:2] for each in self._stamps]
        if self._beside or sizes != [each[:2] for each in entry["stamps"]]:
            return False
        if open_source(self._sources).fingerprint() != entry["fingerprint"]:
            return False
        with suppress(ExportError):
            write_text(self.folder / _ENTRY, json.dumps({**entry, "stamps": self._stamps}))
        return True

    def save(self, log: EventLog) -> None:
        """Keep a log, where there is room; what stands in the way is told and no reason to fail."""
        if not self._stamps or self._stamps != stamps_of((*self._sources, *self._beside)):
            return
        try:
            make_folder(self._logs)
            with _only_writer(self._logs) as is_mine:
                if is_mine and self._has_room(_bytes_of(log)):
                    shutil.rmtree(self.folder, ignore_errors=True)
                    write_whole_folder(self.folder, lambda folder: self._write(log, folder))
        except (ExportError, OSError) as fault:
            reason = str(fault).splitlines()[0]
            warnings.warn(f"The prepared log was not kept for the next start: {reason}", stacklevel=2)

    def _write(self, log: EventLog, folder: Path) -> None:
        (folder / _LOG).mkdir(mode=0o700)
        save_log(log, folder / _LOG)
        entry = {
            "source": ", ".join(str(Path(each).resolve()) for each in self._sources),
            "stamps": self._stamps,
            "fingerprint": log.fingerprint,
            "n_events": log.n_events,
            "kept_at": time.time(),
        }
        (folder / _ENTRY).write_text(json.dumps(entry), encoding="utf-8")

    def _has_room(self, n_bytes: int) -> bool:
        """Make room for a log, taking away those unused for longest; return whether there is enough."""
        for leftover in self._logs.glob(".*.*"):  # of a program that was killed while it wrote
            shutil.rmtree(leftover, ignore_errors=True)
        limit = cache_limit(self._logs)
        others = sorted(kept_logs(self._logs.parent), key=lambda each: each.used_at)
        taken = sum(each.n_bytes for each in others)
        for each in others:
            free = shutil.disk_usage(self._logs).free
            if taken + n_bytes <= limit and n_bytes + _SPARE_BYTES <= free:
                break
            if time.time() - each.used_at > _SPARED_SECONDS:
                shutil.rmtree(each.folder, ignore_errors=True)
                taken -= each.n_bytes
        free = shutil.disk_usage(self._logs).free
        if taken + n_bytes <= limit and n_bytes + _SPARE_BYTES <= free:
            return True
        warnings.warn(
            f"The prepared log ({n_bytes / 1e6:,.0f} MB) was not kept for the next start: "
            f"'{self._logs}' has {free / 1e6:,.0f} MB free, and may take {limit / 1e6:,.0f} MB.",
            stacklevel=3,
        )
        return False


def kept_logs(root: Path) -> list[KeptLog]:
    """Return the logs that are kept, the last used first.

    Parameters
    ----------
    root : Path
        As ``cache_root`` returns it.
    """
    found = []
    for folder in (root / LOGS).glob("[!.]*"):
        entry = _read_entry(folder)
        with suppress(OSError):
            found.append(
                KeptLog(
                    folder=folder,
                    source=str(entry["source"]) if entry else "damaged",
                    n_events=int(entry["n_events"]) if entry else 0,
                    n_bytes=folder_size(folder),
                    kept_at=float(entry["kept_at"]) if entry else folder.stat().st_mtime,
                    used_at=folder.stat().st_mtime,
                )
            )
    return sorted(found, key=lambda each: -each.used_at)


def clear_logs(root: Path, *, older_than_days: float = 0, dry_run: bool = False) -> list[KeptLog]:
    """Take away kept logs, and what killed programs left; return those that went, or would go.

    Parameters
    ----------
    root : Path
    older_than_days : float
        Since they were last used.
    dry_run : bool
        Take nothing away.

    Raises
    ------
    ExportError
        If another program is keeping a log there at this moment, or a folder cannot be removed.
    """
    limit = time.time() - older_than_days * 86_400
    gone = [each for each in kept_logs(root) if each.used_at <= limit]
    if dry_run or not (root / LOGS).is_dir():
        return gone
    with _only_writer(root / LOGS) as is_mine:
        if not is_mine:
            raise ExportError(f"Another persona-tui is writing to '{root}'.", hint="Wait for it.")
        for folder in (*(each.folder for each in gone), *(root / LOGS).glob(".*.*")):
            try:
                shutil.rmtree(folder)
            except OSError as fault:
                raise ExportError(f"'{folder}' cannot be removed: {fault.strerror or fault}.") from None
    return gone


def _read_entry(folder: Path) -> dict[str, Any] | None:
    try:
        entry: dict[str, Any] = json.loads((folder / _ENTRY).read_text(encoding="utf-8"))
        return entry if {"source", "stamps", "fingerprint", "n_events", "kept_at"} <= entry.keys() else None
    except (OSError, ValueError, AttributeError):
        return None


def _bytes_of(log: EventLog) -> int:
    """Return about how many bytes a log takes on disk."""
    return sum(
        24 * len(part.sequences.codes) + int(part.columns.estimated_size()) + 32 * part.sequences.n_users
        for part in log.parts
    )


@contextmanager
def _only_writer(logs: Path) -> Iterator[bool]:
    """Give whether nobody else writes there; while this lasts, nobody can begin to."""
    with held(logs / _LOCK) as other:
        yield other is None
