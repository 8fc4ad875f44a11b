"""The one document that every face shows: ``result.json``."""

from __future__ import annotations

import math
import platform
from dataclasses import asdict, fields
from importlib.metadata import version
from typing import Any

from persona_tui import __version__
from persona_tui.engine.analytics.cards import PersonaCard
from persona_tui.engine.analytics.reporting import Report, ScenarioReport
from persona_tui.engine.data.funnel import FunnelStep
from persona_tui.engine.data.quality import LogFacts
from persona_tui.engine.evaluation.verdict import Verdict
from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.engine.simulation.experiments import Experiment
from persona_tui.engine.simulation.ranking import RankedScenario
from persona_tui.engine.statistics import Estimate, Interval

SCHEMA = "persona-tui/result/1"
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
        "data": facts_document(report.log),
        "funnel": [_step(step) for step in report.funnel],
        "personas": [card_document(card) for card in report.personas],
        "experiments": [_experiment(each) for each in report.scenarios],
        "ranking": [_ranked(each) for each in report.ranking],
        "trust": None if report.trust is None else verdict_document(report.trust),
        "sections": [asdict(each) for each in report.sections],
        "allocation": None if report.allocation is None else _plain(report.allocation),
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


def facts_document(log: LogFacts) -> dict[str, Any]:
    """Return what a log holds as plain values."""
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


def verdict_document(found: Verdict) -> dict[str, Any]:
    """Return a verdict as plain values."""
    return {
        "level": found.level.word,
        "reasons": list(found.reasons),
        "checks": [
            {"about": each.about, "level": each.level.word, "sentence": each.sentence}
            for each in found.judgements
        ],
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


def card_document(card: PersonaCard) -> dict[str, Any]:
    """Return a persona as plain values."""
    low, high = card.conversion_interval
    return {
        "id": card.id,
        "name": card.name,
        "users": card.users,
        "share": card.share,
        "conversion": {"value": card.conversion, "low": low, "high": high},
        "signature_events": list(card.signature_events),
        **({"excluded": True} if card.excluded else {}),
    }


def _experiment(scenario: ScenarioReport) -> dict[str, Any]:
    experiment = scenario.experiment
    total = experiment.total
    return {
        "scenario": scenario.name,
        "description": experiment.modification.description,
        "unit": experiment.unit,
        "solver": experiment.solver,
        "n_personas": experiment.n_personas,
        **_without(experiment),
        "effects": [effect.as_dict() for effect in experiment.modification.compile()],
        "dose": _plain(scenario.dose),
        "decision": scenario.decision,
        "arms": {arm: _known(values) for arm, values in total.arms.items()},
        "uplifts": _uplifts(total),
        "harm": experiment.harm,
        "simulated": {
            "arms": {arm: _known(values) for arm, values in total.simulated_arms.items()},
            "uplifts": _known(total.simulated_uplifts),
        },
        "personas": [
            {"id": number, **_part(persona)}
            for number, persona in zip(experiment.control.persona_numbers, experiment.personas, strict=True)
        ],
        "groups": [_part(group) for group in experiment.groups],
        "funnel": [_plain(step) for step in scenario.funnel_arms],
        **_insights(scenario),
        "caveats": list(experiment.caveats),
        "models_left_out": experiment.left_out,
    }


def _without(experiment: Experiment) -> dict[str, str]:
    """Return whose users an experiment leaves out, nothing where it leaves out nobody's."""
    return {"without": experiment.without} if experiment.without else {}


def _part(part: Comparison) -> dict[str, Any]:
    return {
        "name": part.name,
        "share": part.share,
        "arms": {arm: _known(values) for arm, values in part.arms.items()},
        "uplifts": _uplifts(part),
        "harm": part.harm,
    }


def _insights(scenario: ScenarioReport) -> dict[str, Any]:
    insights = scenario.insights
    return {
        "drop_off": [_plain(each) for each in insights.drop_off],
        "leverage": [_plain(each) for each in insights.leverage],
        "drivers": [_plain(each) for each in insights.drivers.drivers],
        "break_even": [
            {
                "parameter": each.name,
                "value": each.value,
                "between": list(each.found.values),
                "side": each.found.side,
                "crossings": [_plain(crossing) for crossing in each.found.crossings],
            }
            for each in insights.break_even
        ],
        "conversion_seconds": {arm: _known(times) for arm, times in scenario.conversion_times.items()},
        "changes": list(scenario.changes),
        "plan": plan_document(scenario),
    }


def plan_document(scenario: ScenarioReport) -> dict[str, Any]:
    """Return what a real test of a scenario takes, as plain values."""
    plan = scenario.plan
    return {
        "scenario": scenario.name,
        **_without(scenario.experiment),
        "uplift": plan.trial.uplift,
        "power": plan.trial.power,
        "level": plan.trial.level,
        "per_week": plan.trial.per_week,
        "designs": [_plain_values(design) for design in plan.designs],
        "assurance": plan.assurance,
        "assured_weeks": plan.assured_weeks,
        "weeks": plan.weeks,
        "detectable_uplift": plan.detectable_uplift,
        "sentences": list(plan.sentences()),
    }


def _plain_values(value: Any) -> dict[str, Any]:  # noqa: ANN401 - a dataclass of numbers and arrays
    named = {each.name: getattr(value, each.name) for each in fields(value)}
    return {name: each.tolist() if hasattr(each, "tolist") else each for name, each in named.items()}


def _ranked(ranked: RankedScenario) -> dict[str, Any]:
    return {"scenario": ranked.name, "uplift": ranked.uplift, "best": ranked.best, "beats": ranked.beats}


def _plain(value: Any) -> Any:  # noqa: ANN401 - a dataclass of plain values
    return None if value is None else asdict(value)


def _known(values: dict[str, float]) -> dict[str, float | None]:
    """Return values with null in place of those that nobody was simulated for."""
    return {name: _number(value) for name, value in values.items()}


def _uplifts(comparison: Comparison) -> dict[str, Any]:
    return {"treatment": {metric: _estimate(each) for metric, each in comparison.uplifts.items()}}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": _number(estimate.value),
        "relative": _number(estimate.relative),
        "data": _interval(estimate.data),
        "model": _interval(estimate.model),
        "assumption": _interval(estimate.assumption),
        "total": _interval(estimate.total),
        "simulation_error": estimate.simulation_error,
    }


def _number(value: float | None) -> float | None:
    """Return a number, None where it does not exist, such as a mean over no journeys."""
    return None if value is None or math.isnan(value) else value


def _interval(ends: Interval | None) -> list[float] | None:
    return None if ends is None or any(math.isnan(end) for end in ends) else list(ends)
