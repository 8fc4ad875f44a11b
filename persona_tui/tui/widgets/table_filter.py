"""The filter of a table: what is typed, as a condition on the rows of a frame.

``text`` keeps rows in which any column of text holds it, whatever the case; ``column:text`` looks in one;
``column>number`` (also ``<``, ``>=``, ``<=``, ``=``, ``!=``) compares, times with a date in UTC. A name that
is no column is text like any other.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from persona_tui.engine.errors import DataError

if TYPE_CHECKING:
    import polars as pl

_COMPARISONS: Final[dict[str, Callable[[pl.Expr, Any], pl.Expr]]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
    "=": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}
_SIGNS: Final = (*_COMPARISONS, ":")


def condition(frame: pl.DataFrame, text: str) -> pl.Expr | None:
    """Return the condition that a filter sets, none where it is empty or not yet complete."""
    text = text.strip()
    term = _term(frame.columns, text)
    if term is None:
        return _anywhere(frame, text) if text else None
    name, sign, value = term
    if not value:
        return None
    dtype = frame.schema[name]
    if dtype.is_numeric():
        return _numbers(name, sign, value)
    if dtype.is_temporal() and dtype.base_type().__name__ in {"Date", "Datetime"}:
        return _times(name, sign, value)
    return _texts(name, sign, value)


def _term(names: list[str], text: str) -> tuple[str, str, str] | None:
    """Return column, sign and value where the text starts with a column and a sign; the longest name wins."""
    folded = text.casefold()
    for name in sorted(names, key=len, reverse=True):
        if name and folded.startswith(name.casefold()):
            rest = text[len(name) :].lstrip()
            for sign in _SIGNS:
                if rest.startswith(sign):
                    return name, sign, rest[len(sign) :].strip()
    return None


def _anywhere(frame: pl.DataFrame, text: str) -> pl.Expr:
    import polars as pl  # noqa: PLC0415 - 0.1 s, a frame has loaded it

    holders = [name for name, dtype in frame.schema.items() if is_text(dtype)]
    if not holders:
        raise DataError("No column holds text.", hint="Name a column: column>number, or column:value.")
    return pl.any_horizontal(*(_holds(pl.col(name).cast(pl.String), text) for name in holders))


def _numbers(name: str, sign: str, value: str) -> pl.Expr:
    import polars as pl  # noqa: PLC0415 - 0.1 s, a frame has loaded it

    bound = _number(value)
    if bound is None:
        raise DataError(f"{value!r} is no number.", hint=f"{name!r} holds numbers: {name}>10, {name}=10.")
    return _comparison(sign)(pl.col(name), bound)


def _times(name: str, sign: str, value: str) -> pl.Expr:
    import polars as pl  # noqa: PLC0415 - 0.1 s, a frame has loaded it

    times = pl.col(name).cast(pl.Datetime("us")) if sign not in {":", "=", "!="} else pl.col(name)
    if sign in {":", "=", "!="}:
        shown = times.cast(pl.Datetime("us")).dt.to_string("%Y-%m-%d %H:%M:%S%.6f")
        starts = shown.str.starts_with(value.replace("T", " "))
        return ~starts if sign == "!=" else starts
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise DataError(
            f"{value!r} is no date.", hint=f"{name!r} holds times: {name}>2024-01-31, or {name}:2024-01."
        ) from None
    moment = moment.astimezone(UTC).replace(tzinfo=None) if moment.tzinfo else moment
    return _comparison(sign)(times, moment)


def _texts(name: str, sign: str, value: str) -> pl.Expr:
    import polars as pl  # noqa: PLC0415 - 0.1 s, a frame has loaded it

    texts = pl.col(name).cast(pl.String)
    if sign == ":":
        return _holds(texts, value)
    if sign in {"=", "!="}:
        return _comparison(sign)(texts, value)
    raise DataError(
        f"{name!r} holds text, it has no {sign}.", hint=f"Write {name}:{value} or {name}={value}."
    )


def _comparison(sign: str) -> Callable[[pl.Expr, Any], pl.Expr]:
    return _COMPARISONS.get(sign, operator.eq)


def _holds(texts: pl.Expr, text: str) -> pl.Expr:
    import polars as pl  # noqa: PLC0415 - 0.1 s, a frame has loaded it

    return texts.str.contains("(?i)" + pl.escape_regex(text))


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        try:
            return kind(text.replace(",", ""))
        except ValueError:
            continue
    return None


def is_text(dtype: pl.DataType) -> bool:
    """Return whether values of a type are text that an analyst reads."""
    return dtype.base_type().__name__ in {"String", "Categorical", "Enum"}
