"""Temporary folders that a process owns by a lock, so that those of killed ones can be told and swept."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

from persona_tui.engine.locks import held

PREFIX: Final = "persona-tui-work-"
_OWNER: Final = ".owner"
_SPARED_SECONDS: Final = 60
"""A folder so young may be one whose owner is about to lock it."""


class WorkingFolder:
    """A private temporary folder, gone with ``close``, with the object, or at the next start after a kill.

    Parameters
    ----------
    above : Path, optional
        Exists; ``temporary_folder()`` without it.

    Attributes
    ----------
    path : Path

    Raises
    ------
    OSError
        If nothing can be written there.
    """

    def __init__(self, above: Path | None = None) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=above or temporary_folder()))
        ownership = ExitStack()
        self._close = weakref.finalize(self, _remove, self.path, ownership)
        (self.path / _OWNER).touch(mode=0o600)
        ownership.enter_context(held(self.path / _OWNER))

    def close(self) -> None:
        """Take the folder away with all that is in it."""
        self._close()


def _remove(path: Path, ownership: ExitStack) -> None:
    shutil.rmtree(path, ignore_errors=True)
    ownership.close()


def temporary_folder() -> Path:
    """Return where large temporary files go: ``PERSONA_TUI_CACHE_DIR``, or the system's own place."""
    given = os.environ.get("PERSONA_TUI_CACHE_DIR")
    if not given:
        return Path(tempfile.gettempdir())
    folder = Path(given)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def abandoned_folders(above: Path) -> Iterator[Path]:
    """Yield this user's working folders that no living process owns.

    Parameters
    ----------
    above : Path
        May be shared with others: their folders are not touched, nor are links.

    Notes
    -----
    While one is yielded its lock is held here, so that two sweepers do not meet.
    """
    for folder in sorted(above.glob(f"{PREFIX}*")):
        with suppress(OSError):
            state = folder.lstat()
            is_mine = not hasattr(os, "getuid") or state.st_uid == os.getuid()
            if folder.is_symlink() or not is_mine or time.time() - state.st_mtime < _SPARED_SECONDS:
                continue
            with held(folder / _OWNER) as other:
                if other is None:
                    yield folder
            os.utime(folder, ns=(state.st_atime_ns, state.st_mtime_ns))  # to look at it makes it no younger


def sweep(above: Path) -> int:
    """Take away the working folders that ``abandoned_folders`` yields; return how many.

    Parameters
    ----------
    above : Path
    """
    n = 0
    for folder in abandoned_folders(above):
        shutil.rmtree(folder, ignore_errors=True)
        n += 1
    return n
