"""Write files so that they appear whole or not at all."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from persona_tui.engine.errors import ExportError


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file under another name, sync it and rename it, so that it appears whole or not at all.

    Parameters
    ----------
    path : Path
    write : callable
        Gets the temporary path and writes it.

    Raises
    ------
    ExportError
        If the disk is full or the folder cannot be written.
    """
    with _temporary_files([path]) as (temporary,), _told_of(path):
        write(temporary)
        _sync(temporary)
        temporary.replace(path)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    write_whole(path, lambda temporary: temporary.write_bytes(text.encode("utf-8", "backslashreplace")))


def dump_json(document: dict[str, Any]) -> str:
    """Return a document as JSON text that ends in a new line; floats carry 10 significant digits."""
    return json.dumps(_rounded(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _rounded(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, float):
        return float(f"{value:.10g}") + 0.0  # no negative zero
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, (list, tuple)) else value


def write_whole_folder(folder: Path, write: Callable[[Path], object]) -> None:
    """Write a folder under another name, sync and rename it, so that it appears whole or not at all.

    Parameters
    ----------
    folder : Path
        Must not exist.
    write : callable
        Gets the temporary folder and fills it.

    Raises
    ------
    ExportError
        If there is something of that name, the disk is full, or the folder above cannot be written.
    """
    if folder.exists():
        raise ExportError(f"'{folder}' exists already.", hint="Choose another folder, or move it away.")
    with _told_of(folder):
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        with _told_of(folder):
            write(temporary)
            for file in temporary.rglob("*"):
                if file.is_file():
                    _sync(file)
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def replace_all(copies: Mapping[Path, Path]) -> None:
    """Copy files over others; nothing is replaced before everything is copied.

    Parameters
    ----------
    copies : mapping
        Target to source.

    Raises
    ------
    ExportError
        If the disk is full or the folder cannot be written.
    """
    for target in copies:
        if target.exists() and not target.is_file():
            raise ExportError(f"'{target}' is not a file, so it cannot be replaced.", hint="Move it away.")
    with _temporary_files(list(copies)) as temporaries:
        for temporary, (target, source) in zip(temporaries, copies.items(), strict=True):
            with _told_of(target):
                shutil.copyfile(source, temporary)
                _sync(temporary)
        for temporary, target in zip(temporaries, copies, strict=True):
            with _told_of(target):
                temporary.replace(target)


@contextmanager
def _temporary_files(paths: list[Path]) -> Iterator[list[Path]]:
    """Give new files beside some paths; what is left of them in the end is taken away."""
    made: list[Path] = []
    try:
        for path in paths:
            with _told_of(path):
                handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
                os.close(handle)
            made.append(Path(name))
        yield made
    finally:
        for each in made:
            each.unlink(missing_ok=True)


@contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """Turn a failure to write into one that names the file."""
    try:
        yield
    except ExportError:
        raise
    except OSError as fault:
        raise ExportError(
            f"'{path}' cannot be written: {fault.strerror or fault}.",
            hint="Free some space or choose another folder.",
        ) from None


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
