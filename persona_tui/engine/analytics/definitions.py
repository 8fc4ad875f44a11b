"""What the words of a report mean, a sentence each; every face that explains a number takes it from here."""

from __future__ import annotations

from typing import Final

DEFINITIONS: Final = {
    "completion": "Share of journeys that reach an event that completes them.",
    "drop-off": "Share of journeys that end otherwise: by leaving, or by an event that drops them.",
    "cut off": "Share of journeys that are still going on after the most events that are looked at.",
    "events": "Mean number of events of a journey.",
    "events to convert": "Mean number of events of the journeys that complete.",
    "time in sessions": "Mean time of a journey, pauses between its sessions left out.",
    "time to convert": "Mean time from first event to completion, of journeys that complete.",
    "sessions": "Mean number of sessions of a user.",
    "come back": "Share of sessions after which the user comes back.",
    "value": "Mean value of a journey, as the events were valued.",
    "share": "Share of all journeys that a persona, or a group of users, makes.",
    "converts": "Observed share of its journeys that complete; descriptive, as membership saw the outcome.",
    "control": "The flow as it is, by the chains that were learned from the log; exact, not sampled.",
    "treatment": "The flow with the change; exact, not sampled.",
    "uplift": "Treatment less control; of shares in percentage points.",
    "95 % interval": "Where 95 % of results lie when users are reweighted, personas fitted anew, and assumed "
    "numbers drawn from their ranges.",
    "falls": "Share of those results in which completion falls.",
    "is best": "Share of those results in which no other scenario, nor the control, completes more.",
    "reached by": "Share of journeys that have the event at least once.",
    "from": "The lower end of the range of this number.",
    "to": "The upper end of the range of this number.",
    "uplift there": "The uplift when this one number takes the ends of its range, all else as set.",
    "leavings a journey at": "How often a journey is left at a step, on average.",
    "change": "Treatment less control.",
    "of those who convert, have within": "Time by which this share of them has completed.",
    "does more than others": "Events that journeys of the persona hold more often than those of the others.",
}
"""By the word that a table has; units are told with the numbers."""
