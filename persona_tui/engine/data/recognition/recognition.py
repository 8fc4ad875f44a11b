"""What was recognised in a table: how its rows become those of an event log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recognition:
    """How the columns of a table become those of an event log.

    Parameters
    ----------
    schema : str
        Name of the schema that was recognised: a vendor's, or ``names``, ``content`` or ``given``.
    confidence : float
        From 0 to 1.
    sentence : str
        What was recognised, and from what, in plain words.
    columns : dict
        Canonical name to the column of the source, as it is told to people.
    reads : tuple of str
        Columns of the table that ``shapes`` need.
    shapes : mapping of str to Expr
        Canonical names, then attributes, as expressions over ``reads``. ``user_id`` and ``event_type``
        give text or whole numbers; ``timestamp`` gives what is written, unparsed.
    duplicate_key : tuple of str
        Names among ``shapes`` by which the source says that rows are copies; empty where all columns do.
    time_unit : {"s", "ms", "us", "ns"}, optional
        Of times that are numbers, where the schema says it.
    notes : tuple of str
        What else is worth knowing, a sentence each.
    """

    schema: str
    confidence: float
    sentence: str
    columns: dict[str, str]
    reads: tuple[str, ...]
    shapes: Mapping[str, pl.Expr]
    duplicate_key: tuple[str, ...] = ()
    time_unit: str | None = None
    notes: tuple[str, ...] = field(default=())
