"""What was learned from a log, kept so that the next command need not learn it again.

A fit is kept under the fingerprint of its source and a digest of all that it depends on, so one of
another log, other settings or another version is never taken. It holds no user ids and no events.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from persona_tui import __version__
from persona_tui.engine.errors import ExportError
from persona_tui.engine.modeling.mixture import MarkovMixture
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.modeling.selection import Rung, Selection
from persona_tui.engine.simulation.uncertainty import FlowDraws
from persona_tui.engine.types import AnyArray
from persona_tui.study.log import PreparedLog
from persona_tui.study.options import Settings
from persona_tui.study.results import LIBRARIES
from persona_tui.study.store import make_folder, write_whole

FORMAT = 1
_MIXTURE = ("weights", "chains", "responsibilities", "fitted_responsibilities", "bound_history", "pooled")
_NUMBERS = ("log_likelihood", "converged", "prior")
_DRAWS = ("moved", "shares", "conversions")


def cache_folder(settings: Settings) -> Path:
    """Return where fits are kept: in the study, where there is one, else in the user's cache folder."""
    if settings.output and Path(settings.output).is_dir():
        return Path(settings.output) / "cache"
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "persona-tui"


class FitCache:
    """The kept fit of one prepared log under some settings.

    Parameters
    ----------
    folder : Path
        As ``cache_folder`` returns it.
    settings : Settings
    prepared : PreparedLog
    n_draws : int
    """

    def __init__(self, folder: Path, settings: Settings, prepared: PreparedLog, n_draws: int) -> None:
        self._prepared = prepared
        depends_on = {
            "format": FORMAT,
            "columns": prepared.log.columns,
            "completion": sorted(prepared.completion),
            "drop": sorted(prepared.drop),
            "unit": settings.unit,
            "clusters": settings.clusters,
            "seed": settings.seed,
            "draws": n_draws,
            "version": __version__,
            "libraries": {name: version(name) for name in LIBRARIES},
        }
        digest = hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()
        self.path = folder / prepared.facts.fingerprint[:16] / f"fit-{digest[:16]}.npz"

    def load(self) -> tuple[SegmentationResult, Mapping[str, AnyArray]] | None:
        """Return the personas and the arrays of their draws, None where they are not kept or damaged."""
        try:
            with self.path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
                arrays = {name: kept[name] for name in kept.files}
            header = json.loads(str(arrays.pop("header")))
            return self._segmentation(header, arrays), {name: arrays[name] for name in _DRAWS}
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def _segmentation(self, header: dict[str, Any], arrays: dict[str, AnyArray]) -> SegmentationResult:
        rows = self._prepared.counts.row_of_user
        parts: dict[str, Any] = {name: arrays[name] for name in _MIXTURE}
        mixture = MarkovMixture(**parts, **{name: header[name] for name in _NUMBERS})
        return SegmentationResult(
            user_ids=self._prepared.sequences.user_ids,
            names=tuple(header["names"]),
            memberships=mixture.responsibilities[rows],
            fitted_memberships=mixture.fitted_responsibilities[rows],
            mixture=mixture,
            selection=_selection(header["selection"]),
        )

    def save(self, segmentation: SegmentationResult, draws: FlowDraws) -> None:
        """Keep a fit; a folder that cannot be written is no reason to fail."""
        mixture = segmentation.mixture
        if mixture is None:
            return
        header = {
            "names": segmentation.names,
            "selection": None if segmentation.selection is None else asdict(segmentation.selection),
            **{name: getattr(mixture, name) for name in _NUMBERS},
        }
        arrays: dict[str, Any] = {name: getattr(mixture, name) for name in _MIXTURE}
        arrays |= {name: getattr(draws, name) for name in _DRAWS}
        try:
            make_folder(self.path.parent)
            write_whole(self.path, lambda temporary: _write(temporary, header, arrays))
        except ExportError:
            return


def _write(path: Path, header: dict[str, Any], arrays: dict[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez(file, header=np.array(json.dumps(header)), **arrays)


def _selection(kept: dict[str, Any] | None) -> Selection | None:
    if kept is None:
        return None
    return Selection(**{**kept, "ladder": tuple(Rung(**rung) for rung in kept["ladder"])})
