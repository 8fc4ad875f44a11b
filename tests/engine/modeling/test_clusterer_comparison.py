import pytest
from planted_chains import count_whole, plant_chains
from support import make_log

from persona_tui.engine.data.etl import load_event_log_csv
from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import ModelingError, RunCancelled
from persona_tui.engine.modeling.clusterer_comparison import compare_clusterers
from persona_tui.engine.modeling.selection import select_n_clusters


@pytest.fixture(scope="module")
def short_journeys():
    return plant_chains(3, 600, seed=5, mean_length=8, concentration=0.5)[0]


@pytest.fixture(scope="module")
def rows(short_journeys):
    return compare_clusterers(short_journeys, 3, n_refits=3)


def test_the_mixture_is_what_the_others_are_compared_with(rows):
    mixture = rows[0]
    assert [row.name for row in rows] == ["mixture", "kmeans", "nmf"]
    assert (mixture.excess, mixture.excess_error, mixture.agreement) == (0.0, 0.0, 1.0)
    for row in rows:
        assert row.excess == pytest.approx(row.bits_per_event - mixture.bits_per_event)
        assert row.n_clusters == 3


def test_on_short_journeys_groups_of_bigrams_foretell_less(rows):
    assert all(row.excess > 2 * row.excess_error for row in rows[1:])


def test_the_mixture_scores_as_it_does_on_the_ladder(short_journeys, rows):
    ladder = select_n_clusters(count_whole(short_journeys), max_clusters=3, random_state=0).ladder
    assert rows[0].bits_per_event == pytest.approx(ladder[2].bits_per_event, rel=0.005)


def test_the_mixture_comes_first_whether_named_or_not(short_journeys, rows):
    alone = compare_clusterers(short_journeys, 3, clusterers=("kmeans",), n_refits=3)
    assert alone == rows[:2]


def test_a_clusterer_of_scikit_learn_tells_of_users_it_leaves_out():
    from sklearn.cluster import DBSCAN

    kinds = {f"a{n}": [["x", "y", "x"]] for n in range(30)} | {f"b{n}": [["z", "z"]] for n in range(25)}
    log = make_log(kinds | {f"c{n}": [["q", "q", "y", "z", "x"][n:]] for n in range(5)})
    _, row = compare_clusterers(
        encode_sequences(log), 2, clusterers=(DBSCAN(eps=0.1, min_samples=6),), n_refits=2
    )
    assert (row.name, row.n_clusters) == ("DBSCAN", 2)
    assert row.unclustered_share == pytest.approx(5 / 60)
    assert row.smallest_share == pytest.approx(25 / 60)


@pytest.mark.parametrize(
    ("n_users", "n_clusters", "n_refits", "message"),
    [
        (2, 1, 2, "2 users are too few to hold some out, must be >= 3"),
        (9, 7, 2, "n_clusters == 7, must be from 1 to 6"),
        (9, 2, 1, "n_refits == 1, must be >= 2"),
    ],
)
def test_what_cannot_be_compared_is_refused(n_users, n_clusters, n_refits, message):
    sequences = encode_sequences(make_log({f"u{n}": [["a", "b"]] for n in range(n_users)}))
    with pytest.raises(ModelingError, match=message):
        compare_clusterers(sequences, n_clusters, n_refits=n_refits)


def test_a_comparison_stops_when_told(short_journeys):
    told = []

    def stop(progress):
        told.append((progress.done, progress.total))
        if progress.done == 2:
            raise RunCancelled("enough")

    with pytest.raises(RunCancelled):
        compare_clusterers(short_journeys, 2, n_refits=2, on_progress=stop)
    assert told == [(1, 18), (2, 18)]


@pytest.mark.real
def test_on_a_real_log_the_mixture_foretells_best(real_log):
    sequences = encode_sequences(load_event_log_csv(real_log("online_wizard")))
    _, kmeans = compare_clusterers(sequences, 4, clusterers=("kmeans",), n_refits=2)
    assert kmeans.excess > 10 * kmeans.excess_error


def test_resamples_of_few_users_that_hold_fewer_different_ones_than_groups_are_compared_too():
    log = {f"u{user}": [[*"abcd"[user % 4 :], *"ab" * user]] for user in range(9)}

    compared = compare_clusterers(encode_sequences(make_log(log)), 5, n_refits=10)

    assert [row.n_clusters for row in compared[:2]] == [5, 5]
