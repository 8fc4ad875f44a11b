"""A report as one HTML file that needs nothing else: light and dark, to read, sort, print and look closer."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from persona_tui import __version__
from persona_tui.engine.analytics.branding import HOUSE, Branding
from persona_tui.engine.analytics.charts import PlotlyFigure, plotly_figure
from persona_tui.engine.analytics.definitions import DEFINITIONS
from persona_tui.engine.analytics.figures import FlowFigure
from persona_tui.engine.analytics.page import Block, CellTable, Chart, Heading, Listing, Paragraph, page_of
from persona_tui.engine.analytics.palettes import PALETTES
from persona_tui.engine.analytics.reporting import Report
from persona_tui.engine.files import write_text
from persona_tui.engine.text import printable

_PARTS: Final = "persona_tui.engine.analytics.html"


def write_html(report: Report, path: Path, branding: Branding = HOUSE) -> Path:
    """Write a report as a page; the file appears whole or not at all.

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    write_text(path, to_html(report, branding))
    return path


def to_html(report: Report, branding: Branding = HOUSE) -> str:
    """Return a report as a page, about 5 MB, nearly all of it Plotly's library.

    Parameters
    ----------
    report : Report
    branding : Branding

    Raises
    ------
    ExportError
        If the logo cannot be used, or the accent is no colour.
    """
    return page_html(page_of(report), DEFINITIONS, branding)


def page_html(page: Sequence[Block], definitions: Mapping[str, str], branding: Branding = HOUSE) -> str:
    """Return blocks as a page.

    Parameters
    ----------
    page : sequence of Block
        Its title first.
    definitions : dict of str
        What words of its tables mean.
    branding : Branding

    Notes
    -----
    Its content-security policy lets only the two scripts run that are in it, by their hashes, and loads
    nothing. Styles may be inline: the charts set them.
    """
    title, *blocks = page
    opening = [each for each in blocks[:2] if isinstance(each, Paragraph)]
    figures: list[PlotlyFigure] = []
    shown = list(_numbered(blocks[len(opening) :], figures))
    script, library = _part("page.js"), _library()
    text: str = _template().render(
        title=printable(getattr(title, "text", "")),
        opening=opening,
        blocks=shown,
        contents=[(each["number"], each["text"]) for each in shown if each.get("number") and "text" in each],
        definitions={
            word: {"sentence": sentence, "anchor": f"word-{place}"}
            for place, (word, sentence) in enumerate(definitions.items(), start=1)
        },
        author=printable(branding.author),
        logo=_picture(branding),
        style=Markup(_colours(branding.colour()) + _part("page.css")),
        script=Markup(script),
        library=Markup(library),
        figures=Markup(_inert_json(figures)),
        policy=_policy(script, library),
        version=__version__,
    )
    return text


def _numbered(blocks: Sequence[Block], figures: list[PlotlyFigure]) -> Iterator[dict[str, Any]]:
    """Yield blocks as the template takes them; parts and figures are numbered, figures are collected."""
    parts = 0
    for block in blocks:
        match block:
            case Heading(text=text, level=level):
                parts += level == 2
                number = parts if level == 2 else 0
                yield {"kind": "heading", "text": text, "level": level, "number": number}
            case Paragraph(text=text, stands_out=stands_out):
                yield {"kind": "paragraph", "text": text, "stands_out": stands_out}
            case Listing(sentences=sentences):
                yield {"kind": "listing", "sentences": sentences}
            case Chart(figure=figure):
                figures.append(plotly_figure(figure))
                yield {
                    "kind": "chart",
                    "title": figure.title,
                    "note": figure.note,
                    "is_wide": isinstance(figure, FlowFigure),
                    "number": len(figures) - 1,
                }
            case CellTable(heads=heads, rows=rows, texts=texts):
                yield {"kind": "table", "heads": heads, "rows": rows, "texts": texts}


def _picture(branding: Branding) -> str:
    """Return the logo as an address that holds it, empty where there is none."""
    found = branding.picture()
    if found is None:
        return ""
    kind, content = found
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _colours(accent: str) -> str:
    light, dark = (
        "".join(f"--{name}: {tone}; " for name, tone in each.items()) for each in PALETTES.values()
    )
    return (
        f":root {{ color-scheme: light dark; {light}--accent: {accent or 'var(--treatment)'}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {dark}}} }}\n"
    )


def _inert_json(figures: list[PlotlyFigure]) -> str:
    """Return figures as JSON that ends no script and begins no tag."""
    text = json.dumps(figures, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _policy(*scripts: str) -> str:
    digests = (hashlib.sha256(each.encode()).digest() for each in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(each).decode()}'" for each in digests)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _template() -> Any:  # noqa: ANN401 - the library's
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    environment.filters["shown"] = printable
    return environment.from_string(_part("page.html.j2"))


def _part(name: str) -> str:
    return (resources.files(_PARTS) / name).read_text(encoding="utf-8")


def _library() -> str:
    return (resources.files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
