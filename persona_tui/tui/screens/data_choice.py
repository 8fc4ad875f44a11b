"""What journeys are for: the funnel, what completes them and what drops them."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """What journeys are for; empty means that the log suggests it.

    Parameters
    ----------
    funnel : tuple of str
    completion : tuple of str
    drop : tuple of str
    """

    funnel: tuple[str, ...] = ()
    completion: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    def toggled(self, kind: str, event: str) -> Outcomes:
        """Return the outcomes with an event added to a kind, or taken out of it.

        What drops a journey is no step of it, and does not complete it.

        Examples
        --------
        >>> Outcomes(funnel=("a", "b")).toggled("drop", "b")
        Outcomes(funnel=('a',), completion=(), drop=('b',))
        """
        held: tuple[str, ...] = getattr(self, kind)
        opposed = ("funnel", "completion") if kind == "drop" else ("drop",)
        others = {name: _without(getattr(self, name), event) for name in opposed}
        if event in held:
            return replace(self, **{kind: _without(held, event)})
        return replace(self, **others, **{kind: (*held, event)})

    def moved(self, event: str, by: int) -> Outcomes:
        """Return the outcomes with a step of the funnel earlier or later."""
        if event not in self.funnel:
            return self
        steps = list(self.funnel)
        at = steps.index(event)
        to = min(max(at + by, 0), len(steps) - 1)
        steps.insert(to, steps.pop(at))
        return replace(self, funnel=tuple(steps))

    def role(self, event: str) -> str:
        """Return what an event is for, in a few words."""
        step = [f"step {self.funnel.index(event) + 1}"] if event in self.funnel else []
        completes = ["completes"] if event in self.completion else []
        return ", ".join([*step, *completes, *(["drops"] if event in self.drop else [])])


def _without(names: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(each for each in names if each != name)
