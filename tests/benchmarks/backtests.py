"""How far forecasts of event logs can be trusted: verdicts, the numbers behind them, and the time it takes.

    python tests/benchmarks/backtests.py LOG [LOG ...] [--output FILE]

Nothing that is kept is taken: every fit is done, and timed, anew.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from time import perf_counter

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from persona_tui.study.backtest import CheckedLog, check_forecasts
from persona_tui.study.options import Settings


def measure(log: Path) -> tuple[CheckedLog, float]:
    """Return the backtest of a log, and the seconds from the file to the verdict."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PERSONA_TUI_CACHE_DIR"] = folder
        began = perf_counter()
        found = check_forecasts(Settings(events=str(log)))
        return found, perf_counter() - began


def section(log: Path) -> str:
    """Return what is told of a log."""
    checked, seconds = measure(log)
    found = checked.found
    lines = [
        f"## {log.name.partition('.')[0]}: {found.verdict.level.word}",
        "",
        f"{found.n_users:,} users, followed for {found.followed_seconds / 3600:.1f} hours each, "
        f"{found.n_clusters} personas; {seconds:.0f} s.",
        "",
        "| held out | simulated | two halves of the real ones | 95 % of halves |",
        "|---|---:|---:|---:|",
    ]
    for each in found.likeness:
        low, high = (f"{100 * end:.1f}" for end in each.floor_interval)
        lines.append(
            f"| {each.name} | {100 * each.distance:.1f} | {100 * each.floor:.1f} | {low} to {high} |"
        )
    lines += ["", "| check | verdict | what was found |", "|---|---|---|"]
    lines += [f"| {each.about} | {each.level.word} | {each.sentence} |" for each in found.verdict.judgements]
    lines += ["", *(f"{cause}" for cause in found.verdict.causes), ""]
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path, nargs="+")
    parser.add_argument("--output", type=Path)
    chosen = parser.parse_args()
    text = (
        "# Forecasts held against what they had not seen\n\n"
        "`python tests/benchmarks/backtests.py LOG …` on two cores. Distances are points: the largest "
        "difference of distribution functions, and for runs the total variation.\n\n"
        + "\n".join(map(section, chosen.logs))
    )
    print(text)
    if chosen.output:
        chosen.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
