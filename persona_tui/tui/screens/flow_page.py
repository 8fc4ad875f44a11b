"""What the Flow screen says: lines, tables and figures made from an experiment and what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from textual.content import Content

from persona_tui.engine.analytics.scenario_phrases import harm_words, layers, metric_cells, shown_metrics
from persona_tui.engine.analytics.step_flow import flow_of_arm
from persona_tui.engine.analytics.wording import decision, models_left_out
from persona_tui.engine.simulation.effect_base import THIN_SUPPORT
from persona_tui.engine.text import printable
from persona_tui.study.scenario_edits import effect_words
from persona_tui.tui.glyphs import Glyphs
from persona_tui.tui.widgets.figure import fitted
from persona_tui.tui.widgets.flow_diagram import Flow
from persona_tui.tui.widgets.funnel_bars import ARM_STYLES, Funnel, FunnelArm
from persona_tui.tui.widgets.interval_bars import IntervalRow, Intervals
from persona_tui.tui.widgets.numbers import shown
from persona_tui.tui.widgets.text_table import TextTable
from persona_tui.tui.widgets.tornado import Swing, Swings

if TYPE_CHECKING:
    from persona_tui.engine.analytics.reporting import FunnelArms
    from persona_tui.engine.simulation.changes import RowChange
    from persona_tui.engine.simulation.comparison import Comparison
    from persona_tui.engine.simulation.experiments import Experiment
    from persona_tui.engine.simulation.insights import Insights
    from persona_tui.engine.simulation.leverage import StepLeverage
    from persona_tui.study.previews import PreviewDetails
    from persona_tui.study.scenarios import ScenarioSettings

_MOST_ROWS: Final = 12
_ARMS: Final = ("control", "treatment")
_PLAIN: Final = str.maketrans({"\u202f": " ", "−": "-"})
_OF: Final = 1_000
"""Journeys that a predicted funnel counts."""
_ROUNDING: Final = 1e-9
_CELLS_A_STEP: Final = 17
_MOST_STEPS: Final = 6
_WITH_VISITS: Final = 32
_STEP_NUMBERS: Final = 14
_OFF: Final = "off: "


def answer(experiment: Experiment) -> Content:
    """Return the answer in a sentence, and how sure it is that nothing gets worse."""
    falls = harm_words(experiment.total, experiment)
    estimate = experiment.total.uplifts["completion_rate"]
    low, high = estimate.total
    style = "$text-success" if low > 0 else "$text-error" if high < 0 else "$text-warning"
    return Content.assemble(
        (plain(decision(experiment)), style),
        f" Chance that completion falls: {plain(falls)}.",
    )


def plain(text: str) -> str:
    """Return a text of the study in characters of one cell that every rung has."""
    return printable(text).translate(_PLAIN)


def uplifts(experiment: Experiment) -> Intervals:
    """Return the uplift of completion of everyone and of each persona, in points."""
    parts = [("all", experiment.total)]
    parts += [(f"{number} {each.name}", each) for number, each in _numbered(experiment)]
    return Intervals(
        rows=tuple(_uplift(label, each, experiment) for label, each in parts),
        kind="points",
        title="Uplift of completion",
    )


def _numbered(experiment: Experiment) -> Iterator[tuple[int, Comparison]]:
    """Return the personas that are predicted, each with its number in the study."""
    return zip(experiment.control.persona_numbers, experiment.personas, strict=True)


def groups(experiment: Experiment) -> Intervals:
    """Return the uplift of completion of the groups of users, those first whose uplift is most its own."""
    everyone = experiment.total.uplifts["completion_rate"].value
    ordered = sorted(
        experiment.groups, key=lambda each: -abs(each.uplifts["completion_rate"].value - everyone)
    )
    rows = tuple(_uplift(each.name, each, experiment) for each in ordered[: 2 * _MOST_ROWS])
    return Intervals(
        rows=(_uplift("all", experiment.total, experiment), *rows),
        kind="points",
        title="Uplift of completion",
    )


def _uplift(label: str, part: Comparison, experiment: Experiment) -> IntervalRow:
    estimate = part.uplifts["completion_rate"]
    low, high = estimate.total
    style = "$success" if low > 0 else "$error" if high < 0 else "$warning"
    return IntervalRow(
        label=label,
        value=estimate.value,
        low=low,
        high=high,
        note=f"falls {plain(harm_words(part, experiment))}",
        style=style,
    )


def outcomes(experiment: Experiment) -> TextTable:
    """Return both arms of every metric, in total."""
    return TextTable(
        heads=("", "control", "treatment", "uplift", "95 % interval"),
        rows=tuple(
            tuple(map(plain, metric_cells(experiment.total, metric))) for metric in shown_metrics(experiment)
        ),
        spare=(1, 2),
    )


def by_persona(experiment: Experiment) -> TextTable:
    """Return the completion of both arms by persona."""
    return TextTable(
        heads=("completion of", "share", "control", "treatment"),
        rows=tuple(
            (
                f"{number} {each.name}",
                shown(each.share, "percent"),
                *(shown(each.arms[arm]["completion_rate"], "percent") for arm in _ARMS),
            )
            for number, each in _numbered(experiment)
        ),
        spare=(1,),
    )


def doubts(experiment: Experiment) -> str:
    """Return the sources of doubt that the interval holds or that stand beside it, and the caveats."""
    told = layers(experiment.total.uplifts["completion_rate"]).strip()
    return plain(" ".join(filter(None, (told, models_left_out(experiment), *experiment.caveats))))


def funnel(experiment: Experiment, steps: Sequence[FunnelArms], title: str = "") -> Funnel:
    """Return how many of a thousand journeys reach each step in both arms.

    The uplift of the last step has an interval where it completes.
    """
    total = experiment.total
    completes = abs(steps[-1].treatment - total.arms["treatment"]["completion_rate"]) < _ROUNDING
    last = total.uplifts["completion_rate"].total if completes else None
    return Funnel(
        steps=tuple(each.step for each in steps),
        arms=tuple(
            FunnelArm(name=arm, reached=tuple(_OF * getattr(each, arm) for each in steps), total=_OF)
            for arm in _ARMS
        ),
        uplifts=(*(None for _ in steps[:-1]), last),
        title=title,
        unit=f"of {_OF:,}",
    )


def diagram(experiment: Experiment, cells: Sequence[int] | None, arm: str, width: int) -> Flow:
    """Return the first steps of the journeys of one arm, of all personas or of the chains of one.

    Parameters
    ----------
    experiment : Experiment
    cells : sequence of int, optional
        Places of the chains that are meant; all by default.
    arm : {"control", "treatment"}
    width : int
        Cells that there are.
    """
    n_steps = min(max(width // _CELLS_A_STEP, 3), _MOST_STEPS)
    drawn = flow_of_arm(experiment, arm, n_steps=n_steps, total=_OF, cells=cells)
    return Flow.of(drawn, ARM_STYLES[_ARMS.index(arm)])


def in_order(details: PreviewDetails) -> TextTable:
    """Return the share of journeys that reach each step in the order of the funnel."""
    return TextTable(
        heads=("reached in order", "control", "treatment", "uplift"),
        rows=tuple(
            (
                each.step,
                shown(each.control_in_order, "percent"),
                shown(each.treatment_in_order, "percent"),
                shown(each.treatment_in_order - each.control_in_order, "points"),
            )
            for each in details.funnel
        ),
    )


def drivers(insights: Insights) -> Swings:
    """Return what moves the uplift most."""
    return Swings(
        base=insights.drivers.uplift,
        swings=tuple(
            Swing(label=each.name, ends=each.values, results=each.uplifts, is_assumed=each.assumed)
            for each in insights.drivers.drivers
        ),
        title="What moves the uplift",
    )


def break_evens(insights: Insights) -> str:
    """Return where each number turns the uplift."""
    return "\n".join(plain(f"{each.name}: {each.found.describe()}") for each in insights.break_even)


def leaving(insights: Insights) -> TextTable:
    """Return where people leave in both arms, what the change moves most first."""
    rows = sorted(
        (each for each in insights.drop_off if any(each.leaving)),
        key=lambda each: (-round(abs(each.uplift), 9), -max(each.leaving)),
    )
    return TextTable(
        heads=(f"leavings a journey at{_of(len(rows))}", "control", "treatment", "change"),
        rows=tuple(
            (
                each.state,
                *(shown(rate, "number") for rate in each.leaving),
                shown(each.uplift, "signed"),
            )
            for each in rows[:_MOST_ROWS]
        ),
    )


def changes(details: PreviewDetails) -> TextTable:
    """Return what is other in the chains, the largest change first, with what it rests on."""
    rows = details.changes[: 2 * _MOST_ROWS]
    return TextTable(
        heads=(f"from{_of(len(details.changes), 2 * _MOST_ROWS)}", "to", "whose", "before", "after", "seen"),
        rows=tuple(
            (
                *_move(each),
                "; ".join(each.who) or "all",
                "" if each.kind == "new" else _chance(each, each.before),
                _chance(each, each.after),
                f"{shown(each.support, 'count')}{' thin' if _thin(each) else ''}" if _is_seen(each) else "",
            )
            for each in rows
        ),
        left=3,
        styles=tuple("$text-warning" if _thin(each) else "" for each in rows),
    )


def _move(change: RowChange) -> tuple[str, str]:
    if change.kind == "time":
        return "time at", change.state
    return ("starts at", change.state) if change.kind == "start" else (change.state, change.target)


def _chance(change: RowChange, value: float) -> str:
    return f"× {value:g}" if change.kind == "time" else shown(value, "percent")


def _is_seen(change: RowChange) -> bool:
    """Return whether the log can have seen it: what the change itself makes was never there."""
    return change.kind != "new" and change.before > 0


def _thin(change: RowChange) -> bool:
    return _is_seen(change) and change.support < THIN_SUPPORT


def _of(n_rows: int, most: int = _MOST_ROWS) -> str:
    """Return how many rows of a table are shown, empty where all are."""
    return f" ({most} of {n_rows})" if n_rows > most else ""


def scenario_line(scenario: ScenarioSettings, *, leads: bool) -> Content:
    """Return a scenario as its list shows it."""
    return Content.assemble(printable(scenario.name), ("  leads" if leads else "", "$text-muted"))


def effect_line(place: int, text: str, *, acts: bool) -> Content:
    """Return an effect as the list shows it: its place, and what it does in words."""
    words = plain(effect_words(text))
    if not acts:
        return Content.styled(f"{place} {_OFF}{words}", "$text-muted")
    return Content.assemble((f"{place} ", "$text-muted"), words)


def step_heads(width: int) -> str:
    """Return the heads of the list of steps."""
    name, visits = _step_columns(width)
    seen = f"{'visits':>{visits}}" if visits else ""
    return f"{'step':<{name}}{seen}{'leave':>8}{'worth':>6}"


def _step_columns(width: int) -> tuple[int, int]:
    """Return the cells of the name and of the visits, which go where names would not be readable."""
    visits = 7 if width >= _WITH_VISITS else 0
    return max(width - _STEP_NUMBERS - visits, 6), visits


def step_line(step: StepLeverage, width: int, glyphs: Glyphs) -> Content:
    """Return a step: its visits a journey, who leaves there, and what one point less leaving is worth."""
    name, visits = _step_columns(width)
    seen = f"{step.visits:>{visits}.2f}" if visits else ""
    numbers = f"{seen}{shown(step.leaving_rate, 'percent'):>8}{step.leverage:>6.2f}"
    style = "$text-warning" if step.thin else ""
    label = f"{step.state} (thin)" if step.thin else step.state
    return Content.assemble(fitted(label, name, glyphs), (numbers, style))
