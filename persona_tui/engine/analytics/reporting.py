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
from persona_tui.engine.data.features import require_columns
from persona_tui.engine.data.funnel import FunnelStep
from persona_tui.engine.data.quality import LogFacts
from persona_tui.engine.modeling.naming import signature_events
from persona_tui.engine.modeling.segmentation import SegmentationResult
from persona_tui.engine.simulation.environment import ProductFlowSimulator
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.flow import METRICS, reach
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.simulation.uncertainty import FlowDraws
from persona_tui.engine.statistics import Interval, interval, largest_remainder


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaCard:
    """One persona as a reader meets it.

    Parameters
    ----------
    id : int
        Position by falling share, from 1.
    name : str
    users : int
        Memberships summed over users, to whole users.
    share : float
        Of all journeys, memberships counted in parts.
    conversion : float
        Observed: of its journeys, open ones counted as not converted.
    conversion_interval : (float, float)
        95 % interval of the user bootstrap.
    signature_events : tuple of str
        What it does more than the others.
    """

    id: int
    name: str
    users: int
    share: float
    conversion: float
    conversion_interval: Interval
    signature_events: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FunnelArms:
    """The chance that a journey reaches a step in each arm, exactly."""

    step: str
    control: float
    treatment: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Report:
    """Everything that a report says.

    Parameters
    ----------
    title : str
        The question.
    decision : str
        The answer in one sentence that says no more than the interval allows.
    log : LogFacts
    unit : str
        ``user`` or ``session``.
    funnel : tuple of FunnelStep
        As observed.
    funnel_arms : tuple of FunnelArms
        As predicted.
    personas : tuple of PersonaCard
    experiment : Experiment
    assumptions : tuple of str
        What the numbers rest on, a sentence each.
    recipe : dict of str
        What makes the numbers again: data fingerprint, seed, version, settings.
    """

    title: str
    decision: str
    log: LogFacts
    unit: str
    funnel: tuple[FunnelStep, ...]
    funnel_arms: tuple[FunnelArms, ...]
    personas: tuple[PersonaCard, ...]
    experiment: Experiment
    assumptions: tuple[str, ...]
    recipe: dict[str, str]


def build_persona_cards(
    simulator: ProductFlowSimulator, segmentation: SegmentationResult, draws: FlowDraws
) -> tuple[PersonaCard, ...]:
    """Return the personas of a simulator as a reader meets them.

    Parameters
    ----------
    simulator : ProductFlowSimulator
    segmentation : SegmentationResult
        What its generator was made from.
    draws : FlowDraws
        For the intervals of observed conversion.
    """
    counts = simulator.counts
    mass = counts.multiplicity[:, None] * simulator.memberships
    signatures = signature_events(counts, mass)
    conversion = (counts.n_converted @ mass) / np.maximum(counts.n_journeys @ mass, 1e-12)
    memberships = segmentation.memberships.sum(axis=0)
    users = largest_remainder(memberships, len(segmentation.user_ids))
    return tuple(
        PersonaCard(
            id=k + 1,
            name=simulator.names[k],
            users=int(users[k]),
            share=float(simulator.shares[k]),
            conversion=float(conversion[k]),
            conversion_interval=interval(draws.conversions[:, k]),
            signature_events=tuple(signatures[k]),
        )
        for k in range(segmentation.n_clusters)
    )


def predict_funnel(experiment: Experiment, steps: Sequence[str]) -> tuple[FunnelArms, ...]:
    """Return the chance that a journey reaches each step, in both arms."""
    chances = [
        experiment.shares[arm] @ reach(flow, tuple(steps), experiment.max_length)
        for arm, flow in zip(ARMS, (experiment.control, experiment.treatment), strict=True)
    ]
    return tuple(
        FunnelArms(step=step, control=float(before), treatment=float(after))
        for step, before, after in zip(steps, *chances, strict=True)
    )


def build_report(
    *,
    log: LogFacts,
    funnel: tuple[FunnelStep, ...],
    personas: tuple[PersonaCard, ...],
    simulator: ProductFlowSimulator,
    experiment: Experiment,
    recipe: dict[str, str],
) -> Report:
    """Return the report of one experiment.

    Parameters
    ----------
    log : LogFacts
    funnel : tuple of FunnelStep
        As observed.
    personas : tuple of PersonaCard
    simulator : ProductFlowSimulator
    experiment : Experiment
    recipe : dict of str
    """
    arms = predict_funnel(experiment, [step.step for step in funnel])
    misfits = wording.funnel_misfits(
        (step.step, step.rate, arm.control) for step, arm in zip(funnel, arms, strict=True)
    )
    return Report(
        title=wording.question(experiment),
        decision=wording.decision(experiment),
        log=log,
        unit=experiment.unit,
        funnel=funnel,
        funnel_arms=arms,
        personas=personas,
        experiment=experiment,
        assumptions=(*wording.assumptions(log, simulator, experiment), *misfits),
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
    for metric in METRICS:
        estimate = total.uplifts[metric]
        rows.append(
            {
                "metric": metric,
                **{arm: total.arms[arm][metric] for arm in ARMS},
                "uplift": estimate.value,
                "relative": estimate.relative,
                "low": estimate.total[0],
                "high": estimate.total[1],
                "simulated_uplift": total.simulated_uplifts[metric],
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
