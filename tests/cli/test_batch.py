import json
import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import polars as pl
import pytest

PROMISED = (
    "persona_summary.csv",
    "experiment_results.csv",
    "result.json",
    "simulation_report.pptx",
    "manifest.json",
)
ESTIMATE = {"value", "relative", "data", "model", "assumption", "total", "simulation_error"}
METRICS = {"completion_rate", "drop_off_rate", "truncated_rate", "avg_length"}
MEASURES = {
    *("sessions_per_user", "return_rate", "steps_to_convert", "seconds_in_sessions", "seconds_to_convert"),
}


def test_json_on_stdout_is_exactly_the_file(finished):
    done, out = finished
    assert done.stdout == (out / "result.json").read_text()


def test_every_promised_file_is_there_and_the_run_keeps_its_own(finished):
    _, out = finished
    (run,) = (out / "runs").iterdir()
    for name in PROMISED:
        assert (out / name).read_bytes() == (run / name).read_bytes()
    assert (run / "run.toml").exists()
    assert tomllib.loads((out / "study.toml").read_text())["events"].endswith("small.csv")


def test_the_study_folder_is_private(finished):
    _, out = finished
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert not [path for path in out.rglob(".*") if path.name != ".lock"]


def test_progress_is_kept_as_json_lines(finished):
    _, out = finished
    (path,) = out.glob("runs/*/progress.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert {"bootstrap", "walks", "export"} <= {line.get("stage") for line in lines}
    assert lines[0]["begin"]["verb"] == "batch"
    assert lines[-1]["end"] == {"how": "finished"}


def test_the_result_has_the_documented_shape(finished):
    result = json.loads(finished[0].stdout)
    assert result["schema"] == "persona-tui/result/1"
    assert set(result["data"]) == {
        *("events", "users", "sessions", "event_types", "from", "to"),
        *("rejected", "duplicates", "censored_users", "fingerprint"),
    }
    assert set(result["funnel"][0]) == {
        *("step", "reached", "rate", "rate_of_previous", "reached_in_order", "rate_in_order")
    }
    assert set(result["personas"][0]) == {"id", "name", "users", "share", "conversion", "signature_events"}
    assert set(result["personas"][0]["conversion"]) == {"value", "low", "high"}
    (experiment,) = result["experiments"]
    assert set(experiment) == {
        *("scenario", "description", "unit", "solver", "n_personas", "effects", "arms", "uplifts"),
        *("harm", "simulated", "personas", "groups", "funnel", "drop_off", "leverage", "drivers"),
        *(
            "break_even",
            "plan",
            "dose",
            "decision",
            "caveats",
            "models_left_out",
            "changes",
            "conversion_seconds",
        ),
    }
    assert set(experiment["arms"]) == {"control", "treatment"}
    assert set(experiment["arms"]["control"]) == METRICS | MEASURES
    assert set(experiment["uplifts"]["treatment"]) == METRICS | MEASURES
    assert set(experiment["uplifts"]["treatment"]["completion_rate"]) == ESTIMATE
    assert set(experiment["simulated"]["uplifts"]) == METRICS
    assert set(experiment["personas"][0]) == {"id", "name", "share", "arms", "uplifts", "harm"}
    assert set(experiment["personas"][0]["uplifts"]["treatment"]["avg_length"]) == ESTIMATE
    assert set(result["recipe"]) == {"seed", "version", "settings", "libraries"}


def test_the_result_holds_no_path_and_no_time(finished):
    done, out = finished
    assert str(out) not in done.stdout
    assert "small.csv" not in done.stdout


def test_the_same_seed_gives_the_same_bytes_for_any_number_of_workers(finished, small_csv, run, tmp_path):
    again = run("batch", small_csv, "--output", tmp_path / "again", "--json", "--workers", "1")
    assert again.stdout == finished[0].stdout
    other = run("batch", small_csv, "--output", tmp_path / "other", "--json", "--seed", "1")
    assert other.stdout != finished[0].stdout


def test_a_modification_of_zeros_is_exactly_zero(small_csv, run):
    done = run("batch", small_csv, "--json", "--modification", "friction:factor=0", "--n-personas", "300")
    (experiment,) = json.loads(done.stdout)["experiments"]
    for estimate in experiment["uplifts"]["treatment"].values():
        assert (estimate["value"], estimate["data"], estimate["simulation_error"] or 0.0) == (
            0.0,
            [0.0, 0.0],
            0.0,
        )
    assert set(experiment["simulated"]["uplifts"].values()) == {0.0}
    assert experiment["harm"] == 0.0


def test_several_modifications_act_in_order(small_csv, run):
    done = run(
        "batch",
        *(small_csv, "--json", "--clusters", "2", "--n-personas", "300", "--description", "Two steps"),
        *("--modification", "insert_steps:count=2,before=signup_complete"),
        *("--modification", "friction:factor=0.05,at=signup_start|form_step_1"),
    )
    (experiment,) = json.loads(done.stdout)["experiments"]
    assert [effect["effect"] for effect in experiment["effects"]] == ["insert_steps", "friction"]
    assert experiment["description"] == "Two steps"
    assert len(experiment["personas"]) == 2


def test_tables_hold_the_numbers_of_the_result(finished):
    done, out = finished
    result = json.loads(done.stdout)
    table = pl.read_csv(out / "experiment_results.csv")
    row = table.filter((pl.col("persona") == "all") & (pl.col("metric") == "completion_rate")).row(
        0, named=True
    )
    estimate = result["experiments"][0]["uplifts"]["treatment"]["completion_rate"]
    assert row["uplift"] == pytest.approx(estimate["value"], rel=1e-9)
    assert [row["data_low"], row["data_high"]] == pytest.approx(estimate["data"], rel=1e-9)
    personas = pl.read_csv(out / "persona_summary.csv")
    assert personas["share"].to_list() == pytest.approx([each["share"] for each in result["personas"]])


def test_the_summary_names_log_personas_decision_and_files(small_csv, run):
    done = run("batch", small_csv, "--clusters", "2", "--n-personas", "300")
    assert done.returncode == 0
    for words in ("Log", "Funnel", "Personas", "What if: insert 2 steps", "95 % interval", "result.json"):
        assert words in done.stdout
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100
    assert "Defaults used: --column user_id=user_id" in done.stderr
    assert "--funnel landing," in done.stderr
    assert "--seed 0" in done.stderr


def test_quiet_says_nothing_but_the_result(small_csv, run):
    done = run("batch", small_csv, "--clusters", "1", "--n-personas", "10", "--quiet", "--json")
    assert done.stderr == ""
    json.loads(done.stdout)


def test_progress_as_json_is_what_the_run_folder_holds(small_csv, run):
    done = run("batch", small_csv, "--clusters", "1", "--n-personas", "10", "--progress", "json")
    lines = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert lines
    assert all(set(line) == {"stage", "done", "total", "seconds"} for line in lines)


def test_three_bad_rows_of_many_are_told_and_kept(small_csv, run, tmp_path):
    lines = small_csv.read_text().splitlines()
    lines[5] = lines[5].replace("2026-", "20x6-")
    lines[9] = "," + lines[9].split(",", 1)[1]
    lines[12] += ",extra,columns"
    broken = tmp_path / "broken.csv"
    broken.write_text("\n".join(lines))
    done = run("batch", broken, "--clusters", "1", "--n-personas", "10", "--output", "out")
    assert done.returncode == 0
    for words in (
        "unreadable time",
        "line 6",
        "no user",
        "line 10",
        "columns where the header has 5",
        "line 13",
    ):
        assert words in done.stderr
    rejects = pl.read_csv(tmp_path / "out" / "rejects.csv")
    assert rejects["line"].to_list() == [6, 10, 13]


NO_USER = "wer,timestamp,event\n1,2026-01-01T00:00:00Z,a\n"
NO_TIMES = "user,timestamp,event\n1,soon,a\n2,later,b\n"
FEW = "user,timestamp,event\n" + "".join(f"{n},2026-01-01T00:0{n}:00Z,purchase\n" for n in range(3))


@pytest.mark.parametrize(
    ("content", "options", "code", "words"),
    [
        (None, (), 3, "There is no file"),
        (b"", (), 3, "is empty"),
        (b"user,timestamp,event\n", (), 3, "a header and no usable row"),
        (NO_USER.encode(), (), 3, "No user column was recognised. Columns found: wer, timestamp, event."),
        (NO_USER.encode(), (), 3, "--column user_id=NAME"),
        (NO_TIMES.encode(), (), 3, "No time of column 'timestamp' could be read"),
        (bytes(range(256)) * 40, (), 3, "not a text file"),
        (FEW.encode(), ("--funnel", "landing,purchas"), 2, "Unknown event 'landing'"),
        (FEW.encode(), ("--funnel", "purchas"), 2, "Did you mean 'purchase'"),
        (FEW.encode(), ("--clusters", "9"), 2, "must be from 1 to 3, the number of users"),
        (FEW.encode(), ("--clusters", "many"), 2, "must be a whole number from 1 or 'auto'"),
        (FEW.encode(), ("--modification", "friction:factor=2"), 2, "factor == 2, must be <= 1."),
        (FEW.encode(), ("--modification", "frictoin:factor=0.1"), 2, "Did you mean 'friction'"),
        (FEW.encode(), ("--modification", "friction:factor=0.1,at=cart"), 2, "Unknown event 'cart'"),
        (FEW.encode(), ("--unit", "users"), 2, "Did you mean 'user'"),
        (FEW.encode(), ("--column", "user_id"), 2, "write it as part=name"),
        (FEW.encode(), ("--column", "user_id=usr"), 2, "Did you mean 'user'"),
        (FEW.encode(), ("--column", 'user_id="no"pe'), 2, "is not closed"),
        (FEW.encode(), ("--n-personas", "5000000000000"), 2, "must be <= 1e+12"),
        (FEW.encode(), ("--n-personas", "0"), 2, "--n-personas == 0, must be >= 1."),
        (FEW.encode(), ("--n-personas", "x"), 2, "--n-personas"),
        (FEW.encode(), ("--progress", "loud"), 2, "Unknown value of --progress"),
        (
            FEW.encode(),
            ("--completion", "purchase", "--drop", "purchase"),
            2,
            "both a completion and a drop event",
        ),
    ],
)
def test_bad_input_ends_in_one_message_and_no_file(run, tmp_path, content, options, code, words):
    path = tmp_path / "log.csv"
    if content is not None:
        path.write_bytes(content)
    done = run("batch", path, "--output", "out", *options)
    assert done.returncode == code, done.stderr
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (tmp_path / "out").exists()


def test_two_sources_at_once_are_refused(run, small_csv):
    done = run("batch", small_csv, "--events", small_csv)
    assert done.returncode == 2
    assert "Two sources" in done.stderr


def test_no_source_says_what_to_type(run):
    done = run("batch")
    assert done.returncode == 2
    assert "persona-tui batch data/sample_events.csv" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_named(run, small_csv, tmp_path):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    done = run("batch", small_csv, "--output", closed / "out")
    assert done.returncode == 1
    assert "cannot be" in done.stderr


def test_an_output_that_is_a_file_is_refused(run, small_csv, tmp_path):
    (tmp_path / "taken").write_text("")
    done = run("batch", small_csv, "--clusters", "1", "--output", "taken")
    assert done.returncode == 1
    assert "cannot be created" in done.stderr


def test_a_study_in_use_is_refused(run, small_csv, tmp_path):
    from filelock import FileLock

    (tmp_path / "out").mkdir()
    with FileLock(tmp_path / "out" / ".lock"):
        done = run("batch", small_csv, "--clusters", "1", "--output", "out")
    assert done.returncode == 1
    assert "Another persona-tui is writing" in done.stderr


def test_names_from_the_log_cannot_style_or_steer_the_terminal(run, tmp_path):
    rows = ["user,timestamp,event"]
    for user in range(20):
        rows += [
            f"{user},2026-01-01T00:00:00Z,[red]start[/red]",
            f"{user},2026-01-01T00:01:00Z,\x1b[31mgo\u202e",
            f"{user},2026-01-01T00:02:00Z,=purchase",
        ]
    path = tmp_path / "nasty.csv"
    path.write_text("\n".join(rows))
    done = run(
        "batch", path, "--output", "out", "--n-personas", "50", "--modification", "friction:factor=0.1"
    )
    assert done.returncode == 0, done.stderr
    assert "[red]start[/red]" in done.stdout
    assert "\\x1b[31mgo\\u202e" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "\u202e" not in done.stdout + done.stderr


def test_a_second_run_keeps_the_first(run, small_csv, tmp_path):
    for seed in ("1", "2"):
        run("batch", small_csv, "--clusters", "1", "--n-personas", "10", "--output", "out", "--seed", seed)
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 2
    assert json.loads((tmp_path / "out" / "result.json").read_text())["recipe"]["seed"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "friction:factor=0.1,personas=2",
        'friction:factor=0.1,personas="Compare plans"',
        "mix_shift:persona=2,share=0.4",
    ],
)
def test_a_change_can_touch_any_persona(run, small_csv, text):
    done = run("batch", small_csv, "--clusters", "4", "--n-personas", "90", "--json", "--modification", text)
    assert done.returncode == 0, done.stderr
    (experiment,) = json.loads(done.stdout)["experiments"]
    moved = [
        each["uplifts"]["treatment"]["completion_rate"]["value"] < -0.001 for each in experiment["personas"]
    ]
    assert sum(moved) == ("friction" in text)


