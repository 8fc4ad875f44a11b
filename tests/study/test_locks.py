import errno
import subprocess
import sys

import pytest

from persona_tui.engine.errors import ExportError
from persona_tui.engine.locks import MARKER_SUFFIX
from persona_tui.study.store import locked


@pytest.fixture(params=[errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def without_locks(request, monkeypatch):
    def refuse(_file, _operation):
        raise OSError(request.param, "no locks here")

    monkeypatch.setattr("fcntl.flock", refuse)


def test_a_file_system_without_locks_still_has_one_writer(without_locks, tmp_path):
    with locked(tmp_path):
        assert (tmp_path / f".lock{MARKER_SUFFIX}").exists()
        with pytest.raises(ExportError, match="Another persona-tui") as caught, locked(tmp_path):
            pass
        assert f".lock{MARKER_SUFFIX}" in caught.value.hint
    with locked(tmp_path):
        pass


def test_the_marker_of_a_process_that_was_killed_is_taken_over(without_locks, tmp_path):
    marker = tmp_path / f".lock{MARKER_SUFFIX}"
    script = (
        f"import os, filelock; lock = filelock.SoftFileLock({str(marker)!r}); lock.acquire(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script], check=False)
    assert marker.exists()
    with locked(tmp_path):
        assert marker.exists()


def test_a_study_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot be written"), locked(tmp_path / "file"):
        pass
