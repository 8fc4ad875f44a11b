"""Verbs that ask of a change: preview, simulate, compare and plan, each as one person would use it."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from support import golden

SCENARIOS = """
events = "{events}"
clusters = 2
n_personas = 60
[[scenarios]]
name = "Two more steps"
effects = ["insert_steps:count=2"]
[[scenarios]]
name = "Some friction"
effects = ["friction:factor=0.05/0.1/0.2,at=signup_start"]
[[scenarios]]
name = "Nothing"
effects = ["friction:factor=0"]
"""

EXACT = ("arms", "harm", "funnel", "drop_off", "leverage", "drivers", "break_even", "changes", "plan")


@dataclass(frozen=True)
class Asked:
    """What every verb said of one log, from a cache that was empty at first."""

    folder: Path
    preview: str
    again: str
    narration: str
    previewed: dict
    simulated: dict
    kept: bytes
    files: set
    replayed: bytes
    compared: dict
    compared_page: str
    planned: dict


@pytest.fixture(scope="session")
def asked(small_csv, run_in, tmp_path_factory):
    folder = tmp_path_factory.mktemp("asked")
    (folder / "many.toml").write_text(SCENARIOS.format(events=small_csv))
    narration = []

    def ask(*arguments):
        done = run_in(*arguments, cwd=folder, COLUMNS="80", XDG_CACHE_HOME=str(folder / "cache"))
        assert done.returncode == 0, done.stderr
        narration.append(done.stderr)
        return done.stdout

    preview = ask("preview", small_csv)
    again = ask("preview", small_csv)
    simulated = ask("simulate", small_csv, "--output", "study", "--n-personas", 60, "--json", "--quiet")
    (run,) = (folder / "study" / "runs").iterdir()
    kept, files = (run / "result.json").read_bytes(), {each.name for each in run.iterdir()}
    ask("batch", run / "run.toml", "--quiet")
    return Asked(
        folder=folder,
        preview=preview,
        again=again,
        narration=narration[0],
        previewed=json.loads(ask("preview", small_csv, "--json")),
        simulated=json.loads(simulated),
        kept=kept,
        files=files,
        replayed=(folder / "study" / "result.json").read_bytes(),
        compared=json.loads(ask("compare", "many.toml", "--json")),
        compared_page=ask("compare", "many.toml"),
        planned=json.loads(ask("plan", small_csv, "--json", "--power", "0.9", "--exposed", "0.5")),
    )


def test_a_preview_looks_as_it_was_designed_at_80_columns(asked):
    golden("preview.txt", asked.preview)


def test_no_page_is_wider_than_the_terminal_or_ends_a_line_in_blanks(asked):
    for line in (*asked.preview.splitlines(), *asked.compared_page.splitlines()):
        assert len(line) <= 80
        assert line == line.rstrip()


def test_a_preview_from_what_was_kept_has_the_bytes_of_one_that_learned_it(asked):
    assert asked.again == asked.preview


def test_defaults_that_are_told_are_options_of_the_verb(asked):
    (told,) = (line for line in asked.narration.splitlines() if line.startswith("Defaults used: "))
    assert "--modification insert_steps:count=2" in told
    assert "--power" not in told
    assert "--n-personas" not in told


def test_a_preview_writes_no_study(asked):
    assert not (asked.folder / "exports").exists()


def exact_of(document):
    """Return what a result says exactly: all but the simulation and its errors."""
    (experiment,) = document["experiments"]
    uplifts = experiment["uplifts"]["treatment"]
    layers = ("value", "relative", "data", "model", "assumption", "total")
    return {
        **{key: experiment[key] for key in EXACT},
        "uplifts": {metric: {layer: each[layer] for layer in layers} for metric, each in uplifts.items()},
    }


def test_exact_numbers_of_a_preview_are_those_of_a_whole_job_of_the_same_settings(finished, asked):
    whole = json.loads(finished[0].stdout)
    assert asked.previewed["schema"] == "persona-tui/preview/1"
    assert exact_of(asked.previewed) == exact_of(whole) == exact_of(asked.simulated)
    assert asked.previewed["personas"] == whole["personas"]


def test_a_simulated_run_replays_to_the_same_bytes(asked):
    assert asked.simulated["schema"] == "persona-tui/result/1"
    assert asked.kept == asked.replayed
    assert json.loads(asked.kept) == asked.simulated


def test_a_simulated_run_is_kept_without_a_deck(asked):
    assert asked.files == {
        *("run.toml", "result.json", "experiment_results.csv", "manifest.json", "progress.jsonl", "lock")
    }


def test_chances_of_two_scenarios_to_beat_each_other_sum_to_one(asked):
    beats = {each["scenario"]: each["beats"] for each in asked.compared["ranking"]}
    assert asked.compared["schema"] == "persona-tui/comparison/1"
    for one in beats:
        for other in beats.keys() - {one}:
            assert beats[one][other] + beats[other][one] == pytest.approx(1, abs=1e-9)


def test_scenarios_are_ranked_by_uplift_and_no_change_ties_with_the_control(asked):
    ranking = asked.compared["ranking"]
    assert ranking[0]["scenario"] == "Nothing"
    assert ranking[0]["uplift"] == 0
    assert ranking[0]["beats"]["control"] == 0.5
    uplifts = [each["uplift"] for each in ranking]
    assert uplifts == sorted(uplifts, reverse=True)


def test_no_chance_that_was_counted_over_draws_reads_as_certain(asked):
    assert "100.0" not in asked.compared_page.rpartition("Chance, in %")[2]
    assert ">99.8" in asked.compared_page


def test_a_plan_is_of_the_power_and_the_traffic_that_were_asked_for(asked, finished):
    (plan,) = asked.planned["plans"]
    usual = json.loads(finished[0].stdout)["experiments"][0]["plan"]
    assert asked.planned["schema"] == "persona-tui/plan/1"
    assert (plan["power"], plan["uplift"]) == (0.9, usual["uplift"])
    fixed, usually = plan["designs"][0], usual["designs"][0]
    assert fixed["control"] > usually["control"]
    growth = fixed["control"] / usually["control"]
    assert fixed["weeks"] == pytest.approx(2 * growth * usually["weeks"], rel=1e-6)
