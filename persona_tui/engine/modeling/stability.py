"""How stable groups of users are: whether the same groups come out when the users are drawn again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.types import AnyArray, FloatArray, IntArray

DEFAULT_N_REFITS = 10
LEAST_STABLE = 0.8
"""Mean adjusted Rand index below which groups are called unstable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Agreement of groups with those of refits on users drawn again.

    Parameters
    ----------
    mean, low, high : float
        Adjusted Rand index over the refits: its mean, least and largest; 1 is full agreement,
        0 is what chance gives.
    error : float
        Standard error of the mean.
    n_refits : int
    """

    mean: float
    low: float
    high: float
    error: float
    n_refits: int


def adjusted_rand_index(first: AnyArray, second: AnyArray, weights: FloatArray | None = None) -> float:
    """Return how far two groupings agree, beyond chance.

    Parameters
    ----------
    first, second : integer arrays of shape (N,)
        Labels.
    weights : array of shape (N,), optional
        How many users each entry stands for, whole numbers; one.

    Returns
    -------
    float
        1 where the groups are the same, 0 on the mean for groups made by chance; it can be negative.

    Notes
    -----
    Counts the pairs of users that both groupings join, that one joins, and that neither joins;
    O(N + K1 x K2).

    References
    ----------
    Hubert & Arabie (1985), Comparing partitions, *Journal of Classification* 2, 193-218.

    Examples
    --------
    >>> adjusted_rand_index(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    >>> adjusted_rand_index(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    -0.5
    """
    _, rows = np.unique(first, return_inverse=True)
    _, columns = np.unique(second, return_inverse=True)
    n_columns = int(columns.max()) + 1
    cells = np.bincount(rows * n_columns + columns, weights, minlength=(int(rows.max()) + 1) * n_columns)
    table = cells.reshape(-1, n_columns).astype(float)
    n_users = table.sum()
    together = float((table**2).sum())
    joined_first, joined_second = float((table.sum(axis=1) ** 2).sum()), float((table.sum(axis=0) ** 2).sum())
    both = together - n_users
    only_first, only_second = joined_first - together, joined_second - together
    neither = n_users**2 - together - only_first - only_second
    if only_first == 0 and only_second == 0:
        return 1.0
    agreed = 2.0 * (both * neither - only_first * only_second)
    possible = (both + only_first) * (only_first + neither) + (both + only_second) * (only_second + neither)
    return float(agreed / possible)


def draw_users(
    n_users: int, seed: np.random.SeedSequence, refit: int
) -> tuple[IntArray, np.random.Generator]:
    """Return how often each user is drawn when as many are drawn again, with replacement.

    Parameters
    ----------
    n_users : int
    seed : SeedSequence
    refit : int
        Number of the resample: the same users for every model that is refitted.

    Returns
    -------
    drawn : int64 array of shape (U,)
        Sums to the number of users.
    generator : Generator
        Of the same stream, for the restarts of the refit.
    """
    generator = stream(seed, Stream.STABILITY, refit)
    drawn: IntArray = np.bincount(generator.integers(n_users, size=n_users), minlength=n_users)
    return drawn, generator


def summarise_agreement(agreements: list[float]) -> Stability:
    """Return the stability that the agreements of some refits tell of.

    Raises
    ------
    ModelingError
        If there are fewer than two: their spread is not known.
    """
    if len(agreements) < 2:
        raise ModelingError(f"n_refits == {len(agreements)}, must be >= 2.")
    values = np.array(agreements)
    return Stability(
        mean=float(values.mean()),
        low=float(values.min()),
        high=float(values.max()),
        error=float(values.std(ddof=1) / np.sqrt(len(values))),
        n_refits=len(values),
    )
