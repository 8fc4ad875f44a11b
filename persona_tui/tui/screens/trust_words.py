"""What the Trust screen says of each check before it is done, and what can be named for it."""

from __future__ import annotations

from typing import Final

UNCHECKED: Final = {
    "backtest": "r holds the forecasts against users, weeks and an end of the log that they have not seen. "
    "It takes up to a minute; the verdict then stands above every screen and in every report.",
    "drift": "r holds the last quarter of the log's days against those before; n names a newer log, or other "
    "days.",
    "fairness": "r tells how groups of users fare: whether the personas represent them, who completes less, "
    "and whom the scenarios would hurt. It takes the first two attributes with few values; n names others.",
    "experiment": "r reads a real A/B test, where the log has an attribute that names each user's arm: "
    "whether its lot was fair, what it found, and what its change did at each step.",
}


ASKED: Final = {
    "drift": (
        "What drift is looked for in",
        "Newer log, or days",
        "A path; or FIRST..LAST, such as 2026-03-01..2026-03-31, of this log, held against the days before. "
        "Empty: the last quarter of its days.",
    ),
    "experiment": (
        "Which experiment is read",
        "Variant, control",
        "The attribute that names each user's arm, and the arm without the change: variant,control. Empty: "
        "by their names.",
    ),
    "fairness": (
        "Whose fairness is judged",
        "Attributes",
        "Such as device,age_band; several are also told of together. Empty: the first two with few values.",
    ),
}
"""What can be named for a check: title, label and help of the field."""
