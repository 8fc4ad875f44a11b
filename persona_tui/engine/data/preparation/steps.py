"""What a step of a preparation is, and the registry of kinds.

To add a kind, write a frozen dataclass with ``param`` fields whose ``begin`` gives what acts, a ``Doing``,
and register it. The study file, the command line and the form are built from its fields.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import ClassVar, Final, Protocol

import numpy as np
import polars as pl

from persona_tui.engine.data.schema import CANONICAL
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.registry import Registry
from persona_tui.engine.types import BoolArray

_MEANT: Final = re.compile(r"\*|\^.*\$|__.*__", re.DOTALL)


class Doing:
    """One step at work on one log; a kind overrides what it does."""

    needs: frozenset[str] = frozenset()
    """Attributes, or ``metadata``, that must be read."""
    changes_rows: ClassVar[bool] = False
    names_events: ClassVar[bool] = False
    folds_events: ClassVar[bool] = False
    changes_journeys: ClassVar[bool] = False
    session_gap: timedelta | None = None
    """After how much inactivity sessions end; None leaves it as it is."""

    def settle(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the columns that rows have after this step, given those before, whether read or not.

        Raises
        ------
        DataError, UnknownNameError
            If one that the step needs is not there.
        """
        return names

    def rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return some rows, the next of the source, changed; not their ``event_type``."""
        return rows

    def called(self, name: str) -> str | None:
        """Return what an event type of some rows is called from here on; None leaves these rows out."""
        return name

    def counted(self, n_before: int, n_after: int) -> None:
        """Learn how many of some rows ``called`` left in."""

    def fold_events(self, _counts: Mapping[str, int]) -> dict[str, str]:
        """Return new names of event types, given the number of events of each."""
        return {}

    def keeps(self, sequences: Sequences) -> BoolArray:
        """Return which events stay, shape (N,); the first of each session does."""
        return np.ones(len(sequences.codes), dtype=bool)

    def told(self) -> tuple[str, ...]:
        """Return what was done to the whole log, a sentence each.

        Raises
        ------
        UnknownNameError
            If something that the step names was in no row.
        """
        return ()


def free_name(name: str, prefix: str, taken: Collection[str]) -> str:
    """Return a name for a new attribute, with a prefix where it is taken or has a meaning of its own.

    Canonical columns, those that loading adds, such as ``__line__``, and patterns of polars have one.

    Examples
    --------
    >>> free_name("plan", "users.", ["plan"]), free_name("age", "users.", ["plan"])
    ('users.plan', 'age')
    """
    while name in taken or name in CANONICAL or _MEANT.fullmatch(name):
        name = prefix + name
    return name


class Step(Protocol):
    """One step as it is asked for."""

    def begin(self) -> Doing:
        """Return what acts on one log."""


PREPARATIONS: Final[Registry[type[Step]]] = Registry(
    "preparation step", home="persona_tui.engine.data.preparation.kinds"
)
