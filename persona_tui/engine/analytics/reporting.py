"""What a report says: one frozen model, built from a log, its personas and an experiment.

Renderers only lay it out; nothing is computed in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from persona_tui.engine.analytics import wording
from persona_tui.engine.analytics.cards import PersonaCard
from persona_tui.engine.analytics.step_flow import StepFlow, flow_of_arm, folded_alike
from persona_tui.engine.data.features import require_columns
from persona_tui.engine.data.funnel import FunnelStep
from persona_tui.engine.data.quality import LogFacts
from persona_tui.engine.errors import unknown_name
from persona_tui.engine.simulation.allocation import Allocation
from persona_tui.engine.simulation.changes import describe_changes, sentences
from persona_tui.engine.simulation.durations import conversion_times
from persona_tui.engine.simulation.dwell import DwellTimes
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.flow import reach
from persona_tui.engine.simulation.funnels import reached_in_order
from persona_tui.engine.simulation.insights import Insights, explain
from persona_tui.engine.simulation.planning import Plan
from persona_tui.engine.simulation.ranking import RankedScenario, rank_scenarios
from persona_tui.engine.simulation.simulated import ARMS

CHANGES_TOLD = 8
"""Changes of the chains that are told; of the others only how many there are."""
STEPS_SHOWN, STATES_SHOWN = 5, 7
"""Of the first steps of journeys, and the states at each of them."""
QUANTILES = (25, 50, 75, 90)
"""Percentages of those who convert, whose time to convert is told."""


@dataclass(frozen=True, slots=True)
class FunnelArms:
    """The chance that a journey reaches a step in each arm, and that it does so in order, exactly."""

    step: str
    control: float
    treatment: float
    control_in_order: float
    treatment_in_order: float


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
        By arm, the first steps of journeys; small states are folded.
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
    dose : DosePoint, optional
    """
    return ScenarioReport(
        name=name,
        question=wording.question(experiment),
        decision=wording.decision(experiment),
        funnel_arms=predict_funnel(experiment, steps),
        experiment=experiment,
        changes=tuple(
            sentences(describe_changes(experiment.control, experiment.treatment), most=CHANGES_TOLD)
        ),
        insights=explain(experiment),
        conversion_times=_conversion_times(experiment, dwell),
        plan=plan,
        flows=folded_alike(
            {arm: flow_of_arm(experiment, arm, n_steps=STEPS_SHOWN) for arm in ARMS}, STATES_SHOWN
        ),
        dose=dose,
    )


def _conversion_times(experiment: Experiment, dwell: DwellTimes) -> dict[str, dict[str, float]]:
    """Return quantiles of the time to convert by arm; none where nobody converts."""
    found: dict[str, dict[str, float]] = {}
    shares = experiment.shares
    equal_shares = np.array_equal(shares["control"], shares["treatment"])
    for arm, flow in zip(ARMS, (experiment.control, experiment.treatment), strict=True):
        if arm == "treatment" and flow is experiment.control and equal_shares:
            found[arm] = found["control"]
            continue
        times = conversion_times(flow, shares[arm], dwell, experiment.max_length)
        quantiles = times.quantiles(tuple(each / 100 for each in QUANTILES)).tolist()
        found[arm] = {f"p{each}": seconds for each, seconds in zip(QUANTILES, quantiles, strict=True)}
    return found


def build_report(
    *,
    log: LogFacts,
    funnel: tuple[FunnelStep, ...],
    personas: tuple[PersonaCard, ...],
    simulator: ProductFlowSimulator,
    scenarios: tuple[ScenarioReport, ...],
    recipe: dict[str, str],
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
    personas : tuple of PersonaCard
    simulator : ProductFlowSimulator
    scenarios : tuple of ScenarioReport
        At least one.
    recipe : dict of str
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
        personas=personas,
        scenarios=scenarios,
        lead=main,
        ranking=rank_scenarios({each.name: each.experiment for each in scenarios}),
        allocation=allocation,
        assumptions=(*wording.assumptions(log, simulator, main.experiment), *misfits),
        recipe=recipe,
    )


def build_persona_summary(segmented_events: pl.DataFrame) -> pl.DataFrame:
    """Return one row a persona from events that carry their persona.

    Parameters
    ----------
    segmented_events : DataFrame
        As ``segmentation.attach_clusters`` returns it.

    Returns
    -------
    DataFrame
        ``cluster``, ``persona``, ``users``, ``share`` of users, ``sessions``, ``events``, events per
        user, sessions per user, the mean ``membership`` of its users, and its commonest events.

    Raises
    ------
    DataError
        If the events carry no persona.
    """
    require_columns(segmented_events, ["cluster", "persona", "membership"])
    per_user = segmented_events.group_by("cluster", "persona", "user_id").agg(
        sessions=pl.col("session_id").n_unique(), events=pl.len(), membership=pl.col("membership").first()
    )
    common = (
        segmented_events.group_by("cluster", "event_type")
        .len()
        .sort("cluster", "len", "event_type", descending=[False, True, False])
        .group_by("cluster", maintain_order=True)
        .agg(top_events=pl.col("event_type").cast(pl.String).head(3).str.join(", "))
    )
    return (
        per_user.group_by("cluster", "persona")
        .agg(
            users=pl.len(),
            sessions=pl.col("sessions").sum(),
            events=pl.col("events").sum(),
            membership=pl.col("membership").sort().mean(),
        )
        .with_columns(
            share=pl.col("users") / pl.col("users").sum(),
            events_per_user=pl.col("events") / pl.col("users"),
            sessions_per_user=pl.col("sessions") / pl.col("users"),
        )
        .join(common, on="cluster")
        .sort("cluster")
        .select(
            "cluster",
            "persona",
            "users",
            "share",
            "sessions",
            "events",
            "events_per_user",
            "sessions_per_user",
            "membership",
            "top_events",
        )
    )


def experiment_summary(experiment: Experiment) -> pl.DataFrame:
    """Return the overall result of an experiment, one row a metric.

    Parameters
    ----------
    experiment : Experiment

    Returns
    -------
    DataFrame
        Both arms, the uplift with its 95 % interval, and what the simulation gave beside it.
    """
    total = experiment.total
    rows = []
    for metric in experiment.metrics:
        estimate = total.uplifts[metric]
        rows.append(
            {
                "metric": metric,
                **{arm: total.arms[arm][metric] for arm in ARMS},
                "uplift": estimate.value,
                "relative": estimate.relative,
                "low": estimate.total[0],
                "high": estimate.total[1],
                "simulated_uplift": total.simulated_uplifts.get(metric),
                "simulation_error": estimate.simulation_error,
            }
        )
    return pl.DataFrame(rows, infer_schema_length=None)


def export_powerpoint(report: Report, path: str | Path) -> Path:
    """Write a report as a deck of native, editable slides; the file appears whole or not at all.

    Parameters
    ----------
    report : Report
    path : path
        Ends in ``.pptx``; its folder exists.

    Returns
    -------
    Path

    Raises
    ------
    ExportError
        If the file cannot be written.
    """
    from persona_tui.engine.analytics.pptx import write_deck  # noqa: PLC0415 - 0.17 s, only decks need it

    written: Path = write_deck(report, Path(path))
    return written
