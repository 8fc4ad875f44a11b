"""The flow of a log, open for changes to be tried on it: what each does, exactly and at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from persona_tui.engine.analytics.reporting import FunnelArms, predict_funnel
from persona_tui.engine.params import format_segment
from persona_tui.engine.progress import ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.changes import RowChange, describe_changes
from persona_tui.engine.simulation.experiments import Experiment, compare_arms
from persona_tui.engine.simulation.flow import METRICS
from persona_tui.engine.simulation.insights import Insights, explain
from persona_tui.engine.simulation.leverage import StepLeverage, step_leverage
from persona_tui.engine.simulation.population import without_whom
from persona_tui.study.fit import (
    Fit,
    LearnedPersonas,
    complete_fit,
    learn_personas,
    read_modification,
    run_scenario,
)
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings

EVERYONE: Final = "all personas"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenFlow:
    """The flow of every persona, and all that is the same for every change of it.

    Parameters
    ----------
    settings : Settings
        Their scenarios are not looked at.
    learned : LearnedPersonas
    fit : Fit
    """

    settings: Settings
    learned: LearnedPersonas
    fit: Fit

    @property
    def personas(self) -> tuple[str, ...]:
        """Return the names of the personas, those that are excluded left out."""
        return self.fit.simulator.persona_names

    @property
    def without(self) -> str:
        """Return whom every total leaves out, as it is told beside it; empty where nobody is excluded."""
        return without_whom(self.fit.simulator)

    @property
    def funnel(self) -> tuple[str, ...]:
        """Return the steps of the funnel."""
        return tuple(each.step for each in self.learned.prepared.funnel)

    @property
    def events(self) -> tuple[str, ...]:
        """Return the event types."""
        return self.learned.prepared.sequences.vocabulary

    @property
    def segments(self) -> tuple[str, ...]:
        """Return every value of the attributes that users are reported by, as segments."""
        known = self.fit.simulator.attributes
        if known is None:
            return ()
        return tuple(
            format_segment(name, (value,)) for name in known.names for value in known.values_of(name)
        )

    def cells(self, experiment: Experiment, persona: int) -> tuple[int, ...]:
        """Return the places of a persona's chains: of several where a change is for a segment of users."""
        apart = self.fit.baseline.told_apart(experiment.modification.segments())
        return apart.simulator.persona_cells[persona]

    def steps(self, persona: int | None = None) -> tuple[StepLeverage, ...]:
        """Return what one point less leaving is worth at each step, the best first.

        Parameters
        ----------
        persona : int, optional
            Position of the only persona that is meant; all by default.
        """
        shares = self.fit.simulator.shares
        if persona is not None:
            chosen = np.isin(np.arange(len(shares)), self.fit.simulator.persona_cells[persona])
            shares = np.where(chosen, shares, 0.0)
            shares = shares / shares.sum()
        return step_leverage(self.fit.simulator.flow, shares, self.settings.max_length)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreviewDetails:
    """What stands behind a preview.

    Parameters
    ----------
    funnel : tuple of FunnelArms
    insights : Insights
    changes : tuple of RowChange
        What is other in the chains, the largest change first.
    """

    funnel: tuple[FunnelArms, ...]
    insights: Insights
    changes: tuple[RowChange, ...]


def open_flow(
    settings: Settings,
    learned: LearnedPersonas | None = None,
    *,
    on_progress: ProgressCallback = ignore_progress,
) -> OpenFlow:
    """Return the flow of a log, open for changes.

    Parameters
    ----------
    settings : Settings
    learned : LearnedPersonas, optional
        Of the same settings, where they are known already.
    on_progress : callable

    Raises
    ------
    DataError, ModelingError, SimulationError, UnknownNameError
        If the source or the settings are wrong.
    """
    if learned is None:
        learned = learn_personas(
            settings, prepare_log(settings, on_progress=on_progress), on_progress=on_progress
        )
    fit = complete_fit(settings, learned, on_progress=on_progress)
    return OpenFlow(settings=settings, learned=learned, fit=fit)


def check_scenario(flow: OpenFlow, scenario: ScenarioSettings) -> None:
    """Refuse a scenario that does not fit the flow; costs no more than changing the chains.

    Parameters
    ----------
    flow : OpenFlow
    scenario : ScenarioSettings

    Raises
    ------
    SimulationError, UnknownNameError
        If the scenario does not fit the flow.
    """
    modification = read_modification(flow.settings, scenario, flow.learned.segmentation.names)
    modification.apply(flow.fit.baseline.told_apart(modification.segments()).simulator.flow)


def preview_outcomes(flow: OpenFlow, scenario: ScenarioSettings, *, models: bool = False) -> Experiment:
    """Return what a change does to outcomes, in total and by persona; what an analyst sees while typing.

    Parameters
    ----------
    flow : OpenFlow
    scenario : ScenarioSettings
    models : bool
        Whether the range over other models of the log is told as well, which takes about as long again.

    Raises
    ------
    SimulationError, UnknownNameError
        If the scenario does not fit the flow.
    """
    return compare_arms(
        flow.fit.baseline,
        read_modification(flow.settings, scenario, flow.learned.segmentation.names),
        seed=normalise_seed(flow.settings.seed),
        solver="exact",
        metrics=METRICS,
        alternatives=flow.fit.alternatives if models else None,
    )


def preview_details(flow: OpenFlow, experiment: Experiment) -> PreviewDetails:
    """Return what stands behind a preview: funnels, drivers, break-even, steps, changes of the chains."""
    return PreviewDetails(
        funnel=predict_funnel(experiment, flow.funnel),
        insights=explain(experiment),
        changes=describe_changes(experiment.control, experiment.treatment),
    )


def preview_whole(
    flow: OpenFlow, scenario: ScenarioSettings, *, on_progress: ProgressCallback = ignore_progress
) -> Experiment:
    """Return all that is predicted of a change, also for groups of users: as ``persona-tui preview``.

    Parameters
    ----------
    flow : OpenFlow
    scenario : ScenarioSettings
    on_progress : callable
    """
    return run_scenario(flow.settings, flow.fit, scenario, solver="exact", on_progress=on_progress)
