"""What ``persona-tui personas --assign`` prints: how the personas share a fresh log, and how they fit it."""

from __future__ import annotations

import math

from persona_tui.cli.output import Page
from persona_tui.engine.analytics.numbers import UNKNOWN, count, interval_text, percent, points
from persona_tui.engine.text import shortened
from persona_tui.study.assigning import AssignedLog

NAMES_SHOWN = 5


def print_assigned(assigned: AssignedLog) -> None:
    """Print who of a fresh log belongs to which persona."""
    page, assignment = Page(), assigned.assignment
    page.heading(f"Who the users of {assigned.source} are ({count(len(assignment.user_ids))} in all)")
    page.table(
        ("persona", "users", "share before", "share now", "change", "95 % interval"),
        [
            (
                f"{each.id}. {each.name}",
                count(each.users),
                percent(each.share_before),
                UNKNOWN if each.share_now is None else percent(each.share_now),
                UNKNOWN if each.change is None else points(each.change),
                UNKNOWN if each.change_interval is None else interval_text(*each.change_interval),
            )
            for each in assigned.personas
        ],
    )
    page.sentence(
        "Users are counted with their likeliest persona; shares weigh every chance. Before is the log that "
        "the personas were found in."
    )
    page.heading("How well the personas describe this log")
    for sentence in _sentences(assigned):
        page.sentence(sentence, bullet=True)
    page.print()


def _sentences(assigned: AssignedLog) -> list[str]:
    assignment = assigned.assignment
    told = [_bits_sentence(assigned)]
    if assigned.fits_badly:
        told.append(
            "These personas do not describe this log well: fit personas on it before you trust shares."
        )
    elif len(assigned.personas) > 1 and not assigned.helps:
        told.append("The personas foretell this log no better than one chain for all users does.")
    if assignment.n_unknown_events:
        share = percent(assignment.n_unknown_events / assigned.log.n_events)
        told.append(
            f"Events left out since the personas do not know their types: "
            f"{count(assignment.n_unknown_events)} ({share}), {_listed(assignment.unknown_event_types)}."
        )
    if assignment.n_users_without_events:
        told.append(
            f"Users without an event that the personas know: {count(assignment.n_users_without_events)}. "
            "They count for none, and their memberships are the shares before."
        )
    if assignment.n_impossible_moves >= 1:
        told.append(
            "Moves that never occurred in the log of the personas: "
            f"{count(round(assignment.n_impossible_moves))}. "
            "They tell nothing of membership and cost no bits."
        )
    if any(each.share_now is None for each in assigned.personas):
        told.append("The users are too few, or the personas too much alike, to tell shares.")
    return told


def _bits_sentence(assigned: AssignedLog) -> str:
    bits = assigned.assignment.bits_per_event
    if math.isnan(bits):
        return "No event of this log could be foretold."
    return (
        f"An event costs {bits:.3f} bits here, {assigned.reference_bits:.3f} in the log of the personas; "
        f"one chain for all users needs {assigned.assignment.baseline_bits_per_event:.3f} here."
    )


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(shortened(name) for name in names[:NAMES_SHOWN])
    rest = len(names) - NAMES_SHOWN
    return f"{shown} and {rest} more" if rest > 0 else shown
