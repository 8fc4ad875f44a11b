from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from persona_tui.engine.errors import DataError, SimulationError, UnknownNameError
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation import event_values
from persona_tui.engine.simulation.baseline import Baseline
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.event_values import FEWEST_AMOUNTS, value_of
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.measures import Measures
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows
from persona_tui.engine.statistics import interval


def shop(n_first=40, n_second=10, **columns):
    """Return a log of users who view twice and order; the first view pays 1, orders 10 or 20.

    After the order comes another one, of 999, that no journey keeps.
    """
    rows = []
    for number in range(n_first + n_second):
        price = 10.0 if number < n_first else 20.0
        amounts = [1.0, None, price, 999.0]
        for step, (event, amount) in enumerate(zip(["view", "view", "order", "order"], amounts, strict=True)):
            time = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=step)
            metadata = f'{{"net": {amount}, "plan": "team"}}' if amount else None
            rows.append((f"u{number:03}", "s", time, event, amount, metadata))
    names = ["user_id", "session_id", "timestamp", "event_type", "paid", "metadata"]
    frame = pl.DataFrame(rows, schema=names, orient="row").sample(fraction=1.0, shuffle=True, seed=1)
    return frame.with_columns(**columns)


def simulator_of(events, n_first=None, unit="user"):
    segmentation = None
    if n_first is not None:
        users = tuple(sorted(set(events["user_id"])))
        memberships = np.eye(2)[(np.arange(len(users)) >= n_first).astype(int)]
        segmentation = SegmentationResult(
            user_ids=users,
            names=("thrifty", "rich"),
            memberships=memberships,
            fitted_memberships=memberships,
            mixture=None,
            selection=None,
        )
    generator = MarkovPersonaGenerator.from_events(events, segmentation=segmentation, prior=0.0)
    return ProductFlowSimulator(generator, completion_events={"order"}, unit=unit, censor=False)


@pytest.mark.parametrize("unit", ["user", "session"])
def test_an_event_is_worth_the_mean_of_its_column_up_to_completion(unit):
    events = shop()
    found = value_of("order=paid", events, simulator_of(events, unit=unit))
    assert found.amounts[0, 0] == pytest.approx((40 * 10 + 10 * 20) / 50)
    assert (found.n_observed, found.n_missing) == ((50,), (0,))


def test_events_without_an_amount_count_as_missing():
    events = shop()
    found = value_of("view=paid", events, simulator_of(events))
    assert found.amounts[0, 0] == 1
    assert (found.n_observed, found.n_missing) == ((50,), (50,))


def test_a_key_of_the_metadata_serves_as_a_column():
    events = shop()
    for source in ("net", "paid", '"paid"'):
        assert value_of(f"order={source}", events, simulator_of(events)).amounts[0, 0] == pytest.approx(12)


def test_text_that_holds_numbers_serves_as_a_column():
    events = shop(text=pl.col("paid").cast(pl.String).fill_null(" "))
    assert value_of("order=text", events, simulator_of(events)).amounts[0, 0] == pytest.approx(12)


def test_a_persona_with_few_amounts_is_drawn_to_the_mean_of_all():
    events = shop()
    found = value_of("order=paid", events, simulator_of(events, n_first=40))
    shrunk = (10 * 20 + (FEWEST_AMOUNTS - 10) * 12) / FEWEST_AMOUNTS
    assert found.amounts[:, 0] == pytest.approx([10, shrunk])


def test_a_stated_amount_holds_for_every_persona():
    events = shop()
    found = value_of('order=49.9, "view"=-0.5', events, simulator_of(events, n_first=40))
    assert found.events == ("order", "view")
    np.testing.assert_array_equal(found.amounts, [[49.9, -0.5]] * 2)


def test_value_per_journey_of_the_control_is_what_the_journeys_of_the_log_brought():
    events = shop(40, 40)
    simulator = simulator_of(events, n_first=40)
    values = value_of("order=paid,view=2", events, simulator)
    measured = Measures(unit="user", values=values).of(simulator.flow)["value_per_journey"]
    assert measured == pytest.approx([10 + 2 * 2, 20 + 2 * 2])
    assert solve(simulator.flow).converted == pytest.approx(1)


def shop_of_many_prices(n_users=400, spread=1.5):
    """Return a log of users who view, of whom half order, at log-normal prices, and what each paid."""
    generator = np.random.default_rng(3)
    paid = np.where(generator.random(n_users) < 0.5, generator.lognormal(3, spread, n_users), np.nan)
    rows = []
    for number, price in enumerate(paid.tolist()):
        begin = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(minutes=number)
        rows.append((f"u{number:03}", "s", begin, "view", None))
        if not np.isnan(price):
            rows.append((f"u{number:03}", "s", begin + timedelta(seconds=9), "order", price))
    names = ["user_id", "session_id", "timestamp", "event_type", "paid"]
    return pl.DataFrame(rows, schema=names, orient="row"), np.nan_to_num(paid)


def value_interval(text, events, n_draws=400):
    simulator, seed = simulator_of(events), normalise_seed(0)
    draws = draw_flows(simulator, n_draws, seed)
    values = value_of(text, events, simulator, n_draws=n_draws, random_state=seed)
    baseline = Baseline(simulator=simulator, draws=draws, measures=Measures(unit="user", values=values))
    evaluated = baseline.evaluate(baseline.drawn(), FlowModification())
    return interval(evaluated.pooled("control", "value_per_journey", np.ones(1)))


