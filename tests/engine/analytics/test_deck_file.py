import zipfile
from pathlib import Path

import pytest
from report_samples import make_report

from persona_tui.engine.analytics import deck_file
from persona_tui.engine.analytics.pptx import write_deck
from persona_tui.engine.errors import ExportError


def test_a_deck_that_is_there_is_replaced(tmp_path):
    target = tmp_path / "deck.pptx"
    target.write_text("older")
    assert write_deck(make_report(), target) == target
    assert [each.name for each in tmp_path.iterdir()] == ["deck.pptx"]
    assert zipfile.is_zipfile(target)


@pytest.mark.parametrize("place", ["missing/deck.pptx", "file/deck.pptx", "."])
def test_a_place_that_cannot_be_written_is_named_with_a_cure(tmp_path, place):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ExportError, match="Cannot write") as caught:
        write_deck(make_report(), tmp_path / place)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    target = tmp_path / "deck.pptx"
    target.write_text("older")
    monkeypatch.setattr(deck_file.os, "fsync", full)
    with pytest.raises(ExportError, match="No space left on device"):
        write_deck(make_report(), target)
    assert [each.name for each in tmp_path.iterdir()] == ["deck.pptx"]
    assert target.read_text() == "older"


def test_a_folder_that_may_not_be_written_to_is_said_in_one_line(tmp_path, monkeypatch):
    def refuse(self, *_args, **_kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ExportError, match=r"Cannot write .*deck.pptx: Permission denied\.$"):
        raise_without_hint(tmp_path)
    assert not list(tmp_path.iterdir())


def raise_without_hint(folder):
    try:
        write_deck(make_report(), folder / "deck.pptx")
    except ExportError as error:
        raise ExportError(error.message) from error
