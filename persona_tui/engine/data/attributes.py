"""Attributes: what a log says of its users beside what they did, one value a user.

They take no part in finding personas; they say who is touched by a change, and how groups of
users compare.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from persona_tui.engine.data.schema import CANONICAL
from persona_tui.engine.data.sequences import Sequences, in_user_order
from persona_tui.engine.data.unit_events import first_places
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.params import parse_segment
from persona_tui.engine.types import BoolArray, IntArray

UNKNOWN: Final = "unknown"
MAX_NUMBERS: Final = 50
"""Different whole numbers; more are a quantity, not groups."""
MAX_TEXTS: Final = 1_000
"""Different texts; more tell users apart, not groups."""

_JSON_BLANKS: Final = " \t\n\r"
_DECODE: Final = json.JSONDecoder().raw_decode  # half the time of json.loads


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attributes:
    """The attributes of users that fall into groups.

    Parameters
    ----------
    table : DataFrame
        ``user_id``, in the order of the sequences, then a column of text for each attribute.
    left_out : dict
        Name of what the log says of users but has no groups, to the reason.
    """

    table: pl.DataFrame
    left_out: Mapping[str, str]

    @property
    def user_ids(self) -> tuple[str, ...]:
        """Return the users, length U."""
        return tuple(self.table["user_id"].to_list())

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the attributes."""
        return tuple(name for name in self.table.columns if name != "user_id")

    def values_of(self, name: str) -> dict[str, int]:
        """Return the values of an attribute with the number of users of each, the most common first.

        Raises
        ------
        UnknownNameError
            If there is no such attribute.
        DataError
            If it has no groups.
        """
        self._require(name)
        counts = self.table[name].alias("value").value_counts(name="n_users")
        return dict(counts.sort("n_users", "value", descending=[True, False]).iter_rows())

    def in_segment(self, text: str) -> BoolArray:
        """Return which users are in a segment, shape (U,).

        Parameters
        ----------
        text : str
            ``attribute=value``, several values split by ``|``; names quoted as in an effect.

        Raises
        ------
        UnknownNameError
            If there is no such attribute, or no user with a value.
        DataError
            If it is no segment, the attribute has no groups, or several values are unknown.
        """
        try:
            name, values = parse_segment(text)
        except ValueError as fault:
            raise DataError(f"Segment {fault}", hint="For example: device=mobile|tablet") from None
        self._require(name)
        known = list(self.values_of(name))
        errors = [unknown_name(name, value, known) for value in values if value not in known]
        if len(errors) > 1:
            raise DataError(" ".join(error.message for error in errors))
        if errors:
            raise errors[0]
        inside: BoolArray = self.table[name].is_in(values).to_numpy()
        return inside

    def _require(self, name: str) -> None:
        if name in self.left_out:
            raise DataError(
                f"Attribute '{name}' {self.left_out[name]}, so it has no groups.",
                hint="Add a column to the log that names groups of it, such as bands.",
            )
        if name not in self.names:
            raise unknown_name("attribute", name, self.names)


def attribute_columns(events: pl.DataFrame) -> tuple[str, ...]:
    """Return the columns of a log that are not canonical."""
    return tuple(name for name in events.columns if name not in CANONICAL)


def attributes_of(
    events: pl.DataFrame, sequences: Sequences, *, completion: frozenset[str] | set[str] = frozenset()
) -> Attributes:
    """Return the attributes of the users of a log.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.
    sequences : Sequences
        Of the same log.
    completion : set of str
        Events that convert.

    Returns
    -------
    attributes_by_user : Attributes
        From columns that are not canonical and from the keys of ``metadata`` that hold no lists or
        objects. An attribute that varies within a user takes the user's first value in time, of the
        events before the user's first completion: what is known at completion only, such as how an
        order was paid, is an outcome. Who has no value by then, or an empty one, is ``unknown``; so is
        whose first event is the completion. Text, true and false, and whole numbers of at
        most 50 values make groups; what does not is left out with the reason.

    Raises
    ------
    DataError
        If the sequences are not of the same users.
    UnknownNameError
        If a completion event is not in the log.

    Notes
    -----
    O(N) where rows stand user by user in time order, else a sort; and one JSON object read for each
    distinct ``metadata`` text: 4 s a million.

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> from persona_tui.engine.data.sequences import encode_sequences
    >>> day = [datetime(2026, 1, each, tzinfo=UTC) for each in (1, 2, 3)]
    >>> log = pl.DataFrame({"user_id": ["a", "a", "b"], "session_id": ["1", "2", "3"], "timestamp": day,
    ...     "event_type": ["x", "y", "x"], "device": [None, "mobile", "desktop"]})
    >>> attributes = attributes_of(log, encode_sequences(log))
    >>> attributes.in_segment("device=mobile")
    array([ True, False])
    """
    sequences.positions(completion)  # refuses unknown names
    ordered = in_user_order(events)
    ids = ordered["user_id"]
    begins = ids.ne_missing(ids.shift()).to_numpy()
    if tuple(ids.filter(begins)) != sequences.user_ids:
        raise DataError(
            "The sequences are not those of the users in the log.", hint="Encode the same events."
        )
    names = attribute_columns(events)
    described = [ordered[name] for name in names]
    if "metadata" in events.columns:
        described += _metadata_columns(ordered["metadata"], names)
    users = np.cumsum(begins) - 1
    before = _before_completion(ordered["event_type"].is_in(sorted(completion)).to_numpy(), users)
    table: dict[str, pl.Series] = {"user_id": pl.Series(sequences.user_ids, dtype=pl.String)}
    left_out: dict[str, str] = {}
    for values in described:
        groups = _groups_of_users(values, users, before)
        if isinstance(groups, str):
            left_out[values.name] = groups
        else:
            table[values.name] = groups
    return Attributes(table=pl.DataFrame(table), left_out=left_out)


