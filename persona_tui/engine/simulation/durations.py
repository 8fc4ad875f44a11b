"""How long converting takes: the distribution of the time to completion.

Times add up along a walk, and transforms of sums are products: with every move weighted by the Laplace
transform of its time, the chain is solved at complex points, and what it gives is turned back into time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from persona_tui.engine.simulation.dwell import PROBABILITIES, DwellTimes
from persona_tui.engine.simulation.flow import N_ENDS, Flow, StateKind, fold_returns, solve
from persona_tui.engine.types import AnyArray, FloatArray, IntArray

N_TIMES: Final = 48
"""Times above zero at which distributions are kept."""
QUARTILES: Final = (0.25, 0.5, 0.75, 0.9)

_FINE, _ROUGH = (64, 1.2), (16, 2.0)
"""Nodes and period of the series for results, and for finding where they lie."""
_DECAY, _TAPER = 12.0, 10.0
_PROBES: Final[FloatArray] = np.geomspace(1e-4, 1e10, 29)
"""Seconds, up to three centuries, between which the range of a distribution is looked for."""
_OUTSIDE: Final = 0.001
_INSTANT: Final = 1e-6
"""Stretches of a distribution that are this short, compared with the time looked at, count as points."""
_N_EVEN: Final = 24
"""Times at equal ratios; the others halve the ratio where most convert in between."""
_LEAST_RATIO: Final = 1.02
_LEAST_CONVERSION: Final = 1e-7
"""Conversion below which rounding would show in its distribution."""
_SETTLED: Final = 1e-12
_BLOCK_BYTES: Final = 2**19


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConversionTimes:
    """The distribution of the time from the first event to completion, of journeys that convert.

    Parameters
    ----------
    times : array of shape (T,)
        Seconds: zero, then at equal ratios over all but a thousandth of either tail of every persona,
        closer together where many convert.
    by_persona : array of shape (..., K, T)
        Share of the converting journeys that take at most so long; NaN where none converts, or fewer
        than one in ten million.
    total : array of shape (..., T)
        The same for all personas together.
    """

    times: FloatArray
    by_persona: FloatArray
    total: FloatArray

    def __post_init__(self) -> None:
        for array in (self.times, self.by_persona, self.total):
            array.setflags(write=False)

    def quantiles(self, probabilities: tuple[float, ...] = QUARTILES) -> FloatArray:
        """Return the seconds within which a share of the converting journeys of all personas convert.

        Parameters
        ----------
        probabilities : tuple of float, length Q
            Above 0, at most 0.999.

        Returns
        -------
        array of shape (..., Q)
        """
        return _quantiles(self.times, self.total, probabilities)


def _quantiles(times: FloatArray, cumulated: FloatArray, probabilities: tuple[float, ...]) -> FloatArray:
    """Return where distributions, linear in the logarithm of time above their first time, reach shares."""
    wanted = np.asarray(probabilities)
    after = (cumulated[..., None, :] < wanted[:, None]).sum(axis=-1)
    before, inside = np.maximum(after - 1, 0), np.minimum(after, len(times) - 1)
    low, high = (np.take_along_axis(cumulated, place, axis=-1) for place in (before, inside))
    share = np.divide(wanted - low, high - low, out=np.zeros_like(low), where=high > low)
    start, end = times[before], times[inside]
    growth = np.divide(end, start, out=np.ones_like(end), where=start > 0)
    seconds = np.where(start > 0, start * growth**share, share * end)
    unknown = np.isnan(low) | (after == len(times))
    return np.where(unknown, np.nan, seconds)


def conversion_times(
    flow: Flow,
    shares: FloatArray,
    dwell: DwellTimes,
    max_length: int | None = None,
) -> ConversionTimes:
    """Return the distribution of the time to convert.

    Parameters
    ----------
    flow : Flow
        Its ``time_factors`` scale the times within sessions.
    shares : array of shape (..., K)
        Each persona's share of journeys.
    dwell : DwellTimes
        Fitted on the journeys that the flow is estimated from.
    max_length : int, optional
        Events after which a journey is cut; without it the horizon is unlimited.

    Returns
    -------
    ConversionTimes

    Raises
    ------
    SimulationError
        If the dwell times are of another unit, or the horizon is unlimited and a walk might never end.

    Notes
    -----
    ``E[exp(-s T); converted] = a (I - Q∘Φ(s))^-1 (R∘Φ(s))`` with Φ the transforms of the times of single
    moves, in closed form because their distributions are linear between quantiles; repeated values, and so
    jumps of the distribution, are no exception. It is turned back at each time t by a Fourier series,
    ``sum_k Re w_k φ(β_k / t)`` over 64 points β_k. What such a sum gives is the mean of F(t Y) for
    a Y of mean one; the weights are chosen so that Y has a density, which makes the result rise from
    0 to 1 whatever the times are like: heavy tails, jumps, zeros. Y has a standard deviation of 1.4 %, and
    lies outside 1 ± 0.06 with a chance of 2e-5. So the distribution is that of the time known to a percent
    or two: sums of uniform times are met to 1e-3, a jump is spread over a few percent of its time.
    Each of 48 times costs 64 complex solves a persona, with a horizon a little more: O(4000 K n ** 3),
    0.1 s for 2 personas and 6 states, 0.5 s for 4 and 14, 1.3 s for 6 and 31.

    The times of a journey's moves are taken as independent, and those of one move as the same for all
    personas. Where fast users are fast all along, the upper quantiles come out too late; more personas help.

    References
    ----------
    Abate & Whitt (2006), A unified framework for numerically inverting Laplace transforms, *INFORMS
    Journal on Computing* 18, 408-421. Horváth, Horváth, Almousa & Telek (2020), Numerical inverse Laplace
    transformation using concentrated matrix exponential distributions, *Performance Evaluation* 137,
    for inversion by a density. Kaiser & Schafer (1980), On the use of the I0-sinh window for spectrum
    analysis, *IEEE Transactions on Acoustics, Speech, and Signal Processing* 28, 105-107.

    Examples
    --------
    Two moves that take up to a minute each, all times alike, take a minute in the middle:

    >>> moves = np.array([[[0, 0.8, 0, 0.2, 0], [0, 0, 0.5, 0.5, 0], [0, 0, 0, 0, 0]]])
    >>> funnel = Flow(
    ...     states=("cart", "pay", "done"), kinds=np.array([0, 0, 1]), unit="session",
    ...     starts=np.array([[1.0, 0.0, 0.0]]), transitions=moves, support=100 * moves,
    ...     friction_is_drop=False)
    >>> a_minute = DwellTimes(
    ...     states=funnel.states, rows=np.zeros((3, 3), dtype=np.int32),
    ...     quantiles=60 * PROBABILITIES[None], observed=np.full((3, 3), 100))
    >>> conversion_times(funnel, np.ones(1), a_minute).quantiles((0.125, 0.5, 0.875)).round()
    array([30., 60., 90.])
    """
    chains = _TimedChains.of(flow, dwell, max_length)
    conversion = solve(flow, max_length).converted
    whole = np.append(conversion, (conversion * shares).sum(axis=-1, keepdims=True), axis=-1)

    def distribution(time: float, series: tuple[int, float]) -> FloatArray:
        """Return the share of converting journeys done by a time: of each persona, and last of all."""
        done = chains.converted_by(time, *series) if time > 0 else chains.converted_at_once()
        done = np.append(done, (done * shares).sum(axis=-1, keepdims=True), axis=-1)
        known = whole > _LEAST_CONVERSION
        share: FloatArray = np.divide(done, whole, out=np.full_like(done, np.nan), where=known)
        return share

    rough = [distribution(time, _ROUGH) for time in _PROBES]
    found = {0.0: distribution(0.0, _FINE)}
    first, last = _range(np.stack(rough, axis=-1), found[0.0])
    found |= {time: distribution(time, _FINE) for time in np.geomspace(first, last, _N_EVEN)}
    while len(found) <= N_TIMES and (between := _busiest(found)) is not None:
        found[between] = distribution(between, _FINE)
    times = np.array(sorted(found))
    cumulated = np.stack([found[time] for time in times.tolist()], axis=-1)
    settled = np.minimum(np.maximum.accumulate(cumulated, axis=-1), 1.0)  # but for rounding, it is both
    return ConversionTimes(times=times, by_persona=settled[..., :-1, :], total=settled[..., -1, :])


def _range(rough: FloatArray, at_once: FloatArray) -> tuple[float, float]:
    """Return the times between which nearly all convert, of a distribution at the probes."""
    known = ~np.isnan(at_once)
    begun = (rough > at_once[..., None] + _OUTSIDE)[known].any(axis=0)
    done = (rough >= 1 - _OUTSIDE)[known].all(axis=0)
    first = int(np.argmax(begun)) - 1 if begun.any() else 0
    last = int(np.argmax(done)) if done.any() else len(_PROBES) - 1
    first = max(min(first, last - 1), 0)
    return float(_PROBES[first]), float(_PROBES[max(last, first + 1)])


def _busiest(found: dict[float, FloatArray]) -> float | None:
    """Return a time in the middle of the two between which most convert; None where all lie close."""
    times = np.array(sorted(found))[1:]
    steps = np.abs(np.diff([np.nan_to_num(found[time]) for time in times.tolist()], axis=0))
    busy = steps.reshape(len(times) - 1, -1).max(axis=1)
    busy[times[1:] < times[:-1] * _LEAST_RATIO] = 0.0
    at = int(busy.argmax())
    return float(np.sqrt(times[at] * times[at + 1])) if busy[at] > 0 else None


@cache
def _kernel(n_nodes: int, period: float) -> tuple[AnyArray, AnyArray]:
    """Return the points and weights that turn a transform back into time.

    The density of Y is ``exp(-c y)`` times a squared trigonometric polynomial, the autocorrelation of a
    Kaiser window: not negative, narrow at one, and next to nothing elsewhere up to the next period.
    """
    taper = np.kaiser(n_nodes, _TAPER)
    series = np.convolve(taper, taper)[n_nodes - 1 :]
    series[0] /= 2
    nodes = (_DECAY + 2j * np.pi * np.arange(n_nodes)) / period
    weights = series * np.exp(nodes) / nodes
    weights /= weights.sum().real
    mean = (weights / nodes).sum().real
    return nodes * mean, weights


@dataclass(frozen=True, slots=True, eq=False)
class _TimedChains:
    """Chains whose moves take time: ``quantiles`` of shape (P, 64), of which each move reads one row."""

    flow: Flow
    quantiles: FloatArray
    rows: IntArray
    max_length: int | None

    @classmethod
    def of(cls, flow: Flow, dwell: DwellTimes, max_length: int | None) -> _TimedChains:
        arranged = dwell.arranged(flow.states)
        factors = np.where(arranged.is_return, 1.0, flow.time_factors[..., None])
        rows = np.broadcast_to(arranged.rows, np.broadcast_shapes(arranged.rows.shape, factors.shape))
        pairs = np.stack([rows.ravel(), np.broadcast_to(factors, rows.shape).ravel()])
        distinct, place = np.unique(pairs, axis=1, return_inverse=True)
        quantiles = arranged.quantiles[distinct[0].astype(np.int64)] * distinct[1][:, None]
        leading = (1,) * (flow.transitions.ndim - rows.ndim)
        return cls(flow, quantiles, place.reshape(*leading, *rows.shape), max_length)

    def converted_at_once(self) -> FloatArray:
        """Return the share of journeys that convert in no time, shape (..., K)."""
        instant = (self.quantiles[:, 1:] == 0) @ np.diff(PROBABILITIES)
        converted: FloatArray = self._solve(instant[None])[0]
        return converted

    def converted_by(self, time: float, n_nodes: int, period: float) -> FloatArray:
        """Return the share of journeys that have converted by a time, shape (..., K)."""
        nodes, weights = _kernel(n_nodes, period)
        transforms = _transform(self.quantiles / time, nodes)
        size = max(1, _BLOCK_BYTES // (16 * self.flow.transitions.size))
        parts = [self._solve(transforms[at : at + size]) for at in range(0, n_nodes, size)]
        return np.asarray(np.tensordot(weights, np.concatenate(parts), axes=1).real)

    def _solve(self, transforms: AnyArray) -> AnyArray:
        """Return the transformed conversion, shape (m, ..., K), at transforms of shape (m, P)."""
        goal = (self.flow.kinds == StateKind.COMPLETION).astype(float)[:, None]
        if self.max_length is None:
            value = np.linalg.solve(np.eye(self.flow.n_states) - self._weigh(transforms), goal)
        else:
            value = self._within(transforms, goal, self.max_length)
        found: AnyArray = (self.flow.starts * value[..., 0]).sum(axis=-1)
        return found

    def _weigh(self, transforms: AnyArray) -> AnyArray:
        weighted: AnyArray = self.flow.transitions[..., :-N_ENDS] * transforms[:, self.rows]
        return weighted

    def _within(self, transforms: AnyArray, goal: FloatArray, max_length: int) -> AnyArray:
        """Return the transformed chance to convert from each state within some events."""
        weighted = fold_returns(self.flow, self._weigh(transforms))
        value: AnyArray = np.broadcast_to(goal, (*weighted.shape[:-1], 1))
        for _ in range(max_length - 1):
            before, value = value, goal + np.matmul(weighted, value)
            if np.abs(value - before).max() < _SETTLED:
                break
        return value


def _transform(quantiles: FloatArray, nodes: AnyArray) -> AnyArray:
    """Return the Laplace transforms of distributions that are linear between their quantiles.

    Parameters
    ----------
    quantiles : array of shape (P, 64)
    nodes : complex array of shape (m,)
        Equally spaced.

    Returns
    -------
    complex array of shape (m, P)

    Notes
    -----
    A density d from a to b gives ``d (exp(-s a) - exp(-s b)) / s``, a point of weight p at c gives
    ``p exp(-s c)``. From one node to the next every exponential is multiplied by the same number.
    """
    lengths, chances = np.diff(quantiles), np.diff(PROBABILITIES)
    instant = lengths < _INSTANT
    density = np.where(instant, 0.0, chances / np.where(instant, 1.0, lengths))
    jumps = np.diff(density, prepend=0.0, append=0.0)
    points = np.where(instant, chances, 0.0)
    n = quantiles.shape[1]
    places = np.concatenate([quantiles, quantiles[:, :-1] + lengths / 2], axis=1)
    exponentials, turn = np.exp(-nodes[0] * places), np.exp(-(nodes[1] - nodes[0]) * places)
    transforms = np.empty((len(nodes), len(quantiles)), dtype=complex)
    for position, node in enumerate(nodes):
        transforms[position] = np.einsum("pi,pi->p", exponentials[:, :n], jumps) / node
        transforms[position] += np.einsum("pi,pi->p", exponentials[:, n:], points)
        exponentials *= turn
    return transforms
