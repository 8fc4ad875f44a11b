"""How far the forecasts of a log can be trusted: worked out once, kept beside its fit, carried by results."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from persona_tui.engine.evaluation.backtest import Backtest, run_backtest
from persona_tui.engine.modeling.order_checks import check_order
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.study.fit import learn_personas
from persona_tui.study.kept_backtest import keep_backtest, kept_backtest
from persona_tui.study.log import PreparedLog, prepare_log
from persona_tui.study.options import Settings
from persona_tui.study.resources import available_workers
from persona_tui.study.results import verdict_document

SCHEMA: Final = "persona-tui/backtest/1"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CheckedLog:
    """A log whose forecasts were held against what they had not seen.

    Parameters
    ----------
    source : str
    unit : {"user", "session"}
    completion : tuple of str
    found : Backtest
    fingerprint : str
        Of the log.
    seed : int
    """

    source: str
    unit: str
    completion: tuple[str, ...]
    found: Backtest
    fingerprint: str
    seed: int


def check_forecasts(settings: Settings, *, on_progress: ProgressCallback = ignore_progress) -> CheckedLog:
    """Hold the forecasts of a log against users and weeks that they have not seen; what is kept is taken.

    Parameters
    ----------
    settings : Settings
    on_progress : callable

    Raises
    ------
    DataError, ModelingError
        If the log cannot be used, or is too small or too short.

    Notes
    -----
    Kept beside the fit: what is worked out from the same log with the same settings carries the verdict.
    """
    prepared = prepare_log(settings, on_progress=on_progress)
    learned = learn_personas(settings, prepared, on_progress=on_progress)
    found = kept_backtest(settings, prepared)
    if found is None:
        found = _run(settings, prepared, learned.segmentation, on_progress)
        keep_backtest(settings, prepared, found)
    return CheckedLog(
        source=settings.source_shown(),
        unit=settings.unit,
        completion=tuple(sorted(prepared.completion)),
        found=found,
        fingerprint=prepared.facts.fingerprint,
        seed=settings.seed,
    )


def backtest_document(checked: CheckedLog) -> dict[str, Any]:
    """Return a backtest as ``--json`` prints it.

    Parameters
    ----------
    checked : CheckedLog
    """
    found = asdict(checked.found)
    del found["verdict"]
    return {
        "schema": SCHEMA,
        "source": checked.source,
        "unit": checked.unit,
        "completion": list(checked.completion),
        "verdict": verdict_document(checked.found.verdict),
        **found,
        "fingerprint": checked.fingerprint,
        "seed": checked.seed,
    }


def _run(
    settings: Settings, prepared: PreparedLog, segmentation: SegmentationResult, on_progress: ProgressCallback
) -> Backtest:
    mixture = segmentation.mixture
    assert mixture is not None  # the fit of a study always is one
    seed = normalise_seed(settings.seed)
    found = run_backtest(
        prepared.sequences,
        mixture,
        completion=prepared.completion,
        drop=prepared.drop,
        names=segmentation.names,
        random_state=seed,
        workers=settings.workers or available_workers(),
        on_progress=on_progress,
    )
    order = check_order(prepared.counts, mixture.responsibilities, random_state=seed)
    cause = order.total.warning("All personas together")
    return found if cause is None else replace(found, verdict=replace(found.verdict, causes=(cause,)))
