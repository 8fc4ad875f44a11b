import psutil
import pytest

from persona_tui.study.resources import Cgroups, available_memory, available_workers, memory_budget

GB = 10**9


@pytest.fixture
def machine(tmp_path, monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda _process: set(range(16)), raising=False)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Free", (), {"available": 32 * GB}))

    def make(membership, files):
        (tmp_path / "cgroup").write_text(membership)
        for name, text in files.items():
            path = tmp_path / "fs" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return Cgroups(root=tmp_path / "fs", membership=tmp_path / "cgroup")

    return make


def test_without_groups_the_machine_is_the_bound(machine):
    free = machine("0::/\n", {})
    assert available_workers(free) == 16
    assert available_memory(free) == 32 * GB
    assert memory_budget(None, free) == 16 * GB


def test_a_group_of_version_2_bounds_cores_and_memory(machine):
    bound = machine(
        "0::/\n", {"cpu.max": "250000 100000\n", "memory.max": f"{4 * GB}\n", "memory.current": f"{GB}"}
    )
    assert available_workers(bound) == 3
    assert available_memory(bound) == 3 * GB


def test_groups_of_version_1_bound_too(machine):
    files = {
        "cpu,cpuacct/job/cpu.cfs_quota_us": "200000",
        "cpu,cpuacct/job/cpu.cfs_period_us": "100000",
        "memory/job/memory.limit_in_bytes": f"{6 * GB}",
        "memory/job/memory.usage_in_bytes": f"{GB}",
    }
    bound = machine("4:cpu,cpuacct:/job\n5:memory:/job\n", files)
    assert available_workers(bound) == 2
    assert available_memory(bound) == 5 * GB


def test_the_tightest_group_above_counts(machine):
    files = {
        "user.slice/memory.max": f"{2 * GB}",
        "user.slice/memory.current": f"{GB}",
        "user.slice/ann/memory.max": "max",
        "user.slice/cpu.max": "100000 100000",
        "user.slice/ann/cpu.max": "max 100000",
    }
    bound = machine("0::/user.slice/ann\n", files)
    assert available_workers(bound) == 1
    assert available_memory(bound) == GB


def test_cached_files_make_room(machine):
    files = {
        "memory.max": f"{2 * GB}",
        "memory.current": f"{2 * GB}",
        "memory.stat": f"anon 5\ninactive_file {GB}",
    }
    assert available_memory(machine("0::/\n", files)) == GB


def test_a_full_group_still_leaves_room_for_a_batch(machine):
    full = machine("0::/\n", {"memory.max": "1000", "memory.current": "1000"})
    assert memory_budget(None, full) == 64 * 10**6
    assert memory_budget(3 * GB, full) == 3 * GB


@pytest.mark.parametrize("text", ["", "max", "rubbish", "-1 100000", "0 0"])
def test_a_quota_that_says_nothing_bounds_nothing(machine, text):
    assert available_workers(machine("0::/\n", {"cpu.max": text})) == 16
