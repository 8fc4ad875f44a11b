"""Signals that come at the worst moment: in a callback, amid a close, with a lock held, twice."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STOPPED = "persona-tui: stopped by SIGTERM; earlier runs are kept.\n"
HEAD = """
import os, signal, sys, time
import polars as pl
from persona_tui.cli.diagnostics import explained, say

def stop(number=signal.SIGTERM):
    os.kill(os.getpid(), number)

def work():
    for _ in range(400):
        time.sleep(0.01)
    say("never stopped")
"""
CALLED_BACK = """
def called(value):
    stop()
    return sum(range(value))

with explained():
    pl.Series([1000]).map_elements(called, return_dtype=pl.Int64)
    work()
"""
GENERATOR = """
def numbers():
    try:
        yield 1
    finally:
        stop()
        sum(range(1000))
        say("closed")

with explained():
    given = numbers()
    next(given)
    del given
    work()
"""
TWICE = """
with explained():
    try:
        stop()
        work()
    finally:
        stop()
        time.sleep(0.1)
        say("closed")
"""
LOCKED = """
import threading

lock = threading.Lock()
within = {"__name__": "threading", "os": os, "signal": signal, "lock": lock}
exec('''
def hold():
    lock.acquire()
    os.kill(os.getpid(), signal.SIGTERM)
    sum(range(1000))
    lock.release()
''', within)

with explained():
    try:
        within["hold"]()
        work()
    finally:
        say("locked" if lock.locked() else "closed")
"""
WAITING = """
import threading

with explained():
    try:
        threading.Timer(0.1, stop).start()
        threading.Event().wait()
    finally:
        say("closed")
"""
DROPPED = """
import ctypes

@ctypes.CFUNCTYPE(None)
def called():
    stop()
    sum(range(1000))

with explained():
    called()
    work()
"""
BUSY_LIBRARY = """
def called(value):
    stop()
    time.sleep(60)

with explained():
    pl.Series([1000]).map_elements(called, return_dtype=pl.Int64)
"""


def told_by(script):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", HEAD + script], capture_output=True, text=True, env=environment, check=False
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("script", "closed"), [(CALLED_BACK, 0), (GENERATOR, 1), (TWICE, 1), (LOCKED, 1), (WAITING, 1)]
)
def test_a_signal_ends_the_program_once_nothing_is_cut_short(script, closed):
    code, told = told_by(script)
    assert (code, told) == (
        143,
        "persona-tui: stopped by SIGTERM; earlier runs are kept.\n" + "closed\n" * closed,
    )


def test_a_library_that_does_not_come_back_is_left_after_seconds():
    code, told = told_by(BUSY_LIBRARY)
    assert told.startswith(STOPPED)
    assert code != 0


def test_an_exit_that_native_code_dropped_is_made_again():
    code, told = told_by(DROPPED)
    assert code == 143
    assert told.startswith(STOPPED)
    assert "never stopped" not in told
