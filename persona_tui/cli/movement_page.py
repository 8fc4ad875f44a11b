"""What became of the personas of a study since the fit before, as a page tells it."""

from __future__ import annotations

import math

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import UNKNOWN, percent
from persona_tui.engine.modeling.matching import TransitionShift
from persona_tui.engine.text import shortened
from persona_tui.study.movement import MovedPersona, Movement, Remembered


def print_movement(page: Page, remembered: Remembered) -> None:
    """Print what moved, where there was a fit before; and why this one is not kept, where it is not."""
    if remembered.fault:
        page.heading("Since the last fit")
        page.sentence(f"These personas are not kept in the study: {remembered.fault}", bullet=True)
    if remembered.movement is not None:
        _print_table(page, remembered.movement)
        for sentence in _sentences(remembered.movement):
            page.sentence(sentence, bullet=True)


def _print_table(page: Page, movement: Movement) -> None:
    same = movement.fingerprint_before == movement.fingerprint_after
    log = "the same log" if same else "another log"
    page.heading(f"Since the last fit ({log}, {movement.time[:16].replace('T', ' ')} UTC)")
    page.table(
        ("persona", "number", "share before", "share after", "distance"),
        [
            (
                each.name,
                _numbers(each),
                percent(each.share_before) if each.number_before else UNKNOWN,
                percent(each.share_after) if each.number_after else UNKNOWN,
                UNKNOWN if each.distance is None else f"{each.distance:.2f}",
            )
            for each in movement.personas
        ],
    )


def _numbers(persona: MovedPersona) -> str:
    before, after = persona.number_before, persona.number_after
    if before == after:
        return str(after)
    return f"{before or UNKNOWN} → {after or UNKNOWN}"


def _sentences(movement: Movement) -> list[str]:
    told = [
        f"{each.name}: {'; '.join(_shift(shift) for shift in each.shifts)}."
        for each in movement.continued
        if each.shifts and each.distance is not None and round(each.distance, 2) > 0
    ]
    kinds = (
        ("Back, known from an earlier fit", movement.returned),
        ("New, in no fit before", movement.appeared),
        ("Gone, with names and pins kept should they come back", movement.vanished),
    )
    return [*told, *(f"{words}: {_listed(personas)}." for words, personas in kinds if personas)]


def _listed(personas: tuple[MovedPersona, ...]) -> str:
    return "; ".join(each.name for each in personas)


def _shift(shift: TransitionShift) -> str:
    before, after = (
        UNKNOWN if math.isnan(value) else percent(value) for value in (shift.before, shift.after)
    )
    return f"{shortened(shift.source)} → {shortened(shift.target)} {before} to {after}"
