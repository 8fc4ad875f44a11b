"""What was learned from a log, kept so that the next command need not learn it again.

A fit is kept under the fingerprint of its source and a digest of all that it depends on, so one of
another log, other settings, another version or other numbers in the algorithm is never taken. It holds no
user ids and no journeys.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from persona_tui import __version__
from persona_tui.engine.errors import ExportError
from persona_tui.engine.files import write_whole
from persona_tui.engine.modeling import climbing, journeys, restarts, shrinkage
from persona_tui.engine.modeling import mixture as mixtures
from persona_tui.engine.modeling import selection as selections
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.engine.modeling.saved_mixture import DAMAGED, from_arrays, to_arrays
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.modeling.selection import Rung, Selection
from persona_tui.engine.simulation import uncertainty
from persona_tui.engine.simulation.uncertainty import FlowDraws
from persona_tui.engine.types import AnyArray
from persona_tui.study.cache_folders import cache_root
from persona_tui.study.log import PreparedLog
from persona_tui.study.options import Settings
from persona_tui.study.results import LIBRARIES
from persona_tui.study.store import make_folder

FORMAT = 4
MOST_FITS = 8
"""Kept of one log; the oldest make room."""
LADDER_SUFFIX = ".ladder.json"
"""What ends the name of what is kept beside a fit about its number of personas."""
BACKTEST_SUFFIX = ".backtest.json"
"""What ends the name of what is kept beside a fit about how far it can be trusted."""
SECTION_SUFFIXES = {"drift": ".drift.json", "fairness": ".fairness.json"}
"""What ends the names of what is kept beside a fit for reports."""
DRAWN = ("moved", "shares", "conversions")
"""Arrays of the draws; personas are the second axis of each."""


def cache_folder(settings: Settings) -> Path:
    """Return where fits are kept: in the study, where there is one, else in the user's cache folder."""
    return cache_root(settings.output)


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
        self._n_draws = n_draws
        depends_on = {
            "format": FORMAT,
            "columns": prepared.log.columns,
            "recipe": prepared.log.recipe,
            "completion": sorted(prepared.completion),
            "drop": sorted(prepared.drop),
            "unit": settings.unit,
            "clusters": settings.clusters,
            "seed": settings.seed,
            "draws": n_draws,
            "algorithm": _algorithm(),
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
            mixture = from_arrays(arrays)
            if mixture.n_clusters != len(header["names"]) or not self._fits(mixture, arrays):
                return None
            return self._segmentation(header, mixture), {name: arrays[name] for name in DRAWN}
        except DAMAGED:
            return None

    def _fits(self, mixture: MarkovMixture, arrays: Mapping[str, AnyArray]) -> bool:
        """Return whether mixture and draws are in the shapes that the log and their number give them."""
        counts, of_draws = self._prepared.counts, (self._n_draws, mixture.n_clusters)
        shapes = {"moved": (*of_draws, len(counts.sources)), "shares": of_draws, "conversions": of_draws}
        return (
            mixture.vocabulary == counts.journeys.vocabulary
            and mixture.unit == counts.journeys.unit
            and np.array_equal(mixture.multiplicity, counts.multiplicity)
            and all(
                arrays[name].shape == shape and arrays[name].dtype == np.float64
                for name, shape in shapes.items()
            )
        )

    def _segmentation(self, header: dict[str, Any], mixture: MarkovMixture) -> SegmentationResult:
        rows = self._prepared.counts.row_of_user
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
        }
        arrays = to_arrays(mixture) | {name: getattr(draws, name) for name in DRAWN}
        try:
            make_folder(self.path.parent)
            write_whole(self.path, lambda temporary: _write(temporary, header, arrays))
        except ExportError:
            return
        self._make_room()

    def _make_room(self) -> None:
        """Delete the oldest fits of the same log; one that cannot be deleted is no reason to fail."""
        with suppress(OSError):
            others = [path for path in self.path.parent.glob("fit-*.npz") if path != self.path]
            others.sort(key=lambda path: path.stat().st_mtime_ns, reverse=True)
            for path in others[MOST_FITS - 1 :]:
                path.unlink(missing_ok=True)
                for suffix in (LADDER_SUFFIX, BACKTEST_SUFFIX, *SECTION_SUFFIXES.values()):
                    path.with_suffix(suffix).unlink(missing_ok=True)


def _algorithm() -> dict[str, dict[str, float]]:
    """Return the numbers that a fit and its draws are worked out with, as the modules state them."""
    modules = (journeys, climbing, restarts, shrinkage, mixtures, selections, uncertainty)
    return {**algorithm_numbers(modules), "defaults": _numbers(fit_markov_mixture.__kwdefaults__ or {})}


def algorithm_numbers(modules: Iterable[ModuleType]) -> dict[str, dict[str, float]]:
    """Return the numbers that some modules state as constants: what is kept depends on them."""
    return {module.__name__: _constants(vars(module)) for module in modules}


def _constants(names: Mapping[str, object]) -> dict[str, float]:
    return _numbers({name: value for name, value in names.items() if name.isupper()})


def _numbers(values: Mapping[str, object]) -> dict[str, float]:
    return {name: value for name, value in values.items() if isinstance(value, (int, float))}


def _write(path: Path, header: dict[str, Any], arrays: dict[str, Any]) -> None:
    with path.open("wb") as file:
        np.savez(file, header=np.array(json.dumps(header)), **arrays)


def _selection(kept: dict[str, Any] | None) -> Selection | None:
    if kept is None:
        return None
    return Selection(**{**kept, "ladder": tuple(Rung(**rung) for rung in kept["ladder"])})
