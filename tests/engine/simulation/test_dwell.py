import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from support import logs, make_log

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import Sequences, encode_sequences
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.simulation.dwell import FEWEST_OBSERVED, PROBABILITIES, DwellTimes, fit_dwell

N_USERS = 4_000


def planted_log(seed: int = 0) -> tuple[Sequences, np.ndarray]:
    """Return users with two sessions a, b, c and a, c of log-normal gaps, and the gaps, shape (users, 4)."""
    generator = np.random.default_rng(seed)
    gaps = np.exp(generator.normal(np.log([20, 60, 90_000, 5]), [0.5, 1.0, 1.5, 0.2], (N_USERS, 4)))
    times = np.cumsum(np.pad(gaps, ((0, 0), (1, 0))), axis=1) * 1e6
    return Sequences(
        vocabulary=("a", "b", "c"),
        user_ids=tuple(map(str, range(N_USERS))),
        codes=np.tile(np.array([0, 1, 2, 0, 2], dtype=np.int32), N_USERS),
        users=np.repeat(np.arange(N_USERS, dtype=np.int32), 5),
        sessions=(np.arange(N_USERS)[:, None] * 2 + [0, 0, 0, 1, 1]).ravel(),
        times=times.astype(np.int64).ravel(),
    ), gaps


def fit(log: Sequences, **terms) -> DwellTimes:
    return fit_dwell(log, cut_journeys(log, **terms))


def many_of(dwell: DwellTimes, source: str, target: str, factors=None):
    place = [np.full(N_USERS, dwell.states.index(name)) for name in (source, target)]
    return dwell.draw(np.random.default_rng(9), *place, factors)


def sparse_log(n_direct: int, n_other: int = 40) -> Sequences:
    """Return sessions a, b with two seconds between, sessions a, c with ten, and b, c with fifty."""
    counts, pairs, seconds = (n_direct, n_other, n_other), ((0, 1), (0, 2), (1, 2)), (2, 10, 50)
    codes = np.concatenate([np.tile(pair, n) for pair, n in zip(pairs, counts, strict=True)])
    times = np.concatenate([np.tile([0, each], n) for each, n in zip(seconds, counts, strict=True)])
    sessions = np.repeat(np.arange(sum(counts)), 2)
    return Sequences(
        vocabulary=("a", "b", "c"),
        user_ids=tuple(map(str, range(sum(counts)))),
        codes=codes.astype(np.int32),
        users=sessions.astype(np.int32),
        sessions=sessions,
        times=times * 1_000_000,
    )


@pytest.mark.parametrize(
    ("source", "target", "column"), [("a", "b", 0), ("b", "c", 1), ("c", "return", 2), ("a", "c", 3)]
)
def test_drawn_times_are_distributed_as_those_of_the_log(source, target, column):
    log, gaps = planted_log()
    drawn = many_of(fit(log), source, target)
    assert ks_2samp(drawn, gaps[:, column]).statistic < 1.63 * np.sqrt(2 / N_USERS)
    assert drawn.mean() == pytest.approx(gaps[:, column].mean(), rel=0.1)


@pytest.mark.real
@pytest.mark.parametrize("name", ["online_wizard", "loan_applications", "restaurant_guide"])
def test_drawn_times_are_distributed_as_those_of_real_logs(real_log, name):
    log = encode_sequences(load_event_log_csv(real_log(name)))
    dwell = fit(log)
    gaps, sources, targets = np.diff(log.times) / 1e6, log.codes[:-1], log.codes[1:]
    returned = np.diff(log.sessions) != 0
    for kind in (returned, ~returned):
        moves = kind & (np.diff(log.users) == 0)
        reached = np.where(kind, len(log.vocabulary), targets) if kind is returned else targets
        drawn = dwell.draw(np.random.default_rng(0), sources[moves], reached[moves])
        assert ks_2samp(drawn, gaps[moves]).statistic < 0.02


@pytest.mark.parametrize(
    ("source", "target", "column"), [("a", "b", 0), ("b", "c", 1), ("c", "return", 2), ("a", "c", 3)]
)
def test_mean_seconds_are_those_of_the_log(source, target, column):
    log, gaps = planted_log()
    dwell = fit(log)
    found = dwell.mean_seconds[dwell.states.index(source), dwell.states.index(target)]
    assert found == pytest.approx(gaps[:, column].mean(), rel=1e-6)


def test_the_way_out_of_a_return_takes_no_time():
    dwell = fit(planted_log()[0])
    np.testing.assert_array_equal(dwell.mean_seconds[dwell.states.index("return")], 0)


def test_under_session_no_return_is_known():
    dwell = fit(planted_log()[0], unit="session")
    assert dwell.states == ("a", "b", "c")
    assert dwell.observed.sum() == 3 * N_USERS
    assert dwell.mean_seconds.max() < 1_000


@pytest.mark.parametrize(("n_direct", "expected"), [(FEWEST_OBSERVED, 2.0), (FEWEST_OBSERVED - 1, 6.63)])
def test_a_rare_move_takes_the_times_of_all_moves_from_its_event(n_direct, expected):
    dwell = fit(sparse_log(n_direct), unit="session")
    assert dwell.observed[0, 1] == n_direct
    assert dwell.mean_seconds[0, 1] == pytest.approx(expected, abs=0.02)


def test_a_move_from_a_rare_event_takes_the_times_of_all_moves():
    dwell = fit(sparse_log(40), unit="session")
    assert dwell.mean_seconds[2, 0] == pytest.approx((2 + 10 + 50) / 3, rel=0.01)


