"""The personas of a log or a study: found, described, compared, called and pinned, written user by user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from persona_tui.engine.analytics import profiles as persona_profiles
from persona_tui.engine.analytics.cards import PersonaCard
from persona_tui.engine.analytics.profiles import PersonaProfile
from persona_tui.engine.analytics.tables import to_csv
from persona_tui.engine.data.schema import FRICTION_DROP
from persona_tui.engine.errors import ExportError, SimulationError
from persona_tui.engine.modeling.clusterer_comparison import ComparedClusterer, compare_clusterers
from persona_tui.engine.modeling.dwell_checks import DwellCheck, check_runs, check_waits
from persona_tui.engine.modeling.ladder import LadderDescription
from persona_tui.engine.modeling.mixture import check_n_clusters
from persona_tui.engine.modeling.order_checks import N_FOLDS, OrderChecks, check_order
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.modeling.selection import Selection
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.persona_differences import PersonaDifferences, compare_personas
from persona_tui.engine.simulation.population import phrase_without
from persona_tui.engine.text import printable
from persona_tui.study.fit import LearnedPersonas, learn_personas
from persona_tui.study.kept_ladder import learn_ladder
from persona_tui.study.kept_personas import KeptPersona, KeptPersonas, PersonaChanges, position_of
from persona_tui.study.log import PreparedLog, prepare_log
from persona_tui.study.movement import Remembered, remember_personas
from persona_tui.study.options import Settings
from persona_tui.study.persona_files import read_kept_personas, write_kept_personas
from persona_tui.study.placing import place_personas
from persona_tui.study.runs import default_output
from persona_tui.study.store import locked, make_folder, write_text

SettledCheck = Callable[[Sequence[KeptPersona]], None]
"""Gets the personas as they would be settled, in their order, and raises where that is not wanted."""
SURE: Final = 0.8
"""Membership from which a user is said to belong surely."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DescribedPersonas:
    """The personas of a log as a reader meets them.

    Parameters
    ----------
    settings : Settings
    learned : LearnedPersonas
    profiles : tuple of PersonaProfile
        In the order of the study, as all that follows.
    ladder : LadderDescription or None
        None where the number was given, or there is one user.
    order : OrderChecks or None
        None where there are too few users to hold some out.
    runs, waits : tuple of DwellCheck
        Whether time has a memory.
    remembered : Remembered
        What became of the personas since the study's fit before.
    """

    settings: Settings
    learned: LearnedPersonas
    profiles: tuple[PersonaProfile, ...]
    ladder: LadderDescription | None
    order: OrderChecks | None
    runs: tuple[DwellCheck, ...]
    waits: tuple[DwellCheck, ...]
    remembered: Remembered

    @property
    def cards(self) -> tuple[PersonaCard, ...]:
        """Return each persona's name, share and conversion."""
        return tuple(each.card for each in self.profiles)

    @property
    def prepared(self) -> PreparedLog:
        """Return the log that they were found in."""
        return self.learned.prepared

    @property
    def segmentation(self) -> SegmentationResult:
        """Return who belongs to which."""
        return self.learned.segmentation

    @property
    def selection(self) -> Selection | None:
        """Return how their number was found; none where it was given, or there is one user."""
        return self.segmentation.selection

    @property
    def settled(self) -> tuple[KeptPersona, ...]:
        """Return what the study settled about each, in the order of the cards."""
        return self.learned.placed.settled

    @property
    def lost(self) -> tuple[KeptPersona, ...]:
        """Return those that the study settled something about and that are not among them."""
        return self.learned.placed.lost

    @property
    def without(self) -> str:
        """Return whom predictions leave out, as it is told beside every total; empty for nobody."""
        excluded = [each for each in self.profiles if each.card.excluded]
        share = sum(each.user_share for each in excluded)
        return phrase_without([each.card.name for each in excluded], share)

    @property
    def sure_share(self) -> float:
        """Return the share of users who belong to one persona with a membership of at least 0.8."""
        return float((self.segmentation.memberships.max(axis=1) >= SURE).mean())

    def resolved(self) -> dict[str, Any]:
        """Return the settings that the personas depend on, as what they came to."""
        return resolved_settings(self.settings, self.learned)

    def position(self, wanted: str) -> int:
        """Return where a persona stands, from 0; see ``position_of``."""
        return position_of(wanted, self.settled)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaComparison:
    """Two personas side by side.

    Parameters
    ----------
    profiles : (PersonaProfile, PersonaProfile)
    differences : PersonaDifferences
    """

    profiles: tuple[PersonaProfile, PersonaProfile]
    differences: PersonaDifferences


