"""Files of reports: the same bytes wherever they are written, and never half of one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from persona_tui.engine.analytics.exporters import EXPORTERS

TESTS = Path(__file__).parents[2]
WRITE_ALL = """
import hashlib, json, sys
from pathlib import Path
from report_samples import make_report
from persona_tui.engine.analytics.exporters import EXPORTERS, Exported

request = {"run.toml": b'events = "log.csv"\\n', "personas.npz": bytes(range(256))}
document = {"schema": "x", "uplifts": [0.1] * 100}
exported = Exported(report=make_report(), document=document, request=request)
"""
TELL_DIGESTS = """
digests = {}
for name in EXPORTERS.names():
    for path in EXPORTERS.get(name)(exported, Path(".")):
        digests[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
print(json.dumps(digests))
"""
FILL_THE_DISK = """
import resource, signal
from persona_tui.engine.errors import ExportError

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource.RLIM_INFINITY))
told = {}
for name in EXPORTERS.names():
    try:
        EXPORTERS.get(name)(exported, Path("."))
    except ExportError as fault:
        told[name] = str(fault)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
print(json.dumps(told))
"""
DIE_BEFORE_THE_RENAME = """
import os, signal
Path.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
EXPORTERS.get(sys.argv[1])(exported, Path("."))
"""


def started(script, folder, *words, **environment):
    """Start a process that writes a report into a folder."""
    folder.mkdir(exist_ok=True)
    paths = os.pathsep.join([str(TESTS), *sys.path])
    return subprocess.Popen(
        [sys.executable, "-c", WRITE_ALL + script, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def told_by(process):
    """Return what a process tells, once it has ended well and without a complaint."""
    out, complaints = process.communicate(timeout=120)
    assert (process.returncode, complaints) == (0, "")
    return json.loads(out)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return the digests of all files as two processes wrote them, and a folder with the files."""
    folder = tmp_path_factory.mktemp("written")
    surroundings = (
        {"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland", "LANG": "C", "LC_ALL": "C"},
        {"PYTHONHASHSEED": "2", "TZ": "America/Los_Angeles", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"},
    )
    processes = [started(TELL_DIGESTS, folder / str(n), **each) for n, each in enumerate(surroundings)]
    return [told_by(each) for each in processes], folder / "0"


def test_the_same_report_has_the_same_bytes_in_every_process_zone_and_language(written):
    (first, second), _ = written
    assert len(first) >= len(EXPORTERS.names())
    assert first == second


def test_a_full_disk_is_told_and_leaves_the_old_files_and_nothing_else(written, tmp_path):
    (digests, _), _ = written
    for name in digests:
        (tmp_path / name).write_text("old")
    told = told_by(started(FILL_THE_DISK, tmp_path, TMPDIR=str(tmp_path)))
    assert sorted(told) == sorted(EXPORTERS.names())
    assert not [line for line in told.values() if "cannot be written" not in line.splitlines()[0]]
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == dict.fromkeys(digests, "old")


def test_a_process_that_is_killed_leaves_the_old_file_whole(written, tmp_path):
    (tmp_path / "simulation_report.pptx").write_text("old")
    process = started(DIE_BEFORE_THE_RENAME, tmp_path, "pptx")
    process.communicate(timeout=120)
    assert process.returncode < 0
    assert (tmp_path / "simulation_report.pptx").read_text() == "old"
