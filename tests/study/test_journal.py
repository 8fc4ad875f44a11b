import json

import pytest

from persona_tui.engine.errors import DataError, RunCancelled
from persona_tui.engine.progress import Progress
from persona_tui.study.journal import JOURNAL, NOW, PAUSE, Journal, read_lines


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def lines(folder):
    return list(read_lines(folder / JOURNAL))


def test_what_is_told_before_the_folder_is_known_is_kept(tmp_path, clock):
    with Journal({"verb": "batch"}, clock=clock) as journal:
        clock.now += 2
        journal(Progress(stage="load", done=1, total=2))
        journal.open(tmp_path)
        clock.now += 1
        journal.write({"note": "Here."})
    begin, load, note, end = lines(tmp_path)
    assert begin["begin"]["verb"] == "batch"
    assert begin["begin"]["pid"]
    assert (load["stage"], load["seconds"], note["seconds"]) == ("load", 2.0, 3.0)
    assert end["end"] == {"how": "finished"}


def test_a_journal_stays_small_however_long_a_run_takes_and_its_newest_line_is_shown(tmp_path, clock):
    journal = Journal({}, tmp_path, clock=clock)
    for done in range(10_000):
        clock.now += 1
        journal(Progress(stage="walks", done=done, total=10**6))
    (newest,) = json.loads((tmp_path / NOW).read_text())
    assert newest["done"] == 9_999
    assert len(lines(tmp_path)) < 2_000
    journal(Progress(stage="walks", done=10**6, total=10**6))
    assert lines(tmp_path)[-1]["done"] == 10**6


@pytest.mark.parametrize(
    ("error", "how"),
    [(RunCancelled("x"), "stopped"), (SystemExit(143), "stopped"), (DataError("bad", hint="do"), "failed")],
)
def test_how_an_attempt_ended_is_told(tmp_path, error, how):
    with pytest.raises(type(error)), Journal({}, tmp_path):
        raise error
    assert lines(tmp_path)[-1]["end"]["how"] == how


def test_another_attempt_goes_on_after_a_torn_line(tmp_path, clock):
    journal = Journal({}, tmp_path, clock=clock)
    clock.now += 7
    journal.write({"note": "before"})
    with (tmp_path / JOURNAL).open("a") as file:
        file.write('{"note": "to')
    with Journal({}, tmp_path, clock=clock) as again:
        again.write({"note": "after"})
    told = lines(tmp_path)
    assert [each.get("note") for each in told] == [None, "before", None, "after", None]
    assert told[2]["seconds"] == 7.0


def test_seconds_stand_still_while_a_run_is_paused(tmp_path, clock, monkeypatch):
    journal = Journal({}, tmp_path, clock=clock)
    (tmp_path / PAUSE).touch()

    def later(_seconds):
        clock.now += 60
        (tmp_path / PAUSE).unlink()

    monkeypatch.setattr("persona_tui.study.journal.time.sleep", later)
    journal.wait_while_paused()
    journal.wait_while_paused()
    assert [each.get("paused") for each in lines(tmp_path)] == [None, True, False]
    assert journal.seconds == 0


def test_a_journal_that_cannot_be_written_stops_nobody(tmp_path):
    with Journal({}, tmp_path / "missing") as journal:
        journal(Progress(stage="walks", done=1, total=1))
