import numpy as np
import pytest
from support import make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import run_ab_experiment
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows

CHAINS = (
    {
        "start": [("a", 0.8), ("b", 0.2)],
        "a": [("a", 0.3), ("b", 0.3), ("x", 0.25)],
        "b": [("a", 0.3), ("b", 0.5)],
    },
    {
        "start": [("b", 1.0)],
        "a": [("b", 0.8), ("x", 0.02)],
        "b": [("a", 0.7), ("x", 0.05)],
    },
)
"""Two personas; what is left of a row is leaving."""


def planted_log(generator, n_users):
    journeys = {}
    for user in range(n_users):
        chain = CHAINS[user % 2]
        sessions = []
        for _ in range(1 + generator.poisson(1.5)):
            state, words = _pick(generator, chain["start"]), []
            while state is not None:
                words.append(state)
                state = _pick(generator, chain[state]) if state in chain else None
            sessions.append(words)
        journeys[f"u{user:04d}"] = sessions
    return make_log(journeys)


def _pick(generator, moves):
    point, reached = generator.random(), 0.0
    for target, chance in moves:
        reached += chance
        if point < reached:
            return target
    return None


def planted_uplift(factor):
    """Return the true uplift per session: personas have as many users and sessions as each other."""
    uplifts = []
    for chain in CHAINS:
        rates = []
        for friction in (0.0, factor):
            q = np.array([[dict(chain[s]).get(t, 0.0) for t in "ab"] for s in "ab"]) * (1 - friction)
            done = np.array([dict(chain[s]).get("x", 0.0) for s in "ab"]) * (1 - friction)
            starts = np.array([dict(chain["start"]).get(s, 0.0) for s in "ab"])
            rates.append(starts @ np.linalg.solve(np.eye(2) - q, done))
        uplifts.append(rates[1] - rates[0])
    return float(np.mean(uplifts))


def simulate(log, n_draws):
    sequences = encode_sequences(log)
    counts = count_transitions(cut_journeys(sequences, unit="session", completion={"x"}, censor=False))
    generator = MarkovPersonaGenerator.from_sequences(sequences, find_personas(counts, 2, random_state=0))
    simulator = ProductFlowSimulator.from_counts(generator, counts)
    return run_ab_experiment(
        simulator, 10, FlowModification(friction_factor=0.1), max_length=256, random_state=0, n_draws=n_draws
    )


def test_intervals_cover_the_planted_uplift():
    truth, covered = planted_uplift(0.1), 0
    for world in range(50):
        log = planted_log(np.random.default_rng(1000 + world), 150)
        low, high = simulate(log, 100).total.uplifts["completion_rate"].data
        covered += low <= truth <= high
    assert covered >= 42


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