def test_returns_are_pooled_with_returns_only():
    log, gaps = planted_log()
    dwell = fit(log)
    assert dwell.observed[0, 3] == 0
    assert dwell.mean_seconds[0, 3] == pytest.approx(gaps[:, 2].mean(), rel=1e-6)
    assert dwell.mean_seconds[2, 0] == pytest.approx(gaps[:, [0, 1, 3]].mean(), rel=1e-6)


def test_what_follows_a_completion_does_not_count():
    log, gaps = planted_log()
    dwell = fit(log, completion={"b"})
    assert dwell.observed.sum() == N_USERS
    assert dwell.mean_seconds[0, 1] == pytest.approx(gaps[:, 0].mean(), rel=1e-6)


def test_a_return_after_a_drop_within_a_session_is_a_return():
    log = encode_sequences(make_log({"u": [["a", "d", "a"]]}))
    dwell = fit(log, drop={"d"})
    assert dwell.observed[log.vocabulary.index("d"), -1] == 1
    assert dwell.observed.sum() == 2


def test_no_more_than_64_numbers_are_kept_for_30_moves():
    dwell = fit(planted_log()[0])
    assert dwell.quantiles.shape[1] == len(PROBABILITIES) == 64
    assert len(dwell.quantiles) <= 3 + 2 * dwell.observed.sum() // FEWEST_OBSERVED


def test_quantiles_of_a_long_sample_are_those_of_numpy():
    log, gaps = planted_log()
    dwell = fit(log)
    kept = dwell.quantiles[dwell.rows[0, 1]]
    expected = np.quantile(gaps[:, 0], PROBABILITIES, method="hazen")
    np.testing.assert_allclose(kept[:49], expected[:49], atol=2e-6)
    np.testing.assert_allclose(kept[49:], expected[49:], rtol=0.02)


@given(logs(), st.sampled_from(["user", "session"]))
def test_moves_are_counted_as_the_journeys_have_them(log, unit):
    journeys = cut_journeys(encode_sequences(log), unit=unit, completion={"x"} & set(log["event_type"]))
    dwell = fit_dwell(encode_sequences(log), journeys)
    firsts = set(journeys.offsets[:-1].tolist())
    expected = np.zeros_like(dwell.observed)
    for place in range(1, len(journeys.steps)):
        if place not in firsts and journeys.steps[place - 1] < len(journeys.vocabulary):
            expected[journeys.steps[place - 1], journeys.steps[place]] += 1
    np.testing.assert_array_equal(dwell.observed, expected)


@given(logs(), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_seconds_rise_with_the_uniform_and_are_never_negative(log, uniforms):
    dwell = fit(encode_sequences(log))
    uniforms = np.sort(uniforms)
    zeros = np.zeros(len(uniforms), dtype=int)
    seconds = dwell.invert(uniforms, zeros, zeros)
    assert (seconds >= 0).all()
    assert (np.diff(seconds) >= -1e-9).all()


@given(st.lists(st.integers(0, 10**9), min_size=FEWEST_OBSERVED, max_size=200))
def test_the_mean_of_a_move_is_close_to_that_of_the_log(gaps):
    pairs = np.repeat(np.arange(len(gaps)), 2)
    log = Sequences(
        vocabulary=("a", "b"),
        user_ids=tuple(map(str, range(len(gaps)))),
        codes=np.tile(np.array([0, 1], dtype=np.int32), len(gaps)),
        users=pairs.astype(np.int32),
        sessions=pairs,
        times=np.stack([np.zeros(len(gaps), dtype=np.int64), np.array(gaps)], axis=1).ravel(),
    )
    found = fit(log, unit="session").mean_seconds[0, 1]
    assert found == pytest.approx(np.mean(gaps) / 1e6, rel=0.05, abs=0.02 * max(gaps) / 1e6)


def test_factors_scale_the_times_at_their_states_and_returns_not():
    dwell = fit(planted_log()[0])
    factors = np.array([1.5, 1.0, 1.0, 1.0])
    slower = many_of(dwell, "a", "b", factors=factors)
    np.testing.assert_allclose(slower, 1.5 * many_of(dwell, "a", "b"))
    for source, target in (("b", "c"), ("a", "return")):
        same = many_of(dwell, source, target, factors=factors)
        np.testing.assert_array_equal(same, many_of(dwell, source, target))


def test_inserted_steps_take_as_long_as_any_move():
    dwell = fit(planted_log()[0])
    wider = dwell.arranged((*dwell.states, "added_step_1"))
    np.testing.assert_array_equal(wider.mean_seconds[:4, :4], dwell.mean_seconds)
    pooled = wider.quantiles[0] @ np.append(np.diff(PROBABILITIES), 0) / 2
    pooled += wider.quantiles[0] @ np.append(0, np.diff(PROBABILITIES)) / 2
    assert wider.mean_seconds[4, 1] == pytest.approx(pooled)
    assert wider.mean_seconds[0, 4] == pytest.approx(pooled)
    assert wider.mean_seconds[3, 4] == 0
    assert dwell.arranged(dwell.states) is dwell


def test_a_log_of_single_events_takes_no_time():
    log = encode_sequences(make_log({"u": [["a"]], "v": [["b"]]}))
    dwell = fit(log)
    assert dwell.observed.sum() == 0
    np.testing.assert_array_equal(dwell.mean_seconds, 0)


def test_the_same_uniforms_give_the_same_seconds_in_both_arms():
    dwell = fit(planted_log()[0])
    np.testing.assert_array_equal(
        many_of(dwell, "a", "b"), many_of(dwell.arranged((*dwell.states, "x")), "a", "b")
    )
