"""Files of a study: private, whole or absent, and written by one program at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from persona_tui.engine.errors import ExportError
from persona_tui.engine.files import dump_json, write_text
from persona_tui.engine.locks import MARKER_SUFFIX, held

__all__ = ["dump_json", "locked", "make_folder", "write_json", "write_text"]

PRIVATE_FOLDER = 0o700
_LOCK = ".lock"


def make_folder(path: Path) -> Path:
    """Create a private folder, and those above it, where they are missing.

    Raises
    ------
    ExportError
        If it cannot be created.
    """
    try:
        path.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    except OSError as fault:
        raise ExportError(
            f"The folder '{path}' cannot be created: {fault.strerror or fault}.",
            hint="Choose another --output.",
        ) from None
    return path


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document as JSON, whole or not at all."""
    write_text(path, dump_json(document))


@contextmanager
def locked(study: Path, patience: float = 0.0) -> Iterator[None]:
    """Keep other programs out of a study.

    Parameters
    ----------
    study : Path
    patience : float
        Seconds to wait for one who writes briefly.

    Raises
    ------
    ExportError
        If another program is writing to it.
    """
    with ExitStack() as stack:
        try:
            other = stack.enter_context(held(study / _LOCK, patience))
        except OSError as fault:
            raise ExportError(
                f"'{study}' cannot be written: {fault.strerror or fault}.", hint="Choose another --output."
            ) from None
        if other:
            hint = "Wait for it, or choose another --output."
            if other.name.endswith(MARKER_SUFFIX):
                hint += f" If it was on another machine and has ended, delete '{other}'."
            raise ExportError(f"Another persona-tui is writing to '{study}'.", hint=hint)
        yield
