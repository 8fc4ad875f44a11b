"""Bits per event that users held out cost under several models; printed as Markdown tables.

    python tests/benchmarks/held_out_bits.py LOG ... --hmm-python PYTHON_WITH_HMMLEARN

A third of the users of each log is held out; every model is fitted on the others and scores the same
tokens of the same users: a user's events, a ``return`` between two sessions, and an exit at the end.
What a user costs is divided by events alone. The hidden Markov model needs hmmlearn, which may live in
another environment; it has as many hidden states as the log has event types.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - after the number of threads is set

from persona_tui.engine.data.etl import load_event_log  # noqa: E402
from persona_tui.engine.data.sequences import encode_sequences  # noqa: E402
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions  # noqa: E402
from persona_tui.engine.modeling.histories import count_histories, score_held_out  # noqa: E402
from persona_tui.engine.modeling.journeys import Journeys, cut_journeys  # noqa: E402
from persona_tui.engine.modeling.mixture import fit_markov_mixture  # noqa: E402
from persona_tui.engine.modeling.selection import MAX_CLUSTERS, score_rows, select_n_clusters  # noqa: E402
from persona_tui.engine.modeling.shrinkage import DEFAULT_PRIOR  # noqa: E402

HMM_SCRIPT = Path(__file__).with_name("hidden_markov.py")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """A log with users held out; ``order`` is random, the first of it are held out."""

    name: str
    counts: TransitionCounts
    order: np.ndarray
    n_held: int

    @classmethod
    def of(cls, path: Path, seed: int) -> Split:
        sequences = encode_sequences(load_event_log(path).events)
        counts = count_transitions(cut_journeys(sequences, unit="user", censor=False))
        order = np.random.default_rng(seed).permutation(sequences.n_users)
        return cls(name=path.name.split(".")[0], counts=counts, order=order, n_held=len(order) // 3)

    @property
    def held(self) -> np.ndarray:
        return self.order[: self.n_held]

    @property
    def train(self) -> np.ndarray:
        return self.order[self.n_held :]

    @property
    def train_weights(self) -> np.ndarray:
        rows = self.counts.row_of_user[self.train]
        return np.bincount(rows, minlength=len(self.counts.multiplicity)).astype(float)

    @property
    def n_event_types(self) -> int:
        return len(self.counts.journeys.vocabulary)

    @property
    def n_events(self) -> np.ndarray:
        return self.counts.n_events[self.counts.row_of_user[self.held]]

    def tokens(self, users: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what users did as tokens, an exit at the end of each, and how many tokens each has."""
        journeys = self.counts.journeys
        leave = len(journeys.vocabulary) + 1
        parts = [
            np.append(journeys.steps[journeys.offsets[user] : journeys.offsets[user + 1]], leave)
            for user in users
        ]
        return np.concatenate(parts).astype(np.int64), np.array([len(part) for part in parts])


def only(journeys: Journeys, users: np.ndarray) -> Journeys:
    """Return the journeys of some users, one each."""
    chosen = np.sort(users)
    lengths = np.diff(journeys.offsets)[chosen]
    steps = [journeys.steps[journeys.offsets[user] : journeys.offsets[user + 1]] for user in chosen]
    return replace(
        journeys,
        steps=np.concatenate(steps),
        offsets=np.append(0, np.cumsum(lengths)),
        users=np.arange(len(chosen), dtype=np.int32),
        user_ids=tuple(journeys.user_ids[user] for user in chosen),
        endings=journeys.endings[chosen],
        exit_chances=journeys.exit_chances[chosen],
    )


def score_mixture(split: Split, n_clusters: int, seed: int) -> np.ndarray:
    """Return the bits of each user held out, its persona unknown: memberships are summed over."""
    fitted = fit_markov_mixture(split.counts, n_clusters, weights=split.train_weights, random_state=seed)
    return -score_rows(split.counts, fitted)[split.counts.row_of_user[split.held]] / np.log(2)


def score_second_order(split: Split) -> np.ndarray:
    folds = np.ones(len(split.order), dtype=np.int64)
    folds[split.held] = 0
    one = np.ones((len(folds), 1))
    scored = score_held_out(count_histories(split.counts.journeys), one, folds, prior=DEFAULT_PRIOR)
    return scored.bits[2, split.held, 0]


