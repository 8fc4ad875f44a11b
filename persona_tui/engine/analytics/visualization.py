"""Figures of a log: each holds its data, and shows itself in notebooks, pages, pictures and terminals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from persona_tui.engine.analytics.figures import Bar, BarFigure, BarRow, Drawable, FlowFigure, FlowPanel
from persona_tui.engine.analytics.metrics import EXIT, observed_journeys, retention, state_names
from persona_tui.engine.analytics.numbers import UNKNOWN, count, percent
from persona_tui.engine.analytics.step_flow import (
    FLOW_NOTE,
    FlowLink,
    FlowNode,
    StepFlow,
    folded,
    with_leaving,
)
from persona_tui.engine.data.funnel import FunnelStep
from persona_tui.engine.data.periods import Period
from persona_tui.engine.errors import DataError
from persona_tui.engine.modeling.journeys import Journeys
from persona_tui.engine.types import BoolArray, Unit

OTHER: Final = "(other)"
MORE: Final = "(more)"
"""Stand for rare events, and for what comes after the last step shown."""

_MOST: Final = 12
"""Events a step that are drawn."""
_NAMED: Final = 12
"""Folded events that are named."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sankey(Drawable):
    """How journeys spread over events, step by step.

    Parameters
    ----------
    nodes : DataFrame
        ``step`` (from 1), ``event``, ``count`` of journeys; the largest first within a step.
    links : DataFrame
        ``step`` of the source, ``source``, ``target`` (at the next step), ``count``.
    folded : tuple of str
        Events that ``(other)`` stands for, the commonest first.
    n_steps : int
        Steps shown.
    unit : {"user", "session"}
        What one journey is.

    Notes
    -----
    A journey that ends after step s goes to ``(exit)`` at step s + 1; one that is longer than what is
    shown goes to ``(more)`` after the last step. So at every event what comes in goes out, and the first
    step counts every journey. ``return`` stands between two sessions of a user. Pictures and texts call
    ``(exit)`` leaving, and draw it from every event that is left.
    """

    nodes: pl.DataFrame
    links: pl.DataFrame
    folded: tuple[str, ...]
    n_steps: int
    unit: Unit

    def to_frame(self) -> pl.DataFrame:
        """Return the links."""
        return self.links

    @property
    def figure(self) -> FlowFigure:
        """Return it as it is drawn: states of a step that are small are folded into one."""
        return FlowFigure(
            title=f"The first {self.n_steps} steps of journeys",
            panels=(FlowPanel(name="", tone="control", flow=with_leaving(folded(self._flow(), _MOST))),),
            note=self._note(),
        )

    def _flow(self) -> StepFlow:
        """Return the volumes; who exits is told at the event before."""
        shown = self.nodes.filter(pl.col("event") != EXIT)
        place_of = {row[:2]: place for place, row in enumerate(shown.iter_rows())}
        exits = {row[:2]: row[3] for row in self.links.filter(target=EXIT).iter_rows()}
        nodes = [
            FlowNode(name=event, step=step - 1, volume=number, exits=exits.get((step, event), 0))
            for step, event, number in shown.iter_rows()
        ]
        links = [
            FlowLink(source=place_of[step, source], target=place_of[step + 1, target], volume=number)
            for step, source, target, number in self.links.iter_rows()
            if target != EXIT
        ]
        total = sum(node.volume for node in nodes if node.step == 0)
        return StepFlow(nodes=tuple(nodes), links=tuple(links), total=total, unit=f"{self.unit}s")

    def _note(self) -> str:
        if not self.folded:
            return FLOW_NOTE
        names = ", ".join(self.folded[:_NAMED])
        more = f" and {len(self.folded) - _NAMED} more" if len(self.folded) > _NAMED else ""
        return f"{OTHER}: {len(self.folded)} rarer events: {names}{more}. {FLOW_NOTE}"


