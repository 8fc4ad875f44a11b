"""What the terminal can do, read from the environment before anything is drawn."""

from __future__ import annotations

import locale
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TextIO, TypeAlias

Colours: TypeAlias = Literal["none", "16", "256", "true"]
Likelihood: TypeAlias = Literal["likely", "unlikely", "unknown"]

_TERM_COLOURS: Final[dict[str, Colours]] = {"kitty": "256", "256color": "256"}
"""By the last part of TERM; any other terminal has 16."""
_DUMB: Final = frozenset({"", "dumb", "unknown"})
_C_LOCALES: Final = frozenset({"C", "POSIX"})
_COERCED: Final = frozenset({"C.UTF-8", "C.utf8", "UTF-8"})
"""What Python itself puts into LC_CTYPE where the locale is C."""
_COPYING: Final = (
    *("kitty", "alacritty", "foot", "wezterm", "ghostty", "contour", "vscode", "windows terminal"),
)
"""Parts of the names of terminals that copy for a program without being told to."""
_COPYING_IF_ALLOWED: Final = {
    "iTerm.app": "Allow it in iTerm2: Settings, General, Selection, applications may access the clipboard.",
    "XTerm": "Allow it in the resources of xterm: XTerm*allowWindowOps: true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """What is known of the terminal; names that are not told are empty."""

    term: str
    program: str
    colours: Colours
    no_color: bool
    encoding: str
    stdin_is_terminal: bool
    stdout_is_terminal: bool
    stderr_is_terminal: bool
    columns: int
    rows: int
    over_ssh: bool
    multiplexer: Literal["", "tmux", "screen"]

    @property
    def is_utf8(self) -> bool:
        """Whether what is written there may hold more than ASCII."""
        return _is_utf8(self.encoding)

    @property
    def is_console(self) -> bool:
        """Whether it is the Linux console, whose font holds little more than letters."""
        return self.term.partition("-")[0] == "linux"


def read_terminal(environment: Mapping[str, str] | None = None) -> Terminal:
    """Return what the environment and the standard streams tell of the terminal."""
    told = os.environ if environment is None else environment
    size = shutil.get_terminal_size()
    return Terminal(
        term=told.get("TERM", ""),
        program=_program(told),
        colours=_colours(told),
        no_color="NO_COLOR" in told,
        encoding=_encoding(told, sys.stderr),
        stdin_is_terminal=_is_terminal(sys.stdin),
        stdout_is_terminal=_is_terminal(sys.stdout),
        stderr_is_terminal=_is_terminal(sys.stderr),
        columns=size.columns,
        rows=size.lines,
        over_ssh=bool(told.get("SSH_CONNECTION") or told.get("SSH_TTY")),
        multiplexer=_multiplexer(told),
    )


def choose_glyphs(preference: str, terminal: Terminal) -> str:
    """Return the rung of the ladder of glyphs to draw with: the one preferred, else what surely shows."""
    if preference != "auto":
        return preference
    return "ascii" if terminal.is_console or not terminal.is_utf8 else "eighths"


def animation_wanted(preference: str, terminal: Terminal) -> bool:
    """Return whether to animate: as preferred, else only where the terminal is near."""
    return not terminal.over_ssh if preference == "auto" else preference == "on"


def copies_sent(preference: str, terminal: Terminal) -> bool:
    """Return whether to send copies through the terminal: as preferred, else unless that is in vain."""
    return clipboard(terminal)[0] != "unlikely" if preference == "auto" else preference == "osc52"


def refusal(terminal: Terminal) -> tuple[str, str] | None:
    """Return why the app cannot be drawn there, and what to do instead; none where it can."""
    without = "Without one: persona-tui --plain asks questions, persona-tui batch --events LOG does it all."
    named = {"stdin": terminal.stdin_is_terminal, "stderr": terminal.stderr_is_terminal}
    missing = [name for name, is_terminal in named.items() if not is_terminal]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        message = f"The app is drawn in a terminal; {' and '.join(missing)} {verb} none."
        return message, f"Over SSH, ask for one: ssh -t HOST persona-tui. {without}"
    if terminal.term in _DUMB:
        message = f"The app cannot be drawn in a terminal with TERM={terminal.term or '(not set)'}."
        hint = "Set TERM to what yours is, such as xterm-256color; over SSH, ssh -t HOST passes it on."
        return message, f"{hint} {without}"
    return None


def clipboard(terminal: Terminal) -> tuple[Likelihood, str]:
    """Return whether the terminal likely copies text that a program sends (OSC 52), with why or the cure."""
    by_hand = "what is to be copied is shown, to be copied by hand."
    name = f"{terminal.program} {terminal.term}".casefold()
    if terminal.multiplexer == "screen":
        return "unlikely", f"screen does not pass it on, tmux can; {by_hand}"
    if terminal.is_console or terminal.term in _DUMB or "apple_terminal" in name:
        return "unlikely", f"This terminal does not take it; {by_hand}"
    if terminal.multiplexer == "tmux":
        return "unknown", "Let tmux pass it on: tmux set -s set-clipboard on"
    if any(each in name for each in _COPYING):
        return "likely", f"{terminal.program or terminal.term} copies for programs."
    return "unknown", _COPYING_IF_ALLOWED.get(terminal.program, f"If it does not: {by_hand}")


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def _program(told: Mapping[str, str]) -> str:
    """Return the name of the terminal; tmux takes the variable for itself."""
    own_variables = {"WT_SESSION": "Windows Terminal", "XTERM_VERSION": "XTerm"}
    if found := next((name for variable, name in own_variables.items() if told.get(variable)), ""):
        return found
    named = told.get("TERM_PROGRAM", "")
    return "" if named == "tmux" else named


def _colours(told: Mapping[str, str]) -> Colours:
    """Return how many colours are drawn, by the rules of the library that draws."""
    term = told.get("TERM", "").strip().casefold()
    if "NO_COLOR" in told or term in _DUMB:
        return "none"
    if told.get("COLORTERM", "").strip().casefold() in {"truecolor", "24bit"}:
        return "true"
    return _TERM_COLOURS.get(term.rpartition("-")[2], "16")


def _multiplexer(told: Mapping[str, str]) -> Literal["", "tmux", "screen"]:
    if told.get("TMUX"):
        return "tmux"
    return "screen" if told.get("STY") else ""


def _encoding(told: Mapping[str, str], stream: TextIO | None) -> str:
    """Return the encoding of the terminal: the stream's, unless the locale can do less than that."""
    written = getattr(stream, "encoding", None) or "utf-8"
    return _locale_encoding(told) if _is_utf8(written) else written


def _locale_encoding(told: Mapping[str, str]) -> str:
    """Return the encoding of the locale that was asked for; Python itself makes UTF-8 of C."""
    of_type = told.get("LC_CTYPE", "")
    if of_type in _COERCED and told.get("LANG") in _C_LOCALES:
        of_type = ""
    name = (told.get("LC_ALL") or of_type or told.get("LANG") or "").partition("@")[0]
    if not name or name in _COERCED:
        return "UTF-8"
    if name in _C_LOCALES:
        return "ASCII"
    return name.partition(".")[2] or locale.getencoding()


def _is_utf8(encoding: str) -> bool:
    return encoding.casefold().replace("-", "").replace("_", "") == "utf8"
