"""How well personas would have foretold what they have not seen: other users, and other weeks."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.followed import Followed, follow
from persona_tui.engine.evaluation.held_out import Trained, train
from persona_tui.engine.evaluation.likeness import (
    Likeness,
    compare_shapes,
    join_shapes,
    shapes_of,
    simulate_shapes,
)
from persona_tui.engine.evaluation.open_journeys import OpenEnd, check_open_journeys
from persona_tui.engine.evaluation.outlooks import OutcomeCheck, foretell_outcomes
from persona_tui.engine.evaluation.prefixes import begin
from persona_tui.engine.evaluation.rolling import Rolling, foretell_periods
from persona_tui.engine.evaluation.verdict import (
    Judgement,
    Verdict,
    judge_likeness,
    judge_losses,
    judge_open_journeys,
    judge_periods,
    judge_personas,
)
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.matching import persona_distances
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.types import IntArray, RandomState

N_FOLDS: Final = 5
FIRST_EVENTS: Final = 3
LEAST_USERS: Final = 100
"""Followed, below which folds are too small to tell anything."""
ENOUGH_WEEKS: Final = 8
"""Forecasts of weeks below which days are foretold too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtest:
    """How well personas would have foretold what they have not seen.

    Parameters
    ----------
    n_users, n_journeys : int
        Followed.
    n_too_late : int
        Journeys that began too near the end of the log to be followed.
    followed_seconds : float
        How long each was.
    late_completions : float
        Share of the completions that came later, and count as none.
    n_clusters, n_folds : int
    likeness : tuple of Likeness
    outcomes : OutcomeCheck
    periods : tuple of Rolling
        Weeks, and days where there are few of these.
    open_ends : tuple of OpenEnd
    verdict : Verdict
    """

    n_users: int
    n_journeys: int
    n_too_late: int
    followed_seconds: float
    late_completions: float
    n_clusters: int
    n_folds: int
    likeness: tuple[Likeness, ...]
    outcomes: OutcomeCheck
    periods: tuple[Rolling, ...]
    open_ends: tuple[OpenEnd, ...]
    verdict: Verdict


