"""The way in: straight to the app where no more than a path is named, else to the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from persona_tui.cli import diagnostics
from persona_tui.engine.errors import SimulationError


def main() -> None:
    """Run what the arguments of the process ask for, and leave with its exit code."""
    arguments = sys.argv[1:]
    if names_no_verb(arguments):
        with diagnostics.explained():
            open_app(*arguments)
    from persona_tui.cli.main import main as run  # noqa: PLC0415 - 0.2 s, which the app's first frame spares

    run(arguments)


def names_no_verb(arguments: Sequence[str]) -> bool:
    """Return whether the arguments can only mean the app; a word, or an option, the command line reads.

    Examples
    --------
    >>> names_no_verb([]), names_no_verb(["batch"]), names_no_verb(["--help"]), names_no_verb(["a://b#c"])
    (True, False, False, True)
    """
    if len(arguments) != 1:
        return not arguments
    (first,) = arguments
    if first.startswith("-") or first.isidentifier():
        return False
    return "://" in first or Path(first).exists()


def open_app(source: str = "") -> NoReturn:
    """Run the app on a log or a study, and leave with its exit code.

    Raises
    ------
    PersonaError
        If there is no terminal, or the study or the preferences make no sense.
    """
    from persona_tui.tui.terminal import read_terminal, refusal  # noqa: PLC0415 - only the app needs it

    terminal = read_terminal()
    refused = refusal(terminal)
    if refused is not None:
        raise SimulationError(refused[0], hint=refused[1])
    from persona_tui.study.resources import available_workers, bound_threads  # noqa: PLC0415 - with the app

    bound_threads(available_workers())
    from persona_tui.tui.start import run_app  # noqa: PLC0415 - 0.2 s, only the app needs Textual

    raise SystemExit(run_app(source, terminal))
