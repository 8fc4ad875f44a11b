"""What the numbers of a figure measure: where they lie on an axis, and the round numbers told along it.

To add one, add its kind to ``numbers`` and a ``Measure`` to ``MEASURES``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from persona_tui.engine.analytics.numbers import UNKNOWN
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.numbers import Kind

_FURTHEST_LIFT: Final = 64.0
_MARGINS: Final = 5
"""An axis ends at a fifth of the way between two ticks, or at one."""
_ASCII: Final = str.maketrans({UNKNOWN: "-", "×": "x"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """Where the numbers of a kind lie.

    Parameters
    ----------
    tick : callable
        Of a value, the text at its place on the axis, as short as can be.
    origin : float
        Where bars begin.
    is_two_sided : bool
        Whether values lie on both sides of the origin, and say on which.
    has_ratio_axis : bool
        Whether a double lies as far from the origin as a half.
    """

    tick: Callable[[float], str]
    origin: float = 0.0
    is_two_sided: bool = False
    has_ratio_axis: bool = False

    def place(self, value: float) -> float:
        """Return where a value lies, in the units of the axis."""
        if not self.has_ratio_axis:
            return value
        return math.log2(min(max(value, 1 / _FURTHEST_LIFT), _FURTHEST_LIFT))

    def value_at(self, place: float) -> float:
        """Return which value lies at a place of the axis."""
        return 2**place if self.has_ratio_axis else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """An axis of some cells: its ends and the ticks on it, in the places of its measure.

    Parameters
    ----------
    measure : Measure
    low, high : float
    ticks : tuple of float
    width : int
        Cells.
    """

    measure: Measure
    low: float
    high: float
    ticks: tuple[float, ...]
    width: int

    def cell(self, value: float) -> int:
        """Return the cell in which a value lies; what lies outside is put at the end."""
        return self.cell_of_place(self.measure.place(value))

    def cell_of_place(self, place: float) -> int:
        """Return the cell of a place of the axis."""
        share = (place - self.low) / (self.high - self.low)
        return round(min(max(share, 0), 1) * (self.width - 1))


def find_scale(kind: Kind, values: Iterable[float], width: int, *, with_origin: bool = True) -> Scale:
    """Return an axis with round ticks that holds all values, and the origin where bars begin there.

    Examples
    --------
    >>> find_scale("percent", [0.12, 0.46], 60).ticks
    (0.0, 0.1, 0.2, 0.3, 0.4)
    """
    measure = MEASURES[kind]
    places = [measure.place(value) for value in values if math.isfinite(value)]
    if with_origin or not places:
        places.append(measure.place(measure.origin))
    low, high = min(places), max(places)
    if high - low < 1e-9:
        high = low + (1.0 if measure.has_ratio_axis else max(abs(low), 1.0) / 10)
    step = _round_step(high - low, max(min(width // 8, 10), 2), whole=measure.has_ratio_axis)
    margin = step / _MARGINS
    low, high = math.floor(low / margin + 1e-9) * margin, math.ceil(high / margin - 1e-9) * margin
    ticks = _ticks(low, high, step)
    if len(ticks) < 2:
        ticks = _ticks(low, high, step / 2)
    return Scale(measure=measure, low=low, high=high, ticks=ticks, width=width)


def _ticks(low: float, high: float, step: float) -> tuple[float, ...]:
    """Return the multiples of a step from one end to the other."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return tuple(round(index * step, 12) for index in range(first, last + 1))


def _round_step(span: float, n_steps: int, *, whole: bool) -> float:
    """Return a round step: the smallest of which not more fit into a span, but at least one does."""
    least = span / n_steps
    power = 10.0 ** math.floor(math.log10(least))
    steps = [factor * power for factor in (0.5, 1, 2, 2.5, 5, 10)]
    step = next((step for step in steps if least <= step * (1 + 1e-9) and step <= span), None)
    step = max(step for step in steps if step <= span * (1 + 1e-9)) if step is None else step
    return float(max(math.ceil(step - 1e-9), 1)) if whole else step


def in_glyphs(text: str, glyphs: Glyphs) -> str:
    """Return the text of a number in characters that the terminal has.

    Examples
    --------
    >>> from persona_tui.tui.glyphs import LADDER
    >>> in_glyphs("1.80×", LADDER["ascii"])
    '1.80x'
    """
    return text.translate(_ASCII) if glyphs.name == "ascii" else text


def _signed_tick(value: float) -> str:
    return f"{value:+g}" if abs(value) > 1e-12 else "0"


MEASURES: Final[dict[Kind, Measure]] = {
    "percent": Measure(tick=lambda share: f"{100 * share:g} %"),
    "points": Measure(tick=lambda value: _signed_tick(round(100 * value, 9)), is_two_sided=True),
    "number": Measure(tick=lambda value: f"{value:g}"),
    "count": Measure(tick=lambda value: f"{value:,.0f}"),
    "signed": Measure(tick=_signed_tick, is_two_sided=True),
    "lift": Measure(tick=lambda value: f"{value:.2g}×", origin=1.0, is_two_sided=True, has_ratio_axis=True),
}
