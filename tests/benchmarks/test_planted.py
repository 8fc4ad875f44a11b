import numpy as np
import pytest
from benchmarks.planted import BELIEF, Design, draw_belief, leave_log, plant
from benchmarks.trials import count_log, match

from persona_tui.engine.simulation.assumptions import pert_quantiles
from persona_tui.engine.simulation.flow import solve


@pytest.mark.parametrize("unit", ["user", "session"])
@pytest.mark.parametrize("world", range(3))
def test_a_log_converts_as_the_planted_chains_say(unit, world):
    planted = plant(Design(n_users=20_000, unit=unit, likeness=2.0), np.random.default_rng(world))
    sequences, _ = leave_log(planted, np.random.default_rng(world))
    journeys = count_log(sequences, unit).journeys
    rate = float(planted.shares @ solve(planted.flow).converted)
    error = np.sqrt(rate * (1 - rate) / journeys.n_journeys)
    assert abs(journeys.observed_conversion - rate) < 5 * error


def test_a_cut_log_ends_while_users_still_come():
    whole, cut = (
        leave_log(
            plant(Design(n_users=500, unit="user", likeness=2.0, cut=cut), np.random.default_rng(0)),
            np.random.default_rng(1),
        )[0]
        for cut in (False, True)
    )
    assert cut.n_users == whole.n_users
    assert len(cut.codes) < len(whole.codes)
    assert (
        count_log(cut, "user").journeys.n_censored_users > count_log(whole, "user").journeys.n_censored_users
    )


def test_beliefs_are_drawn_as_the_engine_draws_them():
    generator = np.random.default_rng(0)
    drawn = np.array([draw_belief(generator) for _ in range(20_000)])
    quantiles = np.array([0.1, 0.5, 0.9])
    assert np.quantile(drawn, quantiles) == pytest.approx(pert_quantiles(BELIEF, quantiles), abs=0.002)


def test_personas_are_matched_where_most_of_their_users_are():
    assert match(np.array([[1.0, 9.0], [5.0, 2.0]])) == [1, 0]
    assert match(np.ones((2, 3))) is None