def test_the_interval_of_value_is_that_of_a_bootstrap_over_the_users():
    events, paid = shop_of_many_prices()
    low, high = value_interval("order=paid", events)
    weights = np.random.default_rng(5).dirichlet(np.ones(len(paid)), size=4_000)
    wanted_low, wanted_high = interval(weights @ paid)
    assert high - low == pytest.approx(wanted_high - wanted_low, rel=0.15)
    assert low < paid.mean() < high
    held = value_interval("order=20", events)
    assert held[1] - held[0] < (high - low) / 2


def test_a_stated_amount_is_the_same_in_every_draw():
    events = shop()
    simulator = simulator_of(events)
    assert value_of("order=5", events, simulator, n_draws=10, random_state=0).drawn is None
    both = value_of("order=paid,view=2", events, simulator, n_draws=10, random_state=0)
    assert both.drawn.shape == (10, 1, 2)
    np.testing.assert_array_equal(both.drawn[..., 1], 2)
    assert both.drawn[:, 0, 0].std() > 0


def test_drawn_amounts_depend_on_the_seed_alone():
    events, _ = shop_of_many_prices(100)
    simulator = simulator_of(events)
    first, again, other = (
        value_of("order=paid", events, simulator, n_draws=90, random_state=seed).drawn for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_amounts_are_drawn_alike_in_whatever_memory(monkeypatch):
    monkeypatch.setattr(event_values, "_BLOCK_BYTES", 1)
    events, paid = shop_of_many_prices()
    low, high = value_interval("order=paid", events)
    wanted_low, wanted_high = interval(np.random.default_rng(5).dirichlet(np.ones(400), size=4_000) @ paid)
    assert high - low == pytest.approx(wanted_high - wanted_low, rel=0.15)


def test_amounts_and_conversion_are_drawn_with_the_same_weights():
    rows = [
        [f"u{n:03}", "s", datetime(2026, 1, 5, tzinfo=UTC), "order", 10.0 if n < 50 else 20.0]
        for n in range(99)
    ]
    looks = [[f"u{n:03}", "s", datetime(2026, 1, 4, tzinfo=UTC), "view", None] for n in range(50)]
    names = ["user_id", "session_id", "timestamp", "event_type", "paid"]
    events = pl.DataFrame(rows + looks, schema=names, orient="row")
    simulator, seed = simulator_of(events), normalise_seed(0)
    draws = draw_flows(simulator, 60, seed)
    found = value_of("order=paid", events, simulator, n_draws=60, random_state=seed)
    starts = np.concatenate([flow.starts for flow, _ in draws.blocks()])
    viewed = starts[:, 0, simulator.flow.index("view")]
    assert found.drawn[:, 0, 0] == pytest.approx(10 * viewed + 20 * (1 - viewed))


def test_values_of_fewer_draws_than_the_flow_are_refused():
    events = shop()
    simulator = simulator_of(events)
    values = value_of("order=paid", events, simulator, n_draws=10, random_state=0)
    draws = draw_flows(simulator, 20, normalise_seed(0))
    baseline = Baseline(simulator=simulator, draws=draws, measures=Measures(unit="user", values=values))
    with pytest.raises(SimulationError, match="10 draws, the flow 20"):
        list(baseline.drawn())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("order", "'order' is not EVENT=NUMBER"),
        ("order=", "is not EVENT=NUMBER"),
        ("=5", "is not EVENT=NUMBER"),
        ("order=5,order=6", "'order' is given twice"),
        ("order=nan", "nan is not a finite number"),
        ("order=1e999", "1e999 is not a finite number"),
        ('"order=5', "not EVENT=NUMBER|not closed"),
        ("order=plan", "'plan' is no finite number at 50 of 50 'order' events.*for example 'team'"),
        ("order=when", "'when' is no finite number"),
        ("view=empty", "None of the 100 'view' events of the journeys has a 'empty'"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused(text, message):
    events = shop(when=pl.col("timestamp"), empty=pl.lit(None, dtype=pl.Float64))
    with pytest.raises(DataError, match=message):
        value_of(text, events, simulator_of(events))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ordre=5", "Unknown event 'ordre'.*Did you mean 'order'"),
        ("order=payed", "Unknown column or metadata key 'payed'.*Did you mean 'paid'"),
        ("order=nett", "Did you mean 'net'"),
        ("order=user_id", "Unknown column or metadata key 'user_id'"),
    ],
)
def test_an_unknown_name_suggests_the_nearest(text, message):
    events = shop()
    with pytest.raises(UnknownNameError, match=message):
        value_of(text, events, simulator_of(events))


def test_another_log_is_refused():
    events = shop()
    with pytest.raises(DataError, match="not those that the flow was estimated from"):
        value_of("order=paid", events.head(100), simulator_of(events))


def test_metadata_that_is_no_record_has_no_keys():
    events = shop(metadata=pl.lit("[1, oops"))
    with pytest.raises(UnknownNameError, match="Known: paid"):
        value_of("order=net", events, simulator_of(events))
