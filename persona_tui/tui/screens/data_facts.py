"""What the Data screen tells of a log, made from its inspection and the settings."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from persona_tui.engine.text import printable
from persona_tui.study.options import Settings
from persona_tui.tui.screens.data_choice import Outcomes
from persona_tui.tui.widgets.attributes import AttributeRow
from persona_tui.tui.widgets.funnel_bars import Funnel, FunnelArm
from persona_tui.tui.widgets.histogram import Counts
from persona_tui.tui.widgets.quality_table import FindingRow
from persona_tui.tui.widgets.recognised import Recognised
from persona_tui.tui.widgets.tiles import Tile
from persona_tui.tui.widgets.vocabulary import EventRow

if TYPE_CHECKING:
    from persona_tui.study.inspection import Inspection

_PLACE = re.compile(r"(?:(.+) )?\bline (\d+)$", re.DOTALL)


_HISTOGRAM_LINES: Final = 3


def tiles_of(found: Inspection) -> tuple[Tile, ...]:
    """Return how much the log holds."""
    quality = found.quality
    a_user = found.n_events / found.n_users
    began = f"from {found.first:%Y-%m-%d}"
    commonest, n = found.events[0]
    common = f"{n / found.n_events:.0%} {commonest}"
    rejected = Tile(label="rejected rows", value="none", note=f"of {quality.n_rows_read:,}")
    if quality.n_rejected:
        rejected = Tile(
            label="rejected rows",
            value=f"{quality.n_rejected:,} ({quality.rejected_share:.1%})",
            note=f"of {quality.n_rows_read:,}",
            style="bold $text-error",
        )
    return (
        Tile(label="events", value=f"{found.n_events:,}", note=f"{a_user:.1f} a user"),
        Tile(label="users", value=f"{found.n_users:,}"),
        Tile(
            label="sessions",
            value=f"{found.n_sessions:,}",
            note=f"{found.n_sessions / found.n_users:.1f} a user",
        ),
        Tile(label="period", value=period_words(found.first, found.last), note=began),
        Tile(label="event types", value=f"{len(found.events):,}", note=common),
        rejected,
    )


def period_words(first: datetime, last: datetime) -> str:
    """Return how long a log lasts.

    Examples
    --------
    >>> period_words(datetime(2026, 3, 2, 4), datetime(2026, 3, 2, 9, 30))
    '5.5 hours'
    """
    hours = (last - first).total_seconds() / 3600
    return f"{hours / 24:,.0f} days" if hours >= 48 else f"{hours:.1f} hours"


def recognised_of(found: Inspection, settings: Settings) -> Recognised:
    """Return what the log was taken for."""
    known = found.recognition
    return Recognised(
        sentence=known.sentence,
        confidence=known.confidence,
        columns=tuple(known.columns.items()),
        given=frozenset(settings.columns()),
        notes=(*known.notes, *found.quality.repairs),
    )


def events_over_time(found: Inspection) -> Counts:
    """Return the histogram of events."""
    bins = found.histogram
    clock = "%Y-%m-%d" if bins.step_seconds >= 86_400 else "%Y-%m-%d %H:%M"
    width = timedelta(seconds=bins.step_seconds)
    return Counts(
        counts=bins.counts,
        labels=tuple(f"{bins.begins + number * width:{clock}}" for number in range(len(bins.counts))),
        unit=f"events per {bins.step}",
        height=_HISTOGRAM_LINES,
    )


def time_sentence(found: Inspection) -> str:
    """Return what the columns of events over time are."""
    counts = found.histogram.counts
    most, least = max(counts), min(counts)
    return (
        f"{found.first:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M} UTC; "
        f"in each {found.histogram.step} {least:,} to {most:,} events"
    )


def findings_of(found: Inspection) -> tuple[FindingRow, ...]:
    """Return what is wrong or odd, with the place of the first example."""
    rows = zip(found.quality.everything(), found.quality.table(), strict=True)
    return tuple(
        FindingRow(
            kind=each.kind,
            count=row.count,
            share=row.share,
            done=row.done,
            sentence=row.reason,
            examples=each.examples,
            place=place_of(each.examples),
        )
        for each, row in rows
    )


def place_of(examples: Iterable[str]) -> tuple[str, int] | None:
    """Return file and line of the first example that has a line; the file is empty where it is not told.

    Examples
    --------
    >>> place_of(["march.csv line 7", "march.csv line 9"]), place_of(["line 7"]), place_of(["ann"])
    (('march.csv', 7), ('', 7), None)
    """
    first = next((match for each in examples if (match := _PLACE.fullmatch(each))), None)
    return (first[1] or "", int(first[2])) if first else None


def attributes_of(found: Inspection) -> tuple[AttributeRow, ...]:
    """Return the attributes of users."""
    return tuple(
        AttributeRow(name=each.name, n_levels=each.n_levels, levels=tuple(each.levels))
        for each in found.attributes
    )


def keys_sentence(found: Inspection) -> str:
    """Return what the metadata holds, and what there is where no attribute is known."""
    if found.metadata_keys:
        keys = ", ".join(found.metadata_keys)
        return printable(f"Keys of the metadata: {keys}. A step flatten (a) makes attributes of them.")
    return "" if found.attributes else "None: the log has no other columns."


def events_of(found: Inspection, settings: Settings) -> tuple[EventRow, ...]:
    """Return the event types, with what each is for."""
    funnel = tuple(each.step for each in found.funnel)
    held = Outcomes(funnel=funnel, completion=settings.completion or funnel[-1:], drop=settings.drop)
    return tuple(
        EventRow(name=name, count=n, share=n / found.n_events, role=held.role(name))
        for name, n in found.events
    )


def funnel_of(found: Inspection, settings: Settings) -> Funnel | None:
    """Return the funnel as observed, in order; None where no event looks like a completion."""
    if not found.funnel:
        return None
    total = found.funnel[0].reached / found.funnel[0].rate if found.funnel[0].rate else 0.0
    arm = FunnelArm(reached=tuple(float(each.reached_in_order) for each in found.funnel), total=total)
    return Funnel(steps=tuple(each.step for each in found.funnel), arms=(arm,), unit=f"{settings.unit}s")


def funnel_sentence(found: Inspection, settings: Settings) -> str:
    """Return where the funnel comes from, and what completes and drops a journey."""
    how = "as you set it" if found.funnel_is_given else "as the log suggests it; f sets another"
    last = found.funnel[-1].step if found.funnel else ""
    completion = ", ".join(settings.completion) or last or "nothing yet"
    drop = ", ".join(settings.drop) or "events named drop_off, abandoned or the like"
    named = f"Funnel {how}." if found.funnel else "No funnel: no event looks like a completion; f sets one."
    return printable(f"{named} Completes: {completion}. Drops: {drop}.")


def as_table(rows: Iterable[Iterable[object]]) -> str:
    """Return rows as text, their cells separated by tabs."""
    return "\n".join("\t".join(_cell(each) for each in row) for row in rows)


def _cell(value: object) -> str:
    return printable("" if value is None else str(value)).replace("\t", " ")
