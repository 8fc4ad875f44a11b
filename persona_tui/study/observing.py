"""Tell the journal of a run what its simulation does, at a cost that is bounded beforehand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from time import perf_counter
from typing import Any, Final

import numpy as np

from persona_tui.engine.progress import Progress
from persona_tui.engine.simulation.simulated import ARMS, ArmsSimulated
from persona_tui.engine.simulation.watching import ArmsPrepared, FollowedWalks, Standing, follow_walks
from persona_tui.engine.types import AnyArray, FloatArray, IntArray
from persona_tui.study.journal import Journal, Line

_FREE_SECONDS: Final = 0.02
_SHARE_OF_TIME: Final = 0.01
"""What following walkers may take, of the time since they began to walk, beyond what is free."""
_FEW, _MANY = 250, 2_000
"""Walkers that are followed at a time: few until every chain has some."""
_MOST_STEPS: Final = 12
"""Steps of an example, and of the drop-off, that are told."""


class RunObserver:
    """Tells what a run does to its journal.

    Parameters
    ----------
    journal : Journal
    scenarios : sequence of str
        Their names, in the order in which they are simulated.
    """

    def __init__(self, journal: Journal, scenarios: Sequence[str]) -> None:
        self._journal, self._scenarios = journal, scenarios
        self._begun = 0
        self._followers: _Followers | None = None
        self.funnel: tuple[str, ...] = ()

    def __call__(self, progress: Progress) -> None:
        """Tell one report; wait where the run is paused."""
        if isinstance(progress, ArmsPrepared):
            self._prepare(progress)
        elif isinstance(progress, ArmsSimulated):
            self._simulated(progress)
        self._journal(progress)
        self._journal.wait_while_paused()

    def _prepare(self, prepared: ArmsPrepared) -> None:
        self._begun += 1
        self._prepared = prepared
        self._followers = _Followers(prepared, self.funnel)
        self._journal.write(
            {
                "scenario": {
                    "name": self._scenarios[self._begun - 1],
                    "number": self._begun,
                    "n_scenarios": len(self._scenarios),
                    "solver": prepared.solver,
                    "n_personas": int(prepared.users.sum()),
                    **({"without": prepared.without} if prepared.without else {}),
                    "exact": _exact(prepared, 0),
                    "own_error": _told(prepared.own_error()),
                    "personas": [_persona(prepared, n) for n in range(1, len(prepared.parts))],
                }
            }
        )

    def _simulated(self, progress: ArmsSimulated) -> None:
        assert self._followers is not None
        whole = progress.done >= progress.total
        if whole or self._journal.due("walked"):
            standings = self._prepared.standings(progress.simulation)
            self._journal.tell("walked", {"walked": [_standing(each) for each in standings]}, whole=whole)
        if progress.stage == "walks" and (whole or self._journal.due("followed")):
            told = self._followers.follow(progress.simulation.n_personas)
            if told is not None:
                self._journal.tell("followed", {"followed": told}, whole=whole)


def _exact(prepared: ArmsPrepared, part: int) -> list[float | None]:
    return [_told(prepared.exact(prepared.parts[part], arm)) for arm in ARMS]


def _persona(prepared: ArmsPrepared, number: int) -> Line:
    part = prepared.parts[number]
    mine = part.weights > 0
    numbers = prepared.flows[0].persona_numbers
    return {
        **({"number": numbers[number - 1]} if prepared.without else {}),
        "name": part.name,
        "share": _told(float(prepared.evidence.exact.shares["control"][mine].sum())),
        "n_personas": int(prepared.users[mine].sum()),
        "exact": _exact(prepared, number),
    }


def _standing(standing: Standing) -> list[Any]:
    arms = [(standing.arms.get(arm), standing.errors.get(arm)) for arm in ARMS]
    return [standing.n_personas, *(_told(each) for pair in arms for each in pair), _told(standing.error)]


def _told(value: float | None) -> float | None:
    """Return a number with the digits of results; None where there is none."""
    return None if value is None or math.isnan(value) else float(f"{value:.10g}")


class _Followers:
    """Walkers of one scenario that are followed from step to step, as many as time allows."""

    def __init__(
        self,
        prepared: ArmsPrepared,
        funnel: tuple[str, ...],
        clock: Callable[[], float] = perf_counter,
    ) -> None:
        self.prepared, self.funnel, self.clock = prepared, funnel, clock
        self.begun, self.spent = clock(), 0.0
        self.n: IntArray = np.zeros_like(prepared.users)
        sizes = {arm: (len(self.n), flow.n_states) for arm, flow in zip(ARMS, prepared.flows, strict=True)}
        self.reached = {arm: np.zeros(size, dtype=np.int64) for arm, size in sizes.items()}
        self.lost = {arm: np.zeros(size, dtype=np.int64) for arm, size in sizes.items()}
        self.owner = _owners(prepared)

    def follow(self, walked: IntArray) -> Line | None:
        """Follow some walkers who are done, and tell all so far; None where there is no time for it."""
        now = self.clock()
        if self.spent > _FREE_SECONDS + _SHARE_OF_TIME * (now - self.begun):
            return None
        size = _FEW if (self.n < np.minimum(_FEW, walked)).any() else _MANY
        left = walked - self.n
        chain = int(np.argmax(np.where(left > 0, walked / np.maximum(self.n, 0.5), -1.0)))
        if left[chain] <= 0:
            return None
        found = follow_walks(
            self.prepared, chain, int(self.n[chain]), int(min(size, left[chain])), n_examples=1
        )
        for arm, each in found.items():
            self.reached[arm][chain] += each.reached
            self.lost[arm][chain] += each.lost
        self.n[chain] += min(size, int(left[chain]))
        told = self._so_far(chain, found)
        self.spent += self.clock() - now
        return told

    def _so_far(self, chain: int, found: dict[str, FollowedWalks]) -> Line:
        lost = self._rates(self.lost)
        worst = sorted(lost, key=lambda name: -max(each or 0.0 for each in lost[name]))[:_MOST_STEPS]
        reached = self._rates(self.reached)
        return {
            "n": int(self.n.sum()),
            "funnel": [[name, *reached.get(name, (None, None))] for name in self.funnel],
            "drop_off": [[name, *lost[name]] for name in worst],
            "examples": [
                {
                    "persona": self.owner[chain],
                    "arm": arm,
                    "outcome": outcome.name.lower(),
                    "steps": list(steps[:_MOST_STEPS]),
                    "n_steps": len(steps),
                }
                for arm, each in found.items()
                for steps, outcome in each.examples
            ],
        }

    def _rates(self, counts: dict[str, AnyArray]) -> dict[str, tuple[float | None, ...]]:
        """Return the share of all journeys by state, in both arms; None where an arm has no such state."""
        by_arm = {
            arm: dict(zip(flow.states, self._shares(arm, counts[arm]), strict=True))
            for arm, flow in zip(ARMS, self.prepared.flows, strict=True)
        }
        names = dict.fromkeys(name for each in by_arm.values() for name in each)
        return {name: tuple(_rounded(by_arm[arm].get(name)) for arm in ARMS) for name in names}

    def _shares(self, arm: str, counts: AnyArray) -> Iterable[float]:
        shares: FloatArray = np.where(self.n > 0, self.prepared.evidence.exact.shares[arm], 0.0)
        total = shares.sum() or 1.0
        weighed: FloatArray = shares / np.maximum(self.n, 1) @ counts / total
        return [float(each) for each in weighed]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _owners(prepared: ArmsPrepared) -> list[str]:
    """Return the persona of each chain."""
    names = [""] * len(prepared.users)
    for part in prepared.parts[1:]:
        for chain in np.flatnonzero(part.weights > 0).tolist():
            names[chain] = part.name
    return names
