"""Attributes as the texts that steps compare, whatever type a format gives them."""

from __future__ import annotations

import polars as pl

from persona_tui.engine.errors import DataError


def as_texts(column: pl.Series) -> pl.Series:
    """Return values as text, whole numbers without a fraction, records as JSON.

    Parameters
    ----------
    column : Series

    Raises
    ------
    DataError
        If the values are lists, or bytes.

    Examples
    --------
    >>> as_texts(pl.Series([1.0, 2.5, None])).to_list()
    ['1', '2.5', None]
    """
    kind = column.dtype
    if isinstance(kind, pl.Struct):
        return column.struct.json_encode()
    if kind.is_nested() or kind == pl.Binary:
        raise DataError(f"Column '{column.name}' is of type {kind}, not text or numbers.")
    texts = column.cast(pl.String)
    return texts.str.strip_suffix(".0") if kind.is_float() else texts
