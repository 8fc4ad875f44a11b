"""How well planted personas are found, beside the best that can be done and beside scikit-learn; as a table.

    python tests/benchmarks/accuracy.py --peers DIR [--peers-python PYTHON] [--output accuracy.md]

DIR holds the generator of the logs (``gen.py``); PYTHON has what it imports.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402 - after the number of threads is set
import polars as pl  # noqa: E402 - as above
from benchmarks.bayes import assign_by_truth, session_chances  # noqa: E402 - as above
from benchmarks.walks import machine, run_peer  # noqa: E402 - as above
from sklearn.cluster import KMeans  # noqa: E402 - as above
from sklearn.decomposition import NMF  # noqa: E402 - as above
from sklearn.feature_extraction.text import TfidfTransformer  # noqa: E402 - as above
from sklearn.metrics import adjusted_rand_score  # noqa: E402 - as above
from sklearn.preprocessing import normalize  # noqa: E402 - as above

from persona_tui.engine.data.etl import load_event_log  # noqa: E402 - as above
from persona_tui.engine.data.sequences import Sequences, encode_sequences  # noqa: E402 - as above
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions  # noqa: E402 - as above
from persona_tui.engine.modeling.journeys import cut_journeys  # noqa: E402 - as above
from persona_tui.engine.modeling.mixture import fit_markov_mixture  # noqa: E402 - as above
from persona_tui.engine.modeling.selection import select_n_clusters  # noqa: E402 - as above

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
"""Of the generator's personas."""
EVENTS_PER_SESSION = 12.5
SESSIONS = (1, 2, 4, 8)
SIGMAS = (0.3, 0.5, 0.8)
COMPLETION = "order_complete"
LEFT_OPEN = (0.5, 4)
"""Sigma and sessions of the log on which the number of personas is found too."""
REQUIRED, REQUIRED_FROM = 0.95, 0.5
CHAINS = (
    "import json, gen; S, P = gen.personas(4, {}); print(json.dumps([S.tolist(), P.tolist(), gen.EVENTS]))"
)
MIXTURE, CUT = "mixture", "mixture, cut"
INTRODUCTION = """# Planted personas, found

Made by `python tests/benchmarks/accuracy.py` on {machine}.

Logs of {users:,} users or more, of four personas with shares 40, 30, 20 and 10 %, whose chains over 30
events differ by log-normal factors of spread *sigma*. All figures from *Bayes* on are adjusted Rand
indices against the planted personas. *Bayes* assigns each user to the likeliest persona under the planted
chains: nothing does better on the average. *Mixture* is `fit_markov_mixture(counts, 4)`, seed 0, on whole
journeys; *cut* the same on journeys cut at `{completion}`, which show less. scikit-learn gets the
same users' counts of the same moves, as TF-IDF of unit length or as each user's relative frequencies: KMeans
with 3 restarts, NMF labelled by the largest component. The aim is {required} of Bayes wherever Bayes
is {required_from} or more, and more than scikit-learn everywhere. Seconds are of the fits alone, restarts
included.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One log: adjusted Rand index and seconds by method."""

    sigma: float
    n_users: int
    events_per_user: float
    bayes: float
    bayes_cut: float
    found: dict[str, tuple[float, float]]

    @property
    def ratio(self) -> float:
        """The mixture's index as a share of the best there is."""
        return self.found[MIXTURE][0] / self.bayes

    @property
    def holds(self) -> bool:
        """Whether the mixture reaches what is asked of it."""
        mixture = self.found[MIXTURE][0]
        return reaches(mixture, self.bayes) and all(mixture > self.found[name][0] for name in PEERS)


def reaches(index: float, bayes: float) -> bool:
    return bayes < REQUIRED_FROM or index >= REQUIRED * bayes


def fit_mixture(counts: TransitionCounts) -> np.ndarray:
    mixture = fit_markov_mixture(counts, len(SHARES), random_state=0)
    return mixture.responsibilities.argmax(axis=1)[counts.row_of_user]


def by_kmeans(table) -> np.ndarray:
    return KMeans(len(SHARES), n_init=3, random_state=0).fit_predict(table)


def by_nmf(table) -> np.ndarray:
    return NMF(len(SHARES), init="nndsvda", random_state=0, max_iter=500).fit_transform(table).argmax(axis=1)


PEERS: dict[str, tuple[Callable, Callable]] = {
    "KMeans, TF-IDF": (by_kmeans, TfidfTransformer().fit_transform),
    "KMeans, frequencies": (by_kmeans, lambda table: normalize(table, "l1")),
    "NMF, TF-IDF": (by_nmf, TfidfTransformer().fit_transform),
}


def generate(peer: tuple[str, Path], folder: Path, *, sigma: float, sessions: int, users: int) -> Path:
    n_events = int(1.02 * users * EVENTS_PER_SESSION * sessions)
    words = ["--events", n_events, "--sigma", sigma, "--sessions", sessions, "--out", folder, "--name", "log"]
    run_peer(*peer, "gen.py", *map(str, words))
    return folder / "log.parquet"


