"""How often intervals of real experiments hold the truth, over experiments in which nothing was changed.

    python tests/benchmarks/readouts.py [--replications 2000] [--users 1000] [--seed 20261123] [--output FILE]

Every replication draws users of several sessions each, whose chance to convert is the user's own, assigns
them by lot, and reads the experiment out. Beside the intervals over users stand naive ones that take sessions
as independent. An always-valid interval counts as holding where it holds zero at all of 25 looks; the
interval for one look is held to the same looks beside it.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from persona_tui.engine.evaluation.readout import Difference, UserValues, read_out
from persona_tui.engine.statistics import NORMAL_QUANTILE
from persona_tui.engine.types import FloatArray

N_LOOKS = 25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Users:
    """What users did before and in an experiment without a change; arrays of shape (U,)."""

    was_sessions: FloatArray
    was_converting: FloatArray
    sessions: FloatArray
    converting: FloatArray


def draw_users(rng: np.random.Generator, n: int) -> Users:
    """Return users whose chance to convert in a session is their own, and who come 1 + Poisson(4) times."""
    own = rng.beta(0.5, 2.0, n)
    was, now = (1 + rng.poisson(4.0, n) for _ in range(2))
    return Users(
        was_sessions=was.astype(float),
        was_converting=rng.binomial(was, own).astype(float),
        sessions=now.astype(float),
        converting=rng.binomial(now, own).astype(float),
    )


def metrics_of(users: Users) -> dict[str, UserValues]:
    """Return the metrics that are read out."""
    ones = np.ones(len(users.sessions))
    before = (users.was_converting, users.was_sessions)
    return {
        "users who complete": UserValues(
            name="users who complete",
            numerators=(users.converting > 0).astype(float),
            before=((users.was_converting > 0).astype(float), ones),
            scale="share",
        ),
        "completions per session": UserValues(
            name="completions per session",
            numerators=users.converting,
            denominators=users.sessions,
            before=before,
            scale="share",
        ),
        "sessions per user": UserValues(
            name="sessions per user", numerators=users.sessions, before=(users.was_sessions, ones)
        ),
    }


def naive_holds(users: Users, treated: np.ndarray) -> bool:
    """Return whether an interval that takes sessions as independent holds zero."""
    rates, variance = [], 0.0
    for arm in (~treated, treated):
        n, converting = users.sessions[arm].sum(), users.converting[arm].sum()
        rates.append(converting / n)
        variance += rates[-1] * (1 - rates[-1]) / n
    return bool(abs(rates[1] - rates[0]) <= NORMAL_QUANTILE * math.sqrt(variance))


def holds(found: Difference | None, *, always: bool = False) -> bool:
    """Return whether an interval holds zero."""
    assert found is not None
    ends = found.always_valid if always else found.interval
    assert ends is not None
    return ends[0] <= 0 <= ends[1]


def first(values: UserValues, n: int) -> UserValues:
    """Return the metric of the first users."""
    below = None if values.denominators is None else values.denominators[:n]
    return UserValues(name=values.name, numerators=values.numerators[:n], denominators=below)


def replicate(rng: np.random.Generator, n: int) -> dict[str, bool]:
    """Return which intervals of one experiment without a change hold zero."""
    users, treated = draw_users(rng, n), rng.random(n) < 0.5
    looks = np.linspace(n / N_LOOKS, n, N_LOOKS).astype(int)
    found = {"completions per session: sessions as independent (naive)": naive_holds(users, treated)}
    for name, values in metrics_of(users).items():
        read = read_out(values, ~treated, treated, tightest_at=n)
        found[f"{name}: over users"] = holds(read.plain)
        found[f"{name}: over users, less the time before (CUPED)"] = holds(read.adjusted)
        watched = [
            read_out(first(values, look), ~treated[:look], treated[:look], tightest_at=n).plain
            for look in looks
        ]
        found[f"{name}: always valid, at all of {N_LOOKS} looks"] = all(
            holds(each, always=True) for each in watched
        )
        found[f"{name}: for one look, at all of {N_LOOKS} looks (naive)"] = all(map(holds, watched))
    return found


def table(counts: dict[str, int], replications: int) -> str:
    """Return the shares that hold, with two standard errors."""
    lines = ["| interval of 95 % | holds zero |", "|---|---:|"]
    for name, n in counts.items():
        share = n / replications
        error = 2 * math.sqrt(share * (1 - share) / replications)
        lines.append(f"| {name} | {100 * share:.1f} ± {100 * error:.1f} % |")
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=2_000)
    parser.add_argument("--users", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    counts: dict[str, int] = {}
    for seed in np.random.SeedSequence(chosen.seed).spawn(chosen.replications):
        for name, is_held in replicate(np.random.default_rng(seed), chosen.users).items():
            counts[name] = counts.get(name, 0) + is_held
    text = (
        f"# Intervals of real experiments, where nothing was changed\n\n"
        f"`python tests/benchmarks/readouts.py --replications {chosen.replications} --users {chosen.users} "
        f"--seed {chosen.seed}`: {chosen.replications:,} experiments of {chosen.users:,} users, "
        f"five sessions each on average, half of them treated with nothing.\n\n"
        f"{table(counts, chosen.replications)}\n"
    )
    print(text)
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
