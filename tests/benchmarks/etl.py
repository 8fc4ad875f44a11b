"""Loading and features of large logs beside DuckDB, retentioneering and hand-written C, in one run.

    python tests/benchmarks/etl.py --peers DIR [--peers-python PYTHON] [--retentioneering-python PYTHON]
        [--rounds 3] [--only TEXT]

DIR holds the peers' scripts (``gen.py``, ``etl_duckdb.py``, ``etl_retentioneering.py``, ``etl_c.py``), and
gets ``data/`` with generated logs where they are missing: 1.4 GB. All do the same work: read user, time and
event, cut sessions at 30 minutes, features of sessions and of users, transition counts within sessions, a
funnel of three steps within sessions. Every round runs each once, in turn, in a process of its own; clocks
start after the imports. Medians and the ratio of medians are told. All must count the same transitions and
the same funnel.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

GIGABYTE = 10**9
STEPS = ("product_view", "add_to_cart", "order_complete")
SHUFFLE = (
    "import polars as pl, sys; pl.read_parquet(sys.argv[1]).sample(fraction=1, shuffle=True, seed=1)"
    ".write_parquet(sys.argv[2], row_group_size=1 << 19)"
)
KEPT, COLD = "kept log", "from the source, kept"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table.

    ``ours`` and ``peer`` are arguments: those of this script's work, and a script of the peers with its own.
    """

    name: str
    ours: tuple[str, ...]
    peer: tuple[str, ...]
    target: float

    def peer_name(self) -> str:
        """Return who is beside us, with its memory where that is limited."""
        name = self.peer[0].removeprefix("etl_").removesuffix(".py")
        return f"{name}, {self.peer[-1]}" if self.peer[-1].endswith("GB") else name


def rows_of(data: Path) -> list[Row]:
    """Return the lines of the table."""
    ordered, shuffled, text = (
        str(data / name) for name in ("ev10m.parquet", "ev10m_shuffled.parquet", "ev10m.csv")
    )
    small, large, budget = (
        str(data / "ev1m.parquet"),
        str(data / "ev50m.parquet"),
        ("--memory", str(GIGABYTE)),
    )
    duckdb = "etl_duckdb.py"
    return [
        Row(
            name="10 M, Parquet, time-ordered", ours=(ordered,), peer=(duckdb, ordered, "window"), target=0.35
        ),
        Row(name="10 M, Parquet, shuffled", ours=(shuffled,), peer=(duckdb, shuffled, "window"), target=0.5),
        Row(name="10 M, CSV", ours=(text,), peer=(duckdb, text, "window"), target=0.7),
        Row(
            name="10 M, Parquet, time-ordered",
            ours=(ordered,),
            peer=("etl_retentioneering.py", ordered),
            target=0.06,
        ),
        Row(name="10 M, Parquet, time-ordered", ours=(ordered,), peer=("etl_c.py", ordered, "2"), target=2.0),
        Row(name="1 M, Parquet", ours=(small,), peer=(duckdb, small, "window"), target=0.35),
        Row(
            name="50 M, Parquet, in 1 GB",
            ours=(large, *budget),
            peer=(duckdb, large, "window", "1GB"),
            target=0.45,
        ),
        Row(
            name="50 M, Parquet, in 1 GB", ours=(large, *budget), peer=(duckdb, large, "window"), target=0.45
        ),
        Row(name="10 M, kept log: transitions", ours=(ordered, "--kept"), peer=(COLD, ordered), target=0.12),
    ]


