"""What the README tells people to type works."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from forked_commands import run_forked
from support import write_part_of_sample

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


PRINT = """
row = report_df.row(0, named=True)
print(row["metric"], *(f"{row[name]:.3f}" for name in ("control", "treatment", "uplift")), sep=",")
"""


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_workflow_from_python_runs_as_printed(tmp_path):
    (tmp_path / "data").symlink_to(ROOT / "data")
    workflow, figures = blocks("python")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", workflow + figures + PRINT],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    metric, *values = done.stdout.strip().splitlines()[-1].split(",")
    assert metric == "completion_rate"
    assert [float(value) for value in values] == pytest.approx([0.199, 0.067, -0.132], abs=0.005)
    pictures = ("flow.svg", "retention.png", "flow.html")
    assert all((tmp_path / name).stat().st_size > 1000 for name in pictures)


def test_each_set_up_is_one_line_and_makes_its_own_environment():
    commands = [line for line in blocks("bash")[0].splitlines() if line.strip() and not line.startswith("#")]
    assert len(commands) == 2
    assert all(command.startswith("python3 -m venv .venv && ") for command in commands)


@pytest.fixture
def small_data(tmp_path):
    """The folder ``data`` with one user in 32 of the sample, and one value of each that is varied."""
    (tmp_path / "data").mkdir()
    write_part_of_sample(tmp_path / "data" / "sample_events.csv", "u00")
    study = (ROOT / "data" / "sample_study.toml").read_text()
    (tmp_path / "data" / "sample_study.toml").write_text(
        re.sub(r"^values = \[.*\]", "values = [0.1]", study, flags=re.MULTILINE)
    )


@pytest.mark.usefixtures("small_data")
def test_every_command_line_of_the_readme_is_accepted(tmp_path):
    lines = [line for block in blocks("console") for line in block.splitlines() if line.startswith("$ ")]
    assert lines
    environment = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for line in lines:
        program, *words = shlex.split(line.removeprefix("$ "))
        assert program == "persona-tui"
        done = run_forked(tuple(words), cwd=tmp_path, environment=environment)
        assert done.returncode == 0, (line, done.stderr)
