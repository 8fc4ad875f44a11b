"""The kinds of steps that act on users and their attributes."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.preparation.steps import PREPARATIONS, Doing
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.data.schema import CANONICAL
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.params import param, parse_segment

_KEYS_LOOKED_AT: Final = 200


@PREPARATIONS.register("where", help="Keep the rows in which an attribute has certain values.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Keep the rows in which an attribute has certain values."""

    segment: str = param(kind="segment", help="As device=mobile|tablet.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Filtering(self)


class _Filtering(Doing):
    changes_rows = True

    def __init__(self, step: Where) -> None:
        self._segment = step.segment
        self._name, self._values = parse_segment(step.segment)
        self.needs = frozenset({self._name})
        self._seen: set[str] = set()
        self._n_before = self._n_after = 0

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        _require_attribute(rows, self._name)
        texts = rows[self._name].cast(pl.String)
        if len(self._seen) < _KEYS_LOOKED_AT:
            self._seen.update(texts.drop_nulls().unique().head(_KEYS_LOOKED_AT).to_list())
        kept = rows.filter(texts.is_in(self._values))
        self._n_before += rows.height
        self._n_after += kept.height
        return kept

    def told(self) -> tuple[str, ...]:
        if not self._n_after:
            raise unknown_name(self._name, self._values[0], sorted(self._seen))
        n = self._n_before - self._n_after
        return (f"rows not in {self._segment} left out: {n:,} of {self._n_before:,} rows",)


def _require_attribute(rows: pl.DataFrame, name: str) -> None:
    known = [each for each in rows.columns if each not in {*CANONICAL, LINE}]
    if name not in known:
        raise unknown_name("attribute", name, known)


@PREPARATIONS.register("flatten", help="Make attributes of keys of the metadata.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Flatten:
    """Make attributes of keys of the metadata."""

    keys: tuple[str, ...] = param(kind="texts", help="Keys; a dot leads into what is nested, as plan.name.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Flattening(self)


class _Flattening(Doing):
    changes_rows = True
    needs = frozenset({"metadata"})

    def __init__(self, step: Flatten) -> None:
        self._keys = step.keys
        self._n_found = dict.fromkeys(step.keys, 0)
        self._known: Counter[str] = Counter()

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        if "metadata" not in rows.columns:
            raise DataError("flatten needs metadata, and the log has none.", hint="--column metadata=NAME")
        for key in self._keys:
            path = "$" + "".join(f"['{part}']" for part in key.split("."))
            taken = key in rows.columns
            values = rows["metadata"].str.json_path_match(path).alias(f"metadata.{key}" if taken else key)
            self._n_found[key] += values.len() - values.null_count()
            rows = rows.with_columns(values)
        if self._known.total() < _KEYS_LOOKED_AT:
            for text in rows["metadata"].drop_nulls().head(_KEYS_LOOKED_AT):
                self._known.update(_keys_of(text))
        return rows

    def told(self) -> tuple[str, ...]:
        for key, n in self._n_found.items():
            if not n:
                raise unknown_name("key of metadata", key, sorted(self._known))
        return tuple(
            f"metadata key '{key}' made an attribute: {n:,} rows" for key, n in self._n_found.items()
        )


def _keys_of(text: str) -> list[str]:
    try:
        held = json.loads(text)
    except ValueError:
        return []
    return list(held) if isinstance(held, dict) else []


@PREPARATIONS.register("join", help="Add the columns of a table of users as attributes.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Join:
    """Add the columns of a table of users as attributes."""

    table: str = param(kind="text", help="The table: a file of any format that logs have.")
    on: str = param(kind="text", default="user_id", help="Its column of user ids.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Joining(self)


class _Joining(Doing):
    changes_rows = True

    def __init__(self, step: Join) -> None:
        self._step = step
        self._users = _read_users(step)
        self._moved: set[str] = set()
        self._with, self._without = np.zeros(0, np.uint64), np.zeros(0, np.uint64)

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        users = self._users
        taken = [name for name in users.columns if name in rows.columns and name != _KEY]
        self._moved.update(taken)
        users = users.rename({name: f"users.{name}" for name in taken})
        ids = rows["user_id"].cast(pl.String)
        known = ids.is_in(users[_KEY].implode())
        self._with = np.union1d(self._with, _hashes(ids.filter(known).unique(), 0))
        self._without = np.union1d(self._without, _hashes(ids.filter(~known).unique(), 0))
        keyed = rows.with_columns(ids.alias(_KEY))
        return keyed.join(users, on=_KEY, how="left", maintain_order="left").drop(_KEY)

    def told(self) -> tuple[str, ...]:
        n, without = len(self._with) + len(self._without), len(self._without)
        said = [f"users joined with '{self._step.table}': {without:,} of {n:,} users are not in it"]
        said += [
            f"column '{name}' of '{self._step.table}' called 'users.{name}'" for name in sorted(self._moved)
        ]
        return tuple(said)


_KEY: Final = "__key__"


def _read_users(step: Join) -> pl.DataFrame:
    """Return the table with its key first, as text; a user twice in it is an error."""
    from persona_tui.engine.data.readers.sources import open_source  # noqa: PLC0415 - imports this package

    table = open_source(step.table)
    if step.on not in table.schema:
        raise unknown_name(f"column of '{step.table}'", step.on, list(table.schema))
    frame = pl.concat([batch.frame for batch in table.batches(list(table.schema))])
    frame = frame.with_columns(pl.col(step.on).cast(pl.String).str.strip_chars().alias(_KEY))
    twice = frame.filter(pl.col(_KEY).is_duplicated())
    if twice.height:
        user = twice[_KEY][0]
        lines = twice.filter(pl.col(_KEY) == user)[LINE].head(2).to_list()
        raise DataError(
            f"User '{user}' stands in '{step.table}' more than once (lines {lines[0]} and {lines[1]}).",
            hint="Keep one row a user.",
        )
    return frame.drop(step.on, LINE)


@PREPARATIONS.register("sample", help="Keep a share of the users, with all their events.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Keep a share of the users, with all their events."""

    share: float = param(low=1e-6, high=1.0, unit="share of users", help="About how many stay.")
    seed: int = param(default=0, low=0, high=2**32, help="Another one keeps other users.")

    def begin(self) -> Doing:
        """Return what acts on one log."""
        return _Sampling(self)


class _Sampling(Doing):
    changes_rows = True

    def __init__(self, step: Sample) -> None:
        self._step = step
        self._all, self._kept = np.zeros(0, np.uint64), np.zeros(0, np.uint64)

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        users = rows["user_id"].unique()
        hashes = _hashes(users.cast(pl.String), self._step.seed)
        stay = hashes < np.uint64(min(int(self._step.share * 2.0**64), 2**64 - 1))
        self._all = np.union1d(self._all, hashes)
        self._kept = np.union1d(self._kept, hashes[stay])
        return rows.filter(rows["user_id"].is_in(users.filter(pl.Series(stay)).implode()))

    def told(self) -> tuple[str, ...]:
        n, kept = len(self._all), len(self._kept)
        if not kept:
            raise DataError(
                f"A sample of {self._step.share:g} leaves none of {n:,} users.", hint="Raise share."
            )
        return (f"a sample: {100 * kept / n:.1f} % of users ({kept:,} of {n:,}), seed {self._step.seed}",)


def _hashes(users: pl.Series, seed: int) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    """Return a number in [0, 2**64) for each user, the same on every machine; about 1 µs each."""
    key = seed.to_bytes(8, "little")
    digests = b"".join(blake2b(user.encode(), digest_size=8, key=key).digest() for user in users.to_list())
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)
