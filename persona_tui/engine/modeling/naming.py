"""Names and signature events: what sets a persona apart, in words that a reader recognises.

A name is a word for how the persona's journeys go (``STYLES``) and the event that it does more than
the others: ``Browsers: Watch demo``. To add a word, give ``STYLES`` a row.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

EVERYONE = "All users"
TYPICAL = "Average journeys"
N_SIGNATURE = 3
LONGEST_NAME: Final = 32

CONVERSION_MARGIN: Final = 1.25
"""Converting is told as high, or low, from this many times the others', or the others' its own."""
RATE_MARGIN: Final = 0.05
"""And its rate must differ by this much."""
SHORT, LONG = 0.75, 4 / 3
"""Events per journey, as a share of the others', at which journeys are told as short or long."""
RETURN_MARGIN: Final = 1.5
"""Returns per journey over the others', from which a persona is one of returners."""
REPEAT_MARGIN: Final = 1.5
"""Share of moves that repeat an event over the others', from which a persona is one of repeaters."""
LEAST_RETURNS, LEAST_REPEATS = 0.3, 0.15
N_ERRORS: Final = 3.0
"""Standard errors over users that every difference must reach as well."""

_MIN_RATE = 0.05
_MIN_LIFT = 1.1
_MIN_ATTRIBUTE_LIFT = 1.2
_MIN_CELL = 30.0

STYLES: Final = (
    # converting, a trait that must hold (None: any), the word
    (1, "short", "Quick deciders"),
    (1, "returns", "Late deciders"),
    (1, "long", "Thorough deciders"),
    (1, None, "Deciders"),
    (-1, "returns", "Undecided"),
    (-1, "short", "Quick leavers"),
    (-1, "repeats", "Repeaters"),
    (-1, None, "Browsers"),
    (0, "returns", "Returners"),
    (0, "repeats", "Repeaters"),
    (0, "short", "Quick visitors"),
    (0, "long", "Explorers"),
)
"""How journeys go, in words; the first row that fits counts."""


def event_rates(counts: TransitionCounts, mass: FloatArray) -> FloatArray:
    """Return events per journey of each persona, shape (K, V), given weighted memberships (R, K)."""
    n_events = len(counts.journeys.vocabulary)
    entered = np.zeros((counts.n_states + 1, mass.shape[1]))
    np.add.at(entered, counts.targets, counts.matrix.T @ mass)
    rates: FloatArray = entered[:n_events].T / np.maximum(counts.n_journeys @ mass, 1e-12)[:, None]
    return rates


def signature_events(counts: TransitionCounts, mass: FloatArray) -> list[list[str]]:
    """Return the events that each persona does more than the others, strongest first.

    Parameters
    ----------
    counts : TransitionCounts
    mass : array of shape (R, K)
        Weight times membership of each distinct user.

    Returns
    -------
    list of list of str
        Up to three a persona; outcomes are left out.

    Notes
    -----
    Ranked by ``rate * log(rate / rate of the others)``, the event's part of the relative
    entropy between the persona and the rest.
    """
    rates = event_rates(counts, mass)
    others = event_rates(counts, mass.sum(axis=1, keepdims=True) - mass)
    outcome = counts.journeys.completion | counts.journeys.drop
    lift = (rates + 1e-9) / (others + 1e-9)
    score = np.where((rates >= _MIN_RATE) & (lift >= _MIN_LIFT) & ~outcome, rates * np.log(lift), 0.0)
    return [_top(row, counts.journeys.vocabulary) for row in score]


def _top(score: FloatArray, vocabulary: tuple[str, ...]) -> list[str]:
    order = np.argsort(-score, kind="stable")[:N_SIGNATURE]
    return [vocabulary[position] for position in order if score[position] > 0]