def load(path: Path) -> tuple[Sequences, np.ndarray]:
    """Return a generated log and the persona of each of its users."""
    sequences = encode_sequences(load_event_log(path).events)
    planted = pl.read_parquet(path.with_suffix(".truth.parquet")).with_columns(
        pl.col("user_id").cast(pl.String)
    )
    users = pl.DataFrame({"user_id": sequences.user_ids})
    return sequences, users.join(planted, on="user_id", how="left", maintain_order="left")[
        "persona"
    ].to_numpy()


def measure(sequences: Sequences, truth: np.ndarray, chains: tuple, sigma: float) -> Row:
    """Group the users of one log in every way."""
    counts = count_transitions(cut_journeys(sequences))
    starts, moves, states = chains
    cut = count_transitions(cut_journeys(sequences, completion={COMPLETION}))
    best, best_cut = (
        assign_by_truth(each, session_chances(each, states, starts, moves), SHARES) for each in (counts, cut)
    )
    found = {}

    def judge(name: str, group: Callable, data) -> None:
        begun = time.perf_counter()
        labels = group(data)
        found[name] = adjusted_rand_score(truth, labels), time.perf_counter() - begun

    judge(MIXTURE, fit_mixture, counts)
    judge(CUT, fit_mixture, cut)
    table = counts.matrix[counts.row_of_user]
    table.indices, table.indptr = (
        table.indices.astype(np.int32),
        table.indptr.astype(np.int32),
    )  # as they need
    for name, (group, weigh) in PEERS.items():
        judge(name, group, weigh(table))
    return Row(
        sigma=sigma,
        n_users=sequences.n_users,
        events_per_user=len(sequences.codes) / sequences.n_users,
        bayes=adjusted_rand_score(truth, best),
        bayes_cut=adjusted_rand_score(truth, best_cut),
        found=found,
    )


def line(row: Row) -> str:
    indices = {name: f"{index:.3f}" for name, (index, _) in row.found.items()}
    seconds = " / ".join(f"{row.found[name][1]:.1f}" for name in (MIXTURE, *PEERS))
    cells = [
        str(row.sigma),
        f"{row.n_users:,}",
        f"{row.events_per_user:.1f}",
        f"{row.bayes:.3f}",
        indices[MIXTURE],
        f"{row.ratio:.3f}",
        *(indices[name] for name in PEERS),
        seconds,
        "yes" if row.holds else "**no**",
        f"{row.bayes_cut:.3f}",
        indices[CUT],
        "yes" if reaches(row.found[CUT][0], row.bayes_cut) else "**no**",
    ]
    return "| " + " | ".join(cells) + " |"


def document(rows: list[Row], told: str, users: int) -> str:
    heads = ["sigma", "users", "events a user", "Bayes", "mixture", "of Bayes", *PEERS]
    heads += ["s: mixture / " + " / ".join(PEERS), "holds", "Bayes, cut", CUT, "holds"]
    head = INTRODUCTION.format(
        machine=machine(),
        users=users,
        completion=COMPLETION,
        required=REQUIRED,
        required_from=REQUIRED_FROM,
    )
    table = ["| " + " | ".join(heads) + " |", "|" + "---:|" * len(heads), *map(line, rows)]
    return "\n".join([head, *table, "", told, ""])


def tell_number(sequences: Sequences, sigma: float) -> str:
    """Return how many personas are found where their number is left open."""
    begun = time.perf_counter()
    selection = select_n_clusters(count_transitions(cut_journeys(sequences)), random_state=0)
    ladder = ", ".join(f"{rung.n_clusters}: {rung.bits_per_event:.4f}" for rung in selection.ladder)
    events = len(sequences.codes) / sequences.n_users
    return (
        f"Number of personas left open, at sigma {sigma} and {events:.1f} events a user: "
        f"**{selection.n_clusters}** found in {time.perf_counter() - begun:.0f} s "
        f"(held-out bits per event by number: {ladder})."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, required=True, help="folder of the generator")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that runs it")
    parser.add_argument("--users", type=int, default=50_000, help="at least, a log")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    chosen = parser.parse_args()
    if not (chosen.peers / "gen.py").exists():
        print(f"No gen.py in {chosen.peers}: no logs to find personas in; skipped.")
        return
    peer = chosen.peers_python, chosen.peers
    rows, told = [], ""
    with tempfile.TemporaryDirectory() as folder:
        for sigma, sessions in product(SIGMAS, SESSIONS):
            path = generate(peer, Path(folder), sigma=sigma, sessions=sessions, users=chosen.users)
            sequences, truth = load(path)
            starts, moves, states = json.loads(run_peer(*peer, "-c", CHAINS.format(sigma)))
            rows.append(measure(sequences, truth, (np.array(starts), np.array(moves), states), sigma))
            print(line(rows[-1]), flush=True)
            if (sigma, sessions) == LEFT_OPEN:
                told = tell_number(sequences, sigma)
                print(told, flush=True)
    chosen.output.write_text(document(rows, told, chosen.users))
    sys.exit(0 if all(row.holds for row in rows) else 1)


if __name__ == "__main__":
    main()
