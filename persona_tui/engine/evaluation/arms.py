"""Who was in which arm of a real experiment, and whether the lot was fair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl
from scipy.special import chdtrc

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.types import BoolArray, CodeArray, FloatArray, IntArray

MOST_ARMS: Final = 20
CONTROL_NAMES: Final = frozenset(
    {"control", "baseline", "original", "default", "holdout", "off", "a", "0", "false", "no"}
)
"""What the arm without a change is called where nobody says which it is."""
BROKEN_BELOW: Final = 0.001
"""Chance of counts like these under a fair lot, below which the lot was not fair: as large platforms use."""
MOST_CROSSING: Final = 0.01
"""Share of users seen in several arms, above which what is left is a selection."""
FAR_APART: Final = 0.1
"""Total variation distance between the arms' days of entry, above which they are of other times."""
_PERIODS: Final = 20
_LEAST_EXPECTED: Final = 5
"""Users expected in a cell of a table, below which its chi-squared is rough."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arms:
    """The arms of an experiment, control first.

    Parameters
    ----------
    names : tuple of str, length A
    of_users : int32 array of shape (U,)
        Place of each user's arm; -1 for who is in none, or in several.
    entered : int64 array of shape (U,)
        When each user entered, microseconds since 1970; meaningless for who is in none.
    n_crossing, n_outside : int
        Users who were seen in several arms, and in none.
    """

    names: tuple[str, ...]
    of_users: CodeArray
    entered: IntArray
    n_crossing: int
    n_outside: int

    def members(self, arm: int) -> BoolArray:
        """Return which users are in an arm, shape (U,)."""
        inside: BoolArray = self.of_users == arm
        return inside

    def n_users(self) -> tuple[int, ...]:
        """Return the users of each arm."""
        return tuple(np.bincount(self.of_users[self.of_users >= 0], minlength=len(self.names)).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that a fair lot implies.

    Parameters
    ----------
    name : {"sample ratio", "users in several arms", "time of entry"}
    is_broken : bool
    sentence : str
        What was seen, in words.
    p_value : float or None
        Of what was seen, under a fair lot.
    """

    name: str
    is_broken: bool
    sentence: str
    p_value: float | None = None


def arms_of(
    sequences: Sequences, variants: pl.Series, *, control: str = "", since: datetime | None = None
) -> Arms:
    """Return who was in which arm.

    Parameters
    ----------
    sequences : Sequences
        The whole log.
    variants : Series of length N
        What each event says of the arm; null or empty where it says nothing.
    control : str
        Name of the arm without a change; found by its name where empty.
    since : datetime, optional
        When the experiment began; what was before tells how users were. Without it users enter with their
        first event that names an arm.

    Raises
    ------
    DataError
        If there are fewer than two arms, or more than twenty, or none is named as a control.
    UnknownNameError
        If no arm is called as the control that was given.

    Notes
    -----
    O(N).
    """
    texts = variants.cast(pl.String)
    known = (texts.is_not_null() & (texts != "")).fill_null(value=False).to_numpy()
    if since is not None:
        known = known & (sequences.times >= int(since.timestamp() * 1e6))
    rows = np.flatnonzero(known)
    seen = texts.gather(rows)
    names = _in_order(sorted(seen.unique().to_list()), variants.name, control)
    codes = seen.replace_strict(names, range(len(names)), return_dtype=pl.Int32).to_numpy()
    n, users = sequences.n_users, sequences.users[rows]
    low, high = np.full(n, len(names), np.int32), np.full(n, -1, np.int32)
    np.minimum.at(low, users, codes)
    np.maximum.at(high, users, codes)
    entered = np.zeros(n, np.int64)
    entered[users[::-1]] = sequences.times[rows][::-1]
    return Arms(
        names=names,
        of_users=np.where(low == high, low, -1).astype(np.int32),
        entered=entered,
        n_crossing=int((low < high).sum()),
        n_outside=int((high < 0).sum()),
    )


def _in_order(names: list[str], column: str, control: str) -> tuple[str, ...]:
    if len(names) < 2:
        only = f"only the arm '{names[0]}'" if names else "no arm"
        raise DataError(
            f"Column '{column}' names {only}; an experiment has two or more.",
            hint="Name another column with --variant, or an earlier --since.",
        )
    if len(names) > MOST_ARMS:
        raise DataError(
            f"Column '{column}' has {len(names):,} values; at most {MOST_ARMS} are arms of an experiment.",
            hint="Name the column that says in which arm a user is.",
        )
    likely = [control] if control else [name for name in names if name.strip().casefold() in CONTROL_NAMES]
    if control and control not in names:
        raise unknown_name("arm", control, names)
    if len(likely) != 1:
        raise DataError(
            f"Which arm is the control? The arms are {', '.join(names)}.", hint="Name it: --control ARM"
        )
    return (likely[0], *(name for name in names if name != likely[0]))


