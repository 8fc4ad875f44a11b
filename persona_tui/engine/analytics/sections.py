"""What a report says of a check that was made apart from it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, some sentences and a table; every cell is a text already, the same in every format.

    Parameters
    ----------
    title : str
    sentences : tuple of str
        The answer first.
    heads : tuple of str
    rows : tuple of tuple of str
        The first column names what the row is about.
    """

    title: str
    sentences: tuple[str, ...]
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
