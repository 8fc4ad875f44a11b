"""Plain mode: the five jobs as questions, answered in full, wrongly, and not at all."""

import io
import json
import subprocess
import sys

import pytest

from persona_tui.cli.plain.session import PlainSession
from persona_tui.cli.presentation import Presentation
from persona_tui.study.options import Settings
from persona_tui.tui.workspace import Workspace


@pytest.fixture
def session(small_csv, tmp_path, monkeypatch):
    """Answer the questions of a session on the small log; return its workspace."""
    monkeypatch.chdir(tmp_path)
    workspace = Workspace(Settings(events=str(small_csv), clusters="2"), folder=tmp_path / "sessions")

    def answer(*lines):
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        PlainSession(workspace, Presentation(progress="none")).run()
        return workspace

    return answer


def test_all_five_jobs_are_done_by_answers_alone(session, tmp_path, capsys):
    workspace = session(
        *("data", "", ""),
        *("personas", "1", ""),
        *("flow", "add", "friction", "0.05", "", "", "", ""),
        *("simulate", "500"),
        *("report", "md, json", str(tmp_path / "out")),
        "q",
    )
    told = capsys.readouterr().out
    for said in ("Funnel, as it looks", "Conversion is observed", "Chance that completion falls", "Run in "):
        assert said in told
    assert workspace.settings.modification == ("insert_steps:count=2", "friction:factor=0.05")
    document = json.loads((tmp_path / "out" / "result.json").read_text())
    effects = [each["effect"] for each in document["experiments"][0]["effects"]]
    assert effects == ["insert_steps", "friction"]
    assert "report.md" in told
    assert "The same: persona-tui preview" in told


def test_wrong_answers_are_told_and_nothing_is_lost(session, capsys):
    workspace = session(
        *("9", "flow", "remove 1", "remove 7", "bogus"),
        *("add", "friction", "2", "", "", "", "0.1", "[/red]", "", "", "off 1", "b"),
        *("undo", "undo", "undo"),
        *("simulate", "many", "b", "q"),
    )
    told = capsys.readouterr().out
    assert "'9' is none of them" in told
    assert "at least one effect" in told
    assert "'remove 7' is no answer here" in told
    assert "must be <= 1" in told
    assert "There is nothing to take back." in told
    assert "'many' is no number of users." in told
    assert workspace.settings.modification == ("insert_steps:count=2",)


def test_a_source_that_cannot_be_read_leaves_open_what_was(session, small_csv, capsys):
    workspace = session("data", "nowhere.csv", "q")
    assert workspace.settings.events == str(small_csv)
    assert "nowhere.csv" in capsys.readouterr().out


def test_the_end_of_the_input_leaves_and_the_session_is_kept(session, capsys):
    session("flow", "off 1")
    assert capsys.readouterr().out.rstrip().endswith("Left; the session is kept.")
    again = session()
    assert again.settings.scenarios[0].off == (1,)


def test_it_asks_without_a_terminal(small_csv, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "persona_tui", "--plain", str(small_csv)],
        input="nonsense\nq\n",
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": "", "TERM": "dumb", "HOME": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert "'nonsense' is none of them" in done.stdout
    assert "\x1b" not in done.stdout
