"""Attributes that a persona has more, or less, often than all users: lifts, tested and counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from persona_tui.engine.data.attributes import UNKNOWN, Attributes
from persona_tui.engine.statistics import (
    LEVEL,
    NORMAL_QUANTILE,
    Interval,
    benjamini_hochberg,
    two_sided_p_values,
)
from persona_tui.engine.types import BoolArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

MIN_USERS: Final = 30
"""Users that a persona must be expected to have with a value; fewer tell nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeLift:
    """How much more often a persona's users have a value than all users do.

    Parameters
    ----------
    attribute, value : str
    share : float
        Of the persona's users, among those whose value is known.
    lift : float
        ``share`` over the share of all users.
    interval : (float, float)
        95 %, of the lift.
    n_users : float
        Memberships of users with the value, summed.
    p_value, q_value : float
        Of the lift being one; q is the false discovery rate over all cells that were tested.
    """

    attribute: str
    value: str
    share: float
    lift: float
    interval: Interval
    n_users: float
    p_value: float
    q_value: float

    @property
    def notable(self) -> bool:
        """Return whether the false discovery rate is at most 5 %."""
        return self.q_value <= 1 - LEVEL


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeLifts:
    """What a persona's users are, beside all users.

    Parameters
    ----------
    lifts : tuple of AttributeLift
        Of this persona; notable ones first, then by p.
    n_tested, n_suppressed : int
        Cells of all personas: tested, and left out because too few users were expected in them.
    left_out : dict
        Attribute to the reason why it has no groups.
    """

    lifts: tuple[AttributeLift, ...]
    n_tested: int
    n_suppressed: int
    left_out: Mapping[str, str]

    @property
    def statement(self) -> str:
        """Return how many cells were tested, and what their false discovery rate means."""
        if not self.n_tested + self.n_suppressed:
            return "There is no attribute to compare personas by."
        if not self.n_tested:
            return "No attribute value has enough users in a persona to be tested."
        cells = "1 cell" if self.n_tested == 1 else f"{self.n_tested:,} cells"
        tested = f"q controlled by Benjamini–Hochberg over {cells}"
        return f"{tested}; {self.n_suppressed:,} with fewer than {MIN_USERS} expected users left out."


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueTable:
    """Who has which value of which attribute.

    Parameters
    ----------
    cells : tuple of (str, str), length Q
        Attribute and value of each column; all rare values of an attribute are one column.
    is_unknown, is_rare : bool arrays of shape (Q,)
        Columns that stand for no value, and for values that too few users have to be tested.
    n_rare : int
        Values that are rare.
    groups : int64 array of shape (Q,)
        Number of the attribute of each column.
    matrix : sparse array of shape (U, Q)
    left_out : dict
        Attribute to the reason why it has no groups.
    """

    cells: tuple[tuple[str, str], ...]
    is_unknown: BoolArray
    is_rare: BoolArray
    n_rare: int
    groups: IntArray
    matrix: csr_array
    left_out: Mapping[str, str]

    def known(self, numbers: FloatArray) -> FloatArray:
        """Return, for every column, the sum of its attribute's known values, shape (..., Q)."""
        same = np.equal.outer(self.groups, np.unique(self.groups)) & ~self.is_unknown[:, None]
        summed: FloatArray = (numbers @ same.astype(float))[..., self.groups]
        return summed


