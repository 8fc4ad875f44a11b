from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from persona_tui.engine.errors import DataError, UnknownNameError
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.event_values import FEWEST_AMOUNTS, value_of
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.measures import Measures
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator


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


def test_weights_of_users_weigh_their_amounts():
    events = shop(40, 40)
    simulator = simulator_of(events)
    weights = np.stack([np.ones(80), np.repeat([1.0, 3.0], 40)])
    found = value_of("order=paid,view=2", events, simulator, weights)
    assert found.amounts.shape == (2, 1, 2)
    assert found.amounts[:, 0, 0] == pytest.approx([15, (10 + 3 * 20) / 4])
    np.testing.assert_array_equal(found.amounts[..., 1], 2)


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
