"""Figures as files: SVG and PNG pictures without a browser, and a page to look closer at."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Final

from persona_tui.engine.analytics.figures import Figure
from persona_tui.engine.analytics.svg_figures import to_svg
from persona_tui.engine.errors import ExportError
from persona_tui.engine.files import write_text, write_whole

MOST_PIXELS: Final = 60_000_000
"""Of a picture: 240 MB while it is drawn."""
_FONT: Final = ("persona_tui.engine.analytics", "fonts", "Carlito-Regular.ttf")


def write_svg(figure: Figure, path: Path, width: int | None) -> Path:
    """Write a figure as an SVG picture."""
    write_text(path, to_svg(figure, width))
    return path


def write_png(figure: Figure, path: Path, width: int | None, scale: int) -> Path:
    """Write a figure as a PNG picture of ``scale`` times as many pixels."""
    content = to_png(to_svg(figure, width), scale)
    write_whole(path, lambda temporary: temporary.write_bytes(content))
    return path


def to_png(svg: str, scale: int) -> bytes:
    """Return an SVG picture of this package as PNG.

    Raises
    ------
    ExportError
        If the scale is below 1, or the picture would be too large.
    """
    from resvg_py import svg_to_bytes  # noqa: PLC0415 - only pictures need it

    if scale < 1:
        raise ExportError(f"scale == {scale}, must be >= 1.")
    width, height = size_of(svg)
    if width * height * scale**2 > MOST_PIXELS:
        raise ExportError(
            f"A picture of {width * scale} by {height * scale} pixels is too large.",
            hint="Ask for a smaller width or scale, or write SVG.",
        )
    package, *names = _FONT
    with resources.as_file(resources.files(package).joinpath(*names)) as font:
        return bytes(
            svg_to_bytes(svg_string=svg, zoom=scale, font_files=[str(font)], sans_serif_family="Carlito")
        )


def size_of(svg: str) -> tuple[int, int]:
    """Return width and height of an SVG picture of this package, in pixels."""
    opening = svg[: svg.index(">")]
    width, height = opening.split('viewBox="0 0 ')[1].split('"')[0].split()
    return int(width), int(height)


def write_html(figure: Figure, path: Path) -> Path:
    """Write a figure as a page that needs no network."""
    from persona_tui.engine.analytics.html_page import page_html  # noqa: PLC0415 - loads jinja2
    from persona_tui.engine.analytics.page import Chart, Heading, Paragraph, table_of  # noqa: PLC0415 - as the page

    page = (Heading(text=figure.title, level=1), Paragraph(text=figure.about), Chart(figure=figure))
    write_text(path, page_html((*page, table_of(figure)), {}))
    return path
