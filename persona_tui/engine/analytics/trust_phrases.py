"""How far a forecast can be trusted, in words: the same in every face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from persona_tui.engine.evaluation.level import Level

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.verdict import Verdict

UNCHECKED: Final = (
    "Not yet held against data that the personas had not seen; `persona-tui backtest` does that."
)


def trust_line(found: Verdict | None) -> str:
    """Return the verdict of a backtest in one sentence or two.

    Parameters
    ----------
    found : Verdict or None
        None where the log was not checked.

    Examples
    --------
    >>> trust_line(None)
    'Not yet held against data that the personas had not seen; `persona-tui backtest` does that.'
    """
    if found is None:
        return UNCHECKED
    n_checks, failed = len(found.judgements), [each for each in found.judgements if each.level > Level.GREEN]
    if not failed:
        return f"Trust: green. Held against data not seen before, all {n_checks} checks are passed."
    about = "; ".join(each.about for each in sorted(failed, key=lambda each: -each.level))
    told = f"{len(failed)} of {n_checks} checks {'is' if len(failed) == 1 else 'are'} not passed"
    return f"Trust: {found.level.word}. Held against data not seen before, {told}: {about}."
