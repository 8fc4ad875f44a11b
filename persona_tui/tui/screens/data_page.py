"""What the Data screen says of a log: tables and figures made from an inspection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.content import Content

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs, bar
from persona_tui.tui.widgets.figure import Figure
from persona_tui.tui.widgets.funnel_bars import Funnel, FunnelArm
from persona_tui.tui.widgets.histogram import Columns
from persona_tui.tui.widgets.numbers import shown
from persona_tui.tui.widgets.text_table import TextTable

if TYPE_CHECKING:
    from persona_tui.study.inspection import Inspection

_SURE: Final = ((0.9, "surely"), (0.6, "probably"), (0.0, "perhaps"))
_BAR: Final = 16
_WIDEST_HISTOGRAM: Final = 4
_ACTS: Final = {"dropped": "$text-error", "repaired": "$text-warning", "kept": ""}


class Tiles(Figure[tuple[tuple[str, str], ...]]):
    """The numbers of a log side by side, each above its name."""

    def draw(self, data: tuple[tuple[str, str], ...], width: int, glyphs: Glyphs) -> list[Content]:  # noqa: ARG002
        """Return as many tiles a line as fit."""
        size = max(max(len(number), len(name)) for number, name in data) + 2
        per_line = max(min(width // size, len(data)), 1)
        n_lines = -(-len(data) // per_line)
        per_line = -(-len(data) // n_lines)
        size = max(width // per_line, 1)
        lines = []
        for begin in range(0, len(data), per_line):
            some = data[begin : begin + per_line]
            lines.append(Content.styled("".join(f"{number:<{size}}" for number, _ in some), "bold"))
            lines.append(Content.styled("".join(f"{name:<{size}}" for _, name in some), "$text-muted"))
        return [line.truncate(width) for line in lines]


def tiles(found: Inspection) -> tuple[tuple[str, str], ...]:
    """Return the numbers of a log with their names."""
    rejected = found.quality.n_rejected
    share = f" ({shown(found.quality.rejected_share, 'percent')})" if rejected else ""
    days = (found.last.date() - found.first.date()).days + 1
    return (
        (shown(found.n_events, "count"), "events"),
        (shown(found.n_users, "count"), "users"),
        (shown(found.n_sessions, "count"), "sessions"),
        (f"{days:,} days", f"{found.first:%Y-%m-%d} to {found.last:%m-%d}"),
        (shown(len(found.events), "count"), "event types"),
        (f"{rejected:,}", f"rows rejected{share}"),
    )


def recognised(found: Inspection) -> Content:
    """Return what was recognised, and how surely."""
    known = found.recognition
    surely = next(word for least, word in _SURE if known.confidence >= least)
    told = known.sentence or "An event log."
    return Content.assemble(
        ("Recognised ", "bold"),
        (f"{surely} ({shown(known.confidence, 'percent')}): ", "$text-muted"),
        printable(told),
    )


def columns_table(found: Inspection) -> TextTable:
    """Return which column of the source plays which part."""
    rows = tuple((part, column) for part, column in found.recognition.columns.items())
    return TextTable(heads=("part", "column of the source"), rows=rows, left=2)


def events_over_time(found: Inspection) -> Columns:
    """Return the histogram of events."""
    bins = found.histogram
    clock = "%Y-%m-%d" if bins.step_seconds >= 86_400 else "%Y-%m-%d %H:%M"
    return Columns(
        counts=tuple(map(float, bins.counts)),
        first=f"{bins.begins:{clock}}",
        last=f"{found.last:{clock}}",
        step=bins.step,
        height=_WIDEST_HISTOGRAM,
    )


def funnel_of(found: Inspection) -> Funnel | None:
    """Return the funnel as observed, None where no event looks like a completion."""
    if not found.funnel:
        return None
    total = found.funnel[0].reached / found.funnel[0].rate if found.funnel[0].rate else 0.0
    arm = FunnelArm(reached=tuple(float(each.reached) for each in found.funnel), total=total)
    return Funnel(steps=tuple(each.step for each in found.funnel), arms=(arm,))


def quality_table(found: Inspection) -> TextTable:
    """Return what was dropped, repaired and noticed."""
    rows = found.quality.table()
    return TextTable(
        heads=("what", "count", "share", "done", "where"),
        rows=tuple((each.reason, each.count, each.share, each.done, each.examples) for each in rows),
        last_is_text=True,
        styles=tuple(_ACTS.get(each.done, "") for each in rows),
    )


def repairs(found: Inspection) -> Content:
    """Return what was changed while loading, a line each."""
    return Content("\n").join(Content(f"- {printable(each)}") for each in found.quality.repairs)


def vocabulary_table(found: Inspection, roles: dict[str, str], glyphs: Glyphs) -> TextTable:
    """Return the event types with their counts and shares, and the roles that some have."""
    most = found.events[0][1] if found.events else 1
    return TextTable(
        heads=("event type", "role", "", "count", "share"),
        rows=tuple(
            (
                name,
                roles.get(name, ""),
                bar(n / most, _BAR, glyphs),
                shown(n, "count"),
                shown(n / found.n_events, "percent"),
            )
            for name, n in found.events
        ),
        left=3,
    )


def attributes_table(found: Inspection) -> TextTable:
    """Return the attributes with their commonest levels."""
    rows = tuple(
        (
            each.name,
            shown(each.n_levels, "count"),
            ", ".join(f"{level} {users:,}" for level, users in each.levels[:6]),
        )
        for each in found.attributes
    )
    return TextTable(heads=("attribute", "levels", "commonest, with users"), rows=rows, last_is_text=True)