def sankey_from_sequences(
    events: pl.DataFrame, *, n_steps: int = 6, n_events: int = 10, unit: Unit = "user"
) -> Sankey:
    """Return how the journeys of a log spread over events.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.
    n_steps : int
        Steps to show, at least 1.
    n_events : int
        Event types to show, at least 1: the commonest within these steps; the rest are folded into one.
    unit : {"user", "session"}
        Under ``user`` a journey is a user's sessions, joined by ``return``, which is a step too.

    Returns
    -------
    Sankey

    Raises
    ------
    DataError
        If a number is below 1, a canonical column is missing, there is no event, or an event has
        the name of ``(exit)``, ``(other)`` or ``(more)``.

    Examples
    --------
    >>> from persona_tui.engine.data.samples import make_sample_events
    >>> log = make_sample_events().with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC"))
    >>> sankey_from_sequences(log, n_steps=2, n_events=3).nodes.head(3).rows()
    [(1, 'landing', 2513), (1, 'view_pricing', 294), (1, 'browse_features', 235)]
    """
    for name, number in (("n_steps", n_steps), ("n_events", n_events)):
        if number < 1:
            raise DataError(f"{name} == {number}, must be >= 1.")
    journeys = observed_journeys(events, unit)
    reserved = [name for name in (OTHER, MORE) if name in journeys.vocabulary]
    if reserved:
        raise DataError(f"An event is called '{reserved[0]}', which is reserved.", hint="Rename it.")
    lengths = np.diff(journeys.offsets)
    steps = np.arange(len(journeys.steps)) - np.repeat(journeys.offsets[:-1], lengths) + 1
    by_code, folded = _labels(journeys, steps <= n_steps, n_events)
    event = by_code[journeys.steps]
    is_last = steps == np.repeat(lengths, lengths)
    following = (
        pl.when(pl.lit(pl.Series(is_last)))
        .then(pl.lit(EXIT))
        .when(pl.col("step") == n_steps)
        .then(pl.lit(MORE))
        .otherwise(pl.col("source").shift(-1))
    )
    moves = pl.DataFrame({"step": steps, "source": event}).with_columns(target=following)
    links = _tally(moves.filter(pl.col("step") <= n_steps), "step", "source", "target")
    ends = links.filter(pl.col("target").is_in([EXIT, MORE]))
    sources = links.select("step", "count", event="source")
    targets = ends.select(step=pl.col("step") + 1, count="count", event="target")
    counted = pl.concat([sources, targets.select(sources.columns)]).group_by("step", "event")
    nodes = _ordered(counted.agg(pl.col("count").sum()), "step", "event")
    return Sankey(nodes=nodes, links=links, folded=folded, n_steps=n_steps, unit=unit)


def _labels(journeys: Journeys, shown: BoolArray, n_events: int) -> tuple[pl.Series, tuple[str, ...]]:
    """Return what each state is called, and which events are folded into one name."""
    names, n = state_names(journeys), len(journeys.vocabulary)
    seen = np.bincount(journeys.steps[shown], minlength=len(names))[:n]
    folded = [names[code] for code in np.argsort(-seen, kind="stable")[n_events:] if seen[code]]
    return pl.Series([OTHER if name in folded else name for name in names]), tuple(folded)


def _tally(frame: pl.DataFrame, *by: str) -> pl.DataFrame:
    return _ordered(frame.group_by(by).agg(count=pl.len().cast(pl.Int64)), *by)


def _ordered(frame: pl.DataFrame, *by: str) -> pl.DataFrame:
    """Return rows by step, the largest first within each."""
    step, *names = by
    order = [False, True, *[False] * len(names)]
    return frame.select(*by, "count").sort(step, "count", *names, descending=order)


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelChart(Drawable):
    """The steps of a funnel, to be drawn.

    Parameters
    ----------
    steps : tuple of FunnelStep
    """

    steps: tuple[FunnelStep, ...]

    def to_frame(self) -> pl.DataFrame:
        """Return one row a step, with the fields of ``FunnelStep``."""
        return pl.DataFrame([asdict(step) for step in self.steps])

    @property
    def figure(self) -> BarFigure:
        """Return it as it is drawn."""
        return BarFigure(
            title="How far users come",
            series=(("in any order", "control"), ("in order", "treatment")),
            rows=tuple(
                BarRow(
                    name=each.step,
                    bars=(
                        Bar(each.rate, percent(each.rate)),
                        Bar(each.rate_in_order, percent(each.rate_in_order)),
                    ),
                    count=count(each.reached),
                )
                for each in self.steps
            ),
            axis="share of users",
            note="In order: after all steps before it.",
        )


