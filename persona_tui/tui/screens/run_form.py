"""The forms of the Simulate screen: what the next run is to be, and how fast one is shown again."""

from __future__ import annotations

from typing import Any, Final

from persona_tui.engine.errors import PersonaError
from persona_tui.study.options import Settings
from persona_tui.tui.screens.form import Field

ALL: Final = "all"
"""In place of a scenario."""


def fields(settings: Settings, only: str) -> list[Field]:
    """Return what is asked about the next run.

    Parameters
    ----------
    settings : Settings
    only : str
        The one scenario of several that is meant, or ``ALL``.
    """
    names = tuple(each.name for each in settings.effective_scenarios())
    which = [Field(name="only", label="scenario", value=only, choices=(ALL, *names))]
    return [
        *(which if len(names) > 1 else ()),
        Field(name="n_personas", label="users per arm", value=str(settings.n_personas)),
        Field(name="seed", label="seed", value=str(settings.seed), help="Same seed, same bytes."),
        Field(name="workers", label="workers", value=str(settings.workers or ""), help="Empty: all cores."),
        Field(name="solver", label="solver", value=settings.solver, choices=("auto", "paths", "cohort")),
    ]


def asked(values: dict[str, str]) -> dict[str, Any]:
    """Return the settings that the form says."""
    return {
        "n_personas": int(values["n_personas"].replace(",", "")),
        "seed": int(values["seed"]),
        "workers": int(values["workers"]) if values["workers"].strip() else None,
        "solver": values["solver"] or "auto",
    }


def run_fault(values: dict[str, str]) -> str:
    """Return what is wrong with what was typed; empty where nothing is."""
    try:
        Settings(**asked(values))
    except PersonaError as fault:
        return fault.message
    except ValueError:
        return "Users per arm, seed and workers are whole numbers."
    return ""


def speed_fault(values: dict[str, str]) -> str:
    """Return what is wrong with a speed; empty where nothing is."""
    try:
        speed = float(values["speed"])
    except ValueError:
        return "The speed is a number, such as 2."
    return "" if 0 < speed < float("inf") else "The speed is above zero."
