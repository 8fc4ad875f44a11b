"""Checks of rows as they are read, a batch at a time, in the order of the source."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from persona_tui.engine.data.quality import MAX_EXAMPLES, Finding, place, share_of, shortened
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.types import BoolArray, IntArray

EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
"""Before it nobody logged clicks: a clock was wrong, or a unit."""
_VARYING: Final = frozenset({LINE, "timestamp", "metadata"})
_GLANCE: Final = 1_000


class RowChecks:
    """Watch the rows of a log as they are read; how they are cut into batches makes no difference.

    Parameters
    ----------
    now : datetime
        What counts as the present; later times are in the future.

    Notes
    -----
    Keeps the last time, a few counts and examples, and a value a column: O(columns). A million rows
    take about 2 ms and as much again for each column that never varies.

    Examples
    --------
    >>> times = pl.Series([datetime(2026, 3, 2), datetime(2026, 3, 1)], dtype=pl.Datetime("us", "UTC"))
    >>> checks = RowChecks(now=datetime(2026, 4, 1, tzinfo=UTC))
    >>> checks.observe(pl.DataFrame({LINE: [2, 3], "timestamp": times}), "log.csv")
    >>> [(each.kind, each.count, each.examples) for each in checks.findings()]
    [('out_of_order', 1, ('log.csv line 3',))]
    """

    def __init__(self, *, now: datetime) -> None:
        self._now = _microseconds(now)
        self._n_rows = 0
        self._last: int | None = None
        self._counts = dict.fromkeys(_SENTENCES, 0)
        self._examples: dict[str, list[str]] = {kind: [] for kind in _SENTENCES}
        self._n_columns = 0
        self._constant: dict[str, object] = {}

    def observe(self, rows: pl.DataFrame, file: str) -> None:
        """Take some rows into account, the next of the source.

        Parameters
        ----------
        rows : DataFrame
            ``LINE``, ``timestamp`` (UTC microseconds, none missing), and any others.
        file : str
            That they are of.
        """
        if rows.is_empty():
            return
        times: IntArray = rows["timestamp"].to_physical().to_numpy()
        late = np.empty(len(times), dtype=np.bool_)
        late[0] = self._last is not None and times[0] < self._last
        np.less(times[1:], times[:-1], out=late[1:])
        self._add("out_of_order", late, rows, file)
        if times.max() > self._now:
            self._add("future", times > self._now, rows, file)
        if times.min() < _EARLIEST:
            self._add("before_1990", times < _EARLIEST, rows, file)
        self._compare_columns(rows)
        self._last = int(times[-1])
        self._n_rows += len(times)

    def findings(self) -> tuple[Finding, ...]:
        """Return what was found in all rows so far."""
        found = [
            Finding(
                kind=kind,
                count=count,
                share=share_of(count, self._n_rows),
                sentence=_SENTENCES[kind],
                examples=tuple(self._examples[kind]),
            )
            for kind, count in self._counts.items()
            if count
        ]
        if self._constant and self._n_rows > 1:
            found.append(
                Finding(
                    kind="constant_columns",
                    count=len(self._constant),
                    share=share_of(len(self._constant), self._n_columns),
                    sentence="columns have one value only: they tell nothing",
                    examples=tuple(
                        f"{name}: {'empty' if value is None else shortened(str(value))}"
                        for name, value in list(self._constant.items())[:MAX_EXAMPLES]
                    ),
                    counted="columns",
                )
            )
        return tuple(found)

    def _add(self, kind: str, concerned: BoolArray, rows: pl.DataFrame, file: str) -> None:
        self._counts[kind] += int(np.count_nonzero(concerned))
        wanted = MAX_EXAMPLES - len(self._examples[kind])
        if wanted and concerned.any():
            lines = rows[LINE].gather(np.flatnonzero(concerned)[:wanted])
            self._examples[kind].extend(place(file, line) for line in lines)

    def _compare_columns(self, rows: pl.DataFrame) -> None:
        if not self._n_rows:
            names = [
                name for name, dtype in rows.schema.items() if name not in _VARYING and not dtype.is_nested()
            ]
            self._n_columns = len(names)
            self._constant = {name: rows[name][0] for name in names}
        self._constant = {
            name: value for name, value in self._constant.items() if _is_constant(rows[name], value)
        }


_SENTENCES: Final = {
    "out_of_order": "rows stand after a later one: each user's events are put in time order",
    "future": "times are in the future",
    "before_1990": "times are before 1990",
}


def _is_constant(column: pl.Series, value: object) -> bool:
    """Return whether a column has one value; a glance settles it for most."""
    n_missing = column.null_count()
    if value is None or n_missing:
        return value is None and n_missing == len(column)
    differs = (pl.col(column.name) != pl.lit(value)).any()
    return not any(each.to_frame().select(differs).item() for each in (column.head(_GLANCE), column))


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)


_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST: Final = _microseconds(EARLIEST)
