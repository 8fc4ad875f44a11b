"""``persona-tui runs``, in this process; runs that work are in test_detached."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from support import golden

from persona_tui.cli.commands import runs as verb
from persona_tui.cli.main import main
from persona_tui.cli.presentation import Presentation
from persona_tui.study.journal import Journal, process_start

ROOT = Path(__file__).parents[2]


@pytest.fixture
def command(capsys):
    """Return a runner of the command line, in this process, that gives its exit code and what it printed."""

    def ask(*arguments):
        with pytest.raises(SystemExit) as left:
            main([*map(str, arguments)])
        return left.value.code or 0, *capsys.readouterr()

    kept = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
    mask = os.umask(0o022)
    yield ask
    os.umask(mask)
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def runs(command):
    return lambda *arguments: command("runs", *arguments)


@pytest.fixture
def working(tmp_path):
    """A run that this process seems to do."""
    folder = tmp_path / "runs" / "20260101T000000Z-aaaaaa"
    folder.mkdir(parents=True)
    me = {"pid": os.getpid(), "host": socket.gethostname(), "started": process_start(os.getpid())}
    return folder, Journal({"verb": "simulate"}, folder, process=me)


def test_the_runs_of_a_study_are_listed(runs, finished):
    study = finished[1]
    code, out, _ = runs("list", study)
    (folder,) = (study / "runs").iterdir()
    assert code == 0
    assert folder.name in out
    assert out == runs(study)[1]
    document = json.loads(runs("list", study, "--json")[1])
    assert document["schema"] == "persona-tui/runs/1"
    (told,) = document["runs"]
    assert (told["run"], told["verb"], told["status"]) == (folder.name, "batch", "finished")


def test_a_finished_run_is_shown_at_once_and_replayed_at_any_speed(runs, finished):
    study = finished[1]
    code, out, told = runs("attach", study)
    assert code == 0
    assert out.startswith("Batch: finished")
    code, again, told = runs("replay", study, "--speed", "inf")
    assert code == 0
    assert again == out
    assert "Replay of" in told
    assert "exactly −" in told
    assert runs("replay", study, "--speed", "0")[0] == 2


def test_the_json_of_a_run_agrees_with_its_result(runs, finished):
    done, study = finished
    told = json.loads(runs("attach", study, "--json", "--progress", "json")[1])
    (experiment,) = json.loads(done.stdout)["experiments"]
    (scenario,) = told["scenarios"]
    assert told["schema"] == "persona-tui/run/1"
    assert scenario["standing"]["control"] == experiment["simulated"]["arms"]["control"]["completion_rate"]
    assert [each["name"] for each in scenario["personas"]] == [
        each["name"] for each in experiment["personas"]
    ]


@pytest.mark.parametrize("action", ["resume", "pause"])
def test_a_finished_run_is_neither_resumed_nor_paused(runs, finished, action):
    code, out, told = runs(action, finished[1])
    assert (code, out) == (2, "")
    assert "is finished" in told or "is not under way" in told


def test_stopping_a_finished_run_leaves_it_as_it_is(runs, finished):
    code, out, _ = runs("stop", finished[1])
    assert code == 0
    assert out.endswith(": finished\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("lst", "."), "Did you mean 'list'?"),
        (("list",), "No study was named."),
        (("attach", "nosuch"), "is no folder of a study"),
        (("attach", "."), "has no runs"),
    ],
)
def test_what_is_not_there_is_refused(runs, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    code, out, errors = runs(*arguments)
    assert (code, out) == (2, "")
    assert told in errors


def test_attach_tells_a_line_a_phase_and_fails_with_a_run_that_fails(runs, working):
    folder, journal = working
    journal.write({"stage": "bootstrap", "done": 1, "total": 4})
    journal.write({"end": {"how": "failed", "message": "No [red]space\x1b[31m.", "hint": "Free some."}})
    code, out, told = runs("attach", folder)
    assert code == 1
    assert "No [red]space\\x1b[31m.\nFree some.\n" in out
    assert f"To go on: persona-tui runs resume {folder.parents[1]} {folder.name}" in told


def test_leaving_attach_does_not_end_the_run(working, capsys, monkeypatch):
    folder, _ = working

    def interrupted(_folder):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("persona_tui.study.following.follow", interrupted)
    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(SystemExit) as left:
            verb.attach(folder, Presentation(progress="lines"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert left.value.code == 130
    assert "The run goes on." in capsys.readouterr().err


def test_ctrl_c_in_attach_leaves_the_run_at_work(working):
    folder, _ = working
    attached = subprocess.Popen(
        [sys.executable, "-m", "persona_tui", "runs", "attach", folder],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert "running" in attached.stderr.readline()
    attached.send_signal(signal.SIGINT)
    out, told = attached.communicate(timeout=20)
    assert attached.returncode == 130
    assert out == ""
    assert told.startswith("The run goes on. To see it again: persona-tui runs attach ")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("-", "cannot read standard input"),
        ("nosuch.csv", "does not exist"),
        ("postgresql://ann:secret@db.example/shop#events", "Give it as PGPASSWORD"),
    ],
)
def test_what_another_process_cannot_read_is_not_detached(command, tmp_path, monkeypatch, source, told):
    monkeypatch.chdir(tmp_path)
    code, out, errors = command("simulate", source, "--detach", "--output", "study")
    assert (code, out) == (2, "")
    assert told in errors
    assert "secret" not in errors
    assert not (tmp_path / "study").exists()


def test_a_detached_batch_prints_its_folder_and_publishes_what_batch_does(run, small_csv, tmp_path):
    done = run("batch", small_csv, "--clusters", "1", "--n-personas", 100, "--detach", "--output", "study")
    folder = Path(done.stdout.strip())
    assert folder.parent == tmp_path / "study" / "runs"
    assert f"persona-tui runs attach {tmp_path / 'study'} {folder.name}" in done.stderr
    seen = run("runs", "attach", "study")
    assert seen.returncode == 0, seen.stderr
    assert (tmp_path / "study" / "simulation_report.pptx").exists()
    assert (tmp_path / "study" / "result.json").read_bytes() == (folder / "result.json").read_bytes()


def test_help_is_as_documented(run):
    golden("runs-help.txt", run("runs", "--help", COLUMNS="80").stdout)
