"""Native, editable charts in house style: columns, and bars that line up with the rows of a table."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from string import ascii_uppercase
from typing import cast

from pptx.chart.chart import Chart
from pptx.chart.data import CategoryChartData, ChartData
from pptx.enum.chart import (
    XL_CHART_TYPE,
    XL_LABEL_POSITION,
    XL_LEGEND_POSITION,
    XL_TICK_LABEL_POSITION,
    XL_TICK_MARK,
)
from pptx.enum.dml import MSO_THEME_COLOR as THEME
from pptx.oxml import parse_xml
from pptx.oxml.ns import nsdecls, qn
from pptx.oxml.xmlchemy import BaseOxmlElement
from pptx.parts.chart import ChartPart
from pptx.shapes.graphfrm import GraphicFrame
from pptx.slide import Slide
from pptx.util import Inches, Pt
from xlsxwriter import Workbook

from persona_tui.engine.analytics.deck_shapes import INK, QUIET, RULE, Box, describe, line_xml
from persona_tui.engine.analytics.deck_text import shorten
from persona_tui.engine.analytics.numbers import MINUS, NARROW_SPACE
from persona_tui.engine.analytics.scales import Scale

PERCENT_FORMAT = f'0.0"{NARROW_SPACE}"%'
POINTS_FORMAT = f'+0.0;"{MINUS}"0.0;0.0'
AXIS_POINTS_FORMAT = f'+0.##;"{MINUS}"0.##;0'
AXIS_PERCENT_FORMAT = f'0"{NARROW_SPACE}"%'
_SHEET = "Sheet1"
_WRITTEN = datetime(1980, 1, 1, tzinfo=UTC)
RATE_FORMAT = "0.0"
AXIS_RATE_FORMAT = "0.##"
EFFECT_FORMAT = f'+0.00;"{MINUS}"0.00;0.00'
AXIS_EFFECT_FORMAT = f'+0.#;"{MINUS}"0.#;0'
AXIS_HEIGHT = 0.35
_SIDE = 0.3
_LABEL_WIDTH = 0.5
_LONGEST_LABEL = 6.0
_HEADROOM = 1.08
"""Of the tallest column, for the value above it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One row of values of a chart.

    Parameters
    ----------
    name : str
    values : tuple of float
        As they are written into the workbook: shares, or percentage points.
    color : theme colour
    intervals : tuple of (float, float)
        Low and high end of each value; empty where there are none.
    """

    name: str
    values: tuple[float, ...]
    color: THEME
    intervals: tuple[tuple[float, float], ...] = ()

    @property
    def upwards(self) -> tuple[float, ...]:
        """Return how far each interval reaches above its value."""
        return tuple(
            round(max(high - value, 0.0), 9)
            for value, (_, high) in zip(self.values, self.intervals, strict=True)
        )

    @property
    def downwards(self) -> tuple[float, ...]:
        """Return how far each interval reaches below its value."""
        return tuple(
            round(max(value - low, 0.0), 9)
            for value, (low, _) in zip(self.values, self.intervals, strict=True)
        )


def add_column_chart(
    slide: Slide,
    box: Box,
    categories: Sequence[str],
    series: Sequence[Series],
    scale: Scale,
    *,
    name: str,
    description: str,
) -> None:
    """Add clustered columns of shares, with their values where there is room for them."""
    frame = _add_chart(
        slide, box, categories, series, kind=XL_CHART_TYPE.COLUMN_CLUSTERED, number_format=PERCENT_FORMAT
    )
    chart = _named(frame, name, description)
    labelled = box.width / len(categories) / (len(series) + 0.6) > _LABEL_WIDTH
    if labelled:
        scale = replace(scale, high=scale.high * _HEADROOM)
    _style_value_axis(chart, scale, "" if labelled else AXIS_PERCENT_FORMAT)
    _style_category_axis(chart)
    chart.has_legend = True
    chart.legend.position = XL_LEGEND_POSITION.TOP
    chart.legend.include_in_layout = False
    chart.legend.font.size = Pt(12)
    plot = chart.plots[0]
    plot.gap_width, plot.overlap = 60, -5
    if labelled:
        plot.has_data_labels = True
        plot.data_labels.number_format = PERCENT_FORMAT
        plot.data_labels.number_format_is_linked = False
        plot.data_labels.position = XL_LABEL_POSITION.OUTSIDE_END
        plot.data_labels.font.size = Pt(12)


def add_row_chart(
    slide: Slide,
    rows: Box,
    categories: Sequence[str],
    series: Sequence[Series],
    scale: Scale,
    *,
    number_format: str,
    axis_format: str = "",
    origin: float | None = None,
    name: str,
    description: str,
) -> None:
    """Add bars, each level with a row of the table beside it, which names the rows.

    Parameters
    ----------
    rows : Box
        As high as the body of the table, whose rows are equally high.
    axis_format : str
        Of the numbers along the axis below; no axis where empty.
    origin : float, optional
        Where bars begin, those of all series on one line; at zero and side by side where left out.
    """
    height = rows.height + (AXIS_HEIGHT if axis_format else 0.0)
    side = _SIDE if axis_format else 0.0
    box = Box(rows.left, rows.top, rows.width, height)
    frame = _add_chart(
        slide, box, categories, series, kind=XL_CHART_TYPE.BAR_CLUSTERED, number_format=number_format
    )
    chart = _named(frame, name, description)
    _place_plot(chart, side / box.width, 1 - 2 * side / box.width, rows.height / height)
    _style_value_axis(chart, scale, axis_format)
    _style_category_axis(chart)
    chart.category_axis.reverse_order = True
    chart.value_axis._element.find(qn("c:crosses")).set("val", "max")
    chart.category_axis.tick_label_position = XL_TICK_LABEL_POSITION.NONE
    if axis_format:
        chart.value_axis.tick_label_position = XL_TICK_LABEL_POSITION.NEXT_TO_AXIS
    chart.has_legend = False
    chart.plots[0].gap_width, chart.plots[0].overlap = 70, 0
    if origin is not None:
        chart.plots[0].overlap = 100
        crosses = chart.category_axis._element.find(qn("c:crosses"))
        crosses.getparent().replace(crosses, parse_xml(f'<c:crossesAt {nsdecls("c")} val="{origin!r}"/>'))


def _add_chart(
    slide: Slide,
    box: Box,
    categories: Sequence[str],
    series: Sequence[Series],
    *,
    kind: XL_CHART_TYPE,
    number_format: str,
) -> GraphicFrame:
    labels = [shorten(label, _LONGEST_LABEL, 11) for label in categories]
    data = CategoryChartData(number_format=number_format)  # type: ignore[no-untyped-call]
    data.categories = labels
    for each in series:
        data.add_series(each.name, each.values)  # type: ignore[no-untyped-call]
    place = (Inches(box.left), Inches(box.top), Inches(box.width), Inches(box.height))
    frame = cast("GraphicFrame", slide.shapes.add_chart(kind, *place, cast("ChartData", data)))
    chart = frame.chart
    cast("ChartPart", chart.part).chart_workbook.update_from_xlsx_blob(_workbook(labels, series))
    chart.has_title = False
    chart.font.size = Pt(11)
    chart.font.color.theme_color = QUIET
    for position, (drawn, each) in enumerate(zip(chart.plots[0].series, series, strict=True)):
        drawn.format.fill.solid()
        drawn.format.fill.fore_color.theme_color = each.color
        drawn.invert_if_negative = False
        if each.intervals:
            drawn._element.find(qn("c:cat")).addprevious(_error_bars(each, 1 + len(series) + 2 * position))
    return frame


def _named(frame: GraphicFrame, name: str, description: str) -> Chart:
    frame.name = name
    describe(frame, description)
    return frame.chart


def _workbook(labels: Sequence[str], series: Sequence[Series]) -> bytes:
    """Return the workbook behind a chart: labels stay text whatever they begin with, and no time is kept."""
    buffer = io.BytesIO()
    book = Workbook(buffer, {"in_memory": True})
    book.set_properties({"created": _WRITTEN})
    sheet = book.add_worksheet(_SHEET)
    for row, label in enumerate(labels, start=1):
        sheet.write_string(row, 0, label)
    columns = [(each.name, each.values) for each in series]
    for each in series:
        if each.intervals:
            columns += [("To the high end", each.upwards), ("To the low end", each.downwards)]
    for column, (title, values) in enumerate(columns, start=1):
        sheet.write_string(0, column, title)
        for row, value in enumerate(values, start=1):
            sheet.write_number(row, column, value)
    book.close()
    return buffer.getvalue()


def _error_bars(series: Series, column: int) -> BaseOxmlElement:
    """Return the XML of intervals; their lengths are cells of the chart's workbook."""
    bars: BaseOxmlElement = parse_xml(
        f"<c:errBars {nsdecls('c', 'a')}>"
        '<c:errBarType val="both"/><c:errValType val="cust"/><c:noEndCap val="0"/>'
        f"<c:plus>{_cells(series.upwards, column)}</c:plus>"
        f"<c:minus>{_cells(series.downwards, column + 1)}</c:minus>"
        f"<c:spPr>{line_xml('a:ln', INK, 1.5)}</c:spPr>"
        "</c:errBars>"
    )
    return bars


