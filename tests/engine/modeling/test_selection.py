import numpy as np
import pytest
from planted_chains import count_whole, plant_chains
from support import make_log

from persona_tui.engine.data.sequences import encode_sequences
from persona_tui.engine.errors import RunCancelled
from persona_tui.engine.modeling.counts import count_transitions
from persona_tui.engine.modeling.journeys import cut_journeys
from persona_tui.engine.modeling.mixture import climb_from_restarts
from persona_tui.engine.modeling.selection import Rung, _recommend, score_rows, select_n_clusters
from persona_tui.engine.rng import normalise_seed


def rungs(*bits, error=0.001):
    return tuple(
        Rung(
            n_clusters=n,
            bits_per_event=each,
            gain=bits[0] - each,
            gain_error=error,
            excess=each - min(bits),
            excess_error=error,
        )
        for n, each in enumerate(bits, start=1)
    )


def test_four_planted_personas_are_found_automatically(sample):
    selection = select_n_clusters(sample.whole_counts, random_state=0)
    assert selection.n_clusters == 4
    assert [rung.n_clusters for rung in selection.ladder] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("n_chains", [2, 3, 4, 5, 6])
def test_the_number_of_planted_chains_is_found(n_chains):
    sequences, _ = plant_chains(n_chains, 1200, seed=n_chains, mean_length=20, concentration=0.3)
    assert select_n_clusters(count_whole(sequences), random_state=0).n_clusters == n_chains


def test_users_of_one_chain_give_one_persona_in_nineteen_of_twenty_logs():
    logs = [plant_chains(1, 90 + 10 * seed, seed=seed, concentration=1.0)[0] for seed in range(20)]
    found = [
        select_n_clusters(count_whole(log), random_state=seed).n_clusters for seed, log in enumerate(logs)
    ]
    assert found.count(1) >= 19


def test_a_gain_within_two_standard_errors_is_noise():
    assert _recommend(rungs(2.0, 1.9985, 1.9990), 3).n_clusters == 1
    assert _recommend(rungs(2.0, 1.9970, 1.9990), 3).n_clusters == 2


def test_where_the_last_rung_wins_the_smallest_within_one_percent_is_offered():
    selection = _recommend(rungs(2.0, 1.9, 1.81, 1.8), 4)
    assert selection.n_clusters == 3
    assert "do not rise again by 4 personas" in selection.reason


def test_a_smaller_number_within_a_standard_error_of_the_best_is_taken():
    selection = _recommend(rungs(2.0, 1.9, 1.8995, 1.95, 1.95), 8)
    assert selection.n_clusters == 2
    assert "within a standard error of the fewest, those of 3 personas" in selection.reason


def test_a_ladder_that_stays_level_to_its_last_rung_is_no_better_than_its_smallest_within_one_percent():
    assert _recommend(rungs(2.0, 1.81, 1.80, 1.7995, 1.8), 5).n_clusters == 2


def test_the_reason_names_its_numbers():
    assert _recommend(rungs(2.151, 2.031, 2.050, error=0.0102), 3).reason == (
        "2.031 bits per event of users held out, 0.120 ± 0.010 fewer than one persona "
        "and the fewest of the numbers tried"
    )


def test_no_structure_is_a_reason_with_numbers():
    assert _recommend(rungs(2.0, 2.003), 2).reason == (
        "no structure, as 2 personas foretell users held out worse, by 0.0030 ± 0.0010 bits per event"
    )
    assert _recommend(rungs(2.0, 2.0 + 1e-9), 2).reason == (
        "no structure, as 2 personas foretell users held out no better"
    )
    assert _recommend(rungs(2.0, 1.999), 2).reason == (
        "no structure, as 2 personas foretell users held out better by only 0.0010 ± 0.0010 bits per event, "
        "which is noise"
    )


@pytest.mark.parametrize("workers", [1, 2])
def test_the_ladder_tells_every_fit_and_stops_when_told(sample, workers):
    told = []

    def stop_at_four(progress):
        told.append(progress)
        if progress.done == 4:
            raise RunCancelled("enough")

    with pytest.raises(RunCancelled):
        select_n_clusters(sample.counts, max_clusters=3, workers=workers, on_progress=stop_at_four)
    assert [(each.done, each.total) for each in told] == [(1, 9), (2, 9), (3, 9), (4, 9)]


def test_a_log_of_two_users_is_one_persona():
    counts = count_transitions(cut_journeys(encode_sequences(make_log({"u": [["a"]], "v": [["b"]]}))))
    selection = select_n_clusters(counts, random_state=0)
    assert (selection.n_clusters, selection.reason) == (
        1,
        "fewer than 6 users are too few to hold some of them out",
    )


def test_a_fold_is_scored_by_a_fit_that_never_saw_it():
    log = make_log({f"u{n}": [["a", "b"]] for n in range(9)} | {f"v{n}": [["c", "a"]] for n in range(9)})
    counts = count_transitions(cut_journeys(encode_sequences(log), censor=False))
    starts_with_c = counts.journeys.vocabulary.index("c")
    unseen = (counts.matrix[:, counts.moves == starts_with_c].toarray() > 0)[:, 0]
    weights = np.where(unseen, 0.0, counts.multiplicity)
    fitted = climb_from_restarts(
        counts, 1, weights=weights, n_init=1, max_iter=5, tol=0.0, prior=1.0, seed=normalise_seed(0)
    )
    assert fitted.chains[0, 0, starts_with_c] < 0.02
    assert (score_rows(counts, fitted)[unseen] < -5).all()


@pytest.mark.parametrize("workers", [1, 3])
def test_the_ladder_does_not_depend_on_threads(sample, workers):
    kept = select_n_clusters(sample.counts, max_clusters=3, random_state=0)
    assert select_n_clusters(sample.counts, max_clusters=3, random_state=0, workers=workers) == kept


def test_the_smallest_number_within_one_percent_is_never_the_one_that_was_beaten():
    selection = _recommend(rungs(3.0, 2.98), top=2)

    assert selection.n_clusters == 2


def test_a_journey_that_begins_with_its_completion_does_not_outweigh_all_others():
    usual = {f"u{user:02d}": [["a", "b", "a"]] for user in range(29)}
    log = encode_sequences(make_log({**usual, "odd": [["buy"]]}))
    counts = count_transitions(cut_journeys(log, completion={"buy"}, censor=False))

    assert select_n_clusters(counts, random_state=0).ladder[0].bits_per_event < 2.0


def test_one_user_has_finite_bits_though_there_is_nobody_to_learn_from():
    log = encode_sequences(make_log({"u": [["a", "b", "a"]]}))
    selection = select_n_clusters(count_transitions(cut_journeys(log)), random_state=0)

    assert selection.n_clusters == 1
    assert np.isfinite(selection.ladder[0].bits_per_event)
