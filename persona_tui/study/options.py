"""Every option, declared once: flag, TOML key, type, default and help.

The command line, the study file, its schema and the recipe are built from the fields of
``Settings``. To add an option, add a field with ``option``; what only a study file can say
(scenarios, the report) has plain fields. Nothing here is slow to import, so that help is instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, asdict, dataclass, fields
from typing import Any, Final, Literal

from persona_tui.engine.analytics.branding import HOUSE, Branding
from persona_tui.engine.errors import SimulationError, unknown_name
from persona_tui.engine.params import parse_names
from persona_tui.study.declared import option, option_fault
from persona_tui.study.kept_personas import KeptPersonas
from persona_tui.study.option_texts import (
    AUTO,
    CLUSTERS_PATTERN,
    VALUE_PATTERN,
    clusters_fault,
    fault_of,
    read_worth,
)
from persona_tui.study.scenarios import CHANGE, ScenarioSettings, read_effects, repeated_names
from persona_tui.study.source_options import SourceSettings

UNITS = ("user", "session")
SOLVERS = ("auto", "paths", "cohort")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(SourceSettings):
    """What one run of the whole job is asked to do, before it meets the data."""

    funnel: str = option(
        "--funnel",
        default="",
        metavar="A,B,C",
        shown_default="detected",
        help="The steps to completion, in order.",
        also="texts",
        check=lambda text: fault_of(parse_names, text),
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
        also="whole number",
        pattern=CLUSTERS_PATTERN,
        check=clusters_fault,
    )
    modification: tuple[str, ...] = option(
        "--modification",
        default=("insert_steps:count=2",),
        metavar="EFFECT",
        help="A change to the flow, as name:key=value,key=value, or @file.toml; several act in order.",
    )
    description: str = option(
        "--description",
        default="",
        metavar="TEXT",
        shown_default="from the change",
        help="The change in your words.",
    )
    value: str = option(
        "--value",
        default="",
        metavar="EVENT=NUMBER|COLUMN",
        help="What an event is worth: a number, or the column or metadata key that holds the amount.",
        pattern=VALUE_PATTERN,
        check=lambda text: fault_of(read_worth, text) if text else "",
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
        shown_default="truncates under 0.1 %",
        help="Events after which a journey is cut.",
    )
    seed: int = option("--seed", default=0, low=0, metavar="N", help="Same seed, same bytes.")
    workers: int | None = option(
        "--workers",
        default=None,
        low=1,
        metavar="N",
        shown_default="the cores this process may use",
        help="Threads or processes at most; results do not depend on it.",
    )
    output: str = option(
        "--output",
        default="",
        metavar="DIR",
        shown_default="exports/NAME",
        help="The study folder to write to.",
    )

    power: float = option(
        "--power",
        default=0.8,
        low=0.5,
        high=0.999,
        metavar="P",
        help="Of the real test that is planned: its chance of finding the predicted uplift.",
    )
    level: float = option(
        "--level",
        default=0.05,
        low=0.0001,
        high=0.25,
        metavar="P",
        help="Of the real test that is planned: its chance of finding something in nothing.",
    )
    exposed: float = option(
        "--exposed",
        default=1.0,
        low=0.0001,
        high=1,
        metavar="SHARE",
        help="Of the real test that is planned: the share of the traffic that is in it.",
    )
    weeks: float = option(
        "--weeks",
        default=4.0,
        low=0.1,
        high=520,
        metavar="N",
        help="Of the real test that is planned: a length for which the least uplift it finds is told.",
    )
    budget: float | None = option(
        "--budget",
        default=None,
        low=0.0001,
        high=10,
        metavar="RATE",
        shown_default="not asked",
        help="Leaving to be saved, summed over steps (0.05 is five points): say where it is worth most.",
    )

    scenarios: tuple[ScenarioSettings, ...] = ()
    report_title: str = ""
    lead: str = ""
    branding: Branding = HOUSE
    personas: KeptPersonas | None = None
    """None where the settings are of no study."""

    def __post_init__(self) -> None:
        faults = [
            fault
            for name, each in options_by_name().items()
            if (fault := option_fault(each, getattr(self, name), each.metadata["flag"]))
        ]
        faults += [fault for fault in (self.branding.fault(),) if fault]
        faults += self._scenario_faults()
        if faults:
            raise SimulationError(" ".join(faults))

    def _scenario_faults(self) -> list[str]:
        declared = options_by_name()
        faults = [
            f"'{name}' names two scenarios; case does not count."
            for name in repeated_names(each.name for each in self.scenarios)
        ]
        faults += [
            f"{declared[name].metadata['flag']} is for one change; scenarios have their own."
            for name in CHANGE_OPTIONS
            if self.scenarios and getattr(self, name) != declared[name].default
        ]
        names = [each.name for each in self.scenarios] or [CHANGE]
        if self.lead and self.lead not in names:
            faults.append(str(unknown_name("scenario", self.lead, names)))
        return faults

    def effective_scenarios(self) -> tuple[ScenarioSettings, ...]:
        """Return the scenarios to simulate: those listed, else the one of ``modification``.

        Raises
        ------
        SimulationError, UnknownNameError
            If the modification is malformed; every fault is named.
        """
        if self.scenarios:
            return self.scenarios
        read_effects(self.modification)  # its faults are those of no scenario
        return (ScenarioSettings(name=CHANGE, effects=self.modification, description=self.description),)

    def lead_scenario(self) -> ScenarioSettings:
        """Return the scenario that leads the report: the one named, else the first."""
        scenarios = self.effective_scenarios()
        return next((each for each in scenarios if each.name == self.lead), scenarios[0])

    def worth(self) -> tuple[str, float | str] | None:
        """Return an event and what it is worth, a number or the name of a column; none if not given."""
        return read_worth(self.value) if self.value else None

    def funnel_steps(self) -> tuple[str, ...]:
        """Return the funnel that is given, empty where it is to be detected."""
        return parse_names(self.funnel)

    def n_clusters(self) -> int | Literal["auto"]:
        """Return the number of personas that is asked for."""
        return "auto" if self.clusters == AUTO else int(self.clusters)

    def left_at_default(self) -> tuple[str, ...]:
        """Return the names of the options that were not given, or given as their default."""
        idle = CHANGE_OPTIONS if self.scenarios else ()
        declared = options_by_name().items()
        return tuple(
            name for name, each in declared if name not in idle and getattr(self, name) == each.default
        )

    def as_toml(self) -> dict[str, Any]:
        """Return the settings as a study file holds them; what is left open is left out."""
        kept: dict[str, Any] = {}
        for name in options_by_name():
            value = getattr(self, name)
            if value not in (None, "", ()) and not (self.scenarios and name in CHANGE_OPTIONS):
                kept[name] = list(value) if isinstance(value, tuple) else value
        if self.scenarios:
            kept["scenarios"] = [each.as_toml() for each in self.scenarios]
        report = {"title": self.report_title, "lead": self.lead, **asdict(self.branding)}
        if any(report.values()):
            kept["report"] = {key: text for key, text in report.items() if text}
        return kept


CHANGE_OPTIONS: Final = ("modification", "description")
"""Options that make the one scenario of settings that list none."""


def options_by_name() -> Mapping[str, Field[Any]]:
    """Return the declared options by name; what only a study file can say is none."""
    return {each.name: each for each in fields(Settings) if "flag" in each.metadata}
