import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts_of_logs import parts_by_user

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.data.step_matrix import ENDED, count_steps, join_step_matrices
from persona_tui.engine.errors import DataError

units = st.sampled_from(["user", "session"])


@given(data=st.data(), unit=units, n_steps=st.integers(1, 8))
def test_the_step_matrix_follows_its_definition(small_logs, data, unit, n_steps):
    log = data.draw(small_logs)
    journeys = {}
    for user, session, _, event in sorted(log.rows(), key=lambda row: row[2]):
        journeys.setdefault(user if unit == "user" else (user, session), []).append(event)
    found = count_steps(encode_sequences(log), n_steps, unit)
    for row in found.table().iter_rows(named=True):
        for step in range(n_steps):
            at = [each[step] if step < len(each) else ENDED for each in journeys.values()]
            assert row[str(step + 1)] == at.count(row["event_type"]) / len(at)
    assert np.allclose(found.shares().sum(axis=1), 1)


@given(data=st.data(), unit=units)
def test_the_step_matrices_of_parts_add_up(small_logs, data, unit):
    log = data.draw(small_logs)
    whole = count_steps(encode_sequences(log), 5, unit)
    joined = join_step_matrices(count_steps(part, 5, unit) for part in parts_by_user(log))
    assert joined.table().equals(whole.table())


def test_the_commonest_event_comes_first_and_the_ended_last(make_log):
    log = make_log([("u", "1", 0, "b"), ("u", "1", 1, "b"), ("v", "2", 0, "a")])
    assert count_steps(encode_sequences(log), 2).table()["event_type"].to_list() == ["b", "a", ENDED]


def test_a_matrix_has_a_step(make_log):
    with pytest.raises(DataError, match="n_steps == 0"):
        count_steps(encode_sequences(make_log([("u", "1", 0, "a")])), 0)
