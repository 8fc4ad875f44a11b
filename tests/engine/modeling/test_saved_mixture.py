"""A mixture that was saved is the one that was fitted; any other file is refused."""

import json
from contextlib import suppress
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.errors import DataError, ExportError
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.engine.modeling.saved_mixture import ARRAYS, HEADER, from_arrays, to_arrays


@pytest.fixture(scope="module")
def mixture(sample):
    return fit_markov_mixture(sample.counts, 3, random_state=0, n_init=2)


@pytest.fixture(scope="module")
def saved(mixture, tmp_path_factory):
    path = tmp_path_factory.mktemp("personas") / "mixture.npz"
    mixture.save(path)
    return path


def with_header(mixture, **changes):
    arrays = to_arrays(mixture)
    header = json.loads(str(arrays[HEADER])) | changes
    return arrays | {HEADER: np.array(json.dumps(header))}


def test_a_round_trip_is_exact(mixture, saved):
    again = MarkovMixture.load(saved)
    for field in fields(MarkovMixture):
        before, after = getattr(mixture, field.name), getattr(again, field.name)
        assert type(before) is type(after)
        assert np.array_equal(before, after)


def test_a_mixture_that_was_loaded_assigns_alike(mixture, saved, sample):
    again = MarkovMixture.load(str(saved))
    assert (again.predict_proba(sample.sequences) == mixture.predict_proba(sample.sequences)).all()
    assert (again.bic, again.icl) == (mixture.bic, mixture.icl)


def test_names_of_any_letters_come_back(mixture):
    names = ("\x00", "naïve \ud800", *mixture.vocabulary[2:])
    odd = replace(mixture, vocabulary=names, completion=frozenset({"\x00"}), drop=frozenset())
    assert from_arrays(to_arrays(odd)).vocabulary == names


def test_the_same_mixture_gives_the_same_bytes(mixture, saved, tmp_path):
    mixture.save(tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_a_file_holds_no_user_ids(saved, sample):
    content = saved.read_bytes()
    assert not [user for user in sample.sequences.user_ids if user.encode("utf-32-le") in content]


def test_a_mixture_that_was_loaded_cannot_be_changed(saved):
    with pytest.raises(ValueError, match="read-only"):
        MarkovMixture.load(saved).chains[0, 0, 0] = 0.5


@pytest.mark.parametrize("content", [b"", b"not a file of arrays", b"PK\x05\x06" + bytes(18), None])
def test_a_damaged_file_is_told_by_its_name(saved, tmp_path, content):
    whole = saved.read_bytes()
    path = tmp_path / "damaged.npz"
    path.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(DataError, match=r"damaged\.npz"):
        MarkovMixture.load(path)


@given(place=st.integers(0, 100_000), byte=st.integers(0, 255))
def test_a_wrong_byte_is_refused_or_makes_no_difference(mixture, saved, tmp_path_factory, place, byte):
    damaged = bytearray(saved.read_bytes())
    damaged[place % len(damaged)] = byte
    path = tmp_path_factory.getbasetemp() / "one-byte.npz"
    path.write_bytes(damaged)
    try:
        again = MarkovMixture.load(path)
    except DataError:
        return
    assert (again.chains == mixture.chains).all()


@pytest.mark.parametrize("byte", [b"(", b"'", b"\\", b"\n", b"\x07", b"\xc2"])
def test_a_wrong_byte_in_the_header_of_an_array_is_refused_or_makes_no_difference(
    mixture, saved, tmp_path, byte
):
    whole = saved.read_bytes()
    path = tmp_path / "header.npz"
    start = whole.index(b"\x93NUMPY", whole.index(b"chains.npy"))
    for place in range(start, start + 128):
        path.write_bytes(whole[:place] + byte + whole[place + 1 :])
        with suppress(DataError):
            assert (MarkovMixture.load(path).chains == mixture.chains).all()


def test_a_newer_file_is_told_as_such(mixture):
    with pytest.raises(DataError, match="schema == 'persona-tui/mixture/3', must be 'persona-tui/mixture/2'"):
        from_arrays(with_header(mixture, schema="persona-tui/mixture/3"))


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_that_do_not_belong_together_are_refused(mixture, name):
    arrays = to_arrays(mixture)
    for wrong in (arrays[name][None][..., :1], arrays[name] * np.nan, arrays[name].astype(np.float32)):
        with pytest.raises(DataError, match=name):
            from_arrays({**arrays, name: wrong})
    del arrays[name]
    with pytest.raises(DataError, match=f"lacks: {name}"):
        from_arrays(arrays)


@pytest.mark.parametrize("name", ["weights", "chains", "pooled", "responsibilities"])
def test_chances_that_do_not_sum_to_one_are_refused(mixture, name):
    arrays = to_arrays(mixture)
    with pytest.raises(DataError, match=f"{name} does not sum to one"):
        from_arrays({**arrays, name: arrays[name] * 1.1})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"unit": "team"}, "unit == 'team'"),
        ({"completion": ["bought"]}, "'bought' is no event type"),
        ({"vocabulary": ["a"], "completion": [], "drop": []}, "chains has shape"),
        ({"vocabulary": None}, "not whole"),
    ],
)
def test_a_header_that_makes_no_sense_is_told(mixture, changes, told):
    with pytest.raises(DataError, match=told):
        from_arrays(with_header(mixture, **changes))


def test_a_missing_file_is_told_as_missing(tmp_path):
    with pytest.raises(DataError, match="There is no file"):
        MarkovMixture.load(tmp_path / "none.npz")


def test_what_cannot_be_written_leaves_nothing(mixture, tmp_path):
    with pytest.raises(ExportError, match="cannot be written"):
        mixture.save(tmp_path / "no folder" / "mixture.npz")
    assert not list(tmp_path.iterdir())
