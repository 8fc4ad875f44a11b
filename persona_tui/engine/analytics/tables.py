"""Results as tidy tables for files."""

from __future__ import annotations

import polars as pl

from persona_tui.engine.analytics.cards import PersonaCard
from persona_tui.engine.analytics.reporting import ScenarioReport
from persona_tui.engine.simulation.experiments import results_to_dataframe
from persona_tui.engine.text import inert_cell


def persona_table(personas: tuple[PersonaCard, ...]) -> pl.DataFrame:
    """Return one row a persona; shares and conversions are shares of journeys.

    ``excluded`` says whom predictions leave out, where there is any.
    """
    excluded = [card.excluded for card in personas]
    return pl.DataFrame(
        {
            "persona_id": [card.id for card in personas],
            "persona": [card.name for card in personas],
            "users": [card.users for card in personas],
            "share": [card.share for card in personas],
            "conversion": [card.conversion for card in personas],
            "conversion_low": [card.conversion_interval[0] for card in personas],
            "conversion_high": [card.conversion_interval[1] for card in personas],
            "signature_events": [" | ".join(card.signature_events) for card in personas],
            **({"excluded": excluded} if any(excluded) else {}),
        }
    )


def scenario_table(scenarios: tuple[ScenarioReport, ...]) -> pl.DataFrame:
    """Return every number of every scenario, one row a scenario, group of users and metric."""
    return pl.concat(
        results_to_dataframe(each.experiment).select(pl.lit(each.name).alias("scenario"), pl.all())
        for each in scenarios
    )


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
