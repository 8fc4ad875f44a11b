import re
import stat
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.errors import DataError, ExportError
from persona_tui.study.config import defaultable_options
from persona_tui.study.options import Settings
from persona_tui.tui.actions import ACTIONS
from persona_tui.tui.keys import key_fault
from persona_tui.tui.preferences import (
    CHOICES,
    preferences_path,
    read_preferences,
    state_folder,
    write_preferences,
)


@pytest.fixture
def home(tmp_path):
    """Return an environment whose preferences are in a folder of their own."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def prefer(home):
    """Return a reader of preferences with this text in their file."""

    def read(text, **environment):
        path = preferences_path(home)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return read_preferences({**home, **environment})

    return read


def test_without_a_file_the_defaults_hold(home):
    held = read_preferences(home)
    assert (held.theme, held.glyphs, held.animation) == ("persona-dark", "auto", "auto")
    assert not held.keys
    assert not held.defaults
    assert set(held.origins.values()) == {"default"}


def test_the_file_goes_before_the_defaults_and_the_environment_before_the_file(prefer):
    held = prefer('theme = "persona-light"\nglyphs = "ascii"', PERSONA_TUI_GLYPHS="halves")
    assert (held.theme, held.glyphs) == ("persona-light", "halves")
    assert held.origins["theme"] == "file"
    assert held.origins["glyphs"] == "PERSONA_TUI_GLYPHS"
    assert held.origins["animation"] == "default"


def test_a_table_that_is_joined_is_one_beside_the_file(prefer, home, tmp_path):
    near = prefer('[defaults]\nprepare = ["join:table=plans.csv", "sample:share=0.5"]').defaults["prepare"]
    assert str(preferences_path(home).parent / "plans.csv") in near[0]
    far = prefer(f'[defaults]\nprepare = ["join:table={tmp_path}/plans.csv"]').defaults["prepare"]
    assert f"table={tmp_path}/plans.csv" in far[0]


def test_an_empty_variable_says_nothing(prefer):
    assert prefer('theme = "persona-light"', PERSONA_TUI_THEME="").theme == "persona-light"


def test_keys_and_defaults_are_read(prefer):
    held = prefer('[keys]\nundo = "u, ctrl+u"\n[defaults]\nseed = 7\nfunnel = ["a", "b"]\nclusters = 3')
    assert held.keys == {"undo": "u,ctrl+u"}
    assert held.defaults == {"seed": 7, "funnel": "a,b", "clusters": "3"}
    assert Settings(**held.defaults).seed == 7


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('theme = "persona-drak"', "line 1: Unknown theme 'persona-drak'."),
        ("glyphs = 3", "line 1: Unknown glyphs '3'."),
        ("glyphs = []", "line 1: Unknown glyphs '[]'."),
        ('\ntheem = "x"', "line 2: unknown key 'theem'. Did you mean 'theme'?"),
        ("keys = 3", "line 1: keys must be a table"),
        ("\n\ndefaults = 3", "line 3: defaults must be a table"),
        ("seed = 3", "line 1: 'seed' belongs below [defaults]."),
        ('undo = "u"', "line 1: 'undo' belongs below [keys]."),
        ('[keys]\nundoo = "u"', "line 2: Unknown action 'undoo'."),
        ('[keys]\n\nundo = "ctlr+u"', "line 3: 'ctlr+u' is no key. Did you mean 'ctrl+u'?"),
        ("[keys]\nundo = 3", "line 2: undo must be a text"),
        ('[keys]\nundo = "u,"', "line 2: '' is no key."),
        ('[keys]\nredo = "f9"\nundo = "Z,f9"', "line 3: 'f9' is for"),
        ("[defaults]\nsede = 3", "line 2: Unknown option 'sede'."),
        ("[defaults]\nseed = -1", "line 2: seed == -1, must be >= 0."),
        ('[defaults]\nseed = "x"', "line 2: seed must be a whole number."),
        ('[defaults]\n\nevents = "a.csv"', "line 3: events is of one log"),
        ('[defaults]\noutput = "a"', "line 2: output is of one log"),
        ("theme =", "is not TOML"),
    ],
)
def test_a_fault_is_named_with_its_line(prefer, text, fault):
    with pytest.raises(DataError) as raised:
        prefer(text)
    assert fault in raised.value.message
    assert "config.toml" in raised.value.message


def test_all_faults_are_named_at_once(prefer):
    with pytest.raises(DataError, match="3 faults") as raised:
        prefer('theme = "x"\n[keys]\nundoo = "u"\n[defaults]\nseed = -1')
    assert [raised.value.message.find(f"line {line}:") > 0 for line in (1, 3, 5)] == [True] * 3


def test_faults_of_the_environment_name_the_value_and_the_cure(prefer):
    with pytest.raises(DataError, match="Did you mean 'braille'") as raised:
        prefer("", PERSONA_TUI_GLYPHS="brialle")
    assert raised.value.hint.endswith("unset PERSONA_TUI_GLYPHS")


def test_the_file_that_is_written_holds_every_setting_and_changes_none(home):
    path = write_preferences(home)
    text = path.read_text()
    for name in (*CHOICES, *(each.id for each in ACTIONS)):
        assert re.search(rf"^#{name} = ", text, re.MULTILINE), name
    for name in defaultable_options():
        assert re.search(rf"^(#|# Written as: ){name} = ", text, re.MULTILINE), name
    assert read_preferences(home) == read_preferences({"XDG_CONFIG_HOME": "/nowhere"})
    assert max(map(len, text.splitlines())) <= 88


def test_every_line_of_the_file_may_be_uncommented(home, prefer):
    text = write_preferences(home).read_text()
    held = prefer(re.sub(r"^#(?=\S)", "", text, flags=re.MULTILINE))
    assert held.keys == {each.id: ",".join(each.keys) for each in ACTIONS}
    assert Settings(**held.defaults) == Settings()


def test_a_file_that_exists_is_never_replaced(home, prefer):
    prefer('theme = "persona-light"')
    with pytest.raises(ExportError, match="not replaced") as raised:
        write_preferences(home)
    assert "mv " in raised.value.hint
    assert preferences_path(home).read_text() == 'theme = "persona-light"'


def test_the_folder_of_the_file_is_private(home):
    assert stat.S_IMODE(write_preferences(home).parent.stat().st_mode) == 0o700


def test_a_link_that_leads_nowhere_is_not_replaced(home):
    path = preferences_path(home)
    path.parent.mkdir(parents=True)
    path.symlink_to("dotfiles")
    with pytest.raises(ExportError):
        write_preferences(home)


def test_folders_are_those_of_xdg_where_they_are_absolute(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert preferences_path({}) == tmp_path / ".config/persona-tui/config.toml"
    assert preferences_path({"XDG_CONFIG_HOME": "relative"}) == preferences_path({})
    assert state_folder({}) == tmp_path / ".local/state/persona-tui"
    assert str(state_folder({"XDG_STATE_HOME": "/state"})) == "/state/persona-tui"


@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.id)
def test_the_keys_of_every_action_are_keys(action):
    assert [key_fault(key) for key in action.keys] == [""] * len(action.keys)


@given(st.characters(min_codepoint=33, max_codepoint=126))
def test_every_sign_is_a_key_by_itself_and_by_its_name(sign):
    from textual.keys import _character_to_key

    assert key_fault(sign) == ""
    assert key_fault(_character_to_key(sign)) == ""


@given(st.text(max_size=12))
def test_any_text_is_a_key_or_a_fault(text):
    assert key_fault(text) == "" or text in key_fault(text)


def test_reading_preferences_loads_nothing_heavy():
    code = (
        "import sys; from persona_tui.tui.preferences import read_preferences as read; read();"
        "print({'textual', 'rich', 'typer', 'numpy', 'polars'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
