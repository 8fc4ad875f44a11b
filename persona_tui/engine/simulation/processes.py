"""Blocks in processes of their own, for work that threads do not speed up.

Workers are fresh interpreters (``spawn``), never forks: a fork copies the locks of threads that it does not
copy, and polars and linear algebra have threads. Each has a pipe of its own, so a worker that dies takes
nothing along but its block, and that block is known. Nothing slow is imported before a worker has bounded
its threads.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from typing import Any, Final

from persona_tui.engine.errors import WorkerError
from persona_tui.engine.simulation.executors import BLAS_VARIABLES, Block, Executor, Result

MOST_DEATHS: Final = 3
"""Workers that one block may take with it before the work is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessExecutor(Executor):
    """Runs blocks in worker processes, which begin and end with each run.

    Notes
    -----
    The task is pickled once and sent to each worker, the blocks one at a time. A worker that is killed is
    replaced and its block is run again; results are those of an undisturbed run. Workers end at once when
    the run is stopped, and by themselves when this process is killed.

    Examples
    --------
    >>> done = []
    >>> ProcessExecutor(workers=2).run(abs, [-1, 2], on_done=lambda *each: done.append(each))
    [1, 2]
    >>> sorted(done)
    [(0, 1), (1, 2)]
    """

    def run(
        self,
        task: Callable[[Block], Result],
        blocks: Sequence[Block],
        *,
        on_done: Callable[[int, Result], None],
    ) -> list[Result]:
        """Run a task on every block, as ``Executor.run``.

        Raises
        ------
        WorkerError
            If no process can be started, or a block has taken three workers with it; the message names it.
        """
        crew = _Crew(pickle.dumps(task, protocol=pickle.HIGHEST_PROTOCOL), blocks, self.workers)
        try:
            while crew.unfinished:
                crew.hire()
                for position, result in crew.collect():
                    on_done(position, result)
        finally:
            crew.dismiss()
        return [crew.results[position] for position in range(len(blocks))]


class _Worker:
    """A process and the pipe to it, with one block to do."""

    def __init__(self, task: bytes, position: int, block: object) -> None:
        context = get_context("spawn")
        self.position = position
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        try:
            self.process.start()
        except (OSError, ValueError) as fault:
            raise WorkerError(
                f"No worker process can be started: {fault}.", hint="Use one worker, or threads."
            ) from fault
        theirs.close()
        with suppress(OSError):  # one that is dead already is noticed where its answer is read
            self.pipe.send_bytes(task)
        self.give(position, block)

    def give(self, position: int, block: object) -> None:
        """Let it do a block."""
        self.position = position
        with suppress(OSError):
            self.pipe.send(block)

    def end(self) -> None:
        """End it, whatever it does."""
        if self.process.pid is not None:
            self.process.kill()
            self.process.join()
        self.pipe.close()


class _Crew:
    """The workers of one run: everyone has a block, or is dismissed."""

    def __init__(self, task: bytes, blocks: Sequence[Any], size: int) -> None:
        self.task, self.blocks, self.size = task, blocks, size
        self.waiting = deque(range(len(blocks)))
        self.deaths = [0] * len(blocks)
        self.workers: list[_Worker] = []
        self.results: dict[int, Any] = {}

    @property
    def unfinished(self) -> bool:
        """Return whether results are missing."""
        return len(self.results) < len(self.blocks)

    def hire(self) -> None:
        """Start workers for blocks that wait, as many as there may be."""
        while self.waiting and len(self.workers) < self.size:
            position = self.waiting.popleft()
            self.workers.append(_Worker(self.task, position, self.blocks[position]))

    def collect(self) -> list[tuple[int, Any]]:
        """Wait for answers; give those who answered their next block, and replace nobody yet."""
        by_pipe = {worker.pipe: worker for worker in self.workers}
        answered = [by_pipe[each] for each in connection.wait(list(by_pipe))]  # type: ignore[index]
        done = []
        for worker in answered:
            position = worker.position
            try:
                succeeded, answer = worker.pipe.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            if not succeeded:
                raise answer
            self.results[position] = answer
            done.append((position, answer))
            self._go_on(worker)
        return done

    def _go_on(self, worker: _Worker) -> None:
        if self.waiting:
            position = self.waiting.popleft()
            worker.give(position, self.blocks[position])
        else:
            self.workers.remove(worker)
            worker.end()

    def _bury(self, worker: _Worker) -> None:
        """Put the block of a worker that died back in front."""
        position = worker.position
        self.workers.remove(worker)
        worker.process.join()
        worker.end()
        self.deaths[position] += 1
        if self.deaths[position] == MOST_DEATHS:
            raise _given_up(position, len(self.blocks), worker.process.exitcode or 0)
        self.waiting.appendleft(position)

    def dismiss(self) -> None:
        """End everyone."""
        for worker in self.workers:
            worker.end()
        self.workers.clear()


def _given_up(position: int, n_blocks: int, exit_code: int) -> WorkerError:
    """Return the error for a block that ends every worker."""
    if exit_code < 0:
        cause = signal.Signals(-exit_code).name
        hint = "The usual cause is too little memory: use fewer workers, or a machine with more."
    else:
        cause = f"exit code {exit_code}"
        hint = (
            "It has printed why. A script must do its work under "
            'if __name__ == "__main__": so that workers can import it.'
        )
    return WorkerError(
        f"Block {position + 1} of {n_blocks} ended its worker process {MOST_DEATHS} times ({cause}).", hint
    )


def _serve(pipe: connection.Connection[Any, Any]) -> None:
    """Do blocks until the pipe is closed: what a worker process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-c reaches all; the parent ends its workers
    for name in BLAS_VARIABLES:
        os.environ[name] = "1"
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):  # the pipe is closed
        task = pickle.loads(pipe.recv_bytes())
        while True:
            pipe.send(_answer(task, pipe.recv()))


def _answer(task: Callable[[Any], Any], block: object) -> tuple[bool, Any]:
    """Return whether a block succeeded, and its result or what was raised."""
    try:
        return True, task(block)
    except Exception as error:  # noqa: BLE001 - raised again where the block was asked for
        return False, error


def _leave_with_parent() -> None:
    """End this process when its parent is gone, in the middle of a block too."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