def _before_completion(completes: BoolArray, users: IntArray) -> BoolArray:
    """Return which rows, user by user in time order, come before the user's first that converts."""
    firsts = first_places(completes, users, int(users[-1]) + 1).fill_null(len(users)).to_numpy()
    before: BoolArray = np.arange(len(users)) < firsts[users]
    return before


def _groups_of_users(values: pl.Series, users: IntArray, before: BoolArray) -> pl.Series | str:
    """Return the first value of each user before completion, or why they make no groups."""
    known = values.is_not_null().to_numpy()
    if values.dtype == pl.String:
        known = known & (values != "").fill_null(value=False).to_numpy()
    usable = known & before
    if known.any() and not usable.any():
        return "is first known at completion"
    return _groups(values.gather(first_places(usable, users, int(users[-1]) + 1)))


def _groups(values: pl.Series) -> pl.Series | str:
    """Return the values of users as text, or why they make no groups."""
    kind, most = values.dtype, MAX_TEXTS
    if kind.is_numeric():
        numbers, most = values.cast(pl.Float64).fill_nan(None), MAX_NUMBERS
        if not (numbers.drop_nulls() % 1 == 0).all():
            return "is a number with fractions"
        values = numbers.cast(pl.Int64)
    elif kind == pl.Null:
        return "has no value"
    elif not isinstance(kind, (pl.Boolean, pl.String, pl.Enum, pl.Categorical)):
        return f"is of type {kind}"
    texts = values.cast(pl.String)
    n_values = texts.drop_nulls().n_unique()
    if not n_values:
        return "has no value"
    if n_values > most:
        return f"has {n_values:,} different values"
    return texts.fill_null(UNKNOWN)


def _metadata_columns(metadata: pl.Series, taken: Collection[str]) -> list[pl.Series]:
    """Return the keys of JSON objects as columns; one whose name is taken is called ``metadata.key``."""
    distinct = metadata.unique().drop_nulls().cast(pl.String)
    found: dict[str, list[Any]] = {}
    for place, text in enumerate(distinct):
        for key, value in _scalars(text):
            if key not in found:
                found[key] = [None] * len(distinct)
            found[key][place] = value
    read = pl.DataFrame(
        {
            "__text__": distinct,
            **{
                f"metadata.{key}" if key in {*taken, *CANONICAL} else key: _column(found[key])
                for key in sorted(found)
            },
        }
    )
    rows = metadata.cast(pl.String).alias("__text__").to_frame()
    return rows.join(read, on="__text__", how="left", maintain_order="left").drop("__text__").get_columns()


def _scalars(text: str) -> Iterator[tuple[str, Any]]:
    """Yield the keys of a JSON object that hold text, numbers or truth; none of what is no object."""
    text = text.strip(_JSON_BLANKS)
    try:
        held, end = _DECODE(text)
    except ValueError:
        return
    if end == len(text) and isinstance(held, dict):
        for key, value in held.items():
            if isinstance(value, (str, int, float)):
                yield key, value


def _column(values: list[Any]) -> pl.Series:
    """Return JSON values as numbers where all of them are, else as text."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= {int, float}:
        return pl.Series(values, dtype=pl.Float64, strict=False)
    if kinds == {str}:
        return pl.Series(values, dtype=pl.String)
    return pl.Series([_text(each) for each in values], dtype=pl.String)


def _text(value: Any) -> str | None:  # noqa: ANN401 - any scalar of JSON
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value)