def check_lot(arms: Arms, allocation: Sequence[float] = ()) -> tuple[Check, ...]:
    """Return what a fair lot implies, and whether it is so.

    Parameters
    ----------
    arms : Arms
    allocation : sequence of float
        Intended parts of the users, an arm each, control first; equal ones without it.

    Raises
    ------
    DataError
        If the allocation has another number of parts than there are arms, or one that is not above zero.
    """
    return _sample_ratio(arms, allocation), _crossing(arms), _entry(arms)


def _sample_ratio(arms: Arms, allocation: Sequence[float]) -> Check:
    parts = np.asarray(allocation or [1.0] * len(arms.names), float)
    if len(parts) != len(arms.names) or not (parts > 0).all():
        raise DataError(
            f"The allocation is no {len(arms.names)} numbers above zero.",
            hint=f"One an arm, in this order: {', '.join(arms.names)}.",
        )
    counts = np.array(arms.n_users(), float)
    shares = parts / parts.sum()
    p_value = _chi_squared(counts[None, :], (counts.sum() * shares)[None, :], len(counts) - 1)
    seen = ", ".join(f"{name} {n:,.0f}" for name, n in zip(arms.names, counts, strict=True))
    wanted = " : ".join(f"{100 * each:.3g}" for each in shares)
    return Check(
        name="sample ratio",
        is_broken=p_value < BROKEN_BELOW,
        sentence=f"Users: {seen}; {wanted} was intended, {_odds(p_value)}.",
        p_value=p_value,
    )


def _odds(p_value: float) -> str:
    """Return in words how likely counts like these are."""
    if p_value < BROKEN_BELOW:
        return f"a fair lot gives such counts less than once in {1 / BROKEN_BELOW:,.0f} times"
    return f"a fair lot is as far off in {100 * p_value:.2g} % of cases"


def _crossing(arms: Arms) -> Check:
    assigned = sum(arms.n_users()) + arms.n_crossing
    share = arms.n_crossing / assigned if assigned else 0.0
    what = "No user was" if not arms.n_crossing else f"{arms.n_crossing:,} of {assigned:,} users were"
    tail = " and are left out" if arms.n_crossing else ""
    return Check(
        name="users in several arms",
        is_broken=share > MOST_CROSSING,
        sentence=f"{what} seen in several arms{tail}.",
    )


def _entry(arms: Arms) -> Check:
    """Compare when users entered the arms: by twentieths of all entries, so that none is empty."""
    inside = arms.of_users >= 0
    codes, entered = arms.of_users[inside], arms.entered[inside]
    edges = np.unique(np.quantile(entered, np.arange(1, _PERIODS) / _PERIODS, method="lower"))
    periods = np.searchsorted(edges, entered, side="right")
    counts = np.zeros((len(arms.names), len(edges) + 1))
    np.add.at(counts, (codes, periods), 1)
    counts = counts[:, counts.sum(axis=0) > 0]
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0) / max(counts.sum(), 1)
    p_value = _chi_squared(counts, expected, (counts.shape[0] - 1) * (counts.shape[1] - 1))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    distance = float(np.abs(shares[1:] - shares[:1]).sum(axis=1).max() / 2)
    is_broken = p_value < BROKEN_BELOW and distance > FAR_APART
    return Check(
        name="time of entry",
        is_broken=is_broken,
        sentence=(
            f"The arms were entered at different times ({_periods_of(arms)})."
            if is_broken
            else "The arms were entered at the same times."
        ),
        p_value=p_value,
    )


def _periods_of(arms: Arms) -> str:
    told = []
    for place, name in enumerate(arms.names):
        times = arms.entered[arms.members(place)]
        if len(times):
            first, last = (_day(each) for each in (times.min(), times.max()))
            told.append(f"{name} {first} to {last}")
    return ", ".join(told)


def _day(microseconds: int) -> str:
    return f"{datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(microseconds)):%Y-%m-%d}"


def _chi_squared(counts: FloatArray, expected: FloatArray, freedom: int) -> float:
    """Return the chance of a table at least as far from the expected one; 1 where nothing is left to vary."""
    if freedom < 1 or expected.min() < _LEAST_EXPECTED:
        return 1.0
    return float(chdtrc(freedom, ((counts - expected) ** 2 / expected).sum()))
