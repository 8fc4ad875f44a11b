"""The app on a real pseudo-terminal: how it begins, ends, and what it leaves behind."""

import json
import os
import re
import signal
import termios
from pathlib import Path

import psutil
import pytest
from pseudo_terminal import Session, plain_text

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "data" / "sample_events.csv"
RESTORED = b"\x1b[?1049l"


@pytest.fixture
def session(tmp_path):
    begun = []

    def begin(*arguments, **more):
        begun.append(Session(tmp_path, *arguments, **more))
        return begun[-1]

    yield begin
    for each in begun:
        each.close()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)]
)
def test_a_signal_restores_the_terminal_and_keeps_the_edits(session, tmp_path, number, code):
    app = session(SAMPLE)
    app.read_until("41,175")
    app.process.send_signal(number)
    assert app.end() == code
    assert RESTORED in app.shown
    assert termios.tcgetattr(app.side)[3] == app.before[3]
    assert b"Traceback" not in app.shown
    assert list((tmp_path / ".local" / "state" / "persona-tui" / "sessions").glob("*.json"))


def test_a_terminal_that_is_closed_ends_the_app_and_nothing_spins_on(session):
    app = session(SAMPLE)
    app.read_until("41,175")
    os.close(app.side)
    os.close(app.main)
    assert app.process.wait(timeout=20) == 129


def test_an_app_that_was_killed_goes_on_where_it_was(session, tmp_path):
    app = session(SAMPLE)
    app.read_until("41,175")
    app.press(b"2")
    app.read_until("Personas")
    app.read(0.5)
    app.process.send_signal(signal.SIGKILL)
    app.process.wait()
    folder = tmp_path / ".local" / "state" / "persona-tui" / "sessions"
    (kept,) = (each for each in folder.glob("*.json") if each.name != "recent.json")
    assert json.loads(kept.read_text())["screen"] == "personas"
    again = session(SAMPLE)
    again.read_until("r Fit")


def test_ctrl_q_leaves_with_0_and_the_terminal_as_it_was(session):
    app = session()
    app.read_until("o opens one")
    app.press(b"\x11")
    assert app.end() == 0
    assert termios.tcgetattr(app.side)[3] == app.before[3]
    assert app.shown.rstrip().count(RESTORED) == 1


def test_a_storm_of_resizes_ends_in_a_whole_screen(session):
    app = session(SAMPLE)
    app.read_until("41,175")
    for step in range(40):
        app.resize(10 + step % 30, 40 + 3 * step)
    app.resize(24, 80)
    app.shown = b""
    app.read_until("41,175")
    assert app.process.poll() is None


def test_a_terminal_of_40_by_10_shows_what_fits(session):
    app = session(SAMPLE, rows=10, columns=40)
    app.read_until("41,175")


@pytest.mark.parametrize(
    ("environment", "wanted", "unwanted"),
    [
        ({"NO_COLOR": "1"}, rb"\x1b\[1[;m]", rb"\x1b\[[0-9;]*[34][0-8][;m]"),
        ({"TERM": "xterm"}, rb"\x1b\[[0-9;]*[39][0-7]", rb"[34]8;[25];"),
        ({"COLORTERM": "truecolor"}, rb"38;2;", rb"38;5;"),
    ],
)
def test_colours_are_those_that_the_terminal_has(session, environment, wanted, unwanted):
    app = session(SAMPLE, **environment)
    app.read_until("41,175")
    assert re.search(wanted, app.shown)
    assert not re.search(unwanted, app.shown)


def test_figures_are_ascii_where_the_locale_is(session):
    app = session(SAMPLE, LANG="C", LC_ALL="C", PYTHONUTF8="1")
    app.read_until("41,175")
    app.read(0.5)
    assert not set("▁▂▃▄▅▆▇█▏▎▍▌▋▊▉") & set(plain_text(app.shown))


@pytest.mark.parametrize("term", ["dumb", ""])
def test_a_terminal_that_cannot_draw_is_told_so(session, term):
    app = session(SAMPLE, TERM=term)
    assert app.end() == 2
    assert b"persona-tui batch --events LOG" in app.shown
    assert b"\x1b[?1049h" not in app.shown


def test_an_app_at_rest_uses_no_processor(session):
    app = session(SAMPLE)
    app.read_until("41,175")
    app.read(1.5)
    process = psutil.Process(app.process.pid)
    before = sum(process.cpu_times()[:2])
    app.read(2)
    assert sum(process.cpu_times()[:2]) - before < 0.1