def describe_personas(
    settings: Settings,
    changes: PersonaChanges | None = None,
    *,
    check: SettledCheck = lambda _settled: None,
    on_progress: ProgressCallback = ignore_progress,
) -> DescribedPersonas:
    """Find the personas of a log, settle what is to be settled about them, and describe them.

    Parameters
    ----------
    settings : Settings
    changes : PersonaChanges, optional
        Kept in the study, under its lock.
    check : callable
        Gets the personas as they would be settled, before that is kept and before the long work of
        describing them, and raises where they are not those that are wanted.
    on_progress : callable

    Returns
    -------
    DescribedPersonas

    Raises
    ------
    DataError, ModelingError, SimulationError, UnknownNameError
        Before anything is written, if the source, the settings or the changes are wrong.
    ExportError
        If the study cannot be written.
    """
    learned = settle_personas(settings, changes, check=check, on_progress=on_progress)
    return _describe(settings, learned, on_progress)


def settle_personas(
    settings: Settings,
    changes: PersonaChanges | None = None,
    *,
    check: SettledCheck = lambda _settled: None,
    on_progress: ProgressCallback = ignore_progress,
) -> LearnedPersonas:
    """Find the personas of a log and settle what is to be settled, as ``describe_personas`` does."""
    if changes:
        _require_study(settings)
    prepared = prepare_log(settings, on_progress=on_progress)
    n_clusters = settings.n_clusters()
    if n_clusters != "auto":
        check_n_clusters(n_clusters, prepared.sequences.n_users)
    learned = learn_personas(settings, prepared, on_progress=on_progress)
    if changes:
        return _settle(learned, changes, _require_study(settings).folder, check)
    check(learned.placed.settled)
    return learned


def resolved_settings(settings: Settings, learned: LearnedPersonas) -> dict[str, Any]:
    """Return the settings that personas depend on, as what they came to."""
    prepared = learned.prepared
    return {
        "columns": prepared.log.columns,
        "funnel": [step.step for step in prepared.funnel],
        "completion": sorted(prepared.completion),
        "drop": sorted(prepared.drop),
        "unit": settings.unit,
        "clusters": learned.segmentation.n_clusters,
    }


def _describe(
    settings: Settings, learned: LearnedPersonas, on_progress: ProgressCallback
) -> DescribedPersonas:
    """Return all that is told of personas, the ladder first, which takes longest where it is not kept."""
    prepared, simulator = learned.prepared, learned.simulator
    selection = learned.segmentation.selection
    ladder = None
    if selection is not None:
        ladder = learn_ladder(settings, prepared, selection, on_progress=on_progress)
    on_progress(Progress(stage="describe personas", done=0, total=1))
    counts, memberships = simulator.counts, simulator.memberships
    order = None
    if prepared.sequences.n_users >= N_FOLDS:
        order = check_order(counts, memberships, random_state=normalise_seed(settings.seed))
    described = DescribedPersonas(
        settings=settings,
        learned=learned,
        profiles=persona_profiles.describe_personas(
            simulator, learned.segmentation, learned.draws, learned.placed.excluded
        ),
        ladder=ladder,
        order=order,
        runs=check_runs(counts, memberships),
        waits=check_waits(prepared.sequences, counts, memberships),
        remembered=_remember(settings.personas, learned),
    )
    on_progress(Progress(stage="describe personas", done=1, total=1))
    return described


def compare_two(described: DescribedPersonas, first: str, second: str) -> PersonaComparison:
    """Return two personas side by side.

    Parameters
    ----------
    described : DescribedPersonas
    first, second : str
        Each by its name, the one that the fit gives it, or its number from 1.

    Raises
    ------
    UnknownNameError
        If there is no such persona.
    SimulationError
        If both are the same.
    """
    positions = positions_of_two(first, second, described.settled)
    one, other = (described.profiles[position] for position in positions)
    differences = compare_personas(
        described.learned.draws,
        *(str(position + 1) for position in positions),
        funnel=[step.step for step in described.prepared.funnel],
    )
    return PersonaComparison(profiles=(one, other), differences=differences)


def positions_of_two(first: str, second: str, settled: Sequence[KeptPersona]) -> tuple[int, int]:
    """Return where two personas stand, as ``position_of`` does; one is not compared with itself."""
    one, other = (position_of(each, settled) for each in (first, second))
    if one == other:
        raise SimulationError(
            f"'{printable(first)}' and '{printable(second)}' are the same persona.",
            hint="Compare two: --compare 1 --compare 2"
            if len(settled) > 1
            else "There is one persona, so none to compare it with.",
        )
    return one, other


