"""Numbers drawn from the ranges that effects are believed to lie in."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from persona_tui.engine.params import Range
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.effect_base import Effect
from persona_tui.engine.types import FloatArray


def pert_quantiles(belief: Range, uniforms: FloatArray) -> FloatArray:
    """Return the values of a PERT distribution at some probabilities.

    Parameters
    ----------
    belief : Range
    uniforms : array
        Probabilities, between 0 and 1.

    Notes
    -----
    A beta on [low, high] with parameters ``1 + 4 (mode - low) / width`` and ``1 + 4 (high - mode) / width``.

    Examples
    --------
    >>> pert_quantiles(Range(0.0, 0.5, 1.0), np.array([0.0, 0.5, 1.0])).round(3)
    array([0. , 0.5, 1. ])
    """
    from scipy.special import betaincinv  # noqa: PLC0415 - 0.15 s, only ranges need it

    width = belief.high - belief.low
    if width == 0:
        return np.full(uniforms.shape, float(belief.low))
    rise, fall = (belief.mode - belief.low) / width, (belief.high - belief.mode) / width
    quantiles: FloatArray = belief.low + width * betaincinv(1 + 4 * rise, 1 + 4 * fall, uniforms)
    return quantiles


def draw_parameters(
    effects: Sequence[Effect], n_draws: int, seed: np.random.SeedSequence
) -> tuple[dict[str, FloatArray], ...]:
    """Return draws of the parameters that are ranges, one mapping an effect.

    Parameters
    ----------
    effects : sequence of Effect
    n_draws : int
    seed : SeedSequence

    Returns
    -------
    tuple of dict
        Parameter to array of shape (n_draws, 1); empty for an effect without ranges.

    Notes
    -----
    Ranges are independent; each parameter has a stream of its own, named by its effect. Two scenarios
    that hold the same effect so draw the same numbers for it, and others for what they do not share.
    """
    drawn = []
    times: Counter[str] = Counter()
    for effect in effects:
        key, numbers = str(effect), {}
        for order, (name, belief) in enumerate(sorted(effect.ranges().items())):
            uniforms = stream(seed, Stream.ASSUMPTIONS, *_words(key), times[key], order)
            numbers[name] = pert_quantiles(belief, uniforms.random((n_draws, 1)))
        times[key] += 1
        drawn.append(numbers)
    return tuple(drawn)


def _words(text: str) -> tuple[int, ...]:
    """Return four 32-bit numbers that stand for a text."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return tuple(int.from_bytes(digest[first : first + 4], "little") for first in range(0, 16, 4))
