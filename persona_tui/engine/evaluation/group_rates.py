"""Rates of groups of users: with intervals, beside the others, and drawn together where there are many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.statistics import (
    NORMAL_QUANTILE,
    Interval,
    benjamini_hochberg,
    two_sided_p_values,
    wilson_interval,
)
from persona_tui.engine.types import FloatArray, IntArray

FEWEST_USERS: Final = 30
"""Of a group, below which nothing is told of it: it would tell of persons, and by chance."""
FOUR_FIFTHS: Final = 0.8
"""Of the highest rate: a line that is often drawn, and no verdict."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRate:
    """How many of a group convert.

    Parameters
    ----------
    name : str
    n_users : int
    rate : float
        Of its journeys.
    interval : (float, float)
        95 %, Wilson, journeys of a user counted together.
    to_highest : float
        Ratio to the highest rate of the groups beside it.
    difference : float
        To all other users.
    difference_interval : (float, float)
        95 %.
    false_discovery : float
        Least rate of false discoveries at which it counts as different, among the groups beside it.
    drawn : float
        The rate drawn toward that of all groups, by how surely it is known.
    drawn_interval : (float, float)
    """

    name: str
    n_users: int
    rate: float
    interval: Interval
    to_highest: float
    difference: float
    difference_interval: Interval
    false_discovery: float
    drawn: float
    drawn_interval: Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRates:
    """The rates of all groups by some attribute.

    Parameters
    ----------
    by : str
    groups : tuple of GroupRate
        The largest first.
    lowest_to_highest : float
        Ratio of the lowest rate to the highest (demographic parity ratio); nan where none converts.
    highest_less_lowest : float
    between : float
        Standard deviation between groups beyond chance.
    n_left_out, n_users_left_out : int
        Groups of fewer than 30 users, and their users.
    """

    by: str
    groups: tuple[GroupRate, ...]
    lowest_to_highest: float
    highest_less_lowest: float
    between: float
    n_left_out: int
    n_users_left_out: int


def told_groups(sizes: IntArray) -> IntArray:
    """Return the places of groups that are told of, those of 30 users or more, the largest first.

    Parameters
    ----------
    sizes : int64 array of shape (G,)
        Users of each.

    Examples
    --------
    >>> told_groups(np.array([40, 500, 12, 90])).tolist()
    [1, 3, 0]
    """
    order: IntArray = np.argsort(-sizes, kind="stable")
    return order[sizes[order] >= FEWEST_USERS]


def rate_groups(
    by: str, names: Sequence[str], members: IntArray, journeys: FloatArray, converted: FloatArray
) -> GroupRates:
    """Return the rates of groups of users.

    Parameters
    ----------
    by : str
    names : sequence of str, length G
    members : int64 array of shape (U,)
        The group of each user.
    journeys, converted : arrays of shape (U,)
        Of each user.

    Notes
    -----
    A rate is a ratio of means over users, its variance by the delta method, and at least that of the group's
    users with half a conversion and half a failure more, so that a rate of none or of all is not certain.
    Differences are tested with the variance that all users have, as they would if groups were alike: a small
    group that converts little by chance has a small variance of its own. Groups are drawn together as
    in a meta-analysis with random effects: variance between them by DerSimonian & Laird.

    References
    ----------
    DerSimonian & Laird (1986), Meta-analysis in clinical trials, *Controlled Clinical Trials* 7, 177-188.
    Morris (1983), Parametric empirical Bayes inference, *Journal of the American Statistical Association* 78.
    """
    sizes = np.bincount(members, minlength=len(names))
    told = told_groups(sizes)
    rates, variances = _rates(members, journeys, converted, len(names))
    others, other_variances = _rates_of_others(members, journeys, converted, len(names))
    gaps = rates - others
    errors = np.sqrt(variances + other_variances)
    alike = _errors_if_alike(members, journeys, converted, len(names))
    scores = np.divide(gaps[told], alike[told], out=np.zeros(len(told)), where=alike[told] > 0)
    discoveries = benjamini_hochberg(two_sided_p_values(scores)) if len(told) else np.empty(0)
    drawn, drawn_errors, between = draw_together(rates[told], variances[told])
    highest = float(rates[told].max(initial=0.0))
    groups = tuple(
        GroupRate(
            name=names[group],
            n_users=int(sizes[group]),
            rate=float(rates[group]),
            interval=_wilson(float(rates[group]), float(variances[group]), int(sizes[group])),
            to_highest=float(rates[group] / highest) if highest else float("nan"),
            difference=float(gaps[group]),
            difference_interval=_around(float(gaps[group]), float(errors[group])),
            false_discovery=float(discoveries[place]),
            drawn=float(drawn[place]),
            drawn_interval=_around(float(drawn[place]), float(drawn_errors[place])),
        )
        for place, group in enumerate(told.tolist())
    )
    lowest = float(rates[told].min(initial=1.0))
    left_out = np.setdiff1d(np.flatnonzero(sizes), told)
    return GroupRates(
        by=by,
        groups=groups,
        lowest_to_highest=lowest / highest if highest else float("nan"),
        highest_less_lowest=highest - lowest if groups else float("nan"),
        between=between,
        n_left_out=len(left_out),
        n_users_left_out=int(sizes[left_out].sum()),
    )


