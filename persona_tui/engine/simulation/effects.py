"""Ways a product change acts on the chains that personas walk.

To add one, write a frozen dataclass here and register it. The study file, the
command line and the effect form are built from its fields.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from persona_tui.engine.errors import SimulationError
from persona_tui.engine.params import Range, param
from persona_tui.engine.simulation.effect_base import (
    EFFECTS,
    THIN_SUPPORT,
    Effect,
    Values,
    parse_effect,
    percent,
    persona_in_words,
    steps_named,
    touched_personas,
    touched_segment,
)

if TYPE_CHECKING:
    from persona_tui.engine.simulation.flow import Flow
    from persona_tui.engine.types import BoolArray, FloatArray

__all__ = [
    "EFFECTS",
    "Effect",
    "Friction",
    "InsertSteps",
    "MixShift",
    "Redirect",
    "RemoveStep",
    "Retime",
    "Reward",
    "parse_effect",
]


@EFFECTS.register("insert_steps", help="Put new steps in front of an event (default: of completion).")
@dataclass(frozen=True, slots=True, kw_only=True)
class InsertSteps(Effect):
    """Make every entry into an event first pass new steps."""

    name: ClassVar[str] = "insert_steps"

    count: int = param(low=0, high=100, unit="steps", help="Number of new steps.")
    before: str | None = param(default=None, kind="event", help="The event they precede; completion.")
    exit_rate: float | Range | None = param(
        default=None,
        low=0,
        high=1,
        unit="probability per step",
        help="Chance of leaving at each; as at the steps that lead there.",
    )
    sources: tuple[str, ...] = param(default=(), kind="events", help="Only entries from these; all.")
    personas: tuple[str, ...] = touched_personas()
    segment: str = touched_segment()

    @property
    def neutral(self) -> bool:
        """Whether no step is inserted."""
        return self.count == 0

    def act(self, flow: Flow, values: Values) -> Flow:
        """Return the flow with the new states."""
        import numpy as np  # noqa: PLC0415 - 0.1 s, not needed to list effects

        from persona_tui.engine.simulation.edits import insert_steps, is_entered  # noqa: PLC0415 - as numpy

        sources = steps_named(flow, self.sources) if self.sources else None
        targets = [flow.index(target) for target in self._targets(flow)]
        if not any(is_entered(flow, target, sources, self.touched(flow)) for target in targets):
            raise SimulationError(
                f"Nobody {self._entry(flow)}, so nobody would pass the new steps{self.limited()}.",
                hint="Name another event, or other sources.",
            )
        for target in targets:
            passing = None if sources is None else np.pad(sources, (0, flow.n_states - len(sources)))
            flow = insert_steps(flow, self.count, target, values["exit_rate"], passing)
        return flow

    def _entry(self, flow: Flow) -> str:
        came = f" from {', '.join(self.sources)}" if self.sources else ""
        return f"comes{came} to {', '.join(self._targets(flow))}"

    def _targets(self, flow: Flow) -> list[str]:
        from persona_tui.engine.simulation.flow import StateKind  # noqa: PLC0415 - 0.1 s, as numpy

        if self.before is not None:
            if flow.kinds[flow.index(self.before)] in (StateKind.RETURN, StateKind.REMOVED):
                raise SimulationError(f"Steps cannot be inserted before '{self.before}': it is not a step.")
            return [self.before]
        return [
            state for state, kind in zip(flow.states, flow.kinds, strict=True) if kind == StateKind.COMPLETION
        ]

    def caveats(self, flow: Flow) -> list[str]:
        """Say where the exit rate is taken from hardly any entries."""
        if self.exit_rate is not None:
            return []
        from persona_tui.engine.simulation.edits import entry_support  # noqa: PLC0415 - 0.1 s, as numpy

        return [
            f"insert_steps takes its exit rate from only {seen:.0f} moves into {target}; set exit_rate."
            for target in self._targets(flow)
            if (seen := entry_support(self.support(flow), flow.index(target))) < THIN_SUPPORT
        ]

    def describe(self) -> str:
        """Return the effect in plain words."""
        steps = "step" if self.count == 1 else "steps"
        where = f"before {self.before}" if self.before else "before completion"
        loss = "" if self.exit_rate is None else f", each losing {percent(self.exit_rate)}"
        limit = f" for those who come from {', '.join(self.sources)}" if self.sources else ""
        return f"insert {self.count} {steps} {where}{limit}{self.limited()}{loss}"


@EFFECTS.register("remove_step", help="Take a step out: who would have passed it goes straight on.")
@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveStep(Effect):
    """Take a step out; some of those who left there go on."""

    name: ClassVar[str] = "remove_step"

    event: str = param(kind="event", help="The step.")
    rescued: float | Range = param(
        default=0.0,
        low=0,
        high=1,
        unit="share of leaving",
        help="Share of those who left there and go on.",
    )
    personas: tuple[str, ...] = touched_personas()
    segment: str = touched_segment()

    @property
    def neutral(self) -> bool:
        """Never: a step less is a change."""
        return False

    def act(self, flow: Flow, values: Values) -> Flow:
        """Return the flow without entries into the step."""
        from persona_tui.engine.simulation.edits import remove_step  # noqa: PLC0415 - 0.1 s, as numpy

        (position,) = steps_named(flow, (self.event,)).nonzero()[0]
        if not self.is_surely("rescued", 0) and self.went_on(flow)[position] <= 0:
            raise SimulationError(
                f"Nobody was seen to go on from '{self.event}', so nobody can be rescued there.",
                hint="Set rescued=0, or redirect the moves into it.",
            )
        return remove_step(flow, int(position), values["rescued"])

    def describe(self) -> str:
        """Return the effect in plain words."""
        rescued = (
            ""
            if self.is_surely("rescued", 0)
            else f", keeping {percent(self.rescued)} of those who left there"
        )
        return f"remove {self.event}{self.limited()}{rescued}"


@EFFECTS.register("friction", help="Raise the chance of leaving at some steps (default: at all).")
@dataclass(frozen=True, slots=True, kw_only=True)
class Friction(Effect):
    """Raise the chance of leaving at every visit of a step."""

    name: ClassVar[str] = "friction"

    factor: float | Range = param(
        low=0, high=1, unit="probability per step", help="Share of those who would go on and now leave."
    )
    at: tuple[str, ...] = param(default=(), kind="events", help="The steps; all.")
    personas: tuple[str, ...] = touched_personas()
    segment: str = touched_segment()

    @property
    def neutral(self) -> bool:
        """Whether nobody leaves more."""
        return self.is_surely("factor", 0)

    def act(self, flow: Flow, values: Values) -> Flow:
        """Return the flow with more leaving."""
        from persona_tui.engine.simulation.edits import add_friction  # noqa: PLC0415 - 0.1 s, as numpy

        return add_friction(flow, values["factor"], steps_named(flow, self.at))

    def describe(self) -> str:
        """Return the effect in plain words."""
        where = f"at {', '.join(self.at)}" if self.at else "at every step"
        return f"lose {percent(self.factor)} more of those who would go on {where}{self.limited()}"


@EFFECTS.register("reward", help="Lower the chance of leaving at some steps (default: at all).")
@dataclass(frozen=True, slots=True, kw_only=True)
class Reward(Effect):
    """Lower the chance of leaving at every visit of a step."""

    name: ClassVar[str] = "reward"

    factor: float | Range = param(
        low=0, high=1, unit="share of leaving", help="Share of those who would leave and now go on."
    )
    at: tuple[str, ...] = param(default=(), kind="events", help="The steps; all.")
    personas: tuple[str, ...] = touched_personas()
    segment: str = touched_segment()

    @property
    def neutral(self) -> bool:
        """Whether nobody stays longer."""
        return self.is_surely("factor", 0)

    def act(self, flow: Flow, values: Values) -> Flow:
        """Return the flow with less leaving."""
        from persona_tui.engine.simulation.edits import add_reward  # noqa: PLC0415 - 0.1 s, as numpy

        seen = self.went_on(flow)
        for name in self.at:
            if seen[flow.index(name)] <= 0:
                raise SimulationError(
                    f"Nobody was seen to go on from '{name}', so reward has nowhere to send those who stay.",
                    hint="Leave the step out, or redirect it.",
                )
        return add_reward(flow, values["factor"], steps_named(flow, self.at))

    def caveats(self, flow: Flow) -> list[str]:
        """Name the steps where the rescued are sent by little or no evidence."""
        seen = self.went_on(flow)
        steps = steps_named(flow, self.at)
        notes = [
            f"reward at {state}: only {count:.0f} moves were seen to go on from it."
            for state, count, step in zip(flow.states, seen, steps, strict=True)
            if step and 0 < count < THIN_SUPPORT
        ]
        idle = [s for s, count, step in zip(flow.states, seen, steps, strict=True) if step and count <= 0]
        if idle:
            notes.append(f"reward leaves {', '.join(idle)} as they are: nobody was seen to go on.")
        return notes

    def describe(self) -> str:
        """Return the effect in plain words."""
        where = f"at {', '.join(self.at)}" if self.at else "at every step"
        return f"keep {percent(self.factor)} of those who would leave {where}{self.limited()}"


@EFFECTS.register("redirect", help="Send a share of one move elsewhere.")
@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Effect):
    """Send a share of those who move from one event to another to a third."""

    name: ClassVar[str] = "redirect"

    source: str = param(kind="event", help="The event they come from.")
    target: str = param(kind="event", help="The event they went to.")
    to: str = param(kind="event", help="The event they go to now.")
    share: float | Range = param(
        default=1.0, low=0, high=1, unit="share of the move", help="How many of them."
    )
    personas: tuple[str, ...] = touched_personas()
    segment: str = touched_segment()

    @property
    def neutral(self) -> bool:
        """Whether nobody goes elsewhere."""
        return self.is_surely("share", 0) or self.to == self.target

    def act(self, flow: Flow, values: Values) -> Flow:
        """Return the flow with the move split."""
        from persona_tui.engine.simulation.edits import redirect  # noqa: PLC0415 - 0.1 s, as numpy
        from persona_tui.engine.simulation.flow import StateKind  # noqa: PLC0415

        (source,) = steps_named(flow, (self.source,)).nonzero()[0]
        target, to = flow.index(self.target), flow.index(self.to)
        if flow.kinds[to] in (StateKind.RETURN, StateKind.REMOVED):
            raise SimulationError(f"Nobody can be sent to '{self.to}': it is not a step.")
        if flow.transitions[..., source, target][..., self.touched(flow)].max() <= 0:
            raise SimulationError(
                f"Nobody moves from '{self.source}' to '{self.target}'{self.limited()}, "
                "so there is no move to redirect.",
                hint="Name a move that is made, as the flow's table shows it.",
            )
        return redirect(flow, int(source), target, to, values["share"])

    def caveats(self, flow: Flow) -> list[str]:
        """Say where the move was hardly seen."""
        seen = float(self.support(flow)[:, flow.index(self.source), flow.index(self.target)].sum())
        if seen >= THIN_SUPPORT:
            return []
        return [f"redirect: the move from {self.source} to {self.target} was seen only {seen:.0f} times."]

    def describe(self) -> str:
        """Return the effect in plain words."""
        who = f"{percent(self.share)} of those who go from {self.source} to {self.target}"
        return f"send {who} to {self.to}{self.limited()}"


@EFFECTS.register("mix_shift", help="Change a persona's share; the others rescale.")
@dataclass(frozen=True, slots=True, kw_only=True)
class MixShift(Effect):
    """Change how many journeys are those of one persona."""

    name: ClassVar[str] = "mix_shift"

    persona: str = param(kind="persona", help="The persona, by name or number.")
    share: float | Range = param(low=0, high=1, unit="share of journeys", help="Its new share.")
    personas: ClassVar[tuple[str, ...]] = ()  # type: ignore[misc]  # it touches all shares
    segment: ClassVar[str] = ""  # type: ignore[misc]

    @property
    def neutral(self) -> bool:
        """Never: a share is set, whatever it was."""
        return False

    def act(self, flow: Flow, _values: Values) -> Flow:
        """Return the same chains: only their shares change."""
        flow.persona_mask((self.persona,))
        return flow

    def shift(
        self, shares: FloatArray, settled: BoolArray, flow: Flow, values: Values
    ) -> tuple[FloatArray, BoolArray]:
        """Return the shares with the persona's set and those not settled scaled to what is left."""
        from persona_tui.engine.simulation.edits import shift_mix  # noqa: PLC0415 - 0.1 s, as numpy

        touched = flow.persona_mask((self.persona,))
        shifted = shift_mix(shares, touched, self.values(values)["share"], settled)
        return shifted, settled | touched

    def describe(self) -> str:
        """Return the effect in plain words."""
        return f"make {persona_in_words(self.persona)} {percent(self.share)} of journeys"


