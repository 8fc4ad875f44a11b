import re
from dataclasses import replace

import pytest
from planted_chains import count_whole, plant_chains

from persona_tui.engine.errors import ModelingError, RunCancelled
from persona_tui.engine.modeling.ladder import DescribedRung, _cautions, describe_ladder
from persona_tui.engine.modeling.segmentation import find_personas
from persona_tui.engine.modeling.selection import Rung, Selection
from persona_tui.engine.modeling.stability import summarise_agreement


def ladder_to(*numbers, recommended):
    rungs = tuple(
        Rung(
            n_clusters=n,
            bits_per_event=2.0 - 0.1 * n,
            gain=0.1 * n - 0.1,
            gain_error=0.01,
            excess=0.1 * (max(numbers) - n),
            excess_error=0.01,
        )
        for n in numbers
    )
    return Selection(ladder=rungs, n_clusters=recommended, reason="as asked")


@pytest.fixture(scope="module")
def apart():
    return count_whole(plant_chains(3, 900, seed=1, mean_length=20, concentration=0.2)[0])


@pytest.fixture(scope="module")
def shapeless():
    return count_whole(plant_chains(1, 400, seed=1, concentration=1.0)[0])


def test_personas_that_are_apart_come_out_of_every_resample(apart):
    described = describe_ladder(apart, ladder_to(1, 3, recommended=3), random_state=0)
    assert described.rungs[1].stability.low > 0.95
    assert described.cautions == ()
    assert re.fullmatch(r"3: as asked; refits agree (0\.9\d|1\.00); smallest share \d\d %", described.reason)


def test_personas_of_noise_do_not_come_out_again_and_that_is_said(shapeless):
    described = describe_ladder(shapeless, ladder_to(1, 3, recommended=3), random_state=0)
    assert described.rungs[1].stability.mean < 0.5
    (caution,) = described.cautions
    assert "10 refits on users drawn again agree only 0." in caution
    assert "No number reaches 0.80" in caution


def test_an_unstable_number_names_a_stable_one(apart):
    described = describe_ladder(apart, ladder_to(1, 3, 6, recommended=6), random_state=0)
    assert described.rungs[2].stability.mean < 0.8
    assert re.search(r"Refits of 3 personas agree (0\.9\d|1\.00)\.", described.cautions[0])


def test_a_persona_of_hardly_any_users_is_told():
    few = DescribedRung(
        rung=ladder_to(1, 2, recommended=2).ladder[1],
        bic=0.0,
        icl=0.0,
        smallest_share=0.0123,
        stability=summarise_agreement([0.9, 0.9]),
    )
    assert _cautions(few, (few,), 1000.0) == (
        "The smallest persona has 1.2 % of users, about 12: its figures rest on few.",
    )
    assert _cautions(replace(few, smallest_share=0.02), (few,), 1000.0) == ()


def test_the_criteria_are_those_of_the_personas_that_are_found(apart):
    mixture = find_personas(apart, 3, random_state=0).mixture
    described = describe_ladder(apart, ladder_to(1, 3, recommended=3), n_refits=2, random_state=0)
    assert (described.rungs[1].bic, described.rungs[1].icl) == (mixture.bic, mixture.icl)
    assert described.rungs[1].smallest_share == mixture.weights.min()


def test_bic_and_icl_are_lowest_at_the_planted_number(apart):
    rungs = describe_ladder(apart, ladder_to(1, 2, 3, 4, recommended=3), n_refits=2, random_state=0).rungs
    assert min(rungs, key=lambda each: each.bic).rung.n_clusters == 3
    assert min(rungs, key=lambda each: each.icl).rung.n_clusters == 3


def test_one_persona_has_no_stability_to_speak_of(shapeless):
    described = describe_ladder(shapeless, ladder_to(1, 2, recommended=1), n_refits=2, random_state=0)
    assert described.rungs[0].stability is None
    assert described.reason == "one persona: as asked"
    assert described.cautions == ()


def test_the_description_does_not_depend_on_threads(apart):
    first, second = (
        describe_ladder(apart, ladder_to(1, 2, recommended=2), n_refits=3, random_state=5, workers=workers)
        for workers in (1, 3)
    )
    assert first == second


def test_every_fit_is_told(apart):
    told = []
    describe_ladder(apart, ladder_to(1, 2, recommended=2), n_refits=3, on_progress=told.append)
    assert [(each.done, each.total) for each in told] == [(n, 5) for n in range(1, 6)]


def test_fits_that_wait_are_not_begun_once_the_work_is_stopped(apart, monkeypatch):
    from persona_tui.engine.modeling import ladder

    begun = []
    monkeypatch.setattr(
        ladder,
        "fit_part",
        lambda *args, fit=ladder.fit_part, **kwargs: begun.append(1) or fit(*args, **kwargs),
    )

    def stop(progress):
        raise RunCancelled("enough")

    with pytest.raises(RunCancelled):
        describe_ladder(apart, ladder_to(1, 2, recommended=2), n_refits=50, on_progress=stop)
    assert len(begun) < 25


def test_a_single_refit_is_refused(apart):
    with pytest.raises(ModelingError, match="n_refits == 1, must be >= 2"):
        describe_ladder(apart, ladder_to(1, recommended=1), n_refits=1)
