"""Count distinct users over batches in a few bytes each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]


class DistinctHashes:
    """The distinct ones of many 64-bit hashes.

    Notes
    -----
    What comes is merged when it is as much as what is there, so all merges together are
    O(N log N). Two of n users share a hash with probability about n**2 / 2**65: 3e-6 for ten million.

    Examples
    --------
    >>> seen = DistinctHashes()
    >>> seen.add(np.array([3, 1], dtype=np.uint64)); seen.add(np.array([3], dtype=np.uint64))
    >>> seen.count()
    2
    """

    def __init__(self) -> None:
        self._merged: Hashes = np.zeros(0, np.uint64)
        self._new: list[Hashes] = []
        self._n_new = 0

    def add(self, hashes: Hashes) -> None:
        """Take more, some of which may be known."""
        self._new.append(hashes)
        self._n_new += len(hashes)
        if self._n_new >= len(self._merged):
            self._merge()

    def count(self) -> int:
        """Return how many distinct ones there were."""
        self._merge()
        return len(self._merged)

    def _merge(self) -> None:
        self._merged = np.unique(np.concatenate([self._merged, *self._new]))
        self._new, self._n_new = [], 0
