"""Small logs of users who each walk one of some random chains, made at once."""

from __future__ import annotations

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys

MINUTE = 60 * 10**6


def plant_chains(
    n_chains: int,
    n_users: int,
    *,
    seed: int,
    n_events: int = 6,
    mean_length: float = 12.0,
    concentration: float = 0.4,
) -> tuple[Sequences, np.ndarray]:
    """Return a log of one session a user, and the chain of each user; shares fall from first to last."""
    generator = np.random.default_rng(seed)
    chains = generator.dirichlet(np.full(n_events, concentration), size=(n_chains, n_events)).cumsum(axis=-1)
    shares = np.linspace(1.5, 0.8, n_chains)
    chain_of = generator.choice(n_chains, size=n_users, p=shares / shares.sum())
    lengths = 1 + generator.geometric(1 / mean_length, size=n_users)
    users = np.repeat(np.arange(n_users), lengths)
    position = np.arange(len(users)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    codes = np.zeros(len(users), dtype=np.int64)
    codes[position == 0] = generator.integers(n_events, size=n_users)
    for step in range(1, int(lengths.max())):
        here = np.flatnonzero(position == step)
        rows = chains[chain_of[users[here]], codes[here - 1]]
        codes[here] = np.minimum((generator.random((len(here), 1)) >= rows).sum(axis=1), n_events - 1)
    found, codes = np.unique(codes, return_inverse=True)
    sequences = Sequences(
        vocabulary=tuple("abcdefghijklmnopqrstuvwxyz"[each] for each in found),
        user_ids=tuple(f"u{number:05d}" for number in range(n_users)),
        codes=codes.astype(np.int32),
        users=users.astype(np.int32),
        sessions=users.astype(np.int64),
        times=position * MINUTE,
    )
    return sequences, chain_of


def count_whole(sequences: Sequences) -> TransitionCounts:
    """Return the transition counts of journeys that have all ended."""
    return count_transitions(cut_journeys(sequences, censor=False))
