"""Time of exact solutions beside that of the bare linear algebra of numpy and scipy.

    python tests/benchmarks/solvers.py [--rounds 9]

Every round runs each once, in turn; medians are printed, and the median of the ratios within rounds,
which other work on the machine disturbs least.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402 - after the number of threads is set
from scipy.sparse import csr_array  # noqa: E402

from persona_tui.engine.simulation.effects import Effect, parse_effect  # noqa: E402
from persona_tui.engine.simulation.flow import N_ENDS, Flow, StateKind, solve  # noqa: E402

MAX_LENGTH = 30
FEW_MOVES = 10
"""Ways onward from each state of a sparse chain."""
N_DRAWS, N_PERSONAS, N_STATES = 400, 6, 30
DRAWS_AT_ONCE = 25
LEAST_SECONDS = 0.02
EFFECTS = ("insert_steps:count=2", "friction:factor=0.05", "reward:factor=0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is run, what has to be made for it beforehand, and what it is laid beside."""

    name: str
    run: Callable[..., object]
    prepare: Callable[[], object] = lambda: None
    beside: str = ""


def make_flow(n: int, shape: tuple[int, ...], n_moves: int) -> Flow:
    """Return chains in which a tenth leaves at each visit; the last state is completion."""
    generator = np.random.default_rng(n)
    moves = np.zeros((*shape, n, n + N_ENDS))
    chances = generator.gamma(0.7, size=(*shape, n, n_moves)) + 1e-3
    targets = generator.permuted(np.broadcast_to(np.arange(n), (n, n)), axis=1)[:, :n_moves]
    moves[..., np.arange(n)[:, None], targets] = 0.9 * chances / chances.sum(axis=-1, keepdims=True)
    moves[..., n] = 0.1
    moves[..., n - 1, :] = 0.0
    return Flow(
        states=tuple(f"s{number}" for number in range(n)),
        kinds=np.array([StateKind.EVENT] * (n - 1) + [StateKind.COMPLETION]),
        unit="session",
        starts=np.full((*shape, n), 1 / n),
        transitions=moves,
        support=moves[(0,) * (len(shape) - 1)] * 1000,
        friction_is_drop=False,
    )


def bare_solve(flow: Flow) -> Callable[[], object]:
    """Return the solution alone, of a system that is there already."""
    system = np.eye(flow.n_states) - flow.transitions[0, :, :-N_ENDS].T
    return partial(np.linalg.solve, system, flow.starts[0])


def bare_steps(chain: object, starts: object) -> object:
    """Return the mass after some products with a transposed chain of any kind."""
    mass = visits = starts
    for _ in range(MAX_LENGTH - 1):
        mass = chain @ mass
        visits = visits + mass
    return visits


def dense_measures() -> list[Measure]:
    found = []
    for n in (30, 300, 3000):
        flow = make_flow(n, (1,), n)
        alone = f"numpy.linalg.solve alone, {n} states"
        found += [
            Measure(name=alone, run=bare_solve(flow)),
            Measure(name=f"solve, {n} states", run=solve, prepare=partial(replace, flow), beside=alone),
        ]
    return found


def sparse_measures() -> list[Measure]:
    n = 3000
    flow, limited = make_flow(n, (1,), FEW_MOVES), partial(solve, max_length=MAX_LENGTH)
    dense, starts = flow.transitions[0, :, :-N_ENDS].T.copy(), flow.starts[0]
    assert abs(np.sum(bare_steps(dense, starts)) - limited(flow).length[0]) < 1e-9
    words, again = f"{n} sparse states x {MAX_LENGTH} steps", partial(replace, flow)
    scipy, numpy = f"scipy csr alone, {words}", f"numpy dense alone, {words}"
    alone = f"numpy.linalg.solve alone, {n} sparse states"
    return [
        Measure(name=scipy, run=partial(bare_steps, csr_array(dense), starts)),
        Measure(name=numpy, run=partial(bare_steps, dense, starts)),
        Measure(name=f"solve, {words}, known flow", run=partial(limited, flow), beside=scipy),
        Measure(name=f"solve, {words}, new flow", run=limited, prepare=again, beside=numpy),
        Measure(name=alone, run=bare_solve(flow)),
        Measure(name=f"solve, {n} sparse states, new flow", run=solve, prepare=again, beside=alone),
    ]


def preview_measures() -> list[Measure]:
    """Return the treatment arm of a preview whose control is solved, on one thread and two."""
    draws = make_flow(N_STATES, (N_DRAWS, N_PERSONAS), N_STATES)
    parts = [slice(first, first + DRAWS_AT_ONCE) for first in range(0, N_DRAWS, DRAWS_AT_ONCE)]
    blocks = [
        replace(draws, starts=draws.starts[part], transitions=draws.transitions[part]) for part in parts
    ]
    systems = [np.eye(N_STATES) - np.swapaxes(each.transitions[..., :-N_ENDS], -1, -2) for each in blocks]
    pairs = [
        (system, block.starts[..., None], solve(block)) for system, block in zip(systems, blocks, strict=True)
    ]
    alone, threads = f"numpy.linalg.solve alone, {N_DRAWS * N_PERSONAS} chains", ThreadPoolExecutor(2)
    found = [Measure(name=alone, run=lambda: [np.linalg.solve(left, right) for left, right, _ in pairs])]
    for text in EFFECTS:
        effect = parse_effect(text)

        def change(block: Flow, effect: Effect = effect) -> object:
            return solve(effect.apply(block))

        found += [
            Measure(name=f"apply {text}", run=lambda e=effect: [e.apply(b) for b in blocks], beside=alone),
            Measure(name=f"apply {text}, solve", run=lambda f=change: list(map(f, blocks)), beside=alone),
            Measure(
                name=f"apply {text}, solve, 2 threads",
                run=lambda f=change: list(threads.map(f, blocks)),
                beside=alone,
            ),
        ]
    return found


def milliseconds(measure: Measure) -> float:
    """Return the least time of a few calls."""
    taken: list[float] = []
    while sum(taken) < LEAST_SECONDS:
        made = measure.prepare()
        begun = time.perf_counter()
        measure.run(*([] if made is None else [made]))
        taken.append(time.perf_counter() - begun)
    return 1000 * min(taken)


def print_table(found: dict[str, list[float]], measures: list[Measure]) -> None:
    print(f"{'':60}{'median':>10}{'least':>10}  ratio")
    for each in measures:
        values, ratio = found[each.name], ""
        if each.beside:
            pairs = zip(values, found[each.beside], strict=True)
            ratio = f"  {median(value / other for value, other in pairs):.2f} x {each.beside}"
        print(f"{each.name:60}{median(values):>10.3f}{min(values):>10.3f}{ratio}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    rounds = parser.parse_args().rounds
    measures = [*dense_measures(), *sparse_measures(), *preview_measures()]
    found: dict[str, list[float]] = {each.name: [] for each in measures}
    for _ in range(rounds):
        for each in measures:
            found[each.name].append(milliseconds(each))
    print(f"{platform.machine()}, {os.cpu_count()} cores, numpy {np.__version__}; milliseconds")
    print_table(found, measures)


if __name__ == "__main__":
    main()
