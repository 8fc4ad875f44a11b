"""Predict what a change of a product flow does to conversion, and for whom."""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

_PUBLIC = {
    "FlowModification": "engine.simulation.environment",
    "MarkovPersonaGenerator": "engine.simulation.persona_generator",
    "ProductFlowSimulator": "engine.simulation.environment",
    "attach_clusters": "engine.modeling.segmentation",
    "build_persona_summary": "engine.analytics.reporting",
    "cluster_event_sequences": "engine.modeling.segmentation",
    "experiment_summary": "engine.analytics.reporting",
    "load_event_log": "engine.data.etl",
    "load_event_log_csv": "engine.data.etl",
    "results_to_dataframe": "engine.simulation.experiments",
    "run_ab_experiment": "engine.simulation.experiments",
}
"""Public names and the modules they live in, imported when they are asked for."""

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604 - names of a table


def __getattr__(name: str) -> object:
    """Return a public name from its module."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
