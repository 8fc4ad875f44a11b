import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from support import random_flow

from persona_tui.engine.errors import RunCancelled
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.progress import ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation import simulated
from persona_tui.engine.simulation.blocks import digest
from persona_tui.engine.simulation.effects import Friction
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.executors import SerialExecutor, ThreadExecutor
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.engine.simulation.paths import walk
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.processes import ProcessExecutor
from persona_tui.engine.simulation.simulated import walk_arms
from persona_tui.engine.simulation.uncertainty import draw_flows

SEED = normalise_seed(4)
USERS = np.array([2500, 0, 700])
EXECUTORS = [
    SerialExecutor(),
    *(kind(workers=n) for kind in (ThreadExecutor, ProcessExecutor) for n in (2, 5)),
]
different_executors = pytest.mark.parametrize("executor", EXECUTORS, ids=repr)


class MemoryBlocks(dict):
    """A store that counts what is taken from it."""

    taken = 0

    def load(self, stage, index):
        found = self.get((stage, index))
        self.taken += found is not None
        return found

    def save(self, stage, index, arrays):
        self[stage, index] = arrays


def arms(seed=0, **friction):
    control = random_flow(seed, n_personas=3)
    return control, Friction(**({"factor": 0.1} | friction)).apply(control)


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(simulated, "PAIRS_PER_BLOCK", 512)


@pytest.fixture(scope="module")
def simulator(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 2, random_state=0)
    )
    return ProductFlowSimulator.from_counts(generator, sample.counts)


@hypothesis_settings(max_examples=20)
@given(st.integers(0, 1000), st.floats(0.1, 1), st.floats(0.1, 1))
def test_sums_give_what_all_walkers_give(seed, c, t):
    control, treatment = arms(seed)
    found = walk_arms(control, treatment, USERS, 20, seed=SEED)
    weights = {"control": np.array([c, 0.3, c]), "treatment": np.array([t, 0.3, c])}
    for metric in METRICS:
        for k, (n, before, after) in enumerate(zip(USERS, *walked(control, treatment, metric), strict=True)):
            if n == 0:
                assert np.isnan(found.means("control", metric)[k])
                assert found.variance(metric, weights)[k] == 0
                continue
            assert found.means("control", metric)[k] == before.mean()
            assert found.means("treatment", metric)[k] == after.mean()
            heavy = max(weights["control"][k], weights["treatment"][k])
            differences = weights["treatment"][k] * after - weights["control"][k] * before
            expected = (differences.var() * n + 2 * heavy**2) / n**2
            assert found.variance(metric, weights)[k] == pytest.approx(expected, rel=1e-9)


def walked(*flows):
    *flows, metric = flows
    return [[walk(flow, k, int(n), 20, SEED).metric(metric) for k, n in enumerate(USERS)] for flow in flows]


def test_one_flow_walked_twice_has_no_variance():
    control, _ = arms()
    found = walk_arms(control, control, USERS, 20, seed=SEED)
    equal, other = np.full(3, 0.5), np.full(3, 0.4)
    assert (found.variance("avg_length", {"control": equal, "treatment": equal}) == 0).all()
    assert found.variance("avg_length", {"control": equal, "treatment": other})[0] > 0


@different_executors
@pytest.mark.usefixtures("small_blocks")
def test_walks_are_the_same_whatever_runs_them_and_however_they_are_cut(executor, monkeypatch):
    found = walk_arms(*arms(), USERS, 20, seed=SEED, executor=executor)
    monkeypatch.setattr(simulated, "PAIRS_PER_BLOCK", 10**6)
    assert (found.sums == walk_arms(*arms(), USERS, 20, seed=SEED).sums).all()


@different_executors
def test_draws_have_the_same_bytes_whatever_runs_them(simulator, executor):
    one = draw_flows(simulator, 90, SEED, executor=SerialExecutor())
    other = draw_flows(simulator, 90, SEED, executor=executor)
    for name in ("moved", "shares", "conversions"):
        first, second = getattr(one, name), getattr(other, name)
        assert first.tobytes() == second.tobytes()
        assert first.flags.c_contiguous
        assert second.flags.c_contiguous


@pytest.mark.parametrize("work", ["draws", "walks"])
@pytest.mark.usefixtures("small_blocks")
def test_work_that_was_stopped_goes_on_from_its_last_block_to_the_same_bytes(simulator, work):
    def do(store, on_progress=ignore_progress):
        if work == "walks":
            return walk_arms(*arms(), USERS, 20, seed=SEED, store=store, on_progress=on_progress).sums
        return draw_flows(simulator, 200, SEED, store=store, on_progress=on_progress).moved

    def stop(progress):
        if progress.done >= 0.4 * progress.total:
            raise RunCancelled("stopped")

    store, undisturbed, told = MemoryBlocks(), do(None), []
    with pytest.raises(RunCancelled):
        do(store, stop)
    kept = len(store)
    assert 0 < kept < 5
    assert (do(store, told.append) == undisturbed).all()
    assert store.taken == kept
    assert [each.done for each in told] == sorted({each.done for each in told})
    assert told[-1].done == told[-1].total


@pytest.mark.usefixtures("small_blocks")
def test_blocks_of_other_inputs_are_never_taken(simulator):
    store = MemoryBlocks()
    control, treatment = arms()
    walk_arms(control, treatment, USERS, 20, seed=SEED, store=store)
    draw_flows(simulator, 80, SEED, store=store)
    walk_arms(control, arms(factor=0.2)[1], USERS, 20, seed=SEED, store=store)
    walk_arms(control, treatment, USERS, 21, seed=SEED, store=store)
    walk_arms(control, treatment, USERS + 1, 20, seed=SEED, store=store)
    walk_arms(control, treatment, USERS, 20, seed=normalise_seed(5), store=store)
    draw_flows(simulator, 70, SEED, store=store)
    draw_flows(simulator, 80, normalise_seed(5), store=store)
    assert store.taken == 0


def test_a_digest_tells_types_shapes_and_borders_apart():
    parts = [
        (np.zeros(4),),
        (np.zeros((2, 2)),),
        (np.zeros(4, dtype=np.int64),),
        (np.zeros(2), np.zeros(2)),
        ("ab",),
        ("a", "b"),
        (1,),
        ("1",),
        (None,),
    ]
    assert len({digest(*each) for each in parts}) == len(parts)
