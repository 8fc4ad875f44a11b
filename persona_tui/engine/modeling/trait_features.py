"""Which columns of a user-feature frame may explain a trait or an outcome, and how they become numbers.

A column that names an outcome belongs in ``OUTCOMES``, one that is worked out from how far a
journey came in ``OUTCOME_DERIVED``, and one that counts a whole journey in ``JOURNEY_TOTALS``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.features import require_columns
from persona_tui.engine.errors import ModelingError, unknown_name
from persona_tui.engine.types import FloatArray, IntArray

OUTCOMES: Final = ("converted", "dropped", "exited", "truncated", "outcome")
"""How a journey ended; with them goes every ``reached_<event>``."""

OUTCOME_DERIVED: Final = ("funnel_depth", "funnel_seconds")
"""Worked out from the steps reached: refused wherever an outcome is explained."""

JOURNEY_TOTALS: Final = (
    "n_events", "n_event_types", "n_days", "n_sessions", "seconds_per_session", "events_per_session",
    "bounce_rate", "median_gap_seconds", "n_moves", "n_repeats", "n_back_steps", "n_distinct_moves",
)  # fmt: skip
"""Counted over a whole journey, its outcome included: where one is explained, used only when named."""

PERSONA_COLUMNS: Final = ("cluster", "persona", "membership")
"""Say the same thing, and saw the whole journey."""

MAX_LEVELS: Final = 20
MIN_LEVEL_USERS: Final = 10
MISSING: Final = "missing"
OTHER: Final = "other"
_REACHED: Final = "reached_"
_FORMLESS: Final = "which has no levels and no size"


def is_outcome(column: str) -> bool:
    """Return whether a column says how a journey ended.

    Examples
    --------
    >>> is_outcome("reached_signup_complete"), is_outcome("device")
    (True, False)
    """
    return column in OUTCOMES or column in OUTCOME_DERIVED or column.startswith(_REACHED)


def saw_journey(column: str) -> bool:
    """Return whether a column was worked out from a whole journey, its outcome included."""
    return column in JOURNEY_TOTALS or column in PERSONA_COLUMNS or is_outcome(column)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChoice:
    """Columns that explain, those that do not with the reason, and a caution about some of the former."""

    names: tuple[str, ...]
    left_out: Mapping[str, str]
    cautions: Mapping[str, str]


def choose_columns(
    users: pl.DataFrame, given: Sequence[str] | None, *, targets: Sequence[str], outcomes: Sequence[str]
) -> ColumnChoice:
    """Return the columns that may explain some targets.

    Parameters
    ----------
    users : DataFrame
        One row a user.
    given : sequence of str, or None
        None takes every column that can be used, but of those that saw the whole journey none
        where an outcome is explained.
    targets : sequence of str
        What is explained.
    outcomes : sequence of str
        Those of the targets that are outcomes.

    Raises
    ------
    UnknownNameError
        If a given column is not in the frame.
    ModelingError
        If a given column can never be used; every fault is listed.

    Notes
    -----
    Never used: the targets and ``user_id``; moments and spans of time, lists and the like; a
    column of few levels that settles a target by itself, under whatever name; the other
    ``PERSONA_COLUMNS`` where one is a target; ``OUTCOMES`` and ``OUTCOME_DERIVED`` where an outcome
    is explained.
    """
    names = users.columns if given is None else list(dict.fromkeys(given))
    for name in names:
        if name not in users.columns:
            raise unknown_name("column", name, users.columns)
    refused = {name: why for name in names if (why := _objection(users, name, targets, outcomes))}
    if given is not None and refused:
        raise ModelingError(
            "; ".join(f"'{name}' {why}" for name, why in refused.items()) + ".",
            hint="Leave them out.",
        )
    doubtful = [name for name in names if outcomes and name not in refused and saw_journey(name)]
    kept = [name for name in names if name not in refused]
    if given is None:
        kept = [name for name in kept if name not in doubtful]
        refused |= dict.fromkeys(doubtful, "saw the whole journey, outcome included; name it to use it")
        doubtful = []
    cautions = {name: f"'{name}' saw the whole journey, outcome included." for name in doubtful}
    left_out = {name: why for name, why in refused.items() if name not in ("user_id", *targets)}
    return ColumnChoice(names=tuple(kept), left_out=left_out, cautions=cautions)


def _objection(users: pl.DataFrame, name: str, targets: Sequence[str], outcomes: Sequence[str]) -> str | None:
    """Return why a column can never be used, or None."""
    kind = users.schema[name]
    can_be_used = _has_levels_or_size(kind)
    settled = next((each for each in targets if can_be_used and _gives_away(users, name, each)), None)
    reasons = {
        "only says who the user is": name == "user_id",
        "is what is to be explained": name in targets,
        f"is of type {kind}, {_FORMLESS}": not can_be_used,
        f"comes from the same outcome as '{', '.join(outcomes)}'": outcomes
        and name in OUTCOMES + OUTCOME_DERIVED,
        f"settles '{settled}' by itself": settled is not None,
    }
    return next((why for why, applies in reasons.items() if applies), None)


def _has_levels_or_size(kind: pl.DataType) -> bool:
    return kind.is_numeric() or isinstance(kind, (pl.Boolean, pl.String, pl.Enum, pl.Categorical))


def _gives_away(users: pl.DataFrame, name: str, target: str) -> bool:
    return (name in PERSONA_COLUMNS and target in PERSONA_COLUMNS) or settles(users, name, target)


def settles(users: pl.DataFrame, column: str, target: str) -> bool:
    """Return whether all users of a level of one column have the same value of another.

    Columns of more than 20 levels are not looked at: few users a level settle anything.
    """
    n_levels = users[column].n_unique()
    if not 1 < n_levels <= MAX_LEVELS or users[target].n_unique() < 2:
        return False
    return users.select(column=column, target=target).n_unique() == n_levels


def comparable_users(user_features: pl.DataFrame, targets: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Return the users of whom every target is known, sorted by ``user_id``, and how many others there are.

    Raises
    ------
    DataError
        If there is no ``user_id``.
    UnknownNameError
        If a target is not in the frame.
    ModelingError
        If a user has several rows, or a target has neither levels nor a size.
    """
    require_columns(user_features, ("user_id",))
    for name in targets:
        if name not in user_features.columns:
            raise unknown_name("column", name, user_features.columns)
        if not _has_levels_or_size(user_features.schema[name]):
            raise ModelingError(f"Column '{name}' is of type {user_features.schema[name]}, {_FORMLESS}.")
    repeated = user_features["user_id"].is_duplicated()
    if repeated.any():
        user = user_features.filter(repeated)["user_id"][0]
        raise ModelingError(f"User '{user}' has more than one row.", hint="Give one row a user.")
    known = [
        pl.col(name).is_finite() if user_features.schema[name].is_float() else pl.col(name).is_not_null()
        for name in targets
    ]
    users = user_features.filter(pl.all_horizontal(known).fill_null(value=False)).sort("user_id")
    return users, user_features.height - users.height


