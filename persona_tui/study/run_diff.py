"""Two finished runs side by side: what they were asked, and what they found."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from persona_tui.engine.errors import DataError
from persona_tui.engine.statistics import Interval
from persona_tui.study.run_folders import MANIFEST, RUNS

SCHEMA: Final = "persona-tui/diff-runs/1"
_RESULT: Final = "result.json"
_METRICS: Final = ("completion_rate", "drop_off_rate")
_KINDS: Final = {
    "unit": "What rates are shares of",
    "completion": "What completes a journey",
    "preparation": "How the log was prepared",
}
"""Settings that make numbers of another kind."""
_SAME_NUMBERS: Final = frozenset({"n_personas", "solver", "scenarios", "lead", "modification", "description"})
"""Settings that say what was asked, not how it was worked out; the others are told where they differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpliftPair:
    """One uplift as each run found it.

    Parameters
    ----------
    scenario, metric : str
    first, second : float or None
        None where a run has no such scenario.
    first_interval, second_interval : (float, float) or None
        95 %, of data and assumptions together.
    change : float or None
        Second minus first; None where one is missing or the runs do not compare.
    """

    scenario: str
    metric: str
    first: float | None
    second: float | None
    first_interval: Interval | None
    second_interval: Interval | None
    change: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDiff:
    """Two runs side by side.

    Parameters
    ----------
    first, second : str
        As they were named.
    obstacles : tuple of str
        Why their numbers are not of one kind; no differences are told then.
    settings : tuple of (str, str, str)
        What they were worked out with differently: name, and the value of each run.
    decisions : tuple of (str, str, str)
        Scenario, and the decision of each run; empty where a run has no such scenario.
    uplifts : tuple of UpliftPair
    """

    first: str
    second: str
    obstacles: tuple[str, ...]
    settings: tuple[tuple[str, str, str], ...]
    decisions: tuple[tuple[str, str, str], ...]
    uplifts: tuple[UpliftPair, ...]


def diff_runs(first: str, second: str) -> RunDiff:
    """Return two runs side by side.

    Parameters
    ----------
    first, second : str
        Folders of runs, or of studies, of which the newest run counts.

    Raises
    ------
    DataError
        If a folder holds no result of a finished run.
    """
    results = [_result(each) for each in (first, second)]
    obstacles = tuple(_obstacles(*results))
    scenarios = [{each["scenario"]: each for each in result["experiments"]} for result in results]
    if all(len(each) == 1 for each in scenarios):  # one change each: what they are called says little
        names = {" / ".join(dict.fromkeys(next(iter(each)) for each in scenarios)): None}
        found = [{name: next(iter(each.values())) for name in names} for each in scenarios]
    else:
        names, found = dict.fromkeys([*scenarios[0], *scenarios[1]]), scenarios
    mine, other = found
    return RunDiff(
        first=first,
        second=second,
        obstacles=obstacles,
        settings=tuple(_settings(*(each["recipe"] for each in results))),
        decisions=tuple(
            (name, *(each.get(name, {}).get("decision", "") for each in found)) for name in names
        ),
        uplifts=tuple(
            _pair(name, metric, mine.get(name), other.get(name), comparable=not obstacles)
            for name in names
            for metric in _METRICS
        ),
    )


def _newest(folder: Path) -> Path:
    """Return the run that a folder stands for: itself, or the newest finished one of a study."""
    runs = sorted(path.parent for path in (folder / RUNS).glob(f"*/{MANIFEST}"))
    return runs[-1] if runs else folder


def _result(folder: str) -> dict[str, Any]:
    path = _newest(Path(folder)) / _RESULT
    try:
        document: dict[str, Any] = json.loads(path.read_bytes())
        document["experiments"], document["data"]["fingerprint"], document["recipe"]["settings"]
    except (OSError, ValueError, LookupError, TypeError):
        raise DataError(
            f"'{folder}' holds no result of a finished run.",
            hint="Name a study or a run: persona-tui runs list STUDY shows those there are.",
        ) from None
    return document


def _obstacles(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    found = []
    if first["data"]["fingerprint"] != second["data"]["fingerprint"]:
        one, two = (f"{each['data']['from'][:10]} to {each['data']['to'][:10]}" for each in (first, second))
        found.append(f"They are of different data: {one}, and {two}.")
    asked = [each["recipe"]["settings"] for each in (first, second)]
    for name, told in _KINDS.items():
        one, two = (_shown(each.get(name)) for each in asked)
        if one != two:
            found.append(f"{told}: {one} in the first, {two} in the second.")
    return found


def _settings(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    one, two = (
        {"seed": each["seed"], "version": each["version"], **each["settings"]} for each in (first, second)
    )
    names = [name for name in dict.fromkeys([*one, *two]) if name not in _SAME_NUMBERS | set(_KINDS)]
    values = [(name, _shown(one.get(name)), _shown(two.get(name))) for name in names]
    return [each for each in values if each[1] != each[2]]


def _shown(value: object) -> str:
    if value is None:
        return "not given"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _pair(
    scenario: str,
    metric: str,
    first: Mapping[str, Any] | None,
    second: Mapping[str, Any] | None,
    *,
    comparable: bool,
) -> UpliftPair:
    found = [None if each is None else each["uplifts"]["treatment"][metric] for each in (first, second)]
    values = [None if each is None else float(each["value"]) for each in found]
    ends = [None if each is None else (float(each["total"][0]), float(each["total"][1])) for each in found]
    one, two = values
    return UpliftPair(
        scenario=scenario,
        metric=metric,
        first=one,
        second=two,
        first_interval=ends[0],
        second_interval=ends[1],
        change=two - one if comparable and one is not None and two is not None else None,
    )


def run_document(diff: RunDiff) -> dict[str, Any]:
    """Return two runs side by side as ``--json`` prints them."""
    document = asdict(diff)
    document["settings"] = {name: [one, two] for name, one, two in diff.settings}
    document["decisions"] = {name: [one, two] for name, one, two in diff.decisions}
    return {"schema": SCHEMA, **document}
