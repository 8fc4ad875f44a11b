"""Attribute lifts: without bias where personas overlap, tested as stated, suppressed where few."""

import numpy as np
import polars as pl
import pytest

from persona_tui.engine.data.attributes import Attributes
from persona_tui.engine.modeling.enrichment import (
    MIN_USERS,
    ValueSums,
    attribute_lifts,
    tabulate_values,
)


def lift(columns, memberships, *, n_draws=100, seed=0):
    """Return the lifts of attributes of users whose memberships do not depend on their weights."""
    n_users = len(memberships)
    users = pl.Series("user_id", [f"u{n}" for n in range(n_users)])
    table = pl.DataFrame([users, *(pl.Series(name, each, dtype=pl.String) for name, each in columns.items())])
    values = tabulate_values(Attributes(table=table, left_out={}), n_users)
    weights = np.random.default_rng(seed).standard_gamma(1.0, size=(n_draws, n_users))
    mass = weights[:, :, None] * memberships
    sums = ValueSums(
        fitted=(values.matrix.T @ memberships).T,
        drawn=np.stack([(values.matrix.T @ each).T for each in mass]),
        overlap=memberships.T @ memberships,
        drawn_overlap=mass.transpose(0, 2, 1) @ memberships,
    )
    return attribute_lifts(values, sums, memberships)


def overlapping(n_users, seed=0):
    """Return personas of users, and calibrated memberships that tell them badly."""
    generator = np.random.default_rng(seed)
    memberships = generator.dirichlet([1.0, 1.0], n_users)
    return (generator.random(n_users) > memberships[:, 0]).astype(int), memberships


def test_lifts_of_certain_users_are_ratios_of_shares():
    personas = np.repeat([0, 1], 300)
    device = np.tile(["mobile", "desktop", "mobile", "mobile", "desktop", "tablet"], 100)
    device[:300] = "mobile"
    for k, mine in enumerate(lift({"device": device}, np.eye(2)[personas])):
        for each in mine.lifts:
            share = np.mean(device[personas == k] == each.value)
            assert each.share == pytest.approx(share, abs=1e-6)
            assert each.lift == pytest.approx(share / np.mean(device == each.value), abs=1e-6)
            assert each.n_users == pytest.approx(share * 300)


def test_lifts_are_not_drawn_toward_one_where_personas_overlap():
    found = []
    for seed in range(30):
        personas, memberships = overlapping(1000, seed)
        generator = np.random.default_rng([seed, 1])
        device = np.where(generator.random(1000) < np.array([0.8, 0.2])[personas], "mobile", "desktop")
        mine = lift({"device": device}, memberships, n_draws=40)[0]
        found += [each for each in mine.lifts if each.value == "mobile"]
    assert np.mean([each.lift for each in found]) == pytest.approx(1.6, abs=0.05)
    naive = (0.8 * 2 + 0.2) / 3 / 0.5
    assert naive == pytest.approx(1.2, abs=0.01)
    assert np.mean([each.interval[0] <= 1.6 <= each.interval[1] for each in found]) >= 0.85


def test_without_association_p_values_are_even():
    p_values = []
    for seed in range(200):
        _, memberships = overlapping(500, seed)
        device = np.random.default_rng([seed, 1]).choice(["mobile", "desktop"], 500)
        (first, _) = lift({"device": device}, memberships, n_draws=5)
        p_values.append(first.lifts[0].p_value)
    assert 0.01 <= np.mean(np.array(p_values) < 0.05) <= 0.1
    assert np.mean(p_values) == pytest.approx(0.5, abs=0.08)


def test_users_without_a_value_change_no_lift():
    personas = np.repeat([0, 1], 300)
    device = np.tile(["mobile", "desktop", "mobile"], 200).astype(object)
    whole = lift({"device": device}, np.eye(2)[personas])
    device[::2] = "unknown"  # every second user of each value, in both personas
    for one, other in zip(whole, lift({"device": device}, np.eye(2)[personas]), strict=True):
        assert {each.value for each in other.lifts} == {"mobile", "desktop"}
        shares = {each.value: each.share for each in one.lifts}
        assert all(each.share == pytest.approx(shares[each.value], abs=1e-6) for each in other.lifts)


def test_cells_with_few_expected_users_are_counted_but_not_told():
    personas = np.repeat([0, 1], [900, 100])
    device = np.array(["mobile", "desktop"] * 400 + ["tablet"] * 190 + ["watch"] * 10)
    device = np.random.default_rng(0).permutation(device)
    told = lift({"device": device}, np.eye(2)[personas])
    assert {each.value for each in told[0].lifts} == {"mobile", "desktop", "tablet"}
    assert {each.value for each in told[1].lifts} == {"mobile", "desktop"}  # 19 tablets are expected
    assert (told[0].n_tested, told[0].n_suppressed) == (5, 3)
    assert f"3 with fewer than {MIN_USERS} expected users left out" in told[0].statement


def test_personas_that_cannot_be_told_apart_have_no_lifts():
    told = lift({"device": ["mobile", "desktop"] * 300}, np.full((600, 2), 0.5))
    assert [each.lifts for each in told] == [(), ()]
    assert told[0].n_suppressed == 4


def test_a_value_that_no_user_of_a_persona_has_keeps_an_interval():
    device = ["mobile"] * 300 + ["desktop"] * 300
    (mine, _) = lift({"device": device}, np.eye(2)[np.repeat([0, 1], 300)])
    (desktop,) = [each for each in mine.lifts if each.value == "desktop"]
    assert desktop.lift == pytest.approx(0, abs=1e-6)
    assert desktop.interval[0] == 0
    assert 0 < desktop.interval[1] < 0.05
    assert desktop.notable
