"""A synthetic log, from a real one to a file."""

from __future__ import annotations

import math
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from persona_tui import __version__
from persona_tui.engine.data.writers import writer_of
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.files import write_whole
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import Flow
from persona_tui.engine.simulation.log_generator import LogGenerator, fit_log_generator
from persona_tui.engine.simulation.privacy import Reproduction
from persona_tui.engine.simulation.segments import split_by_segments
from persona_tui.engine.simulation.synthesis import LogBlock, Tally, check_size, synthesize_log
from persona_tui.study.config import STUDY_FILE
from persona_tui.study.fit import fit_flow
from persona_tui.study.log import PreparedLog, prepare_log
from persona_tui.study.options import Settings
from persona_tui.study.placing import call_anew
from persona_tui.study.results import LIBRARIES
from persona_tui.study.runs import PUBLISHED, default_output
from persona_tui.study.scenarios import read_effects
from persona_tui.study.store import make_folder

SCHEMA = "persona-tui/synth/1"
MUCH_REDRAWN = 0.2
"""Share of journeys that were walked again above which the synthetic log is no good likeness."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaTally:
    """What a synthetic log holds of one persona.

    Parameters
    ----------
    name : str
    users, journeys : int
        Synthetic ones.
    conversion : float
        Share of its synthetic journeys that convert; NaN where there is none.
    exact : float
        The same of the flow that was walked.
    """

    name: str
    users: int
    journeys: int
    conversion: float
    exact: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedSynthesis:
    """A synthetic log that is written.

    Parameters
    ----------
    settings : Settings
    prepared : PreparedLog
        The real log.
    segmentation : SegmentationResult
    modification : FlowModification
        What the flow was changed by; nothing where none was asked for.
    control : Flow
        The flow before that.
    generator : LogGenerator
    max_length : int
        Events at which journeys were cut.
    tally : Tally
        What was written.
    path : Path
        The file.
    """

    settings: Settings
    prepared: PreparedLog
    segmentation: SegmentationResult
    modification: FlowModification
    control: Flow
    generator: LogGenerator
    max_length: int
    tally: Tally
    path: Path

    @property
    def period(self) -> tuple[datetime, datetime]:
        """Return when the first and the last event happen."""
        first, last = (
            datetime.fromtimestamp(time // 1_000_000, tz=UTC) for time in (self.tally.first, self.tally.last)
        )
        return first, last

    @property
    def conversion(self) -> tuple[float, float]:
        """Return the share of synthetic journeys that convert, and the exact chance."""
        tally, exact = self.tally, self.generator.conversion(self.max_length)
        observed = tally.n_converted.sum() / tally.n_journeys.sum()
        return float(observed), float(self.generator.journey_shares @ exact)

    @property
    def reproduction(self) -> Reproduction:
        """Return how far journeys as first walked reproduced what is protected."""
        return self.tally.reproduction(self.generator.rare)

    @property
    def left_in_file(self) -> int:
        """Return how many protected sequences are in the file, as counted on the rows that were written."""
        return int(self.tally.shown.sum())

    def caveats(self) -> list[str]:
        """Return what the reader should know before trusting the log."""
        notes = self.modification.caveats(self.control)
        if self.reproduction.share > MUCH_REDRAWN:
            notes.append(
                f"{100 * self.reproduction.share:.0f} % of journeys were walked again: the real log has too "
                "few users for a close likeness that gives none of them away."
            )
        return notes

    def personas(self) -> list[PersonaTally]:
        """Return what the log holds of each persona."""
        tally = self.tally
        columns = (tally.n_users, tally.n_journeys, tally.n_converted)
        rows = zip(*(each.tolist() for each in columns), strict=True)
        exact = self.generator.conversion(self.max_length).tolist()
        return [
            PersonaTally(
                name=name,
                users=users,
                journeys=journeys,
                conversion=converted / journeys if journeys else float("nan"),
                exact=chance,
            )
            for name, (users, journeys, converted), chance in zip(
                self.generator.names, rows, exact, strict=True
            )
        ]

    def resolved(self) -> dict[str, Any]:
        """Return the settings that the log depends on, as what they came to."""
        return {
            "columns": self.prepared.log.columns,
            "funnel": [step.step for step in self.prepared.funnel],
            "completion": sorted(self.prepared.completion),
            "drop": sorted(self.prepared.drop),
            "unit": self.settings.unit,
            "clusters": self.segmentation.n_clusters,
            "modification": [str(effect) for effect in self.modification.compile()],
            "n_personas": self.settings.n_personas,
            "max_length": self.max_length,
        }

    def document(self) -> dict[str, Any]:
        """Return all that is told of the log as one document of plain values."""
        tally, (first, last) = self.tally, self.period
        observed, exact = self.conversion
        return {
            "schema": SCHEMA,
            "file": str(self.path),
            "synthetic": {
                "users": int(tally.n_users.sum()),
                "sessions": tally.n_sessions,
                "events": tally.n_events,
                "from": first.isoformat(),
                "to": last.isoformat(),
                "unit": self.settings.unit,
                "journeys": int(tally.n_journeys.sum()),
                "truncated_journeys": tally.n_truncated,
                "conversion": observed,
                "exact_conversion": exact,
            },
            "personas": [
                {
                    "id": position,
                    "name": each.name,
                    "users": each.users,
                    "journeys": each.journeys,
                    "conversion": None if math.isnan(each.conversion) else each.conversion,
                    "exact_conversion": each.exact,
                }
                for position, each in enumerate(self.personas(), start=1)
            ],
            "privacy": self._privacy(),
            "caveats": self.caveats(),
            "recipe": self._recipe(),
        }

    def _privacy(self) -> dict[str, Any]:
        found = self.reproduction
        return {
            "length": found.rule.length,
            "k": found.rule.k,
            "protected_sequences": found.n_rare,
            "protected_users": found.n_rare_users,
            "reproduced_sequences": found.n_reproduced,
            "redrawn_journeys": found.n_synthetic,
            "redrawn_share": found.share,
            "left_in_file": self.left_in_file,
        }

    def _recipe(self) -> dict[str, Any]:
        return {
            "source": self.settings.source_name(),
            "fingerprint": self.prepared.facts.fingerprint,
            "seed": self.settings.seed,
            "version": __version__,
            "settings": self.resolved(),
            "libraries": {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
        }


def run_synthesis(
    settings: Settings, *, on_progress: ProgressCallback = ignore_progress
) -> FinishedSynthesis:
    """Learn personas from a log and write a synthetic log like it.

    Parameters
    ----------
    settings : Settings
        ``output`` names the file; its ending the format. ``n_personas`` are users in all.
    on_progress : callable

    Returns
    -------
    FinishedSynthesis

    Raises
    ------
    DataError, UnknownNameError, ModelingError, SimulationError
        Before anything is written, if the source or the settings are wrong.
    ExportError
        If the file cannot be written. It appears whole or not at all.
    """
    path = Path(settings.output) if settings.output else default_file(settings)
    _check_output(path, settings.sources())
    check_size(settings.n_personas, settings.max_length)
    modification = FlowModification(effects=read_effects(settings.modification))
    prepared = prepare_log(settings, on_progress=on_progress)
    # a file is no study: what is learned is kept with the user
    segmentation, whole = fit_flow(replace(settings, output=""), prepared, on_progress=on_progress)
    modification = FlowModification(
        effects=call_anew(modification.effects, settings.personas, whole.persona_names)
    )
    simulator = split_by_segments(whole, modification.segments())
    generator = fit_log_generator(simulator, modification)
    max_length = settings.max_length or generator.horizon(settings.n_personas)
    blocks = synthesize_log(
        generator,
        settings.n_personas,
        max_length=max_length,
        random_state=settings.seed,
        on_progress=on_progress,
    )
    write, tallies = writer_of(path), list[Tally]()
    make_folder(path.parent)
    write_whole(path, lambda temporary: write(_counted(blocks, tallies), temporary))
    return FinishedSynthesis(
        settings=settings,
        prepared=prepared,
        segmentation=segmentation,
        modification=modification,
        control=simulator.flow,
        generator=generator,
        max_length=max_length,
        tally=tallies[0],
        path=path,
    )


def default_file(settings: Settings) -> Path:
    """Return where the synthetic log of a source is written that names no file."""
    folder = default_output(settings)
    return folder.with_name(f"{folder.name}_synthetic.parquet")


def _check_output(path: Path, sources: Sequence[str]) -> None:
    """Refuse a file that cannot be written or must not be replaced, before the long work."""
    writer_of(path)
    if path.resolve() in {Path(each).resolve() for each in sources}:
        raise SimulationError(f"'{path}' is the log itself.", hint="Choose another --output.")
    if path.name in PUBLISHED and (path.parent / STUDY_FILE).exists():
        raise SimulationError(f"'{path}' is a file of a study.", hint="Choose another --output.")
    reason = _unwritable(path)
    if reason:
        raise SimulationError(f"'{path}' cannot be written: {reason}.", hint="Choose another --output.")


def _unwritable(path: Path) -> str:
    """Return why a file cannot be written, empty where it can; folders may be missing."""
    folder = next(each for each in path.absolute().parents if each.exists())
    if path.is_dir():
        return "it is a folder"
    if not folder.is_dir():
        return f"'{folder}' is no folder"
    return "" if os.access(folder, os.W_OK) else f"the folder '{folder}' is closed to you"


def _counted(blocks: Iterator[LogBlock], tallies: list[Tally]) -> Iterator[pl.DataFrame]:
    """Give the events of blocks as they come, and keep one tally of all that have passed."""
    for block in blocks:
        tallies[:] = [tallies[0] + block.tally] if tallies else [block.tally]
        yield block.events
