"""Questions on a line of their own, and answers typed under them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

from persona_tui.cli import output
from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable


class Left(Exception):  # noqa: N818 - no error
    """The analyst leaves: by q, or because there is no more input."""


class Back(Exception):  # noqa: N818 - no error
    """The analyst goes back to the question before, by b."""


def say(text: str = "") -> None:
    """Write a line."""
    output.write(f"{printable(text)}\n")


def complain(fault: PersonaError) -> None:
    """Say what is wrong and what to do about it."""
    say(fault.message)
    if fault.hint:
        say(fault.hint)


def ask(question: str, default: str = "") -> str:
    """Return what is answered; an empty answer is the default.

    Raises
    ------
    Left
        Where the answer is q, or the input has ended.
    Back
        Where the answer is b.
    """
    offered = f" [{printable(default)}]" if default else ""
    output.write(f"{printable(question)}{offered}: ")
    line = sys.stdin.readline() if sys.stdin is not None else ""
    if not line:
        output.write("\n")
        raise Left
    answer = line.strip()
    if answer in {"q", "quit"}:
        raise Left
    if answer in {"b", "back"}:
        raise Back
    return answer or default


def ask_until(question: str, default: str, read: Callable[[str], object]) -> None:
    """Ask until what is answered can be taken; ``read`` raises where it cannot."""
    while True:
        try:
            read(ask(question, default))
        except PersonaError as fault:
            complain(fault)
        else:
            return


def choose(question: str, choices: Sequence[tuple[str, str]], default: str = "") -> str:
    """Return the name of one of some choices, told by its number or its name."""
    for number, (name, words) in enumerate(choices, start=1):
        say(f"{number} {name}: {words}" if words else f"{number} {name}")
    names = [name for name, _ in choices]
    while True:
        answer = ask(question, default)
        if answer in names:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        say(f"'{answer}' is none of them; answer with a number from 1 to {len(names)}.")
