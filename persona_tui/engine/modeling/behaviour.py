"""Behavioural traits: how the users of a persona move, beside how the other users do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
import polars as pl

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.modeling.journeys import Journeys, kept_events
from persona_tui.engine.statistics import NORMAL_QUANTILE, Interval
from persona_tui.engine.types import FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Magnitude = Literal["negligible", "small", "medium", "large"]

UNITS: Final = {
    "pace": "seconds between events",
    "depth": "events before outcome",
    "exploration": "event types per event",
    "back_steps": "back-steps per event",
    "returns": "share who return",
    "night": "share of sessions from 0 to 6 h",
    "morning": "share of sessions from 6 to 12 h",
    "afternoon": "share of sessions from 12 to 18 h",
    "evening": "share of sessions from 18 to 24 h",
}
_MAGNITUDES: Final[tuple[tuple[float, Magnitude], ...]] = ((0.8, "large"), (0.5, "medium"), (0.2, "small"))
_HOUR: Final = 3_600_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BehaviouralTrait:
    """How one trait of a persona differs from that of the other users.

    Parameters
    ----------
    name : str
    unit : str
    mean, others_mean : float or None
        In the unit, of the persona and of all other users; of pace the geometric mean of
        1 + seconds, less 1. None where no user has the trait.
    effect : float or None
        Standardised mean difference, positive where the persona has more; None where there are no
        others, or users do not differ within the personas.
    interval : (float, float) or None
        95 %, of the effect.
    magnitude : str or None
        ``negligible`` below 0.2, ``small``, ``medium`` from 0.5, ``large`` from 0.8.
    """

    name: str
    unit: str
    mean: float | None
    others_mean: float | None
    effect: float | None
    interval: Interval | None
    magnitude: Magnitude | None


class TraitTables(NamedTuple):
    """Quantities of users, each of shape (U, Q), that persona sums of are what traits need.

    ``known`` tells who has a trait, ``values`` and ``squares`` are standardised over all users with
    ``centre`` and ``scale``, and zero where unknown.
    """

    known: csr_array
    values: csr_array
    squares: csr_array
    centre: FloatArray
    scale: FloatArray


class TraitSums(NamedTuple):
    """The tables summed by persona, each of shape (..., K, Q)."""

    known: FloatArray
    values: FloatArray
    squares: FloatArray

    def others(self) -> TraitSums:
        """Return the sums over all other personas."""
        return TraitSums(*(each.sum(axis=-2, keepdims=True) - each for each in self))


def measure_users(sequences: Sequences, journeys: Journeys) -> FloatArray:
    """Return the traits of users, shape (U, T) in the order of ``UNITS``, NaN where a user has none.

    Parameters
    ----------
    sequences : Sequences
    journeys : Journeys
        Cut from the same sequences.

    Returns
    -------
    array of shape (U, T)
        ``pace``: log(1 + median seconds between events of a session); ``depth``: events per
        journey; ``exploration``: event types per event; ``back_steps``: events whose type was seen before
        in the session, not just before, per event; ``returns``: 1 for who has several sessions in the
        log; then the shares of sessions that begin in each quarter of the day, UTC.

    Notes
    -----
    Completion and drop events are left out of pace, depth, exploration and back-steps, and what follows
    the first completion too, so that a trait does not restate an outcome; still, a journey that converts
    ends there. O(events log events).
    """
    n = sequences.n_users
    kept = kept_events(sequences, journeys)
    kept = kept[~(journeys.completion | journeys.drop)[sequences.codes[kept]]]
    kept = kept[np.argsort(sequences.sessions[kept], kind="stable")]
    users = sequences.users[kept].astype(np.int64)
    n_events = np.bincount(users, minlength=n).astype(float)
    n_events[n_events == 0] = np.nan
    width = len(sequences.vocabulary)
    pairs = np.sort(users * width + sequences.codes[kept])
    types = pairs[np.diff(pairs, prepend=-1) != 0] // width
    n_journeys = np.bincount(journeys.users, minlength=n)
    columns = [
        _median_pace(sequences, kept),
        np.nan_to_num(n_events) / n_journeys,
        np.bincount(types, minlength=n) / n_events,
        np.bincount(users[_back_steps(sequences, kept)], minlength=n) / n_events,
    ]
    return np.column_stack([*columns, *_sessions(sequences)])


def _median_pace(sequences: Sequences, kept: IntArray) -> FloatArray:
    """Return log(1 + median seconds between events of a session), NaN without two events, shape (U,)."""
    within = np.diff(sequences.sessions[kept]) == 0
    gaps = pl.DataFrame(
        {
            "user": sequences.users[kept][1:][within],
            "seconds": np.diff(sequences.times[kept])[within] / 1e6,
        }
    )
    medians = gaps.group_by("user").agg(pl.col("seconds").median())
    pace = np.full(sequences.n_users, np.nan)
    pace[medians["user"].to_numpy()] = np.log1p(medians["seconds"].to_numpy())
    return pace


def _back_steps(sequences: Sequences, kept: IntArray) -> IntArray:
    """Return the places of events whose type was seen before in the session, but not just before."""
    codes, sessions = sequences.codes[kept], sequences.sessions[kept]
    seen_before = np.ones(len(kept), dtype=bool)
    seen_before[np.unique(sessions * len(sequences.vocabulary) + codes, return_index=True)[1]] = False
    repeat = (np.diff(sessions, prepend=-1) == 0) & (np.diff(codes, prepend=-1) == 0)
    return np.flatnonzero(seen_before & ~repeat)


def _sessions(sequences: Sequences) -> list[FloatArray]:
    """Return who returns, and the share of sessions that begin in each quarter of the day."""
    _, first = np.unique(sequences.sessions, return_index=True)
    owners = sequences.users[first]
    n_sessions = np.bincount(owners, minlength=sequences.n_users).astype(float)
    quarter = sequences.times[first] // (6 * _HOUR) % 4
    shares = [
        np.bincount(owners[quarter == each], minlength=sequences.n_users) / n_sessions for each in range(4)
    ]
    return [(n_sessions > 1).astype(float), *shares]


def hour_directions(sequences: Sequences) -> FloatArray:
    """Return the mean cosine and sine of the hour at which each user's sessions begin, shape (U, 2)."""
    _, first = np.unique(sequences.sessions, return_index=True)
    owners = sequences.users[first]
    angle = sequences.times[first] % (24 * _HOUR) / (24 * _HOUR) * 2 * np.pi
    n_sessions = np.bincount(owners, minlength=sequences.n_users)
    return np.column_stack(
        [
            np.bincount(owners, each, minlength=sequences.n_users) / n_sessions
            for each in (np.cos(angle), np.sin(angle))
        ]
    )


