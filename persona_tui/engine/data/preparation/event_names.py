"""Choose event types by patterns, and remember whether each chose something."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from persona_tui.engine.data.schema import is_reserved
from persona_tui.engine.errors import DataError, unknown_name


def require_event_name(name: str, step: str) -> None:
    """Raise unless event types may get a name.

    Raises
    ------
    DataError
        If it has blanks around it, as no name in a log has, or is one that simulation needs for itself.
    """
    if name and name != name.strip():
        raise DataError(f"{step}: to == '{name}', must not begin or end with blanks.")
    if is_reserved(name):
        raise DataError(f"{step}: to == '{name}', is a reserved name.", hint=f"Call it event_{name}.")


class EventPatterns:
    """Names or patterns of event types, such as ``signup*``; case counts.

    Parameters
    ----------
    patterns : sequence of str
    """

    def __init__(self, patterns: Sequence[str]) -> None:
        self._patterns = tuple(patterns)
        self._matched: dict[str, set[str]] = {each: set() for each in patterns}
        self._chosen: dict[str, bool] = {}

    def is_chosen(self, name: str) -> bool:
        """Return whether an event type that is in some row is meant."""
        if name not in self._chosen:
            hits = [each for each in self._patterns if name == each or fnmatchcase(name, each)]
            for each in hits:
                self._matched[each].add(name)
            self._chosen[name] = bool(hits)
        return self._chosen[name]

    def all_chosen(self) -> list[str]:
        """Return all names so far that are meant, sorted."""
        return sorted(name for name, is_one in self._chosen.items() if is_one)

    def require_matches(self) -> None:
        """Raise unless every pattern chose something.

        Raises
        ------
        UnknownNameError
            Names the first that did not, and the nearest event type.
        """
        for pattern, found in self._matched.items():
            if not found:
                raise unknown_name("event", pattern, sorted(self._chosen))
