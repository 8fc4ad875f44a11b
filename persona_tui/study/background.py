"""Runs in processes of their own, which go on whatever becomes of who started them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from glob import has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Final

from persona_tui.engine.data.readers.sql_urls import redact
from persona_tui.engine.errors import ExportError, SimulationError
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.study.following import RunFollower, state_of
from persona_tui.study.journal import JOURNAL, PAUSE, Journal, Line, process_start, read_lines
from persona_tui.study.run_folders import MANIFEST, new_run, only_here
from persona_tui.study.run_state import ALIVE, RunState
from persona_tui.study.store import make_folder

if TYPE_CHECKING:
    from persona_tui.study.options import Settings
    from persona_tui.study.runs import FinishedRun

LOG: Final = "log.txt"
"""What the process of a run writes to its standard streams."""
GRACE: Final = 10.0
"""Seconds that a run has to end by itself."""
_LEFT_OUT: Final = frozenset(
    {
        *("COLUMNS", "LINES", "TERM", "COLORTERM", "TMUX", "TMUX_PANE", "STY", "DISPLAY"),
        *("SSH_AUTH_SOCK", "SSH_CLIENT", "SSH_CONNECTION", "SSH_TTY"),
        *("PYTHONINSPECT", "PYTHONSTARTUP", "PYTHONBREAKPOINT", "PYTHONUNBUFFERED", "PYTHONWARNINGS"),
    }
)
"""Of a terminal and a session that the run outlives, or of a debugger."""


def start_run(settings: Settings, verb: str) -> Path:
    """Start a run in a process of its own and return its folder.

    Parameters
    ----------
    settings : Settings
    verb : str
        ``simulate`` or ``batch``.

    Returns
    -------
    Path
        To be followed by ``following.follow``.

    Raises
    ------
    SimulationError
        If the source cannot be read by another process, or the study would lose files of others.
    ExportError
        If the study folder cannot be written.

    Notes
    -----
    The process leads a session of its own, has no terminal and no standard input; nothing of it is left as a
    zombie. The folder holds all that it is asked, so that it can be resumed anywhere.
    """
    from persona_tui.study import runs  # noqa: PLC0415 - 0.6 s with the engine

    settings.effective_scenarios()
    for source in settings.sources():
        _check_source(source)
    study = runs.study_folder(settings).resolve()
    for source in settings.sources():
        runs.check_study(study, Path(source))
    kept = runs.kept_personas_of(settings, study)
    folder = new_run(make_folder(study), datetime.now(UTC))
    runs.write_request(folder, settings, kept)
    _begin(folder, runs.begin_line(runs.JOBS[verb], settings))
    return folder


def resume_run(folder: Path) -> None:
    """Let a run that was stopped, or is gone, go on from its last finished block in a process of its own.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    SimulationError
        If the run is finished, or some process does it.
    """
    _check_resumable(folder)
    _begin(folder, _request(folder))


def continue_run(
    folder: Path,
    *,
    workers: int | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_notice: Callable[[str], None] = lambda _text: None,
) -> FinishedRun:
    """Do what is left of a run, in this process.

    Parameters
    ----------
    folder : Path
    workers : int, optional
        Other than the run was started with.
    on_progress, on_notice : callable

    Raises
    ------
    SimulationError
        If the run is finished, or some process does it.
    """
    from persona_tui.study import runs  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.config import RUN_FILE, merge_settings, read_settings  # noqa: PLC0415

    folder, begun = folder.resolve(), _request(folder)
    if (folder / MANIFEST).exists():
        raise _is_finished(folder)
    with only_here(folder) as alone:
        if not alone:
            raise SimulationError(f"'{folder.name}' is under way.", hint=f"{_verb('attach', folder)}")
        settings = merge_settings(read_settings(folder / RUN_FILE), {"workers": workers or begun["workers"]})
        if settings.personas is not None:
            kept = replace(settings.personas, settled_for_good=not begun["remembers"])
            settings = replace(settings, personas=kept)
        return runs.do_run(
            runs.JOBS[begun["verb"]], settings, folder=folder, on_progress=on_progress, on_notice=on_notice
        )


def stop_run(folder: Path, *, grace: float = GRACE, sleep: Callable[[float], None] = time.sleep) -> RunState:
    """End a run so that it can be resumed: ask it to end, and after a while end it.

    Parameters
    ----------
    folder : Path
    grace : float
        Seconds to wait before it is killed.
    sleep : callable

    Returns
    -------
    RunState
        How it stands then; a run at rest stays as it is.

    Raises
    ------
    SimulationError
        If it is done by another machine.
    """
    state = state_of(folder)
    if state.status not in ALIVE:
        return state
    process = _process_of(folder, state)
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.kill(process, number)
        waited = 0.0
        while process_start(process) is not None and waited < grace:
            sleep(0.05)
            waited += 0.05
        if process_start(process) is None:
            break
    (folder / PAUSE).unlink(missing_ok=True)
    return state_of(folder)


def pause_run(folder: Path) -> None:
    """Let a run wait at its next block boundary, until ``unpause_run``.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    SimulationError
        If it is not under way.

    Notes
    -----
    A file in its folder asks for it. A stopped process (``SIGSTOP``) would look like one that hangs, could
    not be asked to end, and could not be told by another machine from one that works; the file is seen by
    every reader, and outlives whoever paused the run.
    """
    if state_of(folder).status not in ALIVE:
        raise SimulationError(f"'{folder.name}' is not under way.")
    try:
        (folder / PAUSE).touch()
    except OSError as fault:
        raise ExportError(f"'{folder}' cannot be written: {fault.strerror or fault}.") from None


def unpause_run(folder: Path) -> None:
    """Let a run that is paused go on.

    Parameters
    ----------
    folder : Path
    """
    (folder / PAUSE).unlink(missing_ok=True)


def last_words(folder: Path, n_lines: int = 5) -> str:
    """Return the end of what the process of a run wrote to its standard streams.

    Parameters
    ----------
    folder : Path
    n_lines : int
    """
    try:
        text = (folder / LOG).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-n_lines:])


def _check_source(source: str) -> None:
    """Refuse what a process without a terminal, a standard input and secrets cannot read."""
    if source == "-":
        raise SimulationError(
            "A run in the background cannot read standard input.", hint="Save the log in a file."
        )
    if "://" in source and redact(source) != source:
        raise SimulationError(
            "A run in the background keeps no password.", hint="Give it as PGPASSWORD or in ~/.pgpass."
        )
    if "://" not in source and not has_magic(source) and not Path(source).exists():
        raise SimulationError(f"'{source}' does not exist.")


def _begin(folder: Path, begun: Line) -> None:
    """Start the process of a run, which finds in the journal what it is asked for."""
    (folder / PAUSE).unlink(missing_ok=True)
    nobody = {"pid": None, "host": socket.gethostname(), "started": None}
    begun = {**begun, "starting": True}
    Journal(begun, folder, process=nobody)
    process = _spawn(folder)
    Journal(begun, folder, process={**nobody, "pid": process, "started": process_start(process)})


def _request(folder: Path) -> Line:
    """Return what a run was asked for, besides its settings."""
    asked = [line["begin"] for line in read_lines(folder / JOURNAL) if "begin" in line]
    if not asked:
        raise SimulationError(f"'{folder}' has no journal.", hint="Give the command that it was begun with.")
    latest = asked[-1]
    return {name: latest.get(name) for name in ("verb", "workers", "remembers")}


def _check_resumable(folder: Path) -> None:
    if (folder / MANIFEST).exists():
        raise _is_finished(folder)
    if RunFollower(folder).poll().status in ALIVE:
        raise SimulationError(f"'{folder.name}' is under way.", hint=_verb("attach", folder))


def _is_finished(folder: Path) -> SimulationError:
    return SimulationError(f"'{folder.name}' is finished.", hint=_verb("replay", folder))


def _verb(action: str, folder: Path) -> str:
    return f"Try: persona-tui runs {action} {folder.parents[1]} {folder.name}"


def _process_of(folder: Path, state: RunState) -> int:
    """Return the process that does a run."""
    if state.process.get("host") != socket.gethostname():
        raise SimulationError(
            f"'{folder.name}' is done by {state.process.get('host')}.", hint="Stop it there."
        )
    if state.process.get("pid") is None:
        raise SimulationError(f"'{folder.name}' is only just starting.", hint="Try again in a second.")
    return int(state.process["pid"])


def _spawn(folder: Path) -> int:
    """Start the process of a run and return its number."""
    package = Path(__file__).parents[2]
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in _LEFT_OUT and not name.startswith("TEXTUAL")
    }
    paths = filter(None, (str(package), environment.get("PYTHONPATH")))
    command = [sys.executable, "-P", "-m", "persona_tui", "runs", "resume", "--here", "--progress", "none"]
    try:
        with (folder / LOG).open("ab") as log:
            process = subprocess.Popen(
                [*command, str(folder.parents[1]), folder.name],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                cwd=folder,
                env={**environment, "PYTHONPATH": os.pathsep.join(paths)},
                start_new_session=True,
            )
    except OSError as fault:
        raise ExportError(f"No process can be started: {fault.strerror or fault}.") from None
    threading.Thread(target=process.wait, daemon=True, name=f"reaper of {folder.name}").start()
    return process.pid