def work(file: str, memory: int | None, keep: Path | None, kept: Path | None) -> dict[str, Any]:
    """Do the work once, and return how long it took, what it took, and what it found."""
    import numpy as np

    from persona_tui.engine.data.etl import load_event_log
    from persona_tui.engine.data.flat_features import features_of_sessions, features_of_users
    from persona_tui.engine.data.funnel import count_funnel
    from persona_tui.engine.data.pipelines import in_order
    from persona_tui.engine.data.stored_log import open_log, save_log
    from persona_tui.engine.data.transitions import count_moves

    Path("/proc/self/clear_refs").write_text("5")  # the peak from here on
    begun = time.perf_counter()
    log = open_log(kept) if kept else load_event_log(file, attributes=(), memory=memory)
    assert log is not None
    found: dict[str, Any] = {"sessions": 0, "users": 0, "bounces": 0, "funnel": np.zeros(3, int)}
    moves = np.zeros((len(log.vocabulary), len(log.vocabulary)), np.int64)

    def summarise(number: int) -> tuple[Any, ...]:
        part = log.parts[number].sequences
        if kept:
            return (count_moves(part),)
        sessions = features_of_sessions(part)
        users = features_of_users(part, sessions)
        return count_moves(part), sessions, users, count_funnel(part, STEPS, unit="session")

    for counted, *features in in_order(summarise, range(len(log.parts)), 2):
        moves += counted
        if features:
            sessions, users, funnel = features
            found["sessions"] += sessions.height
            found["users"] += users.height
            found["bounces"] += int(sessions["is_bounce"].sum())
            found["funnel"] += [step.reached_in_order for step in funnel]
    seconds = time.perf_counter() - begun
    status = Path("/proc/self/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    if keep:
        save_log(log, keep)
    names = _peers_numbers(log.vocabulary)
    hashed = int((moves * (names[:, None] * 31 + names[None, :])).sum())
    return {
        "wall": seconds,
        "peak_mb": peak / 1024,
        **found,
        "funnel": list(map(int, found["funnel"])),
        "hash": hashed,
    }


def _peers_numbers(vocabulary: tuple[str, ...]) -> Any:
    """Return the place of each event type in the peers' list."""
    import numpy as np

    sys.path.insert(0, os.environ["PEERS"])
    from names import EVENTS  # type: ignore[import-not-found]

    return np.array([EVENTS.index(name) for name in vocabulary])


def run(command: list[str], peers: Path) -> dict[str, Any]:
    done = subprocess.run(
        command,
        cwd=peers,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PEERS": str(peers)},
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr.strip()[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


def make_data(python: str, peers: Path) -> Path:
    """Generate the logs that are missing."""
    data = peers / "data"
    for name, arguments in (
        ("ev1m.parquet", ("1e6",)),
        ("ev10m.csv", ("1e7", "--csv")),
        ("ev50m.parquet", ("5e7",)),
    ):
        if not (data / name).exists():
            subprocess.run([python, "gen.py", "--out", "data", "--events", *arguments], cwd=peers, check=True)
    if not (data / "ev10m_shuffled.parquet").exists():
        files = [str(data / "ev10m.parquet"), str(data / "ev10m_shuffled.parquet")]
        subprocess.run([python, "-c", SHUFFLE, *files], check=True)
    return data


def compare(row: Row, chosen: argparse.Namespace, peers: Path, kept: Path) -> dict[str, list[dict[str, Any]]]:
    """Run a line of the table, both sides in turn."""
    found: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
    me = [sys.executable, str(Path(__file__).resolve()), "--work"]
    script, *arguments = row.peer
    python = chosen.peers_python
    if "retentioneering" in script:
        python = chosen.retentioneering_python
    beside = [*me, *arguments, "--keep", str(kept)] if script == COLD else [python, script, *arguments]
    ours = [*me, *(str(kept) if each == "--kept" else each for each in row.ours)]
    if script == COLD:
        ours = [*me, row.ours[0], "--kept", str(kept)]
    for _ in range(chosen.rounds):
        found["peer"].append(run(beside, peers))
        found["ours"].append(run(ours, peers))
    return found


def check(row: Row, found: dict[str, list[dict[str, Any]]]) -> None:
    """Stop unless both sides found the same."""
    mine, other = found["ours"][0], found["peer"][0]
    other = other.get("result", other)
    keys = ["hash"] if row.peer[0] == COLD else [key for key in ("hash", "funnel") if key in other]
    for key in keys:
        assert mine[key] == other[key], (row.name, key, mine[key], other[key])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers", type=Path, help="folder of the peers' scripts")
    parser.add_argument("--peers-python", default=sys.executable, help="interpreter that runs them")
    parser.add_argument(
        "--retentioneering-python", default="", help="one with retentioneering; left out without"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="lines whose name or peer holds this text")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--memory", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--keep", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--kept", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        print(json.dumps(work(chosen.work, chosen.memory, chosen.keep, chosen.kept)))
        return
    if not chosen.peers or not (chosen.peers / "etl_duckdb.py").exists():
        print("No etl_duckdb.py in --peers: nothing to measure beside; skipped.")
        return
    peers = chosen.peers.resolve()
    data = make_data(chosen.peers_python, peers)
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}"
    )
    print("\n| log | seconds | peak | beside | seconds | peak | ratio | to reach |")
    print("|---|---:|---:|---|---:|---:|---:|---:|")
    for row in rows_of(data):
        if chosen.only not in f"{row.name} {row.peer_name()}":
            continue
        if "retentioneering" in row.peer[0] and not chosen.retentioneering_python:
            continue
        with tempfile.TemporaryDirectory() as kept:
            found = compare(row, chosen, peers, Path(kept))
        check(row, found)
        print_row(row, found)


def print_row(row: Row, found: dict[str, list[dict[str, Any]]]) -> None:
    (mine, mine_mb), (other, other_mb) = (
        (median(each["wall"] for each in runs), max(each["peak_mb"] for each in runs))
        for runs in found.values()
    )
    print(
        f"| {row.name} | {mine:.2f} | {mine_mb:,.0f} MB "
        f"| {row.peer_name()} | {other:.2f} | {other_mb:,.0f} MB "
        f"| {mine / other:.3f} | {row.target:g} |",
        flush=True,
    )


if __name__ == "__main__":
    main()
