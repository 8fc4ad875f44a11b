"""A program on a pseudo-terminal of its own, with the other end in the hands of the test."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Session:
    """The app in a process of its own, with the other end of its terminal."""

    def __init__(self, home, *arguments, rows=24, columns=80, **environment):
        self.main, side = pty.openpty()
        self._size(side, rows, columns)
        self.before = termios.tcgetattr(side)
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "LC_", "SSH_"))
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "persona_tui", *map(str, arguments)],
            stdin=side,
            stdout=side,
            stderr=side,
            start_new_session=True,
            env={
                **inherited,
                "PYTHONPATH": str(ROOT),
                "HOME": str(home),
                "TERM": "xterm-256color",
                "LANG": "C.UTF-8",
                **environment,
            },
        )
        self.side, self.shown = side, b""

    @staticmethod
    def _size(descriptor, rows, columns):
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        self._size(self.main, rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def press(self, keys):
        os.write(self.main, keys)

    def read(self, seconds=0.2):
        """Read what is drawn, for some time."""
        end, begun = time.monotonic() + seconds, len(self.shown)
        while (left := end - time.monotonic()) > 0:
            if select.select([self.main], [], [], left)[0]:
                try:
                    self.shown += os.read(self.main, 65536)
                except OSError:
                    break
        return self.shown[begun:]

    def read_until(self, *words, seconds=40):
        """Read until some words were drawn, whatever styles and moves stand between them."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.1)
            plain = plain_text(self.shown)
            if all(word in plain for word in words):
                return plain
        raise AssertionError(f"{words} not shown; but: {plain_text(self.shown)[-2000:]!r}")

    def end(self):
        """Wait for the exit code, reading what is drawn meanwhile."""
        for _ in range(200):
            self.read(0.05)
            if self.process.poll() is not None:
                break
        code = self.process.wait(timeout=20)
        self.read(0.1)
        return code

    def close(self):
        for descriptor in (self.main, self.side):
            with suppress(OSError):
                os.close(descriptor)
        self.process.kill()
        self.process.wait()


def plain_text(shown):
    """Return what was drawn without escape sequences; where the cursor moves, a blank."""
    text = shown.decode("utf-8", "replace")
    text = re.sub(r"\x1b\[\d+(;\d+)?H", " ", text)
    return re.sub(r"\x1b(\[[\d;?<>=]*[a-zA-Z]|[=>P\\]|\][^\x07]*\x07)", "", text)
