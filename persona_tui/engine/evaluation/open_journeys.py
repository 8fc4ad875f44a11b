"""Whether journeys that were still open once turned out as the flow took them to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.data.sequences import Sequences, take_events
from persona_tui.engine.evaluation.followed import converted
from persona_tui.engine.evaluation.held_out import train
from persona_tui.engine.modeling.journeys import Ending, cut_journeys
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.statistics import Interval, interval
from persona_tui.engine.types import Unit

CUTS: Final = (0.5, 0.65, 0.8)
"""Of the log's time, at which it is taken to end."""
LEAST_JOURNEYS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenEnd:
    """A log that is cut early, and what became of its journeys.

    Parameters
    ----------
    cut : int
        Microseconds since 1970, UTC.
    n : int
        Journeys that had begun.
    n_open : int
        Of these, open at the cut.
    predicted : float
        The completion rate that the flow gives them, open ones weighed by what others did.
    interval : (float, float)
        95 %, of how well these users pin it.
    so_far : float
        Share that had completed at the cut.
    observed : float
        Share that has completed by the end of the log.
    still_open : float
        Share that is open there: what came lies between ``observed`` and as much more.
    """

    cut: int
    n: int
    n_open: int
    predicted: float
    interval: Interval
    so_far: float
    observed: float
    still_open: float

    @property
    def is_inside(self) -> bool:
        """Return whether what came may lie in the interval."""
        return self.interval[0] <= self.observed + self.still_open and self.observed <= self.interval[1]

    @property
    def gap(self) -> float:
        """Return how far what was foretold is from anything that may have come."""
        return max(self.observed - self.predicted, self.predicted - self.observed - self.still_open, 0.0)


def check_open_journeys(
    sequences: Sequences,
    *,
    unit: Unit,
    completion: Collection[str],
    drop: Collection[str],
    n_clusters: int,
    seed: np.random.SeedSequence,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> tuple[OpenEnd, ...]:
    """Cut a log early, and compare the completion rate that it foretells with what came.

    Parameters
    ----------
    sequences : Sequences
    unit : {"user", "session"}
    completion, drop : collection of str
    n_clusters : int
    seed : SeedSequence
    workers : int
    on_progress : callable

    Notes
    -----
    Every journey that begins before the cut is known by the end of the log, but for those that are open
    still: what came lies between the share that completed and as much more as is open. O(N) a cut and a fit.
    """
    present = frozenset(sequences.vocabulary)
    completion, drop = present.intersection(completion), present.intersection(drop)
    first, last = int(sequences.times.min()), int(sequences.times.max())
    whole = cut_journeys(sequences, unit=unit, completion=completion, drop=drop)
    groups = sequences.users.astype(np.int64) if unit == "user" else sequences.sessions
    owners = np.unique(groups)
    found = []
    for number, share in enumerate(CUTS):
        on_progress(Progress(stage="cut the log early", done=number, total=len(CUTS)))
        cut = first + int(share * (last - first))
        rows = np.flatnonzero(sequences.times < cut)
        if not len(rows):
            continue
        early, _ = take_events(sequences, rows)
        journeys = cut_journeys(early, unit=unit, completion=completion, drop=drop)
        if journeys.n_journeys < LEAST_JOURNEYS or not converted(journeys).any():
            continue
        fitted = train(early, journeys, n_clusters, seed, workers=workers)
        flow, shares = fitted.simulator.flow, fitted.simulator.shares
        drawn = np.concatenate(
            [(weights * solve(flows).converted).sum(axis=-1) for flows, weights in fitted.draws.blocks()]
        )
        begun = np.isin(owners, groups[rows])
        found.append(
            OpenEnd(
                cut=cut,
                n=journeys.n_journeys,
                n_open=int((journeys.endings == Ending.CENSORED).sum()),
                predicted=float(shares @ solve(flow).converted),
                interval=interval(drawn),
                so_far=float(converted(journeys).mean()),
                observed=float(converted(whole)[begun].mean()),
                still_open=float((whole.endings[begun] == Ending.CENSORED).mean()),
            )
        )
    return tuple(found)
