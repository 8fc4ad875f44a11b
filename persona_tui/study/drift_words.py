"""What drift means, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from persona_tui.engine.analytics.numbers import count, percent, points
from persona_tui.engine.evaluation.drift import Drift, EventSeen
from persona_tui.engine.evaluation.drift_rows import DriftRow, Part
from persona_tui.engine.evaluation.level import Level
from persona_tui.engine.evaluation.windows import DAY

ANSWERS: Final[Mapping[Level, str]] = {
    Level.GREEN: "Green: nothing moved enough to doubt the personas, or what-ifs that rest on them.",
    Level.AMBER: "Amber: something moved; read what, before you rely on the personas and what-ifs.",
    Level.RED: "Red: what users do has moved; find the personas anew before you rely on them or on what-ifs.",
}
CHANCE_ALONE: Final = (
    "The earlier log is too short, or has too few users, to tell how it varies by itself: only chance among "
    "users is taken into account, and the verdict is at most amber."
)
_NAMES_SHOWN: Final = 5


def row_name(row: DriftRow) -> str:
    """Return what a row is about."""
    prefixes: Mapping[Part, str] = {
        "funnel": "reach ",
        "transitions": "moves of ",
        "attributes": "users by ",
    }
    return f"{prefixes.get(row.part, '')}{row.name}"


def reasons_of(drift: Drift) -> tuple[str, ...]:
    """Return why the verdict is what it is: the rows that moved, the worst first, and what is new or gone.

    Parameters
    ----------
    drift : Drift
    """
    moved = [each for each in drift.rows if each.level > Level.GREEN]
    moved.sort(key=lambda each: -each.level)
    told = [_reason(each) for each in moved]
    if drift.new_events:
        share = sum(each.share for each in drift.new_events)
        told.append(
            f"New events, which the personas cannot know: {_listed(drift.new_events)}; {percent(share)} of "
            "events."
        )
    if drift.gone_events:
        told.append(f"Events that are gone: {_listed(drift.gone_events)}.")
    if not moved:
        told.insert(0, _steady(drift))
    if not drift.windows.knows_own:
        told.append(CHANCE_ALONE)
    return tuple(told)


def windows_sentence(drift: Drift) -> str:
    """Return how the two logs were cut."""
    windows = drift.windows
    thin = f"; {windows.n_thin} with fewer than 30 users left out" if windows.n_thin else ""
    return (
        f"Shares are of users in windows of {_length(windows.length)}: {len(windows.before)} before{thin}, "
        f"{len(windows.after)} after. So users of both had the same time, and journeys are cut alike."
    )


def _length(microseconds: int) -> str:
    days = microseconds / DAY
    if days < 1:
        return f"{24 * days:.1f} hours"
    return f"{days:.0f} day{'s' * (round(days) != 1)}" if days == round(days) else f"{days:.1f} days"


def _steady(drift: Drift) -> str:
    small = [each for each in drift.rows if each.size > Level.GREEN]
    told = f"None of {len(drift.rows)} things compared moved by an amount of consequence."
    if small:
        names = ", ".join(row_name(each) for each in small[:_NAMES_SHOWN])
        within = "the variation of the earlier log itself" if drift.windows.knows_own else "chance"
        told = f"What moved most, {names}, is within {within}."
    main = next((each for each in drift.rows if each.part == "outcome"), None)
    if main is None:
        return told
    unseen = points(main.usual).lstrip("+")
    return f"{told} A change of {main.name} within {unseen} either way would not stand out."


def _reason(row: DriftRow) -> str:
    if row.is_rate and row.before is not None and row.after is not None:
        moved = f"{percent(row.before)} to {percent(row.after)} ({points(row.effect)})"
        usual = f"up to {points(row.usual).lstrip('+')} either way is usual"
    else:
        listed = (f"{each.name} {percent(each.before)} to {percent(each.after)}" for each in row.moved)
        moved = f"{', '.join(listed)} (distance {row.effect:.2f})"
        usual = f"up to {row.usual:.2f} is usual"
    return f"{row.level.word.capitalize()}: {row_name(row)}: {moved}; {usual}."


def _listed(events: tuple[EventSeen, ...]) -> str:
    shown = [f"{each.name} ({count(each.n_users)} users)" for each in events[:_NAMES_SHOWN]]
    more = len(events) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
