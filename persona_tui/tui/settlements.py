"""What a session settled about the personas of a study, so that it can be taken back and done again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from persona_tui.study.kept_personas import KeptPersona, KeptPersonas


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What was settled about some personas of a study before and after a change.

    Parameters
    ----------
    study : Path
    before, after : tuple of KeptPersona
        Of the same personas, those about which something else was settled.
    """

    study: Path
    before: tuple[KeptPersona, ...]
    after: tuple[KeptPersona, ...]

    @property
    def what(self) -> str:
        """Return the change in words."""
        return ", ".join(_words(*each) for each in zip(self.before, self.after, strict=True))


def settlement(kept: KeptPersonas | None, settled: Sequence[KeptPersona]) -> Settlement | None:
    """Return what was settled about personas of a fit, given what was kept before; None for nothing."""
    if kept is None:
        return None
    pairs = [(kept.of(each.generated), each) for each in settled]
    other = [(before, after) for before, after in pairs if before != after]
    if not other:
        return None
    before, after = zip(*other, strict=True)
    return Settlement(study=kept.folder, before=before, after=after)


def _words(before: KeptPersona, after: KeptPersona) -> str:
    if before.called != after.called:
        return f"{before.called} renamed {after.called}"
    if before.excluded != after.excluded:
        return f"{after.called} {'excluded' if after.excluded else 'included again'}"
    return f"{after.called} {'pinned' if after.place else 'let go by its share'}"


@dataclass(slots=True, kw_only=True)
class Settlements:
    """Those of a session, each after so many edits of the settings."""

    _done: list[tuple[int, Settlement]] = field(default_factory=list)
    _undone: list[tuple[int, Settlement]] = field(default_factory=list)

    def note(self, n_edits: int, settled: Settlement) -> None:
        """Note what was settled after so many edits; what was taken back before is forgotten."""
        self._done.append((n_edits, settled))
        self._undone.clear()

    def undo(self, n_edits: int, study: Path | None) -> Settlement | None:
        """Return what is to be taken back before the last of so many edits, None where an edit is."""
        return _next(self._done, self._undone, n_edits, study)

    def redo(self, n_edits: int, study: Path | None) -> Settlement | None:
        """Return what is to be done again before the next edit, None where an edit is."""
        return _next(self._undone, self._done, n_edits, study)


def _next(
    source: list[tuple[int, Settlement]],
    target: list[tuple[int, Settlement]],
    n_edits: int,
    study: Path | None,
) -> Settlement | None:
    if not source or source[-1][0] != n_edits or source[-1][1].study != study:
        return None
    target.append(source.pop())
    return target[-1][1]
