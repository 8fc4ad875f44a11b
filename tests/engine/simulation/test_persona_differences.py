import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from support import make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import SimulationError, UnknownNameError
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.persona_differences import compare_personas, divergence_parts
from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
from persona_tui.engine.simulation.uncertainty import draw_flows

FUNNEL = ("landing", "signup_start", "signup_complete")


@pytest.fixture(scope="module")
def draws(sample):
    segmentation = find_personas(sample.counts, 4, random_state=0)
    generator = MarkovPersonaGenerator.from_sequences(sample.sequences, segmentation)
    return draw_flows(ProductFlowSimulator.from_counts(generator, sample.counts), 60, normalise_seed(0))


@pytest.fixture(scope="module")
def differences(draws):
    return compare_personas(draws, "1", "2", funnel=FUNNEL)


def random_pair(seed, n=4):
    generator = np.random.default_rng(seed)
    chains = generator.dirichlet(np.full(n, 0.5), size=(2, n))
    weights = generator.dirichlet(np.ones(n), size=2) / 2
    return chains, weights


def test_the_parts_of_the_moves_sum_to_the_distance(differences):
    parts = sum(move.bits for move in differences.moves) + differences.unseen_bits
    assert parts == pytest.approx(differences.distance, abs=1e-12)
    bits = [move.bits for move in differences.moves]
    assert bits == sorted(bits, reverse=True)


@given(st.integers(0, 10_000))
def test_the_parts_sum_to_what_a_move_tells_of_who_made_it(seed):
    chains, weights = random_pair(seed)
    joint = weights[..., None] * chains  # persona, source, target

    def entropy(masses):
        positive = masses[masses > 0]
        return -(positive * np.log2(positive)).sum()

    # I(persona; target | source) = H(persona, source) + H(source, target) - H(source) - H(all)
    expected = entropy(joint.sum(axis=2)) + entropy(joint.sum(axis=0))
    expected -= entropy(joint.sum(axis=(0, 2))) + entropy(joint)
    parts = divergence_parts(chains, weights)
    assert parts.sum() == pytest.approx(expected, abs=1e-10)
    assert parts.min() >= 0


@given(st.integers(0, 10_000))
def test_the_parts_do_not_depend_on_who_is_first(seed):
    chains, weights = random_pair(seed)
    assert divergence_parts(chains[::-1], weights[::-1]) == pytest.approx(divergence_parts(chains, weights))


@given(st.integers(0, 10_000), arrays.arrays(float, 4, elements=st.floats(0.01, 1)))
def test_equal_chains_are_no_bits_apart(seed, weights):
    chains, _ = random_pair(seed)
    same = np.stack([chains[0], chains[0]])
    assert divergence_parts(same, np.stack([weights, weights[::-1]])) == pytest.approx(0, abs=1e-12)


def test_comparing_the_other_way_round_changes_only_signs(draws, differences):
    other = compare_personas(draws, "2", "1", funnel=FUNNEL)
    assert other.distance == pytest.approx(differences.distance)
    for name, one in differences.outcomes.items():
        low, high = other.outcomes[name].interval
        assert one.difference == pytest.approx(-other.outcomes[name].difference)
        assert one.interval == pytest.approx((-high, -low))


def test_a_persona_does_not_differ_from_itself(draws):
    itself = compare_personas(draws, "3", "3", funnel=FUNNEL)
    assert itself.distance == pytest.approx(0, abs=1e-12)
    assert all(move.chance.difference == 0 for move in itself.moves)
    assert {move.q_value for move in itself.moves} <= {None, 1.0}


def test_the_planted_detour_is_among_the_moves_that_differ_most(differences):
    assert "view_pricing → compare_plans" in [move.label for move in differences.moves[:8]]


def test_outcomes_are_those_of_the_exact_solve(draws, differences):
    solved = solve(draws.simulator.flow).metrics
    for name, one in differences.outcomes.items():
        assert (one.first, one.second) == pytest.approx(tuple(solved[name][:2]))
        assert one.interval[0] < one.difference < one.interval[1]


def test_the_funnel_never_rises_and_has_both_personas(differences):
    assert tuple(differences.funnel) == FUNNEL
    for side in ("first", "second"):
        reached = [getattr(step, side) for step in differences.funnel.values()]
        assert reached == sorted(reached, reverse=True)


def test_moves_from_seldom_left_states_are_shown_and_not_tested():
    users = {f"u{n}": [["a", "b", "a", "b", "done"]] for n in range(40)}
    users |= {f"v{n}": [["a", "c", "a", "c"]] for n in range(40)}
    sequences = encode_sequences(make_log(users | {"u0": [["a", "b", "d", "b", "done"]]}))
    counts = count_transitions(cut_journeys(sequences, completion={"done"}))
    segmentation = find_personas(counts, 2, random_state=0)
    simulator = ProductFlowSimulator.from_counts(
        MarkovPersonaGenerator.from_sequences(sequences, segmentation), counts
    )
    apart = compare_personas(draw_flows(simulator, 20, normalise_seed(0)), "1", "2", funnel=("a", "done"))
    tested = {move.label: move.q_value is not None for move in apart.moves}
    assert tested["a → b"]
    assert not tested["d → b"]
    assert apart.n_tested == sum(tested.values())


def test_an_unknown_persona_is_refused_with_the_near_name(draws):
    name = draws.simulator.persona_names[0]
    with pytest.raises(UnknownNameError, match="Did you mean"):
        compare_personas(draws, name[:-1], "2", funnel=FUNNEL)


def test_a_funnel_without_steps_is_refused(draws):
    with pytest.raises(SimulationError, match="no step"):
        compare_personas(draws, "1", "2", funnel=())
