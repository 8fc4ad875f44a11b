"""Rows of a log user by user: brought together by a counting sort, in pieces of about a million."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.pipelines import in_order
from persona_tui.engine.types import CodeArray, IntArray

EVENTS_A_PART: Final = 2**20
"""About; work on so many takes memory that is used again and again."""
MOST_CODES: Final = 2**31 - 1
MOST_ID: Final = 2**63 - 1
_SIXTEEN_BITS: Final = 2**16
_USER: Final = "__user__"
_DENSE: Final = 4
"""Whole numbers are their own codes where their range is at most so many times the rows."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserRows:
    """Rows of some users, a user's rows together and in time order.

    Parameters
    ----------
    user_ids : tuple of str, length U
        Ascending.
    users : int32 array of shape (N,)
    rows : DataFrame of N rows
        What came with them, without ``user_id``.
    """

    user_ids: tuple[str, ...]
    users: CodeArray
    rows: pl.DataFrame


def by_user(
    take: Callable[[], list[pl.DataFrame]], *, events_a_part: int = EVENTS_A_PART, n_threads: int = 2
) -> Iterator[Callable[[], UserRows]]:
    """Yield pieces of rows: users in order of their id, a user's rows by time, ties as they stood.

    Each piece is made when it is called, so that several threads can.

    Parameters
    ----------
    take : callable
        Gives frames of ``user_id`` (text or whole numbers), ``timestamp`` (Int64), and more, one after the
        other; nobody else holds them.
    events_a_part : int
        About how many rows each piece has; a user is never cut.
    n_threads : int

    Notes
    -----
    Users are numbered in the order of their ids; one counting sort brings the rows of each frame to their
    pieces, another those of a piece to their users: O(N), in several threads, in caches. Only pieces in
    which some user's rows are not in time order are sorted, O(N log(events a part)). ``take`` that clips
    is twice as fast as brackets.
    """
    frames = take()
    numbers, user_ids = _numbered([frame["user_id"] for frame in frames], n_threads)
    n_users = user_ids.len()
    counts = in_order(partial(np.bincount, minlength=n_users), numbers, n_threads)
    begins = _cut(np.cumsum(sum(counts)), events_a_part)
    piece_of = np.repeat(np.arange(len(begins) - 1, dtype=np.int32), np.diff(begins))
    given = ((frames.pop(0), numbers.pop(0)) for _ in range(len(frames)))
    spread = list(in_order(partial(_spread, piece_of, len(begins) - 1), given, n_threads))
    for number, (first, last) in enumerate(pairwise(begins)):
        rows = [(frame, orders[number]) for frame, orders in spread]
        yield partial(_piece, rows, first, user_ids.slice(first, last - first))


def _cut(ends: IntArray, events_a_part: int) -> list[int]:
    """Return the first user of each piece, and the number of users; ``ends`` counts rows up to each user."""
    begins = [0]
    while begins[-1] < len(ends):
        reached = int(ends[begins[-1] - 1]) if begins[-1] else 0
        last = int(np.searchsorted(ends, reached + events_a_part, side="right"))
        begins.append(max(begins[-1] + 1, last))
    return begins


def _numbered(ids: list[pl.Series], n_threads: int) -> tuple[list[CodeArray], pl.Series]:
    """Return the number of each row's user, by frame, and the ids in order, as text."""
    codes, names, present = _coded_numbers(ids, n_threads) or _coded_texts(ids, n_threads)
    order = names.arg_sort().to_numpy()
    rank = np.zeros(int(present[-1]) + 1, dtype=np.int32)
    rank[present[order]] = np.arange(len(order), dtype=np.int32)
    return list(in_order(lambda some: rank.take(some, mode="clip"), codes, n_threads)), names.gather(order)


