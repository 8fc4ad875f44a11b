"""What personas add up to, in the fit and in every draw of it, memberships estimated anew in each draw."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from persona_tui.engine.modeling.steps import (
    MoveTable,
    joint_log_likelihood,
    normalise_memberships,
    tabulate_moves,
)
from persona_tui.engine.rng import Stream, stream
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.uncertainty import DRAWS_PER_BLOCK, FlowDraws, drawn_row_weights
from persona_tui.engine.statistics import divide_weights
from persona_tui.engine.types import AnyArray, FloatArray, IntArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_CELLS = 2**20
"""Of one array of users, personas and draws; users are taken in chunks that stay below."""
_LEAST_CHANCE = 1e-37


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PersonaSums:
    """Quantities of users summed by persona, each user counted by membership.

    Parameters
    ----------
    fitted : dict of arrays of shape (K, Q)
        By name of the table of quantities.
    drawn : dict of arrays of shape (B, K, Q)
        The same in every draw: users weighted, memberships estimated anew.
    overlap : array of shape (K, K)
        Products of memberships, summed over users.
    drawn_overlap : array of shape (B, K, K)
    """

    fitted: Mapping[str, FloatArray]
    drawn: Mapping[str, FloatArray]
    overlap: FloatArray
    drawn_overlap: FloatArray


def user_memberships(simulator: ProductFlowSimulator) -> FloatArray:
    """Return the memberships that the personas' chains are estimated from, shape (U, K).

    Users with equal counts have equal memberships, unless a clusterer told them apart by something else.
    """
    if not simulator.generator.soft:
        return simulator.generator.memberships
    memberships: FloatArray = simulator.memberships[simulator.counts.row_of_user]
    return memberships


def sum_by_persona(draws: FlowDraws, tables: Mapping[str, csr_array]) -> PersonaSums:
    """Return quantities of users summed by persona, in the fit and in every draw.

    Parameters
    ----------
    draws : FlowDraws
    tables : dict of sparse arrays of shape (U, Q)
        Quantities of users; rows in order of the log's users.

    Returns
    -------
    PersonaSums

    Notes
    -----
    The weights of users are those of the draws: a row's weight divided among its users. Memberships of a
    draw are those under its chains and shares, one E-step; shares of journeys are turned into shares of
    users as they are in the fit. Memberships of a clusterer are held fixed. O(B K (moves + entries of the
    tables)), users in chunks of bounded memory.
    """
    from scipy.sparse import hstack  # noqa: PLC0415 - 0.15 s

    simulator = draws.simulator
    memberships = user_memberships(simulator)
    table = hstack([tables[name] for name in tables], format="csr")
    fitted = (table.T @ memberships).T
    sums, overlaps = [], []
    single, soft = table.astype(np.float32), simulator.generator.soft
    rows = simulator.counts.row_of_user if soft else np.arange(len(memberships))
    for row_weights, weights, block in _blocks(draws):
        sums.append(_sum_block(single, weights, block, rows))
        overlaps.append(_sum_products(row_weights, block))
    ends = np.cumsum([tables[name].shape[1] for name in tables])[:-1]
    return PersonaSums(
        fitted=dict(zip(tables, np.split(fitted, ends, axis=-1), strict=True)),
        drawn=dict(zip(tables, np.split(np.concatenate(sums), ends, axis=-1), strict=True)),
        overlap=memberships.T @ memberships,
        drawn_overlap=np.concatenate(overlaps),
    )


def _blocks(draws: FlowDraws) -> Iterator[tuple[AnyArray, AnyArray, AnyArray]]:
    """Yield weights of rows (R, b) and of users (U, b), and memberships of rows (R, K, b).

    Where a clusterer gave the memberships every user is a row.
    """
    simulator = draws.simulator
    counts, soft = simulator.counts, simulator.generator.soft
    order = np.argsort(counts.row_of_user, kind="stable")
    table = tabulate_moves(counts, simulator.pooled, simulator.generator.prior).single()
    rows = counts.row_of_user[order]
    for number, row_weights in enumerate(drawn_row_weights(counts.multiplicity, draws.n_draws, draws.seed)):
        size = row_weights.shape[1]
        generator = stream(draws.seed, Stream.USERS, number)
        weights = np.empty((len(order), size), dtype=np.float32)
        weights[order] = _divide(generator, row_weights, rows, counts.multiplicity)
        first = number * DRAWS_PER_BLOCK
        if soft:
            yield row_weights, weights, _memberships(draws, table, slice(first, first + size))
        else:
            yield weights, weights, np.repeat(simulator.generator.memberships[:, :, None], size, axis=2)


def _divide(
    generator: np.random.Generator, row_weights: FloatArray, rows: IntArray, multiplicity: FloatArray
) -> FloatArray:
    """Return weights of users in order of their row; numbers are drawn only where a row has several."""
    weights: FloatArray = row_weights[rows]
    shared = multiplicity[rows] > 1
    several, kept = np.unique(rows[shared], return_inverse=True)
    if len(several):
        ones = np.ones(len(kept))
        weights[shared] = divide_weights(generator, row_weights[several], kept, ones)
    return weights


def _memberships(draws: FlowDraws, table: MoveTable, drawn: slice) -> AnyArray:
    """Return the memberships of distinct rows under some draws, shape (R, K, b)."""
    simulator = draws.simulator
    counts, memberships = simulator.counts, simulator.memberships
    users = counts.multiplicity @ memberships
    journeys = counts.n_journeys @ (counts.multiplicity[:, None] * memberships)
    chains = simulator.estimate_chains(draws.moved[drawn])
    chances = np.maximum(chains[:, :, counts.sources, counts.targets], _LEAST_CHANCE)
    weights = draws.shares[drawn] * np.divide(users, journeys, out=np.zeros_like(users), where=journeys > 0)
    log_weights = np.log(np.maximum(weights / weights.sum(axis=1, keepdims=True), _LEAST_CHANCE))
    log_moves: AnyArray = np.log(chances).transpose(2, 1, 0).reshape(len(counts.moves), -1).astype(np.float32)
    joint = joint_log_likelihood(table, log_moves, log_weights.T.ravel().astype(np.float32))
    return normalise_memberships(joint.reshape(len(memberships), memberships.shape[1], -1))[0]


def _sum_block(
    table: Any,  # noqa: ANN401 - a sparse array in single precision
    weights: AnyArray,
    memberships: AnyArray,
    row_of_user: IntArray,
) -> FloatArray:
    """Return the sums of a block of draws, shape (b, K, Q)."""
    n_users, n_draws = weights.shape
    n_clusters = memberships.shape[1]
    sums = np.zeros((table.shape[1], n_clusters * n_draws))
    size = max(1, _CELLS // (n_clusters * n_draws))
    for first in range(0, n_users, size):
        chunk = slice(first, first + size)
        mass = weights[chunk, None, :] * memberships[row_of_user[chunk]]
        sums += table[chunk].T @ mass.reshape(len(mass), -1)
    return sums.reshape(-1, n_clusters, n_draws).transpose(2, 1, 0)


def _sum_products(weights: AnyArray, memberships: AnyArray) -> FloatArray:
    """Return weighted products of memberships summed over rows, shape (b, K, K)."""
    n_rows, n_clusters, n_draws = memberships.shape
    products = np.zeros((n_clusters, n_clusters, n_draws))
    size = max(1, _CELLS // (n_clusters * n_draws))
    for first in range(0, n_rows, size):
        held = memberships[first : first + size]
        mass = weights[first : first + size, None, :] * held
        for k in range(n_clusters):
            products[k, k:] += np.einsum("rb,rjb->jb", mass[:, k], held[:, k:])
    upper = products.transpose(2, 0, 1)
    return upper + np.triu(upper, 1).swapaxes(-1, -2)
