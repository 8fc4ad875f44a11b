"""How a run was made: machine, times, paths and files; what ``result.json`` must not depend on."""

from __future__ import annotations

import hashlib
import os
import platform
import resource
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from persona_tui import __version__
from persona_tui.engine.data.readers.sql_urls import redact
from persona_tui.study.option_texts import one_or_several
from persona_tui.study.options import Settings
from persona_tui.study.resources import available_workers

SCHEMA = "persona-tui/manifest/1"


def build_manifest(
    settings: Settings, folder: Path, files: tuple[str, ...], began: datetime, *, without: str = ""
) -> dict[str, Any]:
    """Return the manifest of a run that is done.

    Parameters
    ----------
    settings : Settings
    folder : Path
        The run's folder.
    files : tuple of str
        Names of the files in it.
    began : datetime
        UTC.
    without : str
        Whose users the run leaves out; empty for nobody's.
    """
    ended = datetime.now(UTC)
    return {
        "schema": SCHEMA,
        "version": __version__,
        "began": began.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "seconds": round((ended - began).total_seconds(), 3),
        "source": one_or_several(settings.source_places()),
        "run": folder.name,
        **({"without": without} if without else {}),
        "command": [redact(each) if "://" in each else each for each in sys.argv[1:]],
        "machine": {
            "platform": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "workers": settings.workers or available_workers(),
            "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        },
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in files},
    }
