"""Who will convert, foretold from the first events of users held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.evaluation.held_out import Trained
from persona_tui.engine.evaluation.prefixes import Prefixes, drawn_means, look_ahead
from persona_tui.engine.evaluation.rivals import rival_chances
from persona_tui.engine.statistics import Interval, interval, wilson_interval
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

LEAST_GROUP: Final = 30
"""Journeys of a persona, of those held out, below which its forecast is not judged."""
N_BINS: Final = 10
_BINOMIALS: Final = 40
"""Outcomes drawn of each draw of the training users."""
_MODEL: Final = "personas"
PLAIN: Final = "everybody alike"
RIVAL: Final = "logistic regression"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """A rate foretold with its interval, and what came.

    Parameters
    ----------
    name : str
    fold : int
    n : int
        Journeys that the rate is of.
    predicted : float
    interval : (float, float)
        95 %: of how well the training users pin the rate, and of so many journeys drawn by it.
    observed : float
    """

    name: str
    fold: int
    n: int
    predicted: float
    interval: Interval
    observed: float

    @property
    def is_inside(self) -> bool:
        """Return whether the interval held what came."""
        return self.interval[0] <= self.observed <= self.interval[1]

    @property
    def miss(self) -> float:
        """Return how far what came is outside of the interval, zero where it is not."""
        return max(self.interval[0] - self.observed, self.observed - self.interval[1], 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Journeys that were given much the same chance: one point of the calibration plot.

    Parameters
    ----------
    n : int
    predicted : float
        The mean chance.
    observed : float
    interval : (float, float)
        95 %, Wilson, of the observed share.
    """

    n: int
    predicted: float
    observed: float
    interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLoss:
    """How well the outcome of journeys held out was foretold; lower is better.

    Parameters
    ----------
    name : str
    value : float
        Natural-log units a journey.
    excess : float
        That of the personas, less this one.
    excess_error : float
        Its standard error, paired, over users.
    """

    name: str
    value: float
    excess: float
    excess_error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeCheck:
    """How well personas foretell who converts.

    Parameters
    ----------
    first : int
        Events of a journey that were looked at.
    n_journeys, n_converted : int
        Held out in one fold or another.
    losses : tuple of LogLoss
        The personas first, then the rivals, then the share of the training journeys that converted.
    by_persona : tuple of Forecast
        By persona, assigned from the same events, and fold.
    bins : tuple of Bin
    """

    first: int
    n_journeys: int
    n_converted: int
    losses: tuple[LogLoss, ...]
    by_persona: tuple[Forecast, ...]
    bins: tuple[Bin, ...]


def foretell_outcomes(
    prefixes: Prefixes,
    outcomes: BoolArray,
    users: IntArray,
    folds: IntArray,
    trained: Sequence[Trained],
    *,
    names: Sequence[Sequence[str]],
    generator: np.random.Generator,
) -> OutcomeCheck:
    """Foretell who converts from the first events, fold by fold.

    Parameters
    ----------
    prefixes : Prefixes
    outcomes : bool array of shape (E,)
        Which of these journeys converted.
    users, folds : int64 arrays of shape (E,)
        Of each journey: its user, and the fold in which it is held out.
    trained : sequence of Trained
        Of each fold, by the users of the others.
    names : sequence of sequence of str
        Of the personas of each fold.
    generator : Generator

    Notes
    -----
    A chance is kept at least ``1 / (n + 2)`` from none and from certainty, n the training journeys, for
    personas and rivals alike. Under ``session`` a user's outcomes hang together; the interval of a persona
    is then widened by how much more the training users vary than so many independent journeys would.
    """
    if not len(outcomes):
        return OutcomeCheck(
            first=prefixes.first, n_journeys=0, n_converted=0, losses=(), by_persona=(), bins=()
        )
    chances: dict[str, FloatArray] = {}
    forecasts: list[Forecast] = []
    for fold, fitted in enumerate(trained):
        held = folds == fold
        kinds, came = prefixes.kinds[~held], outcomes[~held]
        outlook = look_ahead(fitted.simulator.flow, fitted.simulator.shares, prefixes.states)
        told = {_MODEL: outlook.chances}
        if 0 < came.sum() < len(came):
            told |= rival_chances(prefixes.states, kinds, came, seed=fold)
        told[PLAIN] = np.full(len(prefixes.states), came.mean())
        margin = 1 / (len(came) + 2)
        for name, given in told.items():
            mine = chances.setdefault(name, np.full(len(outcomes), np.nan))
            mine[held] = np.clip(given, margin, 1 - margin)[prefixes.kinds[held]]
        personas = outlook.memberships.argmax(axis=1)
        design = _design_effect(came, users[~held])
        forecasts += _by_persona(
            fitted,
            prefixes,
            personas,
            held,
            outcomes=outcomes,
            fold=fold,
            names=names[fold],
            design=design,
            generator=generator,
        )
    usable = {name: given for name, given in chances.items() if not np.isnan(given).any()}
    return OutcomeCheck(
        first=prefixes.first,
        n_journeys=len(outcomes),
        n_converted=int(outcomes.sum()),
        losses=_losses(usable, outcomes, users),
        by_persona=tuple(forecasts),
        bins=_bins(usable[_MODEL], outcomes),
    )


