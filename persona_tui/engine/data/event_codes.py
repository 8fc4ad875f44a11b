"""Event types as codes of a vocabulary that grows as rows are read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from persona_tui.engine.data.user_rows import highest_code, names_by_code

MOST_KNOWN: Final = 1_000
"""Event types that are looked up among those known."""
_SIZES: Final = (2**8, 2**12, 2**16, 2**20)
"""Of tables in which each known type is to have a place of its own."""


class EventCodes:
    """Give event types their codes.

    Notes
    -----
    Types seen before are found by their hash in a third of the time: one of 64 bits with a random seed, which
    another name has once in 10¹⁶ for a thousand types.

    Examples
    --------
    >>> codes = EventCodes()
    >>> codes.of(pl.Series(["view", "buy", "view"])).to_physical().to_list()
    [0, 1, 0]
    >>> codes.names(2)
    ['view', 'buy']
    """

    def __init__(self) -> None:
        self._kind = pl.Categorical(pl.Categories.random(physical=pl.UInt32))
        self._alive = pl.Series([None], dtype=self._kind)  # codes are forgotten with the last column
        self._known: _Known | None = None

    def of(self, written: pl.Series) -> pl.Series:
        """Return event types as codes; only where some have blanks is all text touched."""
        texts = written.cast(pl.String)
        if self._known is not None and not texts.null_count():
            codes = self._known.codes(texts)
            if codes is not None:
                return pl.Series(written.name, codes).cat.to(self._kind)
        events = texts.cast(self._kind)
        names = names_by_code(1 + highest_code(events), self._kind)
        if (names != names.str.strip_chars()).any() or (names == "").any():
            texts = texts.str.strip_chars()
            events = texts.set(texts == "", None).cast(self._kind)
        elif 0 < names.len() <= MOST_KNOWN:
            self._known = _Known.of(names)
        return events

    def names(self, n_codes: int) -> list[str]:
        """Return what the first codes stand for."""
        names: list[str] = names_by_code(n_codes, self._kind).to_list()
        return names


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Known:
    """Known event types, each at the place that the last bits of its hash name."""

    seed: int
    hashes: npt.NDArray[np.uint64]
    table: npt.NDArray[np.uint32]

    @classmethod
    def of(cls, names: pl.Series) -> _Known | None:
        """Return names with their places as codes; None where two would have one place."""
        seed = int.from_bytes(os.urandom(8))
        found = names.hash(seed).to_numpy()
        for size in _SIZES:
            places = (found & np.uint64(size - 1)).astype(np.int64)
            if len(set(places.tolist())) == len(places):
                hashes, table = np.zeros(size, dtype=np.uint64), np.zeros(size, dtype=np.uint32)
                hashes[places], table[places] = found, np.arange(len(places))
                return cls(seed=seed, hashes=hashes, table=table)
        return None

    def codes(self, texts: pl.Series) -> npt.NDArray[np.uint32] | None:
        """Return the codes of texts; None where one is not known."""
        found = texts.hash(self.seed).to_numpy()
        places = (found & np.uint64(len(self.table) - 1)).view(np.int64)
        if not np.array_equal(self.hashes.take(places, mode="clip"), found):
            return None
        return self.table.take(places, mode="clip")
