"""Finished runs side by side: what their files hold, the newest first."""

import json
from datetime import UTC, datetime

from persona_tui.study.run_results import run_results


def finished(study, name, scenarios, fingerprint="abc"):
    folder = study / "runs" / name
    folder.mkdir(parents=True)
    experiments = [
        {
            "scenario": scenario,
            "decision": f"Do {scenario}.",
            "unit": "user",
            "n_personas": 500,
            "uplifts": {"treatment": {"completion_rate": {"value": 0.1, "total": [0.05, 0.2]}}},
        }
        for scenario in scenarios
    ]
    result = {"data": {"fingerprint": fingerprint}, "recipe": {"settings": {"completion": ["buy"]}}}
    (folder / "result.json").write_text(json.dumps({**result, "experiments": experiments}))
    (folder / "manifest.json").write_text(json.dumps({"ended": "2026-05-01T10:00:00+00:00"}))
    return folder


def test_the_newest_run_comes_first_and_its_scenarios_in_their_order(tmp_path):
    finished(tmp_path, "20260501T090000Z-aaaaaa", ["b", "a"])
    finished(tmp_path, "20260502T090000Z-bbbbbb", ["c"])
    found = run_results(tmp_path)
    assert [each.scenario for each in found] == ["c", "b", "a"]
    assert found[0].decision == "Do c."
    assert found[0].interval == (0.05, 0.2)
    assert found[0].completion == ("buy",)
    assert found[0].ended == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_runs_that_are_not_finished_or_cannot_be_read_are_left_out(tmp_path):
    (finished(tmp_path, "unfinished", ["a"]) / "manifest.json").unlink()
    (finished(tmp_path, "torn", ["a"]) / "result.json").write_text('{"experiments": [')
    (finished(tmp_path, "other", ["a"]) / "result.json").write_text('{"schema": "persona-tui/result/9"}')
    (finished(tmp_path, "number", ["a"]) / "result.json").write_text("3")
    assert run_results(tmp_path) == ()
    assert run_results(tmp_path / "nowhere") == ()


def test_results_of_other_data_do_not_compare(tmp_path):
    finished(tmp_path, "one", ["a"], fingerprint="abc")
    (found,) = run_results(tmp_path)
    assert found.compares_with("abc", "user")
    assert not found.compares_with("abd", "user")
    assert not found.compares_with("abc", "session")
