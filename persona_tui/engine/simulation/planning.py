"""The real A/B test of a predicted change: how many units, how many weeks, and what may come of it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Final

import numpy as np

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.simulation.crossings import below, first_crossing
from persona_tui.engine.statistics import LEVEL, Interval, interval
from persona_tui.engine.types import FloatArray, Unit

KINDS: Final = ("fixed", "O'Brien-Fleming", "Pocock", "always valid")
YEAR_WEEKS: Final = 52
FEW_EVENTS: Final = 10
"""Conversions, or units without one, in an arm below which the normal approximation is rough."""

_N_UPLIFTS, _OUT_OF_REACH = 400, 8.0
_OPEN_ENDED: Final = np.geomspace(0.02, 50, 160)
"""Looks of a test without an end, as shares of the unpooled fixed size: each 5 % after the one before."""
_MOST_UNITS, _ROUNDING, _CONVERGED = 1e15, 1e-9, 1e-12
_NORMAL: Final = NormalDist()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """A real test of a predicted uplift, and the terms on which it is run.

    Parameters
    ----------
    control, uplift, per_week : float
        Predicted mean of the metric in control, treatment minus control, and units that arrive in a week.
    total, draws : (float, float), array of shape (B,), optional
        95 % interval of the uplift and draws of it; without draws, those of a normal cut to possible rates.
    deviations : (float, float), optional
        Standard deviation of one unit in control and treatment; a rate, None, implies its own.
    unit : {"user", "session"}
    power, level : float
        Chance of finding the predicted uplift, 0.5 to 1, and of finding something in nothing, up to 0.25.
    one_sided : bool
        Whether only the predicted direction counts as found.
    treatment_share, exposed : float
        Share of the units in the test that are treated, and of the traffic that is in the test.
    units_per_user, correlation : float
        Mean units of a user, at least 1, and the correlation of two of them; users are assigned to arms.

    Raises
    ------
    SimulationError
        If numbers are out of bounds; all of them are named.
    """

    control: float
    uplift: float
    per_week: float
    total: Interval | None = None
    draws: FloatArray | None = None
    deviations: tuple[float, float] | None = None
    unit: Unit = "user"
    power: float = 0.8
    level: float = 0.05
    one_sided: bool = False
    treatment_share: float = 0.5
    exposed: float = 1.0
    units_per_user: float = 1.0
    correlation: float = 0.0

    def __post_init__(self) -> None:
        low, high = self.total or (0.0, 0.0)
        after, is_rate = self.control + self.uplift, self.deviations is None
        bounds = {
            "control": 0 <= self.control <= 1 if is_rate else math.isfinite(self.control),
            "uplift": -_ROUNDING <= after <= 1 + _ROUNDING if is_rate else math.isfinite(after),
            "per_week": 0 < self.per_week < math.inf,
            "total": -math.inf < low <= high < math.inf,
            "draws": self.draws is None or (len(self.draws) > 0 and bool(np.isfinite(self.draws).all())),
            "deviations": all(0 < each < math.inf for each in self.deviations or ()),
            "level": 0 < self.level <= 0.25,
            "power": 0.5 <= self.power < 1,
            "treatment_share": 0 < self.treatment_share < 1,
            "exposed": 0 < self.exposed <= 1,
            "units_per_user": 1 <= self.units_per_user < math.inf,
            "correlation": 0 <= self.correlation <= 1,
        }
        faults = [f"{name} == {getattr(self, name)}, out of bounds." for name in bounds if not bounds[name]]
        if faults:
            raise SimulationError(" ".join(faults), hint="Rates are 0 to 1, and so is control + uplift.")

    @property
    def tail(self) -> float:
        """Return the chance of a false finding in the direction of the uplift."""
        return self.level if self.one_sided else self.level / 2

    def weeks(self, units: float) -> float:
        """Return the weeks in which some units, of both arms, arrive."""
        return units / (self.per_week * self.exposed)

    def spreads(self, uplift: float | FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return σ₀ and σ₁: the deviation of the estimate times √units, without and with the uplift."""
        w, after = self.treatment_share, np.clip(self.control + np.asarray(uplift, float), 0, 1)
        pooled = (1 - w) * self.control + w * after
        null = pooled * (1 - pooled) / (w * (1 - w))
        actual = self.control * (1 - self.control) / (1 - w) + after * (1 - after) / w
        if self.deviations is not None:
            before, behind = self.deviations
            null = actual = np.full_like(after, before**2 / (1 - w) + behind**2 / w)
        design_effect = 1 + (self.units_per_user - 1) * self.correlation
        return np.sqrt(null * design_effect), np.sqrt(actual * design_effect)

    def fixed_size(self) -> float:
        """Return the units, of both arms, that find the uplift with the power asked for; not rounded."""
        null, actual = self.spreads(self.uplift)
        needed = float(_NORMAL.inv_cdf(1 - self.tail) * null + _NORMAL.inv_cdf(self.power) * actual)
        return (max(needed, 0.0) / self.uplift) ** 2 if self.uplift else math.inf

    def chance(self, units: float, uplifts: FloatArray) -> FloatArray:
        """Return the chance that a fixed test finds each uplift in its own direction; never one of zero."""
        null, actual = self.spreads(uplifts)
        sizes = uplifts * math.copysign(1, self.uplift) if self.one_sided else np.abs(uplifts)
        margin = sizes * math.sqrt(units) - _NORMAL.inv_cdf(1 - self.tail) * null
        return np.where(uplifts == 0, 0.0, below(margin / np.maximum(actual, _ROUNDING)))

    def possible_uplifts(self) -> FloatArray:
        """Return the uplifts over which assurance is averaged, of equal weight; shape (B,)."""
        if self.draws is not None or self.total is None or self.total[0] == self.total[1]:
            return np.array([self.uplift]) if self.draws is None else self.draws
        half = (self.total[1] - self.total[0]) / 2
        normal = NormalDist(self.uplift, half / _NORMAL.inv_cdf((1 + LEVEL) / 2))
        ends = (-self.control, 1 - self.control) if self.deviations is None else (-math.inf, math.inf)
        least, most = (normal.cdf(end) for end in ends)
        shares = least + (most - least) * (np.arange(_N_UPLIFTS) + 0.5) / _N_UPLIFTS
        return np.array([normal.inv_cdf(share) for share in shares])

    def assured_size(self, assurance: float) -> float:
        """Return the units, of both arms, whose mean chance is the assurance; infinite where none do."""
        uplifts = self.possible_uplifts()
        return _root(lambda units: float(self.chance(units, uplifts).mean()) - assurance)

    def detectable_uplift(self, weeks: float) -> float | None:
        """Return the least uplift, in the predicted direction, found in some weeks; None if none is."""
        units, sign = weeks * self.per_week * self.exposed, math.copysign(1, self.uplift)
        size = _root(lambda each: float(self.chance(units, np.array([sign * each]))[0]) - self.power)
        possible = 1 - self.control if sign > 0 else self.control
        return None if self.deviations is None and size > possible else sign * size


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What one way of testing takes; None where no number of units is enough.

    Parameters
    ----------
    kind : str
        Of ``KINDS``.
    control, treatment, weeks : int, int, float or None
        Units of each arm at most, and the weeks in which they arrive; an always-valid test has no end:
        units by which it has ended for the predicted uplift with the power asked for.
    expected_units : float or None
        Of both arms until it ends, on average, if the uplift is as predicted.
    boundaries : tuple of float
        The absolute z at each look from which on it ends; an always-valid test has no fixed ones.
    """

    kind: str
    control: int | None = None
    treatment: int | None = None
    weeks: float | None = None
    expected_units: float | None = None
    boundaries: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What a real test of a predicted change takes, and what may come of it.

    Parameters
    ----------
    trial : Trial
    designs : tuple of Design
        In the order of ``KINDS``.
    wanted_assurance, weeks : float
        As asked for.
    assurance, assured_weeks : float or None
        Chance that the fixed test finds the uplift, averaged over what the uplift may be, and the weeks
        that bring it to the one asked for; None where nothing does.
    detectable_uplift : float or None
        The least uplift, in the predicted direction, that the weeks find with the power asked for.
    """

    trial: Trial
    designs: tuple[Design, ...]
    assurance: float | None
    wanted_assurance: float
    assured_weeks: float | None
    weeks: float
    detectable_uplift: float | None

    def sentences(self) -> tuple[str, ...]:
        """Return the plan in plain words."""
        aim, *others = self.remarks()
        return (aim, *(_told(self.trial, each) for each in self.designs if each.weeks is not None), *others)

    def remarks(self) -> tuple[str, ...]:
        """Return what is to be found, and what to mind, without what each design takes."""
        trial, least, sides = self.trial, self.detectable_uplift, "one" if self.trial.one_sided else "two"
        terms = f"a chance of {_percent(trial.power)}, {sides}-sided at {trial.level:.2g}"
        found = "no uplift, however large," if least is None else f"{_amount(trial, least)} or more"
        aim = f"The test is to find {_amount(trial, trial.uplift)} with {terms}."
        last = f"A {self.weeks:.3g}-week test of fixed size finds {found} with that chance."
        return (aim, *_cautions(self), last)


