"""What the finished runs of a study found, to be read side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from persona_tui.study.run_folders import MANIFEST, RUNS


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """One scenario of a finished run.

    Parameters
    ----------
    run : str
        The name of its folder.
    ended : datetime
        UTC.
    scenario, decision : str
    uplift : float
        Of completion, exactly.
    interval : tuple of float
        95 %, of data and assumptions together.
    n_personas : int
        Synthetic users per arm.
    completion : tuple of str
    fingerprint, unit : str
        Of the data, and of what rates are shares of: results compare where both are the same.
    """

    run: str
    ended: datetime
    scenario: str
    decision: str
    uplift: float
    interval: tuple[float, float]
    n_personas: int
    completion: tuple[str, ...]
    fingerprint: str
    unit: str

    def compares_with(self, fingerprint: str, unit: str) -> bool:
        """Return whether this is of some data, in some unit."""
        return (self.fingerprint, self.unit) == (fingerprint, unit)


def run_results(study: Path) -> tuple[RunResult, ...]:
    """Return what the finished runs of a study found, the newest first, its scenarios in their order.

    Parameters
    ----------
    study : Path

    Returns
    -------
    tuple of RunResult
        Without runs whose files cannot be read, or are those of another version.
    """
    found: list[RunResult] = []
    for folder in sorted((study / RUNS).glob("*"), reverse=True):
        with suppress(OSError, ValueError, LookupError, TypeError):
            manifest, result = (_read(folder / name) for name in (MANIFEST, "result.json"))
            ended = datetime.fromisoformat(manifest["ended"])
            found += list(_results(folder.name, ended, result))
    return tuple(found)


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_bytes())
    return document


def _results(run: str, ended: datetime, result: dict[str, Any]) -> Iterator[RunResult]:
    for each in result["experiments"]:
        estimate = each["uplifts"]["treatment"]["completion_rate"]
        low, high = estimate["total"]
        yield RunResult(
            run=run,
            ended=ended,
            scenario=each["scenario"],
            decision=each["decision"],
            uplift=estimate["value"],
            interval=(low, high),
            n_personas=each["n_personas"],
            completion=tuple(result["recipe"]["settings"]["completion"]),
            fingerprint=result["data"]["fingerprint"],
            unit=each["unit"],
        )
