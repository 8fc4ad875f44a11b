"""What the slides of a deck say in sentences: the message of each, and what the report comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from persona_tui.engine.analytics.deck_text import shorten
from persona_tui.engine.analytics.numbers import count, interval_text, percent, points, points_number

if TYPE_CHECKING:
    from persona_tui.engine.analytics.cards import PersonaCard
    from persona_tui.engine.analytics.reporting import FunnelArms, Report
    from persona_tui.engine.analytics.step_flow import StepFlow
    from persona_tui.engine.data.quality import LogFacts
    from persona_tui.engine.evaluation.verdict import Verdict
    from persona_tui.engine.simulation.comparison import Comparison
    from persona_tui.engine.simulation.leverage import StateDropOff

COMPLETION, DROP_OFF = "completion_rate", "drop_off_rate"

_NAME_WIDTH, _NAME_SIZE = 6.0, 26
_FINGERPRINT_LENGTH = 12
_WITHOUT_WIDTH, _WITHOUT_SIZE = 5.5, 14


def personas_title(personas: tuple[PersonaCard, ...]) -> str:
    """Return who the users are, in one sentence."""
    largest = max(personas, key=lambda card: card.share)
    best = max(personas, key=lambda card: card.conversion)
    share, conversion = percent(largest.share), percent(best.conversion)
    if len(personas) == 1:
        return f"All journeys belong to one persona, {_quoted(largest.name)}; {conversion} convert"
    start = f"{len(personas)} personas: {_quoted(largest.name)} is the largest with {share} of journeys"
    if best is largest:
        return f"{start} and converts best with {conversion}"
    return f"{start}, {_quoted(best.name)} converts best with {conversion}"


def persona_title(card: PersonaCard) -> str:
    """Return how large a persona is and how it converts, in one sentence."""
    out = "; predictions leave it out" if card.excluded else ""
    return f"{_quoted(card.name)}: {percent(card.share)} of journeys; {percent(card.conversion)} convert{out}"


def funnel_title(arms: tuple[FunnelArms, ...]) -> str:
    """Return where the arms part most, in one sentence."""
    widest = max(arms, key=lambda step: abs(step.treatment - step.control))
    if widest.treatment == widest.control:
        return "Every step is reached as often with the change as without it"
    return (
        f"The gap is widest at {_quoted(widest.step)}: {percent(widest.treatment)} are predicted to reach it "
        f"instead of {percent(widest.control)}"
    )


def flow_title(flows: Mapping[str, StepFlow]) -> str:
    """Return what the change does within the first steps of journeys, in one sentence."""
    control, treatment = flows["control"], flows["treatment"]
    n_steps = 1 + max(node.step for flow in flows.values() for node in flow.nodes)
    told = {
        "complete": (percent(control.completed), percent(treatment.completed)),
        "leave": (percent(control.left), percent(treatment.left)),
    }
    moved = [
        f"{after}{{}} {verb} instead of {before}" for verb, (before, after) in told.items() if before != after
    ]
    steps = f"{n_steps} steps" if n_steps > 1 else "step"
    if not moved:
        return f"In the first {steps}, as many complete and leave with the change as without it"
    said = " and ".join(each.format("" if place else " of journeys") for place, each in enumerate(moved))
    return f"In the first {steps}, {said}"


def leaving_title(left: Sequence[StateDropOff]) -> str:
    """Return where people leave most, and where the change moves that most, in one sentence.

    Parameters
    ----------
    left : sequence of StateDropOff
        At least one.
    """
    most = max(left, key=lambda each: each.leaving[0])
    often = f"{100 * most.leaving[0]:.1f} times in 100"
    start = f"Journeys are left most often at {_quoted(most.state)}, {often}"
    moved = max(left, key=lambda each: abs(each.uplift))
    change = points_number(moved.uplift)
    if change == points_number(0.0):
        return f"{start}, with the change as without it"
    return f"{start}; the change moves {_quoted(moved.state)} most, by {change}"


def quality_title(log: LogFacts) -> str:
    """Return how many rows of the log were left out, in one sentence."""
    left_out = log.rejected + log.duplicates
    if not left_out:
        return f"All rows of the log are used: {count(log.events)} events"
    rows = "row is" if left_out == 1 else "rows are"
    return (
        f"{count(left_out)} {rows} left out: {count(log.rejected)} could not be used, "
        f"{count(log.duplicates)} copied another"
    )


def uplift_title(personas: tuple[Comparison, ...]) -> str:
    """Return whom the change moves most, in one sentence that says no more than the intervals allow."""
    if all(persona.uplifts[COMPLETION].value == 0 for persona in personas):
        return "The change moves the completion of no persona"
    clear = [persona for persona in personas if _excludes_zero(persona)]
    if not clear:
        return "The log cannot tell for any persona whether the change helps or hurts"
    most = max(clear, key=lambda persona: abs(persona.uplifts[COMPLETION].value))
    uplift = most.uplifts[COMPLETION]
    verb = "gains" if uplift.value > 0 else "loses"
    rank = f"{verb} most" if len(clear) > 1 else f"clearly {verb}"
    if len(personas) > 1 and len(clear) == 1:
        rank = f"alone clearly {verb}"
    band = interval_text(*uplift.total)
    return f"{_quoted(most.name)} {rank} in completion: {points(uplift.value)} (95 % interval {band})"


def groups_title(groups: Sequence[Comparison]) -> str:
    """Return between which groups the uplift lies, in one sentence that makes no finding of it."""
    ranked = sorted(groups, key=lambda each: each.uplifts[COMPLETION].value)
    low, high = (
        f"{points_number(each.uplifts[COMPLETION].value)} for {_quoted(each.name)}"
        for each in (ranked[0], ranked[-1])
    )
    return f"By group the uplift lies between {low} and {high}"


def _excludes_zero(comparison: Comparison) -> bool:
    low, high = comparison.uplifts[COMPLETION].total
    return low > 0 or high < 0


def trust_title(found: Verdict) -> str:
    """Return how many checks against unseen data are passed, in one sentence."""
    n_checks = len(found.judgements)
    passed = sum(not each.level for each in found.judgements)
    if passed == n_checks:
        return f"Trust is green: forecasts passed all {n_checks} checks against data not seen before"
    return (
        f"Trust is {found.level.word}: forecasts passed {passed} of {n_checks} checks against data not seen "
        "before"
    )


def assumptions_title(n_caveats: int, n_assumptions: int) -> str:
    """Return what to keep in mind, in one sentence."""
    parts = [
        f"{n} {word}{'' if n == 1 else 's'}"
        for n, word in ((n_caveats, "caveat"), (n_assumptions, "assumption"))
        if n
    ]
    return f"Read the result with {' and '.join(parts)} in mind"


def log_facts(report: Report) -> str:
    """Return what the log holds, in one line."""
    log = report.log
    period = f"{log.first:%Y-%m-%d} to {log.last:%Y-%m-%d} (UTC)"
    sizes = f"{count(log.users)} users · {count(log.sessions)} sessions · {count(log.events)} events"
    return f"{sizes} · {period}"


def origin(report: Report) -> str:
    """Return what makes the numbers again, in one line: data, seed, version, and whom they leave out."""
    seed, version = _from_recipe(report, "seed"), _from_recipe(report, "version")
    parts = [f"data {report.log.fingerprint[:_FINGERPRINT_LENGTH]}"]
    parts += [f"seed {_brief(seed)}"] if seed else []
    parts += [f"version {_brief(version)}"] if version else []
    without = report.lead.experiment.without
    parts += [shorten(without, _WITHOUT_WIDTH, _WITHOUT_SIZE)] if without else []
    return " · ".join(parts)


def _from_recipe(report: Report, word: str) -> str:
    return next((value for name, value in report.recipe.items() if word in name.casefold()), "")


def _brief(value: str) -> str:
    return shorten(value, 1.5, 12)


def _quoted(name: str) -> str:
    return f"“{shorten(name, _NAME_WIDTH, _NAME_SIZE, bold=True)}”"
