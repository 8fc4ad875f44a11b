"""What a report says: one frozen model, built from a log, its personas and an experiment.

Renderers only lay it out; nothing is computed in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from persona_tui.engine.analytics import wording
from persona_tui.engine.analytics.branding import HOUSE, Branding
from persona_tui.engine.analytics.cards import PersonaCard
from persona_tui.engine.analytics.converting import conversion_quantiles
from persona_tui.engine.analytics.profiles import PersonaProfile
from persona_tui.engine.analytics.sections import Section
from persona_tui.engine.analytics.step_flow import StepFlow, flow_of_arm, folded_alike
from persona_tui.engine.analytics.summaries import build_persona_summary, experiment_summary
from persona_tui.engine.data.funnel import FunnelStep
from persona_tui.engine.data.quality import LogFacts, QualityRow
from persona_tui.engine.errors import unknown_name
from persona_tui.engine.simulation.allocation import Allocation
from persona_tui.engine.simulation.changes import describe_changes, sentences
from persona_tui.engine.simulation.dwell import DwellTimes
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.flow import reach
from persona_tui.engine.simulation.funnels import reached_in_order
from persona_tui.engine.simulation.insights import Insights, explain
from persona_tui.engine.simulation.planning import Plan
from persona_tui.engine.simulation.ranking import RankedScenario, rank_scenarios
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.statistics import Interval

if TYPE_CHECKING:
    from persona_tui.engine.evaluation.backtest import Backtest
    from persona_tui.engine.evaluation.verdict import Verdict

__all__ = [
    "DosePoint",
    "FunnelArms",
    "Report",
    "ScenarioReport",
    "build_persona_summary",
    "build_report",
    "experiment_summary",
    "export_powerpoint",
    "predict_funnel",
    "report_scenario",
]

CHANGES_TOLD = 8
"""Changes of the chains that are told; of the others only how many there are."""
STEPS_SHOWN, STATES_SHOWN = 5, 7
"""Of the first steps of journeys, and the states at each of them."""


@dataclass(frozen=True, slots=True)
class FunnelArms:
    """The chance that a journey reaches a step in each arm, and that it does so in order, exactly.

    Parameters
    ----------
    step : str
    control, treatment, control_in_order, treatment_in_order : float
    uplift_interval : (float, float), optional
        95 % interval of treatment minus control, with every doubt that was drawn.
    """

    step: str
    control: float
    treatment: float
    control_in_order: float
    treatment_in_order: float
    uplift_interval: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DosePoint:
    """One value among several of one parameter.

    Parameters
    ----------
    group : str
        What the variants are called together.
    parameter : str
    value : float
    """

    group: str
    parameter: str
    value: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScenarioReport:
    """What a report says of one scenario.

    Parameters
    ----------
    name : str
    question : str
    decision : str
        The answer in one sentence that says no more than the interval allows.
    funnel_arms : tuple of FunnelArms
        As predicted.
    experiment : Experiment
    changes : tuple of str
        What is other in the chains, the largest change first.
    insights : Insights
    conversion_times : dict of dict of float
        By arm, the seconds within which 25, 50, 75 and 90 % of those who convert have done so.
    plan : Plan
        Of a real test.
    flows : dict of StepFlow
        By arm, the first steps of journeys; small states are folded, the same in both.
    dose : DosePoint or None
        Where it stands among variants of one effect.
    """

    name: str
    question: str
    decision: str
    funnel_arms: tuple[FunnelArms, ...]
    experiment: Experiment
    changes: tuple[str, ...]
    insights: Insights
    conversion_times: dict[str, dict[str, float]]
    plan: Plan
    flows: dict[str, StepFlow]
    dose: DosePoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """Everything that a report says.

    Parameters
    ----------
    title : str
        The question, or as it was named.
    log : LogFacts
    unit : str
        ``user`` or ``session``.
    funnel : tuple of FunnelStep
        As observed.
    personas : tuple of PersonaCard
    scenarios : tuple of ScenarioReport
        As listed in the study.
    lead : ScenarioReport
        The one that the report is about; one of the scenarios.
    ranking : tuple of RankedScenario
        All scenarios, the best first.
    allocation : Allocation or None
        Where a budget of saved leaving is worth most, if that was asked.
    assumptions : tuple of str
        What the numbers rest on, a sentence each.
    recipe : dict of str
        What makes the numbers again: data fingerprint, seed, version, settings.
    profiles : tuple of PersonaProfile
        All that is told of each persona, in their order; empty where they were not described.
    quality : tuple of QualityRow
        What was found while the log was read.
    backtest : Backtest or None
        How forecasts of the log held against what they had not seen; None where that was not tried.
    sections : tuple of Section
        What drift and fairness came to, where they were looked at.
    """

    title: str
    log: LogFacts
    unit: str
    funnel: tuple[FunnelStep, ...]
    personas: tuple[PersonaCard, ...]
    scenarios: tuple[ScenarioReport, ...]
    lead: ScenarioReport
    ranking: tuple[RankedScenario, ...]
    allocation: Allocation | None
    assumptions: tuple[str, ...]
    recipe: dict[str, str]
    profiles: tuple[PersonaProfile, ...] = ()
    quality: tuple[QualityRow, ...] = ()
    backtest: Backtest | None = None
    sections: tuple[Section, ...] = ()

    @property
    def trust(self) -> Verdict | None:
        """Return how far the forecasts can be trusted, None where that was not tried."""
        return None if self.backtest is None else self.backtest.verdict


def predict_funnel(experiment: Experiment, steps: Sequence[str]) -> tuple[FunnelArms, ...]:
    """Return the chance that a journey reaches each step, and does so in order, in both arms."""
    wanted = tuple(steps)
    chances = [
        (experiment.shares[arm] @ of_chains(flow, wanted, experiment.max_length)).tolist()
        for of_chains in (reach, reached_in_order)
        for arm, flow in zip(ARMS, (experiment.control, experiment.treatment), strict=True)
    ]
    return tuple(FunnelArms(*row) for row in zip(wanted, *chances, strict=True))


def report_scenario(
    name: str,
    experiment: Experiment,
    *,
    steps: Sequence[str],
    dwell: DwellTimes,
    plan: Plan,
    reach_uplifts: Sequence[Interval] = (),
    dose: DosePoint | None = None,
) -> ScenarioReport:
    """Return what a report says of one scenario.

    Parameters
    ----------
    name : str
    experiment : Experiment
    steps : sequence of str
        Of the funnel.
    dwell : DwellTimes
        Of the log, for how long converting takes.
    plan : Plan
        Of a real test.
    reach_uplifts : sequence of (float, float)
        95 % interval of the uplift at each step; empty where nothing was drawn.
    dose : DosePoint, optional
    """
    funnel = predict_funnel(experiment, steps)
    if reach_uplifts:
        bands = zip(funnel, reach_uplifts, strict=True)
        funnel = tuple(replace(step, uplift_interval=ends) for step, ends in bands)
    return ScenarioReport(
        name=name,
        question=wording.question(experiment),
        decision=wording.decision(experiment),
        funnel_arms=funnel,
        experiment=experiment,
        changes=tuple(
            sentences(describe_changes(experiment.control, experiment.treatment), most=CHANGES_TOLD)
        ),
        insights=explain(experiment),
        conversion_times=conversion_quantiles(experiment, dwell),
        plan=plan,
        flows=folded_alike(
            {arm: flow_of_arm(experiment, arm, n_steps=STEPS_SHOWN) for arm in ARMS}, STATES_SHOWN
        ),
        dose=dose,
    )


def build_report(
    *,
    log: LogFacts,
    funnel: tuple[FunnelStep, ...],
    profiles: tuple[PersonaProfile, ...],
    simulator: ProductFlowSimulator,
    scenarios: tuple[ScenarioReport, ...],
    recipe: dict[str, str],
    quality: tuple[QualityRow, ...] = (),
    backtest: Backtest | None = None,
    sections: tuple[Section, ...] = (),
    allocation: Allocation | None = None,
    title: str = "",
    lead: str = "",
) -> Report:
    """Return the report of some scenarios of one log.

    Parameters
    ----------
    log : LogFacts
    funnel : tuple of FunnelStep
        As observed.
    profiles : tuple of PersonaProfile
    simulator : ProductFlowSimulator
    scenarios : tuple of ScenarioReport
        At least one.
    recipe : dict of str
    quality : tuple of QualityRow
        What was found while the log was read.
    backtest : Backtest, optional
    sections : tuple of Section
    allocation : Allocation, optional
    title : str
        The question of the leading scenario where empty.
    lead : str
        Name of the scenario that the report is about; the first where empty.

    Raises
    ------
    UnknownNameError
        If there is no scenario of that name.
    """
    by_name = {each.name: each for each in scenarios}
    if lead and lead not in by_name:
        raise unknown_name("scenario", lead, by_name)
    main = by_name[lead] if lead else scenarios[0]
    misfits = wording.funnel_misfits(
        (step.step, step.rate, arm.control) for step, arm in zip(funnel, main.funnel_arms, strict=True)
    )
    return Report(
        title=title or main.question,
        log=log,
        unit=main.experiment.unit,
        funnel=funnel,
        personas=tuple(each.card for each in profiles),
        scenarios=scenarios,
        lead=main,
        ranking=rank_scenarios({each.name: each.experiment for each in scenarios}),
        allocation=allocation,
        assumptions=(*wording.assumptions(log, simulator, main.experiment), *misfits),
        recipe=recipe,
        profiles=profiles,
        quality=quality,
        backtest=backtest,
        sections=sections,
    )


def export_powerpoint(report: Report, path: str | Path, branding: Branding = HOUSE) -> Path:
    """Write a report as a deck of native, editable slides; the file appears whole or not at all.

    Parameters
    ----------
    report : Report
    path : path
        Ends in ``.pptx``; its folder exists.
    branding : Branding

    Returns
    -------
    Path

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    from persona_tui.engine.analytics.pptx import write_deck  # noqa: PLC0415 - 0.17 s, only decks need it

    written: Path = write_deck(report, Path(path), branding)
    return written
