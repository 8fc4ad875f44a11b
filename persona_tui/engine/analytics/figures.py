"""What a figure says, apart from how it is drawn: bars, ranges and flows, in words and numbers.

A figure is built once from a report or a log; a page, a picture, a notebook and a terminal draw it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from persona_tui.engine.analytics.flow_layout import laid_out
from persona_tui.engine.analytics.step_flow import StepFlow, key_of, merge_flows

Tone = Literal["control", "treatment", "quiet"]
"""What a colour means; each palette says which it is."""
_LEAST_ROWS, _ROWS_A_STATE = 40, 3
"""Of a flow; with fewer rows a state, some would be folded."""


class Drawable(ABC):
    """What can be shown in a notebook and written as a page or a picture."""

    __slots__ = ()

    @property
    @abstractmethod
    def figure(self) -> Figure:
        """Return what is drawn."""

    def to_text(self, width: int = 80, *, ascii_only: bool = False) -> str:
        """Return a picture of characters, in lines of at most ``width`` of them, but not below 60."""
        from persona_tui.engine.analytics.figure_text import figure_text  # noqa: PLC0415 - it draws figures

        return figure_text(self.figure, width, ascii_only=ascii_only)

    def to_svg(self, width: int | None = None) -> str:
        """Return an SVG picture; it loads nothing, and runs nothing.

        Parameters
        ----------
        width : int, optional
            Pixels; 960 by default, and more where a flow has many steps.
        """
        from persona_tui.engine.analytics.svg_figures import to_svg  # noqa: PLC0415 - it draws figures

        return to_svg(self.figure, width)

    def write_svg(self, path: str | Path, *, width: int | None = None) -> Path:
        """Write an SVG picture; the file appears whole or not at all.

        Raises
        ------
        ExportError
            If the width is too small or the file cannot be written.
        """
        from persona_tui.engine.analytics.figure_files import write_svg  # noqa: PLC0415 - it draws figures

        return write_svg(self.figure, Path(path), width)

    def write_png(self, path: str | Path, *, width: int | None = None, scale: int = 2) -> Path:
        """Write a PNG picture of ``scale`` times as many pixels; it appears whole or not at all.

        Raises
        ------
        ExportError
            If the width or the scale is too small or too large, or the file cannot be written.

        Notes
        -----
        Letters of Latin, Greek and Cyrillic come from a font of the package, others from a font of the
        machine; a character that no font has is a box.
        """
        from persona_tui.engine.analytics.figure_files import write_png  # noqa: PLC0415 - it draws figures

        return write_png(self.figure, Path(path), width, scale)

    def write_html(self, path: str | Path) -> Path:
        """Write one page to look closer at, which needs no network; it appears whole or not at all.

        Raises
        ------
        ExportError
            If the file cannot be written.
        """
        from persona_tui.engine.analytics.figure_files import write_html  # noqa: PLC0415 - loads jinja2

        return write_html(self.figure, Path(path))

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:  # noqa: ARG002 - Jupyter's
        return {"image/svg+xml": self.to_svg(), "text/plain": self.to_text()}


@dataclass(frozen=True, slots=True)
class Bar:
    """A length and how it is written; none where it is unknown."""

    value: float | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BarRow:
    """What is drawn at one name.

    Parameters
    ----------
    name : str
        May come from the data.
    bars : tuple of Bar
        One a series.
    count : str
        How many the first bar stands for; may be empty.
    note : str
        What else is said; may be empty.
    """

    name: str
    bars: tuple[Bar, ...]
    count: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BarFigure(Drawable):
    """Bars at names, beside each other where there are several series.

    Parameters
    ----------
    title : str
    series : tuple of (str, Tone)
        What each bar of a row is called, and its colour.
    rows : tuple of BarRow
        Drawn from above.
    axis : str
        What the lengths are.
    shares : bool
        Whether lengths are shares of one whole: the axis then ends at 100 %.
    note : str
        What must be known to read it; may be empty.
    about : str
        What it is a figure of, told where it stands alone; may be empty.
    """

    title: str
    series: tuple[tuple[str, Tone], ...]
    rows: tuple[BarRow, ...]
    axis: str
    shares: bool = True
    note: str = ""
    about: str = ""

    @property
    def figure(self) -> Figure:
        """Return the figure itself."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRow:
    """A range, and where in it the value is.

    Parameters
    ----------
    name : str
        May come from the data.
    low, high : float
    value : float or None
        A point with whiskers; without it the range is a bar.
    ends : (str, str)
        What stands at the low and the high end; may be empty.
    cells : tuple of str
        What is written beside it, one below each head.
    """

    name: str
    low: float
    high: float
    value: float | None = None
    ends: tuple[str, str] = ("", "")
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeFigure(Drawable):
    """Ranges at names, on one axis that shows zero.

    Parameters
    ----------
    title : str
    rows : tuple of RangeRow
        Drawn from above.
    axis : str
        What the numbers are.
    heads : tuple of str
        Of the cells of the rows.
    at : float or None
        A value that is marked through all rows.
    at_text : str
        What that value is.
    note : str
        What must be known to read it; may be empty.
    about : str
        What it is a figure of, told where it stands alone; may be empty.
    """

    title: str
    rows: tuple[RangeRow, ...]
    axis: str
    heads: tuple[str, ...] = ()
    at: float | None = None
    at_text: str = ""
    note: str = ""
    about: str = ""

    @property
    def figure(self) -> Figure:
        """Return the figure itself."""
        return self


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPanel:
    """One flow of a figure; who leaves goes to states of its own."""

    name: str
    tone: Tone
    flow: StepFlow


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPlaces:
    """Where the states of flows stand that are drawn beside each other.

    Parameters
    ----------
    n_columns, n_rows : int
    scale : float
        Rows per unit of volume.
    places : dict of (int, float)
        By ``key_of`` a state, its column, and its middle in rows from above.
    """

    n_columns: int
    n_rows: int
    scale: float
    places: dict[tuple[int, str], tuple[int, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFigure(Drawable):
    """Flows by step, one above the other, on one scale.

    Parameters
    ----------
    title : str
    panels : tuple of FlowPanel
    note : str
        What must be known to read it, such as what is folded.
    about : str
        What it is a figure of, told where it stands alone; may be empty.
    """

    title: str
    panels: tuple[FlowPanel, ...]
    note: str = ""
    about: str = ""

    @property
    def figure(self) -> Figure:
        """Return the figure itself."""
        return self

    def placed(self) -> FlowPlaces:
        """Return where states stand: each at the same place in every flow that has it."""
        merged = merge_flows(panel.flow for panel in self.panels)
        most = max(Counter(node.step for node in merged.nodes).values(), default=1)
        rows = max(_LEAST_ROWS, _ROWS_A_STATE * most)
        layout = laid_out(merged, rows)
        assert layout is not None, "there are more rows than states"
        return FlowPlaces(
            n_columns=len(layout.columns),
            n_rows=rows,
            scale=layout.scale,
            places={
                key_of(layout.flow.nodes[each.node]): (column, each.top + each.height / 2)
                for column, places in enumerate(layout.columns)
                for each in places
                if not each.passes
            },
        )


Figure: TypeAlias = BarFigure | RangeFigure | FlowFigure
