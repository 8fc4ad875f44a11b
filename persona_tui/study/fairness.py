"""Whether personas and changes treat groups alike: who is foretold badly, converts less, or is hurt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl

from persona_tui.engine.analytics.fairness_phrases import TOGETHER
from persona_tui.engine.analytics.fairness_section import section_of
from persona_tui.engine.data.attributes import UNKNOWN, Attributes, attributes_of
from persona_tui.engine.data.sequences import Sequences
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.followed import Followed, follow
from persona_tui.engine.evaluation.group_rates import FEWEST_USERS, GroupRates, rate_groups, told_groups
from persona_tui.engine.evaluation.representation import Represented, check_representation
from persona_tui.engine.params import parse_segment
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.engine.simulation.experiments import compare_arms
from persona_tui.engine.simulation.groups import MOST_VALUES
from persona_tui.engine.statistics import Interval
from persona_tui.engine.types import FloatArray, IntArray
from persona_tui.study.fit import Fit, fit_personas, read_modification
from persona_tui.study.kept_sections import keep_section
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings

_BEFORE_NAME: Final = ": "
_TOLD: Final = f"told, part {{}}{_BEFORE_NAME}"
"""Before the name of an attribute with a part of the values that are told of, the others unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupUplift:
    """What a change is predicted to do to a group.

    Parameters
    ----------
    by, name : str
        Attribute and value.
    share : float
        Of journeys.
    control, treatment : float
        Completion rate.
    uplift : float
    interval : (float, float)
        95 %, of data and assumptions together.
    harm : float
        Chance that completion falls.
    """

    by: str
    name: str
    share: float
    control: float
    treatment: float
    uplift: float
    interval: Interval
    harm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioUplifts:
    """What a scenario is predicted to do to all and to each group.

    Parameters
    ----------
    scenario : str
    total : float
    total_interval : (float, float)
    groups : tuple of GroupUplift
        By falling chance of harm.
    n_draws : int
        That this chance is counted over.
    """

    scenario: str
    total: float
    total_interval: Interval
    n_draws: int
    groups: tuple[GroupUplift, ...]

    @property
    def hurt(self) -> tuple[GroupUplift, ...]:
        """Return the groups whose completion surely falls."""
        return tuple(each for each in self.groups if each.interval[1] < 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fairness:
    """How groups of users fare.

    Parameters
    ----------
    source : str
    by : tuple of str
        Attributes, and their intersection last where there are several.
    unit : {"user", "session"}
    completion : tuple of str
    followed_seconds : float
        How long each journey was followed for its rate.
    n_too_late : int
        Journeys that began too near the end of the log for that.
    rate : float
        Of all users who were followed.
    representation : tuple of Represented
    rates : tuple of GroupRates
        By each attribute, then by the intersection.
    uplifts : tuple of ScenarioUplifts
        Empty where no change is asked about.
    n_clusters : int
    fingerprint : str
    seed : int
    """

    source: str
    by: tuple[str, ...]
    unit: str
    completion: tuple[str, ...]
    followed_seconds: float
    n_too_late: int
    rate: float
    representation: tuple[Represented, ...]
    rates: tuple[GroupRates, ...]
    uplifts: tuple[ScenarioUplifts, ...]
    n_clusters: int
    fingerprint: str
    seed: int

    @property
    def badly_represented(self) -> tuple[Represented, ...]:
        """Return the groups that personas of their own would foretell clearly better."""
        return tuple(each for each in self.representation if not each.is_represented)


def judge_fairness(
    settings: Settings, groups: Sequence[str], *, on_progress: ProgressCallback = ignore_progress
) -> Fairness:
    """Return how groups of users fare: under the personas, in conversion, and under the changes asked about.

    Parameters
    ----------
    settings : Settings
        Changes are asked about where they name scenarios, or another modification than the default.
    groups : sequence of str
        Attributes; several are also told of together.
    on_progress : callable

    Raises
    ------
    DataError
        If the log cannot be used, no attribute is named, or one has no groups.
    UnknownNameError
        If there is no such attribute.

    Notes
    -----
    Rates are of journeys that could all be followed for the same time, see ``follow``: groups that came late
    would else seem to complete less. Groups of fewer than 30 users are told of nowhere; one such group alone,
    which could be worked out from the others, is told of together with the next larger. An attribute is the
    user's first value before completion, see ``attributes_of``; users without one are a group, ``unknown``.
    """
    by = tuple(dict.fromkeys(groups))
    if not by:
        raise DataError("No attribute is named.", hint="For example: --group device,age_band")
    prepared = prepare_log(settings, on_progress=on_progress)
    attributes = attributes_of(prepared.log.events, prepared.sequences, completion=prepared.completion)
    known = _together(attributes, by)
    columns = {name: known[name] for name in known.columns}
    fit = fit_personas(settings, prepared, on_progress=on_progress)
    followed = follow(
        prepared.sequences, unit=settings.unit, completion=prepared.completion, drop=prepared.drop
    )
    users, journeys, converted = _outcomes(prepared.sequences, followed)
    rates = tuple(_rates(name, values.gather(users), journeys, converted) for name, values in columns.items())
    found = check_representation(
        prepared.counts,
        [each for name, values in columns.items() for each in _members(name, values)],
        fit.segmentation.n_clusters,
        random_state=normalise_seed(settings.seed),
        on_progress=on_progress,
    )
    judged = Fairness(
        source=settings.source_shown(),
        by=tuple(columns),
        unit=settings.unit,
        completion=tuple(sorted(prepared.completion)),
        followed_seconds=followed.horizon / 1e6,
        n_too_late=followed.n_too_late,
        rate=float(converted.sum() / journeys.sum()),
        representation=found,
        rates=rates,
        uplifts=_uplifts(settings, fit, attributes, known, on_progress),
        n_clusters=fit.segmentation.n_clusters,
        fingerprint=prepared.facts.fingerprint,
        seed=settings.seed,
    )
    keep_section(settings, prepared, "fairness", section_of(judged.representation, judged.rates))
    return judged


def _outcomes(sequences: Sequences, followed: Followed) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the users who were followed, by their place in the log, and the journeys of each."""
    ids = pl.Series(followed.sequences.user_ids)
    places = pl.Series(sequences.user_ids).search_sorted(ids).to_numpy().astype(np.int64)
    owners, n = followed.journeys.users, followed.sequences.n_users
    journeys: FloatArray = np.bincount(owners, minlength=n).astype(float)
    converted: FloatArray = np.bincount(owners, weights=followed.converted, minlength=n).astype(float)
    return places, journeys, converted


def _together(attributes: Attributes, by: Sequence[str]) -> pl.DataFrame:
    """Return some attributes and their intersection; that of an unknown value is unknown."""
    for name in by:
        attributes.values_of(name)  # refuses one that is unknown or has no groups
    table = attributes.table.select(by)
    if len(by) > 1:
        whole = pl.concat_str([pl.col(name) for name in by], separator=TOGETHER)
        any_unknown = pl.any_horizontal([pl.col(name) == UNKNOWN for name in by])
        table = table.with_columns(
            pl.when(any_unknown).then(pl.lit(UNKNOWN)).otherwise(whole).alias(TOGETHER.join(by))
        )
    return table.with_columns(_none_alone(table[name]) for name in table.columns)


def _none_alone(values: pl.Series) -> pl.Series:
    """Return an attribute whose one value of too few users, if it is one alone, is joined to the next larger.

    What is told of all and of the other groups would tell of it too.
    """
    counted = values.value_counts(name="n").sort("n", values.name)
    small = counted.filter(pl.col("n") < FEWEST_USERS)
    if len(small) != 1 or len(counted) < 3:
        return values
    pair = counted[values.name].head(2).to_list()
    joined = " or ".join(sorted(pair))
    return pl.select(pl.when(values.is_in(pair)).then(pl.lit(joined)).otherwise(values).alias(values.name))[
        values.name
    ]


def _codes(values: pl.Series) -> tuple[list[str], Any]:
    names = values.unique().sort().to_list()
    return names, values.replace_strict(names, range(len(names)), return_dtype=pl.Int64).to_numpy()


def _rates(name: str, values: pl.Series, journeys: Any, converted: Any) -> GroupRates:  # noqa: ANN401 - arrays
    names, members = _codes(values)
    return rate_groups(name, names, members, journeys, converted)


def _members(by: str, values: pl.Series) -> list[tuple[str, Any]]:
    """Return the groups that are told of, by a name that says of which attribute they are."""
    names, members = _codes(values)
    told = told_groups(np.bincount(members, minlength=len(names)))
    return [(f"{by}={names[group]}", members == group) for group in told.tolist()]


def _uplifts(
    settings: Settings,
    fit: Fit,
    attributes: Attributes,
    known: pl.DataFrame,
    on_progress: ProgressCallback,
) -> tuple[ScenarioUplifts, ...]:
    """Return what each change asked about does to groups, which may be limited to values of an attribute."""
    if not settings.scenarios and "modification" in settings.left_at_default():
        return ()
    told = {
        each.name: each
        for name in known.columns
        for part, values in enumerate(_parts(known[name]))
        for each in [values.alias(_TOLD.format(part) + name)]
    }
    simulator = replace(
        fit.baseline.simulator,
        attributes=replace(attributes, table=attributes.table.with_columns(told.values())),
    )
    baseline = replace(
        fit.baseline, simulator=simulator, draws=replace(fit.baseline.draws, simulator=simulator)
    )
    found = []
    asked = settings.effective_scenarios()
    for number, scenario in enumerate(asked):
        on_progress(Progress(stage="scenarios", done=number, total=len(asked)))
        experiment = compare_arms(
            baseline,
            read_modification(settings, scenario, fit.segmentation.names),
            seed=normalise_seed(settings.seed),
            solver="exact",
            by=tuple(told),
        )
        groups = sorted(
            (_group(each) for each in experiment.groups), key=lambda each: (-each.harm, each.uplift)
        )
        total = experiment.total.uplifts["completion_rate"]
        found.append(
            ScenarioUplifts(
                scenario=scenario.name,
                total=total.value,
                total_interval=total.total,
                n_draws=experiment.n_draws,
                groups=tuple(groups),
            )
        )
    return tuple(found)


def _parts(values: pl.Series) -> list[pl.Series]:
    """Return an attribute as several, each with some of the values that are told of, the others unknown."""
    names, members = _codes(values)
    told = [names[group] for group in told_groups(np.bincount(members, minlength=len(names))).tolist()]
    size = MOST_VALUES - 1
    return [
        pl.select(
            pl.when(values.is_in(told[first : first + size])).then(values).otherwise(pl.lit(UNKNOWN))
        ).to_series()
        for first in range(0, len(told), size)
    ]


def _group(part: Comparison) -> GroupUplift:
    by, values = parse_segment(part.name)
    estimate = part.uplifts["completion_rate"]
    return GroupUplift(
        by=by.partition(_BEFORE_NAME)[2],
        name=", ".join(values),
        share=part.share,
        control=part.arms["control"]["completion_rate"],
        treatment=part.arms["treatment"]["completion_rate"],
        uplift=estimate.value,
        interval=estimate.total,
        harm=part.harm,
    )