def deal_folds(strata: IntArray, n_folds: int, generator: np.random.Generator) -> IntArray:
    """Return the fold of each user, so that folds differ by at most one user in any stratum.

    Parameters
    ----------
    strata : int array of shape (n,)
    n_folds : int
    generator : Generator

    Returns
    -------
    int array of shape (n,)
        From 0 to ``n_folds - 1``.

    Examples
    --------
    >>> folds = deal_folds(np.array([0, 0, 1, 1]), 2, np.random.default_rng(0))
    >>> sorted(folds[:2].tolist()), sorted(folds[2:].tolist())
    ([0, 1], [0, 1])
    """
    order = generator.permutation(len(strata))
    order = order[np.argsort(strata[order], kind="stable")]
    folds = np.empty(len(strata), dtype=np.int64)
    folds[order] = np.arange(len(strata)) % n_folds
    return folds


@dataclass(frozen=True, slots=True, kw_only=True)
class NumericColumn:
    """A number in standard deviations from its mean; a missing one is the median, and is marked."""

    name: str
    median: float
    mean: float
    scale: float
    is_marked: bool

    @property
    def terms(self) -> tuple[str, ...]:
        """Return what each number that it becomes means."""
        return (self.name, f"{self.name} is missing") if self.is_marked else (self.name,)

    def numbers(self, users: pl.DataFrame) -> Iterator[FloatArray]:
        """Yield one array of shape (n,) a term."""
        kind = users.schema[self.name]
        if not kind.is_numeric():
            raise ModelingError(f"Column '{self.name}' is of type {kind}; it was fitted on numbers.")
        values = _finite(users[self.name])
        yield (values.fill_null(self.median).to_numpy() - self.mean) / self.scale
        if self.is_marked:
            yield values.is_null().to_numpy().astype(float)


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelColumn:
    """A column of levels: one 0/1 number for each but the most common, which is the reference."""

    name: str
    reference: str
    levels: tuple[str, ...]

    @property
    def terms(self) -> tuple[str, ...]:
        """Return what each number that it becomes means."""
        return tuple(f"{self.name} = {level}" for level in self.levels)

    def numbers(self, users: pl.DataFrame) -> Iterator[FloatArray]:
        """Yield one array of shape (n,) a term; a level never seen is ``other``, or else the reference."""
        values = _levels(users[self.name])
        known = {self.reference, *self.levels}
        values = values.zip_with(values.is_in(list(known)), pl.Series([OTHER]))
        for level in self.levels:
            yield (values == level).to_numpy().astype(float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """How columns become the numbers of a regression, learnt from some users."""

    columns: tuple[NumericColumn | LevelColumn, ...]

    @property
    def terms(self) -> tuple[tuple[str, str], ...]:
        """Return the column and the meaning of each number but the first."""
        return tuple((column.name, term) for column in self.columns for term in column.terms)

    def design(self, users: pl.DataFrame) -> FloatArray:
        """Return users as numbers, shape (n, 1 + n_terms); the first is the constant 1.

        Raises
        ------
        UnknownNameError
            If a column is not in the frame.
        ModelingError
            If a column that held numbers holds something else.
        """
        parts = [np.ones(users.height)]
        for column in self.columns:
            if column.name not in users.columns:
                raise unknown_name("column", column.name, users.columns)
            parts.extend(column.numbers(users))
        return np.column_stack(parts)


def learn_encoding(users: pl.DataFrame, names: Sequence[str]) -> tuple[Encoding, dict[str, str]]:
    """Return how some columns become numbers, and why others cannot.

    Parameters
    ----------
    users : DataFrame
    names : sequence of str
        Columns of numbers, true and false, or text.

    Returns
    -------
    encoding : Encoding
    dropped : dict
        Column to reason, for those that say nothing.

    Notes
    -----
    A number that is null, NaN or infinite takes the median and is marked by a second number. A
    null level is the level ``missing``. Levels beyond the 20 most common, or of fewer than 10
    users, are folded into ``other``, unless that would only rename a single one.
    """
    columns: list[NumericColumn | LevelColumn] = []
    dropped: dict[str, str] = {}
    for name in names:
        numeric = users.schema[name].is_numeric()
        column = _learn_numeric(users[name]) if numeric else _learn_levels(users[name])
        if isinstance(column, str):
            dropped[name] = column
        else:
            columns.append(column)
    return Encoding(columns=tuple(columns)), dropped


def _learn_numeric(series: pl.Series) -> NumericColumn | str:
    values = _finite(series)
    known = values.drop_nulls().to_numpy()
    if not len(known):
        return "has no value"
    is_marked = len(known) < len(values)
    is_constant = bool((known == known[0]).all())
    if is_constant and not is_marked:
        return "is the same for every user"
    median = float(np.median(known))
    filled = values.fill_null(median).to_numpy()
    return NumericColumn(
        name=series.name,
        median=median,
        mean=median if is_constant else float(filled.mean()),
        scale=1.0 if is_constant else float(filled.std()),
        is_marked=is_marked,
    )


def _learn_levels(series: pl.Series) -> LevelColumn | str:
    values = _levels(series)
    counts = values.value_counts(name="n_users").sort("n_users", values.name, descending=[True, False])
    if counts.height < 2:
        return "is the same for every user" if series.null_count() < len(series) else "has no value"
    sizes = dict(counts.iter_rows())
    shown = [level for level, n_users in sizes.items() if n_users >= MIN_LEVEL_USERS][:MAX_LEVELS]
    rare = [level for level in sizes if level not in shown]
    if len(rare) == 1:
        shown, rare = [*shown, *rare], []
    if not shown:
        return f"has {len(sizes):,} levels, none of {MIN_LEVEL_USERS} users"
    kept = {level: sizes[level] for level in shown}
    if rare:
        kept[OTHER] = kept.get(OTHER, 0) + sum(sizes[level] for level in rare)
    levels = sorted(kept, key=lambda level: (-kept[level], level))
    return LevelColumn(name=series.name, reference=levels[0], levels=tuple(levels[1:]))


def _finite(series: pl.Series) -> pl.Series:
    values = series.cast(pl.Float64)
    return values.set(~values.is_finite().fill_null(value=False), None)


def _levels(series: pl.Series) -> pl.Series:
    return series.cast(pl.String).fill_null(MISSING)
