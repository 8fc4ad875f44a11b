"""The one document that every face shows: ``result.json``."""

from __future__ import annotations

import math
import platform
from importlib.metadata import version
from typing import Any

from persona_tui import __version__
from persona_tui.engine.analytics.reporting import PersonaCard, Report
from persona_tui.engine.data.funnel import FunnelStep
from persona_tui.engine.data.quality import LogFacts
from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.statistics import Estimate

SCHEMA = "persona-tui/result/1"
SCENARIO = "change"
LIBRARIES = ("numpy", "polars", "scipy")


def result_document(report: Report, *, seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a run as one document of plain values.

    Parameters
    ----------
    report : Report
    seed : int
    settings : dict
        What the numbers depend on, worked out; no paths, workers or times.
    """
    return {
        "schema": SCHEMA,
        "data": _facts(report.log),
        "funnel": [_step(step) for step in report.funnel],
        "personas": [_card(card) for card in report.personas],
        "experiments": [_experiment(report.experiment)],
        "recipe": {
            "seed": seed,
            "version": __version__,
            "settings": settings,
            "libraries": libraries(),
        },
    }


def libraries() -> dict[str, str]:
    """Return the versions that the last digits of a result may depend on."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def _facts(log: LogFacts) -> dict[str, Any]:
    return {
        "events": log.events,
        "users": log.users,
        "sessions": log.sessions,
        "event_types": log.event_types,
        "from": log.first.isoformat(),
        "to": log.last.isoformat(),
        "rejected": log.rejected,
        "duplicates": log.duplicates,
        "censored_users": log.censored_users,
        "fingerprint": log.fingerprint,
    }


def _step(step: FunnelStep) -> dict[str, Any]:
    return {
        "step": step.step,
        "reached": step.reached,
        "rate": step.rate,
        "rate_of_previous": step.rate_of_previous,
        "reached_in_order": step.reached_in_order,
        "rate_in_order": step.rate_in_order,
    }


def _card(card: PersonaCard) -> dict[str, Any]:
    low, high = card.conversion_interval
    return {
        "id": card.id,
        "name": card.name,
        "users": card.users,
        "share": card.share,
        "conversion": {"value": card.conversion, "low": low, "high": high},
        "signature_events": list(card.signature_events),
    }


def _experiment(experiment: Experiment) -> dict[str, Any]:
    total = experiment.total
    return {
        "scenario": SCENARIO,
        "description": experiment.modification.description,
        "unit": experiment.unit,
        "solver": experiment.solver,
        "n_personas": experiment.n_personas,
        "effects": [effect.as_dict() for effect in experiment.modification.compile()],
        "arms": total.arms,
        "uplifts": _uplifts(total),
        "harm": experiment.harm,
        "simulated": {
            "arms": {arm: _known(values) for arm, values in total.simulated_arms.items()},
            "uplifts": _known(total.simulated_uplifts),
        },
        "personas": [
            {
                "id": position,
                "name": persona.name,
                "share": persona.share,
                "arms": persona.arms,
                "uplifts": _uplifts(persona),
            }
            for position, persona in enumerate(experiment.personas, start=1)
        ],
    }


def _known(values: dict[str, float]) -> dict[str, float | None]:
    """Return values with null in place of those that nobody was simulated for."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def _uplifts(comparison: Comparison) -> dict[str, Any]:
    return {"treatment": {metric: _estimate(each) for metric, each in comparison.uplifts.items()}}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "relative": estimate.relative,
        "data": list(estimate.data),
        "model": None if estimate.model is None else list(estimate.model),
        "assumption": None if estimate.assumption is None else list(estimate.assumption),
        "total": list(estimate.total),
        "simulation_error": estimate.simulation_error,
    }
