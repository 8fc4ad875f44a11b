import numpy as np
import polars as pl
import pytest
from support import make_log

from persona_tui.engine.errors import DataError, ModelingError
from persona_tui.engine.modeling import segmentation
from persona_tui.engine.modeling.naming import name_personas


def test_event_names_stay_whole_and_moves_are_terms():
    log = make_log({"u": [["landing", "Add to Cart"]], "v": [["landing"]]})
    embeddings, user_ids, vectorizer = segmentation.encode_event_sequences(log)
    assert sorted(vectorizer.get_feature_names_out()) == ["Add to Cart", "landing", "landing → Add to Cart"]
    assert user_ids == ("u", "v")
    assert embeddings.shape == (2, 3)
    assert np.sqrt((embeddings.toarray() ** 2).sum(axis=1)) == pytest.approx(1)


def test_clusters_attach_to_every_event_of_their_user(sample):
    result = segmentation.cluster_event_sequences(sample.events, n_clusters=2)
    joined = segmentation.attach_clusters(sample.events, result, result.user_ids)
    assert joined.height == sample.events.height
    assert joined.group_by("user_id").agg(pl.col("cluster").n_unique())["cluster"].max() == 1
    assert (joined["event_type"] == sample.events["event_type"]).all()


def test_users_in_another_order_are_refused(sample):
    result = segmentation.cluster_event_sequences(sample.events, n_clusters=2)
    with pytest.raises(DataError, match="not those that were clustered"):
        segmentation.attach_clusters(sample.events, result, result.user_ids[::-1])


def test_any_scikit_learn_clusterer_can_be_passed_in():
    from sklearn.cluster import AgglomerativeClustering, KMeans

    log = make_log({f"a{n}": [["x", "y", "x"]] for n in range(5)} | {f"b{n}": [["z", "z"]] for n in range(5)})
    for clusterer in (KMeans(2, random_state=0), AgglomerativeClustering(2)):
        result = segmentation.cluster_event_sequences(log, clusterer=clusterer)
        assert result.mixture is None
        assert len(set(result.labels[:5])) == len(set(result.labels[5:])) == 1
        assert result.labels[0] != result.labels[5]


def test_more_clusters_than_users_are_refused():
    with pytest.raises(ModelingError, match="n_clusters == 3, must be from 1 to 1"):
        segmentation.cluster_event_sequences(make_log({"u": [["a"]]}), n_clusters=3)


def test_names_are_distinct_and_come_from_behaviour(sample):
    result = segmentation.cluster_event_sequences(sample.events, n_clusters=4)
    assert len(set(result.names)) == 4
    words = " ".join(result.names).lower()
    assert any(word in words for word in ("compare", "pricing"))


def test_personas_without_a_signature_still_get_distinct_names(sample):
    counts = sample.counts
    same = np.repeat(counts.multiplicity[:, None] / 3, 3, axis=1)
    assert len(set(name_personas(counts, same))) == 3