def _by_persona(
    fitted: Trained,
    prefixes: Prefixes,
    personas: IntArray,
    held: BoolArray,
    *,
    outcomes: BoolArray,
    fold: int,
    names: Sequence[str],
    design: float,
    generator: np.random.Generator,
) -> list[Forecast]:
    """Return the forecast of each persona of one fold with enough journeys that are held out."""
    kinds = prefixes.kinds[held]
    weights = np.zeros((len(prefixes.states), len(names)))
    np.add.at(weights, (kinds, personas[kinds]), 1.0)
    came = np.bincount(personas[kinds], weights=outcomes[held], minlength=len(names))
    sizes = weights.sum(axis=0)
    judged = np.flatnonzero(sizes >= LEAST_GROUP)
    if not len(judged):
        return []
    chances = look_ahead(fitted.simulator.flow, fitted.simulator.shares, prefixes.states).chances
    drawn = drawn_means(fitted, prefixes.states, weights[:, judged])
    forecasts = []
    for place, persona in enumerate(judged.tolist()):
        n = int(sizes[persona])
        independent = max(round(n / design), 1)
        means = np.repeat(np.clip(drawn[:, place], 0, 1), _BINOMIALS)
        forecasts.append(
            Forecast(
                name=names[persona],
                fold=fold,
                n=n,
                predicted=float(chances @ weights[:, persona] / n),
                interval=interval(generator.binomial(independent, means) / independent),
                observed=float(came[persona] / n),
            )
        )
    return forecasts


def _design_effect(outcomes: BoolArray, users: IntArray) -> float:
    """Return how many times more outcomes vary than those of independent journeys, at least once."""
    residuals = outcomes - outcomes.mean()
    per_user = np.bincount(users, weights=residuals)
    independent = float(residuals @ residuals)
    return max(float(per_user @ per_user) / independent, 1.0) if independent else 1.0


def _losses(chances: dict[str, FloatArray], outcomes: BoolArray, users: IntArray) -> tuple[LogLoss, ...]:
    costs = {name: -np.where(outcomes, np.log(given), np.log1p(-given)) for name, given in chances.items()}
    own = costs[_MODEL]
    found = []
    for name, cost in costs.items():
        gaps = own - cost
        per_user = np.bincount(users, weights=gaps - gaps.mean())
        found.append(
            LogLoss(
                name=name,
                value=float(cost.mean()),
                excess=float(gaps.mean()),
                excess_error=float(np.sqrt(per_user @ per_user) / len(outcomes)),
            )
        )
    return tuple(found)


def _bins(chances: FloatArray, outcomes: BoolArray) -> tuple[Bin, ...]:
    """Return journeys by tenths of their chance; equal chances stay together."""
    edges = np.unique(np.quantile(chances, np.linspace(0, 1, N_BINS + 1)[1:-1]))
    of_bin = np.searchsorted(edges, chances, side="left")
    found = []
    for each in np.unique(of_bin):
        inside = of_bin == each
        n, observed = int(inside.sum()), float(outcomes[inside].mean())
        found.append(
            Bin(
                n=n,
                predicted=float(chances[inside].mean()),
                observed=observed,
                interval=wilson_interval(observed, n),
            )
        )
    return tuple(found)
