"""Personas that are excluded are no part of what a study predicts, and their part of the fit stays."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import write_part_of_sample

from persona_tui.engine.analytics.markdown import to_markdown
from persona_tui.engine.analytics.tables import persona_table
from persona_tui.engine.errors import DataError, SimulationError
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.study.config import merge_settings, read_settings
from persona_tui.study.kept_personas import KeptPersona, KeptPersonas, PersonaChanges
from persona_tui.study.persona_files import PERSONAS_FILE, read_kept_personas, write_kept_personas
from persona_tui.study.personas import describe_personas
from persona_tui.study.previews import open_flow, preview_outcomes
from persona_tui.study.runs import run_simulation
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.study.study import forecast

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
FRICTION = ScenarioSettings(name="Friction", effects=("friction:factor=0.1",))


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study of the first users of the sample with three personas, none of them excluded."""
    folder = tmp_path_factory.mktemp("study")
    write_part_of_sample(folder / "log.csv", "u00")
    (folder / "study.toml").write_text(
        'events = "log.csv"\nclusters = 3\nn_personas = 50\nmodification = ["friction:factor=0.1"]\n'
    )
    return folder


def settings_of(folder):
    return merge_settings(read_settings(folder / "study.toml"), {})


@pytest.fixture(scope="module")
def everyone(study):
    return forecast(settings_of(study))


@pytest.fixture(scope="module")
def names(everyone):
    return [card.name for card in everyone.report.personas]


@pytest.fixture(scope="module")
def without_second(study, everyone):
    """What is predicted without the second persona."""
    placed = everyone.fit.learned.placed
    write_kept_personas(
        study, PersonaChanges(excludes=("2",)).apply(KeptPersonas(folder=study), placed.settled)
    )
    result = forecast(settings_of(study))
    (study / PERSONAS_FILE).unlink()
    return result


@pytest.fixture
def excluding(study, everyone):
    """Return what makes the study exclude personas by number; it includes all again afterwards."""

    def exclude(*numbers, **others):
        placed = everyone.fit.learned.placed
        changes = PersonaChanges(excludes=tuple(map(str, numbers)), **others)
        kept = KeptPersonas(folder=study)
        write_kept_personas(study, changes.apply(kept, placed.settled))
        return settings_of(study)

    yield exclude
    (study / PERSONAS_FILE).unlink(missing_ok=True)


drawn = st.lists(
    st.builds(
        KeptPersona,
        generated=st.sampled_from("ABCDE"),
        name=st.sampled_from(["", "Ann", "Bob"]),
        place=st.none(),
        excluded=st.booleans(),
    ),
    min_size=2,
    max_size=4,
    unique_by=(lambda each: each.generated, lambda each: each.called),
)


@given(drawn, st.data())
def test_excluding_and_then_including_changes_nothing(found, data):
    free = [place for place, each in enumerate(found) if not each.excluded]
    if len(free) < 2:
        return
    meant = str(data.draw(st.sampled_from(free)) + 1)
    kept = KeptPersonas(folder=Path(), personas=tuple(each for each in found if each.is_settled))
    out = PersonaChanges(excludes=(meant,)).apply(kept, found)
    known = {each.generated: each for each in out}
    excluded = [known.get(each.generated, KeptPersona(generated=each.generated)) for each in found]
    assert excluded[int(meant) - 1].excluded
    back = PersonaChanges(includes=(meant,)).apply(replace(kept, personas=out), excluded)
    assert set(back) == set(kept.personas)


@given(drawn, st.data())
def test_what_was_settled_is_restored_as_it_was(found, data):
    kept = KeptPersonas(folder=Path(), personas=tuple(each for each in found if each.is_settled))
    now = [KeptPersona(generated=each.generated, place=place + 1) for place, each in enumerate(found)]
    if all(each.excluded for each in found):
        return
    restored = PersonaChanges(restores=tuple(data.draw(st.permutations(found)))).apply(kept, now)
    assert restored == kept.personas


@given(drawn)
def test_who_is_excluded_is_read_back_as_it_was_written(tmp_path_factory, found):
    folder = tmp_path_factory.mktemp("kept")
    write_kept_personas(folder, found)
    assert read_kept_personas(folder).personas == tuple(found)


def test_the_last_persona_cannot_be_excluded():
    found = [KeptPersona(generated="A", excluded=True), KeptPersona(generated="B")]
    with pytest.raises(SimulationError, match="nobody to predict") as fault:
        PersonaChanges(excludes=("B",)).apply(KeptPersonas(folder=Path()), found)
    assert fault.value.hint.startswith("Leave one in")
    changes = PersonaChanges(excludes=("B",), includes=("A",))
    assert [each.excluded for each in changes.apply(KeptPersonas(folder=Path()), found)] == [True]


def test_excluding_and_including_one_at_once_is_refused():
    found = [KeptPersona(generated="A"), KeptPersona(generated="B")]
    with pytest.raises(SimulationError, match="--exclude: 'A' is settled twice"):
        PersonaChanges(excludes=("1",), includes=("A",)).apply(KeptPersonas(folder=Path()), found)


