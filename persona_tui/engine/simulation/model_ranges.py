"""What an experiment asks of other models of the same log."""

from __future__ import annotations

from typing import Protocol

from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.statistics import Interval


class ModelRanges(Protocol):
    """How far an uplift moves with the model of how people walk."""

    def of(self, metric: str, persona: int | None) -> Interval | None:
        """Return the range for a persona, or for all."""

    @property
    def left_out(self) -> dict[str, str]:
        """Return the models that the modification does not fit, and why."""


class Alternatives(Protocol):
    """Other models of the same log."""

    def ranges(self, modification: FlowModification, max_length: int | None) -> ModelRanges:
        """Return how far the uplifts of a modification move over the models."""
