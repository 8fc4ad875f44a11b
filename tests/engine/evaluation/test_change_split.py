import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from persona_tui.engine.evaluation.change_split import rates_of_kinds, split_change

tables = arrays(float, (3, 4), elements=st.floats(0.01, 1))


@given(tables, tables, tables, tables)
def test_the_parts_add_up_to_the_change(first, second, rates_before, rates_after):
    before, after = (each / each.sum(axis=1, keepdims=True) for each in (first, second))
    mix, behaviour = split_change((before, after), (rates_before, rates_after))
    whole = (after * rates_after).sum(axis=1) - (before * rates_before).sum(axis=1)
    assert mix + behaviour == pytest.approx(whole, abs=1e-12)


def test_a_kind_without_users_has_the_rate_of_all():
    rates = rates_of_kinds(np.array([[4.0, 0.0]]), np.array([[1.0, 0.0]]))
    assert rates.tolist() == [[0.25, 0.25]]
