"""The verb fairness: who is represented, who completes less, whom a change hurts."""

import json

import numpy as np
import polars as pl
import pytest


def write_log(path, *, n=900, seed=1):
    """Mobile users complete less; tablets are 20; every user has a zip code of its own."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n):
        device = "tablet" if user < 20 else "mobile" if rng.random() < 0.4 else "desktop"
        rate = 0.3 if device == "mobile" else 0.55
        events = ["landing", *(["help"] if rng.random() < 0.4 else []), "form"]
        if rng.random() < rate:
            events.append("signup_complete")
        day = f"2026-03-{1 + user % 28:02d}T10"
        rows += [
            (f"u{user}", f"{day}:{place:02d}:00", event, device, ("young", "old", "")[user % 3], f"{user}")
            for place, event in enumerate(events)
        ]
    columns = ["user_id", "timestamp", "event_type", "device", "age", "zip"]
    pl.DataFrame(rows, schema=columns, orient="row").write_csv(path)
    return path


WORDS = ("--clusters", "2", "--quiet")
CHANGE = ("--modification", "friction:factor=0.2,at=form,segment=device=mobile")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fair")
    write_log(folder / "log.csv")
    return folder


@pytest.fixture(scope="module")
def found(run_in, folder):
    words = ("fairness", "log.csv", "--group", "device,age", *CHANGE, *WORDS, "--json")
    return json.loads(run_in(*words, cwd=folder).stdout)


def test_the_document_holds_groups_and_their_intersection(found):
    assert found["schema"] == "persona-tui/fairness/1"
    assert found["groups_by"] == ["device", "age", "device × age"]
    rates = {each["by"]: each for each in found["rates"]}
    by_device = {each["name"]: each for each in rates["device"]["groups"]}
    assert by_device["mobile or tablet"]["false_discovery"] < 0.01
    assert {each["name"] for each in rates["age"]["groups"]} == {"young", "old", "unknown"}


def test_a_group_too_small_can_not_be_worked_out_from_the_others(found):
    """The twenty tablets stand together with the next larger group; intersections are left out."""
    rates = {each["by"]: each for each in found["rates"]}
    assert {each["name"] for each in rates["device"]["groups"]} == {"desktop", "mobile or tablet"}
    assert rates["device"]["n_left_out"] == 0
    assert rates["device × age"]["n_left_out"] >= 2
    assert '"tablet' not in json.dumps([found["rates"], found["representation"], found["uplifts"]])


def test_whom_the_change_hurts_is_named(found):
    (scenario,) = found["uplifts"]
    assert all("mobile" in each or "age" in each for each in scenario["hurt"])
    assert any("device=mobile" in each for each in scenario["hurt"])


def test_without_a_change_nobody_is_hurt(run_in, folder):
    told = " ".join(run_in("fairness", "log.csv", "--group", "age", *WORDS, cwd=folder).stdout.split())
    assert "predicted uplift" not in told
    assert "represented by the personas" in told
    assert "a line often drawn" in told


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        ((), "No attribute is named", 3),
        (("--group", "devise"), "Unknown attribute 'devise'", 2),
        (("--group", "zip"), "has no groups", 3),
    ],
)
def test_what_cannot_be_meant_is_refused(run_in, folder, words, told, code):
    done = run_in("fairness", "log.csv", *words, *WORDS, cwd=folder)
    assert told in done.stderr
    assert done.returncode == code


def test_later_reports_tell_of_groups_and_of_drift(run_in, tmp_path):
    write_log(tmp_path / "log.csv", n=420)
    study = ("--clusters", "2", "--n-personas", "100", "--output", "study", "--quiet")
    run_in("batch", "log.csv", *study, cwd=tmp_path)
    assert json.loads(run_in("preview", "study", "--json", cwd=tmp_path).stdout)["sections"] == []
    run_in("fairness", "study", "--group", "device", "--quiet", cwd=tmp_path)
    days = ("--before", "2026-03-01..2026-03-20", "--after", "2026-03-21..2026-03-28")
    run_in("drift", "study", *days, "--quiet", cwd=tmp_path)
    drift, groups = json.loads(run_in("preview", "study", "--json", cwd=tmp_path).stdout)["sections"]
    assert [drift["title"], groups["title"]] == ["Drift", "Groups of users"]
    assert drift["sentences"][1].startswith("log.csv, 2026-03-21 to 2026-03-28 against log.csv, ")
    run_in("export", "study", "--format", "md", "--output", "report", "--quiet", cwd=tmp_path)
    written = (tmp_path / "report" / "report.md").read_text()
    assert written.index("## Drift") < written.index("## Groups of users") < written.index("mobile or tablet")