def run_backtest(
    sequences: Sequences,
    mixture: MarkovMixture,
    *,
    completion: Collection[str],
    drop: Collection[str] = frozenset(),
    names: Sequence[str],
    first: int = FIRST_EVENTS,
    random_state: RandomState = None,
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> Backtest:
    """Fit personas again without some of the data, and hold them against what they have not seen.

    Parameters
    ----------
    sequences : Sequences
    mixture : MarkovMixture
        Fitted on all of them; gives the unit, the number of personas and their order.
    completion, drop : collection of str
    names : sequence of str, length K
        Of its personas.
    first : int
        Events of a journey from which its outcome is foretold.
    random_state : int, SeedSequence, Generator or None
    workers : int
        Threads; the result does not depend on their number.
    on_progress : callable

    Raises
    ------
    DataError
        If there are too few users, or none completes.

    Notes
    -----
    Users are held out by fifths; personas, their number given, are fitted on the others. The completion rate
    of all is no check, since the fit reproduces it: what is compared are lengths, times and runs of events,
    outcomes given the first events, coming weeks, and journeys that were open. The cost is that of five fits,
    of up to twelve for each kind of period, and of three.

    References
    ----------
    Gneiting & Raftery (2007), Strictly proper scoring rules, prediction, and estimation, *Journal of the
    American Statistical Association* 102, 359-378.
    """
    seed = normalise_seed(random_state)
    followed = follow(sequences, unit=mixture.unit, completion=completion, drop=drop)
    n_users = followed.sequences.n_users
    _require_users(n_users)
    folds = stream(seed, Stream.HELD_OUT).permutation(n_users) % N_FOLDS
    trained = _train(followed, folds, mixture.n_clusters, seed, workers=workers, on_progress=on_progress)
    likeness = _compare(followed, trained, folds, seed)
    outcomes = _foretell(followed, trained, folds, seed, first=first, mixture=mixture, names=names)
    periods = _roll(followed, mixture.n_clusters, seed, workers, on_progress)
    open_ends = check_open_journeys(
        sequences,
        unit=mixture.unit,
        completion=completion,
        drop=drop,
        n_clusters=mixture.n_clusters,
        seed=seed,
        workers=workers,
        on_progress=on_progress,
    )
    return Backtest(
        n_users=n_users,
        n_journeys=followed.journeys.n_journeys,
        n_too_late=followed.n_too_late,
        followed_seconds=followed.horizon / 1e6,
        late_completions=followed.late_completions,
        n_clusters=mixture.n_clusters,
        n_folds=N_FOLDS,
        likeness=likeness,
        outcomes=outcomes,
        periods=periods,
        open_ends=open_ends,
        verdict=Verdict(judgements=_judge(likeness, outcomes, periods, open_ends)),
    )


def _judge(
    likeness: Sequence[Likeness],
    outcomes: OutcomeCheck,
    periods: Sequence[Rolling],
    open_ends: Sequence[OpenEnd],
) -> tuple[Judgement, ...]:
    return (
        *map(judge_likeness, likeness),
        judge_personas(outcomes),
        judge_losses(outcomes),
        *map(judge_periods, periods),
        judge_open_journeys(open_ends),
    )


def _require_users(n_users: int) -> None:
    if n_users < LEAST_USERS:
        raise DataError(
            f"{n_users} users can be followed for long enough; a backtest needs {LEAST_USERS}.",
            hint="Take a longer log, or one of more users.",
        )


def _train(
    followed: Followed,
    folds: IntArray,
    n_clusters: int,
    seed: np.random.SeedSequence,
    *,
    workers: int,
    on_progress: ProgressCallback,
) -> list[Trained]:
    trained = []
    for fold in range(N_FOLDS):
        on_progress(Progress(stage="fit on four fifths of the users", done=fold, total=N_FOLDS))
        part = followed.of_users(folds != fold)
        trained.append(train(part, followed.cut(part), n_clusters, seed, workers=workers))
    return trained


def _compare(
    followed: Followed, trained: Sequence[Trained], folds: IntArray, seed: np.random.SeedSequence
) -> tuple[Likeness, ...]:
    held = np.bincount(folds[followed.journeys.users], minlength=N_FOLDS)
    begins = np.append(0, np.cumsum(held))
    simulated = join_shapes(
        [
            simulate_shapes(
                each, int(n), np.random.SeedSequence(seed.entropy, spawn_key=(fold,)), first_owner=int(first)
            )
            for fold, (each, n, first) in enumerate(zip(trained, held, begins, strict=False))
            if n
        ]
    )
    return compare_shapes(
        shapes_of(followed),
        simulated,
        n_users=followed.sequences.n_users,
        generator=stream(seed, Stream.HALVES),
    )


def _foretell(
    followed: Followed,
    trained: Sequence[Trained],
    folds: IntArray,
    seed: np.random.SeedSequence,
    *,
    first: int,
    mixture: MarkovMixture,
    names: Sequence[str],
) -> OutcomeCheck:
    prefixes = begin(followed.journeys, first)
    users = followed.journeys.users[prefixes.journeys].astype(np.int64)
    return foretell_outcomes(
        prefixes,
        followed.converted[prefixes.journeys],
        users,
        folds[users],
        trained,
        names=[_names_of(mixture, each.mixture, names) for each in trained],
        generator=stream(seed, Stream.FORECASTS),
    )


def _names_of(whole: MarkovMixture, part: MarkovMixture, names: Sequence[str]) -> tuple[str, ...]:
    """Return the name of the persona of the whole fit that each persona of a part is nearest to, in pairs."""
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415 - 0.1 s, only evaluations need it

    rows, columns = linear_sum_assignment(persona_distances(part, whole))
    found = dict(zip(rows.tolist(), columns.tolist(), strict=True))
    return tuple(names[found[persona]] for persona in range(part.n_clusters))


def _roll(
    followed: Followed,
    n_clusters: int,
    seed: np.random.SeedSequence,
    workers: int,
    on_progress: ProgressCallback,
) -> tuple[Rolling, ...]:
    weeks = foretell_periods(
        followed, n_clusters, seed, period="week", workers=workers, on_progress=on_progress
    )
    if len(weeks.of("completion rate")) >= ENOUGH_WEEKS:
        return (weeks,)
    days = foretell_periods(
        followed, n_clusters, seed, period="day", workers=workers, on_progress=on_progress
    )
    return (weeks, days)
