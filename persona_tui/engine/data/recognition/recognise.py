"""Recognise what a table is."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from persona_tui.engine.data.readers.tables import Table
from persona_tui.engine.data.recognition.recognition import Recognition
from persona_tui.engine.data.schema import CANONICAL, detect_columns


def recognise(table: Table, *, given: Mapping[str, str] | None = None) -> Recognition:
    """Return how the columns of a table become those of an event log."""
    names = list(table.schema)
    mapping = detect_columns(names, given)
    parts = {column: part for part, column in mapping.items()}
    shapes, told = {}, []
    for name in names:
        called = parts.get(name, name)
        if name not in parts and name in CANONICAL:
            called = f"source_{name}"
            while called in names:
                called = f"source_{called}"
            told.append(f"column '{name}' kept as '{called}': '{mapping[name]}' is given as {name}")
        shapes[called] = pl.col(name)
    return Recognition(
        schema="names",
        confidence=0.7,
        sentence="Recognised by the names of columns.",
        columns=mapping,
        reads=tuple(names),
        shapes=shapes,
        notes=tuple(told),
    )
