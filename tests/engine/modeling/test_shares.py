"""Shares of personas in a log other than the one that they were found in."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.errors import ModelingError
from persona_tui.engine.modeling.shares import estimate_shares, shares_of_fit


def blurred(shares, n_users, generator, weights, n_moves=4):
    """Return memberships, under other weights, of users who each show a few events of their persona's."""
    chances = np.array([[0.6, 0.2, 0.2], [0.2, 0.6, 0.2], [0.2, 0.2, 0.6]])[: len(shares)]
    personas = generator.choice(len(shares), n_users, p=shares)
    seen = (generator.random((n_users, n_moves, 1)) > chances.cumsum(axis=1)[personas][:, None]).sum(axis=2)
    likelihoods = chances[:, seen].prod(axis=2).T * weights
    return likelihoods / likelihoods.sum(axis=1, keepdims=True)


def test_shares_do_not_lean_toward_those_of_the_fit():
    weights = np.array([0.8, 0.1, 0.1])
    planted = np.array([0.2, 0.5, 0.3])
    memberships = blurred(planted, 40_000, np.random.default_rng(0), weights)
    assert abs(memberships.mean(axis=0) - planted).max() > 0.2
    assert estimate_shares(memberships, weights).shares == pytest.approx(planted, abs=0.015)


def test_errors_are_those_of_drawing_users_anew():
    weights, planted = np.array([0.5, 0.3, 0.2]), np.array([0.3, 0.45, 0.25])
    generator = np.random.default_rng(1)
    found = [estimate_shares(blurred(planted, 500, generator, weights), weights) for _ in range(300)]
    spread = np.std([each.shares for each in found], axis=0)
    assert np.mean([each.standard_errors for each in found], axis=0) == pytest.approx(spread, rel=0.12)


def test_intervals_of_a_change_cover_it():
    weights, planted = np.array([0.5, 0.5]), np.array([0.35, 0.65])
    generator = np.random.default_rng(2)
    n_worlds, covered = 400, 0
    for _ in range(n_worlds):
        before = estimate_shares(blurred(weights, 400, generator, weights), weights)
        now = estimate_shares(blurred(planted, 300, generator, weights), weights)
        low, high = now.change_from(before)[0]
        covered += low <= -0.15 <= high
    assert 0.915 <= covered / n_worlds <= 0.98


@given(st.integers(1, 4), st.integers(0, 1000))
def test_shares_sum_to_one_and_surely_known_users_are_counted(n_clusters, seed):
    generator = np.random.default_rng(seed)
    personas = generator.integers(0, n_clusters, 30)
    weights = generator.dirichlet(np.full(n_clusters, 5.0))
    found = estimate_shares(np.eye(n_clusters)[personas], weights)
    assert found.shares == pytest.approx(np.bincount(personas, minlength=n_clusters) / 30, abs=1e-5)
    assert found.shares.sum() == pytest.approx(1)


def test_users_of_whom_nothing_is_known_change_nothing():
    weights = np.array([0.5, 0.3, 0.2])
    memberships = blurred(np.array([0.2, 0.5, 0.3]), 2_000, np.random.default_rng(3), weights)
    unknown = np.tile(weights, (500, 1))
    with_them = estimate_shares(np.concatenate([memberships, unknown]), weights).shares
    assert with_them == pytest.approx(estimate_shares(memberships, weights).shares, abs=1e-4)


def test_too_few_users_have_no_interval_and_one_persona_no_error():
    few = estimate_shares(np.array([[0.2, 0.5, 0.3]]), np.array([0.4, 0.4, 0.2]))
    assert np.isinf(few.standard_errors).all()
    fit = shares_of_fit(np.eye(3), np.full(3, 1 / 3))
    assert few.change_from(fit) == (None, None, None)
    one = estimate_shares(np.ones((5, 1)), np.ones(1))
    assert one.change_from(one) == ((0.0, 0.0),)


def test_without_users_there_are_no_shares():
    with pytest.raises(ModelingError, match="no user"):
        estimate_shares(np.empty((0, 2)), np.array([0.5, 0.5]))
