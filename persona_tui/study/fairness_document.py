"""How groups of users fare, as one document of plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import numpy as np

from persona_tui.engine.evaluation.group_rates import FEWEST_USERS
from persona_tui.study.fairness import Fairness

SCHEMA: Final = "persona-tui/fairness/1"


def fairness_document(found: Fairness) -> dict[str, Any]:
    """Return how groups of users fare as ``--json`` prints it.

    Parameters
    ----------
    found : Fairness
    """
    return {
        "schema": SCHEMA,
        "source": found.source,
        "unit": found.unit,
        "completion": list(found.completion),
        "groups_by": list(found.by),
        "fewest_users": FEWEST_USERS,
        "followed_seconds": found.followed_seconds,
        "journeys_too_late": found.n_too_late,
        "rate": found.rate,
        "representation": [
            {**asdict(each), "is_represented": each.is_represented} for each in found.representation
        ],
        "rates": [_plain(asdict(each)) for each in found.rates],
        "uplifts": [
            {**asdict(each), "hurt": [f"{group.by}={group.name}" for group in each.hurt]}
            for each in found.uplifts
        ],
        "fingerprint": found.fingerprint,
        "seed": found.seed,
    }


def _plain(rates: dict[str, Any]) -> dict[str, Any]:
    """Return numbers with null in place of those that do not exist."""

    def known(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        return None if isinstance(value, float) and np.isnan(value) else value

    groups = [{key: known(value) for key, value in each.items()} for each in rates["groups"]]
    return {**{key: known(value) for key, value in rates.items()}, "groups": groups}
