"""A funnel of one arm, or of control above treatment: who gets how far, and where the others leave."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure
from persona_tui.tui.widgets.interval_bars import IntervalRow, interval_line
from persona_tui.tui.widgets.measures import MEASURES, Scale, in_glyphs
from persona_tui.tui.widgets.numbers import shown, shown_interval
from persona_tui.tui.widgets.rows import MUTED, Layout, deal_width, label_content, nothing, within

ARM_STYLES = ("$primary", "$accent")
_INDENT = "  "
_NOISE = 1e-12
_LARGEST = "the largest loss"


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelArm:
    """How far the users, or sessions, of one arm get.

    Parameters
    ----------
    name : str
        Such as ``control``; empty where there is one arm.
    reached : tuple of float
        By step.
    total : float
        Of all units, from which rates are shares.
    intervals : tuple of (float, float)
        95 % interval of the rate at each step; empty where none were worked out.
    """

    name: str = ""
    reached: tuple[float, ...]
    total: float
    intervals: tuple[tuple[float, float], ...] = ()

    def rate(self, step: int) -> float:
        """Return the share of all that reach a step, NaN where there are none at all."""
        return self.reached[step] / self.total if self.total else math.nan

    def kept(self, step: int) -> float:
        """Return the share of those at the step before that reach a step, NaN where there are none."""
        before = self.reached[step - 1] if step else 0.0
        return self.reached[step] / before if before else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """What funnel bars show.

    Parameters
    ----------
    steps : tuple of str
        From the data, in the order of the funnel.
    arms : tuple of FunnelArm
        One, or control and treatment.
    uplifts : tuple of ((float, float) or None)
        95 % interval of treatment minus control at each step, None where it was not worked out; the uplift
        itself follows from the arms.
    title : str
    unit : str
        What is counted, above its column.

    Examples
    --------
    Two arms: ``Funnel(steps=steps, arms=(FunnelArm(name="control", reached=..., total=1_000),
    FunnelArm(name="treatment", reached=..., total=1_000)), uplifts=(None, (-0.03, -0.01)),
    unit="of 1,000")``.
    """

    steps: tuple[str, ...]
    arms: tuple[FunnelArm, ...]
    uplifts: tuple[tuple[float, float] | None, ...] = ()
    title: str = ""
    unit: str = "users"


class FunnelBars(Figure[Funnel]):
    """Bars by step with what is lost between two; control stands above treatment."""

    def draw(self, data: Funnel, width: int, glyphs: Glyphs) -> list[Content]:
        """Return a line of titles, then of each step what is lost on the way to it, and its bars."""
        if not data.steps or not data.arms:
            return nothing(data.title, width, glyphs, "No steps.")
        table = [_numbers(arm, glyphs) for arm in data.arms]
        titles = _titles(data, table)
        every = [titles, *(row for rows in table for row in rows)]
        layout = deal_width(_labels(data), [*zip(*every, strict=True)], width)
        scale = _scale(data, layout.plot)
        lines = layout.titles(data.title, titles, glyphs)
        for step, name in enumerate(data.steps):
            lines += _loss_lines(data, step, layout, width, glyphs) if step else []
            lines += [_step_line(data, step, layout, width, glyphs)] if len(data.arms) > 1 else []
            for arm, rows, style in zip(data.arms, table, ARM_STYLES, strict=False):
                low, high = arm.intervals[step] if arm.intervals else (None, None)
                label = name if len(data.arms) == 1 else _INDENT + arm.name
                row = IntervalRow(label=label, value=arm.rate(step), low=low, high=high, style=style)
                lines.append(interval_line(row, rows[step], layout, scale, glyphs))
        return within(lines, width)


def _labels(data: Funnel) -> list[str]:
    """Return what stands to the left of bars."""
    return [*data.steps] if len(data.arms) == 1 else [_INDENT + arm.name for arm in data.arms]


def _scale(data: Funnel, width: int) -> Scale:
    """Return an axis that the largest rate fills."""
    rates = [arm.rate(step) for arm in data.arms for step in range(len(data.steps))]
    rates += [high for arm in data.arms for _, high in arm.intervals]
    highest = max((rate for rate in rates if math.isfinite(rate)), default=0)
    return Scale(measure=MEASURES["percent"], low=0, high=highest or 1, ticks=(), width=max(width, 1))


def _numbers(arm: FunnelArm, glyphs: Glyphs) -> list[tuple[str, ...]]:
    """Return rate, count, rate of the step before and interval at each step."""
    return [
        (
            in_glyphs(shown(arm.rate(step), "percent"), glyphs),
            shown(reached, "count"),
            in_glyphs(shown(arm.kept(step), "percent"), glyphs) if step else "",
            in_glyphs(shown_interval(*arm.intervals[step], "percent"), glyphs) if arm.intervals else "",
        )
        for step, reached in enumerate(arm.reached)
    ]


def _titles(data: Funnel, table: Sequence[Sequence[Sequence[str]]]) -> tuple[str, ...]:
    """Return what stands above the numbers."""
    has_intervals = any(row[-1] for rows in table for row in rows)
    return "of all", data.unit, "of step before", "95 % interval" if has_intervals else ""


def _step_line(data: Funnel, step: int, layout: Layout, width: int, glyphs: Glyphs) -> Content:
    """Return the name of a step, and by how much treatment differs from control there."""
    control, treatment = (arm.rate(step) for arm in data.arms[:2])
    uplift = 0.0 if math.isclose(control, treatment, abs_tol=_NOISE) else treatment - control
    arrow, style = _direction(uplift, glyphs)
    told = f"{arrow} {shown(uplift, 'points')} points"
    interval = data.uplifts[step] if data.uplifts else None
    beside = f" ({shown_interval(*interval, 'points')})" if interval else ""
    if layout.first_end + cell_len(beside) > width:
        beside = ""
    room = max(layout.first_end - len(told) - 2, 0)
    label = label_content(data.steps[step], room, glyphs, "bold")
    return Content.assemble(label, "  ", (in_glyphs(told, glyphs), style), (in_glyphs(beside, glyphs), MUTED))


def _direction(uplift: float, glyphs: Glyphs) -> tuple[str, str]:
    """Return the arrow of an uplift and its style; more that come so far are good."""
    if not uplift or math.isnan(uplift):
        return "=", MUTED
    return (glyphs.up, "$success") if uplift > 0 else (glyphs.down, "$error")


def _loss_lines(data: Funnel, step: int, layout: Layout, width: int, glyphs: Glyphs) -> list[Content]:
    """Return a line of what is lost on the way to a step."""
    if len(data.arms) == 1:
        tellings = _loss_of_one(data.arms[0], step, glyphs)
    else:
        tellings = _losses_of_two(data.arms, step, glyphs)
    style = "$warning" if _LARGEST in tellings[0] else MUTED
    indent = layout.label + 1
    told = next((told for told in tellings if indent + cell_len(told) <= width), tellings[-1])
    return [Content.assemble(" " * indent, (in_glyphs(told, glyphs), style))]


def _loss_of_one(arm: FunnelArm, step: int, glyphs: Glyphs) -> list[str]:
    """Return how many fewer reach a step than the one before, and whether that is the largest loss."""
    losses = [round(before) - round(after) for before, after in pairwise(arm.reached)]
    loss = losses[step - 1]
    if loss == 0:
        return ["none lost"]
    if loss < 0:
        return [f"{glyphs.up} {shown(-loss, 'count')} more"]
    told = f"{glyphs.down} {shown(loss, 'count')} lost, {shown(1 - arm.kept(step), 'percent')}"
    is_largest = len(losses) > 1 and loss == max(losses)
    return [f"{told}, {_LARGEST}", told] if is_largest else [told]


def _losses_of_two(arms: Sequence[FunnelArm], step: int, glyphs: Glyphs) -> list[str]:
    """Return which share of those at the step before each arm loses, at length and in short."""
    lost = [0.0 if abs(1 - arm.kept(step)) < _NOISE else 1 - arm.kept(step) for arm in arms]
    told = [
        f"{glyphs.up} {shown(-each, 'percent')} more" if each < 0 else shown(each, "percent") for each in lost
    ]
    named = ", ".join(f"{printable(arm.name)} {text}" for arm, text in zip(arms, told, strict=True))
    arrow = glyphs.down if any(each > 0 for each in lost) else " "
    return [f"{arrow} lost: {named}", f"{arrow} {named}", f"{arrow} lost {', '.join(told)}"]
