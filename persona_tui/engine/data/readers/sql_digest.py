"""A digest of the rows that a database gave, a column at a time."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

_NO_TEXT = 2**32 - 1


class ColumnDigest:
    """SHA-256 of a column's values in their order, however they are cut into batches.

    Parameters
    ----------
    dtype : DataType

    Notes
    -----
    Which values there are (or how long each text is) and the values themselves run through a hash each, so
    that no value can pass for a part of its neighbour. O(values).

    Examples
    --------
    >>> whole, halves = ColumnDigest(pl.String()), ColumnDigest(pl.String())
    >>> whole.update(pl.Series(["ab", "c"]))
    >>> halves.update(pl.Series(["ab"]))
    >>> halves.update(pl.Series(["c"]))
    >>> whole.digest() == halves.digest()
    True
    """

    def __init__(self, dtype: pl.DataType) -> None:
        self._dtype = dtype
        self._shape = hashlib.sha256()
        self._values = hashlib.sha256()

    def update(self, values: pl.Series) -> None:
        """Add the next values."""
        if values.dtype.is_nested():
            values = pl.select(pl.struct(values.alias("value")).struct.json_encode()).to_series()
        if values.dtype == pl.String:
            lengths = values.str.len_bytes().fill_null(_NO_TEXT)
            self._shape.update(lengths.to_numpy().astype("<u4").tobytes())
            self._values.update(values.str.join("").item().encode())
            return
        self._shape.update(values.is_null().to_numpy().tobytes())
        numbers = values.to_physical()
        numbers = numbers.fill_null(False if numbers.dtype == pl.Boolean else 0)
        self._values.update(np.ascontiguousarray(numbers.to_numpy()).tobytes())

    def digest(self) -> bytes:
        """Return the digest of what was added so far."""
        return hashlib.sha256(
            str(self._dtype).encode() + self._shape.digest() + self._values.digest()
        ).digest()


def combined(digests: dict[str, bytes]) -> str:
    """Return the digest of a table: the names of its columns, in order, and what each holds."""
    whole = hashlib.sha256()
    for name, digest in digests.items():
        whole.update(hashlib.sha256(name.encode()).digest() + digest)
    return whole.hexdigest()
