"""How long work tells where it stands, without knowing who listens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One report of how far a stage has come."""

    stage: str
    done: int
    total: int


ProgressCallback: TypeAlias = Callable[[Progress], None]
"""Called at block boundaries; raising ``RunCancelled`` from it stops the work."""


def ignore_progress(_progress: Progress) -> None:
    """Take a report and do nothing with it."""
