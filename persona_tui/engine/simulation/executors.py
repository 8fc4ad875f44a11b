"""Ways to run the blocks of a long computation: here, in threads, or in processes of their own.

A block's result depends on the task and the block alone, so every executor and any number of workers give
the same results. To add an executor, write a subclass of ``Executor`` and register it; where it is slow to
import, name its place. Nothing here is slow to import, so that worker processes begin quickly.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Final, TypeVar

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.registry import Registry

Block = TypeVar("Block")
Result = TypeVar("Result")

LONG_WORK_SECONDS: Final = 4.0
"""Of one core, for which worker processes pay: they take 0.6 s to begin, twice that on a busy machine."""
BLAS_VARIABLES: Final = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Bound the threads of linear algebra; read when numpy is first imported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executor(ABC):
    """Runs a task on blocks.

    Parameters
    ----------
    workers : int
        Blocks under way at once, at most.

    Raises
    ------
    SimulationError
        If there are fewer workers than one.
    """

    workers: int = 1

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise SimulationError(f"workers == {self.workers}, must be >= 1.")

    @abstractmethod
    def run(
        self,
        task: Callable[[Block], Result],
        blocks: Sequence[Block],
        *,
        on_done: Callable[[int, Result], None],
    ) -> list[Result]:
        """Run a task on every block.

        Parameters
        ----------
        task : callable
            Its result depends on the block alone. Executors that run elsewhere send it once to each
            worker: it holds what all blocks share, and can be pickled.
        blocks : sequence
            Small things that say which part of the work is meant.
        on_done : callable
            Gets the position and the result of each block as it is done, in any order, in the caller's
            thread. What it raises stops the work and is raised again.

        Returns
        -------
        list
            The results in the order of the blocks.

        Raises
        ------
        Exception
            The first that the task raised; blocks that were not begun are left.
        """


EXECUTORS: Registry[type[Executor]] = Registry("executor")
EXECUTORS.add(
    "processes",
    "persona_tui.engine.simulation.processes:ProcessExecutor",
    help="Blocks in processes of their own; one that dies is replaced.",
)


@EXECUTORS.register("serial", help="One block after the other.")
@dataclass(frozen=True, slots=True, kw_only=True)
class SerialExecutor(Executor):
    """Runs one block after the other, here.

    Examples
    --------
    >>> SerialExecutor().run(abs, [-1, 2, -3], on_done=print)
    0 1
    1 2
    2 3
    [1, 2, 3]
    """

    def run(
        self,
        task: Callable[[Block], Result],
        blocks: Sequence[Block],
        *,
        on_done: Callable[[int, Result], None],
    ) -> list[Result]:
        """Run a task on every block, as ``Executor.run``."""
        results = []
        for position, block in enumerate(blocks):
            results.append(task(block))
            on_done(position, results[-1])
        return results


@EXECUTORS.register("threads", help="Blocks in threads: for tasks that call few, long array operations.")
@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadExecutor(Executor):
    """Runs blocks in threads of this process: no start-up, nothing copied, but one interpreter lock.

    Array operations of a millisecond leave the lock to others: the bootstrap ran 1.85 times as fast in two
    threads. Walks call thousands of short ones and gain nothing.
    """

    def run(
        self,
        task: Callable[[Block], Result],
        blocks: Sequence[Block],
        *,
        on_done: Callable[[int, Result], None],
    ) -> list[Result]:
        """Run a task on every block, as ``Executor.run``; when stopped, those under way are waited for."""
        from concurrent.futures import ThreadPoolExecutor, as_completed  # noqa: PLC0415 - 0.02 s

        pool = ThreadPoolExecutor(max_workers=self.workers)
        try:
            futures = [pool.submit(task, block) for block in blocks]
            positions = {future: position for position, future in enumerate(futures)}
            for future in as_completed(futures):
                on_done(positions[future], future.result())
            return [future.result() for future in futures]
        finally:
            pool.shutdown(cancel_futures=True)


@EXECUTORS.register("auto", help="One block after the other; in processes as soon as the work proves long.")
@dataclass(frozen=True, slots=True, kw_only=True)
class AutoExecutor(Executor):
    """Runs blocks here until the rest is seen to take long, then in processes.

    For work that threads do not speed up. It is for programs: a function of the engine that is given no
    executor starts no process, because a notebook, a script without a guarded main module or a running
    terminal app may not be able to. One worker never does.

    Examples
    --------
    >>> AutoExecutor(workers=4).run(abs, [-1, 2], on_done=lambda position, result: None)
    [1, 2]
    """

    def run(
        self,
        task: Callable[[Block], Result],
        blocks: Sequence[Block],
        *,
        on_done: Callable[[int, Result], None],
    ) -> list[Result]:
        """Run a task on every block, as ``Executor.run``."""
        results: list[Result] = []
        begun = process_time()  # a busy machine is no reason for more processes
        for position, block in enumerate(blocks):
            seconds_left = (process_time() - begun) / max(position, 1) * (len(blocks) - position)
            if position and self.workers > 1 and seconds_left >= LONG_WORK_SECONDS:
                elsewhere = EXECUTORS.get("processes")(workers=self.workers)
                return results + elsewhere.run(
                    task, blocks[position:], on_done=lambda n, result: on_done(len(results) + n, result)
                )
            results.append(task(block))
            on_done(position, results[-1])
        return results
