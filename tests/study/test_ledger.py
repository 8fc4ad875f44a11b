"""Foretold and found: the ledger of a study."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.errors import DataError
from persona_tui.study.ledger import LEDGER, SCHEMA, LedgerEntry, read_ledger


def entry(predicted, observed, *, error=0.01, run="r", was_broken=False):
    half = 1.96 * error
    return LedgerEntry(
        entered="2026-03-01T00:00:00Z",
        run=run,
        scenario="change",
        experiment="f",
        source="log.csv",
        treatment="new",
        unit="user",
        predicted=predicted,
        predicted_interval=(predicted - half, predicted + half),
        observed=observed,
        observed_interval=(observed - half, observed + half),
        was_broken=was_broken,
    )


def written(folder, *entries):
    import dataclasses

    lines = [json.dumps({"schema": SCHEMA, **dataclasses.asdict(each)}) for each in entries]
    (folder / LEDGER).write_text("\n".join(lines) + "\n")
    return read_ledger(folder)


@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3), st.floats(0.001, 0.1))
def test_both_agree_where_the_gap_may_be_none(predicted, observed, error):
    each = entry(predicted, observed, error=error)
    assert each.agrees == (abs(observed - predicted) <= each.gap_interval[1] - each.gap)
    assert each.gap_error == pytest.approx(np.sqrt(2) * error, rel=1e-3)


def test_a_study_that_tried_nothing_has_an_empty_ledger(tmp_path):
    assert read_ledger(tmp_path).entries == ()


def test_predictions_twice_too_large_show_as_half(tmp_path):
    entries = [entry(p, p / 2, run=f"r{p}") for p in (0.2, -0.1, 0.3, 0.15)]
    ledger = written(tmp_path, *entries)
    assert ledger.slope == pytest.approx(0.5)
    low, high = ledger.slope_interval
    assert low < 0.5 < high < 1


def test_two_entries_tell_no_slope_and_unfair_lots_count_for_none(tmp_path):
    entries = [entry(0.1, 0.1), entry(0.2, 0.2, run="s"), entry(0.2, -0.2, run="t", was_broken=True)]
    ledger = written(tmp_path, *entries)
    assert ledger.slope is None
    assert len(ledger.fair) == 2


def test_a_damaged_line_is_named(tmp_path):
    (tmp_path / LEDGER).write_text('{"schema": "x"}\n')
    with pytest.raises(DataError, match="damaged in line 1"):
        read_ledger(tmp_path)


def test_where_nothing_was_foretold_there_is_no_slope(tmp_path):
    ledger = written(tmp_path, *(entry(0.0, 0.01, run=f"r{number}") for number in range(3)))
    assert ledger.slope is None
