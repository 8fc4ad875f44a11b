"""A kept fit is the fit; any other is not taken."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from persona_tui.engine.modeling import mixture, restarts, selection, shrinkage
from persona_tui.engine.simulation import uncertainty
from persona_tui.study.cache import FitCache, cache_folder
from persona_tui.study.fit import fit_personas, run_scenario
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings

SAMPLE_CSV = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return tmp_path_factory.mktemp("study")


@pytest.fixture(scope="module")
def fitted(study):
    settings = Settings(events=str(SAMPLE_CSV), clusters="2", output=str(study))
    prepared = prepare_log(settings)
    return settings, prepared, fit_personas(settings, prepared)


def outcome(settings, fit):
    (scenario,) = settings.effective_scenarios()
    return run_scenario(settings, fit, scenario, solver="exact").total


def test_a_kept_fit_gives_the_very_same_numbers(fitted, monkeypatch):
    settings, prepared, first = fitted
    monkeypatch.setattr("persona_tui.study.fit.draw_flows", None)  # nothing is learned again
    again = fit_personas(settings, prepared)
    assert outcome(settings, again) == outcome(settings, first)
    assert again.segmentation.names == first.segmentation.names
    assert np.array_equal(again.segmentation.memberships, first.segmentation.memberships)


def test_amounts_are_drawn_alike_from_a_kept_fit(tmp_path, monkeypatch):
    path = tmp_path / "log.csv"
    log = pl.read_csv(SAMPLE_CSV).with_columns(paid=pl.int_range(pl.len()) % 97)
    log.write_csv(path)
    settings = Settings(events=str(path), clusters="1", value="signup_complete=paid", output=str(tmp_path))
    prepared = prepare_log(settings)
    first = fit_personas(settings, prepared)
    monkeypatch.setattr("persona_tui.study.fit.draw_flows", None)
    again = fit_personas(settings, prepared)
    drawn = [fit.baseline.measures.values.drawn for fit in (first, again)]
    assert drawn[0].shape == (400, 1, 1)
    assert drawn[0].std() > 0
    np.testing.assert_array_equal(*drawn)


@pytest.mark.parametrize("other", [{"seed": 1}, {"clusters": "3"}, {"unit": "session"}, {"drop": ("help",)}])
def test_other_settings_have_a_fit_of_their_own(fitted, study, other):
    settings, prepared, _ = fitted
    changed = replace(settings, **other)
    of_settings = FitCache(study / "cache", settings, prepared, 400)
    of_others = FitCache(study / "cache", changed, prepare_log(changed), 400)
    assert of_settings.load() is not None
    assert of_others.load() is None


@pytest.mark.parametrize("damage", [b"", b"not a file of arrays", None])
def test_a_damaged_fit_is_learned_again(fitted, tmp_path, damage):
    settings, prepared, fit = fitted
    cache = FitCache(tmp_path, settings, prepared, 400)
    cache.save(fit.segmentation, fit.baseline.draws)
    whole = cache.path.read_bytes()
    cache.path.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    assert cache.load() is None


@pytest.mark.parametrize(
    "name", ["weights", "chains", "responsibilities", "pooled", "bound_history", "moved", "shares"]
)
def test_arrays_of_other_shapes_are_no_fit(fitted, tmp_path, name):
    settings, prepared, fit = fitted
    cache = FitCache(tmp_path, settings, prepared, 400)
    cache.save(fit.segmentation, fit.baseline.draws)
    with np.load(cache.path) as kept:
        arrays = dict(kept)
    np.savez(cache.path, **{**arrays, name: arrays[name][None][..., :1]})
    assert cache.load() is None
    np.savez(cache.path, **arrays)
    assert cache.load() is not None


@settings_of_hypothesis(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, 2_000), at_the_end=st.booleans(), byte=st.integers(0, 255))
def test_no_wrong_byte_of_a_file_stops_a_run(fitted, tmp_path, place, at_the_end, byte):
    settings, prepared, fit = fitted
    cache = FitCache(tmp_path, settings, prepared, 400)
    if not cache.path.exists():
        cache.save(fit.segmentation, fit.baseline.draws)
    whole = cache.path.read_bytes()
    damaged = bytearray(whole)
    damaged[-1 - place if at_the_end else place] = byte
    cache.path.write_bytes(damaged)
    cache.load()
    cache.path.write_bytes(whole)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (uncertainty, "REFIT_ITERATIONS"),
        (uncertainty, "DRAWS_PER_BLOCK"),
        (shrinkage, "DEFAULT_PRIOR"),
        (mixture, "DEFAULT_N_INIT"),
        (restarts, "RESTART_SAMPLE"),
        (selection, "N_FOLDS"),
        (selection, "_FOLD_TOLERANCE"),
    ],
)
def test_another_number_in_the_algorithm_has_a_fit_of_its_own(fitted, study, monkeypatch, module, name):
    settings, prepared, _ = fitted
    monkeypatch.setattr(module, name, getattr(module, name) + 1)
    assert FitCache(study / "cache", settings, prepared, 400).load() is None


def test_only_the_newest_fits_of_a_log_are_kept(fitted, tmp_path):
    settings, prepared, fit = fitted
    cache = FitCache(tmp_path, settings, prepared, 400)
    cache.path.parent.mkdir()
    older = [cache.path.with_name(f"fit-{age}.npz") for age in range(9)]
    for age, path in enumerate(older):
        path.touch()
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    cache.save(fit.segmentation, fit.baseline.draws)
    assert set(cache.path.parent.iterdir()) == {cache.path, *older[:7]}


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(fitted, tmp_path):
    settings, prepared, fit = fitted
    (tmp_path / "file").write_text("")
    FitCache(tmp_path / "file", settings, prepared, 400).save(fit.segmentation, fit.baseline.draws)


def test_a_log_without_a_study_is_kept_in_the_users_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder(Settings(events="log.csv")) == tmp_path / "persona-tui"
