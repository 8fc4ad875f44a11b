"""The app beside an equal small Textual app: first paint; its event loop while it loads and fits; at rest.

    python tests/benchmarks/app.py [--rounds 9] [--events 1000000] [--minutes 0]

First paint is the time from the start of the process to the first whole frame on a real pseudo-terminal, both
sides in turn. The lag of the event loop is how late a task wakes that sleeps 5 ms, while a generated log of a
million events is loaded, its personas are found with their ladder, a number of a change is typed with its
effect worked out at each key, and a run of ten million users on both arms is watched; how long each key waits
for its answer, and how often a second the screen tells something new of the run, are told too. Processor time
at rest is over 5 s. With ``--minutes`` a run of the sample that does not end is watched for so long, and the
memory of the app is told every half minute.
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import platform
import pty
import select
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from persona_tui.tui.app import PersonaApp

ROOT = Path(__file__).parents[2]
KEYSTROKES = 40
LIVE = 10_000_000
NAMES = ("load", "fit", "flow", "typing", "answers", "live", "rate")
LAST = b"Help"
"""What both draw last, in their footers."""
PEER = """
import typer
app = typer.Typer()
for number in range(14):
    app.command(name=f"verb{number}", help="A verb.")(lambda: None)


@app.command(name="open")
def run() -> None:
    from textual.app import App
    from textual.widgets import Footer, Static, TabbedContent, TabPane

    class Small(App):
        BINDINGS = [("q", "quit", "Quit"), ("z", "undo", "Undo"), ("question_mark", "help", "Help")]

        def compose(self):
            yield Static("small")
            with TabbedContent():
                for name in ("one", "two", "three"):
                    with TabPane(name):
                        yield Static(name)
            yield Footer()

    Small().run()


app(["open"])
"""


def begin(command: list[str], home: str) -> tuple[subprocess.Popen[bytes], int]:
    """Start a command on a pseudo-terminal of 80 by 24."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    told = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": home, "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    process = subprocess.Popen(
        command, stdin=side, stdout=side, stderr=side, start_new_session=True, env=told
    )
    os.close(side)
    return process, main


def first_paint(command: list[str], home: str) -> float:
    """Return the seconds until the footer is drawn."""
    begun = time.perf_counter()
    process, main = begin(command, home)
    shown = b""
    while LAST not in shown and time.perf_counter() - begun < 20:
        if select.select([main], [], [], 0.5)[0]:
            shown += os.read(main, 65536)
    seconds = time.perf_counter() - begun
    process.kill()
    process.wait()
    os.close(main)
    return seconds


def at_rest(command: list[str], home: str) -> float:
    """Return the processor time of 5 s in which nothing happens."""
    import psutil

    process, main = begin(command, home)
    end = time.monotonic() + 4
    while time.monotonic() < end:
        if select.select([main], [], [], 0.2)[0]:
            os.read(main, 65536)
    watched = psutil.Process(process.pid)
    before = sum(watched.cpu_times()[:2])
    time.sleep(5)
    used = sum(watched.cpu_times()[:2]) - before
    process.kill()
    process.wait()
    os.close(main)
    return used


