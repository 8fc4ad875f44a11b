"""A slider for one number, or for what is believed of it: low, likeliest and high."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.events import Click
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from persona_tui.engine.params import Range
from persona_tui.tui.glyphs import LADDER, Glyphs

if TYPE_CHECKING:
    from persona_tui.engine.params import Parameter

_FAST: Final = 10
_LOW, _MODE, _HIGH = range(3)
_DIGITS: Final = 6
"""Significant ones of a number that a slider writes: steps add up to no tail of rounding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """What a slider goes over.

    Parameters
    ----------
    low, high, step : float
    whole : bool
    """

    low: float
    high: float
    step: float
    whole: bool

    def moved(self, value: float, steps: float) -> float:
        """Return a value so many steps on, inside the scale.

        Examples
        --------
        >>> Scale(low=0, high=1, step=0.01, whole=False).moved(0.05, 1)
        0.06
        """
        value = min(max(value + steps * self.step, self.low), self.high)
        return round(value) if self.whole else float(f"{value:.{_DIGITS}g}")


def scale_of(parameter: Parameter, value: float | Range | None) -> Scale:
    """Return the scale of a parameter; one without a near end goes to where its values are likely.

    Parameters
    ----------
    parameter : Parameter
    value : float or Range, optional
        As it is now; the scale reaches beyond it.
    """
    whole = parameter.kind == "int"
    low = parameter.low or 0.0
    most = value.high if isinstance(value, Range) else value or 0.0
    high = 1.0 if parameter.high == 1 else max(10.0 if whole else 3.0, 2.0 * most)
    if parameter.high is not None:
        high = min(high, parameter.high)
    return Scale(low=low, high=high, step=1.0 if whole else 0.01, whole=whole)


def number_text(value: float | Range) -> str:
    """Return a number, or a range, as the grammar writes it.

    Examples
    --------
    >>> number_text(0.05), number_text(2), number_text(Range(0.02, 0.05, 0.1))
    ('0.05', '2', '0.02/0.05/0.1')
    """
    ends = (value.low, value.mode, value.high) if isinstance(value, Range) else (value,)
    return "/".join(f"{each:.{_DIGITS}g}" for each in ends)


class Slider(Widget, can_focus=True):
    """A slider; the arrows move it, and the number beside it can be typed as well."""

    HELP = (
        "A number: left and right move it, with shift ten times as far; home and end go to its ends. "
        "r makes it a range of what is believed, low, likeliest and high; m goes to the next of these."
    )
    DEFAULT_CSS = "Slider { height: 1; width: 1fr; } Slider:focus { background: $boost; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Less", show=False),
        Binding("right", "move(1)", "More", show=False),
        Binding("shift+left", f"move({-_FAST})", "Much less", show=False),
        Binding("shift+right", f"move({_FAST})", "Much more", show=False),
        Binding("home", "end('low')", "Least", show=False),
        Binding("end", "end('high')", "Greatest", show=False),
        Binding("r", "range", "Range", show=False),
        Binding("m", "handle", "Next end", show=False),
    ]
    value: reactive[float | Range | None] = reactive(None)
    handle: reactive[int] = reactive(_MODE)

    class Changed(Message):
        """The slider was moved."""

        def __init__(self, slider: Slider, value: float | Range) -> None:
            super().__init__()
            self.slider, self.value = slider, value

        @property
        def control(self) -> Slider:
            """Return the slider."""
            return self.slider

    def __init__(
        self,
        parameter: Parameter,
        value: float | Range | None,
        *,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.parameter = parameter
        self.set_reactive(Slider.value, value)
        self.scale_now = scale_of(parameter, value)

    def show(self, value: float | Range | None) -> None:
        """Show a value that was typed."""
        self.scale_now = scale_of(self.parameter, value)
        self.value = value

    def render(self) -> Content:
        """Return the track with the value, or both ends of a range, on it."""
        return draw_slider(
            self.scale_now,
            self.value,
            self.handle,
            self.size.width,
            getattr(self.app, "glyphs", LADDER["eighths"]),
        )

    def action_move(self, steps: int) -> None:
        """Move the value, or the end of the range that is chosen."""
        here = self._held()
        self._set(self.scale_now.moved(here, steps))

    def action_end(self, end: str) -> None:
        """Go to an end of the scale."""
        self._set(self.scale_now.low if end == "low" else self.scale_now.high)

    def action_range(self) -> None:
        """Make the number a range, or the range its likeliest number."""
        if not self.parameter.takes_range:
            self.notify(f"{self.parameter.name} is one number, not a range.")
            return
        value = self.value if self.value is not None else self.scale_now.low
        if isinstance(value, Range):
            self._changed(value.mode)
            return
        low, high = (self.scale_now.moved(value * part, 0) for part in (0.5, 1.5))
        self._changed(Range(low, float(value), max(high, float(value))))

    def action_handle(self) -> None:
        """Go to the next end of the range."""
        self.handle = (self.handle + 1) % 3

    def on_click(self, event: Click) -> None:
        """Move the value to where the mouse is."""
        scale = self.scale_now
        share = event.x / max(self.size.width - 1, 1)
        steps = round(share * (scale.high - scale.low) / scale.step)
        self._set(scale.moved(scale.low, steps))

    def _held(self) -> float:
        if isinstance(self.value, Range):
            return (self.value.low, self.value.mode, self.value.high)[self.handle]
        return self.value if self.value is not None else self.scale_now.low

    def _set(self, number: float) -> None:
        if not isinstance(self.value, Range):
            self._changed(number)
            return
        low, mode, high = self.value.low, self.value.mode, self.value.high
        if self.handle == _LOW:
            mode, high = max(mode, number), max(high, number)
            low = number
        elif self.handle == _HIGH:
            low, mode = min(low, number), min(mode, number)
            high = number
        else:
            low, high = min(low, number), max(high, number)
            mode = number
        self._changed(Range(low, mode, high))

    def _changed(self, value: float | Range) -> None:
        self.value = value
        self.post_message(self.Changed(self, value))


def draw_slider(
    scale: Scale, value: float | Range | None, handle: int, width: int, glyphs: Glyphs
) -> Content:
    """Return the track of a slider in so many cells, with the value on it."""
    if width < 1:
        return Content("")
    cells = [glyphs.rule] * width
    marks: dict[int, str] = {}
    if value is None:
        return Content.styled("".join(cells), "$text-muted")
    ends = (value.low, value.mode, value.high) if isinstance(value, Range) else (value,)
    places = [_place(each, scale, width) for each in ends]
    if isinstance(value, Range):
        cells[places[_LOW] : places[_HIGH] + 1] = [glyphs.steps[-1]] * (places[_HIGH] - places[_LOW] + 1)
        cells[places[_LOW]], cells[places[_HIGH]] = glyphs.whisker_left, glyphs.whisker_right
        cells[places[_MODE]] = glyphs.point
        marks[places[handle]] = "reverse bold"
    else:
        cells[places[0]] = glyphs.point
        marks[places[0]] = "bold"
    inside = range(min(places), max(places) + 1)
    return Content.assemble(
        *(
            (cell, f"{'$accent' if place in inside else '$text-muted'} {marks.get(place, '')}".strip())
            for place, cell in enumerate(cells)
        )
    )


def _place(value: float, scale: Scale, width: int) -> int:
    share = (value - scale.low) / (scale.high - scale.low) if scale.high > scale.low else 0.0
    return min(max(round(share * (width - 1)), 0), width - 1)