def test_an_unknown_persona_is_named_before_the_long_work(run, small_csv):
    done = run("batch", small_csv, "--clusters", "2", "--modification", "friction:factor=0.1,personas=9")
    assert done.returncode == 2
    assert "Unknown persona '9'" in done.stderr
    assert "bootstrap" not in done.stderr


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "options", "rates", "events", "users"),
    [
        (
            "online_wizard",
            ("--funnel", "start,step_1,step_2,step_3,confirm"),
            (0.9963, 0.8381, 0.7784, 0.7236, 0.6309),
            100_601,
            18_015,
        ),
        (
            "loan_applications",
            ("--funnel", "A_SUBMITTED,A_PREACCEPTED,A_ACCEPTED,O_SENT,A_ACTIVATED"),
            (1.0, 0.5629, 0.3907, 0.3832, 0.1716),
            164_506,
            13_087,
        ),
        ("restaurant_guide", ("--completion", "accept"), (None, None, 0.9261), 284_543, 20_093),
    ],
)
def test_real_logs_run_without_column_options(run, real_log, name, options, rates, events, users):
    done = run("batch", "--events", real_log(name), *options, "--unit", "user", "--json", "--clusters", "3")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["data"]["events"], result["data"]["users"]) == (events, users)
    for step, rate in zip(result["funnel"], rates, strict=True):
        assert rate is None or step["rate"] == pytest.approx(rate, abs=1e-4)


