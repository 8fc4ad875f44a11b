"""How much common random numbers cut the variance of the simulated uplift.

    python tests/benchmarks/pairing.py LOG [LOG …]

For each log and change: the variance of the difference of two independent arms over that of paired
ones, and that as a share of the most that any pairing could reach, (p1 q1 + p2 q2) / (d (1 - d)) for an
uplift d that has one sign (all pairs that differ then differ the same way).
"""

import sys
from pathlib import Path

import numpy as np

from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.effects import Friction, InsertSteps
from persona_tui.engine.simulation.environment import FlowModification
from persona_tui.engine.simulation.horizon import shortest_horizon
from persona_tui.engine.simulation.paths import walk
from persona_tui.engine.statistics import largest_remainder
from persona_tui.study.fit import fit_flow
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings

WALKERS = 400_000


def paired_rates(simulator, modification, seed=20261122):
    """Return completion in control and treatment, and the variance of a pair's difference, by walking."""
    control = simulator.flow
    treatment = modification.apply(control)
    horizon = shortest_horizon((control, simulator.shares), (treatment, simulator.shares))
    users = largest_remainder(simulator.shares, WALKERS)
    arms = [
        np.concatenate(
            [
                walk(flow, persona, size, horizon, normalise_seed(seed)).metric("completion_rate")
                for persona, size in enumerate(users.tolist())
            ]
        )
        for flow in (control, treatment)
    ]
    return arms[0].mean(), arms[1].mean(), (arms[1] - arms[0]).var()


def busiest_step(simulator):
    """Return the step that most journeys pass."""
    flow = simulator.flow
    visits = (simulator.shares[:, None] * flow.visits).sum(axis=0)
    return flow.states[int(np.argmax(np.where(flow.steps, visits, 0.0)))]


def main():
    """Print a row a log and change."""
    print(f"{'log':<24}{'change':<26}{'uplift':>9}{'reduction':>11}{'of the bound':>14}")
    for source in sys.argv[1:]:
        settings = Settings(events=source)
        _, simulator = fit_flow(settings, prepare_log(settings))
        step = busiest_step(simulator)
        for name, effect in (
            ("insert_steps:count=2", InsertSteps(count=2)),
            (f"friction 0.05 at {step}", Friction(factor=0.05, at=(step,))),
        ):
            before, after, paired = paired_rates(simulator, FlowModification(effects=(effect,)))
            independent = before * (1 - before) + after * (1 - after)
            gap = abs(after - before)
            bound = independent / (gap * (1 - gap))
            reduction = independent / paired
            print(
                f"{Path(source).name[:22]:<24}{name[:24]:<26}{after - before:>+9.4f}{reduction:>10.1f}x"
                f"{reduction / bound:>13.2f}x"
            )


if __name__ == "__main__":
    main()
