"""Users told apart by attributes: nothing changes in control, and effects touch whom they name."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support import logs, make_log, random_flow

from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, SimulationError, UnknownNameError
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.params import format_segment
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.simulation.baseline import Baseline
from persona_tui.engine.simulation.effects import EFFECTS, Friction, MixShift, Reward, parse_effect
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import compare_arms, run_ab_experiment
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.segments import split_by_segments, split_draws
from persona_tui.engine.simulation.uncertainty import DRAWS_PER_BLOCK, draw_flows
from persona_tui.engine.statistics import bootstrap_weights

MOBILE, FREE = "device=mobile", "plan=free"
SEED = normalise_seed(0)
EFFECT_TEXTS = [
    "friction:factor=0.1",
    "insert_steps:count=1",
    "remove_step:event=a",
    "reward:factor=0.1",
    "redirect:source=a,target=b,to=c",
    "retime:factor=2",
]


@pytest.fixture(scope="module")
def simulator(sample):
    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 3, random_state=0)
    )
    attributes = attributes_of(sample.events, sample.sequences)
    return ProductFlowSimulator.from_counts(generator, sample.counts, attributes=attributes)


@pytest.fixture(scope="module")
def draws(simulator):
    return draw_flows(simulator, 50, SEED)


def small_simulator(devices):
    """Return a simulator of as many users as devices; every second user converts."""
    names = [f"u{place:03}" for place in range(len(devices))]
    log = make_log({name: [["a", "x"] if place % 2 else ["a"]] for place, name in enumerate(names)})
    log = log.join(pl.DataFrame({"user_id": names, "device": devices}), on="user_id")
    return ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log),
        completion_events={"x"},
        censor=False,
        attributes=attributes_of(log, encode_sequences(log)),
    )


def pooled(values, shares, cells):
    """Return the mean of values over the chains of each persona, shape (..., n_personas)."""
    return np.stack(
        [
            (values[..., list(own)] * shares[..., list(own)]).sum(-1) / shares[..., list(own)].sum(-1)
            for own in cells
        ],
        axis=-1,
    )


def test_telling_users_apart_hardly_changes_control(simulator, draws):
    split = split_by_segments(simulator, [MOBILE, FREE])
    assert split.persona_names == simulator.names
    assert len(split.names) == len(set(split.names)) == 3 * 4
    converted = pooled(solve(split.flow).converted, split.shares, split.persona_cells)
    assert converted == pytest.approx(solve(simulator.flow).converted, abs=0.004)
    own = [split.shares[list(cells)].sum() for cells in split.persona_cells]
    assert own == pytest.approx(simulator.shares, abs=1e-14)
    assert split.support.sum(axis=0) == pytest.approx(simulator.support.sum(axis=0))
    divided = split_draws(draws, split)
    assert divided.n_draws == draws.n_draws
    moved = divided.moved.reshape(draws.n_draws, 3, 4, -1).sum(axis=2)
    assert moved == pytest.approx(draws.moved)


@given(logs(), st.lists(st.sampled_from(["m", "d"]), min_size=8, max_size=8), st.booleans())
def test_unsmoothed_control_of_each_segment_is_what_was_observed(log, devices, joined):
    assume("x" in set(log["event_type"]))
    users = sorted(set(log["user_id"]))
    table = pl.DataFrame({"user_id": users, "device": devices[: len(users)]})
    log = log.join(table, on="user_id")
    assume(len(set(table["device"])) == 2)
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log, prior=0.0),
        completion_events={"x"},
        unit="user" if joined else "session",
        censor=False,
        attributes=attributes_of(log, encode_sequences(log)),
    )
    split, counts = split_by_segments(simulator, ["device=m"]), simulator.counts
    for chain, device in enumerate(["d", "m"]):
        rows = counts.row_of_user[(table["device"] == device).to_numpy()]
        observed = counts.n_converted[rows].sum() / counts.n_journeys[rows].sum()
        assert solve(split.flow).converted[chain] == pytest.approx(observed, abs=1e-9)


def planted_devices(generator, n_users):
    """Return a log in which mobile users go on from the cart less often, and stay away sooner."""
    onward = {"mobile": (0.5, 0.45), "desktop": (0.85, 0.8)}
    devices = np.where(generator.random(n_users) < 0.5, "mobile", "desktop").tolist()
    journeys = {}
    for user, device in enumerate(devices):
        to_cart, to_order = onward[device]
        steps = ["visit"]
        if generator.random() < to_cart:
            steps.append("cart")
            if generator.random() < to_order:
                steps.append("order")
        journeys[f"u{user:04d}"] = [steps]
    log = make_log(journeys)
    table = pl.DataFrame({"user_id": list(journeys), "device": devices})
    return log.join(table, on="user_id"), onward


def test_an_effect_on_a_segment_is_predicted_from_how_that_segment_walks():
    change = FlowModification(effects=(Friction(factor=0.2, at=("cart",), segment=MOBILE),))
    held, truth = [], -0.5 * 0.5 * 0.45 * 0.2
    for seed in range(12):
        log, _ = planted_devices(np.random.default_rng(seed), 600)
        simulator = ProductFlowSimulator(
            MarkovPersonaGenerator.from_events(log),
            completion_events={"order"},
            censor=False,
            attributes=attributes_of(log, encode_sequences(log)),
        )
        experiment = run_ab_experiment(
            simulator, modification=change, random_state=seed, n_draws=200, solver="exact"
        )
        low, high = experiment.total.uplifts["completion_rate"].data
        held.append(low <= truth <= high)
    assert sum(held) >= 9


def test_groups_are_told_by_chains_of_their_own():
    log, onward = planted_devices(np.random.default_rng(7), 4_000)
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log),
        completion_events={"order"},
        censor=False,
        attributes=attributes_of(log, encode_sequences(log)),
    )
    draws = draw_flows(simulator, 100, SEED)
    experiment = compare_arms(
        Baseline(simulator=simulator, draws=draws),
        FlowModification(effects=(Friction(factor=0.2, at=("cart",)),)),
        seed=SEED,
        solver="exact",
        by=["device"],
    )
    for group in experiment.groups:
        to_cart, to_order = onward[group.name.removeprefix("device=")]
        assert group.arms["control"]["completion_rate"] == pytest.approx(to_cart * to_order, abs=0.03)
        low, high = group.uplifts["completion_rate"].data
        assert low < -0.2 * to_cart * to_order < high


def test_a_segment_and_a_persona_limit_an_effect_together(simulator):
    flow = split_by_segments(simulator, [MOBILE]).flow
    mask = flow.persona_mask((simulator.names[1],), MOBILE)
    assert mask.sum() == 1
    assert (flow.persona_mask(("2",), MOBILE) == mask).all()
    changed = Reward(factor=0.2, personas=("2",), segment=MOBILE).apply(flow)
    assert ((changed.transitions != flow.transitions).any(axis=(1, 2)) == mask).all()


def test_shares_of_a_segment_are_those_of_its_users(simulator):
    split = split_by_segments(simulator, [MOBILE, "device=mobile|tablet"])
    users = simulator.attributes.in_segment("device=tablet|mobile")
    both = split.flow.persona_mask((), "device=mobile|tablet")
    assert split.shares[both].sum() == pytest.approx(users.mean(), abs=1e-12)
    assert {len(each) for each in split.segments} == {0, 1, 2}


def test_the_support_of_an_effect_is_that_of_whom_it_touches(simulator):
    split = split_by_segments(simulator, ["age_band=18-24", MOBILE])
    part, whole = Reward(factor=0.1, segment=MOBILE), Reward(factor=0.1)
    mobile = split.flow.persona_mask((), MOBILE)
    assert part.support(split.flow).sum() == pytest.approx(split.flow.support[mobile].sum())
    assert whole.support(split.flow).sum() == pytest.approx(simulator.flow.support.sum())
    assert len(part.caveats(split.flow)) >= len(whole.caveats(split.flow))


def test_an_effect_that_touches_hardly_anybody_is_told():
    devices = ["watch"] * 12 + ["desktop"] * 68
    flow = split_by_segments(small_simulator(devices), ["device=watch", "device=desktop"]).flow
    assert FlowModification(effects=(Friction(factor=0.1, segment="device=watch"),)).caveats(flow) == [
        "friction: the log has only 12 journeys where device=watch."
    ]
    assert not FlowModification(effects=(Friction(factor=0.1, segment="device=desktop"),)).caveats(flow)


@pytest.mark.real
def test_a_real_log_is_told_apart_by_its_attributes_and_hardly_changes_control(real_log):
    log = load_event_log_csv(real_log("online_wizard"))
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log),
        completion_events={"confirm"},
        attributes=attributes_of(log, encode_sequences(log)),
    )
    women = simulator.attributes.in_segment("gendr=F")
    split = split_by_segments(simulator, ["gendr=F"])
    assert split.shares[1] == pytest.approx(women.mean(), abs=1e-12)
    control = split.shares @ solve(split.flow).converted
    assert control == pytest.approx(solve(simulator.flow).converted[0], abs=0.002)


def test_shares_of_a_segment_vary_over_draws_as_those_of_weighted_users():
    simulator = small_simulator(["mobile"] * 30 + ["desktop"] * 70)
    draws = split_draws(draw_flows(simulator, 4_000, SEED), split_by_segments(simulator, ["device=mobile"]))
    shares = draws.shares[:, 1]
    assert shares.mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 101 / 4_000))
    assert shares.var() == pytest.approx(0.3 * 0.7 / 101, rel=0.1)


def test_shares_of_a_segment_go_with_the_chains_of_the_same_draw():
    devices = ["mobile" if place % 2 else "desktop" for place in range(60)]
    simulator = small_simulator(devices)
    split = split_by_segments(simulator, ["device=mobile"])
    draws = split_draws(draw_flows(simulator, 60, SEED), split)
    assert draws.shares[:, 1] == pytest.approx(draws.conversions[:, 1], abs=1e-12)


def test_draws_are_divided_by_the_weights_that_they_were_made_with(simulator):
    whole = replace(simulator, generator=MarkovPersonaGenerator.pooled(simulator.generator.sequences))
    draws, counts = draw_flows(whole, DRAWS_PER_BLOCK + 3, SEED), simulator.counts
    weights = bootstrap_weights(stream(SEED, Stream.BOOTSTRAP, 1), counts.multiplicity, 3)
    assert draws.moved[-3:, 0] == pytest.approx((counts.matrix.T @ weights).T)


def test_clusters_that_follow_an_attribute_keep_their_users():
    mobile = np.arange(40) % 4 // 2 == 1
    pooled = small_simulator(np.where(mobile, "mobile", "desktop").tolist())
    clusters = replace(
        pooled.generator, names=("A", "B"), memberships=np.column_stack([~mobile, mobile]).astype(float)
    )
    split = split_by_segments(replace(pooled, generator=clusters), ["device=mobile"])
    assert split.proportions.tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_shifting_the_mix_keeps_the_proportions_of_segments(simulator):
    split = split_by_segments(simulator, [MOBILE])
    change = FlowModification(effects=(MixShift(persona="2", share=0.5),))
    shifted = change.shift(split.shares, split.flow)
    whole = change.shift(simulator.shares, simulator.flow)
    assert [shifted[list(own)].sum() for own in split.persona_cells] == pytest.approx(whole)
    assert shifted / np.repeat(whole, 2) == pytest.approx(split.proportions.ravel())


def test_new_steps_and_times_of_a_segment_are_its_own(simulator):
    split = split_by_segments(simulator, [MOBILE])
    mobile = split.flow.persona_mask((), MOBILE)
    effects = (
        parse_effect("insert_steps:count=2,exit_rate=0.1,segment=device=mobile"),
        parse_effect("retime:factor=3,at=landing,segment=device=mobile"),
    )
    changed = FlowModification(effects=effects).apply(split.flow)
    assert (solve(changed).converted < solve(split.flow).converted)[mobile].all()
    assert solve(changed).converted[~mobile] == pytest.approx(solve(split.flow).converted[~mobile], abs=1e-12)
    assert changed.time_factors[:, changed.index("landing")].tolist() == np.where(mobile, 3.0, 1.0).tolist()


def test_a_modification_knows_its_segments_once_each():
    effects = (
        Friction(factor=0.1, segment="device=tablet|mobile"),
        Reward(factor=0.1, segment=" device = mobile | tablet"),
        Friction(factor=0.1, segment=FREE),
        Friction(factor=0.1),
    )
    assert FlowModification(effects=effects).segments() == ("device=mobile|tablet", FREE)
    assert effects[2].describe() == "lose 10 % more of those who would go on at every step where plan=free"


def test_no_segment_leaves_the_simulator_and_its_draws_as_they_are(simulator, draws):
    assert split_by_segments(simulator, ()) is simulator
    assert split_draws(draws, simulator) is draws


@pytest.mark.parametrize(
    ("segments", "error", "told"),
    [
        (["device=mobil"], UnknownNameError, "Unknown device 'mobil'.*Did you mean 'mobile'"),
        (["devise=mobile", "plan=fre"], SimulationError, "2 faults: .*'devise'.*'fre'"),
        (["mobile"], SimulationError, "'mobile' is not attribute=value"),
    ],
)
def test_segments_that_are_not_there_are_refused(simulator, segments, error, told):
    with pytest.raises(error, match=told):
        split_by_segments(simulator, segments)


def test_numbers_are_no_segment():
    log = make_log({"u1": [["a", "x"]], "u2": [["a"]]}).with_columns(age=pl.Series([31.5, 31.5, 20.0]))
    simulator = ProductFlowSimulator(
        MarkovPersonaGenerator.from_events(log),
        completion_events={"x"},
        attributes=attributes_of(log, encode_sequences(log)),
    )
    with pytest.raises(DataError, match="Attribute 'age' is a number with fractions, so it has no groups"):
        split_by_segments(simulator, ["age=31"])


def test_segments_need_attributes_of_the_same_users(simulator):
    with pytest.raises(SimulationError, match="needs attributes of users"):
        split_by_segments(replace(simulator, attributes=None), [MOBILE])
    others = small_simulator(["mobile", "desktop"]).attributes
    with pytest.raises(SimulationError, match="not those of the simulator's users"):
        split_by_segments(replace(simulator, attributes=others), [MOBILE])


def test_a_flow_whose_users_are_not_told_apart_refuses_a_segment(simulator):
    with pytest.raises(SimulationError, match="users are not told apart by segments"):
        Friction(factor=0.1, segment=MOBILE).apply(random_flow(1))
    with pytest.raises(UnknownNameError, match=r"Unknown segment 'plan=free'\. Known: device=mobile"):
        Friction(factor=0.1, segment=FREE).apply(split_by_segments(simulator, [MOBILE]).flow)


@pytest.mark.parametrize("segment", ["mobile", "device=", "=mobile", "device=a||b", 'device="a'])
def test_what_is_no_segment_is_refused_by_the_effect(segment):
    with pytest.raises(SimulationError, match=r"segment: .*(is not attribute=value|not closed)"):
        Friction(factor=0.1, segment=segment)


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8) | st.text(
    ',|:=" ab', min_size=1, max_size=5
)


@given(
    st.sampled_from(EFFECT_TEXTS),
    words,
    st.lists(words, min_size=1, max_size=3),
    st.lists(words, max_size=2).map(tuple),
)
def test_any_effect_reads_back_with_its_segment(text, attribute, values, personas):
    effect = replace(parse_effect(text), segment=format_segment(attribute, values), personas=personas)
    assert parse_effect(str(effect)) == effect


@given(words, st.lists(words, min_size=1, max_size=3))
def test_a_segment_reads_the_same_with_and_without_quotes_around_it(attribute, values):
    segment = format_segment(attribute, values)
    bare = parse_effect(f"friction:factor=0.1,segment={segment}")
    assert bare == parse_effect(str(bare)) == Friction(factor=0.1, segment=segment)


def test_every_effect_that_can_be_limited_to_personas_can_be_to_segments_too():
    assert {text.split(":")[0] for text in EFFECT_TEXTS} == {*EFFECTS.names()} - {"mix_shift"}
    for name in EFFECTS.names():
        fields = set(EFFECTS.get(name).__dataclass_fields__)
        assert ("personas" in fields) == ("segment" in fields)
