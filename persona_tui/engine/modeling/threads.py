"""Independent fits on several threads, told as they end and stopped when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_in_order(
    work: Callable[[Task], Result],
    tasks: Iterable[Task],
    *,
    workers: int,
    on_done: Callable[[int], None],
) -> list[Result]:
    """Return the result of each task, in the order of the tasks.

    Parameters
    ----------
    work : callable
        Reads what it shares with other tasks, and writes nothing of it.
    tasks : iterable
    workers : int
        Threads.
    on_done : callable
        Takes how many tasks are done; what it raises ends the work once the tasks under way are done,
        and those that wait are not begun.

    Examples
    --------
    >>> run_in_order(abs, [-2, -1], workers=2, on_done=print)
    1
    2
    [2, 1]
    """
    results: list[Result] = []
    pool = ThreadPoolExecutor(max_workers=max(workers, 1))
    try:
        for result in pool.map(work, tasks):
            results.append(result)
            on_done(len(results))
    finally:
        pool.shutdown(cancel_futures=True)
    return results