def plan_experiment(trial: Trial, *, n_looks: int = 5, assurance: float = 0.8, weeks: float = 4.0) -> Plan:
    """Return what a real test of a predicted change takes.

    Parameters
    ----------
    trial : Trial
    n_looks : int
        Looks of the group-sequential designs, equally spaced; 1 to 100.
    assurance, weeks : float
        A chance of finding the uplift, whatever it really is, for which a size is sought, above the
        level; and a length for which the least uplift that can be found is sought.

    Returns
    -------
    Plan

    Raises
    ------
    SimulationError
        If a number is out of bounds.

    Notes
    -----
    With N units, a share w treated, the estimate of ``δ = p₂ - p₁`` has variance ``σ² / N``: unpooled
    ``σ₁² = p₁(1 - p₁)/(1 - w) + p₂(1 - p₂)/w`` under the uplift, pooled ``σ₀² = p(1 - p)/(w(1 - w))`` with
    ``p = (1 - w)p₁ + w p₂`` in the test. Of a mean both are ``s₁²/(1 - w) + s₂²/w``. Units that share users
    multiply them by ``1 + (m - 1)ρ``, as if all users had m.

    Fixed: ``N = ((z_α σ₀ + z_β σ₁)/δ)²``, without a correction for continuity. Group-sequential: ends at look
    k of K where ``|Z| >= c`` (Pocock) or ``c √(K/k)`` (O'Brien-Fleming); its size is the fixed one times the
    squared ratio of the drifts that give the power. Always valid: ends where the mixture likelihood ratio
    exceeds 1/α, ``Z² >= (1 + 1/s)(log(1 + s) + 2 log(1/α))``, ``s = τ² N/σ₁²``, the mixture variance τ²
    being the mean square of the possible uplifts. A one-sided test has the bounds of a two-sided one of
    twice the level; the lower ends it for harm.

    Stopping times by recursion over the looks, with 96 Gauss-Legendre nodes each; an always-valid test is
    looked at whenever it has grown by 5 %. 0.1 s, and what depends on level and power alone is kept.

    References
    ----------
    Fleiss, Levin & Paik (2003), *Statistical Methods for Rates and Proportions*, 4.2. Armitage, McPherson &
    Rowe (1969), *JRSS A* 132. Jennison & Turnbull (2000), *Group Sequential Methods*, 2 and 19. Johari,
    Koomen, Pekelis & Walsh (2022), *Operations Research* 70. O'Hagan, Stevens & Campbell (2005), Assurance
    in clinical trial design, *Pharmaceutical Statistics* 4.

    Examples
    --------
    >>> plan = plan_experiment(Trial(control=0.6, uplift=-0.1, per_week=500))
    >>> print(plan.sentences()[1])
    A test of fixed size takes 388 users per arm, 1.6 weeks.
    """
    bounds = {"n_looks": 1 <= n_looks <= 100, "assurance": trial.level < assurance < 1}
    bounds["weeks"] = 0 < weeks < math.inf
    if faults := [name for name in bounds if not bounds[name]]:
        raise SimulationError(f"Out of bounds: {', '.join(faults)}.")
    fixed, assured = trial.fixed_size(), trial.assured_size(assurance)
    return Plan(
        trial=trial,
        designs=tuple(_design(trial, kind, fixed, n_looks) for kind in KINDS),
        assurance=float(trial.chance(fixed, trial.possible_uplifts()).mean()) if trial.uplift else None,
        wanted_assurance=assurance,
        assured_weeks=None if math.isinf(assured) else trial.weeks(assured),
        weeks=weeks,
        detectable_uplift=trial.detectable_uplift(weeks),
    )