@EFFECTS.register("retime", help="Scale the time that is spent at some steps (default: at all).")
@dataclass(frozen=True, slots=True, kw_only=True)
class Retime(Effect):
    """Scale the time from each visit of a step to the next event; where journeys go stays as it is."""

    name: ClassVar[str] = "retime"

    factor: float | Range = param(
        low=0, high=100, unit="times", help="What the time at a step is multiplied by; 1 changes nothing."
    )
    at: tuple[str, ...] = param(default=(), kind="events", help="The steps; all.")
    personas: tuple[str, ...] = touched_personas()
    segment: str = touched_segment()

    @property
    def neutral(self) -> bool:
        """Whether every step takes as long as before."""
        return self.is_surely("factor", 1)

    def act(self, flow: Flow, values: Values) -> Flow:
        """Return the flow with other times; the gap before a return is not spent at a step and stays."""
        from persona_tui.engine.simulation.edits import scale_times  # noqa: PLC0415 - 0.1 s, as numpy

        return scale_times(flow, values["factor"], steps_named(flow, self.at))

    def describe(self) -> str:
        """Return the effect in plain words."""
        where = f"at {', '.join(self.at)}" if self.at else "at every step"
        factor = self.factor
        if isinstance(factor, Range):
            times = f"{factor.low:g} to {factor.high:g} times (likeliest {factor.mode:g} times)"
        else:
            times = f"{factor:g} times"
        return f"take {times} as long {where}{self.limited()}"
