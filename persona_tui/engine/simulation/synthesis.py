"""Synthetic event logs of any size: what synthetic users do, and when, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.schema import FRICTION_DROP, RETURN
from persona_tui.engine.data.times import UTC_MICROSECONDS
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.simulation.dwell import PROBABILITIES
from persona_tui.engine.simulation.flow import solve
from persona_tui.engine.simulation.log_generator import LogGenerator
from persona_tui.engine.simulation.paths import Outcome
from persona_tui.engine.simulation.privacy import RareSequences, Reproduction
from persona_tui.engine.simulation.synthetic_walks import (
    WalkedJourneys,
    join_journeys,
    walk_privately,
)
from persona_tui.engine.statistics import largest_remainder
from persona_tui.engine.types import BoolArray, IntArray, RandomState, Unit

MOST_USERS: Final = 10**9
USERS_PER_BLOCK: Final = 50_000
EVENTS_PER_BLOCK: Final = 2**20
"""Events, as expected, that are under way at once; fewer users where journeys are long."""

_FEWEST_PER_BLOCK = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """What a synthetic log holds, or a block of it.

    Parameters
    ----------
    n_events, n_sessions : int
    n_users, n_journeys, n_converted : int64 arrays of shape (K,)
        By persona.
    n_truncated : int
        Journeys that were cut at the horizon.
    n_redrawn : int
        Journeys that were walked again because they reproduced a protected sequence.
    reproduced : bool array of shape (M,)
        Protected sequences that such journeys reproduced.
    shown : bool array of shape (M,)
        Protected sequences that are in the log as written.
    first, last : int
        When the first and the last event happens, microseconds since 1970, UTC.
    """

    n_events: int
    n_sessions: int
    n_users: IntArray
    n_journeys: IntArray
    n_converted: IntArray
    n_truncated: int
    n_redrawn: int
    reproduced: BoolArray
    shown: BoolArray
    first: int
    last: int

    def __add__(self, other: Tally) -> Tally:
        """Return the tally of two parts of a log."""
        return Tally(
            n_events=self.n_events + other.n_events,
            n_sessions=self.n_sessions + other.n_sessions,
            n_users=self.n_users + other.n_users,
            n_journeys=self.n_journeys + other.n_journeys,
            n_converted=self.n_converted + other.n_converted,
            n_truncated=self.n_truncated + other.n_truncated,
            n_redrawn=self.n_redrawn + other.n_redrawn,
            reproduced=self.reproduced | other.reproduced,
            shown=self.shown | other.shown,
            first=min(self.first, other.first),
            last=max(self.last, other.last),
        )

    def reproduction(self, rare: RareSequences) -> Reproduction:
        """Return how far the journeys as first walked reproduced protected sequences.

        Parameters
        ----------
        rare : RareSequences
            Those that the log was written with.
        """
        return Reproduction(
            rule=rare.rule,
            n_rare=len(rare.lengths),
            n_rare_users=rare.n_protected,
            n_reproduced=int(self.reproduced.sum()),
            n_synthetic=self.n_redrawn,
            n_journeys=int(self.n_journeys.sum()),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LogBlock:
    """Some users of a synthetic log.

    Parameters
    ----------
    events : DataFrame
        ``user_id``, ``session_id``, ``timestamp``, ``event_type``, ``persona``; by user, then in time.
    tally : Tally
    """

    events: pl.DataFrame
    tally: Tally


def synthesize_log(
    generator: LogGenerator,
    n_users: int,
    *,
    max_length: int | None = None,
    random_state: RandomState = None,
    on_progress: ProgressCallback = ignore_progress,
) -> Iterator[LogBlock]:
    """Write a synthetic log, block after block of users.

    Parameters
    ----------
    generator : LogGenerator
    n_users : int
        From 1 to 10⁹; given to personas by largest remainder.
    max_length : int, optional
        Events after which a journey is cut; so many that as good as none is, where left out.
    random_state : int, SeedSequence, Generator or None
    on_progress : callable
        Gets users done.

    Yields
    ------
    LogBlock
        Personas alternate in proportion throughout the log. Users of a block are numbered as they arrive;
        every user arrives within the generator's period, whatever their number, and stays as long as it
        takes: the log ends later than the period, with as good as nobody under way.

    Raises
    ------
    SimulationError
        If a number is out of bounds, journeys hardly ever end, or none of a kind is free to be shown.

    Notes
    -----
    Events of a user are a microsecond apart at least, so that none is taken for a duplicate. Nothing
    follows a completion. The size of a block depends on the generator and the number of users alone, and
    every block has its own streams: the same seed gives the same log.
    """
    check_size(n_users, max_length)
    seed = normalise_seed(random_state)
    writer = _Writer(generator, n_users, max_length or generator.horizon(n_users), seed)
    done = 0
    on_progress(Progress(stage="synthesis", done=0, total=n_users))
    for number in range(writer.n_blocks):
        block = writer.write(number)
        yield block
        done += int(block.tally.n_users.sum())
        on_progress(Progress(stage="synthesis", done=done, total=n_users))


def shown_sequences(events: pl.DataFrame, rare: RareSequences, unit: Unit) -> BoolArray:
    """Return which protected sequences a synthetic log shows, read from its rows alone.

    Parameters
    ----------
    events : DataFrame
        Of whole users, as ``synthesize_log`` gives them; events that the real log does not have, such as
        inserted steps, are passed over.
    rare : RareSequences
        Of the log that it was written like.
    unit : {"user", "session"}
        What a journey is: all rows of a user, or of a session.

    Returns
    -------
    bool array of shape (M,)

    Notes
    -----
    O(events). How the log was walked is not asked, so that a fault there would show here.
    """
    codes = events["event_type"].to_physical().to_numpy()
    owners = events["user_id" if unit == "user" else "session_id"].rle_id().to_numpy()
    real = codes < len(rare.words)
    matches = rare.match(codes[real], np.bincount(owners[real], minlength=int(owners[-1]) + 1))
    shown = np.zeros(len(rare.lengths), dtype=bool)
    shown[matches[matches >= 0]] = True
    return shown


def check_size(n_users: int, max_length: int | None = None) -> None:
    """Refuse a size that no synthetic log can have.

    Raises
    ------
    SimulationError
        If a number is out of bounds; every fault is named.
    """
    faults = [f"n_users == {n_users}, must be >= 1."] if n_users < 1 else []
    faults += [f"n_users == {n_users}, must be <= {MOST_USERS}."] if n_users > MOST_USERS else []
    if max_length is not None and max_length < 1:
        faults.append(f"max_length == {max_length}, must be >= 1.")
    if faults:
        raise SimulationError(" ".join(faults))


class _Writer:
    """Writes any block of one log."""

    def __init__(
        self, generator: LogGenerator, n_users: int, max_length: int, seed: np.random.SeedSequence
    ) -> None:
        self.generator, self.n_users, self.max_length, self.seed = generator, n_users, max_length, seed
        self.users = largest_remainder(generator.user_shares, n_users)
        self.digits = max(7, len(str(n_users)))
        length = float(generator.journey_shares @ solve(generator.flow, max_length).length)
        length *= float(generator.user_shares @ generator.journeys_per_user)
        at_once = min(USERS_PER_BLOCK, max(_FEWEST_PER_BLOCK, int(EVENTS_PER_BLOCK / length)))
        self.n_blocks = -(-n_users // at_once)

        names = [*generator.flow.states, FRICTION_DROP]
        self.event_types = _levels("event_type", names)
        self.personas = _levels("persona", list(generator.names))
        self.returns = generator.flow.states.index(RETURN) if RETURN in generator.flow.states else -1

    def write(self, number: int) -> LogBlock:
        """Return one block."""
        random = stream(self.seed, Stream.SYNTHESIS, number)
        first_user, personas = self._users(number)
        arrivals = self.generator.arrivals.draw_times(
            random, len(personas), self.generator.first, self.generator.last + 1
        )
        owners = np.repeat(np.arange(len(personas)), self._draw_journeys(personas, random))
        journeys, redrawn = self._walk(number, personas[owners])
        users = np.repeat(owners, journeys.lengths)
        times = arrivals[users] + self._elapsed(journeys, owners, personas, random)
        events = self._events(first_user, personas, users, journeys, times)
        return LogBlock(events=events, tally=self._tally(personas, owners, journeys, redrawn, events))

    def _users(self, number: int) -> tuple[int, IntArray]:
        """Return how many users come before a block, and the persona of each user in it.

        The j-th of a persona's n users stands at (j + 1/2) / n of the log, a block at an equal part of it.
        """
        begins, ends = (self._before(each) for each in (number, number + 1))
        personas = np.repeat(np.arange(len(begins)), ends - begins)
        turns = np.concatenate([np.arange(*each) for each in zip(begins, ends, strict=True)])
        order = np.argsort((turns + 0.5) / self.users[personas], kind="stable")
        return int(begins.sum()), personas[order]

    def _before(self, number: int) -> IntArray:
        """Return how many users of each persona come before a block, shape (K,)."""
        blocks = self.n_blocks
        return np.array([-((blocks - 2 * n * number) // (2 * blocks)) for n in self.users.tolist()])

    def _draw_journeys(self, personas: IntArray, random: np.random.Generator) -> IntArray:
        """Return how many journeys each user has."""
        uniforms = random.random(len(personas))
        drawn = np.ones(len(personas), dtype=np.int64)
        for persona, chances in enumerate(self.generator.n_journeys):
            mine = personas == persona
            reached = np.cumsum(chances[:-1])
            drawn[mine] += np.searchsorted(reached, uniforms[mine], side="right")
        return drawn

    def _walk(self, number: int, personas: IntArray) -> tuple[WalkedJourneys, IntArray]:
        """Walk one journey for each of some personas; tell what was reproduced and walked again."""
        generator, seed = self.generator, self.seed
        key = (*seed.spawn_key, int(Stream.SYNTHESIS), number)
        block_seed = np.random.SeedSequence(seed.entropy, spawn_key=key)
        parts, redrawn = [], [np.empty(0, dtype=np.int64)]
        rows = [np.flatnonzero(personas == persona) for persona in range(len(self.users))]
        for persona, mine in enumerate(rows):
            walked, matches = walk_privately(
                generator.flow, persona, len(mine), self.max_length, block_seed, rare=generator.rare
            )
            parts.append(walked)
            redrawn.append(matches)
        return join_journeys(parts).select(np.argsort(np.concatenate(rows))), np.concatenate(redrawn)

    def _elapsed(
        self, journeys: WalkedJourneys, owners: IntArray, personas: IntArray, random: np.random.Generator
    ) -> IntArray:
        """Return the microseconds from a user's arrival to each state."""
        users = np.repeat(owners, journeys.lengths)
        states, uniforms = journeys.states, random.random(len(users))
        dwell, known = self.generator.dwell, self.generator.flow.time_factors
        factors = np.append(known, np.ones((len(known), 1)), axis=1)  # nothing takes time after friction_drop
        begins = np.cumsum(journeys.lengths) - journeys.lengths
        seconds = np.empty(len(users))
        seconds[1:] = dwell.invert(uniforms[1:], states[:-1], states[1:])
        seconds[1:] *= np.where(dwell.is_return[states[1:]], 1.0, factors[personas[users[:-1]], states[:-1]])
        seconds[begins] = np.interp(uniforms[begins], PROBABILITIES, self.generator.pauses)
        elapsed = np.cumsum(np.maximum(np.rint(seconds * 1e6).astype(np.int64), 1))
        arrived = begins[np.flatnonzero(np.diff(owners, prepend=-1))]
        passed: IntArray = elapsed - elapsed[arrived][users]
        return passed

    def _events(
        self,
        first_user: int,
        personas: IntArray,
        users: IntArray,
        journeys: WalkedJourneys,
        times: IntArray,
    ) -> pl.DataFrame:
        begins = np.cumsum(journeys.lengths) - journeys.lengths
        opens = journeys.states == self.returns
        opens[begins] = True
        session, session_users = np.cumsum(opens) - 1, users[opens]
        own = np.flatnonzero(np.diff(session_users, prepend=-1))
        turns = np.arange(len(session_users)) - own[session_users] + 1
        kept = journeys.states != self.returns
        names = (
            pl.int_range(first_user + 1, first_user + len(personas) + 1, eager=True)
            .cast(pl.String)
            .str.zfill(self.digits)
        )
        names = ("synthetic_" + names).alias("user_id")
        sessions = pl.select(pl.format("{}-{}", names.gather(session_users), pl.Series(turns)))
        return pl.DataFrame(
            [
                names.gather(users[kept]),
                sessions.to_series().gather(session[kept]).alias("session_id"),
                pl.Series("timestamp", times[kept]).cast(UTC_MICROSECONDS),
                self.event_types.gather(journeys.states[kept]),
                self.personas.gather(personas[users[kept]]),
            ]
        )

    def _tally(
        self,
        personas: IntArray,
        owners: IntArray,
        journeys: WalkedJourneys,
        redrawn: IntArray,
        events: pl.DataFrame,
    ) -> Tally:
        n = len(self.users)
        times = events["timestamp"].to_physical()
        reproduced = np.zeros(len(self.generator.rare.lengths), dtype=bool)
        reproduced[redrawn] = True
        return Tally(
            n_events=events.height,
            n_sessions=int(events["session_id"].rle_id()[-1]) + 1,
            n_users=np.bincount(personas, minlength=n),
            n_journeys=np.bincount(personas[owners], minlength=n),
            n_converted=np.bincount(personas[owners][journeys.outcomes == Outcome.CONVERTED], minlength=n),
            n_truncated=int((journeys.outcomes == Outcome.TRUNCATED).sum()),
            n_redrawn=len(redrawn),
            reproduced=reproduced,
            shown=shown_sequences(events, self.generator.rare, self.generator.flow.unit),
            first=int(times.min()),  # type: ignore[arg-type]  # a column of whole numbers
            last=int(times.max()),  # type: ignore[arg-type]
        )


def _levels(name: str, values: list[str]) -> pl.Series:
    """Return names as a column of few distinct values, to gather from."""
    return pl.Series(name, values, dtype=pl.Enum(list(dict.fromkeys(values))))
