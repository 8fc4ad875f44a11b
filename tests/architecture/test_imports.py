"""What the import graph cannot show: what a process has really loaded."""

import subprocess
import sys

import pytest

HEAVY = ("numpy", "polars", "scipy", "sklearn", "textual", "pptx")
INTERFACES = ("textual", "typer", "rich")


def modules_after(code):
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sorted(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def run_main(*arguments):
    return (
        "import contextlib, io\n"
        "from persona_tui.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        f"    main({list(arguments)!r})"
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",),
        *(
            ("batch", "--help"),
            ("open", "--help"),
            ("schema", "--help"),
            ("preview", "--help"),
            ("plan", "--help"),
            ("inspect", "--help"),
            ("personas", "--help"),
            ("formats", "--help"),
            ("cache", "--help"),
            ("config", "--help"),
            ("doctor", "--help"),
            ("synth", "--help"),
            ("runs", "--help"),
        ),
        *(("--version",), ("schema",), ("config",), ("doctor",), ()),
    ],
)
def test_help_loads_nothing_heavy(arguments):
    assert not modules_after(run_main(*arguments)) & set(HEAVY)


def test_the_engine_and_the_study_load_no_user_interface():
    loaded = modules_after(
        "import persona_tui.study.runs\nimport persona_tui.engine.analytics.reporting\n"
        "import persona_tui.engine.analytics.visualization"
    )
    assert not loaded & set(INTERFACES)


def test_the_engine_runs_without_scikit_learn_and_pptx_until_they_are_needed():
    loaded = modules_after("import persona_tui.study.runs")
    assert not loaded & {"sklearn", "pptx"}
