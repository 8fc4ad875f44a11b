import json
import os
import socket

import pytest

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.progress import Progress
from persona_tui.study.following import (
    EVERY,
    RunFollower,
    find_run,
    follow,
    frames,
    list_runs,
    replay,
    state_of,
)
from persona_tui.study.journal import JOURNAL, NOW, PAUSE, Journal, process_start
from persona_tui.study.run_folders import only_here

EXACT = {"exact": [0.4, 0.3], "n_personas": 100}
SCENARIO = {
    "name": "less",
    "number": 1,
    "n_scenarios": 2,
    "solver": "paths",
    "own_error": 0.01,
    "personas": [{"name": "A", "share": 0.5, **EXACT}, {"name": "B", "share": 0.5, **EXACT}],
    **EXACT,
}


def a_run(study, name="20260101T000000Z-aaaaaa", **process):
    folder = study / "runs" / name
    folder.mkdir(parents=True)
    me = {"pid": os.getpid(), "host": socket.gethostname(), "started": process_start(os.getpid())}
    return Journal({"verb": "simulate", "workers": 1}, folder, process=me | process), folder


def walked(n, error):
    return {"walked": [[n, 0.41, 0.02, 0.32, 0.02, error], *[[n // 2, 0.4, 0.1, 0.3, 0.1, error]] * 2]}


def test_a_follower_reads_only_what_is_whole(tmp_path):
    _, folder = a_run(tmp_path)
    follower = RunFollower(folder)
    assert follower.poll().status == "running"
    with (folder / JOURNAL).open("a") as file:
        file.write('{"note": "Hel')
        file.flush()
        assert follower.poll().notes == ()
        file.write('lo.", "seconds": 2}\nnot json\n{"of a later version": 1, "seconds": 3}\n')
    assert follower.poll().notes == ((2.0, "Hello."),)
    assert follower.poll().seconds == 3


def test_the_newest_line_counts_where_the_journal_leaves_it_out(tmp_path):
    _, folder = a_run(tmp_path)
    follower = RunFollower(folder)
    (folder / NOW).write_text(json.dumps([{"stage": "walks", "done": 7, "total": 9, "seconds": 5}]))
    assert follower.poll().stage.done == 7
    (folder / NOW).write_text("[{")
    assert follower.poll().stage is None


def test_more_users_stop_helping_at_a_tenth_of_what_the_log_leaves_open(tmp_path):
    journal, folder = a_run(tmp_path)
    journal.write({"scenario": SCENARIO})
    journal.write(walked(50, 0.004))
    scenario = RunFollower(folder).poll().scenario
    assert scenario.enough_at is None
    assert scenario.enough_needed == 800
    assert scenario.standing.uplift == pytest.approx(-0.09)
    assert scenario.exact_uplift == pytest.approx(-0.1)
    assert [each.standing.n_personas for each in scenario.personas] == [25, 25]
    journal.write(walked(90, 0.0009))
    journal.write(walked(100, 0.0008))
    assert RunFollower(folder).poll().scenario.enough_at == 90


def test_rate_and_time_left_are_of_this_attempt_and_of_all_scenarios(tmp_path):
    journal, folder = a_run(tmp_path)
    journal.write({"scenario": SCENARIO})
    for seconds, done in ((1, 40), (3, 60)):
        journal._append({"stage": "walks", "done": done, "total": 100, "seconds": seconds})
    state = RunFollower(folder).poll()
    assert state.per_second == 10
    assert state.eta_seconds == 14
    assert state.phase == "walks"


@pytest.mark.parametrize(
    ("process", "status"),
    [
        ({}, "running"),
        ({"pid": 2**22 + 1}, "interrupted"),
        ({"started": 5.0}, "interrupted"),
        ({"host": "elsewhere"}, "interrupted"),
        ({"pid": None, "started": None}, "running"),
    ],
)
def test_a_process_that_is_gone_is_known_to_be(tmp_path, process, status):
    _, folder = a_run(tmp_path, **process)
    assert state_of(folder).status == status


def test_a_run_of_another_machine_lives_while_its_lock_is_held(tmp_path):
    _, folder = a_run(tmp_path, host="elsewhere")
    with only_here(folder) as alone:
        assert alone
        assert state_of(folder).status == "running"
    assert state_of(folder).status == "interrupted"


def test_a_run_with_a_manifest_is_finished_and_one_that_is_paused_says_so(tmp_path):
    _, folder = a_run(tmp_path)
    (folder / PAUSE).touch()
    assert state_of(folder).status == "paused"
    (folder / PAUSE).unlink()
    (folder / "manifest.json").touch()
    Journal({}, folder, process={"pid": 2**22 + 1, "host": socket.gethostname(), "started": 1.0})
    assert state_of(folder).status == "finished"


def test_following_ends_when_the_run_is_at_rest(tmp_path):
    journal, folder = a_run(tmp_path)
    naps = []

    def sleep(seconds):
        naps.append(seconds)
        if len(naps) == 3:
            journal.write({"end": {"how": "failed", "message": "No space.", "hint": "Free some."}})

    *_, last = follow(folder, sleep=sleep)
    assert (last.status, last.message, last.hint) == ("failed", "No space.", "Free some.")
    assert naps == [EVERY] * 3


@pytest.mark.parametrize("speed", [1, 4, float("inf")])
def test_a_replay_takes_the_time_of_the_run_at_any_speed(tmp_path, speed):
    journal, folder = a_run(tmp_path)
    for seconds in (2, 6):
        journal._append({"stage": "walks", "done": seconds, "total": 6, "seconds": seconds})
    naps = []
    states = list(replay(folder, speed=speed, sleep=naps.append))
    assert sum(naps) == pytest.approx(6 / speed, abs=0.01)
    assert states == [state for _, state in frames(folder)]
    assert [state.stage.done for state in states[1:]] == [2, 6]


def test_a_speed_of_nothing_and_a_run_without_a_journal_are_refused(tmp_path):
    _, folder = a_run(tmp_path)
    with pytest.raises(SimulationError, match="must be > 0"):
        next(replay(folder, speed=0))
    with pytest.raises(SimulationError, match="has no journal"):
        next(replay(tmp_path))


def test_a_list_tells_as_much_as_following_without_reading_every_number(tmp_path):
    journal, folder = a_run(tmp_path)
    journal.write({"scenario": SCENARIO})
    for n in range(1, 100):
        journal.write(walked(n, 0.02))
        journal(Progress(stage="walks", done=n, total=100))
    journal.write({"end": {"how": "stopped"}})
    (listed,) = list_runs(tmp_path)
    followed = RunFollower(folder).poll()
    assert listed.state.status == followed.status == "stopped"
    assert listed.state.scenario.standing == followed.scenario.standing


def test_runs_are_found_by_the_beginning_of_their_names(tmp_path):
    for name in ("20260101T000000Z-aaaaaa", "20260102T000000Z-bbbbbb"):
        a_run(tmp_path, name)
    assert find_run(tmp_path).name.endswith("bbbbbb")
    assert find_run(tmp_path, "20260101").name.endswith("aaaaaa")
    assert find_run(tmp_path / "runs" / "20260101T000000Z-aaaaaa").name.endswith("aaaaaa")
    with pytest.raises(SimulationError, match="2 runs begin with '2026'"):
        find_run(tmp_path, "2026")
    with pytest.raises(SimulationError, match="Unknown run 'x'"):
        find_run(tmp_path, "x")
    with pytest.raises(SimulationError, match="has no runs"):
        find_run(tmp_path / "runs")
