"""The sample log, loaded, cut and counted once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.samples import make_sample_log
from persona_tui.engine.data.sequences import Sequences, encode_sequences
from persona_tui.engine.modeling.counts import TransitionCounts, count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys

SAMPLE_CSV = Path(__file__).parents[2] / "data" / "sample_events.csv"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """The sample log in the forms that tests start from."""

    events: pl.DataFrame
    sequences: Sequences
    counts: TransitionCounts
    whole_counts: TransitionCounts
    truth: list[str]


@pytest.fixture(scope="session")
def sample() -> Sample:
    events = load_event_log_csv(SAMPLE_CSV)
    sequences = encode_sequences(events)
    cut = cut_journeys(sequences, completion={"signup_complete"}, drop={"drop_off"})
    return Sample(
        events=events,
        sequences=sequences,
        counts=count_transitions(cut),
        whole_counts=count_transitions(cut_journeys(sequences)),
        truth=make_sample_log(0).personas.sort("user_id")["persona"].to_list(),
    )
