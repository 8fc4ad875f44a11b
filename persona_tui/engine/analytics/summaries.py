"""Personas and a result as small tables, for who works with the engine."""

from __future__ import annotations

import polars as pl

from persona_tui.engine.data.features import require_columns
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.simulated import ARMS


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
