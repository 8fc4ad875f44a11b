from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
from support import make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import UnknownNameError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.params import param
from persona_tui.engine.simulation.alternatives import (
    AS_FITTED,
    POOLED,
    SECOND_ORDER,
    Alternatives,
    fit_alternatives,
)
from persona_tui.engine.simulation.effect_base import Effect, touched_personas
from persona_tui.engine.simulation.effects import parse_effect
from persona_tui.engine.simulation.environment import FlowModification, ProductFlowSimulator
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.engine.simulation.other_models import ControlArm, OtherPersonas
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator

FRICTION = FlowModification(effects=(parse_effect("friction:factor=0.2,at=b"),))
TOLD_OF_A_PERSONA = FlowModification(effects=(parse_effect("friction:factor=0.2,personas=1"),))

LOOPERS = {"start": {"a": 1.0}, "a": {"b": 0.9}, "b": {"a": 0.8, "x": 0.1}}
STRAIGHT = {"start": {"a": 1.0}, "a": {"c": 0.9}, "c": {"x": 0.7}}
"""Two personas; what is left of a row is leaving. Friction at b touches only those who loop."""


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


def two_persona_log(n_users, seed=0):
    generator = np.random.default_rng(seed)
    return make_log(
        {f"u{user:05d}": [walk(generator, (LOOPERS, STRAIGHT)[user % 2])] for user in range(n_users)}
    )


def simulator_of(log, n_clusters, *, unit="session"):
    sequences = encode_sequences(log)
    counts = count_transitions(cut_journeys(sequences, unit=unit, completion={"x"}, censor=False))
    generator = MarkovPersonaGenerator.from_sequences(
        sequences, find_personas(counts, n_clusters, random_state=0)
    )
    return ProductFlowSimulator.from_counts(generator, counts)


@pytest.fixture(scope="module")
def planted():
    return simulator_of(two_persona_log(1500), 2)


@pytest.fixture(scope="module")
def alternatives(planted) -> Alternatives:
    return fit_alternatives(planted, random_state=0)


@pytest.fixture(scope="module")
def on_sample(sample):
    found = find_personas(sample.counts, 4, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sample.sequences, found)
    simulator = ProductFlowSimulator.from_counts(generator, sample.counts)
    return simulator, fit_alternatives(simulator, random_state=0)


def planted_uplift(factor):
    """Return the true uplift: half of the users loop, and convert with 0.9 * 0.1 / (1 - 0.9 * 0.8)."""
    kept = 1 - factor
    return 0.5 * (0.9 * 0.1 * kept / (1 - 0.9 * 0.8 * kept) - 0.09 / 0.28)


def test_what_pooling_gets_wrong_shows_in_the_range(alternatives):
    ranges = alternatives.ranges(FRICTION)
    truth = planted_uplift(0.2)
    fitted = ranges.uplifts[AS_FITTED].total["completion_rate"]
    pooled = ranges.uplifts[POOLED].total["completion_rate"]
    low, high = ranges.of("completion_rate")
    assert fitted == pytest.approx(truth, abs=0.02)
    assert abs(pooled - truth) > 2 * abs(fitted - truth)
    assert high - low >= abs(pooled - fitted) > 0.02


def test_the_models_are_the_pooled_one_more_and_the_second_order(alternatives):
    assert set(alternatives.models) == {POOLED, "3 personas", SECOND_ORDER}


def test_one_persona_less_stands_beside_the_pooled_chain(on_sample):
    assert set(on_sample[1].models) == {POOLED, "3 personas", "5 personas", SECOND_ORDER}


def test_one_persona_has_no_pooled_chain_beside_it(planted):
    pooled = MarkovPersonaGenerator.pooled(planted.generator.sequences)
    found = fit_alternatives(ProductFlowSimulator.from_counts(pooled, planted.counts), random_state=0)
    assert set(found.models) == {"2 personas", SECOND_ORDER}


def test_there_are_never_more_personas_than_users():
    log = make_log({"u": [["a", "x"]], "v": [["b", "a", "x"]], "w": [["a"]]})
    found = fit_alternatives(simulator_of(log, 3), random_state=0)
    assert set(found.models) == {POOLED, "2 personas", SECOND_ORDER}


@pytest.mark.parametrize("max_length", [None, 16])
@pytest.mark.parametrize("text", ["insert_steps:count=2", "friction:factor=0.05", "reward:factor=0.3"])
def test_the_range_holds_the_point(on_sample, text, max_length):
    simulator, found = on_sample
    modification = FlowModification(effects=(parse_effect(text),))
    point = ControlArm(flow=simulator.flow, shares=simulator.shares).change(modification, max_length)
    ranges = found.ranges(modification, max_length)
    assert not ranges.left_out
    for metric in METRICS:
        low, high = ranges.of(metric)
        assert low <= point.total[metric] <= high
        for persona, value in enumerate(point.personas[metric]):
            low, high = ranges.of(metric, persona)
            assert low <= value <= high


def test_no_change_is_exactly_nothing_under_every_model(on_sample):
    ranges = on_sample[1].ranges(FlowModification())
    for metric in METRICS:
        assert ranges.of(metric) == (0.0, 0.0)
        assert ranges.of(metric, 2) == (0.0, 0.0)


def test_a_model_that_is_the_fitted_one_says_the_same_of_every_persona(on_sample):
    simulator, _ = on_sample
    modification = FlowModification(effects=(parse_effect("friction:factor=0.1"),))
    point = ControlArm(flow=simulator.flow, shares=simulator.shares).change(modification, None)
    again = OtherPersonas.of(simulator, simulator).uplifts(modification, None, point)
    np.testing.assert_allclose(
        again.personas["completion_rate"], point.personas["completion_rate"], atol=1e-12
    )


