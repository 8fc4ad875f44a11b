import zipfile

import pytest
from report_samples import make_report

from persona_tui.engine import files
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
    with pytest.raises(ExportError, match="cannot be written") as caught:
        write_deck(make_report(), tmp_path / place)
    assert "\n" not in caught.value.message
    assert caught.value.hint
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_write_that_fails_half_way_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    target = tmp_path / "deck.pptx"
    target.write_text("older")
    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(ExportError, match="No space left on device"):
        write_deck(make_report(), target)
    assert [each.name for each in tmp_path.iterdir()] == ["deck.pptx"]
    assert target.read_text() == "older"
