import numpy as np
import pytest
from planted_weeks import plant_weeks

from persona_tui.engine.evaluation.representation import check_representation
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys


def counted(seed, *, n_weeks=6):
    return count_transitions(
        cut_journeys(plant_weeks(seed, n_weeks=n_weeks), completion={"buy"}, censor=False)
    )


def test_groups_by_lot_are_represented():
    for seed in range(2):
        counts = counted(seed)
        lot = np.random.default_rng(seed).integers(0, 4, len(counts.row_of_user))
        groups = [(f"g{number}", lot == number) for number in range(4)]
        assert all(each.is_represented for each in check_representation(counts, groups, 2, random_state=0))


def test_a_small_group_that_walks_otherwise_is_found():
    """Sixty of 780 users go from reading to searching and back, as nobody else does."""
    counts = counted(5)
    log = plant_weeks(5, n_weeks=6)
    odd = np.arange(log.n_users) < 60
    place = np.arange(len(log.codes)) - np.searchsorted(log.users, log.users)
    ends = np.append(np.diff(log.users) != 0, True) & (log.codes == 0)
    codes = np.where(odd[log.users] & ~ends, np.array([2, 3])[place % 2], log.codes).astype(np.int32)
    import dataclasses

    counts = count_transitions(
        cut_journeys(dataclasses.replace(log, codes=codes), completion={"buy"}, censor=False)
    )
    found = check_representation(counts, [("odd", odd), ("others", ~odd)], 2, random_state=0)
    assert not found[0].is_represented
    assert found[1].is_represented
    assert found[0].gap == pytest.approx(found[0].bits - found[0].own_bits)
    assert found[0].interval[0] > 0


def test_no_group_gives_no_finding():
    assert check_representation(counted(1), [], 2, random_state=0) == ()
