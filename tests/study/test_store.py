import stat

import pytest

from persona_tui.engine.errors import ExportError
from persona_tui.engine.files import replace_all, write_whole
from persona_tui.study.store import dump_json, locked, make_folder, write_text


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    def half(path):
        path.write_text("half")
        raise OSError(28, "No space left on device")

    (tmp_path / "kept.txt").write_text("before")
    for name in ("kept.txt", "new.txt"):
        with pytest.raises(ExportError, match=f"{name}' cannot be written: No space left"):
            write_whole(tmp_path / name, half)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]
    assert (tmp_path / "kept.txt").read_text() == "before"


def test_nothing_is_replaced_before_everything_is_copied(tmp_path):
    (tmp_path / "one").write_text("old")
    (tmp_path / "source").write_text("new")
    with pytest.raises(ExportError):
        replace_all({tmp_path / "one": tmp_path / "source", tmp_path / "two": tmp_path / "missing"})
    assert (tmp_path / "one").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "source"]


def test_all_files_are_replaced_at_once(tmp_path):
    (tmp_path / "source").write_text("new")
    replace_all({tmp_path / name: tmp_path / "source" for name in ("one", "two")})
    assert [(tmp_path / name).read_text() for name in ("one", "two")] == ["new", "new"]


def test_a_folder_is_private(tmp_path):
    assert stat.S_IMODE(make_folder(tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be created"):
        make_folder(tmp_path / "file" / "folder")


def test_a_study_has_one_writer(tmp_path):
    with locked(tmp_path), pytest.raises(ExportError, match="Another persona-tui"), locked(tmp_path):
        pass


def test_json_has_ten_digits_no_negative_zero_and_no_nan():
    assert dump_json({"a": 1 / 3, "b": -0.0, "c": [1e-20, None]}) == (
        '{\n  "a": 0.3333333333,\n  "b": 0.0,\n  "c": [\n    1e-20,\n    null\n  ]\n}\n'
    )
    with pytest.raises(ValueError, match="JSON"):
        dump_json({"a": float("nan")})


def test_lone_surrogates_are_written_as_escapes(tmp_path):
    write_text(tmp_path / "text", "a\ud800")
    assert (tmp_path / "text").read_bytes() == b"a\\ud800"
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