def funnel_chart(steps: Sequence[FunnelStep]) -> FunnelChart:
    """Return a funnel to be drawn.

    Parameters
    ----------
    steps : sequence of FunnelStep
        As ``count_funnel`` returns them.

    Raises
    ------
    DataError
        If there is no step.

    Examples
    --------
    >>> step = FunnelStep(
    ...     step="landing", reached=8, rate=0.8, rate_of_previous=1.0, reached_in_order=8, rate_in_order=0.8
    ... )
    >>> print(funnel_chart([step]).to_text(60, ascii_only=True))
    How far users come; bars: in any order
    landing          ######          8   80.0 %  in order 80.0 %
    In order: after all steps before it.
    """
    if not steps:
        raise DataError("The funnel has no step.", hint="Name at least one event.")
    return FunnelChart(steps=tuple(steps))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RetentionCurve(Drawable):
    """How many of those who came are seen again, period by period.

    Parameters
    ----------
    period : {"day", "week", "month"}
    cohorts : DataFrame
        As ``retention`` returns it.
    curve : DataFrame
        ``offset``, ``cohorts`` whose period is complete, their ``users``, ``retained`` and ``rate``; null
        where no cohort's is.
    """

    period: Period
    cohorts: pl.DataFrame
    curve: pl.DataFrame

    def to_frame(self) -> pl.DataFrame:
        """Return the curve of all cohorts together."""
        return self.curve

    @property
    def figure(self) -> BarFigure:
        """Return it as it is drawn."""
        return BarFigure(
            title=f"Seen again, by {self.period} since first seen, where that {self.period} is over",
            series=(("seen again", "control"),),
            rows=tuple(self._row(row) for row in self.curve.iter_rows(named=True)),
            axis="share of users who came",
        )

    def _row(self, row: dict[str, Any]) -> BarRow:
        is_over = bool(row["cohorts"])
        return BarRow(
            name=f"{self.period} {row['offset']}",
            bars=(Bar(row["rate"], percent(row["rate"]) if is_over else UNKNOWN),),
            count=count(row["retained"]) if is_over else UNKNOWN,
            note=f"of {count(row['users'])}" if is_over else "not over yet",
        )


def retention_curve(events: pl.DataFrame, period: Period = "week", n_periods: int = 8) -> RetentionCurve:
    """Return how many of those who came are seen again, over all cohorts.

    Parameters
    ----------
    events : DataFrame
        An event log with canonical columns.
    period : {"day", "week", "month"}
    n_periods : int
        Periods to follow, the first included; at least 1.

    Raises
    ------
    UnknownNameError, DataError
        As ``retention``.

    Notes
    -----
    Each period is a mean over the cohorts for which it is over when the log ends, weighted by their
    users: other cohorts at every period, so that a step of the curve need not be a loss.

    Examples
    --------
    >>> from persona_tui.engine.data.samples import make_sample_events
    >>> log = make_sample_events().with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC"))
    >>> retention_curve(log, n_periods=2).curve.columns
    ['offset', 'cohorts', 'users', 'retained', 'rate']
    """
    cohorts = retention(events, period, n_periods)
    over = pl.col("complete")
    pooled = cohorts.group_by("offset", maintain_order=True).agg(
        cohorts=over.sum().cast(pl.Int64),
        users=pl.col("users").filter(over).sum(),
        retained=pl.col("retained").filter(over).sum(),
    )
    known = pooled.with_columns(pl.when(pl.col("cohorts") > 0).then(pl.col("users", "retained")).name.keep())
    curve = known.with_columns(rate=pl.col("retained") / pl.col("users")).sort("offset")
    return RetentionCurve(period=period, cohorts=cohorts, curve=curve)
