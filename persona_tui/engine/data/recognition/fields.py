"""Reach what is nested in a column, whether it is a record or JSON text."""

from __future__ import annotations

import json

import polars as pl

from persona_tui.engine.text import printable


def field(schema: pl.Schema, column: str, *keys: str) -> pl.Expr | None:
    """Return what stands under some keys of a column as text or as it is; None where it cannot be there.

    Parameters
    ----------
    schema : Schema
        Of the table.
    column : str
    *keys : str
        From the outermost; without any, the column itself.
    """
    if column not in schema:
        return None
    kind, found = schema[column], pl.col(column)
    if any(not key or "'" in key for key in keys):  # no path can name them
        return None
    if isinstance(kind, pl.String) and keys:
        return found.str.json_path_match("$" + "".join(f"[{json.dumps(key)}]" for key in keys))
    for key in keys:
        if not isinstance(kind, pl.Struct):
            return None
        inner = {each.name: each.dtype for each in kind.fields}
        if key not in inner:
            return None
        found, kind = found.struct.field(key), inner[key]  # type: ignore[assignment]
    return found


def has_field(schema: pl.Schema, head: pl.DataFrame, column: str, *keys: str) -> bool:
    """Return whether some of the first rows have a value there."""
    found = field(schema, column, *keys)
    return found is not None and head.select(found.is_not_null().any()).item() is True


def parameter(schema: pl.Schema, column: str, key: str) -> pl.Expr | None:
    """Return the value of a key in a list of ``{key, value: {string_value, int_value, …}}``, as text."""
    if column not in schema:
        return None
    kind = schema[column]
    if isinstance(kind, pl.String):
        base = f"$[?(@.key=='{key}')].value."
        found = [pl.col(column).str.json_path_match(base + each) for each in ("int_value", "string_value")]
        return pl.coalesce(found)
    if not isinstance(kind, pl.List) or not isinstance(kind.inner, pl.Struct):
        return None
    mine = pl.col(column).list.filter(pl.element().struct.field("key") == key)
    value = mine.list.first().struct.field("value")
    inner = next((each.dtype for each in kind.inner.fields if each.name == "value"), None)
    if not isinstance(inner, pl.Struct):
        return None
    names = [each.name for each in inner.fields if each.name in {"int_value", "string_value"}]
    return pl.coalesce(value.struct.field(name).cast(pl.String) for name in names)


def as_json(schema: pl.Schema, column: str) -> pl.Expr:
    """Return a column as text: records and lists as JSON."""
    kind, found = schema[column], pl.col(column)
    if isinstance(kind, pl.Struct):
        return pl.when(found.is_not_null()).then(found.struct.json_encode())
    if isinstance(kind, pl.List):
        packed = pl.struct(found.alias("items")).struct.json_encode()
        return pl.when(found.is_not_null()).then(packed.str.slice(len('{"items":')).str.head(-1))
    return found


def first_given(*choices: pl.Expr | None) -> pl.Expr:
    """Return the first value that is there and not blank, as text."""
    texts = [each.cast(pl.String) for each in choices if each is not None]
    return pl.coalesce(pl.when(text.str.strip_chars() != "").then(text) for text in texts)


def shown(names: list[str]) -> str:
    """Return names of columns as a sentence holds them."""
    return ", ".join(map(printable, names))
