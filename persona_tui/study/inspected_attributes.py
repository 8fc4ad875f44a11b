"""What the columns beside user, time and event hold: their levels, and how many users have each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Final

import polars as pl

from persona_tui.engine.data.log_parts import LogPart

MOST_LEVELS: Final = 50
"""An attribute of more levels makes no groups; only its commonest levels are told."""
METADATA: Final = "metadata"
METADATA_READ: Final = 10_000
"""Metadata texts that are looked into for their keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedAttribute:
    """An attribute and its commonest levels.

    Parameters
    ----------
    name : str
    n_levels : int
        Different values, of all users.
    levels : tuple of (str, int)
        Value and number of users that ever have it, the commonest first; at most ``MOST_LEVELS``.
    n_users_without : int
        Users that never have a value.
    """

    name: str
    n_levels: int
    levels: tuple[tuple[str, int], ...]
    n_users_without: int


def inspect_attributes(parts: Iterable[LogPart]) -> tuple[InspectedAttribute, ...]:
    """Return the attributes of a log in the order of its columns.

    Parameters
    ----------
    parts : iterable of LogPart
        Users are whole.

    Notes
    -----
    One pass; O(N), in memory for the different pairs of user and value of one part.
    """
    counted: dict[str, list[pl.DataFrame]] = {}
    described: dict[str, int] = {}
    n_users = 0
    for part in parts:
        n_users += part.sequences.n_users
        user = pl.Series("__user__", part.sequences.users)
        for name in part.columns.columns:
            if name == METADATA:
                continue
            value = part.columns[name].cast(pl.String, strict=False).alias("level")
            pairs = pl.DataFrame([user, value]).drop_nulls().unique()
            described[name] = described.get(name, 0) + pairs["__user__"].n_unique()
            counted.setdefault(name, []).append(pairs.group_by("level").agg(n=pl.len()))
    return tuple(
        _attribute(name, pl.concat(each), n_users - described[name]) for name, each in counted.items()
    )


def _attribute(name: str, counts: pl.DataFrame, n_users_without: int) -> InspectedAttribute:
    totals = counts.group_by("level").agg(pl.col("n").sum()).sort(["n", "level"], descending=[True, False])
    return InspectedAttribute(
        name=name,
        n_levels=totals.height,
        levels=tuple(totals.head(MOST_LEVELS).rows()),
        n_users_without=n_users_without,
    )


def metadata_keys(parts: Iterable[LogPart]) -> tuple[str, ...]:
    """Return the keys of the first ``METADATA_READ`` metadata texts, sorted; empty where there are none.

    Parameters
    ----------
    parts : iterable of LogPart
    """
    keys: set[str] = set()
    texts = (text for part in parts if METADATA in part.columns.columns for text in part.columns[METADATA])
    for text in islice(texts, METADATA_READ):
        keys.update(_keys(text))
    return tuple(sorted(keys))


def _keys(text: str | None) -> Iterable[str]:
    try:
        read = json.loads(text or "null")
    except (ValueError, RecursionError):
        return ()
    return read if isinstance(read, dict) else ()
