"""The files in which a study keeps its personas and what it settled about them: ``personas/``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from persona_tui.study.kept_personas import KeptPersona, KeptPersonas, name_fault
from persona_tui.study.places import Faults, Place
from persona_tui.study.store import make_folder, write_text
from persona_tui.study.tables import is_whole, read_table, read_text
from persona_tui.study.toml_files import read_toml, require_no_faults

PERSONAS_FILE: Final = Path("personas") / "personas.toml"
"""Inside a study or a run."""
_TABLES: Final = "personas"
_KEYS: Final = ("generated", "name", "place", "excluded")
_HEAD: Final = "# What personas are called, as persona-tui personas --rename and --pin keep it.\n"
_HEAD_EXCLUDED: Final = "# Users of those that are excluded, by --exclude, are left out of predictions.\n"


def read_kept_personas(folder: Path, *, settled_for_good: bool = False) -> KeptPersonas:
    """Return what a study or a run settled and knows of its personas; nothing where it has no such files.

    Parameters
    ----------
    folder : Path
    settled_for_good : bool
        Whether it is a run.

    Raises
    ------
    DataError
        If a file cannot be read, or something in it has no meaning; every fault is named with its line.
    """
    from persona_tui.study.reference import read_references  # noqa: PLC0415 - 0.3 s with numpy

    path = folder / PERSONAS_FILE
    personas: tuple[KeptPersona, ...] = ()
    if path.is_file():
        text, given = read_toml(path)
        faults = Faults()
        personas = _read_personas(read_table(given, (_TABLES,), (), faults).get(_TABLES, []), faults)
        require_no_faults(faults, path, text)
    return KeptPersonas(
        folder=folder,
        personas=personas,
        references=read_references(folder),
        settled_for_good=settled_for_good,
    )


def _read_personas(value: object, faults: Faults) -> tuple[KeptPersona, ...]:
    if not isinstance(value, list):
        faults.add((_TABLES,), f"{_TABLES} must be a list of tables.")
        return ()
    read = tuple(_read_persona(each, (_TABLES, number), faults) for number, each in enumerate(value))
    for key in ("generated", "called", "place"):
        seen = set()
        for number, each in enumerate(read):
            part = getattr(each, key)
            if part in seen and part:
                faults.add((_TABLES, number), f"'{part}' stands for two personas.")
            seen.add(part)
    return read


def _read_persona(value: object, place: Place, faults: Faults) -> KeptPersona:
    table = read_table(value, _KEYS, place, faults)
    generated, name = (read_text(table, key, place, faults) for key in ("generated", "name"))
    if not generated:
        faults.add(place, "generated must be the name that the fit gives the persona.")
    if name and (fault := name_fault(name)):
        faults.add((*place, "name"), fault)
    excluded = table.get("excluded", False)
    if not isinstance(excluded, bool):
        faults.add((*place, "excluded"), "excluded must be true or false.")
    return KeptPersona(
        generated=generated, name=name, place=_read_place(table, place, faults), excluded=excluded is True
    )


def _read_place(table: Mapping[str, Any], place: Place, faults: Faults) -> int | None:
    number = table.get("place")
    if number is None or (is_whole(number) and number >= 1):
        return number
    faults.add((*place, "place"), "place must be a whole number from 1.")
    return None


def write_kept_personas(folder: Path, personas: Sequence[KeptPersona]) -> Path:
    """Write what is settled about the personas of a study or of a run, whole or not at all.

    Raises
    ------
    ExportError
        If the folder cannot be written.
    """
    import tomli_w  # noqa: PLC0415 - only writing needs it

    path = folder / PERSONAS_FILE
    make_folder(path.parent)
    head = _HEAD + (_HEAD_EXCLUDED if any(each.excluded for each in personas) else "")
    write_text(path, head + tomli_w.dumps({_TABLES: tables_of(personas)}))
    return path


def tables_of(personas: Sequence[KeptPersona]) -> list[dict[str, Any]]:
    """Return what is settled about personas as tables of a file; what is left open is left out."""
    return [{key: value for key in _KEYS if (value := getattr(each, key))} for each in personas]
