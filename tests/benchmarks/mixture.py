"""Time and memory of a whole mixture fit beside truncated SVD and k-means on the same users' moves.

    python tests/benchmarks/mixture.py [--users 1000000] [--rounds 3] [--workers 1]

Four personas of 30 states are planted, 25 events a user. Both ways start from the same counts and take
turns, each round in a process of its own. The other way is numpy and scipy alone: 30 components of the
row-normalised counts by ``svds``, k-means++ and Lloyd's iterations in ten starts on a sample of 20 000
users, the best carried on all until the centres move by less than scikit-learn's tolerance. Printed:
medians, their ratio, peak memory, the adjusted Rand index of both and of the assignment that knows the
truth, and the curve over users and personas.

    python tests/benchmarks/mixture.py --buckets [--users 4000000]

Out of core instead: the same users counted in buckets of 250 000, written and fitted a bucket at a time,
beside the fit in memory of the same rows. Seconds of either and the peak of each in a process of its own,
and by how much the chains differ.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - after the number of threads is set
from scipy.sparse import vstack  # noqa: E402

from persona_tui.engine.modeling.bucketed_mixture import fit_from_buckets  # noqa: E402
from persona_tui.engine.modeling.buckets import read_counts, write_counts  # noqa: E402
from persona_tui.engine.modeling.climbing import Users  # noqa: E402
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions, pooled_chain  # noqa: E402
from persona_tui.engine.modeling.journeys import Ending, Journeys  # noqa: E402
from persona_tui.engine.modeling.mixture import fit_markov_mixture  # noqa: E402
from persona_tui.engine.modeling.steps import tabulate_moves  # noqa: E402

N_STATES, N_EVENTS = 30, 25
SHARES = np.array([0.4, 0.3, 0.2, 0.1])
SPREAD = 0.6
"""Of the logarithm of a persona's chances round those that all have in common."""
COMPONENTS, STARTS, SAMPLE, LLOYD, TOLERANCE = 30, 10, 20_000, 300, 1e-4
BLOCK = 100_000
BUCKET = 250_000
"""Users."""


def plant_chains() -> tuple[np.ndarray, np.ndarray]:
    """Starts (K, n) and moves (K, n, n); the last two states end a session, and the next begins."""
    generator = np.random.default_rng(1)
    steps = N_STATES - 2
    common = np.stack([generator.permutation(np.arange(1, steps + 1) ** -1.2) for _ in range(steps)])
    moves = np.zeros((len(SHARES), N_STATES, N_STATES))
    moves[:, :steps, :steps] = common * np.exp(
        SPREAD * generator.standard_normal((len(SHARES), steps, steps))
    )
    moves[:, :steps] *= 0.92 / moves[:, :steps].sum(axis=-1, keepdims=True)
    moves[:, :steps, steps:] = 0.02, 0.06
    starts = np.zeros((len(SHARES), N_STATES))
    enters = np.arange(1, steps + 1) ** -1.5
    starts[:, :steps] = enters * np.exp(SPREAD * generator.standard_normal((len(SHARES), steps)))
    starts /= starts.sum(axis=-1, keepdims=True)
    moves[:, steps:] = starts[:, None]
    return starts, moves