def test_what_a_model_says_of_the_personas_adds_up_to_its_total(on_sample):
    simulator, found = on_sample
    ranges = found.ranges(FlowModification(effects=(parse_effect("friction:factor=0.1"),)))
    for name in (POOLED, "3 personas", "5 personas", SECOND_ORDER):
        uplifts = ranges.uplifts[name]
        for metric in METRICS:
            assert simulator.shares @ uplifts.personas[metric] == pytest.approx(
                uplifts.total[metric], abs=1e-9
            )


@pytest.mark.parametrize("text", ["friction:factor=0.2,personas=1", "mix_shift:persona=2,share=0.8"])
def test_who_a_persona_is_only_its_own_models_know(alternatives, text):
    ranges = alternatives.ranges(FlowModification(effects=(parse_effect(text),)))
    assert set(ranges.uplifts) == {AS_FITTED, SECOND_ORDER}
    assert set(ranges.left_out) == {POOLED, "3 personas"}
    assert "names personas" in ranges.left_out[POOLED]


def test_one_other_model_alone_is_no_range(alternatives):
    assert alternatives.ranges(FRICTION).of("completion_rate") is not None
    assert alternatives.ranges(TOLD_OF_A_PERSONA).of("completion_rate") is None


def test_a_change_of_the_mix_moves_the_total_and_no_persona(alternatives):
    ranges = alternatives.ranges(FlowModification(effects=(parse_effect("mix_shift:persona=2,share=0.8"),)))
    second = ranges.uplifts[SECOND_ORDER]
    assert (second.personas["completion_rate"] == 0).all()
    assert second.total["completion_rate"] != 0


def test_a_change_that_does_not_fit_the_model_as_fitted_is_refused(alternatives):
    with pytest.raises(UnknownNameError, match="'bb'"):
        alternatives.ranges(FlowModification(effects=(parse_effect("friction:factor=0.2,at=bb"),)))


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaveAt(Effect):
    """Something that acts at one event, and of which second order knows nothing."""

    name: ClassVar[str] = "leave_at"
    event: str = param(kind="event", help="The step.")
    personas: tuple[str, ...] = touched_personas()
    segment: str = ""

    @property
    def neutral(self):
        return False

    def act(self, flow, _values):
        return parse_effect(f"friction:factor=0.5,at={self.event}").apply(flow)

    def describe(self):
        return "leave"


def test_a_model_that_cannot_take_a_change_is_left_out_and_says_why(alternatives):
    ranges = alternatives.ranges(FlowModification(effects=(LeaveAt(event="b"),)))
    assert set(ranges.uplifts) == {AS_FITTED, POOLED, "3 personas"}
    assert ranges.left_out == {SECOND_ORDER: "leave_at is not defined at second order."}


def test_a_log_with_too_many_pairs_has_no_second_order():
    generator = np.random.default_rng(0)
    words = generator.integers(0, 40, size=(80, 40)).astype(str)
    log = make_log({f"u{n}": [["e" + word for word in row] + ["x"]] for n, row in enumerate(words)})
    found = fit_alternatives(simulator_of(log, 2), random_state=0)
    assert SECOND_ORDER not in found.models
    assert "more than 600" in found.left_out[SECOND_ORDER]
    nothing_else = found.ranges(TOLD_OF_A_PERSONA)
    assert nothing_else.of("completion_rate") is None


def test_personas_of_another_clusterer_have_no_neighbours(planted):
    hard = replace(planted.generator, soft=False)
    found = fit_alternatives(ProductFlowSimulator.from_counts(hard, planted.counts), random_state=0)
    assert set(found.models) == {POOLED, SECOND_ORDER}
    assert "another clusterer" in found.left_out["3 personas"]


def test_the_models_do_not_depend_on_threads(planted, alternatives):
    again = fit_alternatives(planted, random_state=0, workers=3).ranges(FRICTION)
    assert again.of("completion_rate", 1) == alternatives.ranges(FRICTION).of("completion_rate", 1)


def test_second_order_finds_little_where_there_is_no_memory(alternatives):
    uplifts = alternatives.ranges(FRICTION).uplifts
    first, second = (uplifts[name].total["completion_rate"] for name in (AS_FITTED, SECOND_ORDER))
    assert second == pytest.approx(first, abs=0.004)


def test_second_order_finds_a_planted_memory():
    """Only who comes to ``a`` from ``b`` converts: with friction f, x = 0.6 (1 - f) from there."""
    generator = np.random.default_rng(0)
    journeys = {}
    for user in range(3000):
        state, previous, words = "ab"[generator.integers(2)], "", []
        while state:
            words.append(state)
            point = generator.random()
            if state == "a":
                following = ("x" if point < 0.6 else "") if previous == "b" else "b" if point < 0.7 else ""
            else:
                following = "a" if point < 0.5 else "b" if point < 0.7 else ""
            previous, state = state, following if state != "x" else ""
        journeys[f"u{user:05d}"] = [words]
    found = fit_alternatives(simulator_of(make_log(journeys), 1), random_state=0)
    uplifts = found.ranges(FlowModification(effects=(parse_effect("friction:factor=0.3,at=a"),))).uplifts

    def converted(factor):
        last = 0.6 * (1 - factor)
        return 0.5 * 0.625 * last + 0.5 * 0.7 * (1 - factor) * 0.625 * last

    truth = converted(0.3) - converted(0.0)
    first, second = (uplifts[name].total["completion_rate"] for name in (AS_FITTED, SECOND_ORDER))
    assert second == pytest.approx(truth, abs=0.01)
    assert abs(first - truth) > 2 * abs(second - truth)