def mean_hours(directions: FloatArray) -> FloatArray:
    """Return the hour of the day that sums of directions, shape (..., 2), point to.

    References
    ----------
    Fisher (1993), *Statistical Analysis of Circular Data*, section 2.3.

    Examples
    --------
    >>> mean_hours(np.array([[0.0, 1.0], [-1.0, 0.0]]))
    array([ 6., 12.])
    """
    angle = np.arctan2(directions[..., 1], directions[..., 0])
    hours: FloatArray = angle / (2 * np.pi) * 24 % 24
    return hours


def tabulate_traits(values: FloatArray) -> TraitTables:
    """Return what persona sums are taken of, from traits of users, shape (U, T), NaN where unknown."""
    from scipy.sparse import csr_array  # noqa: PLC0415 - 0.15 s

    known = ~np.isnan(values)
    n_known = np.maximum(known.sum(axis=0), 1)
    centre = np.where(known, values, 0.0).sum(axis=0) / n_known
    centred = np.where(known, values - centre, 0.0)
    scale = np.sqrt((centred**2).sum(axis=0) / n_known)
    scale[scale == 0] = 1.0
    centred /= scale
    return TraitTables(
        known=csr_array(known.astype(float)),
        values=csr_array(centred),
        squares=csr_array(centred**2),
        centre=centre,
        scale=scale,
    )


