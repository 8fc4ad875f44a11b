"""What the terminal can do, from the environment alone."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Colours = Literal["none", "16", "256", "true"]
_OVER_SSH: Final = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_NARROW: Final = ("linux", "vt100", "vt220", "ansi")
"""Terminals whose fonts lack the finer blocks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """What is known of the terminal.

    Parameters
    ----------
    name : str
        ``TERM``.
    program : str
        ``TERM_PROGRAM``, where the terminal says it.
    colours : {"none", "16", "256", "true"}
    encoding : str
        Of the locale.
    has_stdin, has_stderr : bool
        Whether these are terminals; Textual reads one and draws on the other.
    over_ssh : bool
    multiplexer : str
        ``tmux``, ``screen`` or empty.
    """

    name: str
    program: str
    colours: Colours
    encoding: str
    has_stdin: bool
    has_stderr: bool
    over_ssh: bool
    multiplexer: str

    @property
    def is_utf8(self) -> bool:
        """Return whether text beyond ASCII can be shown."""
        return self.encoding.lower().replace("-", "") == "utf8"


def read_terminal(environment: Mapping[str, str] = os.environ) -> Terminal:
    """Return what the environment says of the terminal."""
    return Terminal(
        name=environment.get("TERM", ""),
        program=environment.get("TERM_PROGRAM", ""),
        colours=_colours(environment),
        encoding=_encoding(environment),
        has_stdin=sys.stdin is not None and sys.stdin.isatty(),
        has_stderr=sys.stderr is not None and sys.stderr.isatty(),
        over_ssh=any(environment.get(name) for name in _OVER_SSH),
        multiplexer="tmux" if environment.get("TMUX") else "screen" if environment.get("STY") else "",
    )


def _colours(environment: Mapping[str, str]) -> Colours:
    term = environment.get("TERM", "")
    if environment.get("NO_COLOR") or term == "dumb":
        return "none"
    if environment.get("COLORTERM", "").lower() in {"truecolor", "24bit"}:
        return "true"
    return "256" if "256" in term else "16"


def _encoding(environment: Mapping[str, str]) -> str:
    """Return the encoding of the locale; Python's own is UTF-8 whatever the terminal shows."""
    for name in ("LC_ALL", "LC_CTYPE", "LANG"):
        if text := environment.get(name):
            return text.partition(".")[2].partition("@")[0] or (
                "ascii" if text in {"C", "POSIX"} else "utf-8"
            )
    return locale.getpreferredencoding(do_setlocale=False)


def choose_glyphs(wanted: str, terminal: Terminal) -> str:
    """Return the rung of the ladder to draw with: the one that is wanted, or the finest that is safe.

    Examples
    --------
    >>> choose_glyphs("auto", read_terminal({"TERM": "linux", "LANG": "en_GB.UTF-8"}))
    'halves'
    >>> choose_glyphs("auto", read_terminal({"TERM": "xterm", "LC_ALL": "C"}))
    'ascii'
    """
    if wanted != "auto":
        return wanted
    if not terminal.is_utf8:
        return "ascii"
    return "halves" if terminal.name in _NARROW else "braille"


def refusal(terminal: Terminal) -> tuple[str, str] | None:
    """Return why the app cannot be shown, and what to do; None where it can.

    Without a terminal to read from, Textual would turn round and round.
    """
    batch = "Without a terminal, one command does the whole job: persona-tui batch LOG"
    if not (terminal.has_stdin and terminal.has_stderr):
        missing = "standard input" if not terminal.has_stdin else "standard error"
        return (
            f"The app needs a terminal, and {missing} is none.",
            f"Over SSH, ask for one: ssh -t HOST persona-tui. {batch}",
        )
    if terminal.name in {"dumb", ""}:
        return (
            f"The app cannot draw on this terminal (TERM={terminal.name or 'not set'}).",
            f"Set TERM to what it is, such as xterm-256color. {batch}",
        )
    return None
