"""Rows of a log user by user: brought together in pieces of some 100,000, which are sorted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl

from persona_tui.engine.data.pipelines import in_order
from persona_tui.engine.types import AnyArray, BoolArray, CodeArray, IntArray

T = TypeVar("T")
EVENTS_A_PART: Final = 2**18
"""About; work on so many stays in the caches of a core."""
MOST_CODES: Final = 2**31 - 1
MOST_ID: Final = 2**63 - 1
_DENSE: Final = 4
"""Whole numbers are their own codes where their range is at most so many times the rows."""
RowArray: TypeAlias = npt.NDArray[np.uint32]
"""Places of rows, as polars counts them."""


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
    pieces, O(N); those of a piece are sorted by user and, where the log is not in time order, time,
    O(N log(events a part)); all in several threads, in caches. User, time and place in one whole number
    sort in half the time that an order of one of them takes. ``take`` that clips is twice as fast as
    brackets.
    """
    frames = take()
    numbers, user_ids = _numbered([frame.drop_in_place("user_id") for frame in frames], n_threads)
    n_users = user_ids.len()
    counts = in_order(partial(np.bincount, minlength=n_users), numbers, n_threads)
    begins = _cut(np.cumsum(sum(counts)), events_a_part)
    n_pieces = len(begins) - 1
    piece_of = np.repeat(np.arange(n_pieces, dtype=np.min_scalar_type(n_pieces)), np.diff(begins))
    in_time = _are_in_time_order([frame["timestamp"] for frame in frames])
    given = zip(_used_up(frames), _used_up(numbers), strict=True)
    spread = list(in_order(partial(_spread, piece_of, n_pieces), given, n_threads))
    for number, (first, last) in enumerate(pairwise(begins)):
        slices = [(rows, users, slice(*ends[number : number + 2])) for rows, users, ends in spread]
        yield partial(_piece, slices, first, user_ids.slice(first, last - first), in_time)


def _cut(ends: IntArray, events_a_part: int) -> list[int]:
    """Return the first user of each piece, and the number of users; ``ends`` counts rows up to each user."""
    begins = [0]
    while begins[-1] < len(ends):
        reached = int(ends[begins[-1] - 1]) if begins[-1] else 0
        last = int(np.searchsorted(ends, reached + events_a_part, side="right"))
        begins.append(max(begins[-1] + 1, last))
    return begins


def _numbered(ids: list[pl.Series], n_threads: int) -> tuple[list[IntArray], pl.Series]:
    """Return the number of each row's user, by frame, and the ids in order, as text; ``ids`` is used up.

    Numbers have as many bits as places in memory, so that no pass over them needs another form.
    """
    codes, names, present = _coded_numbers(ids, n_threads) or _coded_texts(ids, n_threads)
    order = names.arg_sort().to_numpy()
    rank = np.zeros(int(present[-1]) + 1, dtype=np.int64)
    rank[present[order]] = np.arange(len(order))
    numbers = in_order(lambda some: rank.take(some, mode="clip"), _used_up(codes), n_threads)
    return list(numbers), names.gather(order)


def _coded_numbers(ids: list[pl.Series], n_threads: int) -> tuple[list[IntArray], pl.Series, IntArray] | None:
    """Return whole numbers as codes, their names, and the codes that occur; None where they lie far apart."""
    if not ids[0].dtype.is_integer():
        return None
    low, high = min(map(_least, ids)), max(map(_most, ids))
    if high - low > min(_DENSE * sum(map(len, ids)), MOST_CODES) or high > MOST_ID:
        return None
    seen = np.zeros(high - low + 1, dtype=np.bool_)

    def code(some: pl.Series) -> IntArray:
        codes: IntArray = (some.cast(pl.Int64) - low).to_numpy()
        seen[codes] = True
        return codes

    codes = list(in_order(code, _used_up(ids), n_threads))
    present = np.flatnonzero(seen)
    return codes, (pl.Series(present) + low).cast(pl.String), present


def _least(ids: pl.Series) -> int:
    return int(ids.min())  # type: ignore[arg-type]


def _most(ids: pl.Series) -> int:
    return int(ids.max())  # type: ignore[arg-type]


