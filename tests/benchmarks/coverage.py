"""How often the intervals hold the truth, over planted worlds; written as a table.

    python tests/benchmarks/coverage.py --worlds 2000 --workers 2 --seed 20261122 --output coverage.md

Worlds take turns through the designs. What is done stands in a file beside the table, so that a run
that is stopped goes on where it was; the file goes when the table is complete.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from itertools import chain, product
from operator import attrgetter
from pathlib import Path
from typing import TypeAlias

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402 - after the number of threads is set
from benchmarks.planted import Design  # noqa: E402
from benchmarks.resumable import covered, run_worlds  # noqa: E402
from benchmarks.trials import TOTAL, Fit, Trial, Verdict, run_trial  # noqa: E402

N_DRAWS = 400
NUMBERS = ("known", "auto")
USERS = (400, 1000, 3000)
LIKENESS = {"far apart": 2.0, "close": 8.0}
UNITS = ("user", "session")
DESIGNS = [
    *(Design(n_users=n, unit=u, likeness=f) for n, u, f in product(USERS, UNITS, LIKENESS.values())),
    *(Design(n_users=n, unit="user", likeness=f, cut=True) for n, f in product(USERS, LIKENESS.values())),
]
INTRODUCTION = """# Coverage of the intervals over planted worlds

{worlds:,} worlds, seed {seed}, {draws} draws each; made by `python tests/benchmarks/coverage.py`.

Every world has 2 to 4 personas with random chains over 6 to 12 events and several sessions a user; its log
is fitted as a study does, with the number of personas known or found (`auto`; *wrong* are the worlds in
which another number was found, where personas cannot be matched). An interval *covers* when it holds the
exact uplift of completion under the planted chains: for all journeys together (*total*), and for each
persona. The aim is 92 to 97.5 %; ± is one standard error, personas of one world taken together. *Width* is
the mean width in percentage points; *bias* is the mean error of the estimate over the mean standard
deviation of the draws. Friction from a range 0.02/0.1/0.25 acts in each world with a factor drawn from that
range, and is judged by its total interval; the estimate acts with the mean of the range, 0.112. A *cut* log
ends while users still arrive and come back.

