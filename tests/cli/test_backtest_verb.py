"""The verb backtest: how far forecasts can be trusted, and that what comes later says so."""

import json

import polars as pl
import pytest
from planted_weeks import VOCABULARY, plant_weeks


def write_log(path, **given):
    log = plant_weeks(1, **given)
    pl.DataFrame(
        {
            "user_id": [log.user_ids[user] for user in log.users],
            "timestamp": pl.Series(log.times).cast(pl.Datetime("us", "UTC")),
            "event_type": [VOCABULARY[code] for code in log.codes],
        }
    ).write_csv(path)
    return path


@pytest.fixture(scope="module")
def study(run_in, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trust")
    log = write_log(folder / "log.csv", n_weeks=9)
    words = ("--clusters", "2", "--completion", "buy", "--n-personas", "200")
    run_in("batch", log, *words, "--output", folder / "study", "--quiet", cwd=folder)
    return folder / "study"


@pytest.fixture(scope="module")
def before(run_in, study):
    return json.loads(run_in("preview", study, "--json", cwd=study).stdout)


@pytest.fixture(scope="module")
def found(run_in, study, before):
    return json.loads(run_in("backtest", study, "--json", cwd=study).stdout)


def test_the_document_has_the_verdict_and_all_behind_it(found):
    assert found["schema"] == "persona-tui/backtest/1"
    assert found["verdict"]["level"] in {"green", "amber", "red"}
    assert {"likeness", "outcomes", "periods", "open_ends"} < set(found)
    assert [each["name"] for each in found["outcomes"]["losses"]][1] == "logistic regression"


def test_the_page_gives_the_verdict_first_and_every_reason(run, study, found):
    told = run("backtest", study, "--quiet").stdout
    assert found["verdict"]["level"].upper() in told.splitlines()[1]
    for reason in found["verdict"]["reasons"]:
        assert reason.split(":")[0] in told


def test_a_log_that_was_not_checked_says_so(run, before):
    assert before["trust"] is None


def test_every_later_result_carries_the_verdict(run, study, found, tmp_path):
    assert json.loads(run("preview", study, "--json").stdout)["trust"] == found["verdict"]
    assert f"Trust: {found['verdict']['level']}" in run("preview", study, "--quiet").stdout
    run("export", study, "--format", "md,json", "--output", tmp_path, "--quiet")
    assert json.loads((tmp_path / "result.json").read_text())["trust"] == found["verdict"]
    assert f"Trust: {found['verdict']['level']}" in (tmp_path / "report.md").read_text()


def test_another_fit_is_not_vouched_for(run, study, found):
    assert json.loads(run("preview", study, "--seed", "5", "--json").stdout)["trust"] is None


def test_a_threshold_ends_with_a_code_of_its_own(run, tmp_path):
    log = write_log(tmp_path / "short.csv", n_weeks=2, per_week=100)
    words = ("backtest", log, "--completion", "buy", "--clusters", "1", "--quiet")
    assert run(*words).returncode == 0
    done = run(*words, "--fail-on", "amber")
    assert done.returncode == 4
    assert "The backtest is amber" in done.stderr
    assert "could not be checked" in done.stdout


def test_a_log_too_small_is_refused(run, tmp_path):
    log = write_log(tmp_path / "small.csv", n_weeks=2, per_week=10)
    done = run("backtest", log, "--completion", "buy", "--clusters", "1")
    assert done.returncode == 3
    assert "a backtest needs 100" in done.stderr


def test_a_verdict_that_there_is_none_of_is_refused_before_any_work(run, tmp_path):
    done = run("backtest", write_log(tmp_path / "log.csv", n_weeks=2), "--fail-on", "purple")
    assert done.returncode == 2
    assert not done.stdout
