"""Rows of a log user by user: brought together in pieces of some 100,000, which are sorted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Final, TypeVar

import numpy as np
import polars as pl

from persona_tui.engine.data.pipelines import in_order
from persona_tui.engine.types import AnyArray, BoolArray, CodeArray, IntArray

EVENTS_A_PART: Final = 2**18
"""About; work on so many stays in the caches of a core."""
MOST_CODES: Final = 2**31 - 1
MOST_ID: Final = 2**63 - 1
_DENSE: Final = 4
"""Whole numbers are their own codes where their range is at most so many times the rows."""
_EXACT, _STRIDE = 2**20, 8
"""Rows up to which all are counted to cut pieces of one size; of more, one in so many is."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserRows:
    """Rows of some users, a user's rows together and in time order.

    Parameters
    ----------
    user_ids : tuple of str, length U
        Ascending.
    users : int32 array of shape (N,)
    plain : mapping of str to array of shape (N,)
        ``timestamp``, and other columns of numbers that were asked for as such.
    rows : DataFrame of N rows
        What else came with them; no rows where it has no columns.
    """

    user_ids: tuple[str, ...]
    users: CodeArray
    plain: dict[str, AnyArray]
    rows: pl.DataFrame

    def without(self, dropped: BoolArray) -> UserRows:
        """Return the rows that are not dropped."""
        places = np.flatnonzero(~dropped)
        return UserRows(
            user_ids=self.user_ids,
            users=self.users.take(places),
            plain=_taken(self.plain, places),
            rows=gathered(self.rows, places),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Numbers:
    """Who the users of a log are, by the code that their rows have.

    Parameters
    ----------
    low : int
        The code that stands first in the arrays.
    users, pieces : arrays
        Number of each user, and of the piece that the user goes to.
    n_pieces : int
    """

    low: int
    users: CodeArray
    pieces: AnyArray
    n_pieces: int

    def spread(self, given: tuple[pl.DataFrame, AnyArray], names: Sequence[str]) -> _Spread:
        """Return a frame and its users' numbers piece by piece.

        Numbers of 8 bits are put in a stable order four times as fast as those of 16.
        """
        frame, codes = given
        codes = _from(self.low, codes)
        pieces = self.pieces.take(codes, mode="clip")
        order = np.argsort(pieces, kind="stable")
        ends = np.searchsorted(pieces.take(order), np.arange(self.n_pieces + 1, dtype=pieces.dtype))
        plain = {name: frame[name].to_numpy() for name in names}
        return _Spread(
            users=self.users.take(codes, mode="clip").take(order, mode="clip"),
            plain=_taken(plain, order),
            rows=gathered(frame.drop(names), order),
            ends=ends.tolist(),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Spread:
    """Rows of a frame piece by piece; ``ends`` is where each begins and the last ends."""

    users: CodeArray
    plain: dict[str, AnyArray]
    rows: pl.DataFrame
    ends: list[int]


def by_user(
    take: Callable[[], list[pl.DataFrame]],
    *,
    plain: Sequence[str] = ("timestamp",),
    events_a_part: int = EVENTS_A_PART,
    n_threads: int = 2,
) -> Iterator[Callable[[], UserRows]]:
    """Yield pieces of rows: users in order of their id, a user's rows by time, ties as they stood.

    Each piece is made when it is called, so that several threads can.

    Parameters
    ----------
    take : callable
        Gives frames of ``user_id`` (text or whole numbers), ``timestamp`` (Int64), and more, one after the
        other; nobody else holds them.
    plain : sequence of str
        Columns of whole numbers, none missing, that are moved as arrays: a third of the time.
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
    names = [name for name in plain if name in frames[0].columns]
    codes, low, users, user_ids = _numbered([frame.drop_in_place("user_id") for frame in frames], n_threads)
    begins = _cut(np.cumsum(_counts(codes, low, users, user_ids.len())), events_a_part)
    n_pieces = len(begins) - 1
    pieces = np.repeat(np.arange(n_pieces, dtype=np.min_scalar_type(n_pieces)), np.diff(begins))
    numbers = _Numbers(low=low, users=users, pieces=pieces[users], n_pieces=n_pieces)
    in_time = _are_in_time_order([frame["timestamp"] for frame in frames])
    given = zip(_used_up(frames), _used_up(codes), strict=True)
    spread = list(in_order(partial(numbers.spread, names=names), given, n_threads))
    for number, (first, last) in enumerate(pairwise(begins)):
        slices = [(each, slice(*each.ends[number : number + 2])) for each in spread]
        yield partial(_piece, slices, first, user_ids.slice(first, last - first), in_time)


def _counts(codes: list[AnyArray], low: int, users: CodeArray, n_users: int) -> IntArray:
    """Return how many rows each user has, of a large log about."""
    stride = 1 if sum(map(len, codes)) <= _EXACT else _STRIDE
    some = _from(low, np.concatenate([each[::stride] for each in codes]))
    return np.bincount(users.take(some, mode="clip"), minlength=n_users) * stride


def _from(low: int, codes: AnyArray) -> IntArray:
    return codes.astype(np.int64, copy=False) - low


def _taken(arrays: dict[str, AnyArray], places: IntArray) -> dict[str, AnyArray]:
    return {name: each.take(places, mode="clip") for name, each in arrays.items()}


def gathered(rows: pl.DataFrame, places: IntArray) -> pl.DataFrame:
    """Return some rows of a frame, which has none where it has no columns."""
    return rows[places.astype(np.uint32)] if rows.width else pl.DataFrame()


def _cut(ends: IntArray, events_a_part: int) -> list[int]:
    """Return the first user of each piece, and the number of users; ``ends`` counts rows up to each user."""
    begins = [0]
    while begins[-1] < len(ends):
        reached = int(ends[begins[-1] - 1]) if begins[-1] else 0
        last = int(np.searchsorted(ends, reached + events_a_part, side="right"))
        begins.append(max(begins[-1] + 1, last))
    return begins


def _numbered(ids: list[pl.Series], n_threads: int) -> tuple[list[AnyArray], int, CodeArray, pl.Series]:
    """Return codes of the users of rows, the lowest, the number by code, and the ids in order, as text.

    ``ids`` is used up.
    """
    codes, low, names, present = _coded_numbers(ids, n_threads) or _coded_texts(ids, n_threads)
    order = names.arg_sort().to_numpy()
    users = np.zeros(int(present[-1]) + 1, dtype=np.int32)
    users[present[order]] = np.arange(len(order))
    return codes, low, users, names.gather(order)


def _coded_numbers(
    ids: list[pl.Series], n_threads: int
) -> tuple[list[AnyArray], int, pl.Series, IntArray] | None:
    """Return whole numbers as codes, the lowest, names, and those present; None where they lie far apart."""
    if not ids[0].dtype.is_integer():
        return None
    ends = list(in_order(lambda some: (_least(some), _most(some)), ids, n_threads))
    low, high = min(first for first, _ in ends), max(last for _, last in ends)
    if high - low > min(_DENSE * sum(map(len, ids)), MOST_CODES) or high > MOST_ID:
        return None
    seen = np.zeros(high - low + 1, dtype=np.bool_)
    codes = [each.to_numpy() for each in _used_up(ids)]
    for _ in in_order(lambda some: seen.__setitem__(_from(low, some), True), codes, n_threads):
        pass
    present = np.flatnonzero(seen)
    return codes, low, (pl.Series(present) + low).cast(pl.String), present


def _least(ids: pl.Series) -> int:
    return int(ids.min())  # type: ignore[arg-type]


def _most(ids: pl.Series) -> int:
    return int(ids.max())  # type: ignore[arg-type]


def _coded_texts(ids: list[pl.Series], n_threads: int) -> tuple[list[AnyArray], int, pl.Series, IntArray]:
    kind = pl.Categorical(pl.Categories.random(physical=pl.UInt32))
    columns = list(in_order(lambda some: some.cast(pl.String).cast(kind), _used_up(ids), n_threads))
    present = np.arange(1 + max(map(highest_code, columns)))
    names = names_by_code(len(present), kind)
    return [each.to_physical().to_numpy() for each in _used_up(columns)], 0, names, present


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


def _piece(found: list[tuple[_Spread, slice]], first: int, user_ids: pl.Series, in_time: bool) -> UserRows:
    users = np.concatenate([each.users[some] for each, some in found])
    users -= np.int32(first)
    plain = {
        name: np.concatenate([each.plain[name][some] for each, some in found]) for name in found[0][0].plain
    }
    users, order = _by_user(users) if in_time else _by_user_and_time(users, plain["timestamp"])
    return UserRows(
        user_ids=tuple(user_ids.to_list()),
        users=users,
        plain=_taken(plain, order),
        rows=gathered(_rows_of(found), order),
    )


def _rows_of(found: list[tuple[_Spread, slice]]) -> pl.DataFrame:
    if not found[0][0].rows.width:
        return pl.DataFrame()
    return pl.concat([each.rows[some] for each, some in found], rechunk=True)


def _are_in_time_order(times: list[pl.Series]) -> bool:
    times = [each for each in times if len(each)]
    return all(each.is_sorted() for each in times) and all(a[-1] <= b[0] for a, b in pairwise(times))


def _by_user_and_time(users: CodeArray, times: IntArray) -> tuple[CodeArray, IntArray]:
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


def _by_user(users: CodeArray, then: IntArray | None = None, n_bits: int = 0) -> tuple[CodeArray, IntArray]:
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
    places = (keys & ((1 << n_place) - 1)).astype(np.int64)
    keys >>= n_place + n_bits
    return keys.astype(np.int32), places