def _design(trial: Trial, kind: str, fixed: float, n_looks: int) -> Design:
    if math.isinf(fixed):
        return Design(kind=kind)
    if kind == "always valid":
        limits, growth, expected = _always_valid(trial, fixed)
    else:
        n_looks = 1 if kind == "fixed" else n_looks
        limits, growth, expected = _group_sequential(kind, n_looks, trial.tail, trial.power)
    shares = (1 - trial.treatment_share, trial.treatment_share)
    control, treatment = (math.ceil(fixed * growth * share - _ROUNDING) for share in shares)
    return Design(
        kind=kind,
        control=control,
        treatment=treatment,
        weeks=trial.weeks(control + treatment),
        expected_units=fixed * expected,
        boundaries=tuple(map(float, limits)),
    )


@lru_cache
def _group_sequential(kind: str, n_looks: int, tail: float, power: float) -> tuple[FloatArray, float, float]:
    """Return the boundaries, and the largest and the expected size as multiples of the fixed one."""
    times = np.arange(1, n_looks + 1) / n_looks
    shape = times**-0.5 if kind == "O'Brien-Fleming" else np.ones(n_looks)
    limits = shape * _root(lambda height: tail - float(first_crossing(times, height * shape, 0.0)[0].sum()))
    drift = _root(lambda each: float(first_crossing(times, limits, each)[0].sum()) - power)
    growth = (drift / (_NORMAL.inv_cdf(1 - tail) + _NORMAL.inv_cdf(power))) ** 2
    stopped = first_crossing(times, limits, drift).sum(axis=0)
    return limits, growth, growth * float(1 - stopped @ (1 - times))


