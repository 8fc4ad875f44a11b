"""What a real experiment found: differences between two groups of users, with intervals that hold.

Users are what was drawn by lot, so users are what is resampled in thought: a ratio such as conversions per
session is a ratio of two means over users, and its variance follows by the delta method.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from scipy.special import stdtr, stdtrit

from persona_tui.engine.errors import DataError
from persona_tui.engine.statistics import LEVEL, Interval
from persona_tui.engine.types import BoolArray, FloatArray

Scale: TypeAlias = Literal["share", "number"]
LEAST_USERS: Final = 2
"""In an arm, below which nothing can be told."""
ROUGH_BELOW: Final = 10
"""Users of an arm with, or without, an outcome, below which its intervals are rough."""
TIGHTEST_AT: Final = 10_000
"""Users of both arms at which an always-valid interval is the tightest, unless another number is given."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class UserValues:
    """A metric as what each user adds to it: the mean of ``numerators`` over that of ``denominators``.

    Parameters
    ----------
    name : str
    numerators : array of shape (U,)
    denominators : array of shape (U,), optional
        One a user without it, so that the metric is a mean.
    before : (array, array), optional
        Numerators and denominators, each of shape (U,), of the time before the experiment.
    scale : {"share", "number"}
        Whether it is a share of something, or may be any number.
    """

    name: str
    numerators: FloatArray
    denominators: FloatArray | None = None
    before: tuple[FloatArray, FloatArray] | None = None
    scale: Scale = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Treatment minus control.

    Parameters
    ----------
    control, treatment : float
        The metric in each arm; adjusted where the difference is.
    value : float
    interval : (float, float) or None
        Of 95 %, for one look at a time that was settled before; None where nobody differs from another.
    always_valid : (float, float) or None
        95 % at every moment at once, however often somebody looks.
    relative : float or None
        As a share of control's; None where that is zero.
    relative_interval : (float, float) or None
    p_value : float or None
        Two-sided, of no difference.
    """

    control: float
    treatment: float
    value: float
    interval: Interval | None
    always_valid: Interval | None
    relative: float | None
    relative_interval: Interval | None
    p_value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOut:
    """What an experiment found of one metric.

    Parameters
    ----------
    metric : str
    n_control, n_treatment : int
        Users.
    plain : Difference
    adjusted : Difference or None
        By what the same users did before (CUPED); None where nothing of that is known.
    variance_cut : float or None
        Share of the variance that the adjustment takes away.
    is_rough : bool
        Whether an arm has few outcomes, or few users without one.
    scale : {"share", "number"}
    """

    metric: str
    n_control: int
    n_treatment: int
    plain: Difference
    adjusted: Difference | None
    variance_cut: float | None
    is_rough: bool
    scale: Scale

    @property
    def best(self) -> Difference:
        """Return the adjusted difference, or the plain one where there is no other."""
        return self.adjusted or self.plain


@dataclass(frozen=True, slots=True)
class _Arm:
    """Users of one arm: the metric, its variance times users, and how many there are."""

    mean: float
    variance: float
    n: int


def read_out(
    values: UserValues, control: BoolArray, treatment: BoolArray, *, tightest_at: float = TIGHTEST_AT
) -> ReadOut:
    """Return what an experiment found of one metric.

    Parameters
    ----------
    values : UserValues
    control, treatment : bool array of shape (U,)
        Users of the two arms.
    tightest_at : float
        Users of both arms for whom the always-valid interval is made the tightest; it is valid for any number
        that was not chosen after looking.

    Returns
    -------
    ReadOut

    Raises
    ------
    DataError
        If an arm has fewer than two users.

    Notes
    -----
    O(U). Differences of means or of ratios by the delta method with Welch's degrees of freedom; relative
    ones on the logarithm. The adjustment is CUPED with one coefficient from the users of both arms. The
    always-valid interval is the asymptotic confidence sequence of a normal mixture.

    References
    ----------
    Deng, Xu, Kohavi & Walker (2013), Improving the sensitivity of online controlled experiments by utilizing
    pre-experiment data, *WSDM*. Deng, Knoblich & Lu (2018), Applying the delta method in metric analytics,
    *KDD*. Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (2024), Time-uniform central limit theory and
    asymptotic confidence sequences, *Annals of Statistics* 52.

    Examples
    --------
    >>> bought = np.array([0.0, 0, 1, 1, 0, 1, 1, 1])
    >>> treated = np.arange(8) > 3
    >>> found = read_out(UserValues(name="bought", numerators=bought), ~treated, treated)
    >>> found.plain.value, found.plain.p_value.__round__(3)
    (0.25, 0.537)
    """
    for arm, name in ((control, "control"), (treatment, "treatment")):
        if arm.sum() < LEAST_USERS:
            raise DataError(
                f"The {name} arm has {int(arm.sum())} users; at least {LEAST_USERS} are needed.",
                hint="Check the variant column and the filters of the log.",
            )
    ones = np.ones(len(values.numerators))
    above, below = values.numerators, ones if values.denominators is None else values.denominators
    plain = _difference(
        _arm(above[control], below[control]), _arm(above[treatment], below[treatment]), tightest_at
    )
    adjusted = _adjusted(values, below, control, treatment, tightest_at)
    cut = None
    if adjusted and adjusted.interval and plain.interval:
        cut = 1 - (_width(adjusted.interval) / _width(plain.interval)) ** 2
    return ReadOut(
        metric=values.name,
        n_control=int(control.sum()),
        n_treatment=int(treatment.sum()),
        plain=plain,
        adjusted=adjusted,
        variance_cut=cut,
        is_rough=values.scale == "share" and any(_is_rough(above[at]) for at in (control, treatment)),
        scale=values.scale,
    )


def _is_rough(outcomes: FloatArray) -> bool:
    n = outcomes.sum()
    return bool(min(n, len(outcomes) - n) < ROUGH_BELOW)


def _width(ends: Interval) -> float:
    return ends[1] - ends[0]


def _pull(above: FloatArray, below: FloatArray) -> tuple[float, FloatArray]:
    """Return a ratio of means, and how far each user pulls it; a ratio to nothing is none."""
    mean = below.mean()
    if not mean:
        return math.nan, np.zeros(len(above))
    ratio = float(above.mean() / mean)
    return ratio, (above - ratio * below) / mean


def _arm(above: FloatArray, below: FloatArray) -> _Arm:
    ratio, pulls = _pull(above, below)
    return _Arm(ratio, float(pulls.var(ddof=1)), len(pulls))


def _adjusted(
    values: UserValues, below: FloatArray, control: BoolArray, treatment: BoolArray, tightest_at: float
) -> Difference | None:
    """Return the difference less what the time before foretells; None where that does not vary."""
    if values.before is None:
        return None
    above, both = values.numerators, control | treatment
    was_above, was_below = values.before
    _, pulls = _pull(above[both], below[both])
    usual, was_pulls = _pull(was_above[both], was_below[both])
    spread = was_pulls.var(ddof=1)
    if not spread:
        return None
    slope = float(np.cov(pulls, was_pulls, ddof=1)[0, 1] / spread)

    def arm(at: BoolArray) -> _Arm:
        ratio, mine = _pull(above[at], below[at])
        was, earlier = _pull(was_above[at], was_below[at])
        variance = float((mine - slope * earlier).var(ddof=1))
        return _Arm(ratio - slope * (was - usual), variance, len(mine))

    return _difference(arm(control), arm(treatment), tightest_at)


def _difference(control: _Arm, treatment: _Arm, tightest_at: float) -> Difference:
    value = treatment.mean - control.mean
    error, freedom = _welch(control, treatment)
    ratio = treatment.mean / control.mean - 1 if control.mean else None
    if not error:
        return Difference(
            control=control.mean,
            treatment=treatment.mean,
            value=value,
            interval=None,
            always_valid=None,
            relative=ratio,
            relative_interval=None,
            p_value=None,
        )
    half = error * float(stdtrit(freedom, (1 + LEVEL) / 2))
    wide = error * _always_valid_quantile(control.n + treatment.n, tightest_at)
    return Difference(
        control=control.mean,
        treatment=treatment.mean,
        value=value,
        interval=(value - half, value + half),
        always_valid=(value - wide, value + wide),
        relative=ratio,
        relative_interval=_relative_interval(control, treatment),
        p_value=float(2 * stdtr(freedom, -abs(value) / error)),
    )


def _welch(control: _Arm, treatment: _Arm) -> tuple[float, float]:
    """Return the standard error of a difference and its degrees of freedom."""
    parts = [each.variance / each.n for each in (control, treatment)]
    total = sum(parts)
    if not total or math.isnan(total):
        return 0.0, math.inf
    weights = zip(parts, (control, treatment), strict=True)
    return math.sqrt(total), total**2 / sum(part**2 / (arm.n - 1) for part, arm in weights)


def _relative_interval(control: _Arm, treatment: _Arm) -> Interval | None:
    """Return the interval of the relative difference; None where a mean is not above zero."""
    if min(control.mean, treatment.mean) <= 0:
        return None
    logs = [_Arm(math.log(each.mean), each.variance / each.mean**2, each.n) for each in (control, treatment)]
    error, freedom = _welch(*logs)
    if not error:
        return None
    middle, half = logs[1].mean - logs[0].mean, error * float(stdtrit(freedom, (1 + LEVEL) / 2))
    return math.expm1(middle - half), math.expm1(middle + half)


def _always_valid_quantile(n: int, tightest_at: float) -> float:
    """Return how many standard errors an interval reaches that may be looked at after every user."""
    alpha = 1 - LEVEL
    evidence = -2 * math.log(alpha)
    seen = (evidence + math.log1p(evidence)) * n / tightest_at
    return math.sqrt((1 + 1 / seen) * (math.log1p(seen) + evidence))
