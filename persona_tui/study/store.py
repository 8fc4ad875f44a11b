"""Files of a study: private, whole or absent, and written by one program at a time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from persona_tui.engine.errors import ExportError
from persona_tui.engine.files import write_whole
from persona_tui.study.locks import MARKER_SUFFIX, held

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


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_whole(path, lambda temporary: temporary.write_bytes(text.encode("utf-8", "backslashreplace")))


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Write a document as JSON, whole or not at all."""
    write_text(path, dump_json(document))


def dump_json(document: dict[str, Any]) -> str:
    """Return a document as JSON text that ends in a new line; floats carry 10 significant digits."""
    return json.dumps(_rounded(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, float):
        return float(f"{value:.10g}") + 0.0  # no negative zero
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, (list, tuple)) else value


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