def _coded_numbers(
    ids: list[pl.Series], n_threads: int
) -> tuple[list[CodeArray], pl.Series, IntArray] | None:
    """Return whole numbers as codes, their names, and the codes that occur; None where they lie far apart."""
    if not ids[0].dtype.is_integer():
        return None
    low, high = min(map(_least, ids)), max(map(_most, ids))
    if high - low > min(_DENSE * sum(map(len, ids)), MOST_CODES) or high > MOST_ID:
        return None
    seen = np.zeros(high - low + 1, dtype=np.bool_)

    def code(some: pl.Series) -> CodeArray:
        codes = (some.cast(pl.Int64) - low).cast(pl.Int32).to_numpy()
        seen[codes] = True
        return codes

    codes = list(in_order(code, ids, n_threads))
    present = np.flatnonzero(seen)
    return codes, (pl.Series(present) + low).cast(pl.String), present


def _least(ids: pl.Series) -> int:
    return int(ids.min())  # type: ignore[arg-type]


def _most(ids: pl.Series) -> int:
    return int(ids.max())  # type: ignore[arg-type]


def _coded_texts(ids: list[pl.Series], n_threads: int) -> tuple[list[CodeArray], pl.Series, IntArray]:
    categories = pl.Categories.random(physical=pl.UInt32)
    kind = pl.Categorical(categories)
    columns = list(in_order(lambda some: some.cast(pl.String).cast(kind), ids, n_threads))
    present = np.arange(1 + max(map(highest_code, columns)))
    codes = [each.to_physical().to_numpy() for each in columns]
    return codes, names_by_code(len(present), kind), present


def highest_code(column: pl.Series) -> int:
    """Return the highest code in a column of categories; -1 where it has no value."""
    codes = column.to_physical().drop_nulls().to_numpy()
    return int(codes.max()) if len(codes) else -1


def names_by_code(n_codes: int, kind: pl.Categorical) -> pl.Series:
    """Return what the first codes of some categories stand for, as text.

    ``Categories.to_series`` steps through them in Python: a second for a million.
    """
    return pl.int_range(n_codes, dtype=pl.UInt32, eager=True).cat.to(kind).cast(pl.String)


def _spread(
    piece_of: CodeArray, n_pieces: int, given: tuple[pl.DataFrame, CodeArray]
) -> tuple[pl.DataFrame, list[CodeArray]]:
    """Return a frame with its users' numbers, and which of its rows each piece gets."""
    frame, numbers = given
    pieces = piece_of.take(numbers, mode="clip")
    ends = np.cumsum(np.bincount(pieces, minlength=n_pieces))
    orders = np.split(_order(pieces, n_pieces), ends[:-1])
    return frame.drop("user_id").with_columns(pl.Series(_USER, numbers)), orders


def _order(keys: CodeArray, n_keys: int) -> CodeArray:
    """Return the places of each key, one key after the other and as they stand.

    Numbers of 16 bits are put in a stable order by counting, five times as fast as by comparing.
    """
    order = np.argsort(keys.astype(np.uint16), kind="stable").astype(np.int32)
    if n_keys > _SIXTEEN_BITS:
        above = (keys >> 16).take(order, mode="clip")
        order = order.take(_order(above, n_keys >> 16), mode="clip")
    return order


def _piece(found: list[tuple[pl.DataFrame, CodeArray]], first: int, user_ids: pl.Series) -> UserRows:
    rows = pl.concat([frame[order] for frame, order in found], rechunk=True)
    users = rows[_USER].to_numpy() - np.int32(first)
    order = _order(users, user_ids.len())
    users = users.take(order, mode="clip")
    by_time = _time_order(users, rows["timestamp"].to_numpy()[order])
    if by_time is not None:
        order = order[by_time]
    return UserRows(user_ids=tuple(user_ids.to_list()), users=users, rows=rows.drop(_USER)[order])


def _time_order(users: CodeArray, times: IntArray) -> IntArray | None:
    """Return the order by user, then time, then place; None where rows stand in it.

    User and time in one number sort five times as fast as two columns do.
    """
    same_user = users[1:] == users[:-1]
    if not (same_user & (times[1:] < times[:-1])).any():
        return None
    since = times - times.min()
    span = int(since.max()) + 1
    if (int(users[-1]) + 1) * span >= 2**63:
        return np.lexsort((times, users))
    return np.argsort(users * np.int64(span) + since, kind="stable")
