"""Whether personas and changes treat groups alike: who is foretold badly, converts less, or is hurt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl

from persona_tui.engine.analytics.fairness_phrases import fairness_sentences, left_out_sentence
from persona_tui.engine.analytics.numbers import (
    count,
    interval_text,
    percent,
    percent_interval,
    points_number,
)
from persona_tui.engine.analytics.sections import Section
from persona_tui.engine.data.attributes import UNKNOWN, Attributes, attributes_of
from persona_tui.engine.errors import DataError
from persona_tui.engine.evaluation.group_rates import FEWEST_USERS, GroupRates, rate_groups, told_groups
from persona_tui.engine.evaluation.representation import Represented, check_representation
from persona_tui.engine.params import parse_segment
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.rng import normalise_seed
from persona_tui.engine.simulation.comparison import Comparison
from persona_tui.engine.simulation.experiments import compare_arms
from persona_tui.engine.simulation.groups import MOST_VALUES
from persona_tui.engine.statistics import Interval
from persona_tui.study.fit import Fit, fit_personas, read_modification
from persona_tui.study.kept_sections import keep_section
from persona_tui.study.log import prepare_log
from persona_tui.study.options import Settings

SCHEMA: Final = "persona-tui/fairness/1"
_TOLD: Final = "group by "
"""Before the name of an attribute whose values are those told of, not those of the log."""
TOGETHER: Final = " × "
"""Between the attributes, and the values, of an intersection."""


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
    rate : float
        Of all users.
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
    Groups of fewer than 30 users are told of nowhere; one such group alone, which could be worked out from
    the others, is told of together with the next larger. An attribute is the user's first value before
    completion, see ``attributes_of``; users without one are a group, ``unknown``.
    """
    by = tuple(dict.fromkeys(groups))
    if not by:
        raise DataError("No attribute is named.", hint="For example: --group device,age_band")
    prepared = prepare_log(settings, on_progress=on_progress)
    attributes = attributes_of(prepared.log.events, prepared.sequences, completion=prepared.completion)
    known = _together(attributes, by)
    columns = {name: known[name] for name in known.columns}
    fit = fit_personas(settings, prepared, on_progress=on_progress)
    counts = prepared.counts
    rows = counts.row_of_user
    rates = tuple(
        _rates(name, values, counts.n_journeys[rows], counts.n_converted[rows])
        for name, values in columns.items()
    )
    found = check_representation(
        counts,
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
        rate=float(counts.n_converted[rows].sum() / counts.n_journeys[rows].sum()),
        representation=found,
        rates=rates,
        uplifts=_uplifts(settings, fit, attributes, known, on_progress),
        n_clusters=fit.segmentation.n_clusters,
        fingerprint=prepared.facts.fingerprint,
        seed=settings.seed,
    )
    keep_section(settings, prepared, "fairness", section_of(judged))
    return judged


def section_of(found: Fairness) -> Section:
    """Return what reports say of groups; what changes do to them stands there already.

    Parameters
    ----------
    found : Fairness
    """
    told = fairness_sentences(found.representation, found.rates, ())
    left_out = (left_out_sentence(each) for each in found.rates if each.n_left_out)
    return Section(
        title="Groups of users",
        sentences=(*told, *left_out),
        heads=("group", "users", "completes", "95 % interval", "to the others", "95 % interval", "drawn"),
        rows=tuple(
            (
                f"{rates.by}={each.name}",
                count(each.n_users),
                percent(each.rate),
                percent_interval(*each.interval),
                points_number(each.difference),
                interval_text(*each.difference_interval),
                percent(each.drawn),
            )
            for rates in found.rates
            for each in rates.groups
        ),
    )


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
    told = {_TOLD + name: _largest(known[name]).alias(_TOLD + name) for name in known.columns}
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


def _largest(values: pl.Series) -> pl.Series:
    """Return an attribute whose rarer values, more than a report has room for, are unknown."""
    counted = values.value_counts(name="n").sort("n", values.name, descending=[True, False])
    kept = counted[values.name].head(MOST_VALUES - 1).to_list()
    return pl.select(pl.when(values.is_in(kept)).then(values).otherwise(pl.lit(UNKNOWN)).alias(values.name))[
        values.name
    ]


def _group(part: Comparison) -> GroupUplift:
    by, values = parse_segment(part.name)
    estimate = part.uplifts["completion_rate"]
    return GroupUplift(
        by=by.removeprefix(_TOLD),
        name=", ".join(values),
        share=part.share,
        control=part.arms["control"]["completion_rate"],
        treatment=part.arms["treatment"]["completion_rate"],
        uplift=estimate.value,
        interval=estimate.total,
        harm=part.harm,
    )


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
