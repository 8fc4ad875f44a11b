"""Weeks that were still to come, foretold from those before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy.special import stdtrit

from persona_tui.engine.evaluation.followed import Followed
from persona_tui.engine.evaluation.held_out import Trained, train
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.statistics import LEVEL, Interval
from persona_tui.engine.types import FloatArray, IntArray

Metric: TypeAlias = Literal["completion rate", "events per journey"]

LEAST_TRAINING: Final = 3
"""Periods that a forecast is made from at least: below, their own variation cannot be told."""
LEAST_JOURNEYS: Final = 30
MOST_FITS: Final = 12
"""Fits are renewed so often at most; between them a forecast is made from the last."""
_DAY: Final = 86_400_000_000
_CUT_SHORT: Final = -1
"""The earliest training period, which the log may have no whole of."""
PERIODS: Final = {"week": 7 * _DAY, "day": _DAY, "month": 30 * _DAY}
PeriodName: TypeAlias = Literal["week", "day", "month"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodForecast:
    """One metric of one period, foretold from those before.

    Parameters
    ----------
    metric : {"completion rate", "events per journey"}
    begins : int
        Microseconds since 1970, UTC.
    n : int
        Journeys that began in it.
    n_training : int
        Journeys that it was foretold from.
    predicted, observed : float
    interval : (float, float)
        95 %: how well the training users pin it, and so many journeys drawn by it.
    wide : (float, float)
        That, and how much the training periods differ from each other beyond chance.
    between : float
        Standard deviation of that, of a period.
    """

    metric: Metric
    begins: int
    n: int
    n_training: int
    predicted: float
    observed: float
    interval: Interval
    wide: Interval
    between: float

    @property
    def is_inside(self) -> bool:
        """Return whether the interval held what came."""
        return self.interval[0] <= self.observed <= self.interval[1]

    @property
    def is_inside_wide(self) -> bool:
        """Return whether the wide interval held what came."""
        return self.wide[0] <= self.observed <= self.wide[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rolling:
    """Periods foretold, one after the other.

    Parameters
    ----------
    period : {"week", "day", "month"}
    forecasts : tuple of PeriodForecast
        In order of time, each metric of a period after the other.
    n_fits : int
    """

    period: PeriodName
    forecasts: tuple[PeriodForecast, ...]
    n_fits: int

    def of(self, metric: Metric) -> tuple[PeriodForecast, ...]:
        """Return the forecasts of one metric."""
        return tuple(each for each in self.forecasts if each.metric == metric)


def foretell_periods(
    followed: Followed,
    n_clusters: int,
    seed: np.random.SeedSequence,
    *,
    period: PeriodName = "week",
    workers: int = 1,
    on_progress: ProgressCallback = ignore_progress,
) -> Rolling:
    """Foretell each period of a log from the journeys whose outcome was known when it began.

    Parameters
    ----------
    followed : Followed
    n_clusters : int
    seed : SeedSequence
    period : {"week", "day", "month"}
        Of 7 days, one, or 30.
    workers : int
    on_progress : callable

    Notes
    -----
    A journey belongs to the period that it began in; a period is foretold from journeys that began at
    least the time before it that journeys are followed for, and training periods are counted back from
    there. Fits are renewed twelve times at most. With rates r of J training periods of n
    journeys each and their variances v, the variance between periods is that of DerSimonian & Laird,
    and the wide interval has Student's t with J - 1 degrees of freedom on ``data + sampling + between (1 +
    sum(n ** 2) / sum(n) ** 2)``.

    References
    ----------
    DerSimonian & Laird (1986), Meta-analysis in clinical trials, *Controlled Clinical Trials* 7, 177-188.
    Higgins, Thompson & Spiegelhalter (2009), A re-evaluation of random-effects meta-analysis, *Journal of
    the Royal Statistical Society A* 172, 137-159.
    """
    length, begins = PERIODS[period], followed.begins
    origin = int(begins.min()) + LEAST_TRAINING * length + followed.horizon
    n_periods = max((int(begins.max()) - origin) // length, 0)
    tested = [
        moment
        for place in range(n_periods)
        if _can_be_told(begins, moment := origin + place * length, length)
    ]
    every = max(-(-len(tested) // MOST_FITS), 1)
    forecasts: list[PeriodForecast] = []
    known: _Known | None = None
    for place, moment in enumerate(tested):
        if known is None or place % every == 0:
            on_progress(Progress(stage=f"foretell each {period}", done=place, total=len(tested)))
            known = _Known.of(followed, moment, length, n_clusters=n_clusters, seed=seed, workers=workers)
        forecasts += known.foretell(followed, moment, length)
    return Rolling(period=period, forecasts=tuple(forecasts), n_fits=-(-len(tested) // every))


def _can_be_told(begins: IntArray, moment: int, length: int) -> bool:
    return int(((begins >= moment) & (begins < moment + length)).sum()) >= LEAST_JOURNEYS


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the journeys that were over say of a metric."""

    n: int
    predicted: dict[Metric, tuple[float, float]]
    spread: dict[Metric, float]
    between: dict[Metric, tuple[float, float, int]]

    @classmethod
    def of(
        cls,
        followed: Followed,
        moment: int,
        length: int,
        *,
        n_clusters: int,
        seed: np.random.SeedSequence,
        workers: int,
    ) -> _Known:
        ago = moment - followed.horizon - followed.begins
        chosen, users = ago > 0, followed.journeys.users.astype(np.int64)
        numbers = ago[chosen] // length
        numbers[ago[chosen] > (int(ago.max()) // length) * length] = _CUT_SHORT
        sequences = followed.of_journeys(chosen)
        fitted = train(sequences, followed.cut(sequences), n_clusters, seed, workers=workers)
        values = metric_values(followed)
        return cls(
            n=int(chosen.sum()),
            predicted=_predict(fitted),
            spread={name: _spread(each[chosen], users[chosen]) for name, each in values.items()},
            between={name: _between(each[chosen], numbers) for name, each in values.items()},
        )

    def foretell(self, followed: Followed, moment: int, length: int) -> list[PeriodForecast]:
        inside = (followed.begins >= moment) & (followed.begins < moment + length)
        n = int(inside.sum())
        found = []
        for name, values in metric_values(followed).items():
            value, error = self.predicted[name]
            between, share, freedom = self.between[name]
            narrow = np.sqrt(error**2 + self.spread[name] ** 2 / n)
            wide = np.sqrt(narrow**2 + between**2 * (1 + share))
            tail = (1 + LEVEL) / 2
            reach = float(stdtrit(np.inf, tail)) * narrow, float(stdtrit(freedom, tail)) * wide
            found.append(
                PeriodForecast(
                    metric=name,
                    begins=moment,
                    n=n,
                    n_training=self.n,
                    predicted=value,
                    observed=float(values[inside].mean()),
                    interval=_around(value, reach[0], name),
                    wide=_around(value, reach[1], name),
                    between=between,
                )
            )
        return found


def _around(value: float, reach: float, metric: Metric) -> Interval:
    highest = 1.0 if metric == "completion rate" else np.inf
    return max(value - reach, 0.0), min(value + reach, highest)


def metric_values(followed: Followed) -> dict[Metric, FloatArray]:
    """Return what each journey adds to each metric that periods are foretold of."""
    journeys = followed.journeys
    is_event = (journeys.steps < len(journeys.vocabulary)).astype(float)
    return {
        "completion rate": followed.converted.astype(float),
        "events per journey": np.add.reduceat(is_event, journeys.offsets[:-1]),
    }


def _predict(fitted: Trained) -> dict[Metric, tuple[float, float]]:
    """Return what the flow foretells of each metric, and the standard error that its users leave."""
    drawn: dict[Metric, list[FloatArray]] = {"completion rate": [], "events per journey": []}
    for flow, shares in ((fitted.simulator.flow, fitted.simulator.shares), *fitted.draws.blocks()):
        solved = solve(flow, None)
        drawn["completion rate"].append(np.atleast_1d((shares * solved.converted).sum(axis=-1)))
        drawn["events per journey"].append(np.atleast_1d((shares * solved.length).sum(axis=-1)))
    return {
        name: (float(each[0][0]), float(np.concatenate(each[1:]).std(ddof=1))) for name, each in drawn.items()
    }


def _spread(values: FloatArray, users: IntArray) -> float:
    """Return the standard deviation that one journey adds, journeys of a user hanging together."""
    per_user = np.bincount(users, weights=values - values.mean())
    return float(np.sqrt(per_user @ per_user / len(values)))


def _between(values: FloatArray, numbers: IntArray) -> tuple[float, float, int]:
    """Return how much periods differ beyond chance, the share of it in their mean, and degrees of freedom."""
    numbers, values = numbers[numbers != _CUT_SHORT], values[numbers != _CUT_SHORT]
    sizes = np.bincount(numbers)
    told = np.flatnonzero(sizes >= LEAST_JOURNEYS)
    sizes = sizes[told].astype(float)
    if len(told) < 2:
        return 0.0, 1.0, 1
    means = np.bincount(numbers, weights=values)[told] / sizes
    variances = values.var() / sizes
    weights = 1 / variances if values.var() else sizes
    middle = float(weights @ means / weights.sum())
    heterogeneity = float(weights @ (means - middle) ** 2)
    scale = float(weights.sum() - (weights @ weights) / weights.sum())
    excess = heterogeneity - (len(told) - 1)
    between = np.sqrt(max(excess / scale, 0.0)) if values.var() else 0.0
    return float(between), float(sizes @ sizes / sizes.sum() ** 2), len(told) - 1
