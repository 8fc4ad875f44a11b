import warnings

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.readout import UserValues, read_out


def drawn(seed, n=400):
    rng = np.random.default_rng(seed)
    sessions = 1.0 + rng.poisson(2, n)
    was = 1.0 + rng.poisson(2, n)
    converting = rng.binomial(sessions.astype(int), rng.beta(2, 5, n)).astype(float)
    earlier = rng.binomial(was.astype(int), 0.3).astype(float) + 0.5 * converting
    treated = rng.random(n) < 0.4
    return sessions, converting, was, earlier, treated


def test_means_and_ratios_are_those_of_tea_tasting():
    import tea_tasting

    sessions, converting, was, earlier, treated = drawn(1)
    frame = pl.DataFrame(
        {"variant": treated.astype(int), "x": converting, "y": sessions, "cx": earlier, "cy": was}
    )
    experiment = tea_tasting.Experiment(
        mean=tea_tasting.Mean("x"),
        ratio=tea_tasting.RatioOfMeans("x", "y"),
        mean_before=tea_tasting.Mean("x", covariate="cx"),
        ratio_before=tea_tasting.RatioOfMeans("x", "y", numer_covariate="cx", denom_covariate="cy"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        told = experiment.analyze(frame)
    ones = np.ones(len(was))
    mean = read_out(UserValues(name="x", numerators=converting, before=(earlier, ones)), ~treated, treated)
    ratio = read_out(
        UserValues(name="x", numerators=converting, denominators=sessions, before=(earlier, was)),
        ~treated,
        treated,
    )
    found = {
        "mean": mean.plain,
        "ratio": ratio.plain,
        "mean_before": mean.adjusted,
        "ratio_before": ratio.adjusted,
    }
    for name, mine in found.items():
        other = told[name]
        assert (mine.control, mine.treatment, mine.value) == pytest.approx(
            (other.control, other.treatment, other.effect_size), rel=1e-9
        )
        assert mine.interval == pytest.approx(
            (other.effect_size_ci_lower, other.effect_size_ci_upper), rel=1e-9
        )
        assert mine.relative_interval == pytest.approx(
            (other.rel_effect_size_ci_lower, other.rel_effect_size_ci_upper), rel=1e-9
        )
        assert mine.p_value == pytest.approx(other.pvalue, rel=1e-9)


@settings(max_examples=30)
@given(st.integers(0, 2**31))
def test_the_difference_of_means_is_welchs(seed):
    _, converting, _, _, treated = drawn(seed, 60)
    found = read_out(UserValues(name="x", numerators=converting), ~treated, treated).plain
    told = stats.ttest_ind(converting[treated], converting[~treated], equal_var=False)
    assert found.p_value == pytest.approx(told.pvalue, rel=1e-9)
    ends = told.confidence_interval(0.95)
    assert found.interval == pytest.approx((ends.low, ends.high), rel=1e-9)


def test_the_time_before_cuts_the_variance_by_the_squared_correlation():
    rng = np.random.default_rng(5)
    was = rng.normal(5, 1, 20_000)
    now = was + rng.normal(0, 1, 20_000)
    treated = np.arange(20_000) % 2 == 0
    values = UserValues(name="x", numerators=now, before=(was, np.ones(20_000)))
    found = read_out(values, ~treated, treated)
    assert found.variance_cut == pytest.approx(np.corrcoef(was, now)[0, 1] ** 2, abs=0.01)
    assert found.best is found.adjusted


def test_a_time_before_in_which_nothing_varies_adjusts_nothing():
    values = UserValues(name="x", numerators=np.arange(6.0), before=(np.zeros(6), np.ones(6)))
    found = read_out(values, np.arange(6) < 3, np.arange(6) >= 3)
    assert found.adjusted is None
    assert found.variance_cut is None


def test_where_nobody_differs_there_is_no_interval():
    found = read_out(
        UserValues(name="x", numerators=np.zeros(20), scale="share"), np.arange(20) < 9, np.arange(20) >= 9
    )
    assert found.plain.interval is None
    assert found.plain.p_value is None
    assert found.plain.relative is None
    assert found.is_rough


def test_an_arm_of_one_user_is_refused():
    with pytest.raises(DataError, match="treatment arm has 1 users"):
        read_out(UserValues(name="x", numerators=np.arange(5.0)), np.arange(5) < 4, np.arange(5) == 4)


def test_an_always_valid_interval_is_wider_and_tightest_where_it_is_asked_to_be():
    _, converting, _, _, treated = drawn(3, 2_000)
    values = UserValues(name="x", numerators=converting)
    widths = {}
    for tightest_at in (20, 200, 2_000, 20_000, 200_000):
        found = read_out(values, ~treated, treated, tightest_at=tightest_at).plain
        widths[tightest_at] = found.always_valid[1] - found.always_valid[0]
        assert widths[tightest_at] > found.interval[1] - found.interval[0]
    assert min(widths, key=widths.get) == 2_000


def test_watching_all_the_time_rarely_finds_something_in_nothing():
    rng = np.random.default_rng(8)
    looks, found_always, found_fixed = np.arange(200, 4_001, 200), 0, 0
    for _ in range(80):
        values = rng.binomial(1, 0.3, looks[-1]).astype(float)
        treated = rng.random(looks[-1]) < 0.5
        reads = [
            read_out(
                UserValues(name="x", numerators=values[:n]), ~treated[:n], treated[:n], tightest_at=2_000
            ).plain
            for n in looks
        ]
        found_always += any(not each.always_valid[0] <= 0 <= each.always_valid[1] for each in reads)
        found_fixed += any(not each.interval[0] <= 0 <= each.interval[1] for each in reads)
    assert found_always <= 8
    assert found_fixed > 12
