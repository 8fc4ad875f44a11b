"""Runs in the background: what becomes of them when they, or those who started them, are killed."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import alive, wait_until

from persona_tui.engine.errors import SimulationError
from persona_tui.study import background, runs
from persona_tui.study.following import RunFollower, follow, list_runs, state_of
from persona_tui.study.journal import Journal, process_start
from persona_tui.study.kept_personas import KeptPersona
from persona_tui.study.options import Settings
from persona_tui.study.persona_files import write_kept_personas
from persona_tui.study.run_state import ALIVE
from persona_tui.study.store import locked

ROOT = Path(__file__).parents[2]
LONG = 4_000_000
STARTER = """
import sys, time
from persona_tui.study.background import start_run
from persona_tui.study.options import Settings
asked = Settings(events=sys.argv[1], output=sys.argv[2], clusters="1", n_personas=20_000)
print(start_run(asked, "simulate"), flush=True)
time.sleep(60)
"""


def settings(source, study, n_personas=LONG, **changed):
    values = {"clusters": "1", "solver": "paths", "workers": 1} | changed
    return Settings(events=str(source), output=str(study), n_personas=n_personas, **values)


@pytest.fixture(scope="module")
def undisturbed(small_csv, tmp_path_factory):
    """What an undisturbed run in this process gives, which nobody watches."""
    study = tmp_path_factory.mktemp("undisturbed")
    return runs.run_simulation(settings(small_csv, study)).folder.joinpath("result.json").read_bytes()


@pytest.fixture
def long_run(small_csv, tmp_path):
    """A run in the background that has begun to walk, and its process."""
    folder = background.start_run(settings(small_csv, tmp_path), "simulate")
    yield folder, walking(folder)
    if state_of(folder).status in ALIVE:
        background.stop_run(folder, grace=0.1)


def walking(folder):
    wait_until(lambda: len(list(folder.glob("blocks/walks-*.npz"))) >= 5)
    return state_of(folder).process["pid"]


def at_the_end(folder):
    *_, state = follow(folder, every=0.05)
    return state


def result(folder):
    return (folder / "result.json").read_bytes()


def start(source, study):
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, source, study],
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "40"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    return starter, Path(starter.stdout.readline().strip())


def test_a_run_outlives_the_program_that_started_it_however_that_ends(small_csv, tmp_path):
    numbers = (signal.SIGKILL, signal.SIGHUP, signal.SIGTERM)
    started = [start(small_csv, tmp_path / number.name) for number in numbers]
    alone = runs.run_simulation(settings(small_csv, tmp_path / "alone", 20_000, solver="auto"))
    for number, (starter, folder) in zip(numbers, started, strict=True):
        pid = state_of(folder).process["pid"]
        os.killpg(starter.pid, number)
        starter.communicate(timeout=20)
        assert starter.returncode == -number
        assert at_the_end(folder).status == "finished"
        assert result(folder) == result(alone.folder)
        wait_until(lambda pid=pid: not alive(pid))


def test_a_run_that_is_killed_goes_on_from_its_last_block_to_the_same_bytes(long_run, undisturbed):
    folder, pid = long_run
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid))
    assert state_of(folder).status == "interrupted"
    write_kept_personas(folder.parents[1], (KeptPersona(generated="All users", name="Renamed"),))
    background.resume_run(folder)
    state = at_the_end(folder)
    assert (state.status, state.attempts) == ("finished", 2)
    assert any("blocks are done" in note for _, note in state.notes)
    assert result(folder) == undisturbed


def test_a_run_that_is_stopped_is_resumed_in_the_foreground_too(long_run, undisturbed, run):
    folder, _ = long_run
    stopped = run("runs", "stop", folder.parents[1], "--json")
    assert json.loads(stopped.stdout)["status"] == "stopped"
    assert "runs resume" in stopped.stderr
    resumed = run("runs", "resume", folder, "--here", "--workers", "2")
    assert resumed.returncode == 0, resumed.stderr
    assert result(folder) == undisturbed
    assert state_of(folder).status == "finished"


def test_a_run_that_is_paused_waits_and_goes_on(long_run, undisturbed):
    folder, _ = long_run
    background.pause_run(folder)
    assert state_of(folder).status == "paused"
    time.sleep(0.4)
    blocks = len(list(folder.glob("blocks/*.npz")))
    time.sleep(0.3)
    assert len(list(folder.glob("blocks/*.npz"))) == blocks
    background.unpause_run(folder)
    assert at_the_end(folder).status == "finished"
    assert result(folder) == undisturbed


def test_two_runs_work_on_one_study_which_others_write_to_and_neither_takes_up_the_other(
    long_run, small_csv, undisturbed
):
    folder, pid = long_run
    background.pause_run(folder)
    with pytest.raises(SimulationError, match="is under way"):
        background.resume_run(folder)
    twin = runs.run_simulation(settings(small_csv, folder.parents[1]))
    with locked(folder.parents[1]):
        assert twin.folder != folder
        assert alive(pid)
    background.unpause_run(folder)
    assert at_the_end(folder).status == "finished"
    assert result(folder) == result(twin.folder) == undisturbed
    assert [each.state.status for each in list_runs(folder.parents[1])] == ["finished", "finished"]


def assert_has_nothing_of_a_terminal(pid):
    environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert os.getsid(pid) == pid
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    assert not any(name in environment for name in (b"\0COLUMNS=", b"\0TERM=", b"\0SSH_TTY="))


def test_a_live_run_tells_what_a_screen_shows_from_a_session_of_its_own(long_run):
    folder, pid = long_run
    assert_has_nothing_of_a_terminal(pid)
    follower = RunFollower(folder)
    wait_until(lambda: follower.poll().status == "finished")
    state = follower.poll()
    scenario = state.scenario
    (told,) = json.loads(result(folder))["experiments"]
    arms = told["simulated"]["arms"]
    assert scenario.standing.control == arms["control"]["completion_rate"]
    assert scenario.standing.treatment == arms["treatment"]["completion_rate"]
    estimate = told["uplifts"]["treatment"]["completion_rate"]
    assert scenario.standing.uplift_error == estimate["simulation_error"]
    assert scenario.exact_uplift == pytest.approx(estimate["value"], abs=1e-9)
    assert scenario.n_personas == scenario.standing.n_personas == LONG
    assert [each.name for each in scenario.funnel] == [each["step"] for each in told["funnel"]]
    assert scenario.drop_off
    assert scenario.examples
    assert len(scenario.course) > 4
    assert scenario.enough_at


def test_a_process_that_does_not_end_by_itself_is_killed(tmp_path):
    deaf = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    deaf.stdout.readline()
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    who = {"pid": deaf.pid, "started": process_start(deaf.pid), "host": socket.gethostname()}
    Journal({"verb": "simulate"}, folder, process=who)
    assert state_of(folder).status == "running"
    assert background.stop_run(folder, grace=0.2).status == "interrupted"
    deaf.communicate(timeout=10)
    assert deaf.returncode == -signal.SIGKILL