def draw_together(rates: FloatArray, variances: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Return rates drawn toward their mean by how surely each is known.

    Parameters
    ----------
    rates, variances : arrays of shape (G,)

    Returns
    -------
    drawn, errors : arrays of shape (G,)
    between : float
        Standard deviation between groups beyond chance.

    Examples
    --------
    >>> drawn, _, between = draw_together(np.array([0.2, 0.4]), np.array([0.01, 0.01]))
    >>> drawn.round(2).tolist(), round(between, 3)
    ([0.25, 0.35], 0.1)
    """
    if len(rates) < 2 or not (variances > 0).all():
        return rates, np.sqrt(variances), 0.0
    weights = 1 / variances
    fixed = weights @ rates / weights.sum()
    scale = weights.sum() - (weights @ weights) / weights.sum()
    between = max((weights @ (rates - fixed) ** 2 - (len(rates) - 1)) / scale, 0.0)
    random = 1 / (variances + between)
    middle = random @ rates / random.sum()
    kept = between / (between + variances)
    drawn: FloatArray = middle + kept * (rates - middle)
    errors: FloatArray = np.sqrt(kept * variances + (1 - kept) ** 2 / random.sum())
    return drawn, errors, float(np.sqrt(between))


def _rates(
    members: IntArray, journeys: FloatArray, converted: FloatArray, n_groups: int
) -> tuple[FloatArray, FloatArray]:
    """Return the rate of each group and its variance; zero where it has no journeys."""
    total, came = (np.bincount(members, weights=each, minlength=n_groups) for each in (journeys, converted))
    rates = np.divide(came, total, out=np.zeros(n_groups), where=total > 0)
    pulls = converted - rates[members] * journeys
    squares = np.bincount(members, weights=pulls**2, minlength=n_groups)
    variances = np.divide(squares, total**2, out=np.zeros(n_groups), where=total > 0)
    sizes = np.bincount(members, minlength=n_groups)
    shrunk = (rates * sizes + 0.5) / (sizes + 1)
    return rates, np.maximum(variances, shrunk * (1 - shrunk) / (sizes + 1))


def _errors_if_alike(
    members: IntArray, journeys: FloatArray, converted: FloatArray, n_groups: int
) -> FloatArray:
    """Return the standard error of each group's difference to the others if all users were alike."""
    rate = converted.sum() / journeys.sum()
    spread = ((converted - rate * journeys) ** 2).mean()
    sizes = np.bincount(members, minlength=n_groups)
    total = np.bincount(members, weights=journeys, minlength=n_groups)
    parts = [
        np.divide(n, each**2, out=np.zeros(n_groups), where=each > 0)
        for n, each in ((sizes, total), (len(members) - sizes, journeys.sum() - total))
    ]
    errors: FloatArray = np.sqrt(spread * (parts[0] + parts[1]))
    return errors


def _rates_of_others(
    members: IntArray, journeys: FloatArray, converted: FloatArray, n_groups: int
) -> tuple[FloatArray, FloatArray]:
    """Return the rate of all users but those of each group, and its variance."""
    moments = [converted**2, converted * journeys, journeys**2]
    total, came = (
        each.sum() - np.bincount(members, weights=each, minlength=n_groups) for each in (journeys, converted)
    )
    both, mixed, squared = (
        each.sum() - np.bincount(members, weights=each, minlength=n_groups) for each in moments
    )
    rates = np.divide(came, total, out=np.zeros(n_groups), where=total > 0)
    squares = np.maximum(both - 2 * rates * mixed + rates**2 * squared, 0.0)
    variances = np.divide(squares, total**2, out=np.zeros(n_groups), where=total > 0)
    return rates, variances


def _wilson(rate: float, variance: float, n_users: int) -> Interval:
    """Return Wilson's interval of as many independent journeys as the variance stands for."""
    independent = min(rate * (1 - rate) / variance, n_users) if 0 < rate < 1 else float(n_users)
    return wilson_interval(rate, independent)


def _around(value: float, error: float) -> Interval:
    return value - NORMAL_QUANTILE * error, value + NORMAL_QUANTILE * error
