"""An event log that is loaded: its parts, what was recognised, and what happened on the way."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import polars as pl

from persona_tui.engine.data.log_parts import FlatParts, LogPart
from persona_tui.engine.data.quality import Quality
from persona_tui.engine.data.recognition.recognition import Recognition
from persona_tui.engine.data.sequences import Sequences, join_sequences, rows_by_user


class EventLog:
    """An event log and how it came about.

    Parameters
    ----------
    parts : sequence of LogPart
        Users are whole; opened one at a time where they are on disk.
    vocabulary : tuple of str
        Event types, sorted.
    quality : Quality
    recognition : Recognition
        What the source was taken for.
    fingerprint : str
        SHA-256 of the source's content.
    recipe : mapping
        What else the log depends on: time zone, session gap, preparation.
    """

    def __init__(
        self,
        *,
        parts: Sequence[LogPart],
        vocabulary: tuple[str, ...],
        quality: Quality,
        recognition: Recognition,
        fingerprint: str,
        recipe: dict[str, Any],
    ) -> None:
        self.parts = parts
        self.vocabulary = vocabulary
        self.quality = quality
        self.recognition = recognition
        self.fingerprint = fingerprint
        self.recipe = recipe

    @property
    def columns(self) -> dict[str, str]:
        """Return canonical name to column of the source."""
        return self.recognition.columns

    @property
    def flat_parts(self) -> FlatParts:
        """Return the arrays of each part, for what need not have the whole log in memory."""
        return FlatParts(self.parts)

    @cached_property
    def sequences(self) -> Sequences:
        """Return the whole log as flat arrays, users in order of their id; 24 bytes an event."""
        return join_sequences([part.sequences for part in self.parts])

    @cached_property
    def events(self) -> pl.DataFrame:
        """Return the whole log as a table, user by user in time order.

        ``user_id``, ``session_id``, ``timestamp`` (UTC, microseconds), ``event_type`` (Enum), ``metadata``
        where the source has it, then attributes.
        """
        parts = list(self.parts)
        frame = pl.concat([part.events() for part in parts])
        order = rows_by_user([part.sequences for part in parts])
        return frame if order is None else frame[order]

    @cached_property
    def n_events(self) -> int:
        """Return the number of events."""
        return sum(len(part.sequences.codes) for part in self.parts)
