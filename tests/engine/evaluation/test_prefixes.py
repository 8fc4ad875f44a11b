import numpy as np
import pytest
from planted_weeks import BUY, plant_weeks

from persona_tui.engine.evaluation.followed import follow
from persona_tui.engine.evaluation.held_out import chance_to_convert, train
from persona_tui.engine.evaluation.prefixes import NO_STEP, begin, drawn_means, look_ahead
from persona_tui.engine.simulation.flow import solve


@pytest.fixture(scope="module")
def followed():
    return follow(plant_weeks(5, n_weeks=6), unit="user", completion={"buy"}, drop=set())


@pytest.fixture(scope="module")
def trained(followed):
    return train(followed.sequences, followed.journeys, 2, np.random.SeedSequence(0), n_draws=40)


def test_only_journeys_that_are_not_over_have_an_outlook(followed):
    prefixes = begin(followed.journeys, 3)
    lengths = np.diff(followed.journeys.offsets)
    assert (lengths[prefixes.journeys] >= 3).all()
    assert (prefixes.states != BUY).all()
    third = followed.journeys.steps[followed.journeys.offsets[:-1][lengths >= 3] + 2]
    assert len(prefixes.journeys) == (third != BUY).sum()


def test_a_beginning_is_what_the_journey_did(followed):
    prefixes = begin(followed.journeys, 3)
    for journey, kind in list(zip(prefixes.journeys, prefixes.kinds, strict=True))[:50]:
        first = followed.journeys.offsets[journey]
        shown = prefixes.states[kind]
        np.testing.assert_array_equal(shown[shown != NO_STEP], followed.journeys.steps[first : first + 3])


def test_from_the_start_the_chance_is_the_exact_conversion(trained):
    flow = trained.simulator.flow
    np.testing.assert_allclose(
        (flow.starts * chance_to_convert(flow)).sum(axis=-1), solve(flow).converted, atol=1e-12
    )


def test_memberships_follow_from_bayes(trained):
    flow, shares = trained.simulator.flow, trained.simulator.shares
    states = np.array([[1, 2, 3], [3, 3, NO_STEP]], np.int32)
    outlook = look_ahead(flow, shares, states)
    likely = [
        shares * flow.starts[:, 1] * flow.transitions[:, 1, 2] * flow.transitions[:, 2, 3],
        shares * flow.starts[:, 3] * flow.transitions[:, 3, 3],
    ]
    expected = np.array([each / each.sum() for each in likely])
    np.testing.assert_allclose(outlook.memberships, expected, rtol=1e-9)
    chances = chance_to_convert(flow)[:, 3]
    np.testing.assert_allclose(outlook.chances, expected @ chances, rtol=1e-9)


def test_draws_lie_around_the_point(trained, followed):
    prefixes = begin(followed.journeys, 3)
    weights = np.bincount(prefixes.kinds, minlength=len(prefixes.states))[:, None].astype(float)
    drawn = drawn_means(trained, prefixes.states, weights)
    chances = look_ahead(trained.simulator.flow, trained.simulator.shares, prefixes.states).chances
    point = float(chances @ weights[:, 0] / weights.sum())
    assert drawn.shape == (40, 1)
    assert abs(drawn.mean() - point) < 3 * drawn.std()
