"""The loop of expectation-maximisation: accelerated steps, and a bound that never falls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass

import numpy as np

from persona_tui.engine.modeling.parameters import (
    Expected,
    Parameters,
    add_up,
    all_memberships,
    expect,
    extrapolate,
    log_prior,
    maximise,
    split_rows,
)
from persona_tui.engine.modeling.steps import Matrix, MoveTable
from persona_tui.engine.types import FloatArray

_FIRST_REACH = 4.0
"""Steps of EM that the first extrapolation may go ahead; fourfold after each that was long and good."""
_ALIKE = 1e-6
"""Mean difference of log-chances, added up over the states, below which two chains are one."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Climb:
    """Where one run of EM stands.

    Parameters
    ----------
    parameters : Parameters
        The last step of EM, a plain one.
    before : Parameters
        Those that it was made from: their memberships are what ``parameters`` are estimated from.
    history : tuple of float
        The bound at every set of parameters that was kept.
    log_likelihood : float
        Under ``parameters``.
    converged : bool
    """

    parameters: Parameters
    before: Parameters
    history: tuple[float, ...]
    log_likelihood: float
    converged: bool


class Rows:
    """Distinct users that are in memory at once.

    Parameters
    ----------
    matrix : sparse array of shape (rows, F)
    weights : array of shape (rows,)
        Users behind each row.
    """

    def __init__(self, matrix: Matrix, weights: FloatArray) -> None:
        self.matrix = matrix
        self.weights = weights
        self.blocks = split_rows(matrix, weights)

    def memberships(self, parameters: Parameters) -> tuple[FloatArray, FloatArray]:
        """Return memberships, shape (rows, K), and the log-likelihood of each row."""
        return all_memberships(self.blocks, parameters)


class Users:
    """The users that a mixture is fitted on, and the prior.

    Parameters
    ----------
    table : MoveTable
        Only its prior is read.
    parts : iterable of Rows
        All users, a part at a time; every pass over the users goes through it again.
    pool : Executor, optional
        Threads that share the blocks of a part.
    """

    def __init__(self, table: MoveTable, parts: Iterable[Rows], pool: Executor | None = None) -> None:
        self.table = table
        self.parts = parts
        self.n_users = 0.0
        for part in parts:
            self.n_users += float(np.cumsum(part.weights)[-1])
        self._pool = pool

    @classmethod
    def of(cls, table: MoveTable, weights: FloatArray, pool: Executor | None = None) -> Users:
        """Return the users of a table, with weights of shape (R,), as one part."""
        return cls(table, (Rows(table.matrix, weights),), pool)

    @property
    def weights(self) -> FloatArray:
        """Return the users behind each row of all parts, shape (R,)."""
        return np.concatenate([part.weights for part in self.parts])

    def with_prior(self, prior: float) -> Users:
        """Return the same users under another strength of the prior."""
        others = copy(self)
        others.table = self.table.with_prior(prior)
        return others

    def expect(self, parameters: Parameters) -> tuple[Expected, float]:
        """Return what the users tell under some parameters, and the bound there."""
        told = (expect(part.blocks, parameters, self._pool) for part in self.parts)
        expected = add_up(told, parameters)
        return expected, expected.log_likelihood + log_prior(self.table, parameters)

    def maximise(self, expected: Expected) -> Parameters:
        """Return the parameters that follow."""
        return maximise(self.table, expected.moved, expected.users)

    def estimate(self, memberships: FloatArray) -> Parameters:
        """Return the parameters that memberships of shape (R, K) make likeliest."""
        bounds = np.cumsum([0, *(len(part.weights) for part in self.parts)])
        return self.estimate_in_turn(lambda place, _: memberships[bounds[place] : bounds[place + 1]])

    def estimate_in_turn(self, memberships: Callable[[int, Rows], FloatArray]) -> Parameters:
        """Return the parameters that memberships make likeliest, which a function tells part by part."""
        moved, users = np.zeros((len(self.table.pooled), 1)), np.zeros(1)
        for place, part in enumerate(self.parts):
            mass = part.weights[:, None] * memberships(place, part)
            moved, users = moved + part.matrix.T @ mass, users + mass.sum(axis=0)
        return maximise(self.table, moved, users)

    def memberships(self, parameters: Parameters) -> tuple[FloatArray, FloatArray]:
        """Return memberships, shape (R, K), and the log-likelihood of each row."""
        parts = [part.memberships(parameters) for part in self.parts]
        return np.concatenate([each for each, _ in parts]), np.concatenate([each for _, each in parts])


@contextmanager
def threads(workers: int) -> Iterator[Executor | None]:
    """Give a pool of threads, None where one is enough."""
    if workers <= 1:
        yield None
        return
    with ThreadPoolExecutor(max_workers=workers) as pool:
        yield pool


def climb(users: Users, start: Parameters, *, max_iter: int, tol: float) -> Climb:
    """Run EM from some parameters until a plain step raises the bound by less than ``tol``.

    Parameters
    ----------
    users : Users
    start : Parameters
    max_iter : int
        Passes over the users, at least two.
    tol : float
        Natural-log units, of all users together.

    Notes
    -----
    A plain step and a squared extrapolation take turns. An extrapolation that lowers the bound is taken
    back and the next may not reach as far, so the bound never falls; and it is a plain step whose rise is
    compared with ``tol``, so what is left to rise means the same as without acceleration.
    """
    before = start
    expected, bound = users.expect(before)
    history, reach, passes = [bound], _FIRST_REACH, 1
    while True:
        parameters = users.maximise(expected)
        expected, bound = users.expect(parameters)
        rise, passes = bound - history[-1], passes + 1
        history.append(bound)
        if rise < tol or passes >= max_iter:
            break
        after = users.maximise(expected)
        ahead, length = extrapolate(users.table, (before, parameters, after), expected, reach)
        tried, tried_bound = users.expect(ahead)
        passes += 1
        if tried_bound < bound:
            reach, ahead = max(reach / 4, 1.0), after
            tried, tried_bound = users.expect(after)
            passes += 1
        elif length == reach:
            reach *= 4
        before, expected = ahead, tried
        history.append(tried_bound)
    return Climb(
        parameters=parameters,
        before=before,
        history=tuple(history),
        log_likelihood=expected.log_likelihood,
        converged=bool(rise < tol),
    )


def idle_personas(users: Users, parameters: Parameters) -> list[int]:
    """Return the personas that stand for nobody: under one user, or the same chain as a larger one."""
    held = np.exp(parameters.log_weights) * users.n_users
    pooled = users.table.pooled[:, 0]
    kept: list[int] = []
    idle: list[int] = []
    for cluster in np.argsort(-held, kind="stable").tolist():
        own = parameters.log_moves[:, cluster]
        apart = [float(pooled @ np.abs(own - parameters.log_moves[:, other])) for other in kept]
        is_idle = held[cluster] < 1.0 or min(apart, default=1.0) < _ALIKE
        (idle if is_idle else kept).append(cluster)
    return idle
