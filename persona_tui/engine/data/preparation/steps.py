"""What a step of a preparation is, and the registry of kinds.

To add a kind, write a frozen dataclass with ``param`` fields that follows one of the protocols here and
register it. The study file, the command line and the form are built from its fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol, runtime_checkable

import polars as pl

from persona_tui.engine.registry import Registry

PREPARATIONS: Final[Registry[type]] = Registry(
    "preparation step", home="persona_tui.engine.data.preparation.kinds"
)


@runtime_checkable
class RowStep(Protocol):
    """A step that acts on rows as they are read, a batch at a time, whatever stands before or after them."""

    def change_rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return rows with canonical columns (``timestamp`` in UTC, ``event_type`` as text, …), changed."""


@runtime_checkable
class VocabularyStep(Protocol):
    """A step that needs to know how often each event type happens in the whole log."""

    def rename_events(self, counts: Mapping[str, int]) -> dict[str, str]:
        """Return new names of event types, given the number of events of each."""


@runtime_checkable
class JourneyStep(Protocol):
    """A step on a user's events in time order."""

    def change_journeys(self, events: pl.DataFrame) -> pl.DataFrame:
        """Return events changed.

        ``events`` has ``user`` (whole number, ascending, users whole), ``session`` (whole number,
        within the user), ``timestamp``, ``event_type`` and attributes, a user's rows in time order.
        """
