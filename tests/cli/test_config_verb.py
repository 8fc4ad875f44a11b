import json

import pytest
from support import golden

from persona_tui.tui.actions import ACTIONS


@pytest.fixture
def config(run, tmp_path):
    """Return a runner of the verb whose preferences are in a folder of their own."""

    def ask(*arguments, **environment):
        return run("config", *arguments, XDG_CONFIG_HOME=str(tmp_path / "kept"), **environment)

    return ask


@pytest.fixture
def file(tmp_path):
    return tmp_path / "kept" / "persona-tui" / "config.toml"


def test_the_path_is_printed_alone(config, file):
    assert config("path").stdout == f"{file}\n"


def test_what_holds_is_shown_with_where_it_came_from(config, file):
    file.parent.mkdir(parents=True)
    file.write_text('theme = "persona-light"\n[keys]\nundo = "u"\n[defaults]\nfunnel = ["a", "b"]\n')
    done = config("show", PERSONA_TUI_GLYPHS="ascii")
    rows = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert ["theme", "persona-light", "file"] in rows
    assert ["glyphs", "ascii", "PERSONA_TUI_GLYPHS"] in rows
    assert ["animation", "auto", "default"] in rows
    assert ["undo", "u", "file"] in rows
    assert ["redo", "Z", "default"] in rows
    assert ["funnel", "a,b", "file"] in rows


def test_without_an_action_it_shows(config):
    assert config().stdout == config("show").stdout
    assert "none yet: persona-tui config init" in config(COLUMNS="200").stdout


def test_json_holds_every_setting(config, file):
    document = json.loads(config("--json").stdout)
    assert document["schema"] == "persona-tui/config/1"
    assert document["path"] == str(file)
    assert not document["exists"]
    names = [each["name"] for each in document["settings"]]
    assert names == ["theme", "glyphs", "animation", "clipboard", *(f"keys.{each.id}" for each in ACTIONS)]


def test_a_file_is_begun_once_and_then_kept(config, file):
    done = config("init")
    assert done.returncode == 0, done.stderr
    assert str(file) in done.stdout
    before = file.read_bytes()
    again = config("init")
    assert again.returncode == 1
    assert "not replaced" in again.stderr
    assert file.read_bytes() == before


def test_a_file_with_faults_is_refused_with_its_lines(config, file):
    file.parent.mkdir(parents=True)
    file.write_text('theme = "persona-drak"\n')
    done = config("show")
    assert done.returncode == 3
    assert "line 1: Unknown theme 'persona-drak'." in done.stderr
    assert config("path").returncode == 0


def test_a_mistyped_action_is_refused_with_the_near_one(config):
    done = config("shwo")
    assert done.returncode == 2
    assert "Did you mean 'show'?" in done.stderr


def test_the_help_is_as_kept(config):
    golden("config-help.txt", config("--help", COLUMNS="80").stdout)
