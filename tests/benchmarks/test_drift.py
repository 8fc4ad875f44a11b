import numpy as np
import pytest
from benchmarks.drift import World, compare, learn

from persona_tui.engine.evaluation.level import Level


@pytest.fixture(scope="module")
def mixture():
    return learn(1)


def n_red(world, mixture, n, *, shifted):
    found = (compare(np.random.default_rng(seed), world, mixture, shifted=shifted) for seed in range(n))
    return sum(each.level is Level.RED for each in found)


def test_weeks_that_differ_by_themselves_are_no_drift(mixture):
    assert n_red(World(weekly=0.3), mixture, 12, shifted=False) <= 1


def test_a_large_shift_is_found(mixture):
    assert n_red(World(weekly=0.1, personas=1.5), mixture, 5, shifted=True) >= 4