def plant_users(n_users: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Personas (U,) and events (U, 25)."""
    starts, moves = plant_chains()
    generator = np.random.default_rng(seed)
    personas = generator.choice(len(SHARES), size=n_users, p=SHARES)
    events = np.empty((n_users, N_EVENTS), dtype=np.int32)
    ladder = np.cumsum(np.concatenate([starts[:, None], moves], axis=1), axis=2)
    for persona in range(len(SHARES)):
        users = np.flatnonzero(personas == persona)
        rungs = (ladder[persona] + np.arange(N_STATES + 1)[:, None]).ravel()
        row = np.zeros(len(users), dtype=np.int64)
        for place in range(N_EVENTS):
            state = np.searchsorted(rungs, generator.random(len(users)) + row) - row * N_STATES
            events[users, place] = np.clip(state, 0, N_STATES - 1)
            row = events[users, place] + 1
    return personas, events


def count(events: np.ndarray) -> TransitionCounts:
    n_users = len(events)
    none = np.zeros(N_STATES, dtype=bool)
    return count_transitions(
        Journeys(
            unit="session",
            vocabulary=tuple(f"e{state:02d}" for state in range(N_STATES)),
            steps=events.ravel(),
            offsets=np.arange(0, events.size + 1, N_EVENTS),
            users=np.arange(n_users, dtype=np.int32),
            user_ids=tuple(map(str, range(n_users))),
            endings=np.full(n_users, Ending.LEFT),
            exit_chances=np.ones(n_users),
            completion=none,
            drop=none,
            n_after_completion=0,
            censor=False,
        )
    )


def assign_by_truth(events: np.ndarray) -> np.ndarray:
    starts, moves = (np.log(np.maximum(each, 1e-300)) for each in plant_chains())
    joint = np.log(SHARES) + starts[:, events[:, 0]].T
    for place in range(1, N_EVENTS):
        joint += moves[:, events[:, place - 1], events[:, place]].T
    return joint.argmax(axis=1)


def adjusted_rand(first: np.ndarray, second: np.ndarray) -> float:
    table = np.zeros((first.max() + 1, second.max() + 1))
    np.add.at(table, (first, second), 1)
    together, rows, columns, total = (
        float((each * (each - 1) / 2).sum())
        for each in (table, table.sum(axis=1), table.sum(axis=0), np.array(len(first)))
    )
    chance = rows * columns / total
    return (together - chance) / ((rows + columns) / 2 - chance)


def nearest(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest centre of each point and the squared distance to it."""
    labels, distances = np.empty(len(points), dtype=np.int64), np.empty(len(points))
    for first in range(0, len(points), BLOCK):
        block = points[first : first + BLOCK]
        far = (centres**2).sum(axis=1) - 2 * block @ centres.T
        labels[first : first + BLOCK] = far.argmin(axis=1)
        distances[first : first + BLOCK] = far.min(axis=1) + (block**2).sum(axis=1)
    return labels, np.maximum(distances, 0.0)


def lloyd(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    tolerance = TOLERANCE * points.var(axis=0).mean()
    for _ in range(LLOYD):
        labels, distances = nearest(points, centres)
        sizes = np.bincount(labels, minlength=len(centres))
        sums = np.stack([np.bincount(labels, each, len(centres)) for each in points.T], axis=1)
        moved = sums / np.maximum(sizes, 1)[:, None]
        shift = float(((moved - centres) ** 2).sum())
        centres = moved
        if shift <= tolerance:
            break
    return centres, labels, float(distances.sum())


def cluster_moves(counts: TransitionCounts, n_clusters: int) -> np.ndarray:
    from scipy.sparse import diags_array
    from scipy.sparse.linalg import svds

    scale = 1.0 / np.sqrt(counts.matrix.multiply(counts.matrix).sum(axis=1))
    matrix = diags_array(np.asarray(scale).ravel()) @ counts.matrix
    left, values, _ = svds(matrix, k=COMPONENTS, random_state=0)
    points = left * values
    generator = np.random.default_rng(0)
    sample = points[generator.choice(len(points), size=min(SAMPLE, len(points)), replace=False)]
    best = min(
        (lloyd(sample, spread(sample, n_clusters, generator)) for _ in range(STARTS)), key=lambda run: run[2]
    )
    return lloyd(points, best[0])[1][counts.row_of_user]


def spread(points: np.ndarray, n_clusters: int, generator: np.random.Generator) -> np.ndarray:
    """Centres by k-means++."""
    centres = points[[generator.integers(len(points))]]
    while len(centres) < n_clusters:
        far = nearest(points, centres)[1]
        centres = np.vstack([centres, points[generator.choice(len(points), p=far / far.sum())]])
    return centres


def fit_mixture(counts: TransitionCounts, n_clusters: int, workers: int) -> np.ndarray:
    fitted = fit_markov_mixture(counts, n_clusters, random_state=0, workers=workers)
    return fitted.responsibilities.argmax(axis=1)[counts.row_of_user]


def measure(
    cluster: Callable[[TransitionCounts, int], np.ndarray], n_users: int, n_clusters: int
) -> dict[str, float]:
    """Seconds of one fit, peak memory in GB and the adjusted Rand indices, in this process."""
    personas, events = plant_users(n_users)
    counts = count(events)
    begun = time.perf_counter()
    labels = cluster(counts, n_clusters)
    seconds, used = time.perf_counter() - begun, peak()
    return {
        "seconds": seconds,
        "peak": used,
        "rand": adjusted_rand(personas, labels),
        "limit": adjusted_rand(personas, assign_by_truth(events)),
    }


def alone(
    cluster: Callable[[TransitionCounts, int], np.ndarray], n_users: int, n_clusters: int
) -> dict[str, float]:
    """Measure in a process of its own."""
    with ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, cluster, n_users, n_clusters).result()


def time_passes(n_users: int) -> dict[int, float]:
    """Seconds of one E-step and M-step by number of personas, on one core."""
    counts = count(plant_users(n_users)[1])
    users = Users.of(tabulate_moves(counts, pooled_chain(counts, 1.0), 1.0), counts.multiplicity)
    found = {}
    for n_clusters in (2, 4, 8, 16):
        start = np.random.default_rng(0).dirichlet(np.ones(n_clusters), size=len(users.weights))
        parameters = users.estimate(start)
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            parameters = users.maximise(users.expect(parameters)[0])
            times.append(time.perf_counter() - begun)
        found[n_clusters] = median(times)
    return found


def in_buckets(n_users: int) -> Iterator[TransitionCounts]:
    """Count the users of one bucket after the other."""
    for bucket in range(-(-n_users // BUCKET)):
        size = min(BUCKET, n_users - bucket * BUCKET)
        yield count(plant_users(size, seed=bucket)[1])


def peak() -> float:
    """Peak memory of this process in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def write_buckets(folder: Path, n_users: int) -> tuple[float, float]:
    """Seconds of writing, counting included, and peak memory."""
    begun = time.perf_counter()
    write_counts(in_buckets(n_users), folder)
    return time.perf_counter() - begun, peak()


def fit_buckets(folder: Path, workers: int) -> tuple[float, float, np.ndarray]:
    """Seconds, peak memory and chains of the fit out of core, the check of every byte included."""
    begun = time.perf_counter()
    chains = fit_from_buckets(folder, 4, random_state=0, workers=workers).chains
    return time.perf_counter() - begun, peak(), chains


def fit_all_rows(folder: Path, workers: int) -> tuple[float, float, np.ndarray]:
    """Seconds, peak memory and chains of the fit of the same rows in memory."""
    bucketed = read_counts(folder)
    parts = list(bucketed)
    counts = replace(
        bucketed.together(),
        journeys=replace(bucketed.together().journeys, user_ids=("",) * int(bucketed.n_users.sum())),
        matrix=vstack([part.matrix for part in parts], format="csr"),
        multiplicity=np.concatenate([part.weights for part in parts]),
    )
    del parts
    begun = time.perf_counter()
    chains = fit_markov_mixture(counts, 4, random_state=0, workers=workers).chains
    return time.perf_counter() - begun, peak(), chains


def compare_buckets(n_users: int, workers: int) -> None:
    """Print time and memory of a fit out of core beside one in memory."""
    with TemporaryDirectory() as above:
        folder = Path(above) / "counts"
        with ProcessPoolExecutor(1, mp_context=get_context("spawn"), max_tasks_per_child=1) as pool:
            written = pool.submit(write_buckets, folder, n_users).result()
            fitted = pool.submit(fit_buckets, folder, workers).result()
            whole = pool.submit(fit_all_rows, folder, workers).result()
        size = sum(file.stat().st_size for file in folder.rglob("*.npy")) / 2**30
    print(f"{n_users} users in buckets of {BUCKET}, {size:.2f} GB on disk")
    for name, (seconds, used, *_) in (("write", written), ("fit buckets", fitted), ("fit in memory", whole)):
        print(f"{name:14} {seconds:6.1f} s  peak {used:.2f} GB")
    print(f"chains differ by {abs(fitted[2] - whole[2]).max():.1e} at most")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--buckets", action="store_true")
    chosen = parser.parse_args()
    if chosen.buckets:
        compare_buckets(chosen.users, chosen.workers)
        return
    mixture = partial(fit_mixture, workers=chosen.workers)
    found: dict[str, list[dict[str, float]]] = {"mixture": [], "SVD + k-means": []}
    for _ in range(chosen.rounds):
        found["mixture"].append(alone(mixture, chosen.users, 4))
        found["SVD + k-means"].append(alone(cluster_moves, chosen.users, 4))
    seconds = {name: median(run["seconds"] for run in runs) for name, runs in found.items()}
    for name, runs in found.items():
        print(
            f"{name:14} {seconds[name]:6.2f} s  peak {max(run['peak'] for run in runs):.2f} GB  "
            f"adjusted Rand {runs[0]['rand']:.3f} (knowing the truth {runs[0]['limit']:.3f})"
        )
    print(f"ratio          {seconds['mixture'] / seconds['SVD + k-means']:6.2f}")
    print("milliseconds of one pass over the users")
    for part in (8, 4, 2, 1):
        n_users = chosen.users // part
        passes = "  ".join(
            f"K = {each}: {1000 * seconds:.0f}" for each, seconds in time_passes(n_users).items()
        )
        print(f"{n_users:9} users  {passes}")


if __name__ == "__main__":
    main()
