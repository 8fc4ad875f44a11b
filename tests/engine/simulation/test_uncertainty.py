import numpy as np
import pytest
from benchmarks.planted import Design, leave_log, plant
from benchmarks.trials import TOTAL, count_log, run_trial

from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation import uncertainty
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows

N_WORLDS = 50


@pytest.fixture(scope="module")
def trials():
    """Return planted worlds of 300 users whose logs were fitted; see ``benchmarks/coverage.md`` for many."""
    designs = [Design(n_users=300, unit=unit, likeness=2.0) for unit in ("user", "session")]
    return [
        run_trial(0, world, designs[world % 2], n_draws=120, numbers=("known",)) for world in range(N_WORLDS)
    ]


def share_covered(trials, is_wanted):
    covers = [
        verdict.covers
        for trial in trials
        for verdict in trial.fits["known"].verdicts
        if is_wanted(verdict.persona)
    ]
    return np.mean(covers)


def test_intervals_of_the_total_hold_the_planted_uplift(trials):
    assert share_covered(trials, lambda persona: persona == TOTAL) >= 0.84


def test_intervals_of_personas_hold_the_planted_uplift(trials):
    assert share_covered(trials, lambda persona: persona != TOTAL) >= 0.84


@pytest.fixture(scope="module")
def alike():
    """Return the simulator of personas that are much alike, whose memberships converge slowly."""
    world = plant(Design(n_users=400, unit="user", likeness=8.0), np.random.default_rng(0))
    sequences, _ = leave_log(world, np.random.default_rng(1))
    counts = count_log(sequences, "user")
    personas = find_personas(counts, len(world.shares), random_state=0)
    return ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(sequences, personas), counts
    )


def test_draws_are_as_wide_as_those_of_memberships_fitted_to_the_end(alike, monkeypatch):
    def spread():
        draws = draw_flows(alike, 80, normalise_seed(0))
        return np.concatenate([solve(flow).converted for flow, _ in draws.blocks()]).std(axis=0)

    stopped = spread()
    monkeypatch.setattr(uncertainty, "REFIT_ITERATIONS", 300)
    assert stopped == pytest.approx(spread(), rel=0.05)


def test_draws_do_not_depend_on_threads_or_on_how_many_are_drawn_after(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 3, random_state=0)
    )
    simulator = ProductFlowSimulator.from_counts(generator, sample.counts)
    one = draw_flows(simulator, 90, normalise_seed(0), workers=1)
    two = draw_flows(simulator, 90, normalise_seed(0), workers=2)
    assert (one.moved == two.moved).all()
    assert (one.shares == two.shares).all()
    fewer = draw_flows(simulator, 80, normalise_seed(0))
    assert (one.moved[:80] == fewer.moved).all()


def test_draws_centre_on_the_fit(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 4, random_state=0)
    )
    simulator = ProductFlowSimulator.from_counts(generator, sample.counts)
    draws = draw_flows(simulator, 80, normalise_seed(0))
    converted = np.concatenate([solve(flow).converted for flow, _ in draws.blocks()])
    spread = converted.std(axis=0)
    assert (np.abs(converted.mean(axis=0) - solve(simulator.flow).converted) < spread).all()
    assert draws.shares.sum(axis=1) == pytest.approx(1)


def test_draws_of_one_persona_vary_as_its_conversion_does(sample):
    personas = find_personas(sample.counts, 1, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sample.sequences, personas)
    simulator = ProductFlowSimulator.from_counts(generator, sample.counts)
    draws = draw_flows(simulator, 200, normalise_seed(0))
    converted = np.concatenate([solve(flow).converted[:, 0] for flow, _ in draws.blocks()])
    assert converted.std() == pytest.approx(draws.conversions[:, 0].std(), rel=0.25)
