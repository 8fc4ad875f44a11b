"""Predictions without the users of some personas: what a log without them would have told."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from support import make_log

from persona_tui.engine.data.attributes import attributes_of
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.alternatives import POOLED, fit_alternatives
from persona_tui.engine.simulation.baseline import Baseline
from persona_tui.engine.simulation.dwell import fit_dwell
from persona_tui.engine.simulation.effects import parse_effect
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.experiments import compare_arms, run_ab_experiment
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.engine.simulation.groups import reported_groups
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.population import (
    PopulationSimulator,
    n_users_of,
    population_counts,
    population_weights,
    users_predicted,
    without_personas,
    without_whom,
)
from persona_tui.engine.simulation.segments import split_by_segments
from persona_tui.engine.simulation.uncertainty import draw_flows

SEED = normalise_seed(0)
FRICTION = FlowModification(effects=(parse_effect("friction:factor=0.2,at=cart"),))
NOTHING = FlowModification()

BUYERS = {"start": {"cart": 1.0}, "cart": {"pay": 0.8, "look": 0.1}, "pay": {"x": 0.7}, "look": {"cart": 0.6}}
LOOKERS = {"start": {"look": 1.0}, "look": {"look": 0.6, "cart": 0.2}, "cart": {"look": 0.5, "x": 0.1}}
BOTS = {"start": {"ping": 1.0}, "ping": {"ping": 0.85, "cart": 0.1}, "cart": {"ping": 0.9}}
SHARES = (0.5, 0.3, 0.2)


def walk(generator, chain):
    state, words = "start", []
    while state in chain:
        targets = list(chain[state])
        point = int(np.searchsorted(np.cumsum(list(chain[state].values())), generator.random(), "right"))
        if point == len(targets):
            break
        state = targets[point]
        words.append(state)
    return words


def planted_journeys(n_users, seed):
    """Return the journeys of customers and bots; the name of a user says which it is."""
    generator = np.random.default_rng(seed)
    kinds = generator.choice(3, size=n_users, p=SHARES)
    return {
        f"{'abz'[kind]}{number:05}": [walk(generator, (BUYERS, LOOKERS, BOTS)[kind])]
        for number, kind in enumerate(kinds)
    }


def simulator_of(journeys, n_clusters):
    sequences = encode_sequences(make_log(journeys))
    counts = count_transitions(cut_journeys(sequences, unit="session", completion={"x"}, censor=False))
    found = find_personas(counts, n_clusters, random_state=0)
    return ProductFlowSimulator.from_counts(MarkovPersonaGenerator.from_sequences(sequences, found), counts)


def position_of_bots(simulator):
    """Return the position of the persona that begins with a ping."""
    return int(np.argmax(simulator.flow.starts[:, simulator.flow.index("ping")]))


def experiment_of(simulator, draws, modification=FRICTION, **options):
    baseline = Baseline(simulator=simulator, draws=replace(draws, simulator=simulator))
    return compare_arms(baseline, modification, seed=SEED, solver="exact", **options)


@pytest.fixture(scope="module")
def journeys():
    return planted_journeys(1500, 1)


@pytest.fixture(scope="module")
def whole(journeys):
    return simulator_of(journeys, 3)


@pytest.fixture(scope="module")
def draws(whole):
    return draw_flows(whole, 80, SEED)


@pytest.fixture(scope="module")
def bots(whole):
    return position_of_bots(whole)


@pytest.fixture(scope="module")
def customers(whole, bots):
    return without_personas(whole, [bots])


def test_excluding_nobody_gives_the_same_object(whole):
    assert without_personas(whole, ()) is whole
    assert without_whom(whole) == ""
    assert population_weights(whole) is None
    assert population_counts(whole) is whole.counts


def test_excluding_everybody_is_refused_with_its_cure(whole):
    with pytest.raises(SimulationError, match="nobody to predict") as fault:
        without_personas(whole, range(3))
    assert fault.value.hint == "Include one again."


def test_the_personas_that_are_left_keep_chains_names_and_numbers(whole, customers, bots):
    kept = [position for position in range(3) if position != bots]
    assert isinstance(customers, PopulationSimulator)
    assert customers.persona_names == tuple(whole.persona_names[each] for each in kept)
    assert customers.flow.persona_numbers == tuple(each + 1 for each in kept)
    assert np.array_equal(customers.flow.transitions, whole.flow.transitions[kept])
    assert np.array_equal(customers.flow.starts, whole.flow.starts[kept])
    assert customers.shares == pytest.approx(whole.shares[kept] / whole.shares[kept].sum())


def test_the_numbers_of_each_persona_that_is_left_stay_as_they_are(whole, customers, draws, bots):
    everyone, left = experiment_of(whole, draws), experiment_of(customers, draws)
    kept = [each for position, each in enumerate(everyone.personas) if position != bots]
    for before, after in zip(kept, left.personas, strict=True):
        assert before.name == after.name
        assert before.arms == after.arms
        for metric in METRICS:
            assert after.uplifts[metric].data == pytest.approx(before.uplifts[metric].data, abs=1e-12)
    assert sum(each.share for each in left.personas) == pytest.approx(1.0)
    assert left.total.share == pytest.approx(1.0)


def test_the_totals_are_those_of_a_log_that_had_no_bots(journeys, customers, draws):
    alone = simulator_of({name: each for name, each in journeys.items() if name[0] != "z"}, 2)
    truth = experiment_of(alone, draw_flows(alone, 80, SEED)).total
    found = experiment_of(customers, draws).total
    for metric in METRICS:
        low, high = found.uplifts[metric].data
        assert low <= truth.uplifts[metric].value <= high
    assert found.arms["control"]["completion_rate"] == pytest.approx(
        truth.arms["control"]["completion_rate"], abs=0.01
    )
    widths = [each.uplifts["completion_rate"].data for each in (found, truth)]
    assert np.ptp(widths[0]) == pytest.approx(np.ptp(widths[1]), rel=0.5)


def test_draws_made_of_those_who_are_left_are_those_of_everybody(whole, customers, draws):
    drawn = draw_flows(customers, 80, SEED)
    assert np.array_equal(drawn.moved, draws.moved)
    assert np.array_equal(drawn.shares, draws.shares)
    found = run_ab_experiment(customers, 10, FRICTION, random_state=0, n_draws=80, solver="exact")
    expected = experiment_of(customers, draws)
    assert found.total == expected.total


def test_moves_of_bots_do_not_tell_how_long_moves_take(whole, customers, journeys):
    sequences = whole.generator.sequences
    is_bot = np.array([user[0] == "z" for user in sequences.user_ids])
    times = sequences.times.copy()
    slow = is_bot[sequences.users]
    times[slow] += (np.cumsum(slow)[slow]) * 3_600_000_000
    slowed = replace(sequences, times=times)
    chosen = users_predicted(customers)
    assert users_predicted(whole) is None
    assert np.mean(chosen == ~is_bot) > 0.95
    everyone = fit_dwell(slowed, whole.journeys)
    left = fit_dwell(slowed, whole.journeys, ~is_bot)
    assert np.array_equal(left.mean_seconds, fit_dwell(sequences, whole.journeys, ~is_bot).mean_seconds)
    ping = everyone.states.index("ping")
    assert everyone.mean_seconds[ping, ping] > 3_600
    assert left.observed[ping, ping] == 0
    assert left.mean_seconds.max() == pytest.approx(60, rel=0.01)


def test_few_who_are_left_are_told_and_small_groups_are_not():
    log = make_log(
        {**{f"a{n}": [["a", "x"]] for n in range(40)}, **{f"b{n}": [["b"] * 9] for n in range(40)}}
    )
    log = log.with_columns(
        device=pl.when(pl.col("user_id").str.slice(1).cast(int) < 20)
        .then(pl.lit("old"))
        .otherwise(pl.lit("new"))
    )
    sequences = encode_sequences(log)
    counts = count_transitions(cut_journeys(sequences, completion={"x"}, censor=False))
    whole = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(sequences, find_personas(counts, 2, random_state=0)),
        counts,
        attributes=attributes_of(log, sequences),
    )
    left = without_personas(whole, [1])
    assert reported_groups(whole, "device") == ("device=new", "device=old")
    assert reported_groups(left, "device") == ()
    told = experiment_of(left, draw_flows(whole, 5, SEED), NOTHING).caveats
    assert [each.partition(":")[0] for each in told] == [
        f"Only {round(n_users_of(left))} users are not excluded"
    ]
    assert n_users_of(left) == pytest.approx(40, abs=2)
    assert n_users_of(whole, "device=old") == 40


def test_shares_are_made_to_sum_to_one_within_each_draw(customers, draws, bots):
    (_, shares), *_rest = replace(draws, simulator=customers).blocks()
    kept = np.delete(draws.shares[: len(shares)], bots, axis=1)
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(shares)))
    assert shares == pytest.approx(kept / (1 - draws.shares[: len(shares), [bots]]))


def test_the_phrase_tells_the_name_and_the_share_of_users(journeys, whole, customers, bots):
    name = whole.persona_names[bots]
    told, share = without_whom(customers).removeprefix(f"without '{name}' (").split(" % of ")
    assert share == "users)"
    assert int(told) == pytest.approx(100 * np.mean([user[0] == "z" for user in journeys]), abs=4)
    first, second = (whole.persona_names[each] for each in range(3) if each != bots)
    others = without_personas(whole, {0, 1, 2} - {bots})
    assert without_whom(others) == f"without '{first}' and '{second}' ({100 - int(told)} % of users)"


@pytest.mark.parametrize("by", ["name", "number"])
@pytest.mark.parametrize("effect", ["friction:factor=0.1,personas={}", "mix_shift:persona={},share=0.3"])
def test_an_effect_that_names_an_excluded_persona_is_refused(whole, customers, bots, effect, by):
    told = f'"{whole.persona_names[bots]}"' if by == "name" else str(bots + 1)
    change = FlowModification(effects=(parse_effect(effect.format(told)),))
    with pytest.raises(SimulationError, match="is excluded from predictions") as fault:
        change.apply(customers.flow)
    assert fault.value.hint.startswith("Include it again")


def test_an_effect_finds_the_others_by_the_numbers_they_had(whole, customers, bots):
    others = [position for position in range(3) if position != bots]
    for place, position in enumerate(others):
        mask = customers.flow.persona_mask((str(position + 1),))
        assert mask.tolist() == [each == place for each in range(2)]


def test_other_models_speak_of_the_same_users(customers):
    others = fit_alternatives(customers, random_state=0)
    pooled = others.models[POOLED]
    observed = population_counts(customers)
    rate = observed.multiplicity @ observed.n_converted / (observed.multiplicity @ observed.n_journeys)
    assert pooled.control.change(NOTHING, None).total["completion_rate"] == pytest.approx(0, abs=1e-12)
    assert pooled.belonging.sum(axis=1) == pytest.approx(np.ones(2))
    assert pooled.overlap.sum(axis=1) == pytest.approx(np.ones(2))
    ranges = others.ranges(FRICTION)
    assert ranges.left_out == {}
    low, high = ranges.of("completion_rate")
    assert low <= others.fitted.change(FRICTION, None).total["completion_rate"] <= high < 0
    assert high - low < 0.05
    assert 0.2 < rate < 0.5


def test_only_one_persona_that_is_left_has_no_pooled_model_beside_it(whole, bots):
    others = [position for position in range(3) if position != bots]
    alone = without_personas(whole, others)
    assert POOLED not in fit_alternatives(alone, random_state=0).models


def test_a_simulation_draws_its_users_from_those_that_are_left(customers, draws):
    baseline = Baseline(simulator=customers, draws=replace(draws, simulator=customers))
    found = compare_arms(baseline, FRICTION, 5_000, seed=SEED, solver="cohort")
    assert sum(each.n_personas for each in found.personas) == found.total.n_personas == 5_000
    error = found.total.uplifts["completion_rate"].simulation_error
    exact = found.total.uplifts["completion_rate"].value
    assert found.total.simulated_uplifts["completion_rate"] == pytest.approx(exact, abs=5 * error)


def test_users_told_apart_by_a_segment_leave_the_excluded_out(sample):

    generator = MarkovPersonaGenerator.from_sequences(
        sample.sequences, find_personas(sample.counts, 3, random_state=0)
    )
    attributes = attributes_of(sample.events, sample.sequences)
    whole = ProductFlowSimulator.from_counts(generator, sample.counts, attributes=attributes)
    left = without_personas(whole, [1])
    split = split_by_segments(left, ["device=mobile"])
    assert split.persona_names == left.persona_names
    assert split.excluded == left.excluded
    own = [split.shares[list(cells)].sum() for cells in split.persona_cells]
    assert own == pytest.approx(left.shares)
    drawn = draw_flows(whole, 40, SEED)
    change = FlowModification(effects=(parse_effect("friction:factor=0.1,segment=device=mobile"),))
    found = experiment_of(left, drawn, change, by=("device",))
    assert [each.name for each in found.personas] == list(left.persona_names)
    assert found.total.uplifts["completion_rate"].value < 0
    assert sum(each.share for each in found.groups) == pytest.approx(1, abs=0.01)


def test_intervals_hold_the_truth_of_the_customers_in_a_handful_of_worlds():
    """The truth is that of the chains which customers were planted with."""
    truth = SHARES[0] / (SHARES[0] + SHARES[1]) * converted(BUYERS)
    truth += SHARES[1] / (SHARES[0] + SHARES[1]) * converted(LOOKERS)
    held = 0
    for world in range(6):
        whole = simulator_of(planted_journeys(500, 100 + world), 3)
        left = without_personas(whole, [position_of_bots(whole)])
        drawn = Baseline(simulator=left, draws=replace(draw_flows(whole, 80, SEED), simulator=left))
        values = drawn.evaluate(drawn.drawn(), NOTHING).pooled("control", "completion_rate", np.ones(2))
        low, high = np.quantile(values, [0.025, 0.975])
        held += bool(low <= truth <= high)
    assert held >= 5


def converted(chain):
    """Return the chance to convert of one who walks a chain."""
    states = list(chain)
    moves = np.array([[chain[each].get(other, 0.0) for other in states] for each in states])
    goal = np.array([chain[each].get("x", 0.0) for each in states])
    return float(np.linalg.solve(np.eye(len(states)) - moves, goal)[0])