{fits}
"""
COLUMNS = ("worlds", "total covers", "personas cover", "width", "width, personas", "bias", "bias, personas")

Row: TypeAlias = "tuple[Trial, Fit]"


def run_world(seed: int, world: int) -> Trial:
    design = DESIGNS[world % len(DESIGNS)]
    return run_trial(seed, world, design, n_draws=N_DRAWS, numbers=NUMBERS)


def to_line(trial: Trial) -> str:
    return json.dumps(asdict(trial))


def from_line(line: str) -> Trial:
    told = json.loads(line)
    fits = {
        name: Fit(**{**fit, "verdicts": tuple(Verdict(**each) for each in fit["verdicts"])})
        for name, fit in told["fits"].items()
    }
    return Trial(
        world=told["world"], design=Design(**told["design"]), n_personas=told["n_personas"], fits=fits
    )


def summary(rows: list[Row], change: str) -> list[str]:
    """Return the numbers of one line of a table."""
    judged = [[each for each in fit.verdicts if each.change == change] for _, fit in rows]
    total = [[each for each in one if each.persona == TOTAL] for one in judged]
    personas = [[each for each in one if each.persona != TOTAL] for one in judged]
    covers = [covered([each.covers for each in one] for one in group) for group in (total, personas)]
    flat = [list(chain(*group)) for group in (total, personas)]
    return [str(len(rows)), *covers, *map(mean_width, flat), *map(relative_bias, flat)]


def mean_width(verdicts: list[Verdict]) -> str:
    return f"{100 * np.mean([each.high - each.low for each in verdicts]):.2f}" if verdicts else "–"


def relative_bias(verdicts: list[Verdict]) -> str:
    if not verdicts:
        return "–"
    error = sum(each.estimate - each.truth for each in verdicts)
    return f"{error / sum(each.spread for each in verdicts):+.2f}"


def table(title: str, keys: tuple[str, ...], cells: Iterable[tuple[tuple[str, ...], list[Row]]]) -> str:
    """Return a Markdown table with one line a cell and change."""
    lines = [f"## {title}", "", " | ".join(["", "change", *keys, *COLUMNS, ""]).strip()]
    lines.append("|" + "|".join(["---"] * (1 + len(keys))) + "|" + "|".join(["---:"] * len(COLUMNS)) + "|")
    for key, rows in cells:
        changes = dict.fromkeys(each.change for _, fit in rows for each in fit.verdicts)
        lines += [" | ".join(["", change, *key, *summary(rows, change), ""]).strip() for change in changes]
    return "\n".join(lines)


def overall(trials: list[Trial]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    for cut in (False, True):
        log = "cut" if cut else "complete"
        some = [trial for trial in trials if trial.design.cut == cut]
        for number in NUMBERS:
            yield (log, number), [(trial, trial.fits[number]) for trial in some]
        wrong = [trial for trial in some if trial.fits["auto"].n_clusters != trial.n_personas]
        yield (log, "auto, wrong"), [(trial, trial.fits["auto"]) for trial in wrong]


def by_likeness(trials: list[Trial]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    for name, likeness in LIKENESS.items():
        some = [trial for trial in trials if trial.design.likeness == likeness]
        yield (name,), [(trial, trial.fits["known"]) for trial in some]


def every_cell(trials: list[Trial]) -> Iterator[tuple[tuple[str, ...], list[Row]]]:
    kinds = dict.fromkeys((design.cut, design.unit, design.n_users) for design in DESIGNS)
    for (cut, unit, n_users), number in product(kinds, NUMBERS):
        some = [
            trial
            for trial in trials
            if (trial.design.cut, trial.design.unit, trial.design.n_users) == (cut, unit, n_users)
        ]
        key = ("cut" if cut else "complete", unit, f"{n_users:,}", number)
        yield key, [(trial, trial.fits[number]) for trial in some]


def how_fits_went(trials: list[Trial]) -> str:
    """Return how well personas are told apart and how often their number is found, by users and likeness."""
    lines = ["| users | personas | membership in one's own persona | number not found | not converged |"]
    lines.append("|---:|---|---:|---:|---:|")
    for n_users, (name, likeness) in product(USERS, LIKENESS.items()):
        some = [t for t in trials if (t.design.n_users, t.design.likeness) == (n_users, likeness)]
        if some:
            agreement = np.mean([trial.fits["known"].agreement for trial in some])
            wrong = np.mean([trial.fits["auto"].n_clusters != trial.n_personas for trial in some])
            stuck = np.mean([not trial.fits["known"].converged for trial in some])
            lines.append(
                f"| {n_users:,} | {name} | {agreement:.2f} | {100 * wrong:.1f} % | {100 * stuck:.1f} % |"
            )
    return "\n".join(lines)


def document(seed: int, trials: list[Trial]) -> str:
    parts = [
        INTRODUCTION.format(worlds=len(trials), seed=seed, draws=N_DRAWS, fits=how_fits_went(trials)).strip(),
        table("All worlds", ("log", "personas"), overall(trials)),
        table("By how alike personas are", ("personas",), by_likeness(trials)),
        table("Every cell", ("log", "unit", "users", "personas"), every_cell(trials)),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2, help="processes; the table does not depend on it")
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    chosen = parser.parse_args()
    records = chosen.output.with_suffix(".jsonl")
    trials = run_worlds(
        partial(run_world, chosen.seed),
        chosen.worlds,
        workers=chosen.workers,
        settings={"seed": chosen.seed, "draws": N_DRAWS},
        records=records,
        to_line=to_line,
        from_line=from_line,
        world_of=attrgetter("world"),
    )
    chosen.output.write_text(document(chosen.seed, trials))
    records.unlink()


if __name__ == "__main__":
    main()
