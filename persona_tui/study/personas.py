"""The personas of a log or a study: found, described, called and pinned, and written user by user."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from persona_tui import __version__
from persona_tui.engine.analytics.cards import PersonaCard, build_persona_cards
from persona_tui.engine.analytics.tables import to_csv
from persona_tui.engine.errors import ExportError, SimulationError
from persona_tui.engine.modeling.mixture import check_n_clusters
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.modeling.selection import Selection
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.study.fit import LearnedPersonas, learn_personas
from persona_tui.study.kept_personas import KeptPersona, KeptPersonas, PersonaChanges
from persona_tui.study.log import PreparedLog, prepare_log
from persona_tui.study.movement import Remembered, remember_personas
from persona_tui.study.options import Settings
from persona_tui.study.persona_files import read_kept_personas, write_kept_personas
from persona_tui.study.placing import place_personas
from persona_tui.study.results import card_document, facts_document, libraries
from persona_tui.study.runs import default_output
from persona_tui.study.store import locked, make_folder, write_text

SCHEMA: Final = "persona-tui/personas/1"
SURE: Final = 0.8
"""Membership from which a user is said to belong surely."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DescribedPersonas:
    """The personas of a log as a reader meets them.

    Parameters
    ----------
    settings : Settings
    learned : LearnedPersonas
    cards : tuple of PersonaCard
        In the order of the study.
    remembered : Remembered
        What became of the personas since the study's fit before.
    """

    settings: Settings
    learned: LearnedPersonas
    cards: tuple[PersonaCard, ...]
    remembered: Remembered

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
    def sure_share(self) -> float:
        """Return the share of users who belong to one persona with a membership of at least 0.8."""
        return float((self.segmentation.memberships.max(axis=1) >= SURE).mean())

    def resolved(self) -> dict[str, Any]:
        """Return the settings that the personas depend on, as what they came to."""
        return {
            "columns": self.prepared.log.columns,
            "funnel": [step.step for step in self.prepared.funnel],
            "completion": sorted(self.prepared.completion),
            "drop": sorted(self.prepared.drop),
            "unit": self.settings.unit,
            "clusters": self.segmentation.n_clusters,
        }

    def document(self) -> dict[str, Any]:
        """Return all that is told of them as one document of plain values."""
        selection = self.selection
        return {
            "schema": SCHEMA,
            "data": facts_document(self.prepared.facts),
            "n_clusters": self.segmentation.n_clusters,
            "selection": None if selection is None else asdict(selection),
            "personas": [
                {**card_document(card), "generated_name": each.generated, "pinned": each.place == card.id}
                for card, each in zip(self.cards, self.settled, strict=True)
            ],
            "sure_share": self.sure_share,
            "not_found": [asdict(each) for each in self.lost],
            "movement": (movement := self.remembered.movement) and movement.document(),
            "recipe": {
                "seed": self.settings.seed,
                "version": __version__,
                "settings": self.resolved(),
                "libraries": libraries(),
            },
        }


def describe_personas(
    settings: Settings,
    changes: PersonaChanges | None = None,
    *,
    on_progress: ProgressCallback = ignore_progress,
) -> DescribedPersonas:
    """Find the personas of a log, settle what is to be settled about them, and describe them.

    Parameters
    ----------
    settings : Settings
    changes : PersonaChanges, optional
        Kept in the study, under its lock.
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
    if changes:
        _require_study(settings)
    prepared = prepare_log(settings, on_progress=on_progress)
    n_clusters = settings.n_clusters()
    if n_clusters != "auto":
        check_n_clusters(n_clusters, prepared.sequences.n_users)
    learned = learn_personas(settings, prepared, on_progress=on_progress)
    if changes:
        learned = _settle(learned, changes, _require_study(settings).folder)
    return DescribedPersonas(
        settings=settings,
        learned=learned,
        cards=build_persona_cards(learned.simulator, learned.segmentation, learned.draws),
        remembered=_remember(settings.personas, learned),
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
            f"'{settings.events}' is a log, which keeps no names of personas; a study does.",
            hint=f"Make one, then name it here: persona-tui batch {settings.events} --output {study}",
        )
    if kept.settled_for_good:
        raise SimulationError(
            f"'{kept.folder}' is a run, which keeps the names that it was done with.",
            hint=f"Name its study: persona-tui personas {settings.output}",
        )
    return kept


def _settle(learned: LearnedPersonas, changes: PersonaChanges, study: Path) -> LearnedPersonas:
    """Return the personas as they are settled now, and keep it; what others kept meanwhile stays."""
    with locked(make_folder(study)):
        kept = read_kept_personas(study)
        personas = changes.apply(kept, place_personas(learned.found, kept).settled)
        write_kept_personas(study, personas)
    return learned.settled_as(replace(kept, personas=personas))


def check_memberships_file(path: Path, source: Path) -> None:
    """Refuse a file of memberships that cannot be written or must not be replaced, before the long work.

    Raises
    ------
    SimulationError
        If it is the log itself, or a folder.
    ExportError
        If its folder is not there.
    """
    if path.resolve() == source.resolve():
        raise SimulationError(f"'{path}' is the log itself.", hint="Choose another --csv.")
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
