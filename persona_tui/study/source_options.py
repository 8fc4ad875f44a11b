"""Options that say which log is meant and how it is read, declared as ``Settings`` has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from persona_tui.engine.data.readers.sql_urls import redact
from persona_tui.study.declared import option
from persona_tui.study.option_texts import (
    COLUMN_PATTERN,
    SIZE_PATTERN,
    column_fault,
    fault_of,
    is_placeless,
    preparation_fault,
    read_column,
    read_size,
    share_fault,
    sources_fault,
    timezone_fault,
    with_tables,
)

if TYPE_CHECKING:
    from persona_tui.engine.data.time_formats import DateOrder

UTC = "UTC"
AS_WRITTEN = "auto"
_SHOWN: Final = 3
"""Of several sources, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSettings:
    """Which log is meant, and how it is read."""

    events: str | tuple[str, ...] = option(
        "--events",
        default="",
        metavar="SOURCE",
        help="The log: a file, a folder, a glob, a database by URL, or - for standard input; "
        "several files, folders or globs are one log.",
        also="texts",
        check=sources_fault,
    )
    column: tuple[str, ...] = option(
        "--column",
        default=(),
        metavar="PART=NAME",
        shown_default="recognised",
        help="Which column plays a part: user_id, session_id, timestamp, event_type or metadata; repeatable.",
        pattern=COLUMN_PATTERN,
        check=column_fault,
    )
    timezone: str = option(
        "--timezone",
        default=UTC,
        metavar="ZONE",
        help="The time zone of times that name none, as Europe/Berlin.",
        check=timezone_fault,
    )
    dates: Literal["auto", "day-first", "month-first"] = option(
        "--dates",
        default=AS_WRITTEN,
        choices=(AS_WRITTEN, "day-first", "month-first"),
        shown_default="auto: what the log's other dates show",
        help="How a date such as 02/03/2026 is meant.",
    )
    prepare: tuple[str, ...] = option(
        "--prepare",
        default=(),
        metavar="STEP",
        shown_default="nothing",
        help="A step from the source to the log, as name:key=value,key=value; several act in order.",
        check=preparation_fault,
    )
    max_rejected: str = option(
        "--max-rejected",
        default="",
        metavar="SHARE",
        shown_default="any",
        help="The share of rows that may be unusable, as 1% or 0.01; more, and the exit code is 4.",
        also="number",
        check=share_fault,
    )
    memory: str = option(
        "--memory",
        default="",
        metavar="SIZE",
        shown_default="half of what is free",
        help="What loading may take of memory, as 2GB or 500MB; a log that needs more goes through the disk.",
        also="whole number",
        pattern=SIZE_PATTERN,
        check=lambda text: fault_of(read_size, text) if text else "",
    )

    def columns(self) -> dict[str, str]:
        """Return the column mapping that is given."""
        return dict(map(read_column, self.column))

    def sources(self) -> tuple[str, ...]:
        """Return the source, or the several that are one log; nothing where none is named."""
        if isinstance(self.events, tuple):
            return self.events
        return (self.events,) if self.events else ()

    def source_shown(self) -> str:
        """Return the source as it is told to people: a database without its password."""
        return _enumerated([redact(each) for each in self.sources()])

    def source_name(self) -> str:
        """Return the last part of the source, to call things by."""
        return _enumerated([Path(redact(each)).name for each in self.sources()])

    def source_words(self) -> tuple[str, ...]:
        """Return what names the source on the command line, no passwords."""
        shown = [redact(each) for each in self.sources()]
        return (
            tuple(shown) if len(shown) == 1 else tuple(word for each in shown for word in ("--events", each))
        )

    def source_places(self) -> tuple[str, ...]:
        """Return the sources as files keep them: whole paths, no passwords."""
        return tuple(map(_place, self.sources()))

    def prepare_shown(self) -> tuple[str, ...]:
        """Return the preparation as results tell it: tables by their last part, wherever they are."""
        return with_tables(self.prepare, lambda table: Path(redact(table)).name)

    def prepare_placed(self) -> tuple[str, ...]:
        """Return the preparation as files keep it: whole paths of tables, no passwords."""
        return with_tables(self.prepare, _place)

    def date_order(self) -> DateOrder | None:
        """Return how ambiguous dates are meant, None where the log is to tell."""
        return None if self.dates == "auto" else self.dates

    def memory_bytes(self) -> int | None:
        """Return the memory that is given, in bytes, None where it is to be worked out."""
        return read_size(self.memory) if self.memory else None


def _enumerated(names: Sequence[str]) -> str:
    """Return names as a sentence tells them, the first few where there are many."""
    more = f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _place(source: str) -> str:
    return redact(source) if is_placeless(source) else str(Path(source).resolve())
