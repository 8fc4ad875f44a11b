"""Logs of two kinds of users who come week after week, with rates that may differ between weeks."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from persona_tui.engine.data.sequences import Sequences

START = int(datetime(2026, 1, 5, tzinfo=UTC).timestamp() * 1e6)
WEEK = 7 * 86_400 * 10**6
MINUTE = 60 * 10**6
VOCABULARY = ("buy", "look", "read", "search")
BUY, LOOK, READ, SEARCH = range(4)


def plant_weeks(
    seed: int,
    *,
    n_weeks: int = 10,
    per_week: int = 120,
    rates: tuple[float, float] = (0.25, 0.06),
    between: float = 0.0,
    stay: float = 0.75,
) -> Sequences:
    """Return a log of one session a user: searchers and readers, who buy at a rate at each event.

    Parameters
    ----------
    seed : int
    n_weeks, per_week : int
        Users begin at any time of their week.
    rates : (float, float)
        Of buying at each event of the two kinds.
    between : float
        Standard deviation between weeks of the logarithm of these rates.
    stay : float
        Chance to go on of who does not buy.
    """
    generator = np.random.default_rng(seed)
    codes, users, times = [], [], []
    for week in range(n_weeks):
        factor = np.exp(generator.normal(0, between)) if between else 1.0
        for _ in range(per_week):
            kind = int(generator.random() < 0.5)
            begun = START + week * WEEK + int(generator.random() * WEEK)
            chances = (0.7, 0.2) if kind == 0 else (0.15, 0.15)
            done = []
            while True:
                draw = generator.random()
                done.append(SEARCH if draw < chances[0] else LOOK if draw < sum(chances) else READ)
                if generator.random() < min(rates[kind] * factor, 0.9):
                    done.append(BUY)
                    break
                if generator.random() >= stay:
                    break
            codes += done
            users += [len(times)] * len(done)
            times.append(begun + np.arange(len(done)) * MINUTE)
    owners = np.array(users, np.int32)
    return Sequences(
        vocabulary=VOCABULARY,
        user_ids=tuple(f"u{number:05d}" for number in range(len(times))),
        codes=np.array(codes, np.int32),
        users=owners,
        sessions=owners.astype(np.int64),
        times=np.concatenate(times),
    )
