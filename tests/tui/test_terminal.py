import locale
import sys
from dataclasses import replace

import pytest

from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.terminal import (
    Terminal,
    animation_wanted,
    choose_glyphs,
    clipboard,
    copies_sent,
    read_terminal,
    refusal,
)

NEAR = Terminal(
    term="xterm-256color",
    program="",
    colours="256",
    no_color=False,
    encoding="UTF-8",
    stdin_is_terminal=True,
    stdout_is_terminal=True,
    stderr_is_terminal=True,
    columns=80,
    rows=24,
    over_ssh=False,
    multiplexer="",
)


@pytest.mark.parametrize(
    ("told", "colours"),
    [
        ({"TERM": "xterm"}, "16"),
        ({"TERM": "linux"}, "16"),
        ({"TERM": "xterm-256color"}, "256"),
        ({"TERM": "tmux-256color", "COLORTERM": "truecolor"}, "true"),
        ({"TERM": "xterm-kitty"}, "256"),
        ({"TERM": "xterm-256color", "COLORTERM": "24bit", "NO_COLOR": "1"}, "none"),
        ({"TERM": "dumb", "COLORTERM": "truecolor"}, "none"),
    ],
)
def test_colours_are_those_that_the_environment_tells(told, colours):
    assert read_terminal(told).colours == colours


@pytest.mark.parametrize("term", ["xterm", "xterm-256color", "xterm-kitty", "linux", "screen-16color"])
@pytest.mark.parametrize("colorterm", ["", "truecolor", "24bit", "yes"])
def test_colours_are_those_that_the_library_draws(term, colorterm):
    from rich.console import Console

    told = {"TERM": term, "COLORTERM": colorterm}
    drawn = Console(force_terminal=True, _environ=told).color_system
    assert read_terminal(told).colours == {"standard": "16", "256": "256", "truecolor": "true"}[drawn]


@pytest.mark.parametrize(
    ("told", "is_utf8"),
    [
        ({}, True),
        ({"LANG": "de_DE.UTF-8"}, True),
        ({"LANG": "de_DE.utf8@euro"}, True),
        ({"LANG": "C"}, False),
        ({"LC_ALL": "POSIX", "LANG": "de_DE.UTF-8"}, False),
        ({"LC_ALL": "C.UTF-8", "LANG": "C"}, True),
        ({"LANG": "de_DE.ISO-8859-1"}, False),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, False),  # what Python makes of LANG=C
        ({"LC_CTYPE": "C.UTF-8"}, True),
        ({"LC_CTYPE": "ja_JP.eucJP", "LANG": "en_GB.UTF-8"}, False),
    ],
)
def test_text_is_utf8_where_the_locale_that_was_asked_for_is(told, is_utf8):
    assert read_terminal({"TERM": "xterm", **told}).is_utf8 == is_utf8


def test_a_locale_that_does_not_tell_its_encoding_has_that_of_the_system(monkeypatch):
    monkeypatch.setattr(locale, "getencoding", lambda: "ISO-8859-1")
    assert read_terminal({"LANG": "de_DE"}).encoding == "ISO-8859-1"


def test_a_stream_that_cannot_write_utf8_decides_over_the_locale(monkeypatch):
    class Stream:
        encoding = "ascii"

        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Stream())
    assert not read_terminal({"LANG": "en_GB.UTF-8"}).is_utf8


@pytest.mark.parametrize(
    ("told", "multiplexer", "program"),
    [
        ({"TMUX": "/tmp/tmux,1,0", "TERM_PROGRAM": "tmux"}, "tmux", ""),
        ({"STY": "1.pts"}, "screen", ""),
        ({"TERM_PROGRAM": "WezTerm"}, "", "WezTerm"),
        ({"WT_SESSION": "1"}, "", "Windows Terminal"),
    ],
)
def test_the_terminal_and_what_it_is_in_are_told_apart(told, multiplexer, program):
    found = read_terminal(told)
    assert (found.multiplexer, found.program) == (multiplexer, program)


def test_streams_that_are_closed_or_missing_are_no_terminals(monkeypatch):
    closed = open("/dev/null")  # noqa: PTH123, SIM115
    closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    monkeypatch.setattr(sys, "stdout", None)
    found = read_terminal({})
    assert not found.stdin_is_terminal
    assert not found.stdout_is_terminal


def test_glyphs_are_those_that_surely_show():
    assert choose_glyphs("auto", NEAR) == "eighths"
    assert choose_glyphs("auto", replace(NEAR, encoding="ASCII")) == "ascii"
    assert choose_glyphs("auto", replace(NEAR, term="linux")) == "ascii"
    assert choose_glyphs("auto", replace(NEAR, term="linux-16color")) == "ascii"


@pytest.mark.parametrize("wanted", LADDER)
def test_glyphs_that_are_wanted_are_taken(wanted):
    assert choose_glyphs(wanted, replace(NEAR, encoding="ASCII")) == wanted


def test_nothing_moves_over_ssh_unless_wanted():
    far = replace(NEAR, over_ssh=True)
    assert animation_wanted("auto", NEAR)
    assert not animation_wanted("auto", far)
    assert animation_wanted("on", far)
    assert not animation_wanted("off", NEAR)


@pytest.mark.parametrize("stream", ["stdin_is_terminal", "stderr_is_terminal"])
def test_without_a_terminal_it_names_ssh_and_batch(stream):
    message, hint = refusal(replace(NEAR, **{stream: False}))
    assert stream.partition("_")[0] in message
    assert "ssh -t" in hint
    assert "persona-tui batch" in hint


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_terminal_that_cannot_be_drawn_on_is_refused(term):
    message, hint = refusal(replace(NEAR, term=term))
    assert "TERM=" in message
    assert "xterm-256color" in hint


def test_stdout_may_be_a_pipe():
    assert refusal(replace(NEAR, stdout_is_terminal=False)) is None


@pytest.mark.parametrize(
    ("changed", "likelihood", "words"),
    [
        ({"multiplexer": "screen", "term": "xterm-kitty"}, "unlikely", "tmux"),
        ({"multiplexer": "tmux"}, "unknown", "set-clipboard on"),
        ({"term": "linux"}, "unlikely", "by hand"),
        ({"program": "Apple_Terminal"}, "unlikely", "by hand"),
        ({"term": "xterm-kitty"}, "likely", "xterm-kitty"),
        ({"program": "WezTerm"}, "likely", "WezTerm"),
        ({"program": "iTerm.app"}, "unknown", "Settings"),
        ({}, "unknown", "by hand"),
    ],
)
def test_the_clipboard_is_judged_by_the_terminal(changed, likelihood, words):
    judged, why = clipboard(replace(NEAR, **changed))
    assert judged == likelihood
    assert words in why


def test_copies_are_sent_as_preferred_and_else_unless_the_terminal_surely_drops_them():
    dropping = replace(NEAR, multiplexer="screen")
    assert copies_sent("auto", NEAR)
    assert not copies_sent("auto", dropping)
    assert copies_sent("osc52", dropping)
    assert not copies_sent("show", NEAR)
