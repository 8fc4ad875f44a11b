"""Green, amber, red."""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """How far something can be trusted; the worst counts.

    Examples
    --------
    >>> max(Level.GREEN, Level.AMBER).word
    'amber'
    """

    GREEN = 0
    AMBER = 1
    RED = 2

    @property
    def word(self) -> str:
        """Return its name as it is shown."""
        return self.name.lower()
