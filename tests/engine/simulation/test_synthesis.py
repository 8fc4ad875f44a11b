"""Synthetic logs: what they hold, and that the same personas are found in them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score
from support import logs

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.data.writers import write_parquet
from persona_tui.engine.errors import RunCancelled, SimulationError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import SegmentationResult, find_personas
from persona_tui.engine.progress import Progress
from persona_tui.engine.simulation import synthesis
from persona_tui.engine.simulation.effects import Retime
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import expected_visits, solve
from persona_tui.engine.simulation.log_generator import LogGenerator, fit_log_generator
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.privacy import PrivacyRule, measure_reproduction
from persona_tui.engine.simulation.synthesis import shown_sequences, synthesize_log
from persona_tui.engine.statistics import largest_remainder

NOTHING = PrivacyRule(length=10**9)
Fit = tuple[SegmentationResult, ProductFlowSimulator]


def fit(events: pl.DataFrame, unit: str = "user") -> Fit:
    sequences = encode_sequences(events)
    cut = cut_journeys(sequences, unit=unit, completion={"signup_complete"}, drop={"drop_off"})  # type: ignore[arg-type]
    counts = count_transitions(cut)
    segmentation = find_personas(counts, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sequences, segmentation)
    return segmentation, ProductFlowSimulator.from_counts(generator, counts)


def events_of(generator: LogGenerator, n_users: int, seed: int = 0, **options) -> pl.DataFrame:
    return pl.concat([b.events for b in synthesize_log(generator, n_users, random_state=seed, **options)])


@pytest.fixture(scope="module", params=["user", "session"])
def fitted(request, sample) -> Fit:
    return fit(sample.events, request.param)


@pytest.fixture(scope="module")
def generator(fitted) -> LogGenerator:
    return fit_log_generator(fitted[1])


@pytest.fixture(scope="module")
def written(generator) -> pl.DataFrame:
    return events_of(generator, 2000)


@pytest.fixture(scope="module")
def reloaded(written, tmp_path_factory) -> pl.DataFrame:
    path = tmp_path_factory.mktemp("synthetic") / "log.parquet"
    write_parquet(iter([written]), path)
    loaded = load_event_log(path)
    assert loaded.quality.sentences() == []
    return loaded.events


@pytest.fixture(scope="module")
def refitted(reloaded, fitted) -> Fit:
    return fit(reloaded, fitted[1].unit)


def test_the_same_personas_are_found_in_it(fitted, refitted, reloaded, sample):
    by_user = reloaded.group_by("user_id").agg(pl.col("persona").first()).sort("user_id")
    found = adjusted_rand_score(by_user["persona"].to_list(), refitted[0].labels)
    real = adjusted_rand_score(sample.truth, fitted[0].labels)
    assert refitted[0].n_clusters == fitted[0].n_clusters
    assert found > real - 0.02


def test_the_chains_of_its_personas_are_near_those_it_was_written_with(fitted, refitted):
    before, after = fitted[1].flow, refitted[1].flow
    assert before.states == after.states
    visits, _ = expected_visits(before.starts, before.transitions, None)
    gaps = np.abs(before.transitions[:, None] - after.transitions[None]).sum(axis=-1) / 2
    per_move = (visits[:, None] * gaps).sum(axis=-1) / visits.sum(axis=-1)[:, None]
    mine, other = linear_sum_assignment(per_move)
    assert per_move[mine, other].max() < 0.06
    assert solve(after).converted[other] == pytest.approx(solve(before).converted[mine], abs=0.07)
    assert refitted[1].shares[other] == pytest.approx(fitted[1].shares[mine], abs=0.03)


def test_nothing_protected_is_in_it(fitted, refitted):
    assert measure_reproduction(fitted[1].journeys, refitted[1].journeys).n_synthetic == 0


def test_the_real_log_would_be_reproduced_without_the_rule(fitted):
    free = fit_log_generator(fitted[1], rule=NOTHING)
    n_types = len(fitted[1].journeys.vocabulary)
    tally = next(synthesize_log(free, 2000, random_state=0)).tally
    assert tally.n_redrawn == 0
    events = events_of(free, 2000)
    assert events["event_type"].n_unique() == n_types
    again = cut_journeys(
        encode_sequences(events), unit=fitted[1].unit, completion={"signup_complete"}, drop={"drop_off"}
    )
    assert measure_reproduction(fitted[1].journeys, again).n_synthetic > 0


def test_protected_sequences_are_counted_on_the_rows_as_written(fitted, generator):
    free = fit_log_generator(fitted[1], rule=NOTHING)
    unit, events = fitted[1].unit, events_of(free, 2000)
    again = cut_journeys(
        encode_sequences(events), unit=unit, completion={"signup_complete"}, drop={"drop_off"}
    )
    shown = shown_sequences(events, generator.rare, unit)
    assert shown.sum() == measure_reproduction(fitted[1].journeys, again).n_reproduced > 0
    tallies = [block.tally for block in synthesize_log(generator, 2000, random_state=0)]
    assert not sum(tallies[1:], tallies[0]).shown.any()


def test_its_conversion_is_the_exact_one(generator):
    tallies = [block.tally for block in synthesize_log(generator, 40_000, random_state=1)]
    total = sum(tallies[1:], tallies[0])
    exact = generator.conversion()
    error = np.sqrt(exact * (1 - exact) / total.n_journeys)
    assert (np.abs(total.n_converted / total.n_journeys - exact) < 4 * error).all()
    pooled = generator.journey_shares @ exact
    spread = np.sqrt(pooled * (1 - pooled) / total.n_journeys.sum())
    assert abs(total.n_converted.sum() / total.n_journeys.sum() - pooled) < 4 * spread


def test_users_come_back_as_often_as_in_the_log(fitted, written, sample):
    def sessions(events: pl.DataFrame, simulator: ProductFlowSimulator) -> float:
        return simulator.journeys.n_journeys / simulator.generator.sequences.n_users

    if fitted[1].unit == "session":
        real = sessions(sample.events, fitted[1])
        synthetic = written["session_id"].n_unique() / written["user_id"].n_unique()
        assert synthetic == pytest.approx(real, abs=0.08)
    else:
        moves = fitted[1].flow
        visits, _ = expected_visits(moves.starts, moves.transitions, None)
        returns = float(fitted[1].shares @ visits[:, moves.states.index("return")])
        assert written["session_id"].n_unique() / 2000 == pytest.approx(1 + returns, abs=0.08)


def test_nothing_follows_a_completion_and_time_moves_on(written, generator):
    first, last = (pl.lit(time).cast(pl.Datetime("us", "UTC")) for time in (generator.first, generator.last))
    is_last = pl.col("session_id").is_last_distinct()
    after = written.filter((pl.col("event_type").cast(pl.String) == "signup_complete") & ~is_last)
    by_user = written.group_by("user_id", maintain_order=True).agg(
        rising=(pl.col("timestamp").diff().drop_nulls() > pl.duration(microseconds=0)).all(),
        arrived=pl.col("timestamp").first().is_between(first, last),
    )
    assert after.is_empty()
    assert by_user["rising"].all()
    assert by_user["arrived"].all()


def test_users_are_numbered_and_personas_alternate_in_proportion(generator, monkeypatch):
    monkeypatch.setattr(synthesis, "USERS_PER_BLOCK", 150)
    blocks = list(synthesize_log(generator, 1000, random_state=0))
    users = pl.concat([block.events for block in blocks]).unique("user_id", maintain_order=True)
    expected = largest_remainder(generator.user_shares, 1000)
    assert len(blocks) == 7
    assert users["user_id"].to_list() == [f"synthetic_{number:07}" for number in range(1, 1001)]
    assert sum(block.tally.n_users for block in blocks).tolist() == expected.tolist()
    for block in blocks:
        assert np.abs(block.tally.n_users - expected / 7).max() <= 1


def test_the_same_seed_gives_the_same_log_and_another_seed_another(generator):
    assert events_of(generator, 300, 5).equals(events_of(generator, 300, 5))
    assert not events_of(generator, 300, 5).equals(events_of(generator, 300, 6))


def test_inserted_steps_and_friction_are_told_by_their_names(fitted):
    change = FlowModification(additional_steps=1, friction_factor=0.3)
    changed = fit_log_generator(fitted[1], change)
    events = events_of(changed, 2000)
    seen = events["event_type"].cast(pl.String).value_counts()
    assert {"added_step_1", "friction_drop"} <= set(seen["event_type"])
    tally = next(synthesize_log(changed, 2000, random_state=0)).tally
    exact = float(changed.journey_shares @ solve(change.apply(fitted[1].flow)).converted)
    n = tally.n_journeys.sum()
    assert abs(tally.n_converted.sum() / n - exact) < 4 * np.sqrt(exact * (1 - exact) / n)


def test_journeys_are_cut_where_that_is_asked_for(generator):
    (block,) = synthesize_log(generator, 200, max_length=3, random_state=0)
    assert block.tally.n_truncated > 0
    assert block.events.group_by("session_id").len()["len"].max() <= 3


@given(logs(), st.sampled_from(["user", "session"]), st.integers(1, 30))
@settings(max_examples=30)
def test_any_small_log_can_be_imitated(log, unit, n_users):
    events = set(log["event_type"])
    if "x" not in events:
        return
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log),
        completion_events={"x"},
        drop_events={"d"} & events,
        unit=unit,
    )
    written = events_of(fit_log_generator(simulator, rule=NOTHING), n_users)
    assert written["user_id"].n_unique() == n_users
    assert set(written["event_type"].cast(pl.String)) <= events


def test_every_bound_is_named(generator):
    for wrong, text in (
        ({"n_users": 0}, "n_users == 0, must be >= 1"),
        ({"n_users": 10**10}, "must be <= 10"),
    ):
        with pytest.raises(SimulationError, match=text):
            next(synthesize_log(generator, **wrong))
    with pytest.raises(SimulationError, match="max_length == 0"):
        next(synthesize_log(generator, 5, max_length=0))


def test_it_stops_between_blocks_when_told_to(generator, monkeypatch):
    monkeypatch.setattr(synthesis, "USERS_PER_BLOCK", 100)

    def stop(progress: Progress) -> None:
        if progress.done:
            raise RunCancelled

    blocks = synthesize_log(generator, 1000, random_state=0, on_progress=stop)
    next(blocks)
    with pytest.raises(RunCancelled):
        next(blocks)


def test_steps_that_take_longer_do_so_in_the_log(fitted):
    slower = FlowModification(effects=(Retime(factor=10, at=("form_step_1",)),))
    means = []
    for modification in (None, slower):
        events = events_of(fit_log_generator(fitted[1], modification), 300, max_length=500)
        after = events.shift(-1)
        spent = (after["timestamp"] - events["timestamp"]).dt.total_microseconds()
        slow = events["event_type"].cast(pl.String) == "form_step_1"
        stays = after["session_id"] == events["session_id"]
        means.append([spent.filter(stays & slow).mean(), spent.filter(stays & ~slow).mean()])
    assert means[1][0] / means[0][0] == pytest.approx(10, rel=0.01)
    assert means[1][1] / means[0][1] == pytest.approx(1, rel=0.01)
