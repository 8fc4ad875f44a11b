"""How often calibrations of planted experiments hold the true effects, and their replay the total uplift.

    PYTHONPATH=tests python tests/benchmarks/calibration.py [--replications 2000] [--output FILE]

Every replication draws two kinds of users who leave a flow of three steps at rates of their own, treats half
of them with known effects, and calibrates. Beside it stand pooled rates that take visits as independent.
Then the effects, as the texts that the calibration writes, are replayed on another flow, whose true uplift is
known.
"""

from __future__ import annotations

import argparse
import math
import os
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from planted_tests import LEAVING, STEPS, PlantedTest, left, plant_test

from persona_tui.engine.evaluation.calibration import Calibration, calibrate
from persona_tui.engine.simulation.assumptions import draw_parameters
from persona_tui.engine.simulation.effect_base import parse_effect
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.flow import Flow, solve
from persona_tui.engine.statistics import NORMAL_QUANTILE, interval

WORLDS = {
    "friction, none, reward": (0.10, 0.0, -0.30),
    "friction everywhere": (0.15, 0.12, 0.10),
}
OTHER_LEAVING = np.array([[0.20, 0.12, 0.30], [0.05, 0.45, 0.10]])
OTHER_AGAIN = np.array([0.3, 0.1])
OTHER_SHARES = np.array([0.35, 0.65])


def other_flow(effects: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Flow:
    """Return a flow of other personas over the same steps, with effects on leaving."""
    moves = np.zeros((2, 4, 6))
    for step in range(3):
        leave = left(OTHER_LEAVING[:, step], np.array(effects[step]))
        moves[:, step, 4] = leave
        moves[:, step, step] = (1 - leave) * OTHER_AGAIN
        moves[:, step, step + 1] = (1 - leave) * (1 - OTHER_AGAIN)
    starts = np.zeros((2, 4))
    starts[:, 0] = 1.0
    return Flow(
        states=STEPS,
        kinds=np.array([0, 0, 0, 1]),
        unit="session",
        starts=starts,
        transitions=moves,
        support=1e6 * moves,
        friction_is_drop=False,
    )


def naive(planted: PlantedTest, step: int) -> tuple[float, float]:
    """Return the interval of a friction from pooled rates, visits taken as independent."""
    log = planted.sequences
    last = np.append(np.diff(log.users) != 0, True)
    treated = planted.arms.of_users[log.users] == 1
    at = log.codes == step
    stay = [1 - last[at & arm].mean() for arm in (~treated, treated)]
    sizes = [int((at & arm).sum()) for arm in (~treated, treated)]
    ratio = stay[1] / stay[0]
    error = math.sqrt(sum((1 - share) / (share * n) for share, n in zip(stay, sizes, strict=True)))
    return 1 - ratio * math.exp(NORMAL_QUANTILE * error), 1 - ratio * math.exp(-NORMAL_QUANTILE * error)


def holds(found: Calibration, effects: tuple[float, float, float]) -> dict[str, bool]:
    """Return which intervals hold the true effect."""
    held = {}
    for each, truth in zip(found.steps, effects, strict=True):
        low, high = each.interval or (0.0, 0.0)
        held[each.step] = low <= signed(truth, each.kind, LEAVING[:, STEPS.index(each.step)]) <= high
    return held


def signed(truth: float, kind: str | None, leaving: np.ndarray) -> float:
    """Return a true effect in the direction that was fitted; of the other one, what it is on the average."""
    if (truth >= 0) == (kind == "friction") or not truth:
        return abs(truth)
    changed = left(leaving, np.array(truth))
    ratio = (1 - changed) / (1 - leaving) if kind == "friction" else changed / leaving
    return float(1 - ratio.mean())


def replay_holds(found: Calibration, effects: tuple[float, float, float]) -> bool | None:
    """Return whether the replay on another flow holds its true uplift; None where no effect is settled."""
    texts = found.as_modification()
    if not texts:
        return None
    modification = FlowModification(effects=tuple(map(parse_effect, texts)))
    control = other_flow()
    drawn = draw_parameters(modification.compile(), 400, np.random.SeedSequence(1))
    totals = solve(modification.apply(control, drawn)).converted @ OTHER_SHARES
    base = float(OTHER_SHARES @ solve(control).converted)
    low, high = interval(totals - base)
    truth = float(OTHER_SHARES @ solve(other_flow(effects)).converted) - base
    return low <= truth <= high


def replicate(name: str, n_users: int, own: float, seed: np.random.SeedSequence) -> dict[str, bool]:
    """Return what one planted experiment held."""
    effects = WORLDS[name]
    planted = plant_test(np.random.default_rng(seed), effects, n_users=n_users, own=own)
    found = calibrate(
        planted.sequences,
        planted.arms,
        1,
        unit="user",
        completion={STEPS[-1]},
        n_clusters=2,
        random_state=seed,
    )
    held = {f"{name} | {step}": is_held for step, is_held in holds(found, effects).items()}
    for step in range(2):
        if effects[step] >= 0:
            low, high = naive(planted, step)
            held[f"{name} | {STEPS[step]}: pooled, visits independent (naive)"] = low <= effects[step] <= high
    replayed = replay_holds(found, effects)
    if replayed is not None and all(effects):
        held[f"{name} | total uplift of the replay on another flow"] = replayed
    return held


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--replications", type=int, default=2_000)
    parser.add_argument("--users", type=int, default=3_000)
    parser.add_argument("--own", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=20_261_123)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    counts: dict[str, list[int]] = {}
    for world, name in enumerate(WORLDS):
        seeds = np.random.SeedSequence([chosen.seed, world]).spawn(chosen.replications)
        work = partial(replicate, name, chosen.users, chosen.own)
        with ProcessPoolExecutor(chosen.workers) as pool:
            for number, held in enumerate(pool.map(work, seeds, chunksize=10), start=1):
                for key, is_held in held.items():
                    counts.setdefault(key, []).append(is_held)
                if number % 100 == 0:
                    print(f"{name}: {number} of {chosen.replications}", flush=True)
    lines = ["| planted effects | interval of 95 % of | holds the truth | of |", "|---|---|---:|---:|"]
    for key, held in counts.items():
        share, n = float(np.mean(held)), len(held)
        error = 2 * math.sqrt(share * (1 - share) / n)
        planted, what = key.split(" | ")
        lines.append(f"| {planted} | {what} | {100 * share:.1f} ± {100 * error:.1f} % | {n:,} |")
    text = (
        "# Effects of real changes, and their replay\n\n"
        f"`PYTHONPATH=tests python tests/benchmarks/calibration.py --replications {chosen.replications} "
        f"--users {chosen.users} --seed {chosen.seed}`: {chosen.replications:,} experiments of "
        f"{chosen.users:,} users of two kinds for each set of effects.\n\n" + "\n".join(lines) + "\n"
    )
    print(text)
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
