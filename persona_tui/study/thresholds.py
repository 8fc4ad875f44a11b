"""When a verdict ends a command with an exit code of its own."""

from __future__ import annotations

from persona_tui.engine.errors import ThresholdError
from persona_tui.engine.evaluation.level import Level


def require_better(level: Level, fail_on: str, what: str) -> None:
    """Refuse a verdict that is as bad as was asked to fail on, or worse.

    Parameters
    ----------
    level : Level
    fail_on : {"", "amber", "red"}
        Empty for never.
    what : str
        Was judged; begins the sentence.

    Raises
    ------
    ThresholdError
    """
    if fail_on and level >= Level[fail_on.upper()]:
        raise ThresholdError(f"{what} is {level.word}.", hint=f"That is what --fail-on {fail_on} asks for.")
