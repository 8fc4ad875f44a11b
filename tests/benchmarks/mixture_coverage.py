"""How often the intervals of personas hold the truth, over planted worlds; written as a table.

    python tests/benchmarks/mixture_coverage.py --worlds 2000 --workers 2 --seed 20261122

Worlds take turns through the designs; in every fourth a trait effect is planted too. What is done stands in
a file beside the table, so that a run that is stopped goes on where it was; the file goes when the table is
complete.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from operator import attrgetter
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np  # noqa: E402 - after the number of threads is set
from benchmarks.effect_trials import N_USERS  # noqa: E402 - as above
from benchmarks.persona_trials import (  # noqa: E402 - as above
    EVERYONE,
    PersonaTrial,
    PersonaVerdict,
    run_effect_trial,
    run_persona_trial,
)
from benchmarks.planted import Design  # noqa: E402 - as above
from benchmarks.resumable import covered, run_worlds  # noqa: E402 - as above

N_DRAWS, N_EFFECT_DRAWS = 400, 200
EFFECT_EVERY = 4
USERS = (400, 1000, 2000)
LIKENESS = {"far apart": 2.0, "close": 8.0}
UNITS = ("user", "session")
DESIGNS = [Design(n_users=n, unit=u, likeness=f) for n, u, f in product(USERS, UNITS, LIKENESS.values())]
INTRODUCTION = """# Coverage of the intervals of personas over planted worlds

{worlds:,} worlds, seed {seed}, {draws} draws each; made by `python tests/benchmarks/mixture_coverage.py`.

Every world has 2 to 4 personas with random chains over 6 to 12 events and several sessions a user; its log
is fitted as a study does, with the number of personas known, and each planted persona is matched to the
one that holds most of its users. An interval *covers* when it holds the truth of the population that the
log is a sample of: of a share, the planted share of users or, where the unit is a session, of sessions; of
observed conversion, the chance that a journey of the planted persona converts, by the exact solution of its
chain. Conversion is observed by membership, and membership saw the outcome; a posterior weighted mean
tends to that same chance all the same. An *attribute lift* is how much more often than all users the
planted persona has one of three values, whose chances are drawn for it at random; cells that are not tested,
for want of expected users, are not judged; their width and error are in hundredths.
Logs are complete: in one that is cut, open journeys count as not
converted, which no chain says. The *trait effect* is of {users:,} users in {effects:,} of the worlds, among
whom two attributes raise the chances of both the trait and the outcome; the truth is the mean over all users.

The aim is 92 to 97.5 %; ± is one standard error, personas of one world taken together. *Width* is the mean
width, *error* the mean error of the estimate with its standard error, both in percentage points; that of
shares is zero, since they sum to one.

{fits}
"""
COLUMNS = ("worlds", "covers", "width", "error")


def run_world(seed: int, world: int) -> PersonaTrial:
    trial = run_persona_trial(seed, world, DESIGNS[world % len(DESIGNS)], n_draws=N_DRAWS)
    if world % EFFECT_EVERY:
        return trial
    effect = run_effect_trial(seed, world, n_draws=N_EFFECT_DRAWS)
    return replace(trial, verdicts=trial.verdicts + effect)


def to_line(trial: PersonaTrial) -> str:
    return json.dumps(asdict(trial))


def from_line(line: str) -> PersonaTrial:
    told = json.loads(line)
    verdicts = tuple(PersonaVerdict(**each) for each in told["verdicts"])
    return PersonaTrial(**{**told, "design": Design(**told["design"]), "verdicts": verdicts})


def summary(groups: list[list[PersonaVerdict]]) -> list[str]:
    """Return the numbers of one line of a table, verdicts of one world a group."""
    flat = [each for group in groups for each in group]
    mean = sum(each.estimate - each.truth for each in flat) / len(flat)
    strayed = (sum(each.estimate - each.truth - mean for each in group) for group in groups)
    spread = np.sqrt(sum(each**2 for each in strayed))
    return [
        str(len(groups)),
        covered([each.covers for each in group] for group in groups),
        f"{100 * np.mean([each.high - each.low for each in flat]):.2f}",
        f"{100 * mean:+.2f} ± {100 * spread / len(flat):.2f}",
    ]


def lines(trials: list[PersonaTrial], *keys: str) -> Iterator[str]:
    """Yield a line of a table for each quantity that the trials speak of."""
    for quantity in dict.fromkeys(each.quantity for trial in trials for each in trial.verdicts):
        groups = [[each for each in trial.verdicts if each.quantity == quantity] for trial in trials]
        yield "| " + " | ".join([quantity, *keys, *summary([group for group in groups if group])]) + " |"


def table(title: str, keys: tuple[str, ...], rows: list[str]) -> str:
    heads = "| " + " | ".join(["interval of", *keys, *COLUMNS]) + " |"
    rule = "|" + "---|" * (1 + len(keys)) + "---:|" * len(COLUMNS)
    return "\n".join([f"## {title}", "", heads, rule, *rows])


def by(trials: list[PersonaTrial], *key_of: Callable[[Design], str]) -> Iterator[str]:
    """Yield the lines of personas for each kind of design."""
    of_personas = [
        replace(trial, verdicts=tuple(each for each in trial.verdicts if each.persona != EVERYONE))
        for trial in trials
    ]
    kinds = dict.fromkeys(tuple(of(design) for of in key_of) for design in DESIGNS)
    for kind in kinds:
        some = [trial for trial in of_personas if tuple(of(trial.design) for of in key_of) == kind]
        yield from lines(some, *kind)


def likeness(design: Design) -> str:
    return next(name for name, each in LIKENESS.items() if each == design.likeness)


def users(design: Design) -> str:
    return f"{design.n_users:,}"


def how_fits_went(trials: list[PersonaTrial]) -> str:
    """Return how well personas are told apart, by users and likeness."""
    rows = ["| users | personas | membership in one's own persona | not converged |", "|---:|---|---:|---:|"]
    for n_users, (name, alike) in product(USERS, LIKENESS.items()):
        some = [t for t in trials if (t.design.n_users, t.design.likeness) == (n_users, alike)]
        if some:
            agreement = np.mean([trial.agreement for trial in some])
            stuck = np.mean([not trial.converged for trial in some])
            rows.append(f"| {n_users:,} | {name} | {agreement:.2f} | {100 * stuck:.1f} % |")
    return "\n".join(rows)


def document(seed: int, trials: list[PersonaTrial]) -> str:
    head = INTRODUCTION.format(
        worlds=len(trials),
        seed=seed,
        draws=N_DRAWS,
        users=N_USERS,
        effects=sum(not trial.world % EFFECT_EVERY for trial in trials),
        fits=how_fits_went(trials),
    )
    unit = attrgetter("unit")
    parts = [
        head.strip(),
        table("All worlds", (), list(lines(trials))),
        table("By how alike personas are", ("personas",), list(by(trials, likeness))),
        table("Every cell", ("unit", "users", "personas"), list(by(trials, unit, users, likeness))),
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
        settings={"seed": chosen.seed, "draws": N_DRAWS, "effect draws": N_EFFECT_DRAWS},
        records=records,
        to_line=to_line,
        from_line=from_line,
        world_of=attrgetter("world"),
    )
    chosen.output.write_text(document(chosen.seed, trials))
    records.unlink()


if __name__ == "__main__":
    main()
