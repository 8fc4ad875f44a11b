"""Traits of users against plain counts, and their comparison against the textbook formula."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from support import logs, make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.modeling.behaviour import (
    UNITS,
    TraitSums,
    compare_traits,
    hour_directions,
    mean_hours,
    measure_users,
    tabulate_traits,
)
from persona_tui.engine.modeling.journeys import cut_journeys


def measure(log, unit="user", completion=("x",), drop=("d",)):
    sequences = encode_sequences(log)
    known = set(sequences.vocabulary)
    journeys = cut_journeys(
        sequences, unit=unit, completion=known & set(completion), drop=known & set(drop), censor=False
    )
    return measure_users(sequences, journeys)


def counted(log):
    """Return depth, exploration, back-steps and returns of each user under ``user``, told slowly."""
    rows = []
    for (_,), events in log.sort("timestamp", maintain_order=True).group_by(["user_id"], maintain_order=True):
        kept, back = [], 0
        for (_,), session in events.group_by(["session_id"], maintain_order=True):
            names = session["event_type"].to_list()
            if "x" in names:
                names = names[: names.index("x") + 1]
            inside = [name for name in names if name not in {"x", "d"}]
            back += sum(b in inside[:at] and b != a for at, (a, b) in enumerate(pairwise(inside), start=1))
            kept += inside
            if "x" in names:
                break
        n = len(kept)
        ratio = (len(set(kept)) / n, back / n) if n else (np.nan, np.nan)
        rows.append((events["user_id"][0], n, *ratio, float(events["session_id"].n_unique() > 1)))
    return np.array([row[1:] for row in sorted(rows)])


@given(logs())
def test_traits_are_what_counting_user_by_user_gives(log):
    np.testing.assert_allclose(measure(log)[:, 1:5], counted(log))


@given(logs())
def test_quarters_of_the_day_sum_to_one(log):
    assert measure(log)[:, 5:].sum(axis=1) == pytest.approx(1)


def test_pace_is_the_median_gap_within_sessions():
    log = make_log({"ann": [["a", "b", "c"], ["a", "b"]], "bob": [["a"]]})
    pace = np.expm1(measure(log)[:, 0])
    assert pace[0] == pytest.approx(60)
    assert np.isnan(pace[1])


def test_outcomes_are_no_part_of_depth():
    log = make_log({"ann": [["a", "b", "x"]], "bob": [["a", "b", "d"]]})
    assert measure(log)[:, 1].tolist() == [2, 2]


def test_the_mean_hour_goes_round_the_clock():
    angles = np.array([23.0, 1.0]) / 24 * 2 * np.pi
    summed = np.array([np.cos(angles).sum(), np.sin(angles).sum()])
    assert np.cos(mean_hours(summed) / 24 * 2 * np.pi) == pytest.approx(1)


def test_the_hour_of_a_session_is_that_of_its_first_event():
    sequences = encode_sequences(make_log({"ann": [["a", "b"], ["a"]]}))  # from midnight on
    assert mean_hours(hour_directions(sequences)) == pytest.approx(0)


def compared(values, memberships):
    tables = tabulate_traits(values)
    fitted = TraitSums(*((table.T @ memberships).T for table in tables[:3]))
    return compare_traits(tables, fitted, TraitSums(*(np.stack([each, each]) for each in fitted)))


def test_an_effect_is_hedges_g_of_weighted_users():
    generator = np.random.default_rng(0)
    values = generator.normal(3, 2, size=(200, len(UNITS)))
    values[:20, 2] = np.nan
    weight = generator.random(200)
    (mine, _) = compared(values, np.column_stack([weight, 1 - weight]))
    for t, trait in enumerate(mine):
        known = ~np.isnan(values[:, t])
        x, w, v = values[known, t], weight[known], 1 - weight[known]
        means = np.average(x, weights=w), np.average(x, weights=v)
        within = w @ (x - means[0]) ** 2 + v @ (x - means[1]) ** 2
        n = len(x)
        effect = (1 - 3 / (4 * (n - 2) - 1)) * (means[0] - means[1]) / np.sqrt(within / n)
        assert trait.effect == pytest.approx(effect)
        if trait.name != "pace":
            assert trait.mean == pytest.approx(means[0])
            assert trait.others_mean == pytest.approx(means[1])


@pytest.mark.parametrize(
    ("shift", "word"), [(0.1, "negligible"), (0.35, "small"), (-0.65, "medium"), (1.5, "large")]
)
def test_an_effect_has_its_usual_word(shift, word):
    base = np.tile(np.array([-1.0, 1.0]), 500)
    mine = np.repeat([True, False], 500)
    values = np.tile((base + shift * mine)[:, None], (1, len(UNITS)))
    trait = compared(values, np.column_stack([mine, ~mine]).astype(float))[0][1]
    assert trait.magnitude == word
    assert trait.effect == pytest.approx(shift, rel=0.02)
