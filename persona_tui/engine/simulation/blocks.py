"""Long work in blocks of a fixed size, each of which can be kept when it is done and taken up again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np

from persona_tui.engine.progress import Progress, ProgressCallback
from persona_tui.engine.simulation.executors import Block, Executor
from persona_tui.engine.types import AnyArray

Arrays: TypeAlias = dict[str, AnyArray]
"""The result of a block, by name."""


class BlockStore(Protocol):
    """Where the results of blocks are kept."""

    def load(self, stage: str, index: int) -> Arrays | None:
        """Return the result of a block, None where it is not there."""

    def save(self, stage: str, index: int, arrays: Arrays) -> None:
        """Keep the result of a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the work that is done in blocks.

    Parameters
    ----------
    name : str
        What progress calls it.
    sizes : tuple of int
        How much of it each block is.
    key : str
        Digest of all that the results depend on (``digest``): results are kept under it, so those of other
        inputs are never taken.
    """

    name: str
    sizes: tuple[int, ...]
    key: str


def digest(*parts: AnyArray | str | float | tuple[int, ...] | None) -> str:
    """Return sixteen hexadecimal digits that differ where arrays or plain values do.

    Notes
    -----
    BLAKE2b over type, shape and bytes; about a second a gigabyte.

    Examples
    --------
    >>> digest(np.arange(3), "a") == digest(np.arange(3), "a"), digest(np.arange(3)) == digest(np.arange(4))
    (True, False)
    """
    found = hashlib.blake2b(digest_size=8)
    for part in parts:
        if isinstance(part, np.ndarray):
            found.update(f"{part.dtype.str}{part.shape}".encode())
            found.update(np.ascontiguousarray(part).tobytes())
        else:
            found.update(f"{part!r};".encode())
    return found.hexdigest()


def run_blocks(
    task: Callable[[Block], Arrays],
    blocks: Sequence[Block],
    stage: Stage,
    *,
    executor: Executor,
    store: BlockStore | None,
    on_progress: ProgressCallback,
    on_block: Callable[[int, Arrays], None] = lambda _position, _arrays: None,
) -> list[Arrays]:
    """Run a task on every block that is not kept from before, and keep what is done.

    Parameters
    ----------
    task : callable
        As ``Executor.run`` takes it.
    blocks : sequence
        The same ones, in the same order, whatever executes them.
    stage : Stage
    executor : Executor
    store : BlockStore or None
    on_progress : callable
        Called when a block is done and kept; what it raises stops the work.
    on_block : callable
        Gets the position and the result of each block, before progress is told of it, in any order.

    Returns
    -------
    list of dict of array
        In the order of the blocks.
    """
    place, total, done = f"{stage.name}-{stage.key}", sum(stage.sizes), 0
    found = {} if store is None else {n: store.load(place, n) for n in range(len(blocks))}
    results = {n: arrays for n, arrays in found.items() if arrays is not None}
    missing = [n for n in range(len(blocks)) if n not in results]

    def tell(*finished: int) -> None:
        nonlocal done
        done += sum(stage.sizes[n] for n in finished)
        on_progress(Progress(stage=stage.name, done=done, total=total))

    def keep(position: int, fresh: Arrays) -> None:
        arrays = {
            name: np.ascontiguousarray(each) for name, each in fresh.items()
        }  # sums depend on the order
        if store is not None:
            store.save(place, missing[position], arrays)
        results[missing[position]] = arrays
        on_block(missing[position], arrays)
        tell(missing[position])

    for known, arrays in results.items():
        on_block(known, arrays)
    if results:
        tell(*results)
    executor.run(task, [blocks[n] for n in missing], on_done=keep)
    return [results[n] for n in range(len(blocks))]
