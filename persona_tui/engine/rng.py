"""Random streams, named by purpose and block, never by accident of order."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from persona_tui.engine.types import RandomState


class Stream(IntEnum):
    """What a stream of random numbers is for."""

    SAMPLE_LOG = 0
    RESTARTS = 1
    FOLDS = 2
    BOOTSTRAP = 3
    WALKS = 4
    INSERTED_STEPS = 5
    TRAITS = 6
    COHORT = 7
    ASSUMPTIONS = 8
    SYNTHESIS = 9
    AMOUNTS = 10
    SEGMENTS = 11
    USERS = 12
    STABILITY = 13
    PERIODS = 14
    HELD_OUT = 20
    HALVES = 21
    WALKED_TIMES = 22
    FORECASTS = 23
    CALIBRATION = 24
    REROUTING = 25


def normalise_seed(random_state: RandomState) -> np.random.SeedSequence:
    """Return the seed that every stream of one computation is derived from.

    Parameters
    ----------
    random_state : int, SeedSequence, Generator or None
        None takes fresh entropy; a generator gives 128 bits and so moves on.

    Examples
    --------
    >>> normalise_seed(7).entropy
    7
    """
    if isinstance(random_state, np.random.SeedSequence):
        return random_state
    if isinstance(random_state, np.random.Generator):
        words = random_state.integers(0, 2**32, size=4, dtype=np.uint32)
        return np.random.SeedSequence([int(word) for word in words])
    return np.random.SeedSequence(random_state)


def stream(seed: np.random.SeedSequence, purpose: Stream, *block: int) -> np.random.Generator:
    """Return the generator of one block of work of one purpose.

    The same seed, purpose and block give the same numbers, whoever asks and in which order.

    Examples
    --------
    >>> seed = normalise_seed(0)
    >>> first = stream(seed, Stream.WALKS, 3).random()
    >>> first == stream(seed, Stream.WALKS, 3).random()
    True
    """
    key = (*seed.spawn_key, int(purpose), *block)
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed.entropy, spawn_key=key)))
