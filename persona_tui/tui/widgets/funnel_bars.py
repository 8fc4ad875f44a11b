"""A funnel of one arm, or of control above treatment: who gets how far, and where the others leave."""

from __future__ import annotations

from dataclasses import dataclass

from textual.content import Content

from persona_tui.tui.glyphs import Glyphs, bar
from persona_tui.tui.widgets.figure import Figure, fitted, widest
from persona_tui.tui.widgets.numbers import shown

_STYLES = ("$primary", "$accent")
_LEAST_BAR = 8


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
    """

    name: str = ""
    reached: tuple[float, ...]
    total: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Funnel:
    """What funnel bars show.

    Parameters
    ----------
    steps : tuple of str
        From the data.
    arms : tuple of FunnelArm
        One or two.
    """

    steps: tuple[str, ...]
    arms: tuple[FunnelArm, ...]


class FunnelBars(Figure[Funnel]):
    """Funnel bars."""

    def draw(self, data: Funnel, width: int, glyphs: Glyphs) -> list[Content]:
        """Return a line a step and arm, under a line that names the columns."""
        if not data.steps:
            return [Content.styled(fitted("No steps.", width, glyphs), "$text-muted")]
        rows = [_numbers(step, arm) for step in range(len(data.steps)) for arm in data.arms]
        heads = ("reached", "of all", "of step before")
        widths = [max(len(head), *(len(row[column]) for row in rows)) for column, head in enumerate(heads)]
        while widths and width - sum(widths) - 2 * len(widths) < _LEAST_BAR + _LEAST_BAR:
            widths.pop()
        room = width - sum(widths) - 2 * len(widths) - 1
        arms = widest(arm.name for arm in data.arms)
        label = min(widest(data.steps), max(room // 2, 1))
        plot = max(room - label - (arms + 1 if arms else 0), 0)
        columns = "".join(f"  {head:>{size}}" for head, size in zip(heads, widths, strict=False))
        lines = [Content.styled(" " * (width - len(columns)) + columns, "$text-muted")] if columns else []
        for number, row in enumerate(rows):
            step, arm = divmod(number, len(data.arms))
            told = data.arms[arm]
            share = told.reached[step] / told.total if told.total else 0.0
            name = fitted(data.steps[step], label, glyphs) if arm == 0 else " " * label
            lines.append(
                Content.assemble(
                    name,
                    (f" {fitted(told.name, arms, glyphs)}" if arms else "", "$text-muted"),
                    " ",
                    (bar(share, plot, glyphs), _STYLES[arm % 2]),
                    "".join(f"  {cell:>{size}}" for cell, size in zip(row, widths, strict=False)),
                )
            )
        return [line.truncate(width) for line in lines]


def _numbers(step: int, arm: FunnelArm) -> tuple[str, str, str]:
    reached = arm.reached[step]
    before = arm.reached[step - 1] if step else 0.0
    return (
        shown(reached, "count"),
        shown(reached / arm.total, "percent") if arm.total else "",
        shown(reached / before, "percent") if before else "",
    )
