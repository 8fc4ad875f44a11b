import os
import subprocess
import sys

import pytest

from persona_tui.engine.working_folders import PREFIX, WorkingFolder, abandoned_folders, sweep


def aged(folder):
    os.utime(folder, (1, 1))
    return folder


@pytest.fixture
def killed(tmp_path):
    """Return the folder of a process that was killed."""
    script = (
        "import os, sys; from pathlib import Path\n"
        "from persona_tui.engine.working_folders import WorkingFolder\n"
        "folder = WorkingFolder(Path(sys.argv[1])); (folder.path / 'rows').write_text('u1')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    (left,) = tmp_path.glob(f"{PREFIX}*")
    return aged(left)


def test_the_folder_of_a_killed_process_is_swept(tmp_path, killed):
    assert list(abandoned_folders(tmp_path)) == [killed]
    assert sweep(tmp_path) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_living_process_stays(tmp_path):
    mine = WorkingFolder(tmp_path)
    aged(mine.path)
    assert sweep(tmp_path) == 0
    assert mine.path.is_dir()
    mine.close()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_only_being_made_stays(tmp_path):
    (tmp_path / f"{PREFIX}new").mkdir()
    assert sweep(tmp_path) == 0


def test_neither_links_nor_folders_of_other_users_nor_other_names_are_touched(tmp_path, killed, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"{PREFIX}link").symlink_to(elsewhere)
    aged(elsewhere)
    monkeypatch.setattr(os, "getuid", lambda: 4_242)
    assert sweep(tmp_path) == 0
    assert killed.is_dir()
    monkeypatch.undo()
    assert sweep(tmp_path) == 1
    assert elsewhere.is_dir()


def test_a_folder_goes_with_what_holds_it(tmp_path):
    mine = WorkingFolder(tmp_path)
    del mine
    assert list(tmp_path.iterdir()) == []
