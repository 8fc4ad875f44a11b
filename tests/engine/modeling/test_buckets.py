import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import logs, make_log

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import DataError, ExportError, ModelingError
from persona_tui.engine.modeling import restarts
from persona_tui.engine.modeling.bucketed_mixture import bucket_memberships, fit_from_buckets
from persona_tui.engine.modeling.buckets import read_counts, write_counts
from persona_tui.engine.modeling.climbing import Users, climb
from persona_tui.engine.modeling.counts import count_transitions, pooled_chain
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.markov_mixture import MarkovMixture
from persona_tui.engine.modeling.mixture import fit_markov_mixture
from persona_tui.engine.modeling.restarts import refill
from persona_tui.engine.modeling.steps import tabulate_moves


def split(counts, n_buckets):
    """Cut counts into buckets of neighbouring rows, each with its own moves only."""
    bounds = np.linspace(0, len(counts.multiplicity), n_buckets + 1).astype(int)
    for first, last in pairwise(bounds):
        matrix = counts.matrix[first:last]
        own = np.unique(matrix.indices)
        yield replace(
            counts,
            matrix=matrix[:, own],
            moves=counts.moves[own],
            multiplicity=counts.multiplicity[first:last],
        )


def in_memory(counts, prior=1.0):
    return Users.of(tabulate_moves(counts, pooled_chain(counts, prior), prior), counts.multiplicity)


def in_buckets(bucketed, prior=1.0):
    together = bucketed.together()
    return Users(tabulate_moves(together, pooled_chain(together, prior), prior), bucketed)


def assert_same(fitted, expected):
    assert fitted.chains == pytest.approx(expected.chains, abs=1e-9)
    assert fitted.weights == pytest.approx(expected.weights, abs=1e-9)
    assert fitted.bound_history == pytest.approx(expected.bound_history, rel=1e-9)
    assert (fitted.bic, fitted.icl) == pytest.approx((expected.bic, expected.icl), rel=1e-9)
    assert (fitted.prior, fitted.n_users) == pytest.approx((expected.prior, expected.n_users), rel=1e-9)


@pytest.mark.parametrize("n_buckets", [1, 3])
@pytest.mark.parametrize("n_clusters", [1, 4])
def test_a_fit_from_buckets_equals_the_fit_of_all_users_in_memory(sample, tmp_path, n_buckets, n_clusters):
    bucketed = write_counts(split(sample.counts, n_buckets), tmp_path / "counts")
    fitted = fit_from_buckets(bucketed, n_clusters, random_state=0)
    assert_same(fitted, fit_markov_mixture(sample.counts, n_clusters, random_state=0))


def test_samples_for_restarts_are_drawn_across_buckets(sample, tmp_path, monkeypatch):
    monkeypatch.setattr(restarts, "RESTART_SAMPLE", 300)
    monkeypatch.setattr(restarts, "GROWN_SAMPLE", 600)
    bucketed = write_counts(split(sample.counts, 4), tmp_path / "counts")
    assert bucketed.n_users.sum() > 600
    fitted = fit_from_buckets(bucketed, 3, random_state=5)
    assert_same(fitted, fit_markov_mixture(sample.counts, 3, random_state=5))


def test_a_real_log_in_buckets_gives_the_same_personas(real_log, tmp_path):
    sequences = encode_sequences(load_event_log_csv(real_log("loan_applications")))
    counts = count_transitions(cut_journeys(sequences))
    bucketed = write_counts(split(counts, 3), tmp_path / "counts")
    fitted = fit_from_buckets(bucketed, 3, n_init=3, random_state=0)
    assert_same(fitted, fit_markov_mixture(counts, 3, n_init=3, random_state=0))


@settings(max_examples=10)
@given(logs(), st.integers(1, 4), st.integers(0, 1000))
def test_the_bound_never_falls_over_buckets(tmp_path_factory, log, n_clusters, seed):
    counts = count_transitions(cut_journeys(encode_sequences(log)))
    n_buckets = min(2, len(counts.multiplicity))
    bucketed = write_counts(split(counts, n_buckets), tmp_path_factory.mktemp("above") / "counts")
    users = in_buckets(bucketed)
    start = np.random.default_rng(seed).dirichlet(np.ones(n_clusters), size=len(counts.multiplicity))
    history = climb(users, users.estimate(start), max_iter=40, tol=-np.inf).history
    assert (np.diff(history) >= -1e-9 * abs(history[0])).all()


def test_a_persona_is_made_anew_from_the_same_users_whatever_the_buckets(sample, tmp_path):
    whole = in_memory(sample.counts)
    users = in_buckets(write_counts(split(sample.counts, 5), tmp_path / "counts"))
    start = np.random.default_rng(0).dirichlet(np.ones(4), size=len(whole.weights))
    first, second = (refill(each, each.estimate(start), [1, 3]) for each in (whole, users))
    assert second.log_moves == pytest.approx(first.log_moves, abs=1e-9)
    assert second.log_weights == pytest.approx(first.log_weights, abs=1e-9)


def test_the_number_of_threads_does_not_change_a_fit_from_buckets(sample, tmp_path):
    write_counts(split(sample.counts, 3), tmp_path / "counts")
    one, three = (
        fit_from_buckets(tmp_path / "counts", 3, random_state=2, workers=workers) for workers in (1, 3)
    )
    assert (one.chains == three.chains).all()
    assert (one.responsibilities == three.responsibilities).all()


