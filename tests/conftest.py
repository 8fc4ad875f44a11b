import os
import tempfile

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # small products on many threads fight for the cores
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else each process that a test begins compiles all it loads
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="persona-tui-tests-")  # nothing is kept between runs
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import settings
from hypothesis import strategies as st

settings.register_profile(
    "suite", deadline=None, max_examples=int(os.environ.get("PERSONA_TUI_EXAMPLES", "40"))
)
settings.load_profile("suite")

REAL_DATA = Path(os.environ.get("PERSONA_TUI_REAL_DATA", Path(__file__).parents[2] / "shared" / "data"))
LOG_START = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(scope="session")
def real_log():
    """Return the path of a real event log by name; skip where the logs are not kept."""

    def path(name):
        found = REAL_DATA / f"{name}.csv.gz"
        if not found.exists():
            pytest.skip(f"no {found}")
        return found

    return path


@pytest.fixture(scope="session")
def small_logs():
    """Return a strategy of logs with ties, sessions that overlap, and session ids that users share."""
    row = st.tuples(
        st.sampled_from(["ann", "bob", "cy"]),
        st.sampled_from(["1", "2"]),
        st.integers(0, 5),
        st.sampled_from(["a", "b", "c", "d"]),
    )
    return st.lists(row, min_size=1, max_size=24).map(make_log)


def make_log(rows, step=timedelta(minutes=1)):
    users, sessions, times, events = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            "user_id": pl.Series(users),
            "session_id": pl.Series(sessions),
            "timestamp": pl.Series(
                [LOG_START + each * step for each in times], dtype=pl.Datetime("us", "UTC")
            ),
            "event_type": pl.Series(events, dtype=pl.Enum(sorted(set(events)))),
        }
    )


@pytest.fixture(scope="session", name="make_log")
def make_log_fixture():
    """Return a maker of logs from rows of user, session, minutes and event."""
    return make_log
