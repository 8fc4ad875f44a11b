import numpy as np
import pytest
from planted_weeks import plant_weeks

from persona_tui.engine.evaluation.followed import follow
from persona_tui.engine.evaluation.held_out import train
from persona_tui.engine.evaluation.likeness import (
    compare_shapes,
    shapes_of,
    simulate_shapes,
)


@pytest.fixture(scope="module")
def followed():
    return follow(plant_weeks(3, n_weeks=8, per_week=300), unit="user", completion={"buy"}, drop=set())


@pytest.fixture(scope="module")
def trained(followed):
    return train(followed.sequences, followed.journeys, 2, np.random.SeedSequence(0), n_draws=40)


def compared(followed, simulated):
    real = shapes_of(followed)
    return compare_shapes(
        real,
        simulated,
        n_users=followed.sequences.n_users,
        generator=np.random.default_rng(0),
    )


def test_the_walks_of_a_right_model_are_as_near_as_real_halves_are(followed, trained):
    simulated = simulate_shapes(trained, followed.journeys.n_journeys, np.random.SeedSequence(1))
    for each in compared(followed, simulated):
        assert each.excess < 0.03, each


def test_the_shapes_of_real_journeys_are_those_of_the_log(followed):
    shapes = shapes_of(followed)
    per_user = np.bincount(followed.sequences.users)
    np.testing.assert_array_equal(shapes.lengths, per_user)
    np.testing.assert_allclose(shapes.seconds, 60 * (per_user - 1))
    assert len(shapes.grams) == len(followed.sequences.codes)


def test_a_model_of_other_journeys_is_far(followed):
    other = follow(
        plant_weeks(4, n_weeks=8, per_week=300, stay=0.4), unit="user", completion={"buy"}, drop=set()
    )
    lengths, _, grams = compared(followed, shapes_of(other))
    assert lengths.excess > 0.1
    assert grams.excess > 0.1


def test_every_simulated_journey_has_an_owner_of_its_own(trained):
    simulated = simulate_shapes(trained, 100, np.random.SeedSequence(1), first_owner=7)
    np.testing.assert_array_equal(np.sort(simulated.owners), 7 + np.arange(100))
    assert set(simulated.gram_owners) == set(simulated.owners)
