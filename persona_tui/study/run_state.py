"""How a run stands, as its journal tells it: plain values that every screen and verb shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

Status: TypeAlias = Literal["starting", "running", "paused", "finished", "stopped", "failed", "interrupted"]
"""``interrupted``: its process is gone without a word."""

RESUMABLE: Final = frozenset({"stopped", "failed", "interrupted"})
ALIVE: Final = frozenset({"starting", "running", "paused"})
PHASES: Final = ("load", "fit", "bootstrap", "uncertainty", "walks", "report")
ENOUGH: Final = 0.1
"""Of the model's own standard error: below it more synthetic users say nothing that the log leaves open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of the work.

    Parameters
    ----------
    name : str
        As the engine calls it.
    phase : str
        One of ``PHASES``.
    done, total : int
    began, told : float
        Seconds of the run when it was first and last told.
    first_done : int
        How much was done when it was first told: what an earlier attempt left.
    """

    name: str
    phase: str
    done: int
    total: int
    began: float
    told: float
    first_done: int

    @property
    def per_second(self) -> float | None:
        """Return how much is done a second, None where that is not known yet."""
        seconds = self.told - self.began
        return (
            (self.done - self.first_done) / seconds if seconds > 0 and self.done > self.first_done else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Completion of some synthetic users so far.

    Parameters
    ----------
    n_personas : int
        Per arm.
    control, treatment, uplift : float or None
        Simulated; None while some persona, or part of one, has nobody yet.
    control_error, treatment_error, uplift_error : float or None
        One standard error each: users of both arms walk on the same random numbers, so that the uplift's is
        smaller than either.
    """

    n_personas: int
    control: float | None
    control_error: float | None
    treatment: float | None
    treatment_error: float | None
    uplift: float | None
    uplift_error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where the whole simulation stood at some time.

    Parameters
    ----------
    seconds : float
    standing : Standing
    """

    seconds: float
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonaState:
    """A persona in a simulation.

    Parameters
    ----------
    number : int
        At which it stands, from 1.
    name : str
    share : float
        In control.
    n_personas : int
        Synthetic users that it will have, per arm.
    exact_control, exact_treatment : float
        Completion.
    standing : Standing
    """

    number: int
    name: str
    share: float
    n_personas: int
    exact_control: float
    exact_treatment: float
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """A step of the flow among the walkers that are followed, as shares of all journeys.

    Parameters
    ----------
    name : str
    control, treatment : float or None
        Who passed it (of a funnel) or left for good after it (of the drop-off); None where the arm has no
        such step.
    """

    name: str
    control: float | None
    treatment: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleWalk:
    """One synthetic user.

    Parameters
    ----------
    persona, arm, outcome : str
    steps : tuple of str
        Its first steps.
    n_steps : int
        All of them.
    """

    persona: str
    arm: str
    outcome: str
    steps: tuple[str, ...]
    n_steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioState:
    """The simulation of one scenario.

    Parameters
    ----------
    name : str
    number, n_scenarios : int
        Which of how many, from 1.
    solver : {"paths", "cohort"}
    n_personas : int
        Synthetic users that it will have, per arm.
    exact_control, exact_treatment : float
        Completion, as the finished run tells it.
    own_error : float
        One standard error of the exact uplift: what the log leaves open.
    standing : Standing
        Of everyone so far.
    course : tuple of Point
    personas : tuple of PersonaState
    n_followed : int
        Walkers that were followed from step to step, per arm.
    funnel, drop_off : tuple of StepState
        Of those; ``drop_off`` by falling share.
    examples : tuple of ExampleWalk
        The newest last.
    without : str
        Whose users are in neither arm; empty for nobody's.
    enough_at : int or None
        Synthetic users per arm at which more stopped helping.
    """

    name: str
    number: int
    n_scenarios: int
    solver: str
    n_personas: int
    exact_control: float
    exact_treatment: float
    own_error: float
    standing: Standing
    course: tuple[Point, ...] = ()
    personas: tuple[PersonaState, ...] = ()
    n_followed: int = 0
    funnel: tuple[StepState, ...] = ()
    drop_off: tuple[StepState, ...] = ()
    examples: tuple[ExampleWalk, ...] = ()
    without: str = ""
    enough_at: int | None = None

    @property
    def exact_uplift(self) -> float:
        """Return treatment less control, exactly."""
        return self.exact_treatment - self.exact_control

    @property
    def enough_needed(self) -> int | None:
        """Return about how many synthetic users per arm are enough, None while that cannot be told."""
        error, n = self.standing.uplift_error, self.standing.n_personas
        if error is None or self.own_error <= 0 or not n:
            return None
        return max(1, round(n * (error / (ENOUGH * self.own_error)) ** 2))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """How a run stands.

    Parameters
    ----------
    verb : str
        ``simulate`` or ``batch``; empty where that is not known.
    status : str
    seconds : float
        Of work, pauses left out.
    stages : tuple of Stage
        In the order in which they began.
    scenarios : tuple of ScenarioState
        Those that began, the last is the one at work.
    notes : tuple of (float, str)
        Seconds and a sentence each.
    attempts : int
        How often it was begun or resumed.
    process : dict
        Of the latest attempt: ``pid``, ``host``, ``started``.
    message, hint : str
        Why it failed.
    """

    verb: str = ""
    status: Status = "starting"
    seconds: float = 0.0
    stages: tuple[Stage, ...] = ()
    scenarios: tuple[ScenarioState, ...] = ()
    notes: tuple[tuple[float, str], ...] = ()
    attempts: int = 0
    process: dict[str, Any] = field(default_factory=dict)
    message: str = ""
    hint: str = ""

    @property
    def scenario(self) -> ScenarioState | None:
        """Return the scenario at work, None before the first."""
        return self.scenarios[-1] if self.scenarios else None

    @property
    def stage(self) -> Stage | None:
        """Return the stage that was told last, None before the first."""
        return self.stages[-1] if self.stages else None

    @property
    def phase(self) -> str:
        """Return where the run is, one of ``PHASES``."""
        return self.stage.phase if self.stage else PHASES[0]

    @property
    def per_second(self) -> float | None:
        """Return how much of the present stage is done a second; while users walk, users of one arm."""
        return self.stage.per_second if self.stage else None

    @property
    def eta_seconds(self) -> float | None:
        """Return about how long the present stage still takes; while users walk, all scenarios."""
        stage, scenario = self.stage, self.scenario
        if stage is None or not stage.per_second:
            return None
        left = stage.total - stage.done
        if stage.phase == "walks" and scenario is not None:
            left += (scenario.n_scenarios - scenario.number) * stage.total
        return left / stage.per_second
