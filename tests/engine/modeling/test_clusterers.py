import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from planted_chains import count_whole, plant_chains
from support import make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import ModelingError, UnknownNameError
from persona_tui.engine.modeling import segmentation
from persona_tui.engine.modeling.clusterers import CLUSTERERS, Task, clusterer_of
from persona_tui.engine.modeling.stability import adjusted_rand_index
from persona_tui.engine.rng import normalise_seed

TWO_KINDS = {f"a{n}": [["x", "y", "x"]] for n in range(5)} | {f"b{n}": [["z", "z"]] for n in range(5)}


def task_of(sequences, n_clusters=2):
    return Task(sequences=sequences, counts=count_whole(sequences), n_clusters=n_clusters, prior=1.0)


def everyone(task):
    return np.ones(task.sequences.n_users, dtype=np.int64)


@pytest.fixture(scope="module")
def planted():
    return plant_chains(3, 600, seed=2, mean_length=60, concentration=0.2)


@pytest.mark.parametrize("name", ["mixture", "kmeans", "nmf"])
def test_every_named_clusterer_finds_groups_that_are_far_apart(planted, name):
    sequences, truth = planted
    task = task_of(sequences, 3)
    grouping = clusterer_of(name)(task, everyone(task), normalise_seed(0))
    assert grouping.memberships.shape == (600, 3)
    assert grouping.memberships.sum(axis=1) == pytest.approx(1)
    assert adjusted_rand_index(grouping.labels, truth) > 0.8


@pytest.mark.parametrize("name", ["mixture", "kmeans", "nmf"])
def test_users_held_out_are_grouped_like_users_of_their_kind(planted, name):
    sequences, truth = planted
    task = task_of(sequences, 3)
    held_out = np.arange(600) % 3 == 0
    grouping = clusterer_of(name)(task, (~held_out).astype(np.int64), normalise_seed(0))
    assert adjusted_rand_index(grouping.labels[held_out], truth[held_out]) > 0.8


@pytest.mark.parametrize("name", ["mixture", "kmeans", "nmf"])
def test_the_same_seed_gives_the_same_groups(planted, name):
    task = task_of(planted[0], 3)
    first, second = (clusterer_of(name)(task, everyone(task), normalise_seed(4)) for _ in range(2))
    assert (first.memberships == second.memberships).all()


@pytest.mark.parametrize("name", ["kmeans", "nmf"])
def test_users_who_are_not_drawn_teach_nothing(planted, name):
    sequences, _ = planted
    drawn = (np.arange(600) < 400).astype(np.int64)
    codes = sequences.codes.copy()
    codes[sequences.users >= 400] = codes[sequences.users >= 400][::-1]
    other = replace(sequences, codes=codes)
    first, second = (
        clusterer_of(name)(task_of(each, 3), drawn, normalise_seed(0)).labels[:400]
        for each in (sequences, other)
    )
    assert adjusted_rand_index(first, second) == 1.0


def test_kmeans_is_that_of_scikit_learn_on_the_embeddings_of_the_log():
    from sklearn.cluster import KMeans

    log = make_log({f"u{n}": [list(np.random.default_rng(n).choice(list("abc"), 8))] for n in range(40)})
    embeddings, _, _ = segmentation.encode_event_sequences(log)
    expected = KMeans(3, n_init=10, random_state=7).fit_predict(embeddings)
    result = segmentation.cluster_event_sequences(log, clusterer=KMeans(3, n_init=10, random_state=7))
    assert (result.labels == expected).all()


def test_groups_of_kmeans_do_not_depend_on_the_number_of_threads(planted):
    from threadpoolctl import threadpool_limits

    task = task_of(planted[0], 3)
    labels = []
    for limit in (1, 4):
        with threadpool_limits(limits=limit):
            labels.append(clusterer_of("kmeans")(task, everyone(task), normalise_seed(0)).labels)
    assert (labels[0] == labels[1]).all()


def test_a_clusterer_that_is_passed_in_is_not_changed_and_takes_the_seed():
    from sklearn.cluster import MiniBatchKMeans

    clusterer = MiniBatchKMeans(2, n_init=3)
    results = [
        segmentation.cluster_event_sequences(make_log(TWO_KINDS), clusterer=clusterer, random_state=3)
        for _ in range(2)
    ]
    assert not hasattr(clusterer, "labels_")
    assert clusterer.random_state is None
    assert (results[0].labels == results[1].labels).all()


def test_users_held_out_join_the_nearest_group_where_a_clusterer_cannot_predict():
    from sklearn.cluster import AgglomerativeClustering

    task = task_of(encode_sequences(make_log(TWO_KINDS)))
    drawn = np.array([1, 1, 1, 0, 0, 2, 1, 1, 0, 1])
    labels = clusterer_of(AgglomerativeClustering(2))(task, drawn, normalise_seed(0)).labels
    assert adjusted_rand_index(labels, np.repeat([0, 1], 5)) == 1.0


def test_users_of_no_cluster_are_a_group_that_is_called_so():
    from sklearn.cluster import DBSCAN

    log = make_log(TWO_KINDS | {"c": [["q", "y", "z", "q"]]})
    result = segmentation.cluster_event_sequences(log, clusterer=DBSCAN(eps=0.1, min_samples=3))
    assert result.n_clusters == 3
    assert result.names[-1] == "Unclustered users"
    assert [user for user, label in zip(result.user_ids, result.labels, strict=True) if label == 2] == ["c"]


def test_a_clusterer_that_puts_nobody_into_a_cluster_is_refused():
    from sklearn.cluster import DBSCAN

    with pytest.raises(ModelingError, match=r"DBSCAN put none of the 10 users into a cluster\.\nLoosen"):
        segmentation.cluster_event_sequences(make_log(TWO_KINDS), clusterer=DBSCAN(eps=0.1, min_samples=30))


def test_kmeans_by_name_needs_a_number():
    log = make_log(TWO_KINDS)
    assert segmentation.cluster_event_sequences(log, 2, clusterer="kmeans").n_clusters == 2
    with pytest.raises(ModelingError, match="'kmeans' cannot find the number"):
        segmentation.cluster_event_sequences(log, clusterer="kmeans")


@pytest.mark.parametrize("name", ["mixture", "kmeans", "nmf"])
def test_more_clusters_than_users_are_refused_by_every_clusterer(name):
    with pytest.raises(ModelingError, match="n_clusters == 11, must be from 1 to"):
        segmentation.cluster_event_sequences(make_log(TWO_KINDS), 11, clusterer=name)


def test_an_unknown_clusterer_is_named_with_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean 'kmeans'"):
        segmentation.cluster_event_sequences(make_log(TWO_KINDS), 2, clusterer="k_means")


def test_what_cannot_cluster_is_refused():
    with pytest.raises(ModelingError, match="dict is no clusterer: it has no fit_predict"):
        segmentation.cluster_event_sequences(make_log(TWO_KINDS), 2, clusterer={})


def test_clusterers_are_listed_without_loading_scikit_learn():
    code = (
        "import sys\nfrom persona_tui.engine.modeling.clusterers import CLUSTERERS\n"
        "print(*CLUSTERERS.names(), 'sklearn' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["mixture", "kmeans", "nmf", "False"]
    assert all(CLUSTERERS.help(name).endswith(".") for name in CLUSTERERS.names())
