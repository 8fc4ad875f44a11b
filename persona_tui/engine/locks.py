"""Locks between programs, on file systems that know locks and on those that do not."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP})
"""What a network file system answers that is mounted without locks."""
MARKER_SUFFIX: Final = ".held"
_TO_TAKE_OVER: Final = 0.3
"""Seconds; the marker of a process that has ended is found out at the first try, and taken at the next."""


@contextmanager
def held(path: Path, patience: float = 0.0) -> Iterator[Path | None]:
    """Hold a lock without waiting for another program to end.

    Parameters
    ----------
    path : Path
        The lock's file; it stays.
    patience : float
        Seconds to wait for one who holds it briefly.

    Yields
    ------
    Path or None
        None where the lock is held here; else what shows that another program holds it.

    Raises
    ------
    OSError
        If nothing can be written there.

    Notes
    -----
    The kernel's lock goes with the process; any of its threads may let go. Where the file system has
    none, a marker with process and host beside it stands for it: one of a process of this host that has
    ended is taken over, one of another host is not.
    """
    from filelock import FileLock, SoftFileLock, Timeout  # noqa: PLC0415 - 0.05 s

    lock: FileLock | SoftFileLock = FileLock(
        path, timeout=patience, fallback_to_soft=False, thread_local=False
    )
    try:
        try:
            lock.acquire()
        except (OSError, NotImplementedError) as fault:
            if isinstance(fault, Timeout) or not _has_no_locks(fault):
                raise
            lock = SoftFileLock(
                path.with_name(path.name + MARKER_SUFFIX),
                timeout=max(_TO_TAKE_OVER, patience),
                thread_local=False,
            )
            lock.acquire()
    except Timeout:
        yield Path(lock.lock_file)
        return
    try:
        yield None
    finally:
        lock.release()


def _has_no_locks(fault: BaseException) -> bool:
    return isinstance(fault, NotImplementedError) or getattr(fault, "errno", None) in _NO_LOCKS
