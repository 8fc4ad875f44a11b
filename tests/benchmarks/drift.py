"""How often drift is seen where there is none, and where a shift of known size was planted.

    python tests/benchmarks/drift.py [--pairs 1200] [--shifted 100] [--seed 20261123] [--output FILE]

Every pair is an earlier log of eight or twelve weeks and a newer one of a week, of users who walk one of two
planted chains, in sessions on several days. Users come from a process whose shares of personas, of a device
and of going on to buy vary from week to week where that is said; nothing else sets null pairs apart. Shifts
are planted into the newer week alone.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.evaluation.drift import Drift, Grouped, find_drift
from persona_tui.engine.evaluation.level import Level
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.mixture import fit_markov_mixture

EVENTS = ("buy", "cart", "help", "landing", "product", "search", "zoom")
BUY, CART, HELP, LANDING, PRODUCT, SEARCH, ZOOM = range(7)
STEPS = ("landing", "product", "cart", "buy")
EXIT = len(EVENTS)
MINUTE, DAY = 60 * 10**6, 86_400 * 10**6
WEEK = 7 * DAY
LONGEST = 30
_CHAINS = np.array(
    [
        [
            [0, 0, 0, 0, 0, 0, 0, 1.0],
            [0.45, 0, 0.05, 0, 0.2, 0.1, 0, 0.2],
            [0.05, 0.1, 0.1, 0.1, 0.3, 0.1, 0, 0.25],
            [0, 0.02, 0.03, 0.05, 0.5, 0.3, 0, 0.1],
            [0, 0.35, 0.05, 0.05, 0.25, 0.15, 0, 0.15],
            [0, 0.05, 0.05, 0.1, 0.6, 0.1, 0, 0.1],
            [0, 0.2, 0, 0, 0.5, 0, 0, 0.3],
        ],
        [
            [0, 0, 0, 0, 0, 0, 0, 1.0],
            [0.15, 0, 0.15, 0, 0.2, 0.1, 0, 0.4],
            [0, 0.05, 0.3, 0.2, 0.05, 0.1, 0, 0.3],
            [0, 0, 0.2, 0.1, 0.15, 0.15, 0, 0.4],
            [0, 0.1, 0.15, 0.1, 0.15, 0.2, 0, 0.3],
            [0, 0, 0.15, 0.15, 0.2, 0.2, 0, 0.3],
            [0, 0.2, 0, 0, 0.5, 0, 0, 0.3],
        ],
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A planted process.

    ``weekly`` is the standard deviation, in log odds, of what varies from week to week; the rest are shifts
    in log odds, and the share of product views that become an event that was not there before.
    """

    n_weeks: int = 8
    users_a_week: int = 300
    weekly: float = 0.0
    personas: float = 0.0
    buying: float = 0.0
    device: float = 0.0
    new_event: float = 0.0


def logistic(odds: float) -> float:
    """Return the share of log odds."""
    return 1 / (1 + math.exp(-odds))


