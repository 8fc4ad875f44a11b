import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import alive, wait_until, workers_of
from tasks import KilledAtFirst, Square, blas_threads, refuse

from persona_tui.engine.errors import RunCancelled, SimulationError, UnknownNameError
from persona_tui.engine.simulation import executors
from persona_tui.engine.simulation.executors import EXECUTORS, AutoExecutor
from persona_tui.engine.simulation.processes import ProcessExecutor

ROOT = Path(__file__).parents[3]
everywhere = pytest.mark.parametrize("name", EXECUTORS.names())


def ignore(_position, _result):
    pass


@everywhere
def test_results_are_in_the_order_of_the_blocks_and_each_is_told_once(name):
    told = {}
    found = EXECUTORS.get(name)(workers=2).run(Square(), list(range(7)), on_done=told.__setitem__)
    assert found == [0, 1, 4, 9, 16, 25, 36]
    assert told == dict(enumerate(found))


@everywhere
def test_no_blocks_give_no_results(name):
    assert EXECUTORS.get(name)(workers=2).run(Square(), [], on_done=ignore) == []


@everywhere
def test_what_the_task_raises_is_raised_with_its_hint(name):
    with pytest.raises(SimulationError) as caught:
        EXECUTORS.get(name)(workers=2).run(refuse, [1, 2, 3], on_done=ignore)
    assert (caught.value.message, caught.value.hint) == ("two is too many.", "Take one.")


@everywhere
def test_a_cancelled_run_does_not_begin_all_other_blocks(name):
    done = []

    def stop(position, _result):
        done.append(position)
        raise RunCancelled("stopped")

    with pytest.raises(RunCancelled):
        EXECUTORS.get(name)(workers=2).run(Square(0.01), list(range(100)), on_done=stop)
    assert len(done) == 1


def test_a_wrong_executor_or_number_of_workers_is_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'threads'"):
        EXECUTORS.get("thread")
    with pytest.raises(SimulationError, match="workers == 0, must be >= 1"):
        ProcessExecutor(workers=0)


def test_workers_are_other_processes_with_one_thread_of_linear_algebra(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    found = ProcessExecutor(workers=2).run(blas_threads, [0, 1, 2], on_done=ignore)
    assert {threads for threads, _ in found} == {"1"}
    assert os.getpid() not in {process for _, process in found}


def test_killing_workers_in_the_middle_of_blocks_changes_nothing(tmp_path):
    task = KilledAtFirst(tmp_path, numbers=(1, 4), times=2)
    found = ProcessExecutor(workers=2).run(task, list(range(6)), on_done=ignore)
    assert found == [0, 1, 4, 9, 16, 25]
    assert len(list(tmp_path.iterdir())) == 4


def test_a_block_that_ends_every_worker_is_named_with_the_likely_cause(tmp_path):
    task = KilledAtFirst(tmp_path, numbers=(3,), times=99)
    with pytest.raises(
        SimulationError, match=r"Block 4 of 5 ended its worker process 3 times \(SIGKILL\)"
    ) as caught:
        ProcessExecutor(workers=2).run(task, list(range(5)), on_done=ignore)
    assert "memory" in caught.value.hint


def test_a_script_that_does_not_guard_its_work_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "from persona_tui.engine.simulation.processes import ProcessExecutor\n"
        "ProcessExecutor(workers=1).run(abs, [1], on_done=print)\n"
    )
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "under if __name__ == " in done.stderr.splitlines()[-1]


def test_where_no_process_can_be_started_it_is_told():
    """A running terminal app has a standard error without a file."""
    script = (
        "import sys\n"
        "class Captured:\n    def fileno(self): return -1\n    def write(self, text): pass\n"
        "from persona_tui.engine.errors import SimulationError\n"
        "from persona_tui.engine.simulation.processes import ProcessExecutor\n"
        "sys.stderr = Captured()\n"
        "try:\n    ProcessExecutor().run(abs, [1], on_done=print)\n"
        "except SimulationError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("No worker process can be started: ")
    assert "Use one worker, or threads." in done.stdout


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_worker_outlives_the_process_that_began_it(number):
    script = (
        "from tasks import Square\n"
        "from persona_tui.engine.simulation.processes import ProcessExecutor\n"
        "ProcessExecutor(workers=2).run(Square(60.0), [1, 2], on_done=print)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: len(workers_of(process.pid)) == 2)
    workers = workers_of(process.pid)
    process.send_signal(number)
    process.wait(timeout=60)
    wait_until(lambda: not any(map(alive, workers)))


@pytest.mark.parametrize(("workers", "long", "n_processes"), [(2, 0.0, 3), (2, 1e9, 1), (1, 0.0, 1)])
def test_work_goes_to_processes_when_it_is_long_and_there_are_workers(
    monkeypatch, workers, long, n_processes
):
    monkeypatch.setattr(executors, "LONG_WORK_SECONDS", long)
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")
    found = AutoExecutor(workers=workers).run(blas_threads, [0, 1, 2], on_done=ignore)
    assert found[0][1] == os.getpid()
    assert len({process for _, process in found}) == n_processes
