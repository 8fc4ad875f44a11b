"""Commands as processes of their own, forked from one that has the libraries loaded already.

A process that begins with nothing spends most of a short command on loading polars and scikit-learn. Here
each command still has its own process, folder, environment, streams and exit code; only what it imports is
there. Whether a process that begins with nothing works is seen by the tests of streams, imports and
terminals.
"""

from __future__ import annotations

import atexit
import functools
import gc
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

TESTS = Path(__file__).parent
SECONDS = 120
LIBRARIES = ("pptx", "psutil", "rich.progress", "rich.table", "sklearn.decomposition", "sklearn.linear_model")
PACKAGES = ("persona_tui.engine", "persona_tui.study", "persona_tui.cli")


def run_forked(
    arguments: tuple[str, ...], *, cwd: Path, environment: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command of the command line and return what it said."""
    server = _server()
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        streams = [f"/proc/{os.getpid()}/fd/{each.fileno()}" for each in (out, err)]
        json.dump([arguments, str(cwd), environment, streams], server.stdin)
        print(file=server.stdin, flush=True)
        code = int(server.stdout.readline())
        for each in (out, err):
            each.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read(), err.read())


@functools.cache
def _server() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", "import forked_commands; forked_commands.serve()"]
    folders = os.pathsep.join([str(TESTS), str(TESTS.parent)])
    server = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": folders},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)
    return server


def serve() -> None:
    """Answer each line on stdin with the exit code of the command in it."""
    _load()
    asked, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    for line in asked:
        child = os.fork()
        if child == 0:
            asked.close()
            answers.close()
            _become(*json.loads(line))
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), file=answers, flush=True)


def _load() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    for name in PACKAGES:
        for each in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            importlib.import_module(each.name)
    gc.freeze()  # else the first collection in each child copies all of it


def _become(arguments: list[str], folder: str, environment: dict[str, str], streams: list[str]) -> None:
    """Be the command, to the end of the process."""
    signal.alarm(SECONDS)
    for number, name in enumerate((os.devnull, *streams)):
        opened = os.open(name, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = folder
    sys.argv = ["persona-tui", *arguments]
    code = 0
    try:
        importlib.import_module("persona_tui.cli.main").main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)  # to tear down what was only imported takes longer than most commands
