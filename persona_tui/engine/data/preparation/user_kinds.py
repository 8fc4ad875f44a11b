"""The kinds of steps that act on users and their attributes; ``join`` stands in ``user_tables``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import polars as pl

from persona_tui.engine.data.preparation import user_tables  # noqa: F401 - registers its kind
from persona_tui.engine.data.preparation.attribute_texts import as_texts
from persona_tui.engine.data.preparation.distinct import DistinctHashes
from persona_tui.engine.data.preparation.steps import PREPARATIONS, Doing, free_name
from persona_tui.engine.data.schema import CANONICAL
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.params import param, parse_segment

_SHOWN: Final = 200
"""How many known values or keys a near one is sought among."""
_REMEMBERED: Final = 2**21
"""How many users a sample remembers, so as not to draw them again in the next batch; some 100 MB."""


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
        self._known: set[str] = set()
        self._found: set[str] = set()
        self._n_before = self._n_after = 0

    def settle(self, names: tuple[str, ...]) -> tuple[str, ...]:
        known = [name for name in names if name not in CANONICAL]
        if self._name not in known:
            raise unknown_name("attribute", self._name, known)
        return names

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        distinct = as_texts(rows[self._name].unique()).drop_nulls()
        self._found.update(distinct.filter(distinct.is_in(self._values)).to_list())
        if len(self._known) < _SHOWN:
            self._known.update(distinct.sort().head(_SHOWN).to_list())
        kept = rows.filter(as_texts(rows[self._name]).is_in(self._values))
        self._n_before += rows.height
        self._n_after += kept.height
        return kept

    def told(self) -> tuple[str, ...]:
        for value in self._values:
            if value not in self._found:
                raise unknown_name(self._name, value, sorted(self._known))
        n = self._n_before - self._n_after
        return (f"rows not in {self._segment} left out: {n:,} of {self._n_before:,} rows",)


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

    def __init__(self, step: Flatten) -> None:
        self.needs = frozenset({"metadata"})
        self._keys = tuple(dict.fromkeys(step.keys))
        self._names: dict[str, str] = {}
        self._n_found = dict.fromkeys(self._keys, 0)
        self._known: set[str] = set()
        self._example = ""
        self._n_rows = 0

    def settle(self, names: tuple[str, ...]) -> tuple[str, ...]:
        if "metadata" not in names:
            raise DataError(
                "flatten needs metadata, and the log has none.",
                hint="Name its column: --column metadata=NAME",
            )
        for key in self._keys:
            self._names[key] = free_name(key, "metadata.", names)
            names = (*names, self._names[key])
        return names

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        written = as_texts(rows["metadata"])
        self._n_rows += rows.height
        if len(self._known) < _SHOWN:
            for text in written.drop_nulls().head(_SHOWN):
                self._example = self._example or text
                self._known.update(_keys_of(text))
        values = [_values(written, key).alias(name) for key, name in self._names.items()]
        for key, found in zip(self._names, values, strict=True):
            self._n_found[key] += found.len() - found.null_count()
        return rows.with_columns(values)

    def told(self) -> tuple[str, ...]:
        for key, n in self._n_found.items():
            if not n and not self._known:
                raise DataError(
                    f"flatten needs metadata that is JSON, as {{\"{key}\": 1}}; it is '{self._example}'."
                )
            if not n and key in self._known:
                raise DataError(f"Key '{key}' of the metadata has no value in any row.")
            if not n:
                raise unknown_name("key of metadata", key, sorted(self._known))
        return tuple(
            f"metadata key '{key}' made attribute '{self._names[key]}': {n:,} of {self._n_rows:,} rows"
            for key, n in self._n_found.items()
        )


def _values(written: pl.Series, key: str) -> pl.Series:
    """Return what a key holds: the key as it stands, or else what its dots lead to."""
    plain = written.str.json_path_match(_path(key))
    if "." not in key or not plain.null_count():
        return plain
    return plain.zip_with(plain.is_not_null(), written.str.json_path_match(_path(*key.split("."))))


def _path(*keys: str) -> str:
    """Return keys, each in the record of the one before, as JSONPath."""
    parts = [key.replace("\\", "\\\\").replace("'", "\\'") for key in keys]
    return "$" + "".join(f"['{part}']" for part in parts)


def _keys_of(text: str) -> Iterator[str]:
    """Yield the keys of a JSON record, those of nested ones with a dot."""
    try:
        held = json.loads(text)
    except ValueError:
        return
    yield from _paths(held)


def _paths(held: Any, before: str = "") -> Iterator[str]:  # noqa: ANN401 - whatever JSON holds
    for key, value in held.items() if isinstance(held, dict) else ():
        yield f"{before}{key}"
        yield from _paths(value, f"{before}{key}.")


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
        self._all, self._kept = DistinctHashes(), DistinctHashes()
        self._remembered: pl.DataFrame | None = None

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        users = rows.select(pl.col("user_id").unique())
        if self._remembered is None:
            self._remembered = self._drawn(users.clear()["user_id"])
        met = users.join(self._remembered, on="user_id", how="left")
        new = self._drawn(met.filter(pl.col("stays").is_null())["user_id"])
        if self._remembered.height + new.height <= _REMEMBERED:
            self._remembered = pl.concat([self._remembered, new])
        stay = pl.concat([met, new]).filter("stays")["user_id"]
        return rows.filter(rows["user_id"].is_in(stay.implode()))

    def _drawn(self, users: pl.Series) -> pl.DataFrame:
        """Return users with whether each stays."""
        hashes = _hashes(users.cast(pl.String), self._step.seed)
        stays = hashes <= min(int(self._step.share * 2.0**64), 2**64 - 1)
        self._all.add(hashes)
        self._kept.add(hashes.filter(stays))
        return pl.DataFrame({"user_id": users, "stays": stays})

    def told(self) -> tuple[str, ...]:
        n, kept = self._all.count(), self._kept.count()
        if not kept:
            raise DataError(
                f"A sample of {self._step.share:g} leaves none of {n:,} users.", hint="Raise share."
            )
        return (f"a sample: {100 * kept / n:.1f} % of users ({kept:,} of {n:,}), seed {self._step.seed}",)


def _hashes(users: pl.Series, seed: int) -> pl.Series:
    """Return a number in [0, 2**64) for each user, the same on every machine; about 1 µs each."""
    key = seed.to_bytes(8, "little")
    digests = b"".join(blake2b(user.encode(), digest_size=8, key=key).digest() for user in users.to_list())
    return pl.Series(np.frombuffer(digests, dtype="<u8").astype(np.uint64), dtype=pl.UInt64)
