"""Texts of the data as figures of Plotly show them."""

from __future__ import annotations

import html

from persona_tui.engine.text import LONGEST_NAME, printable, shortened


def label(text: str, most: int = LONGEST_NAME) -> str:
    """Return a text of the data as a figure shows it: short, and nothing in it is markup.

    Examples
    --------
    >>> label("<b>buy</b>")
    '&lt;b&gt;buy&lt;/b&gt;'
    """
    return html.escape(shortened(printable(text), most), quote=False)
