"""Where users go next, as a matrix: shades and percentages, and the cell in focus in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from persona_tui.engine.text import printable
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import Figure, fitted
from persona_tui.tui.widgets.numbers import shown, shown_interval

_DIGITS: Final = 6
"""Cells of a column with a percentage."""
_SHADES: Final = 4
"""Cells of a column without one."""
_NAMED: Final = 10
"""Cells from which a column has its name above it instead of its number."""
_WIDEST_CELL: Final = 18
_WIDEST_NAME: Final = 26
_CORNER: Final = "from / to, %"
_NARROWEST: Final = 18
_FEWEST_ROWS: Final = 6
_ONE_LINE: Final = 88
"""Cells from which the words on a cell stand in one line."""
_PREFERRED_ROWS: Final = 20
_BOUNDS: Final = (0.05, 0.2, 0.5)
"""Where a darker shade begins."""
_MOVE: Final = Binding.Group("Cell", compact=True)
_END: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """What a heat map shows.

    Parameters
    ----------
    sources : tuple of str
        Names of the rows, from the data.
    targets : tuple of str
        Names of the columns, from the data.
    values : tuple of tuple of float
        A row for each source: its share that goes to each target.
    n : tuple of float
        How many moves the shares of each row are of.
    style : str
        Of shades: that of the arm.
    """

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    values: tuple[tuple[float, ...], ...]
    n: tuple[float, ...]
    style: str = "$primary"


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    """Which rows and columns are seen, and in how many cells a name and a column stand."""

    rows: range
    columns: range
    name: int
    cell: int


class HeatMap(Figure[Heat]):
    """A heat map whose cell in focus is moved with the arrow keys or the mouse."""

    DEFAULT_CSS = "HeatMap { height: 1fr; min-height: 6; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", "Source above", group=_MOVE),
        Binding("down", "move(1, 0)", "Source below", group=_MOVE),
        Binding("left", "move(0, -1)", "Target before", group=_MOVE),
        Binding("right", "move(0, 1)", "Target after", group=_MOVE),
        Binding("home", f"move(0, -{_END})", "First target", show=False),
        Binding("end", f"move(0, {_END})", "Last target", show=False),
        Binding("ctrl+home", f"move(-{_END}, 0)", "First source", show=False),
        Binding("ctrl+end", f"move({_END}, 0)", "Last source", show=False),
    ]
    can_focus = True
    at: reactive[tuple[int, int]] = reactive((0, 0))

    @dataclass
    class CellFocused(Message):
        """Another cell is in focus."""

        heat_map: HeatMap
        source: str
        target: str
        value: float
        n: float

        @property
        def control(self) -> HeatMap:
            """Return the heat map that sent it."""
            return self.heat_map

    def draw(self, data: Heat, width: int, glyphs: Glyphs) -> list[Content]:
        """Return the matrix at the height of the widget."""
        return draw_heat(data, self.at, width, self.size.height or _PREFERRED_ROWS, glyphs)

    def validate_at(self, at: tuple[int, int]) -> tuple[int, int]:
        """Return the nearest cell that there is."""
        if not _has_cells(self.data):
            return 0, 0
        row, column = at
        last_row, last_column = len(self.data.sources) - 1, len(self.data.targets) - 1
        return min(max(row, 0), last_row), min(max(column, 0), last_column)

    def watch_data(self) -> None:
        """Keep the focus where it is as far as the new matrix goes."""
        self.at = self.validate_at(self.at)

    def watch_at(self) -> None:
        """Tell which cell is in focus."""
        if _has_cells(self.data):
            row, column = self.at
            self.post_message(
                self.CellFocused(
                    self,
                    self.data.sources[row],
                    self.data.targets[column],
                    self.data.values[row][column],
                    self.data.n[row],
                )
            )

    def action_move(self, rows: int, columns: int) -> None:
        """Move the focus by so many rows and columns."""
        self.at = (self.at[0] + rows, self.at[1] + columns)

    def on_click(self, event: events.Click) -> None:
        """Put the focus where the mouse is."""
        place = event.get_content_offset(self)
        if place is None or not _has_cells(self.data) or not _has_room(self.size.width, self.size.height):
            return
        view = _view(self.data, self.at, self.size.width, self.size.height)
        row, column = place.y - 1, (place.x - view.name) // view.cell
        if 0 <= row < len(view.rows) and 0 <= column < len(view.columns):
            self.at = (view.rows[row], view.columns[column])


def draw_heat(heat: Heat, at: tuple[int, int], width: int, height: int, glyphs: Glyphs) -> list[Content]:
    """Return the matrix around a cell, its legend and the cell in words, in so many lines at most."""
    if not _has_cells(heat):
        return [Content.styled(fitted("No moves to show.", width, glyphs), "$text-muted")][:height]
    words = [Content(line) for line in in_words(heat, at, width, glyphs)]
    if not _has_room(width, height):
        return words[:height]
    view = _view(heat, at, width, height)
    rows = [_row(heat, row, at, view, glyphs) for row in view.rows]
    legend = Content.styled(_legend(heat, view, width, glyphs), "$text-muted")
    return [_heading(heat, at, view, glyphs), *rows, legend, *words]


def in_words(heat: Heat, at: tuple[int, int], width: int, glyphs: Glyphs) -> list[str]:
    """Return a cell as a sentence in one line or two: names give way where room is short."""
    from persona_tui.engine.statistics import wilson_interval  # noqa: PLC0415 - loads numpy, 0.1 s

    row, column = at
    value, n = heat.values[row][column], heat.n[row]
    certain = "no moves seen"
    if n >= 0.5:
        low, high = wilson_interval(min(max(value, 0.0), 1.0), n)
        certain = f"95 % interval {shown_interval(low, high, 'percent')}, n = {shown(n, 'count')}"
    share = shown(value, "percent")
    ending = f" ({certain})." if width >= _ONE_LINE else "."
    room = width - len(f"After , {share} go to {ending}")
    names = [heat.sources[row], heat.targets[column]]
    lengths = [_length(name) for name in names]
    first = min(lengths[0], max(room // 2, room - lengths[1]))
    source, target = (
        fitted(name, max(cells, 1), glyphs)
        for name, cells in zip(names, (first, min(lengths[1], room - first)), strict=True)
    )
    lines = [f"After {source}, {share} go to {target}{ending}"]
    if width < _ONE_LINE:
        lines.append(certain)
    return [fitted(line, width, glyphs) for line in lines]


def _length(name: str) -> int:
    return Content(printable(name)).cell_length


def _has_cells(heat: Heat | None) -> bool:
    return heat is not None and bool(heat.sources) and bool(heat.targets)


def _has_room(width: int, height: int) -> bool:
    return width >= _NARROWEST and height >= _FEWEST_ROWS


def _view(heat: Heat, at: tuple[int, int], width: int, height: int) -> _View:
    """Return what is seen around a cell: percentages where all columns have room for them, or scrolling."""
    numbered = len(str(len(heat.targets))) + 1
    longest = max(_length(name) for name in heat.sources) + numbered + 1
    name = min(max(longest, len(_CORNER) + 1), _WIDEST_NAME, max(width // 3, 9))
    n_columns = len(heat.targets)
    cell = min((width - name) // n_columns, _WIDEST_CELL)
    if cell < _SHADES or (cell < _DIGITS and n_columns * _DIGITS > 2 * (width - name)):
        cell = _DIGITS
    cell = _SHADES if cell < _DIGITS else cell
    return _View(
        rows=_window(len(heat.sources), height - (3 if width >= _ONE_LINE else 4), at[0]),
        columns=_window(n_columns, max((width - name) // cell, 1), at[1]),
        name=name,
        cell=cell,
    )


def _window(n: int, room: int, at: int) -> range:
    """Return so many of n places around one, as far as there are."""
    first = min(max(at - room // 2, 0), max(n - room, 0))
    return range(first, min(first + room, n))


def _heading(heat: Heat, at: tuple[int, int], view: _View, glyphs: Glyphs) -> Content:
    """Return the names of the columns, or their numbers where names have no room."""
    corner = _CORNER if view.name > len(_CORNER) else "%"
    parts: list[tuple[str, str]] = [(fitted(corner, view.name, glyphs), "$text-muted")]
    for column in view.columns:
        if view.cell >= _NAMED:
            text = " " + fitted(heat.targets[column], view.cell - 2, glyphs) + " "
        else:
            text = str(column + 1).rjust(view.cell - 1)[: view.cell - 1] + " "
        parts.append((text, "bold" if column == at[1] else "$text-muted"))
    return Content.assemble(*parts)


def _row(heat: Heat, row: int, at: tuple[int, int], view: _View, glyphs: Glyphs) -> Content:
    """Return a source and its cells; the one in focus stands in brackets."""
    name = heat.sources[row]
    digits = len(str(len(heat.targets)))
    number = str(heat.targets.index(name) + 1) if name in heat.targets else ""
    label = f"{number:>{digits}} " + fitted(name, view.name - digits - 2, glyphs) + " "
    parts: list[Content | tuple[str, str]] = [(label, "bold" if row == at[0] else "")]
    for column in view.columns:
        cell = _cell(heat.values[row][column], view.cell - 2, heat.style, glyphs)
        if (row, column) == at:
            parts += [("[", "bold $accent"), cell.stylize("reverse"), ("]", "bold $accent")]
        else:
            parts += [(" ", ""), cell, (" ", "")]
    return Content.assemble(*parts)


def _cell(value: float, width: int, style: str, glyphs: Glyphs) -> Content:
    """Return a share as a shade, with its percentage at the right where there is room; zero is faint."""
    if value <= 0:
        return Content.styled(("-" if glyphs.name == "ascii" else "·").rjust(width), "$text-muted")
    number = _percentage(value) if width >= _DIGITS - 2 else ""
    shade = _shade(value, glyphs) * (max(width - 4, 1) if number else width)
    return Content.assemble((shade, style), number.rjust(width - len(shade)) if number else "")


def _percentage(value: float) -> str:
    """Return a share as a whole number of percents; what is not zero does not read as zero."""
    return "<1" if value < 0.005 else f"{100 * value:.0f}"


def _shade(value: float, glyphs: Glyphs) -> str:
    return glyphs.shades[1 + sum(value >= bound for bound in _BOUNDS)]


def _legend(heat: Heat, view: _View, width: int, glyphs: Glyphs) -> str:
    """Return what the shades and numbers mean, and where in a larger matrix this is, as far as it fits."""
    shades = glyphs.shades
    parts = [f"{shades[1]} <5 {shades[2]} 5+ {shades[3]} 20+ {shades[4]} 50+ %"]
    for seen, n, what in (
        (view.rows, len(heat.sources), "rows"),
        (view.columns, len(heat.targets), "columns"),
    ):
        if len(seen) < n:
            parts.append(f"{what} {seen[0] + 1} to {seen[-1] + 1} of {n}")
    if view.cell < _NAMED:
        names = {heat.sources[row] for row in view.rows}
        unnamed = [column for column in view.columns if heat.targets[column] not in names]
        parts += [f"{column + 1} {printable(heat.targets[column])}" for column in unnamed]
    legend = ""
    for part in parts:
        longer = f"{legend}; {part}" if legend else part
        legend = longer if _length(longer) <= width else legend
    return legend
