"""The way in: what opens the app at once, and what the command line reads first."""

import subprocess
import sys

import pytest

from persona_tui.cli.entry import names_no_verb
from persona_tui.cli.main import VERBS


@pytest.mark.parametrize("verb", [each.name for each in VERBS])
def test_a_file_with_the_name_of_a_verb_does_not_hide_the_verb(verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / verb).touch()
    assert not names_no_verb([verb])


def test_a_path_that_exists_or_a_url_opens_the_app_and_a_missing_one_does_not(tmp_path):
    assert names_no_verb([str(tmp_path)])
    assert names_no_verb(["duckdb:///shop.db#events"])
    assert not names_no_verb([str(tmp_path / "missing.csv")])
    assert not names_no_verb([str(tmp_path), "--json"])


def test_the_app_is_begun_without_the_command_line():
    code = "import sys; sys.argv = ['persona-tui']\nfrom persona_tui.cli.entry import main\n"
    shown = "try: main()\nexcept SystemExit as left: print(left.code, 'typer' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code + shown], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2", "False"]
