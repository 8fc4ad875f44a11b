"""What being watched costs a run: its journal, walkers followed, a reader that looks five times a second.

    python tests/benchmarks/live.py [LOG] [N_PERSONAS]

Pairs of runs with one worker, each in a process of its own, that walk event by event: one tells nobody, one
writes its journal while another process follows it. Prints the processor seconds of both, the median of their
ratios over nine pairs, how often the live state changed a second, and the size of the journal. Fails above
5 %. Processor seconds, not those of the clock: what else the machine does would drown the difference.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from persona_tui.study.following import RunFollower
from persona_tui.study.journal import JOURNAL

ROOT = Path(__file__).parents[2]
PAIRS, MOST = 9, 1.05
RUN = """
import sys, time
from persona_tui.study import runs
from persona_tui.study.options import Settings

class Nobody:
    def __init__(self, *_arguments): pass
    def __call__(self, _progress): pass

if sys.argv[4] == "alone":
    runs.RunObserver = Nobody
log, study, n_personas = sys.argv[1:4]
asked = Settings(events=log, output=study, n_personas=int(n_personas), solver="paths", workers=1)
began = time.process_time()
runs.run_simulation(asked)
print(time.process_time() - began)
"""


def start(log, study, n_personas, how):
    return subprocess.Popen(
        [sys.executable, "-c", RUN, log, study, str(n_personas), how],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def seconds_of(process):
    return float(process.communicate()[0])


def watched(log, study, n_personas):
    """Return the seconds of a run that is followed, and how often a second it had something new."""
    before = set(study.glob("runs/*"))
    process = start(log, study, n_personas, "watched")
    follower, changes, last, begun = None, 0, None, None
    while process.poll() is None:
        time.sleep(0.2)
        fresh = set(study.glob("runs/*")) - before
        if follower is None and fresh:
            follower = RunFollower(fresh.pop())
        state = follower.poll() if follower else None
        if state and state.phase == "walks" and state.scenario.standing != last:
            last, begun, changes = state.scenario.standing, begun or time.monotonic(), changes + 1
            until = time.monotonic()
    size = (follower.folder / JOURNAL).stat().st_size
    return seconds_of(process), (changes - 1) / max(until - begun, 1e-9), size


def main():
    """Print the pairs and fail where being watched costs too much."""
    log = sys.argv[1] if len(sys.argv) > 1 else str(ROOT / "data" / "sample_events.csv")
    n_personas = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder)
        seconds_of(start(log, study, 1_000, "alone"))  # the fit is kept from here on
        ratios = []
        for pair in range(PAIRS):
            if pair % 2:
                live, rate, size = watched(log, study, n_personas)
                alone = seconds_of(start(log, study, n_personas, "alone"))
            else:
                alone = seconds_of(start(log, study, n_personas, "alone"))
                live, rate, size = watched(log, study, n_personas)
            ratios.append(live / alone)
            print(
                f"alone {alone:6.2f} s  watched {live:6.2f} s  {rate:4.1f} Hz  {size / 1e3:5.0f} kB",
                flush=True,
            )
    median = statistics.median(ratios)
    print(f"median of {PAIRS} pairs: {median:.3f} times as long, {MOST:.2f} allowed")
    sys.exit(median > MOST)


if __name__ == "__main__":
    main()