def _always_valid(trial: Trial, fixed: float) -> tuple[FloatArray, float, float]:
    """Return no boundaries, and the size by which it has ended and the expected one, as multiples."""
    null, actual = map(float, trial.spreads(trial.uplift))
    drift = _NORMAL.inv_cdf(1 - trial.tail) + _NORMAL.inv_cdf(trial.power)
    looks = _OPEN_ENDED * (drift * (actual or null) / trial.uplift) ** 2 / fixed
    s = float((trial.possible_uplifts() ** 2).mean()) * (drift / trial.uplift) ** 2 * _OPEN_ENDED
    limits = np.sqrt((1 + 1 / s) * (np.log1p(s) - 2 * math.log(2 * trial.tail)))
    limits = np.minimum(limits, _OUT_OF_REACH + drift * np.sqrt(_OPEN_ENDED))
    found, harmed = first_crossing(_OPEN_ENDED, limits, drift)
    expected = looks[-1] - (found + harmed) @ (looks[-1] - looks)
    return np.empty(0), float(np.interp(trial.power, found.cumsum(), looks)), float(expected)


def _root(function: Callable[[float], float]) -> float:
    """Return where a rising function passes zero, by false position (Illinois); infinity if it does not."""
    low, high, at_low, at_high = 0.0, 1.0, function(0.0), function(1.0)
    while at_high < 0 and high < _MOST_UNITS:
        low, high, at_low, at_high = high, 2 * high, at_high, function(2 * high)
    if at_high < 0:
        return math.inf
    while at_high != at_low and abs(at_high) > _CONVERGED and abs(high - low) > _CONVERGED * high:
        middle = high - at_high * (high - low) / (at_high - at_low)
        at_middle = function(middle)
        low, at_low = (low, at_low / 2) if at_middle * at_high > 0 else (high, at_high)
        high, at_high = middle, at_middle
    return high


def _percent(chance: float) -> str:
    return f"{100 * chance:.0f}\u202f%"


def _amount(trial: Trial, change: float) -> str:
    sign = "+" if change > 0 else "−" if change < 0 else ""
    return f"{sign}{abs(change):.3g}" if trial.deviations else f"{sign}{abs(100 * change):.3g} points"


def _told(trial: Trial, design: Design) -> str:
    one, other = design.control or 0, design.treatment or 0
    arms = "per arm" if one == other else f"in control and {other:,} in treatment"
    size = f"{one:,} {trial.unit}s {arms}"
    if trial.units_per_user > 1:
        size += f" (of {(one + other) / trial.units_per_user:,.0f} users in all)"
    size += f", {design.weeks:,.1f} weeks"
    if design.kind == "fixed":
        return f"A test of fixed size takes {size}."
    mean = f"{trial.weeks(design.expected_units or 0):,.1f} weeks on average if the uplift is as predicted"
    if design.kind == "always valid":
        return f"Watched all the time (always valid), it has ended with that power by {size}; {mean}."
    reached = ", ".join(f"{height:.2f}" for height in design.boundaries)
    return f"Ended early at a look where |z| reaches {reached} ({design.kind}): at most {size}; {mean}."


def _cautions(plan: Plan) -> list[str]:
    trial, fixed, uplifts = plan.trial, plan.designs[0], plan.trial.possible_uplifts()
    low, high = trial.total or interval(uplifts)
    weeks, doubt = fixed.weeks or 1.0, len(uplifts) > 1
    takes = "is out of reach" if plan.assured_weeks is None else f"takes {plan.assured_weeks:,.1f} weeks"
    mean = f"Averaged over all it may be, a fixed test finds it in {_percent(plan.assurance or 0)} of cases."
    arms = ((fixed.control, trial.control), (fixed.treatment, trial.control + trial.uplift))
    events = [n * min(rate, 1 - rate) for n, rate in arms if n and trial.deviations is None]
    cautions = (
        (not trial.uplift, f"No number of {trial.unit}s is enough to find an uplift of zero."),
        (doubt and low < 0 < high, f"It may help or hurt: {_amount(trial, low)} to {_amount(trial, high)}."),
        (doubt and plan.assurance is not None, mean),
        (doubt, f"A chance of {_percent(plan.wanted_assurance)} {takes}."),
        (weeks > YEAR_WEEKS, "That is more than a year: users and product will change meanwhile."),
        (weeks < 1, "Run it for whole weeks all the same: weekdays differ."),
        (min(events, default=FEW_EVENTS) < FEW_EVENTS, "So few conversions make the sizes rough."),
    )
    return [caution for holds, caution in cautions if holds]
