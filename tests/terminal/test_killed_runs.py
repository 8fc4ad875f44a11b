"""Runs that the app began, on a real pseudo-terminal: killed, left alone, and watched by two apps at once."""

import os
import signal
from pathlib import Path

import pytest
from processes import alive, wait_until
from pseudo_terminal import Session
from support import write_part_of_sample

from persona_tui.study.background import pause_run, stop_run, unpause_run
from persona_tui.study.config import read_settings
from persona_tui.study.following import follow, list_runs, state_of
from persona_tui.study.options import Settings
from persona_tui.study.run_state import ALIVE
from persona_tui.study.runs import run_simulation

ROOT = Path(__file__).parents[2]
N_PERSONAS = 2_000_000
KILLS = (signal.SIGKILL, signal.SIGHUP, signal.SIGTERM)


@pytest.fixture(scope="module", autouse=True)
def kept_fits(tmp_path_factory):
    """Fits are kept between the tests of this file, as between sessions."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return write_part_of_sample(tmp_path_factory.mktemp("log") / "log.csv", "u00")


@pytest.fixture
def study_in(log, tmp_path):
    """Return a maker of studies whose runs walk for some seconds; what still runs in the end is stopped."""

    def make(name):
        folder = tmp_path / name
        folder.mkdir()
        asked = f'events = "{log}"\nclusters = "1"\nsolver = "paths"\nn_personas = {N_PERSONAS}\n'
        (folder / "study.toml").write_text(asked)
        return folder

    yield make
    for run in (each for folder in tmp_path.iterdir() for each in list_runs(folder)):
        if run.state.status in ALIVE:
            stop_run(run.folder, grace=0.1)


@pytest.fixture(scope="module")
def undisturbed(log, tmp_path_factory):
    """What a run of the same settings gives that nobody watches."""
    study = tmp_path_factory.mktemp("undisturbed")
    (study / "study.toml").write_text(f'events = "{log}"\nclusters = "1"\n')
    asked = Settings(**{**read_settings(study / "study.toml"), "solver": "paths", "n_personas": N_PERSONAS})
    return run_simulation(asked).folder.joinpath("result.json").read_bytes()


@pytest.fixture
def begin(tmp_path):
    begun = []

    def session(study, **more):
        begun.append(Session(tmp_path / f"home of {study.name}", study, **more))
        return begun[-1]

    yield session
    for each in begun:
        each.close()


def simulate_screen(app):
    app.read_until("1,323")
    app.press(b"4")
    app.read_until("The next run")


def walking(study):
    """Return the run of a study once it has walked for some blocks."""
    wait_until(lambda: len(list(study.glob("runs/*/blocks/walks-*.npz"))) >= 5)
    (run,) = list_runs(study)
    return run


def at_the_end(folder):
    *_, state = follow(folder, every=0.05)
    return state


def result(folder):
    return (folder / "result.json").read_bytes()


def kill_run(run):
    """Kill the process that does a run now, and wait until it is gone."""
    pid = state_of(run.folder).process["pid"]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not alive(pid))


def test_a_run_ends_as_if_undisturbed_however_the_app_that_began_it_is_killed(begin, study_in, undisturbed):
    studies = [study_in(number.name) for number in KILLS]
    apps = [begin(study) for study in studies]
    for app in apps:
        simulate_screen(app)
        app.press(b"s")
    for number, study, app in zip(KILLS, studies, apps, strict=True):
        run = walking(study)
        os.killpg(app.process.pid, number)
        app.end()
        assert state_of(run.folder).status in ALIVE
    for study in studies:
        (run,) = list_runs(study)
        assert at_the_end(run.folder).status == "finished"
        assert result(run.folder) == undisturbed
        wait_until(lambda run=run: not alive(run.state.process["pid"]))


def test_a_run_that_is_killed_is_told_and_resumed_in_the_same_app_and_in_the_next(
    begin, study_in, undisturbed
):
    study = study_in("study")
    app = begin(study)
    simulate_screen(app)
    app.press(b"s")
    run = walking(study)
    kill_run(run)
    app.read_until("interrupted", "r goes on")
    n_blocks = len(list(run.folder.glob("blocks/walks-*.npz")))
    app.press(b"r")
    wait_until(lambda: len(list(run.folder.glob("blocks/walks-*.npz"))) > n_blocks)
    app.process.kill()
    kill_run(run)

    again = begin(study)
    again.read_until("interrupted", "r goes on")  # the session begins where it was
    again.shown = b""
    again.press(b"r")
    again.read_until("finished", "attempt 3")
    assert result(run.folder) == undisturbed
    assert [each.folder for each in list_runs(study)] == [run.folder]


def test_two_apps_on_one_study_share_its_runs_and_neither_harms_what_the_other_does(
    begin, study_in, undisturbed
):
    study = study_in("study")
    first, second = begin(study), begin(study)
    for app in (first, second):
        simulate_screen(app)
    first.press(b"s")
    run = walking(study)
    pause_run(run.folder)
    second.press(b"1")
    second.press(b"4")
    second.read_until("paused", "per arm")  # it looks at the run of the other
    second.press(b"r")
    second.read_until("is under")
    second.press(b"s")
    wait_until(lambda: len(list_runs(study)) == 2)
    second.press(b"\x11")
    assert second.end() == 0
    unpause_run(run.folder)
    for each in list_runs(study):
        assert at_the_end(each.folder).status == "finished"
        assert result(each.folder) == undisturbed