def score_hidden_markov(split: Split, n_states: int, python: Path, n_iter: int) -> np.ndarray:
    """Return the bits of each user held out."""
    sizes = {"n_states": n_states, "n_tokens": split.n_event_types + 2, "n_iter": n_iter}
    parts = {}
    for name, users in (("train", split.train), ("test", split.held)):
        parts[f"{name}_tokens"], parts[f"{name}_lengths"] = split.tokens(users)
    with TemporaryDirectory() as folder:
        source, target = Path(folder) / "tokens.npz", Path(folder) / "scores.npz"
        np.savez(source, **parts, **sizes)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run([python, HMM_SCRIPT, source, target], check=True, env=environment)
        told = np.load(target)
        print(f"{split.name}: {n_states} hidden states, {told['n_iter']} iterations", file=sys.stderr)
        return -told["scores"] / np.log(2)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Bits of each user held out by model."""

    split: Split
    ladder: list[np.ndarray]
    n_clusters: int
    second_order: np.ndarray
    n_hidden: int
    hidden_markov: np.ndarray

    @property
    def mixture(self) -> np.ndarray:
        return self.ladder[self.n_clusters - 1]

    def per_event(self, bits: np.ndarray) -> str:
        return f"{bits.sum() / self.split.n_events.sum():.3f}"

    def saved(self) -> str:
        """Return what the mixture saves against the hidden Markov model, with its paired standard error."""
        n_events, saved = self.split.n_events, self.hidden_markov - self.mixture
        mean = saved.sum() / n_events.sum()
        error = np.sqrt(((saved - mean * n_events) ** 2).sum()) / n_events.sum()
        return f"{mean:+.3f} ± {error:.3f}".replace("-", "−")

    def main_row(self) -> list[str]:
        return [
            self.split.name,
            f"{len(self.split.n_events):,}",
            f"{self.split.n_events.sum():,.0f}",
            self.per_event(self.ladder[0]),
            f"{self.per_event(self.mixture)} ({self.n_clusters})",
            f"{self.per_event(self.hidden_markov)} ({self.n_hidden})",
            self.saved(),
            self.per_event(self.second_order),
        ]


def score(path: Path, chosen: argparse.Namespace) -> Scores:
    begun = time.monotonic()
    split = Split.of(path, chosen.seed)
    trained = count_transitions(only(split.counts.journeys, split.train))
    n_clusters = select_n_clusters(trained, random_state=chosen.seed, workers=chosen.workers).n_clusters
    ladder = [score_mixture(split, k, chosen.seed) for k in range(1, MAX_CLUSTERS + 1)]
    second_order = score_second_order(split)
    print(f"{split.name}: mixtures and second order {time.monotonic() - begun:.0f} s", file=sys.stderr)
    n_hidden = split.n_event_types + chosen.more_states
    return Scores(
        split=split,
        ladder=ladder,
        n_clusters=n_clusters,
        second_order=second_order,
        n_hidden=n_hidden,
        hidden_markov=score_hidden_markov(split, n_hidden, chosen.hmm_python, chosen.iterations),
    )


def table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] + ["---:"] * (len(columns) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path, nargs="+")
    parser.add_argument("--hmm-python", type=Path, required=True, help="a Python that has hmmlearn 0.3.3")
    parser.add_argument("--iterations", type=int, default=200, help="at most, of the hidden Markov model")
    parser.add_argument("--more-states", type=int, default=0, help="hidden states beyond the event types")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore", message="The mixture has not converged")
    scores = [score(path, chosen) for path in chosen.logs]
    names = ["log", "users held out", "events", "one chain", "mixture (personas)"]
    names += ["hidden Markov (states)", "the mixture saves against it", "second order, one chain"]
    print(table(names, [each.main_row() for each in scores]), end="\n\n")
    rows = [[each.split.name, *map(each.per_event, each.ladder)] for each in scores]
    print(table(["log, personas", *map(str, range(1, MAX_CLUSTERS + 1))], rows))


if __name__ == "__main__":
    main()