def test_users_of_a_bucket_get_the_memberships_that_they_have_in_memory(sample, tmp_path):
    bucketed = write_counts(split(sample.counts, 3), tmp_path / "counts")
    fitted = fit_from_buckets(bucketed, 4, random_state=0)
    found = np.concatenate([bucket_memberships(fitted, bucketed, bucket) for bucket in range(3)])
    expected = fit_markov_mixture(sample.counts, 4, random_state=0).responsibilities
    assert found == pytest.approx(expected, abs=1e-6)


def test_rows_of_a_fit_from_buckets_are_the_mean_memberships_of_the_buckets(sample, tmp_path):
    bucketed = write_counts(split(sample.counts, 3), tmp_path / "counts")
    fitted = fit_from_buckets(bucketed, 4, random_state=0)
    assert fitted.responsibilities.shape == (3, 4)
    shares = fitted.multiplicity @ fitted.fitted_responsibilities / fitted.n_users
    assert shares == pytest.approx(fitted.weights, abs=1e-12)


def test_a_fit_from_buckets_is_saved_and_foretells_a_log(sample, tmp_path):
    fitted = fit_from_buckets(write_counts(split(sample.counts, 2), tmp_path / "counts"), 2, random_state=0)
    fitted.save(tmp_path / "personas.npz")
    again = MarkovMixture.load(tmp_path / "personas.npz")
    assert (again.chains == fitted.chains).all()
    assert again.icl == fitted.icl
    assert again.predict_proba(sample.sequences).sum(axis=1) == pytest.approx(1)


def small_counts(**cut):
    log = make_log({"u": [["a", "b"]], "v": [["b"]], "w": [["a"] * 3]})
    return count_transitions(cut_journeys(encode_sequences(log), **cut))


def test_counts_are_read_as_they_were_written(tmp_path):
    counts = small_counts()
    read = write_counts([counts], tmp_path / "counts").read(0)
    assert (read.matrix.toarray() == counts.matrix.toarray()).all()
    assert (read.weights == counts.multiplicity).all()
    assert not read.weights.flags.writeable


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (small_counts(unit="session"), "Bucket 1 differs from the first one in: unit."),
        (small_counts(completion={"b"}), "Bucket 1 differs from the first one in: completion."),
        (
            count_transitions(cut_journeys(encode_sequences(make_log({"u": [["a", "c"]]})))),
            r"Bucket 1 differs from the first one in: vocabulary \(b, c\).",
        ),
    ],
)
def test_a_bucket_that_was_cut_otherwise_is_refused(tmp_path, other, told):
    with pytest.raises(ModelingError, match=told):
        write_counts([small_counts(), other], tmp_path / "counts")
    assert not list(tmp_path.iterdir())


def test_no_buckets_are_refused(tmp_path):
    with pytest.raises(ModelingError, match="buckets holds nothing"):
        write_counts([], tmp_path / "counts")


def test_an_interrupted_writing_leaves_nothing(tmp_path):
    def buckets():
        yield small_counts()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_counts(buckets(), tmp_path / "counts")
    assert not list(tmp_path.iterdir())


def test_counts_are_not_written_over_others(tmp_path):
    write_counts([small_counts()], tmp_path / "counts")
    with pytest.raises(ExportError, match="exists already"):
        write_counts([small_counts()], tmp_path / "counts")


@pytest.mark.parametrize("array", ["data", "indices", "indptr", "multiplicity", "moves"])
def test_a_changed_byte_is_found(tmp_path, array):
    write_counts([small_counts()], tmp_path / "counts")
    path = tmp_path / "counts" / "00000" / f"{array}.npy"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(bytes(changed))
    with pytest.raises(DataError, match=f"{array}.npy' is damaged"):
        read_counts(tmp_path / "counts")


def test_a_bucket_without_users_is_refused(tmp_path):
    counts = small_counts()
    none = replace(counts, matrix=counts.matrix[:0], multiplicity=counts.multiplicity[:0])
    with pytest.raises(ModelingError, match="Bucket 1 holds no users"):
        write_counts([counts, none], tmp_path / "counts")


def test_a_missing_file_is_named(tmp_path):
    bucketed = write_counts([small_counts()], tmp_path / "counts")
    (tmp_path / "counts" / "00000" / "data.npy").unlink()
    with pytest.raises(DataError, match=r"data\.npy' cannot be read: No such file"):
        read_counts(tmp_path / "counts")
    with pytest.raises(DataError, match="is damaged"):
        bucketed.read(0)


def test_a_folder_without_counts_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no counts"):
        fit_from_buckets(tmp_path, 2)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}', '{"schema": "persona-tui/buckets/1"}'])
def test_a_damaged_or_foreign_header_is_refused(tmp_path, text):
    write_counts([small_counts()], tmp_path / "counts")
    (tmp_path / "counts" / "buckets.json").write_text(text)
    with pytest.raises(DataError, match=r"buckets\.json'"):
        read_counts(tmp_path / "counts")


def test_the_header_holds_no_user_ids(tmp_path):
    write_counts([small_counts()], tmp_path / "counts")
    header = json.loads((tmp_path / "counts" / "buckets.json").read_text())
    assert set(header) == {"schema", "unit", "vocabulary", "completion", "drop", "checksums"}
