"""What ``persona-tui inspect`` prints: a log on one page of 80 columns."""

from __future__ import annotations

import sys

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import count, percent
from persona_tui.engine.data.funnel import shares_of_step_before
from persona_tui.study.inspected_attributes import InspectedAttribute
from persona_tui.study.inspection import Histogram, Inspection

EVENTS_SHOWN = 20
LEVELS_SHOWN = 5
BAR_WIDTH = 20
EIGHTHS = "▁▂▃▄▅▆▇█"
ASCII_EIGHTHS = ".:-=+*#@"
_PARTS = " ▏▎▍▌▋▊▉"


def print_inspection(found: Inspection) -> None:
    """Print what a log is, what it holds and how to go on with it."""
    page, blocks = Page(), _shows_blocks()
    _recognition(page, found)
    _vocabulary(page, found, blocks=blocks)
    page.heading(f"Events over time (UTC; each mark is {_each(found.histogram.step)})")
    page.sentence(strip(found.histogram, blocks=blocks))
    page.sentence(
        f"{found.histogram.begins:%Y-%m-%d %H:%M} to {found.last:%Y-%m-%d %H:%M}; "
        f"most {count(max(found.histogram.counts))}, least {count(min(found.histogram.counts))}."
    )
    _funnel(page, found)
    _attributes(page, found)
    _quality(page, found)
    page.heading("Next step")
    page.sentence(found.next_step)
    page.print()


def _each(step: str) -> str:
    """Return the width of a bin with its article: 'an hour', '6 hours'."""
    return step if step[0].isdigit() else f"an {step}" if step == "hour" else f"a {step}"


def _of(n: int, noun: str) -> str:
    return f"{count(n)} {noun}" if n == 1 else f"{count(n)} {noun}s"


def _shows_blocks() -> bool:
    encoding = (sys.stdout.encoding if sys.stdout is not None else "") or "ascii"
    try:
        (EIGHTHS + _PARTS).encode(encoding)
    except (UnicodeError, LookupError):
        return False
    return True


def strip(bins: Histogram, *, blocks: bool) -> str:
    """Return one character a bin, as high as its share of the fullest; an empty bin is a blank.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> bins = Histogram(begins=datetime(2026, 1, 1, tzinfo=UTC), step="day", step_seconds=86_400,
    ...     counts=(1, 0, 4, 8))
    >>> strip(bins, blocks=True), strip(bins, blocks=False)
    ('▁·▄█', '._=@')
    """
    marks, empty = (EIGHTHS, "·") if blocks else (ASCII_EIGHTHS, "_")
    most = max(bins.counts)
    return "".join(marks[-(-8 * n // most) - 1] if n else empty for n in bins.counts)


def bar(share: float, *, blocks: bool) -> str:
    """Return a share of ``BAR_WIDTH`` characters.

    Examples
    --------
    >>> bar(0.5, blocks=True), bar(0.1, blocks=False)
    ('██████████', '##')
    """
    eighths = round(8 * BAR_WIDTH * share)
    if not blocks:
        return "#" * round(eighths / 8)
    return "█" * (eighths // 8) + _PARTS[eighths % 8].strip()


def _recognition(page: Page, found: Inspection) -> None:
    known = found.recognition
    page.heading(f"What {found.source} is")
    page.sentence(f"{known.sentence or 'An event log.'} Confidence {percent(known.confidence)}.")
    page.table(("part", "column"), list(known.columns.items()), left=2)
    page.sentence(
        f"{_of(found.n_events, 'event')} of {_of(len(found.events), 'type')}, {_of(found.n_users, 'user')}, "
        f"{_of(found.n_sessions, 'session')}, from {found.first:%Y-%m-%d %H:%M} to "
        f"{found.last:%Y-%m-%d %H:%M} UTC."
    )
    for step in found.recipe.get("preparation", ()):
        page.sentence(f"prepared: {step}", bullet=True)


def _vocabulary(page: Page, found: Inspection, *, blocks: bool) -> None:
    page.heading("Events")
    shown, rest = found.events[:EVENTS_SHOWN], found.events[EVENTS_SHOWN:]
    most = found.events[0][1]
    rows = [(name, bar(n / most, blocks=blocks), count(n), percent(n / found.n_events)) for name, n in shown]
    if rest:
        n = sum(each for _, each in rest)
        rows.append((f"{count(len(rest))} more", "", count(n), percent(n / found.n_events)))
    page.table(("event", "", "count", "share"), rows, left=2)


def _funnel(page: Page, found: Inspection) -> None:
    page.heading("Funnel" if found.funnel_is_given else "Funnel, as it looks")
    if not found.funnel:
        page.sentence(
            "No event looks like a completion: name it with --completion, or the steps by --funnel."
        )
        return
    page.table(
        ("step", "reached", "of all", "in order", "of the step before"),
        [
            (
                each.step,
                count(each.reached),
                percent(each.rate),
                count(each.reached_in_order),
                percent(share),
            )
            for each, share in zip(found.funnel, shares_of_step_before(found.funnel), strict=True)
        ],
    )


def _attributes(page: Page, found: Inspection) -> None:
    if not found.attributes and not found.metadata_keys:
        return
    page.heading("Attributes (users that ever have a level)" if found.attributes else "Attributes")
    page.table(("attribute", "levels", "commonest"), [_levels(each) for each in found.attributes], left=3)
    if found.metadata_keys:
        page.sentence(f"Keys of the metadata: {', '.join(found.metadata_keys)}.")


def _levels(found: InspectedAttribute) -> tuple[str, str, str]:
    shown = [f"{level} {count(users)}" for level, users in found.levels[:LEVELS_SHOWN]]
    more = ", …" if found.n_levels > LEVELS_SHOWN else ""
    return found.name, count(found.n_levels), ", ".join(shown) + more


def _quality(page: Page, found: Inspection) -> None:
    page.heading("Quality")
    rows = found.quality.table()
    if not rows and not found.quality.repairs:
        page.sentence("Nothing to say: no row was dropped or repaired, and nothing looks odd.")
    for each in rows:
        examples = f" ({each.examples})" if each.examples else ""
        page.sentence(f"{each.count} ({each.share}) {each.done}: {each.reason}{examples}", bullet=True)
    for told in found.quality.repairs:
        page.sentence(told, bullet=True)