def _cells(values: Sequence[float], column: int) -> str:
    """Return the XML of values that stand in one column of the workbook, below its title."""
    letter = ascii_uppercase[column]
    kept = "".join(f'<c:pt idx="{place}"><c:v>{value!r}</c:v></c:pt>' for place, value in enumerate(values))
    return (
        f"<c:numRef><c:f>{_SHEET}!${letter}$2:${letter}${len(values) + 1}</c:f>"
        f'<c:numCache><c:formatCode>General</c:formatCode><c:ptCount val="{len(values)}"/>{kept}</c:numCache>'
        "</c:numRef>"
    )


def _place_plot(chart: Chart, left: float, width: float, height: float) -> None:
    """Set where the bars are, as shares of the chart; left alone, each program would choose its own."""
    area = chart._chartSpace.chart.plotArea
    for layout in area.findall(qn("c:layout")):
        area.remove(layout)
    layout = parse_xml(
        f"<c:layout {nsdecls('c')}><c:manualLayout>"
        '<c:layoutTarget val="inner"/><c:xMode val="edge"/><c:yMode val="edge"/>'
        f'<c:x val="{left:.6f}"/><c:y val="0"/><c:w val="{width:.6f}"/><c:h val="{height:.6f}"/>'
        "</c:manualLayout></c:layout>"
    )
    area.insert(0, layout)


def _style_value_axis(chart: Chart, scale: Scale, number_format: str) -> None:
    axis = chart.value_axis
    axis.minimum_scale, axis.maximum_scale, axis.major_unit = scale.low, scale.high, scale.step
    axis.format.line.fill.background()
    axis.major_tick_mark = XL_TICK_MARK.NONE
    axis.has_major_gridlines = bool(number_format)
    if not number_format:
        axis.tick_label_position = XL_TICK_LABEL_POSITION.NONE
        return
    axis.major_gridlines.format.line.color.theme_color = RULE
    axis.major_gridlines.format.line.width = Pt(0.5)
    axis.tick_labels.number_format = number_format
    axis.tick_labels.number_format_is_linked = False
    axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW


def _style_category_axis(chart: Chart) -> None:
    axis = chart.category_axis
    axis.major_tick_mark = XL_TICK_MARK.NONE
    axis.has_major_gridlines = False
    axis.format.line.color.theme_color = QUIET
    axis.format.line.width = Pt(1)
    axis.tick_label_position = XL_TICK_LABEL_POSITION.LOW
