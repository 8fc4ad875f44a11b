"""Checks of a log once its users' events are together and in time order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.quality import MAX_EXAMPLES, Finding, percent, share_of, shortened
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.types import IntArray

MAX_EVENT_TYPES: Final = 1_000
"""More of them are seldom steps of a flow: they are page addresses, ids or texts."""
ABSURD_SHARE: Final = 0.01
ABSURD_MULTIPLE: Final = 20
_BLOCK: Final = 2**20


def assess(parts: Iterable[Sequences], *, n_censored: int = 0) -> tuple[Finding, ...]:
    """Return what is odd in a log.

    Parameters
    ----------
    parts : iterable of Sequences
        Of one vocabulary; no user in two of them.
    n_censored : int
        Users whose last journey was still open at the end of the log.

    Returns
    -------
    tuple of Finding
        Ties, event types that differ only by case or blanks, users with an absurd share, too many
        event types, users with one event, censored users; those that apply.

    Notes
    -----
    One pass over the arrays in blocks, so that it takes O(users + event types) of memory beside them.

    Examples
    --------
    >>> import numpy as np
    >>> log = Sequences(
    ...     vocabulary=("Buy", "buy "),
    ...     user_ids=("ann",),
    ...     codes=np.array([0, 1, 1], dtype=np.int32),
    ...     users=np.zeros(3, dtype=np.int32),
    ...     sessions=np.zeros(3, dtype=np.int64),
    ...     times=np.array([0, 5, 5]),
    ... )
    >>> [(each.kind, each.count) for each in assess([log])]
    [('ties', 2), ('spellings', 1)]
    """
    vocabulary: tuple[str, ...] = ()
    totals: list[_Totals] = []
    user_ids: list[tuple[str, ...]] = []
    for part in parts:
        vocabulary = part.vocabulary
        totals.append(_count(part))
        user_ids.append(part.user_ids)
    by_event = np.sum([each.by_event for each in totals], axis=0)
    by_user = np.concatenate([each.by_user for each in totals])
    found = (
        _ties(totals, int(by_user.sum())),
        _spellings(vocabulary, by_event),
        _absurd_users(list(chain.from_iterable(user_ids)), by_user),
        _vocabulary(by_event),
        _single_events(by_user),
        _censored(n_censored, len(by_user)),
    )
    return tuple(each for each in found if each is not None)


def shared_sessions(
    user: pl.Series, session_id: pl.Series, *, n_sessions: int | None = None
) -> Finding | None:
    """Return that users share session ids, if they do.

    Parameters
    ----------
    user, session_id : Series
        Of equal length: of each event, or of each different pair; sessions may be missing.
    n_sessions : int, optional
        Of the whole log, where those that only one user has are not among them.

    Returns
    -------
    Finding or None
        Counts the session ids that several users have.

    Examples
    --------
    >>> shared_sessions(pl.Series(["ann", "bob", "ann"]), pl.Series(["1", "1", "2"])).examples
    ('1: ann, bob',)
    """
    pairs = pl.DataFrame({"session": session_id, "user": user}).drop_nulls().unique()
    users = pairs.group_by("session").agg(n_users=pl.len())
    shared = users.filter(pl.col("n_users") > 1)
    if shared.is_empty():
        return None
    names = shared["session"].sort().head(MAX_EXAMPLES)
    who = pairs.filter(pl.col("session").is_in(names.implode())).sort("session", "user")
    listed = who.group_by("session", maintain_order=True).agg(pl.col("user").cast(pl.String))
    return Finding(
        kind="shared_sessions",
        count=shared.height,
        share=share_of(shared.height, users.height if n_sessions is None else n_sessions),
        sentence="session ids belong to several users: each user's part is a session of its own",
        examples=tuple(f"{shortened(str(session))}: {_listed(names)}" for session, names in listed.rows()),
        severity="repaired",
        counted="sessions",
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(shortened, names[:MAX_EXAMPLES])) + (", …" if len(names) > MAX_EXAMPLES else "")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Totals:
    """Events by type (shape (V,)) and by user (shape (U,)), and what shares its time with another."""

    by_event: IntArray
    by_user: IntArray
    n_tied: int
    n_tied_users: int


def _count(sequences: Sequences) -> _Totals:
    codes, users, times = sequences.codes, sequences.users, sequences.times
    n_events = len(times)
    by_event = np.zeros(len(sequences.vocabulary), dtype=np.int64)
    has_tie = np.zeros(sequences.n_users, dtype=np.bool_)
    starts = [np.zeros(min(n_events, 1), dtype=np.int64)]
    n_tied, last_pair = 0, -2
    for start in range(0, n_events, _BLOCK):
        own, after = slice(start, start + _BLOCK), slice(start + 1, start + _BLOCK + 1)
        by_event += np.bincount(codes[own], minlength=len(by_event))
        n_pairs = len(times[after])
        is_same_user = users[own][:n_pairs] == users[after]
        starts.append(np.flatnonzero(~is_same_user) + start + 1)
        pairs = np.flatnonzero(is_same_user & (times[own][:n_pairs] == times[after])) + start
        if len(pairs):
            n_runs = int(np.count_nonzero(np.diff(pairs, prepend=last_pair) > 1))
            n_tied += len(pairs) + n_runs  # a run of pairs has one event more than pairs
            has_tie[users[pairs]] = True
            last_pair = int(pairs[-1])
    firsts = np.concatenate(starts)
    by_user = np.zeros(sequences.n_users, dtype=np.int64)
    by_user[users[firsts]] = np.diff(firsts, append=n_events)
    return _Totals(
        by_event=by_event, by_user=by_user, n_tied=n_tied, n_tied_users=int(np.count_nonzero(has_tie))
    )


def _ties(totals: Sequence[_Totals], n_events: int) -> Finding | None:
    n_tied = sum(each.n_tied for each in totals)
    if not n_tied:
        return None
    return Finding(
        kind="ties",
        count=n_tied,
        share=share_of(n_tied, n_events),
        sentence=f"events of {sum(each.n_tied_users for each in totals):,} users happen at the same time as "
        "another of the same user: they keep the order of the source",
    )


def _spellings(vocabulary: Sequence[str], by_event: IntArray) -> Finding | None:
    """Find event types that are equal but for case and blanks."""
    spelled: dict[str, list[tuple[int, str]]] = {}
    for name, count in zip(vocabulary, by_event.tolist(), strict=True):
        spelled.setdefault("".join(name.casefold().split()), []).append((-count, name))
    groups = sorted(sorted(each) for each in spelled.values() if len(each) > 1)
    if not groups:
        return None
    n_rare = sum(len(each) - 1 for each in groups)
    return Finding(
        kind="spellings",
        count=n_rare,
        share=share_of(n_rare, len(vocabulary)),
        sentence="event types differ from another only by case or blanks: "
        "--prepare rename:events=…,to=… makes them one",
        examples=tuple(
            " = ".join(f"'{shortened(name)}' ({-count:,})" for count, name in each)
            for each in groups[:MAX_EXAMPLES]
        ),
        counted="event types",
    )


def _absurd_users(user_ids: Sequence[str], by_user: IntArray) -> Finding | None:
    """Find users with more than 1 % of all events and 20 times what 99 % of users have at most."""
    n_events = int(by_user.sum())
    candidates = np.flatnonzero(by_user > ABSURD_SHARE * n_events)
    if not len(candidates):
        return None
    rank = 99 * (len(by_user) - 1) // 100
    usual = int(np.partition(by_user, rank)[rank])
    absurd = [int(user) for user in candidates if by_user[user] > ABSURD_MULTIPLE * usual]
    absurd.sort(key=lambda user: (-int(by_user[user]), user_ids[user]))
    if not absurd:
        return None
    share = share_of(int(by_user[absurd].sum()), n_events)
    return Finding(
        kind="absurd_users",
        count=len(absurd),
        share=share_of(len(absurd), len(by_user)),
        sentence=f"users have {percent(share)} of all events: each more than {percent(ABSURD_SHARE)} and "
        f"{ABSURD_MULTIPLE} times what 99% of users have at most ({usual:,}), as bots and tests do",
        examples=tuple(
            f"{shortened(user_ids[user])}: {by_user[user]:,} events" for user in absurd[:MAX_EXAMPLES]
        ),
        counted="users",
    )


def _vocabulary(by_event: IntArray) -> Finding | None:
    n_types = len(by_event)
    if n_types <= MAX_EVENT_TYPES:
        return None
    n_kept = MAX_EVENT_TYPES - 1
    rare = int(np.sort(by_event)[: n_types - n_kept].sum())
    return Finding(
        kind="vocabulary",
        count=n_types,
        share=1.0,
        sentence=f"event types are more than {MAX_EVENT_TYPES:,}: --prepare fold_rare:keep={n_kept} makes "
        f"'other' of the rarest, {percent(share_of(rare, int(by_event.sum())))} of events",
        counted="event types",
    )


def _single_events(by_user: IntArray) -> Finding | None:
    n_single = int(np.count_nonzero(by_user == 1))
    if not n_single:
        return None
    return Finding(
        kind="single_events",
        count=n_single,
        share=share_of(n_single, len(by_user)),
        sentence="users have one event only",
        counted="users",
    )


def _censored(n_censored: int, n_users: int) -> Finding | None:
    if not n_censored:
        return None
    return Finding(
        kind="censored_users",
        count=n_censored,
        share=share_of(n_censored, n_users),
        sentence="users were still under way when the log ends: they are not counted as lost",
        counted="users",
    )
