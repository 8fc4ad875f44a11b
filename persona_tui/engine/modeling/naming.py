"""Names and signature events: what sets a persona apart, in the log's own words."""

from __future__ import annotations

import numpy as np

from persona_tui.engine.modeling.counts import TransitionCounts
from persona_tui.engine.types import FloatArray

EVERYONE = "All users"
N_SIGNATURE = 3
_MIN_RATE = 0.05
_MIN_LIFT = 1.1
_OFTEN, _SELDOM = 1.2, 0.8
_LONGEST_EVENT = 24


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


def name_personas(counts: TransitionCounts, mass: FloatArray) -> tuple[str, ...]:
    """Return a distinct, readable name for each persona, from behaviour first.

    Parameters
    ----------
    counts : TransitionCounts
    mass : array of shape (R, K)
    """
    if mass.shape[1] == 1:
        return (EVERYONE,)
    signatures = signature_events(counts, mass)
    words = _conversion_words(counts, mass)
    names: list[str] = []
    for position, (signature, word) in enumerate(zip(signatures, words, strict=True)):
        events = [_readable(event) for event in signature]
        candidates = [" + ".join(events[: n + 1]) + word for n in range(len(events))]
        plain = "Average journeys" + word
        candidates += [plain, f"{plain} ({position + 1})"]
        names.append(next(each for each in candidates if each not in names))
    return tuple(names)


def _conversion_words(counts: TransitionCounts, mass: FloatArray) -> list[str]:
    journeys = counts.n_journeys @ mass
    converted = counts.n_converted @ mass
    overall = converted.sum() / journeys.sum()
    if overall == 0:
        return [""] * len(journeys)
    ratio = converted / np.maximum(journeys, 1e-12) / overall
    return [_word(each) for each in ratio]


def _word(ratio: float) -> str:
    if ratio >= _OFTEN:
        return ", often convert"
    return ", seldom convert" if ratio <= _SELDOM else ""


def _readable(event: str) -> str:
    words = event.replace("_", " ").strip() or event
    short = words if len(words) <= _LONGEST_EVENT else words[: _LONGEST_EVENT - 1].rstrip() + "…"
    return short[:1].upper() + short[1:]
