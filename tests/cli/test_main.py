import pytest
from support import golden

from persona_tui import __version__
from persona_tui.cli.diagnostics import exit_code_of
from persona_tui.engine.errors import SimulationError, WorkerError


def test_without_a_terminal_the_app_says_what_does_its_job(run):
    done = run()
    assert done.returncode == 2
    assert done.stdout == ""
    assert "ssh -t HOST persona-tui" in done.stderr
    assert "persona-tui batch --events LOG" in done.stderr


def test_a_path_opens_the_app(run, small_csv):
    done = run(small_csv)
    assert done.returncode == 2
    assert "drawn in a terminal" in done.stderr


def test_a_mistyped_verb_suggests_the_nearest(run):
    done = run("bacth")
    assert done.returncode == 2
    assert "Did you mean 'batch'" in done.stderr
    assert done.stdout == ""


def test_an_unknown_option_is_refused(run):
    done = run("batch", "--evnets", "x")
    assert done.returncode == 2
    assert "--events" in done.stderr


def test_the_version_is_printed(run):
    assert run("--version").stdout == f"persona-tui {__version__}\n"


@pytest.mark.parametrize("name", ["help", "batch-help", "schema-help"])
def test_the_words_are_as_kept(run, name):
    golden(f"{name}.txt", run(*name.split("-")[:-1], "--help", COLUMNS="80").stdout)


def test_workers_that_die_are_a_failure_and_no_wrong_option():
    assert exit_code_of(WorkerError("killed")) == 1
    assert exit_code_of(SimulationError("wrong")) == 2
