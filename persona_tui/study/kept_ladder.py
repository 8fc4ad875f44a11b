"""What stands beside the number of personas, described once and kept beside the fit that it belongs to."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from persona_tui.engine.errors import ExportError
from persona_tui.engine.modeling import ladder as ladders
from persona_tui.engine.modeling import stability
from persona_tui.engine.modeling.ladder import DescribedRung, LadderDescription, describe_ladder
from persona_tui.engine.modeling.selection import Rung, Selection
from persona_tui.engine.modeling.stability import Stability
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.uncertainty import DEFAULT_N_DRAWS
from persona_tui.study.cache import LADDER_SUFFIX, FitCache, cache_folder
from persona_tui.study.log import PreparedLog
from persona_tui.study.options import Settings
from persona_tui.study.resources import available_workers
from persona_tui.study.store import write_text

FORMAT: Final = 1


def learn_ladder(
    settings: Settings,
    prepared: PreparedLog,
    selection: Selection,
    *,
    on_progress: ProgressCallback = ignore_progress,
) -> LadderDescription:
    """Describe the ladder that a number of personas was found on; a kept description is taken.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        Of the same settings.
    selection : Selection
        Of the fit of both.
    on_progress : callable

    Notes
    -----
    It takes ``1 + n_refits`` fits a rung, about as long as finding the personas and drawing them; it is
    kept under the name of the fit, so that a fit of another log or of other settings is never described
    by it.
    """
    path = FitCache(cache_folder(settings), settings, prepared, DEFAULT_N_DRAWS).path
    path = path.with_suffix(LADDER_SUFFIX)
    kept = _load(path, selection)
    if kept is not None:
        return kept
    described = describe_ladder(
        prepared.counts,
        selection,
        random_state=normalise_seed(settings.seed),
        workers=settings.workers or available_workers(),
        on_progress=on_progress,
    )
    if path.parent.is_dir():
        _save(path, described)
    return described


def _depends_on() -> dict[str, float]:
    """Return the numbers that a description is worked out with."""
    return {
        "format": FORMAT,
        "n_refits": stability.DEFAULT_N_REFITS,
        "least_stable": stability.LEAST_STABLE,
        "least_share": ladders.LEAST_SHARE,
    }


def _load(path: Path, selection: Selection) -> LadderDescription | None:
    """Return the description that is kept of a selection, None where there is none or it is damaged."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        described = _described(kept["ladder"]) if kept["depends_on"] == _depends_on() else None
    except (OSError, ValueError, LookupError, TypeError):
        return None
    if described is None or described.n_clusters != selection.n_clusters:
        return None
    return described if tuple(each.rung for each in described.rungs) == selection.ladder else None


def _described(kept: dict[str, Any]) -> LadderDescription:
    rungs = tuple(
        DescribedRung(
            **{
                **rung,
                "rung": Rung(**rung["rung"]),
                "stability": None if rung["stability"] is None else Stability(**rung["stability"]),
            }
        )
        for rung in kept["rungs"]
    )
    return LadderDescription(**{**kept, "rungs": rungs, "cautions": tuple(kept["cautions"])})


def _save(path: Path, described: LadderDescription) -> None:
    """Keep a description; a folder that cannot be written is no reason to fail."""
    kept = {"depends_on": _depends_on(), "ladder": asdict(described)}
    try:
        write_text(path, json.dumps(kept))
    except ExportError:
        return