def make_log(path: Path, n_events: int) -> None:
    """Write a log of many events, its users walking at random."""
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(0)
    users = np.sort(rng.integers(0, n_events // 25, n_events))
    names = np.array(["home", "search", "view", "cart", "pay", "order_complete", "help", "drop_off"])
    pl.DataFrame(
        {
            "user_id": users,
            "timestamp": 1_767_225_600 + np.arange(n_events),
            "event_type": names[rng.integers(0, len(names), n_events)],
        }
    ).write_parquet(path)


async def watch_a_run(app: PersonaApp, pilot: Pilot[int], study: str) -> float:
    """Start a run, watch it to its end, and return how often a second the screen told something new."""
    app.edit("live", n_personas=LIVE, solver="paths", workers=1, output=study)
    await pilot.press("escape", "4", "s")
    seen, last = [], None
    while app.screen._state is None or app.screen._state.status != "finished":  # type: ignore[attr-defined]
        await asyncio.sleep(0.01)
        now = app.screen._state  # type: ignore[attr-defined]
        if now is not None and now.phase == "walks" and now.scenario.standing != last:
            last = now.scenario.standing
            seen.append(time.perf_counter())
    return (len(seen) - 1) / (seen[-1] - seen[0])


async def memory_of_watching(home: str, minutes: float) -> list[float]:
    """Return the megabytes that the app takes while it watches a run, every half minute."""
    import psutil

    from persona_tui.study.background import stop_run
    from persona_tui.study.options import Settings
    from persona_tui.tui.app import PersonaApp
    from persona_tui.tui.workspace import Workspace

    settings = Settings(events=str(ROOT / "data" / "sample_events.csv"))
    app = PersonaApp(
        Workspace(replace(settings, n_personas=10**9, solver="paths", workers=1, output=f"{home}/study"))
    )
    found: list[float] = []
    async with app.run_test(size=(120, 35)) as pilot:
        while app.findings.inspection is None:
            await asyncio.sleep(0.05)
        await pilot.press("4", "s")
        while getattr(app.screen, "_state", None) is None:
            await asyncio.sleep(0.05)
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            await asyncio.sleep(30)
            found.append(psutil.Process().memory_info().rss / 2**20)
        stop_run(app.screen._watched)  # type: ignore[attr-defined]
    return found


async def lags(log: str) -> dict[str, list[float]]:
    """Return how late the event loop was, in milliseconds, by what went on, and how long keys waited."""
    from persona_tui.study.options import Settings
    from persona_tui.tui.app import PersonaApp
    from persona_tui.tui.workspace import Workspace

    found: dict[str, list[float]] = {name: [] for name in NAMES}
    app = PersonaApp(Workspace(Settings(events=log)))

    at_hand = ""

    async def probe() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            late = 1000 * (time.perf_counter() - before - 0.005)
            if at_hand or app.running is not None:
                found[at_hand or app.running.name].append(late)

    async with app.run_test(size=(120, 35)) as pilot:
        task = asyncio.create_task(probe())
        while app.findings.inspection is None:
            await asyncio.sleep(0.05)
        await pilot.press("2")
        while app.findings.personas is None and app.findings.fit_fault is None:
            await asyncio.sleep(0.05)
        await pilot.press("3")
        while app.findings.flow is None or app.running is not None:
            await asyncio.sleep(0.05)
        await pilot.press("e")
        at_hand = "typing"
        for number in range(KEYSTROKES):
            shown = app.screen.query_one("#uplifts")
            before, pressed = shown.data, time.perf_counter()
            app.simulate_key("1" if number % 2 == 0 else "backspace")  # pilot.press waits 50 ms itself
            while shown.data is before:
                await asyncio.sleep(0.001)
            found["answers"].append(1000 * (time.perf_counter() - pressed))
            await asyncio.sleep(0.05)
        at_hand = "live"
        found["rate"] = [await watch_a_run(app, pilot, f"{log}-study")]
        task.cancel()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=0, help="how long a run is watched for its memory")
    chosen = parser.parse_args()
    print(f"{platform.system()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["PERSONA_TUI_CACHE_DIR"] = f"{home}/cache"
        peer = Path(home) / "peer.py"
        peer.write_text(PEER)
        ours, theirs = [sys.executable, "-m", "persona_tui"], [sys.executable, str(peer)]
        painted: dict[str, list[float]] = {"ours": [], "peer": []}
        for _ in range(chosen.rounds):
            painted["peer"].append(first_paint(theirs, home))
            painted["ours"].append(first_paint(ours, home))
        mine, other = (median(painted[side]) for side in ("ours", "peer"))
        print(f"first paint: {mine:.2f} s, small app {other:.2f} s, ratio {mine / other:.2f} (to reach 1.3)")
        print(f"processor time of 5 s at rest: {at_rest(ours, home):.2f} s (to reach 0)")
        log = Path(home) / "log.parquet"
        make_log(log, chosen.events)
        found = asyncio.run(lags(str(log)))
        print(f"a run of {LIVE:,} users per arm is seen to change {found.pop('rate')[0]:.1f} times a second")
        for name, late in found.items():
            late.sort()
            p99 = late[int(0.99 * (len(late) - 1))] if late else 0.0
            worst = late[-1] if late else 0.0
            what = "keys answered in" if name == "answers" else f"event loop during {name}:"
            middle = median(late or [0])
            print(f"{what} p50 {middle:.0f} ms, p99 {p99:.0f} ms, worst {worst:.0f} ms, n = {len(late)}")
        if chosen.minutes:
            taken = asyncio.run(memory_of_watching(home, chosen.minutes))
            print("memory while a run is watched, MB: " + " ".join(f"{each:.0f}" for each in taken))


if __name__ == "__main__":
    main()
