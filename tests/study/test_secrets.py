import tomllib
from datetime import UTC, datetime

import pytest

from persona_tui.cli.diagnostics import say
from persona_tui.engine.errors import DataError
from persona_tui.engine.params import quote
from persona_tui.study.config import read_settings
from persona_tui.study.manifest import build_manifest
from persona_tui.study.options import Settings
from persona_tui.study.runs import default_output, settings_text

URL = "postgresql://ann:s3cret@db.example/shop#events"


def test_no_file_of_a_run_holds_a_password(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["persona-tui", "batch", URL])
    settings = Settings(events=URL)
    manifest = build_manifest(settings, tmp_path, (), datetime.now(UTC))
    assert "s3cret" not in str(manifest)
    assert manifest["source"] == "postgresql://ann:***@db.example/shop#events"
    assert "s3cret" not in settings_text(settings)
    assert str(default_output(settings)) == "exports/shop_events"


def test_no_file_of_a_run_holds_the_password_of_a_joined_table(tmp_path, monkeypatch):
    step = f"join:table={quote(URL)},on=id"
    monkeypatch.setattr("sys.argv", ["persona-tui", "batch", "log.csv", "--prepare", step])
    settings = Settings(events="log.csv", prepare=(step,))
    assert "s3cret" not in str(build_manifest(settings, tmp_path, (), datetime.now(UTC)))
    assert "s3cret" not in str(settings.prepare_shown())
    (tmp_path / "study.toml").write_text(settings_text(settings))
    with pytest.warns(UserWarning, match="PGPASSWORD"):
        kept = read_settings(tmp_path / "study.toml")
    assert kept["prepare"] == ('join:table="postgresql://ann@db.example/shop#events",on=id',)


def test_what_is_said_hides_passwords(capsys):
    say(f"'{URL}' cannot be reached")
    assert "s3cret" not in capsys.readouterr().err


def test_a_study_made_from_a_database_is_read_with_the_password_of_the_environment(tmp_path):
    (tmp_path / "study.toml").write_text(settings_text(Settings(events=URL)))
    with pytest.warns(UserWarning, match="PGPASSWORD"):
        kept = read_settings(tmp_path / "study.toml")
    assert kept["events"] == "postgresql://ann@db.example/shop#events"


def test_a_password_that_was_a_parameter_has_to_be_given_again(tmp_path):
    source = "postgresql://db.example/shop?password=s3cret#events"
    text = settings_text(Settings(events=source))
    assert "s3cret" not in tomllib.loads(text)["events"]
    (tmp_path / "study.toml").write_text(text)
    with pytest.raises(DataError, match="keeps no passwords"):
        read_settings(tmp_path / "study.toml")
