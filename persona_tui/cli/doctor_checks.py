"""What the app needs and finds on this machine, each with how it stands and what to do about it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from shlex import quote
from typing import Final, Literal, TypeAlias

from persona_tui import __version__
from persona_tui.cli.output import size_text
from persona_tui.engine.errors import DataError
from persona_tui.study.cache_folders import FOLDER_VARIABLE, cache_root, folder_size
from persona_tui.study.logout import kills_at_logout
from persona_tui.study.resources import available_memory, available_workers
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.preferences import Preferences, preferences_path, read_preferences, state_folder
from persona_tui.tui.terminal import Likelihood, Terminal, animation_wanted, choose_glyphs, clipboard, refusal

Standing: TypeAlias = Literal["ok", "note", "problem"]

LIBRARIES: Final = (
    *("textual", "rich", "typer", "polars", "numpy", "scipy", "scikit-learn"),
    *("plotext", "python-pptx", "xlsxwriter"),
)
_LEAST_COLUMNS: Final = 80
_LEAST_ROWS: Final = 24
_LEAST_MEMORY: Final = 500 * 10**6
_DOTS: Final = "⡀⣀⣄⣤⣦⣶⣷⣿"
_COLOURS: Final = {
    "true": "16 million",
    "256": "256",
    "16": "16",
    "none": "none: shapes and words say the same",
}


_CLIPBOARD: Final[dict[Likelihood, str]] = {
    "likely": "copying works (OSC 52)",
    "unknown": "copying may work (OSC 52)",
    "unlikely": "copying does not work (OSC 52)",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at; a problem would stop the app, a note would not."""

    part: str
    name: str
    found: str
    standing: Standing = "ok"
    cure: str = ""


def all_checks(terminal: Terminal) -> list[Check]:
    """Return every check, part by part."""
    told, held = _preferences()
    return [
        *_terminal(terminal),
        *_drawing(terminal, held),
        *_machine(),
        told,
        *_places(),
        *_versions(),
    ]


def samples() -> list[tuple[str, str]]:
    """Return what each rung of the ladder of glyphs draws with."""
    return [
        (name, f"{_DOTS if each.has_braille else each.levels.strip()}  {each.steps.strip()}  {_marks(name)}")
        for name, each in LADDER.items()
    ]


def _marks(name: str) -> str:
    glyphs = LADDER[name]
    interval = glyphs.whisker_left + glyphs.whisker + glyphs.point + glyphs.whisker + glyphs.whisker_right
    return f"{interval}  {glyphs.shades.strip()}  {glyphs.up} {glyphs.down}"


def _terminal(terminal: Terminal) -> Iterator[Check]:
    named = [terminal.program, f"TERM={terminal.term}" if terminal.term else "TERM is not set"]
    inside = [f"in {terminal.multiplexer}"] if terminal.multiplexer else []
    refused = refusal(terminal)
    yield _check(
        "terminal",
        "terminal",
        ", ".join([each for each in named if each] + inside),
        problem=refused[0] if refused else "",
        cure=refused[1] if refused else "",
    )
    streams = {
        "stdin": terminal.stdin_is_terminal,
        "stdout": terminal.stdout_is_terminal,
        "stderr": terminal.stderr_is_terminal,
    }
    ours = [name for name, is_one in streams.items() if is_one]
    others = [name for name, is_one in streams.items() if not is_one]
    told = f"terminals: {', '.join(ours) or 'none'}" + (f"; elsewhere: {', '.join(others)}" if others else "")
    yield Check(part="terminal", name="streams", found=told)
    small = terminal.columns < _LEAST_COLUMNS or terminal.rows < _LEAST_ROWS
    yield _check(
        "terminal",
        "size",
        f"{terminal.columns} columns, {terminal.rows} rows",
        note=small,
        cure=f"Make it {_LEAST_COLUMNS} by {_LEAST_ROWS} or more; below that, parts have to be scrolled to.",
    )
    where = "over SSH" if terminal.over_ssh else "on this machine"
    yield _check(
        "terminal",
        "connection",
        where,
        note=terminal.over_ssh and not terminal.multiplexer,
        cure="Work in tmux, so that a lost connection loses nothing: tmux new -A -s persona",
    )


