"""What single users did, and when: their events from the first on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.data.sequences import Sequences

MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class UserTimeline:
    """The first events of a user.

    Parameters
    ----------
    user_id : str
        From the data.
    events : tuple of str, length M
    seconds : tuple of float, length M
        Since the first of them; ascending.
    n_events : int
        All that the user did; more than M where the rest is left out.
    """

    user_id: str
    events: tuple[str, ...]
    seconds: tuple[float, ...]
    n_events: int


def user_timelines(
    sequences: Sequences, user_ids: Sequence[str], *, most: int = 100
) -> tuple[UserTimeline, ...]:
    """Return the first events of some users, in the order of the users.

    Parameters
    ----------
    sequences : Sequences
    user_ids : sequence of str
    most : int
        Events of each.

    Raises
    ------
    ValueError
        If the log has no such user.

    Notes
    -----
    O(log N) a user after its place is found, O(U).

    Examples
    --------
    >>> users, times = np.array([0, 1, 1], np.int32), np.array([0, 5, 2_000_005])
    >>> log = Sequences(vocabulary=("a", "b"), user_ids=("u", "v"), codes=np.array([0, 1, 1], np.int32),
    ...     users=users, sessions=users.astype(np.int64), times=times)
    >>> user_timelines(log, ["v"])
    (UserTimeline(user_id='v', events=('b', 'b'), seconds=(0.0, 2.0), n_events=2),)
    """
    return tuple(_timeline(sequences, each, most) for each in user_ids)


def _timeline(sequences: Sequences, user_id: str, most: int) -> UserTimeline:
    user = sequences.user_ids.index(user_id)
    begin, end = np.searchsorted(sequences.users, [user, user + 1]).tolist()
    kept = slice(begin, min(end, begin + most))
    times = sequences.times[kept]
    return UserTimeline(
        user_id=user_id,
        events=tuple(sequences.vocabulary[code] for code in sequences.codes[kept].tolist()),
        seconds=tuple(((times - times[0]) / MICROSECONDS).tolist()),
        n_events=end - begin,
    )