def test_a_file_that_says_anything_but_yes_or_no_is_refused_with_its_line(tmp_path):
    (tmp_path / "personas").mkdir()
    (tmp_path / PERSONAS_FILE).write_text('[[personas]]\ngenerated = "B"\nexcluded = "yes"\n')
    with pytest.raises(DataError, match="line 3: excluded must be true or false"):
        read_kept_personas(tmp_path)


def test_every_place_that_tells_a_total_tells_whom_it_is_without(without_second, names):
    result = without_second
    experiment = result.report.lead.experiment
    phrase = experiment.without
    assert phrase.startswith(f"without '{names[1]}' (")
    assert result.report.lead.decision.startswith(f"Without '{names[1]}' (")
    assert any(phrase in each for each in result.report.assumptions)
    document = json.loads(json.dumps(result.document))
    assert document["experiments"][0]["without"] == phrase
    assert document["recipe"]["settings"]["excluded"] == [names[1]]
    assert [each.get("excluded") for each in document["personas"]] == [None, True, None]
    assert [each["id"] for each in document["experiments"][0]["personas"]] == [1, 3]
    assert f"2 {names[1]} (excluded)" in to_markdown(result.report).replace("\\", "")
    assert persona_table(result.report.personas)["excluded"].to_list() == [False, True, False]


def test_the_others_are_predicted_as_before_and_the_total_is_theirs(without_second, everyone):
    before, after = (each.report.lead.experiment for each in (everyone, without_second))
    one, _, other = before.personas
    assert [each.name for each in after.personas] == [one.name, other.name]
    for was, now in zip((one, other), after.personas, strict=True):
        for arm, values in was.arms.items():  # times are of moves of the users who are left
            assert [now.arms[arm][metric] for metric in METRICS] == [values[metric] for metric in METRICS]
    shares = [one.share, other.share]
    means = [each.arms["control"]["completion_rate"] for each in (one, other)]
    expected = sum(share * mean for share, mean in zip(shares, means, strict=True)) / sum(shares)
    assert after.total.arms["control"]["completion_rate"] == pytest.approx(expected)


def test_the_observed_funnel_and_the_plan_are_of_the_same_users(without_second, everyone):
    left = without_second.report
    whole = everyone.report
    for arm, step in zip(left.lead.funnel_arms, left.funnel, strict=True):
        assert step.rate == pytest.approx(arm.control, abs=0.05)
    assert left.funnel[0].reached < whole.funnel[0].reached
    share = 1 - whole.personas[1].share
    weekly = left.lead.plan.trial.per_week / whole.lead.plan.trial.per_week
    assert weekly == pytest.approx(share, abs=0.01)


def test_a_scenario_that_names_an_excluded_persona_is_refused_before_the_long_work(excluding, names):
    settings = excluding(2, renames=(("2", "Bots"),))
    for meant in ("2", "Bots", names[1]):
        named = replace(settings, modification=(f'friction:factor=0.1,personas="{meant}"',))
        with pytest.raises(SimulationError, match="'Bots' is excluded from predictions"):
            forecast(named)


def test_where_all_that_a_fit_has_are_excluded_nothing_is_predicted_but_all_is_shown(study, names):
    write_kept_personas(study, [KeptPersona(generated=name, excluded=True) for name in names])
    settings = settings_of(study)
    try:
        assert all(card.excluded for card in describe_personas(settings).cards)
        with pytest.raises(SimulationError, match="Every persona is excluded"):
            forecast(settings)
    finally:
        (study / PERSONAS_FILE).unlink()


def test_the_flow_that_is_open_for_changes_has_only_those_who_are_predicted(excluding, names):
    flow = open_flow(excluding(1))
    assert flow.personas == tuple(names[1:])
    assert flow.without.startswith(f"without '{names[0]}'")
    experiment = preview_outcomes(flow, FRICTION)
    assert experiment.without == flow.without
    assert [flow.cells(experiment, place) for place in range(2)] == [(0,), (1,)]


def test_a_run_is_done_again_without_those_it_was_done_without(study, excluding, names):
    run = run_simulation(excluding(2)).folder
    first = (run / "result.json").read_bytes()
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["without"].startswith(f"without '{names[1]}'")
    assert str(PERSONAS_FILE) in manifest["files"]
    (study / PERSONAS_FILE).unlink()
    again = run_simulation(merge_settings(read_settings(run / "run.toml"), {})).folder
    assert (again / "result.json").read_bytes() == first
    assert json.loads(first)["recipe"]["settings"]["excluded"] == [names[1]]
    told = [json.loads(line) for line in (run / "progress.jsonl").read_text().splitlines()]
    (scenario,) = (each["scenario"] for each in told if "scenario" in each)
    assert scenario["without"] == manifest["without"]
    assert [each["number"] for each in scenario["personas"]] == [1, 3]


def test_including_again_gives_the_bytes_of_before(study, without_second, everyone):
    assert without_second.document != everyone.document
    assert json.dumps(forecast(settings_of(study)).document) == json.dumps(everyone.document)
