"""How forecasts of a log held, kept beside the fit that they are about, so that all results carry it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from persona_tui.engine.errors import ExportError
from persona_tui.engine.simulation.uncertainty import DEFAULT_N_DRAWS
from persona_tui.study.cache import BACKTEST_SUFFIX, FitCache, algorithm_numbers, cache_folder
from persona_tui.study.log import PreparedLog
from persona_tui.study.options import Settings
from persona_tui.study.rebuilding import rebuild
from persona_tui.study.store import write_text

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.backtest import Backtest

FORMAT: Final = 1


def kept_backtest(settings: Settings, prepared: PreparedLog) -> Backtest | None:
    """Return the backtest that is kept of a log with its settings, None where there is none.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    """
    try:
        kept = json.loads(_path(settings, prepared).read_text(encoding="utf-8"))
        return _rebuilt(kept)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def keep_backtest(settings: Settings, prepared: PreparedLog, found: Backtest) -> None:
    """Keep a backtest; a folder that cannot be written is no reason to fail.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    found : Backtest
    """
    try:
        kept = {"depends_on": _depends_on(), "backtest": asdict(found)}
        write_text(_path(settings, prepared), json.dumps(kept))
    except ExportError:
        return


def _path(settings: Settings, prepared: PreparedLog) -> Path:
    fit = FitCache(cache_folder(settings), settings, prepared, DEFAULT_N_DRAWS).path
    return fit.with_suffix(BACKTEST_SUFFIX)


def _rebuilt(kept: Any) -> Backtest | None:  # noqa: ANN401 - any JSON value
    from persona_tui.engine.evaluation.backtest import Backtest  # noqa: PLC0415 - 0.2 s, where one is kept

    return rebuild(Backtest, kept["backtest"]) if kept["depends_on"] == _depends_on() else None


def _depends_on() -> dict[str, Any]:
    """Return the numbers that a backtest and its verdict are worked out with."""
    from persona_tui.engine.evaluation import backtest, followed, likeness, rolling, verdict  # noqa: PLC0415

    return {"format": FORMAT, **algorithm_numbers((backtest, followed, likeness, rolling, verdict))}
