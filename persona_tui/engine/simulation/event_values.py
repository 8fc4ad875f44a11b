"""What events are worth: a stated amount, or the mean of what the log has of it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
import polars as pl

from persona_tui.engine.data.schema import CANONICAL
from persona_tui.engine.errors import DataError, SimulationError, unknown_name
from persona_tui.engine.modeling.journeys import kept_events
from persona_tui.engine.params import quote, split, unquote
from persona_tui.engine.rng import Stream, normalise_seed, stream
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.uncertainty import drawn_row_weights
from persona_tui.engine.statistics import divide_weights
from persona_tui.engine.types import FloatArray, IntArray, RandomState

FEWEST_AMOUNTS: Final = 30
"""Amounts that a persona must have for a mean that owes nothing to the others."""

_RECORDS_LOOKED_AT: Final = 1_000
_BLOCK_BYTES: Final = 2**25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class EventValues:
    """The mean amount of some events, by persona.

    Parameters
    ----------
    events : tuple of str, length E
    amounts : array of shape (K, E), or (b, K, E) of some draws
        Mean amount of each event.
    n_observed, n_missing : tuple of int, length E
        Events of the journeys with an amount, and without one; zero where the amount is stated.
        The mean of those with an amount is taken for all.
    drawn : array of shape (B, K, E) or None
        The same in every draw of the flow; without it, the amounts are the same in all of them.
    """

    events: tuple[str, ...]
    amounts: FloatArray
    n_observed: tuple[int, ...]
    n_missing: tuple[int, ...]
    drawn: FloatArray | None = None

    def __post_init__(self) -> None:
        for array in (self.amounts, self.drawn):
            if array is not None:
                array.setflags(write=False)

    def of_personas(self, owners: Sequence[int]) -> EventValues:
        """Return the values of chains that belong to some personas, shape (K,) of persona numbers."""
        drawn = None if self.drawn is None else self.drawn[..., owners, :]
        return replace(self, amounts=self.amounts[..., owners, :], drawn=drawn)

    def of_draws(self, first: int, size: int) -> EventValues:
        """Return the values in some draws, ``size`` of them from number ``first`` on.

        Raises
        ------
        SimulationError
            If amounts were drawn, but fewer times.
        """
        if self.drawn is None:
            return self
        if first + size > len(self.drawn):
            raise SimulationError(
                f"The values have {len(self.drawn)} draws, the flow {first + size} or more."
            )
        return replace(self, amounts=self.drawn[first : first + size], drawn=None)


def value_of(
    text: str,
    events: pl.DataFrame,
    simulator: ProductFlowSimulator,
    *,
    n_draws: int = 0,
    random_state: RandomState = None,
) -> EventValues:
    """Return what events are worth.

    Parameters
    ----------
    text : str
        ``EVENT=NUMBER`` or ``EVENT=COLUMN``, several split by commas, names quoted as in effects. The
        column is one of the log or a key of ``metadata``; a quoted name is always a column.
    events : DataFrame
        The log that the simulator was made from.
    simulator : ProductFlowSimulator
        Whose journeys say which events count: none after the first completion, which counts itself.
    n_draws : int
        Draws of the amounts that come from a column; none where zero.
    random_state : int, SeedSequence, Generator or None
        The one that the draws of the flow were made with.

    Returns
    -------
    EventValues

    Raises
    ------
    UnknownNameError
        If there is no such event or column; the nearest is named.
    DataError
        If the text is not of that form, an event is named twice, a value is not a finite number, no event
        of the journeys has one, or the log is another one.

    Notes
    -----
    A persona's mean weighs each event by its user's membership. Where these weights sum to n < 30, the
    mean over all personas counts for the other 30 - n. A change is taken to alter how often an event
    happens and who gets there, not what it is worth to them.

    Draws are those of the user bootstrap behind the flow: in each, a user's amounts have the weight that
    the user's moves have, and the weight of users who move alike is divided among them. So who pays more
    and converts more often counts as such. Memberships are held at the fit, which leaves out only how
    refitting moves users between personas. O(N B) exponential numbers for N users with an amount, a few
    draws at a time: 2**25 bytes of weights at most, or one draw.

    References
    ----------
    Rubin (1981), The Bayesian bootstrap, *Annals of Statistics* 9, 130-134.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from persona_tui.engine.simulation.persona_generator import MarkovPersonaGenerator
    >>> log = pl.DataFrame({
    ...     "user_id": ["ann", "ann", "bob"], "session_id": ["1", "1", "2"],
    ...     "timestamp": [datetime(2026, 1, day, tzinfo=UTC) for day in (5, 6, 7)],
    ...     "event_type": ["cart", "order", "order"], "paid": [None, 30.0, 20.0]})
    >>> simulator = ProductFlowSimulator(
    ...     MarkovPersonaGenerator.from_events(log), completion_events={"order"})
    >>> value_of("order=paid,cart=0.5", log, simulator).amounts
    array([[25. ,  0.5]])
    """
    stated = _parse(text)
    for event in stated:
        if event not in simulator.journeys.vocabulary:
            raise unknown_name("event", event, simulator.journeys.vocabulary)
    columns = {event: source for event, source in stated.items() if isinstance(source, str)}
    found = _amounts_of(columns, events, simulator) if columns else {}
    users = _group_users(found, simulator)
    n_clusters = users.memberships.shape[1]

    def amounts(weights: FloatArray) -> FloatArray:
        """Return mean amounts, shape (..., K, E), under weights of shape (..., N)."""
        shape = (*weights.shape[:-1], n_clusters)
        means = [
            _means(*users.sums[event], weights, users.memberships)
            if event in found
            else np.full(shape, source)
            for event, source in stated.items()
        ]
        return np.stack(means, axis=-1)

    drawn = None
    if found and n_draws:
        seed = normalise_seed(random_state)
        drawn = np.concatenate(
            [amounts(weights) for weights in _draw_weights(users, simulator, n_draws, seed)]
        )
    return EventValues(
        events=tuple(stated),
        amounts=amounts(users.n_users),
        drawn=drawn,
        n_observed=tuple(len(found[event].amounts) if event in found else 0 for event in stated),
        n_missing=tuple(found[event].n_missing if event in found else 0 for event in stated),
    )


class _Users(NamedTuple):
    """Users with amounts one by one, and those without of the same rows of counts together.

    ``rows`` and ``n_users`` of shape (N,), by row; ``memberships`` of shape (N, K); ``sums`` by event, the
    sum and the number of amounts, of shape (N,).
    """

    rows: IntArray
    n_users: FloatArray
    memberships: FloatArray
    sums: dict[str, tuple[FloatArray, FloatArray]]


class _Amounts(NamedTuple):
    """The amounts of one event, and the positions of the users who have them."""

    amounts: FloatArray
    users: IntArray
    n_missing: int


def _parse(text: str) -> dict[str, float | str]:
    """Return the number or the column of each event."""
    stated: dict[str, float | str] = {}
    for piece in split(text, ","):
        name, *rest = split(piece, "=")
        if len(rest) != 1 or not name.strip() or not rest[0].strip():
            raise DataError(
                f"'{piece.strip()}' is not EVENT=NUMBER or EVENT=COLUMN.",
                hint='Quote a name that holds a comma or "=", for example "sign, up"=49.9.',
            )
        try:
            event, source = unquote(name), _number_or_column(rest[0].strip())
        except ValueError as fault:
            raise DataError(str(fault)) from None
        if event in stated:
            raise DataError(f"The value of '{event}' is given twice.")
        stated[event] = source
    return stated


def _number_or_column(text: str) -> float | str:
    if text.startswith('"'):
        return unquote(text)
    try:
        number = float(text)
    except ValueError:
        return text
    if not math.isfinite(number):
        raise ValueError(f"The value {text} is not a finite number.")
    return number


def _amounts_of(
    columns: dict[str, str], events: pl.DataFrame, simulator: ProductFlowSimulator
) -> dict[str, _Amounts]:
    """Return the amounts of some events of the journeys, each from its column."""
    sequences = simulator.generator.sequences
    rows = events.sort("user_id", "timestamp", maintain_order=True)
    names = np.array(sequences.vocabulary, dtype=object)[sequences.codes]
    if rows.height != len(names) or (rows["event_type"].cast(pl.String).to_numpy() != names).any():
        raise DataError(
            "The events are not those that the flow was estimated from.",
            hint="Pass the log that the personas were found in.",
        )
    kept = kept_events(sequences, simulator.journeys)
    found = {}
    for event, column in columns.items():
        at = kept[names[kept] == event]
        amounts = _numbers(rows[at], column, event)
        has = amounts.is_not_null().to_numpy()
        if not has.any():
            raise DataError(f"None of the {len(at)} '{event}' events of the journeys has a '{column}'.")
        users = sequences.users[at[has]].astype(np.int64)
        found[event] = _Amounts(amounts.drop_nulls().to_numpy(), users, int((~has).sum()))
    return found


def _numbers(rows: pl.DataFrame, column: str, event: str) -> pl.Series:
    """Return a column, or a key of the metadata, as numbers; null where there is none."""
    values = _values(rows, column)
    if values.dtype == pl.String:
        values = values.set(values.str.strip_chars() == "", None)
    unread = pl.Series([None] * len(values), dtype=pl.Float64)
    readable = values.dtype.is_numeric() or values.dtype == pl.String
    numbers = values.cast(pl.Float64, strict=False) if readable else unread
    wrong = values.is_not_null() & ~numbers.is_finite().fill_null(value=False)
    if wrong.any():
        raise DataError(
            f"'{column}' is no finite number at {wrong.sum()} of {len(rows)} '{event}' events of the "
            f"journeys, for example '{values.filter(wrong)[0]}'.",
            hint=f"Name a numeric column, or state an amount: {quote(event)}=49.9",
        )
    return numbers


def _values(rows: pl.DataFrame, column: str) -> pl.Series:
    """Return a column that is not canonical, or else a key of the metadata."""
    attributes = [name for name in rows.columns if name not in CANONICAL]
    if column in attributes:
        return rows[column]
    has_metadata = "metadata" in rows.columns and rows["metadata"].dtype == pl.String
    keys = _keys(rows["metadata"]) if has_metadata else []
    if column not in keys:
        raise unknown_name("column or metadata key", column, [*attributes, *keys])
    path = f"$[{json.dumps(column, ensure_ascii=False)}]"
    return rows["metadata"].str.json_path_match(path)


def _keys(metadata: pl.Series) -> list[str]:
    """Return the keys of the first different records."""
    keys: dict[str, None] = {}
    for text in metadata.drop_nulls().unique(maintain_order=True).head(_RECORDS_LOOKED_AT):
        with suppress(json.JSONDecodeError):
            record = json.loads(text)
            keys |= dict.fromkeys(record if isinstance(record, dict) else ())
    return list(keys)


def _memberships(simulator: ProductFlowSimulator) -> FloatArray:
    """Return the membership of each user, shape (U, K).

    A mixture gives users with the same moves the same membership, as the flow has it; another clusterer
    may tell them apart.
    """
    if not simulator.generator.soft:
        return simulator.generator.memberships
    return simulator.memberships[simulator.counts.row_of_user]


def _group_users(found: dict[str, _Amounts], simulator: ProductFlowSimulator) -> _Users:
    """Return the users who have amounts, and with them who shares their rows of counts."""
    counts, memberships = simulator.counts, _memberships(simulator)
    n_users = len(memberships)
    paying = np.unique(np.concatenate([np.empty(0, np.int64), *(each.users for each in found.values())]))
    n_paying = np.bincount(counts.row_of_user[paying], minlength=len(counts.multiplicity))
    others = np.where(n_paying > 0, counts.multiplicity - n_paying, 0.0)
    shared = np.flatnonzero(others)
    rows = np.concatenate([counts.row_of_user[paying], shared])
    order = np.argsort(rows, kind="stable")

    def per_part(of_users: FloatArray) -> FloatArray:
        """Return what each user has, nothing for those without amounts."""
        padding = np.zeros((len(shared), *of_users.shape[1:]))
        parts: FloatArray = np.concatenate([of_users[paying], padding])[order]
        return parts

    return _Users(
        rows=rows[order],
        n_users=np.concatenate([np.ones(len(paying)), others[shared]])[order],
        memberships=per_part(memberships),
        sums={
            event: (
                per_part(np.bincount(each.users, each.amounts, minlength=n_users).astype(float)),
                per_part(np.bincount(each.users, minlength=n_users).astype(float)),
            )
            for event, each in found.items()
        },
    )


def _draw_weights(
    users: _Users, simulator: ProductFlowSimulator, n_draws: int, seed: np.random.SeedSequence
) -> Iterator[FloatArray]:
    """Yield weights of users in the draws of the flow, shape (b, N), as many at a time as memory allows."""
    size = max(1, _BLOCK_BYTES // (8 * len(users.rows)))
    multiplicity = simulator.counts.multiplicity
    for block, row_weights in enumerate(drawn_row_weights(multiplicity, n_draws, seed)):
        generator = stream(seed, Stream.AMOUNTS, block)
        for first in range(0, row_weights.shape[1], size):
            weights = row_weights[:, first : first + size]
            yield divide_weights(generator, weights, users.rows, users.n_users).T


def _means(sums: FloatArray, numbers: FloatArray, weights: FloatArray, memberships: FloatArray) -> FloatArray:
    """Return each persona's mean amount, shape (..., K), drawn to the overall mean where it has few."""
    overall = (weights @ sums / (weights @ numbers))[..., None]
    observed = weights @ (numbers[:, None] * memberships)
    added = np.maximum(FEWEST_AMOUNTS - observed, 0.0)
    means: FloatArray = (weights @ (sums[:, None] * memberships) + added * overall) / (observed + added)
    return means
