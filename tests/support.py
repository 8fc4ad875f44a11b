"""Random chains, logs and flows that several tests draw from."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
from hypothesis import strategies as st

from persona_tui.engine.data.schema import RETURN
from persona_tui.engine.simulation.dwell import PROBABILITIES, DwellTimes
from persona_tui.engine.simulation.flow import N_ENDS, Flow, StateKind

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)


HOSTILE_NAMES = (
    "",
    "[/red]",
    "[bold]x[/bold]",
    "\x1b[31mred\x1b[0m",
    "\x1b[2J",
    "日本語のイベント",
    "🎉 party",
    "👩\u200d👩\u200d👧 family",
    "🇩🇪",
    "a\u202eb",
    "a\u200bb\ufeff",
    "e\u0301" * 9,
    "line\nbreak\ttab\u2028",
    "x" * 300,
)
"""Markup, control and escape codes, wide, joined, combining, bidi and zero-width characters, and length."""


SAMPLE = Path(__file__).parents[1] / "data" / "sample_events.csv"


def write_part_of_sample(path: Path, begin: str, ends: tuple[str, ...] = ("",)) -> Path:
    """Write the users of the sample whose ids, in order of time, begin and end so; return the path."""
    header, *rows = SAMPLE.read_text().splitlines()
    kept = (row for row in rows if row.startswith(begin) and row.partition(",")[0].endswith(ends))
    path.write_text("\n".join([header, *kept]) + "\n")
    return path


def make_log(journeys: dict[str, list[list[str]]], *, gap_days: float = 1.0) -> pl.DataFrame:
    """Return a log in which each user has some sessions, a minute between events, days between sessions."""
    rows = []
    for user, sessions in journeys.items():
        for number, session in enumerate(sessions):
            start = BEGIN + timedelta(days=gap_days * number)
            rows += [
                (user, f"{user}-{number}", start + timedelta(minutes=minute), event)
                for minute, event in enumerate(session)
            ]
    columns = ["user_id", "session_id", "timestamp", "event_type"]
    return pl.DataFrame(rows, schema=columns, orient="row").with_columns(
        pl.col("timestamp").cast(pl.Datetime("us", "UTC"))
    )


@st.composite
def logs(draw: st.DrawFn, events: str = "abcxd") -> pl.DataFrame:
    """Draw a small log; ``x`` may serve as completion and ``d`` as drop event."""
    session = st.lists(st.sampled_from(list(events)), min_size=1, max_size=6)
    users = draw(st.lists(st.lists(session, min_size=1, max_size=3), min_size=1, max_size=8))
    return make_log({f"u{number}": sessions for number, sessions in enumerate(users)})


def random_flow(seed: int, *, unit: str = "user", n_personas: int = 2, n_events: int = 5) -> Flow:
    """Return a flow with one completion, one drop event and, under ``user``, returns."""
    generator = np.random.default_rng(seed)
    states = (*(f"e{number}" for number in range(n_events - 2)), "done", "drop")
    kinds = [StateKind.EVENT] * (n_events - 2) + [StateKind.COMPLETION, StateKind.DROP]
    if unit == "user":
        states, kinds = (*states, RETURN), [*kinds, StateKind.RETURN]
    n = len(states)
    moves = generator.gamma(0.7, size=(n_personas, n, n + N_ENDS)) + 1e-3
    moves[..., -1] = 0.0
    moves[:, :, -2] += 0.3
    starts = generator.gamma(0.7, size=(n_personas, n)) + 1e-3
    drop, done = n_events - 1, n_events - 2
    if unit == "user":
        moves[:, drop, :n_events] = 0.0
        moves[:, -1, [done, -3, -2, -1]] = 0.0
        moves[:, -1, n - 1] = 0.0
        starts[:, -1] = 0.0
    moves /= moves.sum(axis=-1, keepdims=True)
    moves[:, [done] if unit == "user" else [done, drop]] = 0.0
    return Flow(
        states=states,
        kinds=np.array(kinds),
        unit=unit,  # type: ignore[arg-type]
        starts=starts / starts.sum(axis=-1, keepdims=True),
        transitions=moves,
        support=moves * 1000,
        friction_is_drop=True,
    )


def line_flow(*stay: float, unit: str = "session") -> Flow:
    """Return the funnel ``s0 → s1 → … → done`` that goes on from each step with the given chance."""
    n = len(stay) + 1
    moves = np.zeros((1, n, n + N_ENDS))
    for position, chance in enumerate(stay):
        moves[0, position, position + 1] = chance
        moves[0, position, n] = 1 - chance
    starts = np.zeros((1, n))
    starts[0, 0] = 1.0
    return Flow(
        states=(*(f"s{number}" for number in range(n - 1)), "done"),
        kinds=np.array([StateKind.EVENT] * (n - 1) + [StateKind.COMPLETION]),
        unit=unit,  # type: ignore[arg-type]
        starts=starts,
        transitions=moves,
        support=moves * 100,
        friction_is_drop=False,
    )


flows = st.builds(random_flow, st.integers(0, 10_000), unit=st.sampled_from(["user", "session"]))


def golden(name: str, text: str) -> None:
    """Compare text with the one that is kept; set UPDATE_GOLDEN to keep this one instead."""
    path = Path(__file__).parent / "golden" / name
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def random_dwell(seed: int, flow: Flow) -> DwellTimes:
    """Return a distribution of times for every move: log-normal ones, some with ties and some all zero."""
    generator = np.random.default_rng(seed)
    n, n_rows = flow.n_states, 8
    spread = generator.normal(size=(n_rows, len(PROBABILITIES))) * generator.uniform(0, 2, (n_rows, 1))
    quantiles = np.sort(np.exp(spread) * generator.uniform(1, 1_000, (n_rows, 1)), axis=1)
    quantiles[-1] = np.round(quantiles[-1] / quantiles[-1].mean()) * 60
    quantiles[:, :5] = np.where(generator.random((n_rows, 1)) < 0.5, 0.0, quantiles[:, :5])
    quantiles[0] = 0.0
    rows = generator.integers(1, n_rows, (n, n)).astype(np.int32)
    rows[flow.kinds == StateKind.RETURN] = 0
    observed = np.full((n, n), 100, dtype=np.int64)
    return DwellTimes(states=flow.states, rows=rows, quantiles=quantiles, observed=observed)
