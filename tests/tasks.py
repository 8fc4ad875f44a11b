"""Tasks that worker processes can import."""

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Square:
    """Squares a number, after some seconds."""

    seconds: float = 0.0

    def __call__(self, number):
        time.sleep(self.seconds)
        return number * number


@dataclass(frozen=True)
class KilledAtFirst:
    """Squares a number, but kills its process the first few times it meets one of some numbers."""

    folder: Path
    numbers: tuple[int, ...]
    times: int

    def __call__(self, number):
        for attempt in range(self.times if number in self.numbers else 0):
            mark = self.folder / f"{number}-{attempt}"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return number * number


def refuse(number):
    """Raise an error of the project for one number."""
    from persona_tui.engine.errors import SimulationError

    if number == 2:
        raise SimulationError("two is too many.", hint="Take one.")
    return number


def blas_threads(_block):
    """Return the bound on threads that this process's linear algebra began with, and its process."""
    return os.environ["OPENBLAS_NUM_THREADS"], os.getpid()
