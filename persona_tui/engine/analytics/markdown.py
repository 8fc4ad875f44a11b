"""A report as Markdown: the sentences and numbers of every other face, in tables that any viewer draws."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from persona_tui.engine.analytics.branding import HOUSE, Branding
from persona_tui.engine.analytics.page import Block, CellTable, Chart, Heading, Listing, Paragraph, page_of
from persona_tui.engine.analytics.reporting import Report
from persona_tui.engine.files import write_text
from persona_tui.engine.text import printable

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>|~&$])")
"""Characters that Markdown, or HTML in it, may act on."""
_BLANKS: Final = re.compile(r"[ \t\n\r\f\v]+")
"""Those inside numbers are narrow, and stay."""


def write_markdown(report: Report, path: Path, branding: Branding = HOUSE) -> Path:
    """Write a report as Markdown; the file appears whole or not at all.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    write_text(path, to_markdown(report, branding))
    return path


def to_markdown(report: Report, branding: Branding = HOUSE) -> str:
    """Return a report as Markdown; text from the data is shown literally, and charts are left to the tables.

    Parameters
    ----------
    report : Report
    branding : Branding
        Of which the author is told.
    """
    return blocks_to_markdown(page_of(report), branding)


def blocks_to_markdown(page: Sequence[Block], branding: Branding = HOUSE) -> str:
    """Return blocks, the title first, as Markdown; see ``to_markdown``."""
    title, *blocks = (_written(each) for each in page if not isinstance(each, Chart))
    author = [f"*{escaped(branding.author)}*"] if branding.author else []
    return "\n\n".join((title, *author, *blocks)) + "\n"


def _written(block: Block) -> str:
    match block:
        case Heading(text=text, level=level):
            return f"{'#' * level} {escaped(text)}"
        case Paragraph(text=text, stands_out=stands_out):
            return f"**{escaped(text)}**" if stands_out else escaped(text)
        case Listing(sentences=sentences):
            return "\n".join(f"- {escaped(each)}" for each in sentences)
        case CellTable():
            return _table(block)
    return ""


def _table(table: CellTable) -> str:
    rule = ["---" if place in table.texts else "---:" for place in range(len(table.heads))]
    lines = ([escaped(cell) for cell in row] for row in (table.heads, *table.rows))
    drawn = [f"| {' | '.join(line)} |" for line in lines]
    drawn.insert(1, f"| {' | '.join(rule)} |")
    return "\n".join(drawn)


def escaped(text: str) -> str:
    r"""Return a text that Markdown shows as it is, on one line.

    Examples
    --------
    >>> print(escaped("a|b *c* <script>"))
    a\|b \*c\* \<script\>
    """
    return _SPECIAL.sub(r"\\\1", _BLANKS.sub(" ", printable(text)).strip())
