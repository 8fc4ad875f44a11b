"""Two periods of one log side by side, under one fit of both."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.evaluation.period_change import Period, PeriodChange, compare_periods
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.study.fit import fit_flow
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings

SCHEMA: Final = "persona-tui/diff-periods/1"
_SPLIT: Final = ".."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PeriodDiff:
    """What changed from one period of a log to another.

    Parameters
    ----------
    source : str
    before, after : Period
    completion : tuple of str
    found : PeriodChange
    fingerprint : str
        Of the log.
    seed : int
    """

    source: str
    before: Period
    after: Period
    completion: tuple[str, ...]
    found: PeriodChange
    fingerprint: str
    seed: int


def read_period(text: str, flag: str) -> Period:
    """Return a period from ``FIRST..LAST``, days of which the last counts whole, or moments; UTC.

    Raises
    ------
    SimulationError
        If it is none.

    Examples
    --------
    >>> read_period("2026-03-01..2026-03-07", "--before").ends.isoformat()
    '2026-03-08T00:00:00+00:00'
    """
    first, split, last = text.partition(_SPLIT)
    try:
        if not split:
            raise ValueError
        begins, ends = _moment(first), _moment(last)
    except ValueError:
        raise SimulationError(
            f"'{text}' is no period.", hint=f"For example: {flag} 2026-03-01..2026-03-31"
        ) from None
    if "T" not in last and " " not in last.strip():
        ends += timedelta(days=1)
    if ends <= begins:
        raise SimulationError(
            f"The period '{text}' ends before it begins.", hint="The earlier day goes first."
        )
    return Period(begins, ends)


def _moment(text: str) -> datetime:
    read = datetime.fromisoformat(text.strip())
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def diff_periods(
    settings: Settings, before: Period, after: Period, *, on_progress: ProgressCallback = ignore_progress
) -> PeriodDiff:
    """Return what changed from one period of a log to another.

    Parameters
    ----------
    settings : Settings
    before, after : Period
    on_progress : callable

    Raises
    ------
    DataError
        If the log cannot be used, the periods overlap, or few users are active in one.
    """
    prepared = prepare_log(settings, on_progress=on_progress)
    segmentation, _ = fit_flow(settings, prepared, on_progress=on_progress)
    found = compare_periods(
        prepared.sequences,
        before,
        after,
        completion=prepared.completion,
        drop=prepared.drop,
        steps=[step.step for step in prepared.funnel],
        memberships=segmentation.memberships,
        names=segmentation.names,
        random_state=settings.seed,
    )
    return PeriodDiff(
        source=settings.source_shown(),
        before=before,
        after=after,
        completion=tuple(sorted(prepared.completion)),
        found=found,
        fingerprint=prepared.facts.fingerprint,
        seed=settings.seed,
    )


def period_document(diff: PeriodDiff) -> dict[str, Any]:
    """Return two periods side by side as ``--json`` prints them."""
    periods = {"before": diff.before, "after": diff.after}
    return {
        "schema": SCHEMA,
        "source": diff.source,
        "periods": {
            name: {"begins": each.begins.isoformat(), "ends": each.ends.isoformat()}
            for name, each in periods.items()
        },
        "completion": list(diff.completion),
        **asdict(diff.found),
        "fingerprint": diff.fingerprint,
        "seed": diff.seed,
    }
