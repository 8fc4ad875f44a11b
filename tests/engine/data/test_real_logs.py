import polars as pl
import pytest

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.funnel import count_funnel, detect_funnel
from persona_tui.engine.data.sequences import encode_sequences

pytestmark = pytest.mark.real

WIZARD = ("start", "step_1", "step_2", "step_3", "confirm")

ZONE = "times without a zone are read as UTC (--timezone NAME for another)"


@pytest.fixture(scope="module")
def load(real_log):
    loaded = {}

    def load_once(name):
        if name not in loaded:
            log = load_event_log(real_log(name))
            loaded[name] = (log, encode_sequences(log.events))
        return loaded[name]

    return load_once


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("online_wizard", (100_601, 18_015, 5)),
        ("loan_applications", (164_506, 13_087, 23)),
        ("restaurant_guide", (284_543, 20_093, 10)),
    ],
)
def test_every_row_user_and_event_type_is_loaded(load, name, sizes):
    log, sequences = load(name)
    assert (log.events.height, sequences.n_users, len(sequences.vocabulary)) == sizes


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("online_wizard", "2017-03-15", "2017-04-30"),
        ("loan_applications", "2011-09-30", "2012-03-14"),
        ("restaurant_guide", "1996-09", "1999-04"),
    ],
)
def test_times_span_the_period_of_the_log(load, name, first, last):
    times = load(name)[0].events["timestamp"]
    assert str(times.min()).startswith(first)
    assert str(times.max()).startswith(last)


@pytest.mark.parametrize("name", ["online_wizard", "restaurant_guide"])
def test_nothing_needs_repair_where_the_source_has_sessions(load, name):
    assert load(name)[0].quality.sentences() == [ZONE]


def test_sessions_are_cut_where_the_source_has_none(load):
    assert load("loan_applications")[0].quality.repairs == (
        ZONE,
        "sessions cut at 30 idle minutes: the source has none",
    )


def test_a_session_id_of_two_users_is_two_sessions(load):
    log, sequences = load("online_wizard")
    owners = log.events.group_by("session_id").agg(n=pl.col("user_id").n_unique())["n"]
    assert (len(owners), int((owners > 1).sum())) == (23_323, 42)
    assert sequences.n_sessions == owners.sum()


def test_the_sessions_of_the_restaurant_guide_are_counted(load):
    assert load("restaurant_guide")[1].n_sessions == 50_672


@pytest.mark.parametrize(
    ("name", "steps", "rates"),
    [
        ("online_wizard", WIZARD, (0.9963, 0.8381, 0.7784, 0.7236, 0.6309)),
        (
            "loan_applications",
            ("A_SUBMITTED", "A_PREACCEPTED", "A_ACCEPTED", "O_SENT", "O_SENT_BACK", "A_ACTIVATED"),
            (1.0, 0.5629, 0.3907, 0.3832, 0.2486, 0.1716),
        ),
        ("loan_applications", ("A_DECLINED", "A_CANCELLED"), (0.5834, 0.2145)),
        ("restaurant_guide", ("accept",), (0.9261,)),
    ],
)
def test_the_users_who_reach_a_step_are_counted_right(load, name, steps, rates):
    counted = count_funnel(load(name)[1], steps)
    assert [each.rate for each in counted] == pytest.approx(rates, abs=5e-5)


def test_the_users_who_pass_the_wizard_in_order_are_counted_right(load):
    counted = count_funnel(load("online_wizard")[1], WIZARD)
    rates = (0.8354, 0.7745, 0.7170, 0.6238)
    assert [each.rate_in_order for each in counted[1:]] == pytest.approx(rates, abs=3e-4)


def test_the_users_who_start_the_wizard_and_later_confirm_are_counted_right(load):
    assert count_funnel(load("online_wizard")[1], ("start", "confirm"))[1].rate_in_order == pytest.approx(
        0.6272, abs=5e-5
    )


def test_the_steps_of_the_wizard_are_found(load):
    assert detect_funnel(load("online_wizard")[1]) == WIZARD