def name_personas(
    counts: TransitionCounts, mass: FloatArray, attributes: pl.DataFrame | None = None
) -> tuple[str, ...]:
    """Return a distinct, readable name for each persona, from behaviour first.

    Parameters
    ----------
    counts : TransitionCounts
    mass : array of shape (R, K)
        Weight times membership of each distinct user.
    attributes : DataFrame, optional
        ``user_id`` in the order of the counted users, then a column of text for each attribute. They
        speak only where behaviour leaves two personas with one name.

    Returns
    -------
    tuple of str, length K
        At most 32 characters each.

    Raises
    ------
    ModelingError
        If the attributes are not those of the counted users.

    Notes
    -----
    Measured against the users of all other personas, each difference of three standard errors at
    least: converting counts as high or low from 1.25 times and 5 points; a journey
    as short from 0.75 times the events, as long from 4/3; returning from 1.5 times the
    returns and 0.3 a journey; repeating from 1.5 times the share of moves that repeat an
    event, and 0.15. ``STYLES`` says which word each combination gets. The event after it is the
    strongest of ``signature_events``. O(K nnz).
    """
    if mass.shape[1] == 1:
        return (EVERYONE,)
    if attributes is not None and tuple(attributes["user_id"].to_list()) != counts.journeys.user_ids:
        raise ModelingError(
            "The attributes are not of the users that were counted, or stand in another order.",
            hint="Join them to counts.journeys.user_ids first.",
        )
    styles = describe_styles(counts, mass)
    names: list[str] = []
    for number, (style, events) in enumerate(zip(styles, signature_events(counts, mass), strict=True)):
        values = () if attributes is None else enriched_values(counts, mass, number, attributes)
        taken = {each.casefold() for each in names}
        names.append(
            next(each for each in _candidates(style, events, values) if each.casefold() not in taken)
        )
    return tuple(names)


def _candidates(style: str, events: Sequence[str], values: Sequence[str]) -> Iterator[str]:
    """Yield names of one persona without end, the best first."""
    by_behaviour = [_phrase(style, _readable(event)) for event in events] or [style or TYPICAL]
    yield from by_behaviour
    yield from (_phrase(style or TYPICAL, value) for value in values)
    for place in count(2):
        mark = f" {place}"
        yield _shorten(by_behaviour[0], LONGEST_NAME - len(mark)) + mark


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Contrast:
    """A rate of each persona beside that of all others; arrays of shape (K,)."""

    rate: FloatArray
    others: FloatArray
    error: FloatArray

    @property
    def is_clear(self) -> BoolArray:
        """Return whether the difference is beyond chance."""
        clear: BoolArray = np.abs(self.rate - self.others) >= N_ERRORS * self.error
        return clear

    @property
    def ratio(self) -> FloatArray:
        """Return the rate as a multiple of the others'."""
        ratio: FloatArray = self.rate / np.maximum(self.others, 1e-12)
        return ratio


def _contrast(amounts: FloatArray, units: FloatArray, mass: FloatArray) -> _Contrast:
    """Return amounts per unit, each of shape (R,) for one user, with the error of a ratio over users."""
    sides = [_ratio(amounts, units, each) for each in (mass, mass.sum(axis=1, keepdims=True) - mass)]
    (rate, variance), (others, others_variance) = sides
    return _Contrast(rate=rate, others=others, error=np.sqrt(variance + others_variance))


def _ratio(amounts: FloatArray, units: FloatArray, mass: FloatArray) -> tuple[FloatArray, FloatArray]:
    total = np.maximum(units @ mass, 1e-12)
    rate = amounts @ mass / total
    residuals = amounts[:, None] - rate * units[:, None]
    return rate, (residuals**2 * mass).sum(axis=0) / total**2


