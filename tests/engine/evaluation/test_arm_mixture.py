import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, sparse

from persona_tui.engine.evaluation.arm_mixture import ArmTable, fit_arms, refit_arms


def one_step(visits, left, *, rewards=False, prior=0.0):
    """Users of one persona who visit one step once: visits and leavers in control and in treatment."""
    stay, go = np.array([1.0, 1.0, 0.0]), np.array([1.0, 0.0, 1.0])
    return ArmTable(
        matrix=sparse.csr_array(np.stack([stay, go])),
        transposed=sparse.csr_array(np.stack([stay, go]).T),
        users=np.array([[visits[0] - left[0], left[0]], [visits[1] - left[1], left[1]]], float),
        sources=np.array([0, 1, 1]),
        leaves=np.array([False, False, True]),
        parameters=np.array([-1, 0]),
        rewards=np.array([False, rewards]),
        prior=prior,
    )


RATES = st.tuples(st.integers(5, 95), st.integers(5, 95))


@given(RATES)
@settings(max_examples=25, deadline=None)
def test_one_persona_has_the_ratio_of_the_rates(left):
    friction = fit_arms(one_step((100, 100), left), np.ones((2, 1)))
    assert friction.scales[0, 0] == pytest.approx((100 - left[1]) / (100 - left[0]), rel=1e-3)
    reward = fit_arms(one_step((100, 100), left, rewards=True), np.ones((2, 1)))
    assert reward.scales[0, 0] == pytest.approx(left[1] / left[0], rel=1e-3)
    for found in (friction, reward):
        assert found.leaving[1, 0, 0] == pytest.approx(left[0] / 100, rel=1e-3)


def two_personas():
    """Users with a telling first event, then one step: their numbers by persona, arm and what they did."""
    stay = {(0, 0): 180, (0, 1): 150, (1, 0): 90, (1, 1): 70}
    left = {(0, 0): 20, (0, 1): 50, (1, 0): 110, (1, 1): 130}
    rows, users = [], []
    for persona in (0, 1):
        for did in (stay, left):
            move = [0.0] * 6
            move[persona] = 1.0
            move[2 + 2 * persona + (did is left)] = 1.0
            rows.append(move)
            users.append([did[persona, 0], did[persona, 1]])
    return np.array(rows), np.array(users, float).T, stay, left


def test_the_shared_effect_is_the_likeliest():
    """Personas that first events tell apart for sure: the same effect at two rows, by another optimiser."""
    rows, users, stay, left = two_personas()
    table = ArmTable(
        matrix=sparse.csr_array(rows),
        transposed=sparse.csr_array(rows.T),
        users=users,
        sources=np.array([0, 0, 1, 1, 2, 2]),
        leaves=np.array([False, False, False, True, False, True]),
        parameters=np.array([-1, 0, 0]),
        rewards=np.zeros(3, bool),
        prior=0.0,
    )
    found = fit_arms(table, np.ones((4, 1)))

    def cost(numbers):
        q, g = 1 / (1 + np.exp(-numbers[:2])), np.exp(numbers[2])
        if (q * g >= 1).any():
            return 1e9
        total = 0.0
        for persona in (0, 1):
            for arm, chance in enumerate((q[persona], q[persona] * g)):
                total -= stay[persona, arm] * np.log(chance) + left[persona, arm] * np.log(1 - chance)
        return total

    best = optimize.minimize(cost, np.array([1.0, -0.5, -0.1]), method="Nelder-Mead", tol=1e-10).x
    assert found.scales[0, 0] == pytest.approx(np.exp(best[2]), rel=1e-3)
    np.testing.assert_allclose(1 - found.leaving[1:, 0, 0], 1 / (1 + np.exp(-best[:2])), rtol=1e-4)


def test_memberships_are_chances_and_moves_are_chains():
    rows, users, _, _ = two_personas()
    table = ArmTable(
        matrix=sparse.csr_array(rows),
        transposed=sparse.csr_array(rows.T),
        users=users,
        sources=np.array([0, 0, 1, 1, 2, 2]),
        leaves=np.array([False, False, False, True, False, True]),
        parameters=np.array([-1, 0, 1]),
        rewards=np.array([False, False, True]),
        prior=1.0,
    )
    start = np.array([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    found = fit_arms(table, start)
    np.testing.assert_allclose(found.memberships.sum(axis=2), 1.0)
    for arm in np.exp(found.log_moves):
        np.testing.assert_allclose(table.by_source(arm), 1.0)
    assert found.weights.sum() == pytest.approx(1.0)


def test_the_same_weights_give_the_same_fit():
    table = one_step((400, 300), (100, 120))
    fitted = fit_arms(table, np.ones((2, 1)))
    again = refit_arms(table, fitted, np.repeat(table.users[:, :, None], 3, axis=-1))
    np.testing.assert_allclose(again.scales, np.repeat(fitted.scales, 3, axis=1), rtol=1e-6)
