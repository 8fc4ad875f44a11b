"""A fresh log met by personas that were learned before: who of its users belongs to which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from persona_tui.engine.data.event_log import EventLog
from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.assignment import Assignment, assign_users
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.modeling.shares import estimate_shares, shares_of_fit
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.statistics import Interval
from persona_tui.study.fit import LearnedPersonas
from persona_tui.study.log import load_log
from persona_tui.study.options import Settings

SCHEMA: Final = "persona-tui/assignment/1"
MISFIT: Final = 0.1
"""Share by which an event costs more bits than in the log of the fit, above which the personas are said to
describe a log badly. Halves of two real logs, parted by chance and by time, cost 2 % less to 3 % more than
the halves that the personas were found in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedPersona:
    """What part of a fresh log one persona has.

    Parameters
    ----------
    id : int
    name : str
    users : int
        Users of the fresh log that belong to it more than to any other.
    share_before : float
        Of the users of the log that it was found in.
    share_now : float or None
        Of the users of the fresh log; None where they are too few, or the personas too much alike, to tell.
    change_interval : (float, float) or None
        95 % interval of the difference.
    """

    id: int
    name: str
    users: int
    share_before: float
    share_now: float | None
    change_interval: Interval | None

    @property
    def change(self) -> float | None:
        """Return the difference of the shares."""
        return None if self.share_now is None else self.share_now - self.share_before


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AssignedLog:
    """The users of a fresh log, assigned to the personas of another.

    Parameters
    ----------
    source : str
    personas_from : str
        Fingerprint of the log that the personas were found in.
    log : EventLog
    assignment : Assignment
    personas : tuple of AssignedPersona
        In the order of the study.
    segmentation : SegmentationResult
        The memberships as those of any log.
    reference_bits : float
        Bits per event of the log that the personas were found in.
    """

    source: str
    personas_from: str
    log: EventLog
    assignment: Assignment
    personas: tuple[AssignedPersona, ...]
    segmentation: SegmentationResult
    reference_bits: float

    @property
    def fits_badly(self) -> bool:
        """Return whether an event surely costs a tenth more than in the log of the fit."""
        surely = self.assignment.bits_per_event - 1.96 * self.assignment.bits_error
        return surely > (1 + MISFIT) * self.reference_bits

    @property
    def helps(self) -> bool:
        """Return whether the personas foretell the log better than one chain for all does."""
        return self.assignment.bits_per_event < self.assignment.baseline_bits_per_event

    def document(self) -> dict[str, Any]:
        """Return all that is told of it as one document of plain values."""
        assignment = self.assignment
        return {
            "schema": SCHEMA,
            "source": self.source,
            "fingerprint": self.log.fingerprint,
            "personas_from": self.personas_from,
            "columns": self.log.columns,
            "users": len(assignment.user_ids),
            "users_without_known_events": assignment.n_users_without_events,
            "events": self.log.n_events,
            "events_of_unknown_types": assignment.n_unknown_events,
            "unknown_event_types": list(assignment.unknown_event_types),
            "impossible_moves": assignment.n_impossible_moves,
            "bits_per_event": _finite(assignment.bits_per_event),
            "bits_error": _finite(assignment.bits_error),
            "baseline_bits_per_event": _finite(assignment.baseline_bits_per_event),
            "reference_bits_per_event": _finite(self.reference_bits),
            "fits_badly": self.fits_badly,
            "personas": [{**asdict(each), "change": each.change} for each in self.personas],
        }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def assign_log(
    learned: LearnedPersonas,
    settings: Settings,
    *,
    on_progress: ProgressCallback = ignore_progress,
) -> AssignedLog:
    """Assign the users of a fresh log to personas, one chance for each.

    Parameters
    ----------
    learned : LearnedPersonas
    settings : Settings
        With the fresh log as its source; columns that they do not give are detected in it.
    on_progress : callable

    Raises
    ------
    DataError, ThresholdError, UnknownNameError
        If the log cannot be used, or has no such column.
    ModelingError
        If the personas know none of its events.

    Notes
    -----
    Memberships start from the shares of the log that the personas were found in; ``share_now`` does not
    lean toward them, see ``estimate_shares``, and so is not the mean membership.
    """
    segmentation, mixture = learned.segmentation, learned.segmentation.mixture
    if mixture is None:
        raise ModelingError("These personas have no chains to assign by.", hint="Find them with the mixture.")
    log = load_log(settings, on_progress=on_progress)
    assignment = assign_users(mixture, log.sequences)
    before = shares_of_fit(segmentation.memberships, mixture.weights)
    now = estimate_shares(assignment.memberships[assignment.has_events], mixture.weights)
    users = np.bincount(assignment.labels[assignment.has_events], minlength=mixture.n_clusters)
    intervals: Sequence[Interval | None] = now.change_from(before)
    return AssignedLog(
        source=settings.source_shown(),
        personas_from=learned.prepared.facts.fingerprint,
        log=log,
        assignment=assignment,
        personas=tuple(
            AssignedPersona(
                id=position + 1,
                name=name,
                users=int(users[position]),
                share_before=float(before.shares[position]),
                share_now=None if intervals[position] is None else float(now.shares[position]),
                change_interval=intervals[position],
            )
            for position, name in enumerate(segmentation.names)
        ),
        segmentation=SegmentationResult(
            user_ids=assignment.user_ids,
            names=segmentation.names,
            memberships=assignment.memberships,
            fitted_memberships=assignment.memberships,
            mixture=mixture,
            selection=None,
        ),
        reference_bits=assign_users(mixture, learned.prepared.sequences).bits_per_event,
    )
