"""Who personas are: every figure against what was planted, or against a plain count."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from support import make_log

from persona_tui.engine.analytics.cards import build_persona_cards
from persona_tui.engine.analytics.profiles import describe_personas
from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import cluster_event_sequences, find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.membership_draws import sum_by_persona, user_memberships
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows

SEED = normalise_seed(0)
N_USERS = 400
MOBILE = (0.8, 0.3)
"""Share of mobile users among readers and among buyers."""


def planted_log(seed=0, *, mobile=MOBILE):
    """Return a log of readers, who go back and forth, and buyers, who go straight; half are each."""
    generator = np.random.default_rng(seed)
    journeys, devices = {}, {}
    for number in range(N_USERS):
        name = f"u{number:03}"
        reader = number % 2 == 0
        rounds = int(generator.integers(2, 5))
        if reader:
            sessions = [["home", *["article", "list"] * rounds]] * 2
        else:
            sessions = [["home", "price", "form", *["buy"] * int(generator.random() < 0.7)]]
        journeys[name] = sessions
        devices[name] = "mobile" if generator.random() < mobile[not reader] else "desktop"
    log = make_log(journeys)
    table = {"user_id": list(devices), "device": list(devices.values())}
    return log.join(pl.DataFrame(table), on="user_id")


def fit(log, *, completion=frozenset({"buy"}), n_clusters=2, unit="user", n_draws=80, segmentation=None):
    sequences = encode_sequences(log)
    counts = count_transitions(cut_journeys(sequences, unit=unit, completion=completion, censor=False))
    segmentation = segmentation or find_personas(counts, n_clusters, random_state=0)
    simulator = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(sequences, segmentation),
        counts,
        attributes=attributes_of(log, sequences, completion=completion),
    )
    return simulator, segmentation, draw_flows(simulator, n_draws, SEED)


@pytest.fixture(scope="module")
def fitted():
    return fit(planted_log())


@pytest.fixture(scope="module")
def profiles(fitted):
    return describe_personas(*fitted)


@pytest.fixture(scope="module")
def readers(profiles):
    return next(each for each in profiles if "article" in each.typical_journey)


@pytest.fixture(scope="module")
def buyers(profiles):
    return next(each for each in profiles if "price" in each.typical_journey)


def intervals_of(profile):
    """Yield each value of a profile with its interval."""
    card, early = profile.card, profile.early_conversion
    yield card.share, card.share_interval
    yield card.conversion, card.conversion_interval
    yield profile.user_share, profile.user_share_interval
    if early.value is not None:
        yield early.value, early.interval
    for each in profile.traits:
        if each.effect is not None:
            yield each.effect, each.interval
    for each in (*profile.attributes.lifts, *profile.signature, *profile.paths):
        yield each.lift, each.interval


def test_every_value_lies_within_its_interval(profiles):
    for profile in profiles:
        for value, (low, high) in intervals_of(profile):
            assert low - 1e-3 <= value <= high + 1e-3  # a share of none is refitted in every draw


def test_the_same_draws_give_the_same_profiles(fitted, profiles):
    assert describe_personas(*fitted) == profiles


def test_shares_sum_to_one(profiles):
    assert sum(each.user_share for each in profiles) == pytest.approx(1)
    assert sum(each.card.share for each in profiles) == pytest.approx(1)


def test_a_planted_attribute_is_found_with_its_lift(readers, buyers):
    for profile, share in ((readers, MOBILE[0]), (buyers, MOBILE[1])):
        (mobile,) = [each for each in profile.attributes.lifts if each.value == "mobile"]
        low, high = mobile.interval
        assert low <= share / np.mean(MOBILE) <= high
        assert mobile.notable


def test_the_multiplicity_of_tests_is_stated(readers):
    assert readers.attributes.n_tested == 4
    assert readers.attributes.statement.startswith("q controlled by Benjamini–Hochberg over 4 cells")


def test_traits_have_the_planted_direction(readers, buyers):
    traits = {each.name: each for each in readers.traits}
    assert traits["depth"].effect > 0.8
    assert traits["depth"].magnitude == "large"
    assert traits["back_steps"].effect > 0.8
    assert traits["exploration"].effect < -0.8
    for one, other in zip(readers.traits, buyers.traits, strict=True):
        if one.effect is not None:
            assert one.effect == pytest.approx(-other.effect)
            assert one.mean == pytest.approx(other.others_mean)


def test_a_trait_that_all_share_has_no_effect(readers):
    (morning,) = [each for each in readers.traits if each.name == "morning"]
    assert morning.effect is None
    assert morning.mean == pytest.approx(0.0)


def test_paths_do_not_hold_what_the_others_do(readers, buyers):
    assert any(each.events[:2] in {("article", "list"), ("home", "article")} for each in readers.paths)
    assert [each.events for each in buyers.paths] == [("home", "price", "form")]
    assert all(each.lift > 1 for profile in (readers, buyers) for each in profile.paths)


def test_the_typical_journey_follows_the_likeliest_moves(buyers):
    assert buyers.typical_journey == ("home", "price", "form", "buy")


def test_early_conversion_counts_users_by_their_first_events(buyers, fitted):
    journeys = fitted[0].journeys
    assert buyers.early_conversion.n_users == N_USERS // 2
    assert buyers.early_conversion.value == pytest.approx(2 * journeys.observed_conversion)


def test_typical_users_are_of_the_persona(readers):
    assert len(readers.typical_users) == 3
    for user in readers.typical_users:
        assert int(user.user_id[1:]) % 2 == 0
        assert max(user.memberships) == user.memberships[readers.card.id - 1]
        assert user.path[:2] == ("home", "article")


def test_one_persona_has_no_others_to_differ_from():
    (profile,) = describe_personas(*fit(planted_log(), n_clusters=1))
    assert all(each.effect is None for each in profile.traits)
    assert profile.attributes.lifts == profile.signature == profile.paths == profile.borderline_users == ()
    assert profile.user_share == 1


def test_a_log_without_attributes_says_so():
    (profile, _) = describe_personas(*fit(planted_log().drop("device")))
    assert profile.attributes.statement == "There is no attribute to compare personas by."


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (["same"] * N_USERS, "has one value"),
        ([None] * N_USERS, "has no value"),
        ([f"v{number}" for number in range(N_USERS)], None),
    ],
)
def test_attributes_without_groups_are_told(values, reason):
    users = pl.DataFrame(
        {"user_id": [f"u{n:03}" for n in range(N_USERS)], "other": values},
        schema_overrides={"other": pl.String},
    )
    (profile, _) = describe_personas(*fit(planted_log().join(users, on="user_id"), n_draws=10))
    assert profile.attributes.left_out.get("other") == reason
    assert {each.attribute for each in profile.attributes.lifts} == {"device"}
    assert profile.attributes.n_suppressed == (2 * N_USERS if reason is None else 0)


def test_clusters_of_another_clusterer_are_described_too():
    from sklearn.cluster import KMeans

    log = planted_log()
    segmentation = cluster_event_sequences(log, clusterer=KMeans(2, n_init=1, random_state=0))
    profiles = describe_personas(*fit(log, segmentation=segmentation))
    for profile in profiles:
        assert profile.user_share == pytest.approx(0.5)
        (mobile,) = [each for each in profile.attributes.lifts if each.value == "mobile"]
        assert mobile.n_users == round(mobile.n_users)


def test_user_shares_differ_from_journey_shares_where_sessions_do():
    profiles = describe_personas(*fit(planted_log(), unit="session"))
    reader = next(each for each in profiles if "article" in each.typical_journey)
    assert reader.user_share == pytest.approx(0.5, abs=0.02)
    assert reader.card.share == pytest.approx(2 / 3, abs=0.02)


def test_cards_hold_what_profiles_hold(fitted, profiles):
    assert build_persona_cards(*fitted) == tuple(each.card for each in profiles)


def test_draws_sum_the_weights_that_the_flow_was_drawn_with(fitted):
    from scipy.sparse import csr_array

    simulator, _, draws = fitted
    sums = sum_by_persona(draws, {"users": csr_array(np.ones((N_USERS, 1)))})
    drawn = sums.drawn["users"][..., 0]
    assert drawn.sum(axis=1) == pytest.approx(N_USERS, rel=1e-4)
    assert drawn / N_USERS == pytest.approx(draws.shares, abs=2e-3)
    assert sums.fitted["users"][:, 0] == pytest.approx(user_memberships(simulator).sum(axis=0))
    assert sums.overlap.sum() == pytest.approx(N_USERS)
    assert sums.drawn_overlap.sum(axis=-1) == pytest.approx(drawn, rel=1e-3)
    assert sums.drawn_overlap == pytest.approx(sums.drawn_overlap.swapaxes(1, 2))


def test_intervals_of_shares_are_as_wide_as_the_sampling_error(profiles):
    low, high = profiles[0].user_share_interval
    assert (high - low) / (2 * 1.96) == pytest.approx(np.sqrt(0.25 / N_USERS), rel=0.25)


def test_attributes_dealt_at_random_are_seldom_notable():
    simulator, segmentation, draws = fit(planted_log(), n_draws=20)
    notable = 0
    for seed in range(60):
        generator = np.random.default_rng(seed)
        table = simulator.attributes.table.with_columns(
            device=pl.Series(generator.choice(["a", "b", "c"], N_USERS))
        )
        attributes = replace(simulator.attributes, table=table)
        profiles = describe_personas(replace(simulator, attributes=attributes), segmentation, draws)
        notable += any(each.notable for each in profiles[0].attributes.lifts)
    assert notable <= 8  # 5 % of 60 is 3; eight or more have a chance of 1 %


@pytest.mark.real
def test_personas_of_a_real_log_add_up_to_the_log(real_log):
    log = load_event_log_csv(real_log("online_wizard"))
    simulator, segmentation, draws = fit(log, completion={"confirm"}, n_clusters=3, n_draws=20)
    profiles = describe_personas(simulator, segmentation, draws)
    sessions = log.group_by("user_id").agg(pl.col("session_id").n_unique())["session_id"]
    returns = [each for profile in profiles for each in profile.traits if each.name == "returns"]
    shares = [profile.user_share for profile in profiles]
    assert np.dot(shares, [each.mean for each in returns]) == pytest.approx((sessions > 1).mean())
    lifts = [each for profile in profiles for each in profile.attributes.lifts]
    assert {each.attribute for each in lifts} >= {"gendr", "num_accts"}
    assert profiles[0].attributes.n_tested == len(lifts)
    assert profiles[0].attributes.left_out == dict.fromkeys(["clnt_age", "bal"], "is a number with fractions")


def test_rates_of_events_add_up_to_what_was_done(fitted, profiles):
    simulator, _, _ = fitted
    journeys = simulator.moved[:, simulator.counts.moves < simulator.counts.n_states].sum(axis=1)
    done = journeys @ np.array([each.event_rates for each in profiles])
    events = simulator.generator.sequences.codes
    assert done == pytest.approx(np.bincount(events, minlength=len(done)))
