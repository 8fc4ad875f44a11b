"""The app killed at its worst moments, on a real pseudo-terminal: nothing is lost and nothing runs on."""

import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from pseudo_terminal import Session, plain_text

ROOT = Path(__file__).parents[2]


@pytest.fixture
def study(tmp_path):
    """Return a study of a small log, so that finding its personas takes a second."""
    folder = tmp_path / "study"
    folder.mkdir()
    lines = (ROOT / "data" / "sample_events.csv").read_text().splitlines()[:3001]
    (folder / "log.csv").write_text("\n".join(lines) + "\n")
    (folder / "study.toml").write_text('events = "log.csv"\nclusters = "2"\n')
    return folder


@pytest.fixture
def begin(study, tmp_path):
    begun = []

    def session():
        begun.append(Session(tmp_path / "home", study))
        return begun[-1]

    yield session
    for each in begun:
        each.close()


def kill(app):
    """Kill the app alone, and see that what it began ends too."""
    begun = psutil.Process(app.process.pid).children(recursive=True)
    app.process.send_signal(signal.SIGKILL)
    app.process.wait()
    assert not psutil.wait_procs(begun, timeout=10)[1]


def shares(app):
    """Return the percentages on the screen, drawn anew."""
    app.shown = b""
    app.resize(24, 81)
    for _ in range(20):
        drawn_lately = app.read(1)
        found = set(re.findall(r"\d+\.\d\s?%", plain_text(app.shown)))
        if found and not drawn_lately:
            return found
    raise AssertionError(plain_text(app.shown))


def find_three_personas(app):
    """Edit the number of personas, which begins to find them."""
    app.press(b"2")
    app.read_until("2 personas")
    app.press(b"k")
    app.read_until("How many")
    app.shown = b""
    app.press(b"3")
    app.read_until("fit …")


def test_an_app_killed_while_it_loads_opens_the_study_again(begin):
    app = begin()
    app.read_until("load …")
    kill(app)
    again = begin()
    again.read_until("3,000", "saved")


def test_an_app_killed_after_an_edit_while_it_fits_goes_on_with_the_same_numbers(begin, study, tmp_path):
    app = begin()
    app.read_until("3,000")
    find_three_personas(app)
    kill(app)
    again = begin()
    again.read_until("not saved", "3 personas")
    found = shares(again)
    assert found
    again.press(b"\x11")
    assert again.end() == 0

    shutil.rmtree(tmp_path / "home")
    shutil.rmtree(study / "cache", ignore_errors=True)
    undisturbed = begin()
    undisturbed.read_until("3,000")
    find_three_personas(undisturbed)
    undisturbed.read_until("3 personas")
    assert shares(undisturbed) == found


def test_edits_that_were_told_survive_a_kill_in_the_midst_of_the_next(tmp_path):
    code = (
        "import sys\nfrom pathlib import Path\nfrom persona_tui.study.options import Settings\n"
        "from persona_tui.tui.workspace import Workspace\n"
        "work = Workspace(Settings(events='log.csv'), folder=Path(sys.argv[1]))\n"
        "for seed in range(1, 100_000):\n"
        "    work.edit('seed', seed=seed)\n    print(seed, flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    told = [int(process.stdout.readline()) for _ in range(30)][-1]
    process.kill()
    process.communicate()
    script = code.partition("for seed")[0] + "work.resume(); print(work.settings.seed)"
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert int(done.stdout) >= told
