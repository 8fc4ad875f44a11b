"""The only writer to stdout."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from persona_tui.cli.diagnostics import leave_on_closed_stdout
from persona_tui.engine.text import printable

if TYPE_CHECKING:
    from rich.console import Console

PIPE_WIDTH = 100
_TEXT_WIDTH = 16


def write(text: str) -> None:
    """Write text to stdout; leave silently if nobody reads it any more."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        leave_on_closed_stdout()


class Page:
    """Headings, sentences and tables of one summary, written at once."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 0.06 s, only summaries need it

        width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPE_WIDTH
        self._console: Console = Console(
            file=sys.stdout, width=width, highlight=False, markup=False, emoji=False
        )

    def heading(self, text: str) -> None:
        """Add a heading."""
        self._console.print()
        self._console.print(printable(text), style="bold")

    def sentence(self, text: str, *, bullet: bool = False) -> None:
        """Add a paragraph."""
        from rich.padding import Padding  # noqa: PLC0415 - as above

        shown = printable(text)
        if not bullet:
            self._console.print(shown, soft_wrap=False)
            return
        self._console.print(Padding(f"• {shown}", (0, 0, 0, 1)))

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
        """Add a table: the first ``left`` columns are text, folded where long; the others numbers."""
        from rich import box  # noqa: PLC0415 - as above
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
        for position, name in enumerate(columns):
            is_text = position < left
            table.add_column(
                Text(name),
                justify="left" if is_text else "right",
                overflow="fold",
                no_wrap=not is_text,
                min_width=min(_TEXT_WIDTH, max((len(row[position]) for row in rows), default=0)),
            )
        for row in rows:
            table.add_row(*(Text(printable(cell)) for cell in row))
        self._console.print(table)
