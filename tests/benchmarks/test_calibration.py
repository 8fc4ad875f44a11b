import numpy as np
from benchmarks.calibration import WORLDS, replay_holds
from planted_tests import STEPS, plant_test

from persona_tui.engine.evaluation.calibration import calibrate


def test_the_replay_on_another_flow_holds_its_total_uplift():
    """A smoke version of the benchmark: of six experiments, five replays or more hold the truth."""
    effects, held = WORLDS["friction everywhere"], []
    for seed in range(6):
        planted = plant_test(np.random.default_rng(seed), effects, n_users=2_000)
        found = calibrate(
            planted.sequences,
            planted.arms,
            1,
            unit="user",
            completion={STEPS[-1]},
            n_clusters=2,
            n_draws=60,
            random_state=seed,
        )
        held.append(replay_holds(found, effects))
    assert sum(map(bool, held)) >= 5