def _coded_texts(ids: list[pl.Series], n_threads: int) -> tuple[list[IntArray], pl.Series, IntArray]:
    kind = pl.Categorical(pl.Categories.random(physical=pl.UInt32))
    columns = list(in_order(lambda some: some.cast(pl.String).cast(kind), _used_up(ids), n_threads))
    present = np.arange(1 + max(map(highest_code, columns)))
    names = names_by_code(len(present), kind)
    return [each.to_physical().to_numpy().astype(np.int64) for each in _used_up(columns)], names, present


def _used_up(items: list[T]) -> Iterator[T]:
    """Yield what a list holds and let go of it."""
    while items:
        yield items.pop(0)


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
    piece_of: AnyArray, n_pieces: int, given: tuple[pl.DataFrame, IntArray]
) -> tuple[pl.DataFrame, CodeArray, list[int]]:
    """Return a frame and its users' numbers piece by piece, and where each piece begins and the last ends.

    Numbers of 8 bits are put in a stable order four times as fast as those of 16.
    """
    frame, numbers = given
    pieces = piece_of.take(numbers, mode="clip")
    ends = np.cumsum(np.bincount(pieces, minlength=n_pieces))
    order = np.argsort(pieces, kind="stable")
    users = numbers.take(order, mode="clip").astype(np.int32)
    return frame[order.astype(np.uint32)], users, [0, *ends.tolist()]


def _piece(
    found: list[tuple[pl.DataFrame, CodeArray, slice]], first: int, user_ids: pl.Series, in_time: bool
) -> UserRows:
    rows = pl.concat([rows[some] for rows, _, some in found], rechunk=True)
    users = np.concatenate([numbers[some] for _, numbers, some in found])
    users -= np.int32(first)
    users, order = _by_user(users) if in_time else _by_user_and_time(users, rows["timestamp"].to_numpy())
    return UserRows(user_ids=tuple(user_ids.to_list()), users=users, rows=rows[order])


def _are_in_time_order(times: list[pl.Series]) -> bool:
    times = [each for each in times if len(each)]
    return all(each.is_sorted() for each in times) and all(a[-1] <= b[0] for a, b in pairwise(times))


def _by_user_and_time(users: CodeArray, times: IntArray) -> tuple[CodeArray, RowArray]:
    """Return users in order, and the places of their rows by time, ties as they stand.

    As much of the time as there are bits for is sorted with user and place; the rows of users for whom that
    does not suffice are put in order once more.
    """
    since = times - times.min()
    n_needed = int(since.max()).bit_length()
    n_bits = min(n_needed, 63 - (len(users) - 1).bit_length() - int(users.max()).bit_length())
    since >>= n_needed - n_bits
    users, order = _by_user(users, since, n_bits)
    late = _late(users, times.take(order, mode="clip"))
    if late.any():
        concerned = np.zeros(users[-1] + 1, dtype=np.bool_)
        concerned[users[1:][late]] = True
        rows = np.flatnonzero(concerned.take(users, mode="clip"))
        order[rows] = order[rows][np.lexsort((times[order[rows]], users[rows]))]
    return users, order


def _late(users: CodeArray, times: IntArray) -> BoolArray:
    """Return which rows but the first are earlier than the one before of the same user."""
    late: BoolArray = times[1:] < times[:-1]
    late &= users[1:] == users[:-1]
    return late


def _by_user(users: CodeArray, then: IntArray | None = None, n_bits: int = 0) -> tuple[CodeArray, RowArray]:
    """Return users in order, and the places of their rows; by another number of some bits between."""
    n_place = (len(users) - 1).bit_length()
    n_needed = int(users.max()).bit_length() + n_bits + n_place
    keys: AnyArray = users.astype(np.uint32 if n_needed <= 32 else np.uint64)
    if then is not None:
        keys <<= n_bits
        keys |= then.astype(keys.dtype)
    keys <<= n_place
    keys |= np.arange(len(users), dtype=keys.dtype)
    keys.sort()
    places = (keys & ((1 << n_place) - 1)).astype(np.uint32)
    keys >>= n_place + n_bits
    return keys.astype(np.int32), places
