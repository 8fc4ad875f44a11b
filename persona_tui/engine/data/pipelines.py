"""Work on items in several threads and take the results in order, so that none of it shows in results."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


def in_order(work: Callable[[T], R], items: Iterable[T], n_threads: int) -> Iterator[R]:
    """Yield what a function makes of each item, in the order of the items.

    Parameters
    ----------
    work : callable
        Must not depend on the order in which it is called.
    items : iterable
        Taken in the calling thread, at most ``n_threads + 1`` ahead of what is yielded.
    n_threads : int

    Examples
    --------
    >>> list(in_order(abs, [-3, 1, -2], 2))
    [3, 1, 2]
    """
    with ThreadPoolExecutor(n_threads) as pool:
        ahead: deque[Future[R]] = deque()
        try:
            for item in items:
                ahead.append(pool.submit(work, item))
                if len(ahead) > n_threads:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for each in ahead:
                each.cancel()
