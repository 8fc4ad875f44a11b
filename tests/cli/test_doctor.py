import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from support import golden

from persona_tui.cli import doctor_checks
from persona_tui.cli.doctor_checks import LIBRARIES, all_checks, samples
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.terminal import Terminal

ROOT = Path(__file__).parents[2]
GOOD = Terminal(
    term="xterm-kitty",
    program="kitty",
    colours="true",
    no_color=False,
    encoding="UTF-8",
    stdin_is_terminal=True,
    stdout_is_terminal=True,
    stderr_is_terminal=True,
    columns=120,
    rows=35,
    over_ssh=False,
    multiplexer="",
)


@pytest.fixture
def checked(monkeypatch, tmp_path):
    """Return the checks of a terminal by name, on a machine that is as good."""
    for name in ("CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name))
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(doctor_checks, "kills_at_logout", lambda: False)
    monkeypatch.setattr(doctor_checks, "available_memory", lambda: 10**10)
    return lambda **changed: {each.name: each for each in all_checks(replace(GOOD, **changed))}


def test_where_all_is_well_nothing_is_said_to_do(checked):
    checks = checked().values()
    assert {each.standing for each in checks} == {"ok"}
    assert not any(each.cure for each in checks)


@pytest.mark.parametrize(
    ("changed", "name", "standing", "cure"),
    [
        ({"stdin_is_terminal": False}, "terminal", "problem", "ssh -t"),
        ({"term": "dumb"}, "terminal", "problem", "xterm-256color"),
        ({"columns": 60}, "size", "note", "80 by 24"),
        ({"over_ssh": True}, "connection", "note", "tmux"),
        ({"colours": "16"}, "colours", "note", "COLORTERM"),
        ({"colours": "none", "no_color": True}, "colours", "note", "unset NO_COLOR"),
        ({"encoding": "ASCII"}, "text", "note", "LC_ALL=C.UTF-8"),
        ({"multiplexer": "tmux"}, "clipboard", "note", "set-clipboard on"),
    ],
)
def test_what_is_not_well_has_its_cure(checked, changed, name, standing, cure):
    found = checked(**changed)[name]
    assert found.standing == standing
    assert cure in found.cure


def test_a_machine_that_ends_what_users_run_is_noted(checked, monkeypatch):
    monkeypatch.setattr(doctor_checks, "kills_at_logout", lambda: True)
    assert "enable-linger" in checked()["logout"].cure


def test_preferences_with_faults_are_a_problem_and_not_the_end(checked, tmp_path):
    file = tmp_path / "CONFIG" / "persona-tui" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("theme = 3\n")
    found = checked()["preferences"]
    assert found.standing == "problem"
    assert "line 1" in found.found
    assert str(file) in found.cure


def test_a_place_that_cannot_be_written_is_noted(checked, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path / "file"))
    assert "PERSONA_TUI_CACHE_DIR" in checked()["cache"].cure


def test_a_library_that_is_missing_is_a_problem(checked, monkeypatch):
    monkeypatch.setattr(doctor_checks, "LIBRARIES", ("textual", "no-such-library"))
    assert checked()["textual"].standing == "ok"
    assert "pip install" in checked()["no-such-library"].cure


def test_the_libraries_are_among_those_that_are_required():
    required = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {name.partition(">")[0] for name in required} >= set(LIBRARIES)


def test_every_rung_of_glyphs_has_a_sample():
    shown = dict(samples())
    assert list(shown) == list(LADDER)
    assert shown["ascii"].isascii()


def test_without_a_terminal_it_tells_all_and_leaves_with_2(run):
    done = run("doctor", COLUMNS="80")
    assert done.returncode == 2
    assert not done.stderr
    for words in ("Terminal", "problem", "ssh -t", "Versions", "textual", "braille", "1 problem"):
        assert words in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_json_holds_the_same(run):
    document = json.loads(run("doctor", "--json").stdout)
    assert document["schema"] == "persona-tui/doctor/1"
    assert document["problems"] == 1
    assert document["terminal"]["stdin_is_terminal"] is False
    assert {each["standing"] for each in document["checks"]} <= {"ok", "note", "problem"}


def test_in_a_terminal_it_is_well_and_leaves_with_0(tmp_path):
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    told = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "XDG_CONFIG_HOME": str(tmp_path)}
    clean = {k: v for k, v in os.environ.items() if k not in {"COLUMNS", "NO_COLOR", "LC_ALL"}}
    done = subprocess.run(
        [sys.executable, "-m", "persona_tui", "doctor", "--json"],
        env={**clean, "PYTHONPATH": str(ROOT), **told},
        stdin=terminal,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(terminal)
    os.close(main)
    assert done.returncode == 0, done.stdout
    document = json.loads(done.stdout)
    assert document["problems"] == 0
    assert document["terminal"]["columns"] == 80


def test_the_help_is_as_kept(run):
    golden("doctor-help.txt", run("doctor", "--help", COLUMNS="80").stdout)