def compare_traits(
    tables: TraitTables, fitted: TraitSums, drawn: TraitSums
) -> list[tuple[BehaviouralTrait, ...]]:
    """Return the traits of each persona beside those of all other users.

    Parameters
    ----------
    tables : TraitTables
    fitted : TraitSums
        Of shape (K, T).
    drawn : TraitSums
        Of shape (B, K, T).

    Notes
    -----
    The effect is ``(1 - 3 / (4 df - 1)) (m - m') / s`` with s² the variance within the persona and within
    the others, together; users count by membership. The interval is normal, with the standard
    deviation over draws. Membership saw behaviour, so an effect describes the personas; it tests nothing.

    References
    ----------
    Hedges (1981), Distribution theory for Glass's estimator of effect size, *Journal of
    Educational Statistics* 6, 107-128; Cohen (1988), *Statistical Power Analysis*, section 2.2.

    Examples
    --------
    >>> deep = np.repeat([[0.0], [1.0], [2.0], [3.0]], 50, axis=0) + np.zeros(len(UNITS))
    >>> memberships = np.repeat([[1.0, 0.0], [0.0, 1.0]], 100, axis=0)
    >>> tables = tabulate_traits(deep)
    >>> sums = TraitSums(*((each.T @ memberships).T for each in tables[:3]))
    >>> again = TraitSums(*(each[None] for each in sums))
    >>> compare_traits(tables, sums, again)[0][1].magnitude
    'large'
    """
    effects = _effects(fitted)
    with np.errstate(invalid="ignore"):
        spreads = _effects(drawn).std(axis=0)
    means, others = (_means(each) * tables.scale + tables.centre for each in (fitted, fitted.others()))
    for each in (means, others):
        each[:, 0] = np.expm1(each[:, 0])  # pace, the first, is held as a logarithm
    return [
        tuple(
            _trait(name, float(means[k, t]), float(others[k, t]), float(effects[k, t]), float(spreads[k, t]))
            for t, name in enumerate(UNITS)
        )
        for k in range(len(effects))
    ]


def _means(sums: TraitSums) -> FloatArray:
    means = np.full(sums.known.shape, np.nan)
    np.divide(sums.values, sums.known, out=means, where=sums.known > 1e-6)
    return means


def _effects(sums: TraitSums) -> FloatArray:
    """Return standardised mean differences, NaN where there is nothing to compare, shape (..., K, T)."""
    others = sums.others()
    mine, theirs = _means(sums), _means(others)
    n = sums.known + others.known
    within = sums.squares + others.squares - sums.known * mine**2 - others.known * theirs**2
    spread = np.sqrt(np.maximum(within, 0.0) / np.maximum(n, 1.0))
    small_sample = 1 - 3 / (4 * np.maximum(n - 2, 1.0) - 1)
    effects = np.full(n.shape, np.nan)
    np.divide(small_sample * (mine - theirs), spread, out=effects, where=spread > 1e-6)
    return effects


def _trait(name: str, mean: float, others: float, effect: float, spread: float) -> BehaviouralTrait:
    compared = bool(np.isfinite(effect) and np.isfinite(spread))
    half = NORMAL_QUANTILE * spread
    return BehaviouralTrait(
        name=name,
        unit=UNITS[name],
        mean=mean if np.isfinite(mean) else None,
        others_mean=others if np.isfinite(others) else None,
        effect=effect if compared else None,
        interval=(effect - half, effect + half) if compared else None,
        magnitude=_magnitude(effect) if compared else None,
    )


def _magnitude(effect: float) -> Magnitude:
    return next((word for least, word in _MAGNITUDES if abs(effect) >= least), "negligible")
