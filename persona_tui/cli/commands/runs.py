"""``persona-tui runs``: what became of the runs of a study, and those that work in the background."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any, Final

from persona_tui.cli import output
from persona_tui.cli.diagnostics import FAILED
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError, unknown_name
from persona_tui.study.declared import option
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.study.following import ListedRun
    from persona_tui.study.run_state import RunState

ACTIONS: Final = ("list", "attach", "stop", "pause", "resume", "replay")
_SECONDS_BETWEEN_LINES: Final = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunsRequest:
    """Which runs are meant, and how they are shown or done."""

    study: str = option("STUDY", default="", help="A study, or one of its runs.")
    run: str = option("RUN", default="", help="The beginning of a run's name. Default: the newest.")
    speed: float = option(
        "--speed",
        default=1.0,
        low=0.0,
        metavar="TIMES",
        shown_default="1",
        help="Replay so many times as fast as it went.",
    )
    here: bool = option("--here", default=False, help="Resume in this process, not in the background.")
    workers: int = option(
        "--workers",
        default=0,
        low=0,
        metavar="N",
        shown_default="as it was started",
        help="Cores to use when it is resumed here; results do not depend on them.",
    )


def _runs(settings: Settings, presentation: Presentation, request: RunsRequest) -> None:
    action, study, name = next(iter(settings.sources()), "list"), request.study, request.run
    if action not in ACTIONS and Path(action).exists():
        action, study, name = "list", action, study
    if action not in ACTIONS:
        raise SimulationError(str(unknown_name("action", action, ACTIONS)))
    if not study:
        raise SimulationError("No study was named.", hint=f"Try: persona-tui runs {action} exports/NAME")
    if not Path(study).is_dir():
        raise SimulationError(f"'{study}' is no folder of a study.")
    if action == "list":
        _list(Path(study), presentation)
        return
    from persona_tui.study.following import find_run  # noqa: PLC0415 - 0.05 s, not needed for help

    folder = find_run(Path(study).resolve(), name)
    if action == "attach":
        attach(folder, presentation)
    elif action == "replay":
        _replay(folder, presentation, request.speed)
    elif action == "resume":
        _resume(folder, presentation, request)
    else:
        _steer(action, folder, presentation)


def _list(study: Path, presentation: Presentation) -> None:
    from persona_tui.study.following import list_runs  # noqa: PLC0415 - as above

    found = list_runs(study)
    if presentation.as_json:
        runs = [_summary(each) for each in found]
        output.write_json({"schema": "persona-tui/runs/1", "study": str(study), "runs": runs})
        return
    from persona_tui.study.run_words import seconds_text  # noqa: PLC0415 - 0.06 s with rich

    page = output.Page()
    page.table(
        ("run", "verb", "status", "phase", "time"),
        [
            (
                each.folder.name,
                each.state.verb,
                each.state.status,
                "" if each.state.status == "finished" else each.state.phase,
                seconds_text(each.state.seconds),
            )
            for each in found
        ],
        left=4,
    )
    page.sentence(f"{len(found)} {'run' if len(found) == 1 else 'runs'} in {study}.")
    page.print()


def _summary(listed: ListedRun) -> dict[str, Any]:
    state = listed.state
    return {
        "run": listed.folder.name,
        "folder": str(listed.folder),
        "verb": state.verb,
        "status": state.status,
        "phase": state.phase,
        "seconds": state.seconds,
        "attempts": state.attempts,
        "process": state.process,
        "message": state.message,
    }


def attach(folder: Path, presentation: Presentation) -> None:
    """Show a run until it is at rest; leaving it does not end it."""
    from persona_tui.study.following import follow  # noqa: PLC0415 - as above

    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        state = _show(follow(folder), presentation)
    except KeyboardInterrupt:
        presentation.narrate(f"The run goes on. To see it again: {_verb('attach', folder)}")
        raise SystemExit(128 + signal.SIGINT) from None
    _finish(folder, state, presentation)


def _replay(folder: Path, presentation: Presentation, speed: float) -> None:
    from persona_tui.study.following import replay  # noqa: PLC0415 - as above

    presentation.narrate(f"Replay of {folder.name}, {speed:g} times as fast as it went.")
    state = _show(replay(folder, speed=speed), presentation)
    _finish(folder, state, presentation, replayed=True)


def _show(states: Iterator[RunState], presentation: Presentation) -> RunState:
    """Show states as they come and return the last: live on a terminal, else a line now and then."""
    mode = presentation.progress
    if mode == "auto":
        mode = "bar" if sys.stderr is not None and sys.stderr.isatty() else "lines"
    if presentation.quiet:
        mode = "none"
    if mode == "bar":
        return _show_live(states)
    from persona_tui.study.run_state import RunState  # noqa: PLC0415 - as above

    shown, phase, seconds = RunState(), "", -_SECONDS_BETWEEN_LINES
    for shown in states:
        if mode == "json":
            _tell_json(shown)
        elif mode != "none" and (shown.phase != phase or shown.seconds - seconds >= _SECONDS_BETWEEN_LINES):
            phase, seconds = shown.phase, shown.seconds
            _tell_line(shown, presentation)
    return shown


def _tell_json(state: RunState) -> None:
    from persona_tui.cli.diagnostics import say  # noqa: PLC0415 - stderr is told here alone
    from persona_tui.engine.progress import Progress  # noqa: PLC0415 - as above
    from persona_tui.study.journal import progress_line  # noqa: PLC0415 - as above

    stage = state.stage
    if stage is not None:
        say(progress_line(Progress(stage=stage.name, done=stage.done, total=stage.total), state.seconds))


def _tell_line(state: RunState, presentation: Presentation) -> None:
    from persona_tui.cli.run_page import plain_line  # noqa: PLC0415 - 0.06 s with rich

    presentation.narrate(plain_line(state))


def _show_live(states: Iterator[RunState]) -> RunState:
    from rich.console import Console  # noqa: PLC0415 - 0.06 s, only a terminal needs it
    from rich.live import Live  # noqa: PLC0415 - as above
    from rich.text import Text  # noqa: PLC0415 - as above

    from persona_tui.cli.run_page import page_lines  # noqa: PLC0415 - as above
    from persona_tui.study.run_state import RunState  # noqa: PLC0415 - as above

    shown = RunState()
    console = Console(stderr=True, highlight=False, markup=False)
    with Live(console=console, auto_refresh=False, transient=True, vertical_overflow="crop") as live:
        for shown in states:
            live.update(Text("\n".join(page_lines(shown, console.width))), refresh=True)
    return shown


def _steer(action: str, folder: Path, presentation: Presentation) -> None:
    from persona_tui.study import background  # noqa: PLC0415 - 0.05 s, as above
    from persona_tui.study.following import state_of  # noqa: PLC0415 - as above

    if action == "stop":
        state = background.stop_run(folder)
    else:
        background.pause_run(folder)
        state = state_of(folder)
    if state.status != "finished":
        presentation.narrate(f"To go on: {_verb('resume', folder)}")
    _tell(folder, state, presentation)


def _resume(folder: Path, presentation: Presentation, request: RunsRequest) -> None:
    from persona_tui.study import background  # noqa: PLC0415 - as above
    from persona_tui.study.following import state_of  # noqa: PLC0415 - as above
    from persona_tui.study.resources import bound_threads  # noqa: PLC0415 - as above

    if request.here:
        if request.workers:
            bound_threads(request.workers)
        with presentation.reporting() as on_progress:
            background.continue_run(
                folder,
                workers=request.workers or None,
                on_progress=on_progress,
                on_notice=presentation.narrate,
            )
    elif state_of(folder).status == "paused":
        background.unpause_run(folder)
    else:
        background.resume_run(folder)
        presentation.narrate(f"To see it: {_verb('attach', folder)}")
    _tell(folder, state_of(folder), presentation)


def _tell(folder: Path, state: RunState, presentation: Presentation) -> None:
    if presentation.as_json:
        output.write_json(run_document(folder, state))
    else:
        output.write(f"{folder}: {state.status}\n")


def _finish(folder: Path, state: RunState, presentation: Presentation, *, replayed: bool = False) -> None:
    """Print how a run ended; fail where it did not finish."""
    if presentation.as_json:
        output.write_json(run_document(folder, state))
    else:
        from persona_tui.cli.run_page import page_lines  # noqa: PLC0415 - as above

        lines = page_lines(state, get_terminal_size((output.PIPE_WIDTH, 24)).columns)
        output.write("\n".join([*lines, "", str(folder), ""]))
    if replayed or state.status == "finished":
        return
    presentation.narrate(f"To go on: {_verb('resume', folder)}")
    raise SystemExit(FAILED)


def run_document(folder: Path, state: RunState) -> dict[str, Any]:
    """Return a run and how it stands as plain values."""
    return {"schema": "persona-tui/run/1", "run": folder.name, "folder": str(folder), **asdict(state)}


def narrate_start(folder: Path, presentation: Presentation) -> None:
    """Say that a run was started in the background, and print where it is."""
    from persona_tui.study.following import state_of  # noqa: PLC0415 - as above
    from persona_tui.study.logout import kills_at_logout  # noqa: PLC0415 - 0.01 s

    for action in ("attach", "stop"):
        presentation.narrate(f"To {'see' if action == 'attach' else 'stop'} it: {_verb(action, folder)}")
    if kills_at_logout():
        presentation.narrate(
            "Mind: this system ends your processes when you log out. Then: persona-tui runs resume."
        )
    if presentation.as_json:
        output.write_json(run_document(folder, state_of(folder)))
    else:
        output.write(f"{folder}\n")


def _verb(action: str, folder: Path) -> str:
    import shlex  # noqa: PLC0415 - 0.005 s

    return f"persona-tui runs {action} {shlex.quote(str(folder.parents[1]))} {folder.name}"


VERB = Verb(
    name="runs",
    help="List the runs of a study, show one that works in the background, stop, pause or resume it, or "
    "replay it as it went. Prints how it stands; leaving attach does not end the run.",
    options=(),
    argument=f"{', '.join(ACTIONS[:-1])} or {ACTIONS[-1]}. Default: list.",
    run=_runs,
    request=RunsRequest,
    metavar="ACTION",
)