def test_stdout_that_closes_ends_the_program_silently(small_csv, tmp_path):
    command = (
        f"'{sys.executable}' -m persona_tui batch '{small_csv}' --clusters 1 --n-personas 10 --output out "
        "--quiet --json; echo code $? >&2"
    )
    done = subprocess.run(
        ["bash", "-c", f"({command}) | true"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.strip() == "code 141"


def test_a_run_and_a_study_are_done_again_to_the_same_bytes(run, small_csv, tmp_path):
    options = (
        "--clusters",
        "2",
        "--n-personas",
        "90",
        "--modification",
        "friction:factor=0.01/0.05/0.1,personas=1",
    )
    first = run("batch", small_csv, "--output", "out", "--json", *options)
    (folder,) = (tmp_path / "out" / "runs").iterdir()
    for source in (folder, folder / "run.toml", "out", "out/study.toml"):
        again = run("batch", source, "--json", "--quiet")
        assert again.stdout == first.stdout
    assert len(list((tmp_path / "out" / "runs").iterdir())) == 5


def test_options_replace_those_of_the_study(run, small_csv):
    run("batch", small_csv, "--output", "out", "--clusters", "1", "--n-personas", "9")
    done = run("batch", "out", "--json", "--seed", "5")
    assert json.loads(done.stdout)["recipe"]["seed"] == 5
    assert json.loads(done.stdout)["experiments"][0]["n_personas"] == 9
