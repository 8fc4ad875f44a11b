"""Every option, declared once: flag, TOML key, type, default and help.

The command line, the study file and the recipe are built from the fields of ``Settings``.
To add an option, add a field. Nothing here is slow to import, so that help is instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any, Literal

from persona_tui.engine.errors import SimulationError, unknown_name
from persona_tui.engine.params import parse_names, split, unquote
from persona_tui.study.scenarios import ScenarioSettings

UNITS = ("user", "session")
SOLVERS = ("auto", "paths", "cohort")
AUTO = "auto"


def option(
    flag: str,
    *,
    default: Any,  # noqa: ANN401 - as dataclasses.field
    help: str,  # noqa: A002 - the field's word
    metavar: str = "",
    shown_default: str = "",
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
) -> Any:  # noqa: ANN401 - as dataclasses.field
    """Declare an option as a dataclass field.

    Parameters
    ----------
    flag : str
    default : object
    help : str
        One sentence.
    metavar : str
        What stands for the value in help.
    shown_default : str
        What the default means, where it is worked out from the data.
    choices : tuple of str
    low, high : float, optional
        Inclusive bounds of a number.
    """
    metadata = {
        "flag": flag,
        "help": help,
        "metavar": metavar,
        "shown_default": shown_default,
        "choices": choices,
        "low": low,
        "high": high,
    }
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one run of the whole job is asked to do, before it meets the data."""

    events: str = option(
        "--events", default="", metavar="SOURCE", help="The log: a CSV (also .gz) or Parquet file."
    )
    column: tuple[str, ...] = option(
        "--column",
        default=(),
        metavar="PART=NAME",
        shown_default="recognised",
        help="Which column plays a part: user_id, session_id, timestamp, event_type or metadata; repeatable.",
    )
    funnel: str = option(
        "--funnel",
        default="",
        metavar="A,B,C",
        shown_default="detected",
        help="The steps to completion, in order.",
    )
    completion: tuple[str, ...] = option(
        "--completion",
        default=(),
        metavar="EVENT",
        shown_default="last funnel step",
        help="An event that completes a journey; repeatable.",
    )
    drop: tuple[str, ...] = option(
        "--drop",
        default=(),
        metavar="EVENT",
        shown_default="events named drop_off, abandoned or the like",
        help="An event that says the user gave up; repeatable.",
    )
    unit: Literal["user", "session"] = option(
        "--unit",
        default="user",
        choices=UNITS,
        help="What rates are shares of: users' whole journeys, or sessions.",
    )
    clusters: str = option(
        "--clusters",
        default=AUTO,
        metavar="N|auto",
        help="Number of personas; auto takes the best on held-out users.",
    )
    modification: tuple[str, ...] = option(
        "--modification",
        default=("insert_steps:count=2",),
        metavar="EFFECT",
        help="A change to the flow, as name:key=value,key=value; several act in order.",
    )
    description: str = option(
        "--description",
        default="",
        metavar="TEXT",
        shown_default="from the change",
        help="The change in your words.",
    )
    solver: Literal["auto", "paths", "cohort"] = option(
        "--solver",
        default="auto",
        choices=SOLVERS,
        shown_default="auto: paths up to a million per arm",
        help="How the simulation beside the exact values is run: event by event, or counted.",
    )
    n_personas: int = option(
        "--n-personas", default=10_000, low=1, high=10**12, metavar="N", help="Synthetic users per arm."
    )
    max_length: int | None = option(
        "--max-length",
        default=None,
        low=1,
        metavar="N",
        shown_default="none; the simulation cuts less than one in a million",
        help="Events after which a journey is cut.",
    )
    seed: int = option("--seed", default=0, low=0, metavar="N", help="Same seed, same bytes.")
    workers: int | None = option(
        "--workers",
        default=None,
        low=1,
        metavar="N",
        shown_default="the cores this process may use",
        help="Threads at most; results do not depend on it.",
    )
    output: str = option(
        "--output",
        default="",
        metavar="DIR",
        shown_default="exports/NAME",
        help="The study folder to write to.",
    )

    def __post_init__(self) -> None:
        faults = [fault for each in fields(self) if (fault := _fault(each, getattr(self, each.name)))]
        if faults:
            raise SimulationError(" ".join(faults))

    def columns(self) -> dict[str, str]:
        """Return the column mapping that is given.

        Raises
        ------
        SimulationError
            If one is not ``part=name``.
        """
        mapping = {}
        for text in self.column:
            part, *name = split(text, "=")
            if not name:
                raise SimulationError(f"--column {text}: write it as part=name, for example user_id=client.")
            try:
                mapping[unquote(part)] = unquote("=".join(name))
            except ValueError as fault:
                raise SimulationError(f"--column {text}: {fault}") from None
        return mapping

    def funnel_steps(self) -> tuple[str, ...]:
        """Return the funnel that is given, empty where it is to be detected.

        Raises
        ------
        SimulationError
            If a quote is not closed.
        """
        try:
            return parse_names(self.funnel)
        except ValueError as fault:
            raise SimulationError(f"--funnel: {fault}") from None

    def n_clusters(self) -> int | Literal["auto"]:
        """Return the number of personas that is asked for."""
        return "auto" if self.clusters == AUTO else int(self.clusters)

    def effective_scenarios(self) -> tuple[ScenarioSettings, ...]:
        """Return the scenarios to run: the one that the modification makes."""
        return (ScenarioSettings(name="change", effects=self.modification, description=self.description),)

    def left_at_default(self) -> tuple[str, ...]:
        """Return the names of the options that were not given, or given as their default."""
        return tuple(each.name for each in fields(self) if getattr(self, each.name) == each.default)

    def as_toml(self) -> dict[str, Any]:
        """Return the settings as a study file holds them; what is left open is left out."""
        return {
            each.name: list(value) if isinstance(value, tuple) else value
            for each in fields(self)
            if (value := getattr(self, each.name)) not in (None, "", ())
        }


def _fault(each: Field[Any], value: Any) -> str:  # noqa: ANN401 - any option
    flag, choices, low, high = (each.metadata[key] for key in ("flag", "choices", "low", "high"))
    if choices and value not in choices:
        return str(unknown_name(f"value of {flag}", str(value), choices))
    if low is not None and value is not None and value < low:
        return f"{flag} == {value}, must be >= {low:g}."
    if high is not None and value is not None and value > high:
        return f"{flag} == {value}, must be <= {high:g}."
    if each.name == "clusters" and value != AUTO and not (value.isdigit() and int(value) >= 1):
        return f"{flag} == '{value}', must be a whole number from 1 or 'auto'."
    return ""


def shown_default(each: Field[Any]) -> str:
    """Return the default of an option as help shows it, empty where there is nothing to say."""
    meaning: str = each.metadata["shown_default"]
    if meaning:
        return meaning
    default = each.default
    return " ".join(default) if isinstance(default, tuple) else str(default)


def options_by_name() -> Mapping[str, Field[Any]]:
    """Return the declared options by name."""
    return {each.name: each for each in fields(Settings)}
