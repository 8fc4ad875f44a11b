"""Results as tidy tables for files; the name of a column, or the column ``unit``, tells its unit."""

from __future__ import annotations

import polars as pl

from persona_tui.engine.analytics.cards import PersonaCard
from persona_tui.engine.analytics.reporting import Report, ScenarioReport
from persona_tui.engine.analytics.wording import metric_unit
from persona_tui.engine.simulation.experiments import results_to_dataframe
from persona_tui.engine.simulation.simulated import ARMS
from persona_tui.engine.text import inert_cell, well_formed


def persona_table(personas: tuple[PersonaCard, ...]) -> pl.DataFrame:
    """Return one row a persona; shares and conversions are shares of journeys.

    ``excluded`` says whom predictions leave out, where there is any.
    """
    excluded = [card.excluded for card in personas]
    return pl.DataFrame(
        {
            "persona_id": [card.id for card in personas],
            "persona": [well_formed(card.name) for card in personas],
            "users": [card.users for card in personas],
            "share": [card.share for card in personas],
            "conversion_share": [card.conversion for card in personas],
            "conversion_share_low": [card.conversion_interval[0] for card in personas],
            "conversion_share_high": [card.conversion_interval[1] for card in personas],
            "signature_events": [well_formed(" | ".join(card.signature_events)) for card in personas],
            **({"excluded": excluded} if any(excluded) else {}),
        }
    )


def scenario_table(scenarios: tuple[ScenarioReport, ...]) -> pl.DataFrame:
    """Return every number of every scenario, one row a scenario, group of users and metric."""
    tables = []
    for each in scenarios:
        found = results_to_dataframe(each.experiment)
        units = [metric_unit(name) for name in found["metric"]]
        found.insert_column(found.get_column_index("metric") + 1, pl.Series("unit", units))
        tables.append(found.select(pl.lit(well_formed(each.name)).alias("scenario"), pl.all()))
    return pl.concat(tables)


def funnel_table(scenarios: tuple[ScenarioReport, ...]) -> pl.DataFrame:
    """Return one row a scenario and step; the shares of journeys that reach it, in any order and in order.

    The uplift, with its 95 % interval, is that of reaching it in any order.
    """
    rows = [(each.name, arms) for each in scenarios for arms in each.funnel_arms]
    ends = [arms.uplift_interval or (None, None) for _, arms in rows]
    return pl.DataFrame(
        {
            "scenario": [well_formed(name) for name, _ in rows],
            "step": [well_formed(arms.step) for _, arms in rows],
            "control_share": [arms.control for _, arms in rows],
            "treatment_share": [arms.treatment for _, arms in rows],
            "uplift_share": [arms.treatment - arms.control for _, arms in rows],
            "uplift_share_low": [low for low, _ in ends],
            "uplift_share_high": [high for _, high in ends],
            "control_in_order_share": [arms.control_in_order for _, arms in rows],
            "treatment_in_order_share": [arms.treatment_in_order for _, arms in rows],
        }
    )


def ranking_table(report: Report) -> pl.DataFrame:
    """Return one row a scenario, the best first; shares of journeys that complete, chances among draws."""
    totals = {each.name: each.experiment.total for each in report.scenarios}
    uplifts = [totals[each.name].uplifts["completion_rate"] for each in report.ranking]
    arms = [totals[each.name].arms for each in report.ranking]
    return pl.DataFrame(
        {
            "scenario": [well_formed(each.name) for each in report.ranking],
            **{f"{arm}_share": [rates[arm]["completion_rate"] for rates in arms] for arm in ARMS},
            "uplift_share": [each.value for each in uplifts],
            "uplift_share_low": [each.total[0] for each in uplifts],
            "uplift_share_high": [each.total[1] for each in uplifts],
            "chance_that_completion_falls": [totals[each.name].harm for each in report.ranking],
            "chance_of_being_best": [each.best for each in report.ranking],
        }
    )


def report_tables(report: Report) -> dict[str, pl.DataFrame]:
    """Return every table of a report by the name of its file or sheet."""
    return {
        "persona_summary": persona_table(report.personas),
        "experiment_results": scenario_table(report.scenarios),
        "funnel": funnel_table(report.scenarios),
        "scenarios": ranking_table(report),
    }


def to_csv(frame: pl.DataFrame) -> str:
    """Return a table as CSV text whose cells no spreadsheet runs; floats carry 10 significant digits."""
    cells = [
        pl.col(name).map_elements(inert_cell, return_dtype=pl.String)
        if dtype == pl.String
        else pl.col(name).round_sig_figs(10)
        for name, dtype in frame.schema.items()
        if dtype == pl.String or dtype.is_float()
    ]
    return frame.with_columns(cells).write_csv()
