"""How a verb shows itself: what is printed where, and how progress is told."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from persona_tui.cli.diagnostics import say
from persona_tui.engine.errors import SimulationError, unknown_name
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress

PROGRESS_MODES = ("auto", "bar", "lines", "json", "none")
_SECONDS_BETWEEN_LINES = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """The options that change what is shown and nothing else."""

    as_json: bool = False
    progress: str = "auto"
    quiet: bool = False

    def __post_init__(self) -> None:
        if self.progress not in PROGRESS_MODES:
            raise SimulationError(str(unknown_name("value of --progress", self.progress, PROGRESS_MODES)))

    def narrate(self, text: str) -> None:
        """Write narration to stderr unless it is not wanted."""
        if not self.quiet:
            say(text)

    @contextmanager
    def reporting(self) -> Iterator[ProgressCallback]:
        """Give a callback that tells progress on stderr as asked for."""
        mode = self.progress
        if mode == "auto":
            mode = "bar" if sys.stderr is not None and sys.stderr.isatty() else "lines"
        if self.quiet or mode == "none":
            yield ignore_progress
        elif mode == "bar":
            with _bar() as report:
                yield report
        else:
            yield _json_lines() if mode == "json" else _sparse_lines()


def _json_lines() -> ProgressCallback:
    from persona_tui.study.journal import progress_line  # noqa: PLC0415 - 0.01 s, only this mode needs it

    begin = monotonic()
    return lambda progress: say(progress_line(progress, monotonic() - begin))


def _sparse_lines() -> ProgressCallback:
    """Tell when a stage begins, and again where it takes long."""
    told: dict[str, float] = {}

    def report(progress: Progress) -> None:
        now = monotonic()
        if progress.stage not in told:
            told[progress.stage] = now
            say(f"{progress.stage} …")
        elif now - told[progress.stage] > _SECONDS_BETWEEN_LINES:
            told[progress.stage] = now
            say(f"{progress.stage} {scaled(progress.done)} of {scaled(progress.total)}")

    return report


def scaled(number: float) -> str:
    """Return a number of bytes, rows or steps as short as a line of progress needs it.

    Examples
    --------
    >>> scaled(0), scaled(9_999), scaled(50_331_648), scaled(9_999_999), scaled(2.04e10)
    ('0', '9999', '50.3M', '10.0M', '20.4G')
    """
    if number < 10_000:
        return f"{number:.0f}"
    power = next((n for n in (1, 2, 3) if number < 999.95 * 1_000**n), 4)
    return f"{number / 1_000**power:.1f}{' kMGT'[power]}"


@contextmanager
def _bar() -> Iterator[ProgressCallback]:
    from rich.console import Console  # noqa: PLC0415 - 0.06 s, only a terminal needs it
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: PLC0415
    from rich.progress import Progress as Bars  # noqa: PLC0415

    columns = (
        TextColumn("{task.description:<24}", markup=False),
        BarColumn(),
        TextColumn("{task.fields[reached]}", justify="right"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, int] = {}

        def report(progress: Progress) -> None:
            if progress.stage not in tasks:
                for earlier in tasks.values():
                    bars.update(bars.tasks[earlier].id, visible=False)
                tasks[progress.stage] = len(bars.tasks)
                bars.add_task(progress.stage, total=progress.total, reached="")
            bars.update(
                bars.tasks[tasks[progress.stage]].id,
                completed=progress.done,
                total=progress.total,
                visible=True,
                reached=f"{scaled(progress.done)}/{scaled(progress.total)}",
            )

        yield report