def describe_styles(counts: TransitionCounts, mass: FloatArray) -> list[str]:
    """Return a word for how the journeys of each persona go; empty where nothing is clear.

    Parameters
    ----------
    counts : TransitionCounts
    mass : array of shape (R, K)
        Weight times membership of each distinct user.
    """
    n, n_events = counts.n_states, len(counts.journeys.vocabulary)
    sources, targets = counts.sources - 1, counts.targets
    is_repeat = ((sources == targets) & (targets < n_events)).astype(float)
    is_move = ((sources >= 0) & (targets < n_events)).astype(float)
    is_return = ((targets >= n_events) & (targets < n)).astype(float)
    converting = _contrast(counts.n_converted, counts.n_journeys, mass)
    length = _contrast(counts.n_events, counts.n_journeys, mass)
    returns = _contrast(counts.matrix @ is_return, counts.n_journeys, mass)
    repeats = _contrast(counts.matrix @ is_repeat, counts.matrix @ is_move, mass)
    holds = {
        "short": length.is_clear & (length.ratio <= SHORT),
        "long": length.is_clear & (length.ratio >= LONG),
        "returns": returns.is_clear & (returns.ratio >= RETURN_MARGIN) & (returns.rate >= LEAST_RETURNS),
        "repeats": repeats.is_clear & (repeats.ratio >= REPEAT_MARGIN) & (repeats.rate >= LEAST_REPEATS),
    }
    signs = _conversion_signs(converting)
    return [
        next(
            (
                word
                for sign, trait, word in STYLES
                if sign == signs[k] and (trait is None or bool(holds[trait][k]))
            ),
            "",
        )
        for k in range(mass.shape[1])
    ]


def _conversion_signs(converting: _Contrast) -> IntArray:
    """Return 1, 0 or -1 for high, usual and low conversion, shape (K,)."""
    differs = converting.is_clear & (np.abs(converting.rate - converting.others) >= RATE_MARGIN)
    high = differs & (converting.rate >= CONVERSION_MARGIN * converting.others)
    low = differs & (converting.others >= CONVERSION_MARGIN * converting.rate)
    return high.astype(np.int64) - low.astype(np.int64)


def enriched_values(
    counts: TransitionCounts, mass: FloatArray, number: int, attributes: pl.DataFrame
) -> list[str]:
    """Return the values of attributes that a persona has clearly more often than the others, strongest first.

    Parameters
    ----------
    counts : TransitionCounts
    mass : array of shape (R, K)
        Weight times membership of each distinct user.
    number : int
        The persona's position.
    attributes : DataFrame
        As ``name_personas`` takes them.

    Notes
    -----
    From a lift of 1.2, 30 users and three standard errors; ranked by ``share * log(lift)``.
    """
    sides = (mass[:, number], mass.sum(axis=1) - mass[:, number])
    inside, outside = ((side / counts.multiplicity)[counts.row_of_user] for side in sides)
    scored: list[tuple[float, str]] = []
    for name in (each for each in attributes.columns if each != "user_id"):
        users = attributes.select(pl.col(name).cast(pl.String).alias("value"), inside=inside, outside=outside)
        sums = users.drop_nulls().group_by("value").agg(pl.col("inside", "outside").sum())
        scores = _enrichment(sums["inside"].to_numpy(), sums["outside"].to_numpy())
        scored += [(-score, sums["value"][row]) for row, score in enumerate(scores.tolist()) if score > 0]
    return [_readable(value) for _, value in sorted(scored)]


def _enrichment(inside: FloatArray, outside: FloatArray) -> FloatArray:
    """Return a score for each value of an attribute, given users of it; zero where nothing is clear."""
    n_inside, n_outside = max(float(inside.sum()), 1e-12), max(float(outside.sum()), 1e-12)
    share, other = inside / n_inside, outside / n_outside
    error = np.sqrt(share * (1 - share) / n_inside + other * (1 - other) / n_outside)
    lift = share / np.maximum(other, 1e-9)
    is_clear = (lift >= _MIN_ATTRIBUTE_LIFT) & (inside >= _MIN_CELL) & (share - other >= N_ERRORS * error)
    return np.where(is_clear, share * np.log(np.maximum(lift, 1.0)), 0.0)


def _phrase(style: str, word: str) -> str:
    if not style and word.isdecimal():
        style = TYPICAL  # a number alone would read as that of a persona
    if not style:
        return _shorten(word, LONGEST_NAME)
    return f"{style}: {_shorten(word, LONGEST_NAME - len(style) - 2)}"


def _readable(event: str) -> str:
    words = event.replace("_", " ").strip() or event
    return words[:1].upper() + words[1:]


def _shorten(text: str, longest: int) -> str:
    """Return text of at most so many characters; no letter loses its accents to the cut."""
    if len(text) <= longest:
        return text
    end = longest - 1
    while end > 1 and unicodedata.combining(text[end]):
        end -= 1
    return text[:end].rstrip() + "…"
