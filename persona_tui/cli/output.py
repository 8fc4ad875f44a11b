"""The only writer to stdout."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from persona_tui.cli.diagnostics import FAILED, fail, leave_on_closed_stdout
from persona_tui.engine.text import printable, shortened

if TYPE_CHECKING:
    from rich.console import Console

    from persona_tui.engine.analytics.page import Block

PIPE_WIDTH = 100
_TEXT_WIDTH = 16


def write(text: str) -> None:
    """Write text to stdout; leave silently if nobody reads it, and with a message if it cannot be written."""
    if sys.stdout is None:
        leave_on_closed_stdout()
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        leave_on_closed_stdout()
    except OSError as fault:
        sys.stdout = None  # or the interpreter tries again, and fails, at its end
        fail(f"The result could not be printed: {fault.strerror or fault}.", "", FAILED)


def write_json(document: dict[str, Any]) -> None:
    """Write a document to stdout as JSON text."""
    from persona_tui.study.store import dump_json  # noqa: PLC0415 - 0.01 s, only answers need it

    write(dump_json(document))


def size_text(n_bytes: float) -> str:
    """Return a number of bytes as people read it.

    Examples
    --------
    >>> size_text(0), size_text(1_234), size_text(565_000_000), size_text(2.04e10)
    ('0 B', '1.2 kB', '565 MB', '20.4 GB')
    """
    units = ("B", "kB", "MB", "GB", "TB")
    power = next((n for n in range(len(units) - 1) if n_bytes < 999.5 * 1_000**n), len(units) - 1)
    scaled = n_bytes / 1_000**power
    return f"{scaled:.1f} {units[power]}" if power and scaled < 99.95 else f"{scaled:.0f} {units[power]}"


class Page:
    """Headings, sentences and tables of one summary, printed at once."""

    def __init__(self) -> None:
        from rich.console import Console  # noqa: PLC0415 - 0.06 s, only summaries need it

        is_terminal = sys.stdout is not None and sys.stdout.isatty()
        narrow = is_terminal or "COLUMNS" in os.environ
        self._width = get_terminal_size().columns if narrow else PIPE_WIDTH
        self._text = io.StringIO()
        self._console: Console = Console(
            file=self._text,
            width=self._width,
            force_terminal=is_terminal,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def print(self) -> None:
        """Write the page to stdout, without the blanks that fill its lines."""
        write("".join(f"{line.rstrip()}\n" for line in self._text.getvalue().splitlines()))

    def heading(self, text: str) -> None:
        """Add a heading."""
        self._console.print()
        self._console.print(printable(text), style="bold")

    def sentence(self, text: str, *, bullet: bool = False) -> None:
        """Add a paragraph."""
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415

        shown = Text(printable(text))
        if not bullet:
            self._console.print(shown)
            return
        grid = Table.grid(padding=(0, 1, 0, 0))
        grid.add_row(" •", shown)
        self._console.print(grid)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> None:
        """Add a table: the first ``left`` columns are text, folded where long; the others numbers.

        Where the terminal is too narrow for it, every row is told as a list of its cells. Without rows
        there is nothing to add.
        """
        if not rows:
            return
        columns, *cells = [[shortened(cell) for cell in row] for row in (columns, *rows)]
        widths = [max(len(text) for text in column) for column in zip(columns, *cells, strict=True)]
        folded = [min(width, _TEXT_WIDTH) for width in widths[:left]]
        if sum(folded) + sum(widths[left:]) + 2 * len(columns) > self._width:
            self._list(columns, cells)
        else:
            self._grid(columns, cells, left=left, narrowest=folded)

    def aligned(self, rows: Sequence[Sequence[str]]) -> None:
        """Add rows of texts under each other, the last of which is folded where it is long."""
        from rich.table import Table  # noqa: PLC0415 - as above
        from rich.text import Text  # noqa: PLC0415

        grid = Table.grid(padding=(0, 2, 0, 0))
        for _cell in rows[0][:-1]:
            grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for row in rows:
            grid.add_row(*(Text(printable(cell)) for cell in row))
        self._console.print(grid)

    def _grid(
        self,
        columns: Sequence[str],
        rows: Sequence[Sequence[str]],
        *,
        left: int,
        narrowest: Sequence[int],
    ) -> None:
        from rich import box  # noqa: PLC0415 - as above
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
        for position, name in enumerate(columns):
            if position < left:
                table.add_column(Text(name), overflow="fold", min_width=narrowest[position])
            else:
                table.add_column(Text(name), justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console.print(table)

    def _list(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        for first, *rest in rows:
            if first:
                self._console.print(first, style="bold")
            for name, cell in zip(columns[1:], rest, strict=True):
                if cell:
                    self._console.print(f"  {name}: {cell}" if name else f"  {cell}")


def print_blocks(blocks: Sequence[Block]) -> None:
    """Print blocks of a page; what can be drawn is left to the tables."""
    from persona_tui.engine.analytics.page import (  # noqa: PLC0415 - 0.6 s with the engine
        CellTable,
        Heading,
        Listing,
        Paragraph,
    )

    page = Page()
    for block in blocks:
        match block:
            case Heading(text=text):
                page.heading(text)
            case Paragraph(text=text):
                page.sentence(text)
            case Listing(sentences=sentences):
                for each in sentences:
                    page.sentence(each, bullet=True)
            case CellTable(heads=heads, rows=rows, texts=texts):
                page.table(heads, rows, left=len(texts))
    page.print()