def _drawing(terminal: Terminal, held: Preferences) -> Iterator[Check]:
    yield _check(
        "drawing",
        "colours",
        _COLOURS[terminal.colours],
        note=terminal.colours == "16" or terminal.no_color,
        cure="Take NO_COLOR away for colours: unset NO_COLOR"
        if terminal.no_color
        else "Where the terminal has more: export COLORTERM=truecolor",
    )
    yield _check(
        "drawing",
        "text",
        terminal.encoding,
        note=not terminal.is_utf8,
        cure="For names that are not English, and finer figures: export LC_ALL=C.UTF-8",
    )
    wanted = f"{held.glyphs}, so {choose_glyphs('auto', terminal)}" if held.glyphs == "auto" else held.glyphs
    yield Check(part="drawing", name="glyphs", found=wanted)
    moves = "on" if animation_wanted(held.animation, terminal) else "off"
    yield Check(part="drawing", name="animation", found=moves)
    likelihood, why = clipboard(terminal)
    yield _check("drawing", "clipboard", _CLIPBOARD[likelihood], note=likelihood != "likely", cure=why)


def _machine() -> Iterator[Check]:
    yield Check(part="machine", name="cores", found=f"{available_workers()} to use")
    memory = available_memory()
    yield _check(
        "machine",
        "memory",
        f"{size_text(memory)} free to use",
        note=memory < _LEAST_MEMORY,
        cure="Close other programs, or load logs in pieces: --memory 200MB",
    )
    kills = kills_at_logout()
    yield _check(
        "machine",
        "logout",
        {True: "ends what you run, tmux too", False: "leaves what you run", None: "not told"}[kills],
        note=kills is True,
        cure="loginctl enable-linger; systemd-run --user --scope tmux new -A -s persona",
    )


def _preferences() -> tuple[Check, Preferences]:
    """Return how the file of preferences stands, and what holds; the defaults where it has faults."""
    path = preferences_path()
    try:
        held = read_preferences()
    except DataError as fault:
        cure = fault.hint or f"Mend it, or set it aside: mv {quote(str(path))} {quote(f'{path}.old')}"
        return _check("places", "preferences", "", problem=fault.message, cure=cure), Preferences()
    return Check(part="places", name="preferences", found=f"{path}{_kept(path)}"), held


def _places() -> Iterator[Check]:
    for name, path, variable in (
        ("sessions", state_folder(), "XDG_STATE_HOME"),
        ("cache", cache_root(), FOLDER_VARIABLE),
    ):
        used = f", {size_text(folder_size(path))}" if path.is_dir() else _kept(path)
        yield _check(
            "places",
            name,
            f"{path}{used}",
            note=not _can_be_written(path),
            cure=f"It cannot be written, so nothing is kept there. Name another: export {variable}=DIR",
        )


def _kept(path: Path) -> str:
    return "" if path.exists() else " (none yet)"


def _can_be_written(path: Path) -> bool:
    """Return whether a folder can be written, or made in the first one above it that exists."""
    there = next((each for each in (path, *path.parents) if each.exists()), path)
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)


def _versions() -> Iterator[Check]:
    yield Check(part="versions", name="persona-tui", found=__version__)
    yield Check(part="versions", name="python", found=f"{platform.python_version()}, {platform.system()}")
    for name in LIBRARIES:
        try:
            yield Check(part="versions", name=name, found=version(name))
        except PackageNotFoundError:
            yield _check(
                "versions",
                name,
                "",
                problem="not installed",
                cure="Install it again: pip install --force-reinstall persona-tui",
            )


def _check(
    part: str, name: str, found: str, *, note: bool = False, problem: str = "", cure: str = ""
) -> Check:
    """Return a check that says its cure only where it is needed."""
    standing: Standing = "problem" if problem else "note" if note else "ok"
    told = ". ".join(each for each in (found, problem) if each)
    return Check(part=part, name=name, found=told, standing=standing, cure="" if standing == "ok" else cure)
