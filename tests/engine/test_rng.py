import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.rng import Stream, normalise_seed, stream

seeds = st.integers(0, 2**64)
purposes = st.sampled_from(list(Stream))
blocks = st.lists(st.integers(0, 2**32 - 1), max_size=3)


def numbers(seed, purpose, *block):
    return stream(normalise_seed(seed), purpose, *block).random(4).tolist()


@given(seeds, purposes, blocks)
def test_the_same_seed_purpose_and_block_give_the_same_numbers(seed, purpose, block):
    assert numbers(seed, purpose, *block) == numbers(seed, purpose, *block)


@given(seeds, st.lists(st.tuples(purposes, blocks.map(tuple)), min_size=2, unique=True))
def test_each_purpose_and_block_has_numbers_of_its_own(seed, keys):
    drawn = [tuple(numbers(seed, purpose, *block)) for purpose, block in keys]
    assert len(set(drawn)) == len(keys)


@given(seeds, purposes)
def test_the_order_of_asking_does_not_matter(seed, purpose):
    root = normalise_seed(seed)
    forth = [stream(root, purpose, block).random() for block in range(4)]
    back = [stream(root, purpose, block).random() for block in reversed(range(4))]
    assert forth == back[::-1]


@given(st.lists(seeds, min_size=2, unique=True))
def test_each_seed_has_numbers_of_its_own(many):
    assert len({tuple(numbers(seed, Stream.WALKS)) for seed in many}) == len(many)


def test_spawned_seeds_differ_from_their_parent():
    parent = np.random.SeedSequence(7)
    drawn = {stream(each, Stream.WALKS).random() for each in (parent, *parent.spawn(2))}
    assert len(drawn) == 3


def test_a_seed_sequence_is_taken_as_it_is():
    seed = np.random.SeedSequence(7)
    assert normalise_seed(seed) is seed


def test_a_generator_moves_on_each_time_it_is_asked():
    generator = np.random.default_rng(7)
    assert normalise_seed(generator).entropy != normalise_seed(generator).entropy


def test_equal_generators_give_equal_seeds():
    first, second = (normalise_seed(np.random.default_rng(7)) for _ in range(2))
    assert first.entropy == second.entropy


def test_no_seed_is_fresh_each_time():
    assert normalise_seed(None).entropy != normalise_seed(None).entropy


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="non-negative"):
        normalise_seed(-1)


def test_purposes_keep_their_numbers():
    assert [purpose.name for purpose in sorted(Stream)][:5] == [
        "SAMPLE_LOG",
        "RESTARTS",
        "FOLDS",
        "BOOTSTRAP",
        "WALKS",
    ]
