"""How far forecasts can be trusted: green, amber or red, with the reasons.

Each check has one rule, a convention stated here and nowhere else, the same for every log: journeys five
points apart beyond chance are not alike, twenty-five are another product's; forecasts that miss their
intervals by five points on the average are wrong, and those that miss more often than 95 % may are too sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import bdtr

from persona_tui.engine.evaluation.level import Level
from persona_tui.engine.evaluation.likeness import Likeness
from persona_tui.engine.evaluation.open_journeys import OpenEnd
from persona_tui.engine.evaluation.outlooks import PLAIN, RIVAL, OutcomeCheck
from persona_tui.engine.evaluation.rolling import LEAST_TRAINING, Rolling
from persona_tui.engine.statistics import LEVEL

ALIKE: Final = 0.05
"""Distance beyond the floor up to which journeys are called alike."""
UNLIKE: Final = 0.25
"""Above which they are another product's."""
WRONG_BY: Final = 0.05
"""Share by which forecasts miss on the average, above which they are wrong."""
LEAST_OPEN: Final = 30
"""Journeys open at a cut, below which nothing hangs on them."""
_TOLD_OPEN: Final = 0.0005
NEAR_ENOUGH: Final = 0.01
"""Share by which a forecast of open journeys may miss whatever its interval."""
_ROUNDING: Final = 1e-12
CHANCE_OF_FEWER: Final = 0.05
"""That intervals which hold what they promise hold no more than these did; below, they are too narrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What one check found.

    Parameters
    ----------
    about : str
    level : Level
    sentence : str
    """

    about: str
    level: Level
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What all checks found together.

    Parameters
    ----------
    judgements : tuple of Judgement
    causes : tuple of str
        Known shortcomings of the model that may stand behind what is not green.
    """

    judgements: tuple[Judgement, ...]
    causes: tuple[str, ...] = ()

    @property
    def level(self) -> Level:
        """Return the worst level."""
        return max((each.level for each in self.judgements), default=Level.AMBER)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return what is not green, the worst first, and what may stand behind it."""
        worst = sorted(self.judgements, key=lambda each: -each.level)
        told = [each.sentence for each in worst if each.level > Level.GREEN]
        return (*told, *(self.causes if told else ()))


def judge_likeness(found: Likeness) -> Judgement:
    """Return whether simulated journeys are like those held out in one respect."""
    same = found.distance <= found.floor_interval[1]
    near = same or found.excess <= ALIKE
    level = Level.GREEN if near else Level.AMBER if found.excess <= UNLIKE else Level.RED
    gap = f"{100 * found.distance:.1f} points apart, two halves of the real ones {100 * found.floor:.1f}"
    likely = "as alike as real ones" if same else "nearly as alike as real ones"
    told = likely if near else "not alike" if level is Level.AMBER else "quite another"
    return Judgement(
        about=found.name,
        level=level,
        sentence=f"{found.name.capitalize()}: simulated journeys and those held out are {told} ({gap}).",
    )


def judge_personas(found: OutcomeCheck) -> Judgement:
    """Return whether forecasts by persona hold what their intervals promise."""
    about, forecasts = "conversion by persona", found.by_persona
    if not forecasts:
        return _unknown(about, f"too few journeys have more than {found.first} events")
    held = sum(each.is_inside for each in forecasts)
    miss = float(np.mean([each.miss for each in forecasts]))
    level = Level.RED if miss > WRONG_BY else _level_of_coverage(held, len(forecasts))
    return Judgement(
        about=about,
        level=level,
        sentence=f"Conversion by persona after {found.first} events: {held} of {len(forecasts)} intervals of "
        f"{100 * LEVEL:.0f} % held what came, {100 * miss:.1f} points outside on the average.",
    )


def judge_losses(found: OutcomeCheck) -> Judgement:
    """Return whether personas foretell outcomes as well as a logistic regression does."""
    about = "outcome from the first events"
    losses = {each.name: each for each in found.losses}
    if RIVAL not in losses:
        return _unknown(about, "too few journeys convert, or too few do not")
    rival, plain = losses[RIVAL], losses[PLAIN]
    good = rival.excess <= rival.excess_error
    worthless = plain.excess > plain.excess_error
    compared = "as well as" if good else "worse than"
    return Judgement(
        about=about,
        level=Level.RED if worthless else Level.GREEN if good else Level.AMBER,
        sentence=f"Outcome after {found.first} events: foretold {compared} by a logistic regression "
        f"(log-loss {found.losses[0].value:.4f} against {rival.value:.4f}, "
        f"difference {_signed(rival.excess)} ± {rival.excess_error:.4f}; {plain.value:.4f} knowing nothing).",
    )


def judge_periods(found: Rolling) -> Judgement:
    """Return whether coming periods were foretold."""
    about = f"completion rate of each {found.period}"
    forecasts = found.of("completion rate")
    n = len(forecasts)
    if not forecasts:
        return _unknown(about, f"the log has no {LEAST_TRAINING + 1} {found.period}s whose outcome is known")
    wide, narrow = (
        sum(held) for held in zip(*((f.is_inside_wide, f.is_inside) for f in forecasts), strict=True)
    )
    missed = [max(f.wide[0] - f.observed, f.observed - f.wide[1], 0.0) for f in forecasts]
    level = Level.RED if np.mean(missed) > WRONG_BY else _level_of_coverage(wide, n)
    return Judgement(
        about=about,
        level=level,
        sentence=f"{found.period.capitalize()}s to come: {wide} of {n} completion rates within their "
        f"intervals of {100 * LEVEL:.0f} %; {narrow} of {n} if {found.period}s differed by chance alone. "
        f"They differ by {100 * forecasts[-1].between:.1f} points beyond it.",
    )


def judge_open_journeys(found: Sequence[OpenEnd]) -> Judgement:
    """Return whether journeys that were open turned out as foretold."""
    about = "journeys open at the end of the log"
    if not found:
        return _unknown(about, "too few had begun half-way through the log")
    most_open = max(each.n_open for each in found)
    if most_open < LEAST_OPEN:
        return Judgement(
            about=about,
            level=Level.GREEN,
            sentence=f"Open journeys: {most_open} are open at a cut at most, so nothing hangs on them.",
        )
    gaps = [each.gap for each in found]
    good = all(each.is_inside or gap <= NEAR_ENOUGH for each, gap in zip(found, gaps, strict=True))
    worst = max(found, key=lambda each: each.gap)
    ends = f"{100 * worst.observed:.1f} %"
    if worst.still_open >= _TOLD_OPEN:
        ends = f"{100 * worst.observed:.1f} to {100 * (worst.observed + worst.still_open):.1f} %"
    level = Level.GREEN if good else Level.RED if np.mean(gaps) > WRONG_BY else Level.AMBER
    return Judgement(
        about=about,
        level=level,
        sentence=f"Open journeys: cut early, the log foretold {100 * worst.predicted:.1f} % where "
        f"{ends} came ({100 * worst.so_far:.1f} % had completed by then; the largest "
        f"gap of {len(found)} cuts).",
    )


def _level_of_coverage(held: int, n: int) -> Level:
    return Level.GREEN if bdtr(held, n, LEVEL) > CHANCE_OF_FEWER + _ROUNDING else Level.AMBER


def _signed(difference: float) -> str:
    return f"{difference:+.4f}".replace("-", "\N{MINUS SIGN}")


def _unknown(about: str, why: str) -> Judgement:
    return Judgement(
        about=about, level=Level.AMBER, sentence=f"{about.capitalize()}: could not be checked, {why}."
    )