def compare_ways_to_group(
    described: DescribedPersonas, *, on_progress: ProgressCallback = ignore_progress
) -> tuple[ComparedClusterer, ...]:
    """Return how well other clusterers group the users of a log, beside the mixture that was fitted.

    Parameters
    ----------
    described : DescribedPersonas
    on_progress : callable

    Raises
    ------
    ModelingError
        If there are too few users to hold some out.
    """
    prepared, settings = described.prepared, described.settings
    return compare_clusterers(
        prepared.sequences,
        described.segmentation.n_clusters,
        unit=settings.unit,
        completion=prepared.completion,
        drop=prepared.drop - {FRICTION_DROP},
        random_state=normalise_seed(settings.seed),
        on_progress=on_progress,
    )


def _remember(kept: KeptPersonas | None, learned: LearnedPersonas) -> Remembered:
    """Keep the personas in the study, if there is one; a run keeps those that it was done with."""
    if kept is None or kept.settled_for_good:
        return Remembered()
    return remember_personas(kept.folder, learned.found, learned.prepared.facts.fingerprint)


def _require_study(settings: Settings) -> KeptPersonas:
    """Return what the study of the settings keeps about its personas, or refuse to change what is none."""
    kept = settings.personas
    if kept is None:
        study = default_output(settings)
        raise SimulationError(
            f"'{settings.source_shown()}' is a log, which keeps no names of personas; a study does.",
            hint=f"Make one, then name it here: persona-tui batch {settings.source_shown()} --output {study}",
        )
    if kept.settled_for_good:
        raise SimulationError(
            f"'{kept.folder}' is a run, which keeps the names that it was done with.",
            hint=f"Name its study: persona-tui personas {settings.output}",
        )
    return kept


def _settle(
    learned: LearnedPersonas, changes: PersonaChanges, study: Path, check: SettledCheck
) -> LearnedPersonas:
    """Return the personas as they are settled now, and keep it; what others kept meanwhile stays."""
    with locked(make_folder(study)):
        before = read_kept_personas(study)
        kept = replace(before, personas=changes.apply(before, place_personas(learned.found, before).settled))
        check(place_personas(learned.found, kept).settled)
        write_kept_personas(study, kept.personas)
    return learned.settled_as(kept)


def check_memberships_file(path: Path, source: Path) -> None:
    """Refuse a file of memberships that cannot be written or must not be replaced, before the long work.

    Raises
    ------
    SimulationError
        If it is the log itself, named as the file of a study, or a folder.
    ExportError
        If its folder is not there.
    """
    if path.resolve() == source.resolve():
        raise SimulationError(f"'{path}' is the log itself.", hint="Choose another --csv.")
    if path.suffix == ".toml":
        raise SimulationError(
            f"'{path}' is named as the file of a study.", hint="Name a table: --csv memberships.csv"
        )
    if path.is_dir():
        raise SimulationError(f"'{path}' is a folder.", hint="Name a file: --csv memberships.csv")
    if not path.parent.is_dir():
        raise ExportError(f"The folder '{path.parent}' does not exist.", hint="Choose another --csv.")


def membership_table(segmentation: SegmentationResult) -> pl.DataFrame:
    """Return the soft memberships of every user.

    Returns
    -------
    DataFrame
        One row a user: ``user_id``, ``persona_id`` (from 1) and ``persona`` of the likeliest, its
        ``membership``, and ``p_1`` to ``p_K``, which sum to one.
    """
    memberships, labels = segmentation.memberships, segmentation.labels
    names = np.array(segmentation.names, dtype=object)
    return pl.DataFrame(
        {
            "user_id": pl.Series(segmentation.user_ids, dtype=pl.String),
            "persona_id": labels + 1,
            "persona": pl.Series(names[labels].tolist(), dtype=pl.String),
            "membership": memberships.max(axis=1),
            **{f"p_{k + 1}": memberships[:, k] for k in range(segmentation.n_clusters)},
        }
    )


def write_memberships(segmentation: SegmentationResult, path: Path) -> None:
    """Write the soft memberships of every user as CSV, whole or not at all; no spreadsheet runs its cells.

    Raises
    ------
    ExportError
        If it cannot be written.
    """
    write_text(path, to_csv(membership_table(segmentation)))
