"""What is kept beside a fit about its number of personas is that fit's, whole, or made anew."""

from dataclasses import replace
from pathlib import Path

import pytest

from persona_tui.engine.modeling.selection import Selection, select_n_clusters
from persona_tui.engine.rng import normalise_seed
from persona_tui.study import cache
from persona_tui.study.cache import LADDER_SUFFIX
from persona_tui.study.kept_ladder import learn_ladder
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings
from persona_tui.study.personas import describe_personas

SAMPLE_CSV = Path(__file__).parents[2] / "data" / "sample_events.csv"


@pytest.fixture
def settings(tmp_path):
    path = tmp_path / "small.csv"
    header, *rows = SAMPLE_CSV.read_text().splitlines()
    path.write_text("\n".join([header, *(row for row in rows if row[:4] == "u000")]) + "\n")
    study = tmp_path / "study"
    study.mkdir()
    return Settings(events=str(path), output=str(study))


def ladders_in(settings):
    return sorted(Path(settings.output).rglob(f"*{LADDER_SUFFIX}"))


def test_a_description_is_kept_beside_the_fit_that_it_belongs_to(settings):
    described = describe_personas(settings)
    (kept,) = ladders_in(settings)
    assert kept.with_name(kept.name.removesuffix(LADDER_SUFFIX) + ".npz").is_file()
    stages = []
    again = describe_personas(settings, on_progress=lambda progress: stages.append(progress.stage))
    assert again.ladder == described.ladder
    assert "stability of personas" not in stages


def test_a_given_number_has_no_ladder(settings):
    described = describe_personas(replace(settings, clusters="2"))
    assert described.ladder is None
    assert ladders_in(settings) == []


def test_the_description_of_another_ladder_is_never_taken(settings):
    described = describe_personas(settings)
    prepared = prepare_log(settings)
    other = select_n_clusters(prepared.counts, max_clusters=2, random_state=normalise_seed(settings.seed))
    assert isinstance(other, Selection)
    ladder = learn_ladder(settings, prepared, other)
    assert [each.rung for each in ladder.rungs] == list(other.ladder)
    assert ladder != described.ladder


def test_a_fit_that_makes_room_takes_its_description_along(settings, monkeypatch):
    monkeypatch.setattr(cache, "MOST_FITS", 1)
    describe_personas(settings)
    (first,) = ladders_in(settings)
    describe_personas(replace(settings, seed=1))
    (second,) = ladders_in(settings)
    assert first != second
    assert not first.exists()


def test_nothing_is_kept_where_the_folder_cannot_be_made(settings, monkeypatch, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.setattr("persona_tui.study.kept_ladder.cache_folder", lambda _settings: blocked / "cache")
    monkeypatch.setattr("persona_tui.study.fit.cache_folder", lambda _settings: blocked / "cache")
    assert describe_personas(settings).ladder is not None