def draw_week(
    rng: np.random.Generator, world: World, week: int, *, shifted: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return user, event and time of each event of users who come in a week, and the device of each user."""
    ours = rng.normal(0, world.weekly, 3) if world.weekly else np.zeros(3)
    if shifted:
        ours = ours + np.array([world.personas, world.buying, world.device])
    n = int(rng.poisson(world.users_a_week))
    persona = (rng.random(n) < logistic(ours[0])).astype(int)
    devices = (rng.random(n) < logistic(0.4 + ours[2])).astype(np.int32)
    chains = _CHAINS.copy()
    for each in range(2):
        base = chains[each, CART, BUY]
        bought = logistic(math.log(base / (1 - base)) + ours[1])
        chains[each, CART] *= (1 - bought) / (1 - base)
        chains[each, CART, BUY] = bought
    cumulated = chains.cumsum(axis=2)
    sessions = 1 + rng.poisson(0.6, n)
    walker = np.repeat(np.arange(n), sessions)
    starts = WEEK * week + rng.random(len(walker)) * WEEK
    users, codes, times = [], [], []
    now, here = np.full(len(walker), LANDING), np.arange(len(walker))
    for step in range(LONGEST):
        users.append(walker[here])
        codes.append(now)
        times.append(starts[here] + step * MINUTE)
        rows = cumulated[persona[walker[here]], now]
        now = (rng.random((len(here), 1)) >= rows).sum(axis=1)
        here, now = here[now < EXIT], now[now < EXIT]
    codes_of = np.concatenate(codes)
    if shifted and world.new_event:
        views = (codes_of == PRODUCT) & (rng.random(len(codes_of)) < world.new_event)
        codes_of = np.where(views, ZOOM, codes_of)
    return np.concatenate(users), codes_of, np.concatenate(times).astype(np.int64), devices


def draw_log(
    rng: np.random.Generator, world: World, weeks: range, *, shifted: bool
) -> tuple[Sequences, np.ndarray]:
    """Return a log of some weeks, and the device of each user."""
    drawn = [draw_week(rng, world, week, shifted=shifted) for week in weeks]
    before = np.cumsum([0, *(len(each[3]) for each in drawn[:-1])])
    users = np.concatenate([each[0] + first for each, first in zip(drawn, before, strict=True)])
    codes, times = (np.concatenate([each[place] for each in drawn]) for place in (1, 2))
    order = np.lexsort((times, users))
    users, codes, times = users[order], codes[order], times[order]
    opens = (np.diff(users, prepend=-1) != 0) | (np.diff(times, prepend=times[0]) > 30 * MINUTE)
    n_users = int(users[-1]) + 1
    log = Sequences(
        vocabulary=EVENTS,
        user_ids=tuple(f"{weeks[0]}-{number:06d}" for number in range(n_users)),
        codes=codes.astype(np.int32),
        users=users.astype(np.int32),
        sessions=(np.cumsum(opens) - 1).astype(np.int64),
        times=times,
    )
    return log, np.concatenate([each[3] for each in drawn])


def without_zoom(log: Sequences) -> Sequences:
    """Return the same log in the vocabulary that the earlier one has."""
    return replace(log, vocabulary=EVENTS[:ZOOM])


def learn(seed: int) -> MarkovMixture:
    """Return personas of a log of the planted process."""
    log, _ = draw_log(np.random.default_rng(seed), World(users_a_week=500), range(8), shifted=False)
    journeys = cut_journeys(without_zoom(log), completion={"buy"})
    return fit_markov_mixture(count_transitions(journeys), 2, random_state=seed)


def compare(rng: np.random.Generator, world: World, mixture: MarkovMixture, *, shifted: bool) -> Drift:
    """Return the drift of one pair."""
    before, was = draw_log(rng, world, range(world.n_weeks), shifted=False)
    after, now = draw_log(rng, world, range(world.n_weeks, world.n_weeks + 1), shifted=shifted)
    return find_drift(
        before,
        after,
        mixture=mixture,
        names=("keen", "idle"),
        completion={"buy"},
        steps=STEPS,
        attributes={"device": Grouped(levels=("desktop", "mobile"), before=was, after=now)},
        random_state=0,
    )


def verdicts(
    world: World, mixture: MarkovMixture, n: int, seed: int, name: str, *, shifted: bool
) -> tuple[Counter[str], Counter[str]]:
    """Return how often each verdict was given, and which rows were red; progress goes to stderr."""
    found: Counter[str] = Counter()
    red: Counter[str] = Counter()
    began = time.monotonic()
    for place, each in enumerate(np.random.SeedSequence(seed).spawn(n), start=1):
        drift = compare(np.random.default_rng(each), world, mixture, shifted=shifted)
        found[drift.level.word] += 1
        red.update({row.part for row in drift.rows if row.level is Level.RED})
        if place % 25 == 0 or place == n:
            print(f"{name}: {place}/{n}, {time.monotonic() - began:.0f} s", file=sys.stderr)
    return found, red


NULLS = {
    "300 users a week, weeks alike": World(),
    "300 users a week, weeks differ (0.2 in log odds)": World(weekly=0.2),
    "300 users a week, weeks differ much (0.4), 12 weeks": World(weekly=0.4, n_weeks=12),
    "2,000 users a week, weeks differ (0.2)": World(weekly=0.2, users_a_week=2_000),
}
SHIFTS = {
    "shares of personas 50 : 50 to 73 : 27": World(weekly=0.1, personas=1.0),
    "shares of personas 50 : 50 to 62 : 38": World(weekly=0.1, personas=0.5),
    "going from cart to buy, odds x 0.37": World(weekly=0.1, buying=-1.0),
    "the same, 1,000 users a week": World(weekly=0.1, buying=-1.0, users_a_week=1_000),
    "going from cart to buy, odds x 0.61, 1,000 users": World(weekly=0.1, buying=-0.5, users_a_week=1_000),
    "device 60 : 40 to 83 : 17": World(weekly=0.1, device=1.2),
    "a tenth of product views becomes a new event": World(weekly=0.1, new_event=0.1),
    "half of product views become a new event": World(weekly=0.1, new_event=0.5),
}


def line(name: str, found: Counter[str], red: Counter[str], n: int) -> str:
    """Return a row of the table."""
    shares = (f"{100 * found[each] / n:.1f} %" for each in ("green", "amber", "red"))
    parts = ", ".join(f"{part} {100 * times / n:.0f} %" for part, times in red.most_common(3) if times)
    return f"| {name} | {n:,} | {' | '.join(shares)} | {parts or '–'} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1_200)
    parser.add_argument("--shifted", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    mixture = learn(chosen.seed)
    head = "| pairs | number | green | amber | red | red rows most often |\n|---|---:|---:|---:|---:|---|"
    nulls, shifts, reds, total = [], [], 0, 0
    share = chosen.pairs // len(NULLS)
    for name, world in NULLS.items():
        n = max(share // 2, 1) if world.users_a_week > 1_000 else share + share // 6
        found, red = verdicts(world, mixture, n, chosen.seed, name, shifted=False)
        reds, total = reds + found["red"], total + n
        nulls.append(line(name, found, red, n))
    for name, world in SHIFTS.items():
        found, red = verdicts(world, mixture, chosen.shifted, chosen.seed + 1, name, shifted=True)
        shifts.append(line(name, found, red, chosen.shifted))
    text = (
        f"# Drift where there is none, and where there is\n\n"
        f"`python tests/benchmarks/drift.py --pairs {chosen.pairs} --shifted {chosen.shifted} "
        f"--seed {chosen.seed}`: an earlier log of eight weeks, where nothing else is said, against a week "
        f"of other users; 1.6 sessions a user.\n\n"
        f"## Nothing was changed: {reds} of {total:,} pairs are red ({100 * reds / total:.2f} %)\n\n"
        f"{head}\n" + "\n".join(nulls) + "\n\n"
        "## A shift was planted: 300 users a week where nothing else is said, weeks differ by 0.1\n\n"
        f"{head}\n" + "\n".join(shifts) + "\n"
    )
    print(text)
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
