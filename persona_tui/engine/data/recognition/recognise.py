"""Recognise what a table is: a vendor's schema, else by the names of its columns, else by what they hold."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from persona_tui.engine.data.readers.tables import Table
from persona_tui.engine.data.recognition.content import guess_columns
from persona_tui.engine.data.recognition.fields import as_json, field, shown
from persona_tui.engine.data.recognition.recognition import Recognition
from persona_tui.engine.data.recognition.vendors import SCHEMAS, Vendor
from persona_tui.engine.data.schema import CANONICAL, REQUIRED, SYNONYMS, detect_columns
from persona_tui.engine.errors import DataError, unknown_name

BY_VENDOR, BY_GIVEN, BY_NAMES = 1.0, 1.0, 0.7
_WORDS = {"user_id": "user", "session_id": "session", "timestamp": "time", "event_type": "event"}


def recognise(table: Table, *, given: Mapping[str, str] | None = None) -> Recognition:
    """Return how the columns of a table become those of an event log.

    Parameters
    ----------
    table : Table
    given : mapping, optional
        Canonical name to column, or to a dotted path into one, where it is not to be found out.

    Raises
    ------
    DataError
        If no user, time or event column is found, or one column is given for two parts.
    UnknownNameError
        If a given column is not in the table, or a part is none.
    """
    schema, head = table.schema, table.head()
    paths = _given_paths(schema, head, given or {})
    for name in SCHEMAS.names():
        vendor = SCHEMAS.get(name)(schema, head)
        if vendor is not None:
            return _of_vendor(name, vendor, schema, paths)
    return _of_columns(schema, head, paths)


def _given_paths(
    schema: pl.Schema, head: pl.DataFrame, given: Mapping[str, str]
) -> dict[str, tuple[str, pl.Expr]]:
    found: dict[str, tuple[str, pl.Expr]] = {}
    for part, path in given.items():
        if part not in CANONICAL:
            raise unknown_name("canonical column", part, CANONICAL)
        column, *keys = (path,) if path in schema else path.split(".")
        reached = field(schema, column, *keys)
        if reached is None:
            raise unknown_name("column", path, list(schema))
        if keys and part in REQUIRED and not head.select(reached.is_not_null().any()).item():
            raise DataError(
                f"Nothing stands at '{path}' in the first {head.height:,} rows.",
                hint=f"Look at what '{column}' holds, and name another: --column {part}=NAME",
            )
        twins = [other for other, (taken, _) in found.items() if taken == path]
        if twins:
            raise DataError(f"Column '{path}' cannot be both {part} and {twins[0]}.")
        found[part] = (path, reached)
    return found


def _of_vendor(
    name: str, vendor: Vendor, schema: pl.Schema, given: Mapping[str, tuple[str, pl.Expr]]
) -> Recognition:
    parts = {**vendor.parts, **given}
    for part, (where, _) in given.items():
        twins = [other for other in parts if other not in given and parts[other][0] == where]
        if twins:
            raise DataError(
                f"Column '{where}' cannot be both {part} and {twins[0]}.",
                hint=f"Name a column for {twins[0]} too: --column {twins[0]}=NAME",
            )
    told = ", ".join(f"{_WORDS.get(part, part)} {where}" for part, (where, _) in parts.items())
    moved = f" (given: {', '.join(given)})" if given else ""
    taken = {where for where, _ in parts.values()} | vendor.used
    shapes, notes = _with_attributes(parts, vendor.attributes, schema, taken)
    return Recognition(
        schema=name,
        confidence=BY_VENDOR,
        sentence=f"{vendor.title}: {told}{moved}.",
        columns={part: parts[part][0] for part in CANONICAL if part in parts},
        reads=_read_by(shapes, schema),
        shapes=shapes,
        duplicate_key=vendor.duplicate_key,
        time_unit=None if "timestamp" in given else vendor.time_unit,
        notes=(*vendor.notes, *notes),
    )


def _of_columns(
    schema: pl.Schema, head: pl.DataFrame, given: Mapping[str, tuple[str, pl.Expr]]
) -> Recognition:
    """Recognise by names, and what these leave open by content."""
    plain = {part: path for part, (path, _) in given.items() if path in schema}
    nested = {part: path for part, (path, _) in given.items() if path not in schema}
    names = [name for name in schema if name not in nested.values()]
    guessed: dict[str, str] = {}
    try:
        mapping = detect_columns(names, plain, without=tuple(nested))
        confidence, how = (BY_GIVEN, "given") if set(REQUIRED) <= set(given) else (BY_NAMES, "names")
    except DataError as fault:
        guess = guess_columns(head, plain, without=tuple(nested))
        if guess is None:
            raise fault from None
        guessed, confidence, how = guess.reasons, guess.confidence, "content"
        mapping = guess.columns
    parts = {part: (column, pl.col(column)) for part, column in mapping.items()} | dict(given)
    taken = {where for where, _ in parts.values()}
    shapes, notes = _with_attributes(parts, {}, schema, taken)
    return Recognition(
        schema=how,
        confidence=confidence,
        sentence=_sentence(how, parts, guessed),
        columns={part: parts[part][0] for part in CANONICAL if part in parts},
        reads=_read_by(shapes, schema),
        shapes=shapes,
        notes=(*notes, *_rivals(mapping, names, given)),
    )


def _sentence(how: str, parts: Mapping[str, tuple[str, pl.Expr]], guessed: Mapping[str, str]) -> str:
    told = ", ".join(f"{_WORDS.get(part, part)} '{where}'" for part, (where, _) in parts.items())
    if how == "given":
        return f"As given: {told}."
    if how == "names":
        return f"Recognised by the names of columns: {told}."
    why = "; ".join(guessed.values())
    return f"Recognised by content: {why}; say --column user_id=NAME if that is wrong."


def _rivals(
    mapping: Mapping[str, str], names: list[str], given: Mapping[str, tuple[str, pl.Expr]]
) -> list[str]:
    """Return which other columns could have played a part, by their names."""
    told = []
    for part in REQUIRED:
        others = [
            name for name in names if name.casefold() in SYNONYMS[part][:8] and name not in mapping.values()
        ]
        if others and part not in given and part in mapping:
            told.append(
                f"'{mapping[part]}' is taken as {_WORDS[part]}; {shown(others[:3])} could be it too "
                f"(--column {part}=NAME)"
            )
    return told


def _read_by(shapes: Mapping[str, pl.Expr], schema: pl.Schema) -> tuple[str, ...]:
    roots = {name for shape in shapes.values() for name in shape.meta.root_names()}
    return tuple(name for name in schema if name in roots)


def _with_attributes(
    parts: Mapping[str, tuple[str, pl.Expr]],
    attributes: Mapping[str, pl.Expr],
    schema: pl.Schema,
    taken: set[str],
) -> tuple[dict[str, pl.Expr], list[str]]:
    """Return canonical shapes, then attributes; one that is called as a part is gets another name."""
    shapes = {part: parts[part][1] for part in CANONICAL if part in parts}
    told = []
    for name in schema:
        if name in taken:
            continue
        called = name
        is_own = name.startswith("__") and name.endswith("__")  # as the columns that loading itself adds
        if name in CANONICAL or is_own:
            called = f"source_{name}"
            while called in schema:
                called = f"source_{called}"
            instead = "the name is reserved" if is_own else "it is no part of a log"
            if name in parts:
                instead = f"'{parts[name][0]}' is given as {name}"
            told.append(f"column '{name}' kept as '{called}': {instead}")
        shapes[called] = as_json(schema, name)
    return shapes | dict(attributes), told