def tabulate_values(attributes: Attributes | None, n_users: int) -> ValueTable:
    """Return who has which value of which attribute.

    Parameters
    ----------
    attributes : Attributes or None
    n_users : int
    """
    from scipy.sparse import csr_array, hstack  # noqa: PLC0415 - 0.15 s

    left_out = {} if attributes is None else dict(attributes.left_out)
    cells: list[tuple[str, str]] = []
    kinds: list[tuple[bool, bool, int]] = []
    blocks, n_rare = [csr_array((n_users, 0))], 0
    for number, name in enumerate(() if attributes is None else attributes.names):
        column = attributes.table[name]  # type: ignore[union-attr]  # without attributes there are no names
        counts = attributes.values_of(name)  # type: ignore[union-attr]
        if len(counts.keys() - {UNKNOWN}) < 2:
            left_out[name] = "has one value"
            continue
        often = [value for value, n in counts.items() if n >= MIN_USERS or value == UNKNOWN]
        codes = column.replace_strict(often, range(len(often)), default=len(often), return_dtype=pl.Int64)
        rare = len(counts) - len(often)
        n_rare += rare
        cells += [(name, value) for value in often] + [(name, "")] * (rare > 0)
        kinds += [(value == UNKNOWN, False, number) for value in often] + [(False, True, number)] * (rare > 0)
        entries = (np.ones(n_users), codes.to_numpy(), np.arange(n_users + 1))
        blocks.append(csr_array(entries, shape=(n_users, len(often) + (rare > 0))))
    kind = np.array(kinds, dtype=np.int64).reshape(-1, 3)
    return ValueTable(
        cells=tuple(cells),
        is_unknown=kind[:, 0].astype(bool),
        is_rare=kind[:, 1].astype(bool),
        n_rare=n_rare,
        groups=np.unique(kind[:, 2], return_inverse=True)[1],
        matrix=hstack(blocks, format="csr"),
        left_out=left_out,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ValueSums:
    """Users with each value by persona, counted by membership, in the fit and in draws of it.

    Parameters
    ----------
    fitted : array of shape (K, Q)
    drawn : array of shape (B, K, Q)
    overlap : array of shape (K, K)
        Products of memberships, summed over users.
    drawn_overlap : array of shape (B, K, K)
    """

    fitted: FloatArray
    drawn: FloatArray
    overlap: FloatArray
    drawn_overlap: FloatArray


def attribute_lifts(table: ValueTable, sums: ValueSums, memberships: FloatArray) -> list[AttributeLifts]:
    """Return the attribute lifts of each persona.

    Parameters
    ----------
    table : ValueTable
    sums : ValueSums
        Of the matrix of the table.
    memberships : array of shape (U, K)

    Notes
    -----
    Attributes took no part in finding personas, so a user has a value with chance
    ``sum_k R_k P(value | k)``, R the memberships: least squares of values on memberships, ``G^-1 R'x``
    with ``G = R'R``, gives P(value | k) without the bias toward one that sums weighted by membership have
    where personas overlap. An estimate outside of what is possible is taken at the bound. Users
    whose value is unknown are left out of shares. The p-value is that of
    ``P(value | k) - P(value)`` when values are dealt to users at random, memberships held: they never
    saw the value. The interval is that of draws which weight users and estimate memberships anew, with the
    variance of one user added, on the log scale; from zero where the estimate is within two standard
    errors of it. A cell is tested where the persona, counted as ``1 / (G^-1)_kk`` users, is expected to have
    30 with the value. With one persona there is nothing to compare.

    References
    ----------
    Bolck, Croon & Hagenaars (2004), Estimating latent structure models with categorical variables,
    *Political Analysis* 12, 3-27; Benjamini & Hochberg (1995), *JRSS B* 57, 289-300.
    """
    n_clusters = len(sums.fitted)
    if n_clusters == 1 or not table.cells:
        return [_collect([], 0, 0, table.left_out)] * n_clusters
    inverse = _inverse(sums.overlap)
    shares, known = _shares(table, inverse, sums.fitted)
    common = _common(table, sums.fitted)
    n_users = known / inverse.diagonal()[:, None]
    can_test = (n_users * common >= MIN_USERS) & (common < 1) & ~(table.is_unknown | table.is_rare)
    n_cells = n_clusters * (int((~(table.is_unknown | table.is_rare)).sum()) + table.n_rare)
    drawn, _ = _shares(table, _inverse(sums.drawn_overlap), sums.drawn)
    spread = np.std(drawn / np.maximum(_common(table, sums.drawn), 1e-12)[:, None, :], axis=0)
    scores = (shares - common) * known / _null_errors(table, memberships @ inverse, common)
    p_values = two_sided_p_values(np.where(can_test, scores, 0.0))
    q_values = np.ones_like(p_values)
    q_values[can_test] = benjamini_hochberg(p_values[can_test])
    lifts: list[list[AttributeLift]] = [[] for _ in range(n_clusters)]
    for k, q in np.argwhere(can_test):
        lift = float(shares[k, q] / common[q])
        error = float(np.hypot(spread[k, q], 1 / (n_users[k, q] * common[q])))
        lifts[k].append(
            AttributeLift(
                attribute=table.cells[q][0],
                value=table.cells[q][1],
                share=float(np.clip(shares[k, q], 0.0, 1.0)),
                lift=float(np.clip(lift, 0.0, 1 / common[q])),
                interval=_lift_interval(lift, error, float(1 / common[q])),
                n_users=float(sums.fitted[k, q]),
                p_value=float(p_values[k, q]),
                q_value=float(q_values[k, q]),
            )
        )
    n_tested = int(can_test.sum())
    return [_collect(each, n_tested, n_cells - n_tested, table.left_out) for each in lifts]


def _collect(
    lifts: list[AttributeLift], n_tested: int, n_suppressed: int, left_out: Mapping[str, str]
) -> AttributeLifts:
    return AttributeLifts(
        lifts=tuple(sorted(lifts, key=lambda each: (not each.notable, each.p_value, -each.lift))),
        n_tested=n_tested,
        n_suppressed=n_suppressed,
        left_out=left_out,
    )


def _inverse(overlap: FloatArray) -> FloatArray:
    """Return the inverse, huge where personas cannot be told apart: such cells have no users to speak of."""
    return np.asarray(np.linalg.inv(overlap + 1e-6 * np.eye(overlap.shape[-1])), dtype=np.float64)


def _shares(table: ValueTable, inverse: FloatArray, sums: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return P(value | persona) among users whose value is known, and the share of those, (..., K, Q)."""
    chances = inverse @ sums
    known = table.known(chances)
    return chances / np.maximum(known, 1e-6), known


def _common(table: ValueTable, sums: FloatArray) -> FloatArray:
    """Return P(value) among users whose value is known, shape (..., Q)."""
    total = sums.sum(axis=-2)
    common: FloatArray = total / np.maximum(table.known(total), 1e-12)
    return common


def _null_errors(table: ValueTable, weights: FloatArray, common: FloatArray) -> FloatArray:
    """Return the standard error of each estimate when values are dealt at random, shape (K, Q).

    ``weights`` (U, K) are what each user adds to an estimate by having the value.
    """
    n_groups = int(table.groups.max()) + 1
    known = np.ones((len(weights), n_groups))
    unknown = np.flatnonzero(table.is_unknown)
    known[:, table.groups[unknown]] -= table.matrix[:, unknown].toarray()
    n, sums, squares = known.sum(axis=0), weights.T @ known, (weights**2).T @ known
    spread = (squares - sums**2 / n) * n / np.maximum(n - 1, 1)
    errors: FloatArray = np.sqrt(np.maximum(spread[:, table.groups] * common * (1 - common), 1e-300))
    return errors


def _lift_interval(lift: float, error: float, most: float) -> Interval:
    half = NORMAL_QUANTILE * error
    if lift > 2 * error:
        ratio = float(np.exp(half / lift))
        return lift / ratio, min(lift * ratio, most)
    return 0.0, min(max(lift, 0.0) + half, most)
