"""Every figure of the app with real data, in every theme and with every glyph.

``python -m persona_tui.tui.gallery [LOG]`` shows them; ``--print WIDTH [--glyphs NAME]`` writes them as text.
To add a figure, add a line to ``EXAMPLES``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

from textual import on, work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Footer, Static

from persona_tui.study.options import Settings
from persona_tui.tui.glyphs import LADDER
from persona_tui.tui.themes import DARK, THEMES, register
from persona_tui.tui.widgets.convergence import Convergence, ConvergenceChart, RunningArm
from persona_tui.tui.widgets.figure import Figure
from persona_tui.tui.widgets.flow_diagram import FlowDiagram
from persona_tui.tui.widgets.funnel_bars import Funnel, FunnelArm, FunnelBars
from persona_tui.tui.widgets.heat_map import HeatMap
from persona_tui.tui.widgets.histogram import Histogram
from persona_tui.tui.widgets.interval_bars import IntervalBars, IntervalRow, Intervals
from persona_tui.tui.widgets.sparkline import Spark, Sparkline
from persona_tui.tui.widgets.text_table import Table
from persona_tui.tui.widgets.tornado import Swing, Swings, Tornado

if TYPE_CHECKING:
    from persona_tui.study.inspection import Inspection
    from persona_tui.study.personas import DescribedPersonas
    from persona_tui.study.study import StudyResult

_SAMPLE: Final = "data/sample_events.csv"
_CHANGE: Final = ("friction:factor=0.02/0.05/0.1,at=signup_start", "insert_steps:count=1")
_BLOCKS: Final = 24
_BLOCK: Final = 500
_FLOW_CELLS: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Findings:
    """What the figures are made from: a log, its personas, and a change of its flow."""

    inspection: Inspection
    personas: DescribedPersonas
    result: StudyResult


def learn(source: str) -> Findings:
    """Do the whole job on a log."""
    from persona_tui.study.inspection import inspect_log  # noqa: PLC0415 - 0.4 s, loads polars
    from persona_tui.study.personas import describe_personas  # noqa: PLC0415 - 0.8 s, loads scipy
    from persona_tui.study.study import run_study  # noqa: PLC0415 - with it

    settings = Settings(events=source, modification=_CHANGE)
    personas = describe_personas(settings)
    prepared = personas.prepared
    return Findings(
        inspection=inspect_log(settings, prepared.log),
        personas=personas,
        result=run_study(settings, prepared, solver="exact"),
    )


def _over_time(found: Findings) -> Any:  # noqa: ANN401 - the data of a figure
    from persona_tui.tui.screens.data_facts import events_over_time  # noqa: PLC0415 - of a screen

    return replace(events_over_time(found.inspection), title="Events over time", height=6)


def _spark(found: Findings) -> Spark:
    return Spark(values=tuple(map(float, found.inspection.histogram.counts)), label="events a day")


def _observed(found: Findings) -> Funnel:
    steps = found.inspection.funnel
    total = steps[0].reached / steps[0].rate
    arm = FunnelArm(reached=tuple(float(each.reached) for each in steps), total=total)
    return Funnel(steps=tuple(each.step for each in steps), arms=(arm,))


def _predicted(found: Findings) -> Funnel:
    arms = found.result.report.lead.funnel_arms
    return Funnel(
        steps=tuple(each.step for each in arms),
        arms=(
            FunnelArm(name="control", reached=tuple(1000 * each.control for each in arms), total=1000),
            FunnelArm(name="treatment", reached=tuple(1000 * each.treatment for each in arms), total=1000),
        ),
    )


def _conversions(found: Findings) -> Intervals:
    rows = (
        IntervalRow(
            label=each.name,
            value=each.conversion,
            low=each.conversion_interval[0],
            high=each.conversion_interval[1],
            n=each.users,
        )
        for each in found.personas.cards
    )
    return Intervals(rows=tuple(rows), title="Conversion by persona", n_title="users")


def _differences(found: Findings) -> Any:  # noqa: ANN401 - the data of a figure
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    return personas_page.traits(found.personas.profiles[0])


def _flow(found: Findings) -> Any:  # noqa: ANN401 - the data of a figure
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    return personas_page.flow(found.personas, 0, _FLOW_CELLS)


def _moves(found: Findings) -> Any:  # noqa: ANN401 - the data of a figure
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    return personas_page.moves(found.personas, 0)


def _ladder(found: Findings) -> Any:  # noqa: ANN401 - the data of a figure
    from persona_tui.tui.screens import personas_page  # noqa: PLC0415 - 0.2 s, loads numpy

    return personas_page.rungs(found.personas.ladder) if found.personas.ladder else None


def _doubts(found: Findings) -> Swings:
    told = found.result.report.lead.insights.drivers
    return Swings(
        base=told.uplift,
        swings=tuple(
            Swing(label=each.name, ends=each.values, results=each.uplifts, is_assumed=each.assumed)
            for each in told.drivers
        ),
        title="What moves the uplift",
    )


def _running(found: Findings) -> Convergence:
    """Return block after block of synthetic users, each simulated with a seed of its own."""
    from persona_tui.engine.simulation.experiments import run_ab_experiment  # noqa: PLC0415 - 0.4 s

    lead, simulator = found.result.report.lead.experiment, found.personas.learned.simulator
    blocks = [
        run_ab_experiment(
            simulator, _BLOCK, lead.modification, random_state=seed, solver="cohort", n_draws=2
        ).total.simulated_arms
        for seed in range(_BLOCKS)
    ]
    n = tuple(_BLOCK * (block + 1) for block in range(_BLOCKS))
    arms = []
    for name, style in (("control", "$primary"), ("treatment", "$accent")):
        rates = [each[name]["completion_rate"] for each in blocks]
        means = [total / count for count, total in enumerate(accumulate(rates), start=1)]
        errors = [1.96 * (mean * (1 - mean) / size) ** 0.5 for mean, size in zip(means, n, strict=True)]
        arms.append(
            RunningArm(
                name=name,
                values=tuple(means),
                low=tuple(mean - error for mean, error in zip(means, errors, strict=True)),
                high=tuple(mean + error for mean, error in zip(means, errors, strict=True)),
                exact=lead.total.arms[name]["completion_rate"],
                style=style,
            )
        )
    return Convergence(n=n, arms=tuple(arms))


Maker = Callable[[Findings], Any]
EXAMPLES: Final[Mapping[str, tuple[type[Figure[Any]], Maker]]] = {
    "Histogram": (Histogram, _over_time),
    "Sparkline": (Sparkline, _spark),
    "Funnel": (FunnelBars, _observed),
    "Funnel of two arms": (FunnelBars, _predicted),
    "Interval bars": (IntervalBars, _conversions),
    "Interval bars around zero": (IntervalBars, _differences),
    "Flow diagram": (FlowDiagram, _flow),
    "Heat map": (HeatMap, _moves),
    "Tornado": (Tornado, _doubts),
    "Convergence chart": (ConvergenceChart, _running),
    "Table": (Table, _ladder),
}


class Learned(Message):
    """The data of all figures is there."""

    def __init__(self, data: dict[str, Any]) -> None:
        super().__init__()
        self.data = data


class GalleryApp(App[None]):
    """Shows the figures one under the other."""

    CSS = """
    .name { text-style: bold; color: $text-accent; margin-top: 1; }
    FlowDiagram, ConvergenceChart { height: 22; }
    HeatMap { height: 20; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("t", "theme", "Theme"),
        ("g", "glyphs", "Glyphs"),
        ("q", "quit", "Quit"),
    ]

    def __init__(self, source: str) -> None:
        super().__init__()
        register(self)
        self.theme = DARK.name
        self.glyphs = LADDER["eighths"]
        self._source = source

    def compose(self) -> ComposeResult:
        """Build a place for each figure."""
        with VerticalScroll():
            yield Static("Doing the whole job on the log …", id="said")
            for number, (name, (kind, _)) in enumerate(EXAMPLES.items()):
                yield Static(name, classes="name")
                yield kind(id=f"figure-{number}")
        yield Footer()

    def on_mount(self) -> None:
        """Make the data in the background."""
        self._learn()

    @work(thread=True, description="")
    def _learn(self) -> None:
        found = learn(self._source)
        self.post_message(Learned({name: make(found) for name, (_, make) in EXAMPLES.items()}))

    @on(Learned)
    def show(self, message: Learned) -> None:
        """Show the figures."""
        for number, (name, (kind, _)) in enumerate(EXAMPLES.items()):
            self.query_one(f"#figure-{number}", kind).data = message.data[name]
        self._say()

    def _say(self) -> None:
        self.query_one("#said", Static).update(
            f"{self._source}; theme {self.theme}; glyphs {self.glyphs.name}"
        )

    def action_theme(self) -> None:
        """Change to the next theme."""
        names = [each.name for each in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self._say()

    def action_glyphs(self) -> None:
        """Change to the next rung of the ladder."""
        names = list(LADDER)
        self.glyphs = LADDER[names[(names.index(self.glyphs.name) + 1) % len(names)]]
        for number, (kind, _) in enumerate(EXAMPLES.values()):
            self.query_one(f"#figure-{number}", kind).glyphs = self.glyphs
        self._say()


def printed(found: Findings, width: int, glyphs: str) -> str:
    """Return all figures as text."""
    blocks = []
    for name, (kind, make) in EXAMPLES.items():
        lines = kind().draw(make(found), width, LADDER[glyphs])
        blocks.append("\n".join([f"== {name}", *(line.plain.rstrip() for line in lines)]))
    return "\n\n".join(blocks) + "\n"


def main() -> None:
    """Show the gallery, or print it."""
    parser = argparse.ArgumentParser(
        prog="python -m persona_tui.tui.gallery", description=__doc__.splitlines()[0]
    )
    parser.add_argument("log", nargs="?", default=_SAMPLE)
    parser.add_argument("--print", type=int, metavar="WIDTH", dest="width")
    parser.add_argument("--glyphs", choices=tuple(LADDER), default="eighths")
    chosen = parser.parse_args()
    if not Path(chosen.log).exists():
        parser.error(f"there is no '{chosen.log}'")
    if chosen.width:
        print(printed(learn(chosen.log), chosen.width, chosen.glyphs), end="")  # noqa: T201 - what was asked for
    else:
        GalleryApp(chosen.log).run()


if __name__ == "__main__":
    main()
