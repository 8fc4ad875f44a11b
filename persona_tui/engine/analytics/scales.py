"""Axes with round ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_TICKS: Final = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """The ends of an axis, and the distance of its ticks."""

    low: float
    high: float
    step: float

    def ticks(self) -> tuple[float, ...]:
        """Return where the ticks are, both ends included.

        Examples
        --------
        >>> Scale(-1.0, 0.5, 0.5).ticks()
        (-1.0, -0.5, 0.0, 0.5)
        """
        n_steps = round((self.high - self.low) / self.step)
        return tuple(round(self.low + place * self.step, 9) + 0.0 for place in range(n_steps + 1))


def nice_scale(values: Sequence[float]) -> Scale:
    """Return round ends that hold zero and every value.

    Examples
    --------
    >>> nice_scale([-7.3, 1.2])
    Scale(low=-8.0, high=2.0, step=2.0)
    """
    low, high = min([0.0, *values]), max([0.0, *values])
    if high - low < 1e-9:
        return Scale(-1.0, 1.0, 1.0)
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    ends = step * math.floor(low / step + 1e-9), step * math.ceil(high / step - 1e-9)
    return Scale(round(ends[0], 9), round(ends[1], 9), step)
