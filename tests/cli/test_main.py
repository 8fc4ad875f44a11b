import pytest
from support import golden

from persona_tui import __version__
from persona_tui.cli.diagnostics import exit_code_of
from persona_tui.engine.errors import SimulationError, WorkerError


def test_without_a_verb_it_says_what_it_will_be(run):
    done = run()
    assert done.returncode == 0
    assert "app for the terminal" in done.stdout
    assert "persona-tui batch" in done.stdout


def test_a_path_opens_the_app(run, small_csv):
    done = run(small_csv)
    assert done.returncode == 0
    assert f"persona-tui batch {small_csv}" in done.stdout


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


@pytest.mark.parametrize("name", ["help", "batch-help", "schema-help", "open"])
def test_the_words_are_as_kept(run, name):
    arguments = {"open": ()}.get(name, (*name.split("-")[:-1], "--help"))
    golden(f"{name}.txt", run(*arguments, COLUMNS="80").stdout)


def test_workers_that_die_are_a_failure_and_no_wrong_option():
    assert exit_code_of(WorkerError("killed")) == 1
    assert exit_code_of(SimulationError("wrong")) == 2
