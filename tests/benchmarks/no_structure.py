"""How often logs without personas are said to have one; written as a table.

python tests/benchmarks/no_structure.py [--seeds 20] [--workers 2] [--output no_structure.md]
"""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from multiprocessing import get_context
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402 - after the number of threads is set
from benchmarks.one_chain import Kind, leave_one_chain  # noqa: E402 - as above

from persona_tui.engine.modeling.counts import count_transitions  # noqa: E402 - as above
from persona_tui.engine.modeling.journeys import cut_journeys  # noqa: E402 - as above
from persona_tui.engine.modeling.selection import select_n_clusters  # noqa: E402 - as above

KINDS = {
    "short journeys": [Kind(n_users=n, events=4) for n in (100, 1_000, 10_000)],
    "journeys": [Kind(n_users=n, events=15) for n in (100, 1_000, 10_000)],
    "long journeys": [Kind(n_users=n, events=60) for n in (100, 1_000, 5_000)],
    "several sessions": [Kind(n_users=n, events=8, extra_sessions=3) for n in (100, 1_000, 5_000)],
    "heavy-tailed lengths": [
        Kind(n_users=n, events=15, lengths="heavy-tailed") for n in (100, 1_000, 10_000)
    ],
    "a bot": [Kind(n_users=n, events=15, bot_events=20_000) for n in (100, 1_000, 10_000)],
}
INTRODUCTION = """# Logs without personas

Made by `python tests/benchmarks/no_structure.py`: {seeds} seeds a line.

All users walk one random chain over 12 events; how long they walk does not depend on where. One
persona should be recommended in 19 of 20 logs. Lengths are geometric, as a chain's are, unless they are
*heavy-tailed* (log-normal, spread 1.2); *a bot* walks 20,000 events. Heavy tails are structure that a mixture
of chains can use, in when users leave and nowhere else: given enough users it finds those who leave soon and
those who stay, for 0.2 % fewer bits per event.
"""


def count_personas(asked: tuple[Kind, int]) -> int:
    kind, seed = asked
    sequences = leave_one_chain(kind, np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,))))
    return select_n_clusters(count_transitions(cut_journeys(sequences)), random_state=seed).n_clusters


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2, help="processes; the table does not depend on it")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    chosen = parser.parse_args()
    asked = [(name, kind) for name, kinds in KINDS.items() for kind in kinds]
    jobs = [(kind, seed) for (_, kind), seed in product(asked, range(chosen.seeds))]
    lines = ["| log | users | one persona | other numbers |", "|---|---:|---:|---|"]
    with ProcessPoolExecutor(chosen.workers, mp_context=get_context("spawn")) as pool:
        numbers = pool.map(count_personas, jobs)
        for name, kind in asked:
            found = Counter(next(numbers) for _ in range(chosen.seeds))
            others = ", ".join(f"{number}: {often}" for number, often in sorted(found.items()) if number > 1)
            lines.append(f"| {name} | {kind.n_users:,} | {found[1]} of {chosen.seeds} | {others or '–'} |")
            print(lines[-1], flush=True)
    chosen.output.write_text("\n".join([INTRODUCTION.format(seeds=chosen.seeds), *lines, ""]))


if __name__ == "__main__":
    main()
