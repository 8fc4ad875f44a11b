"""Build the command line and turn its arguments into one verb."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from persona_tui import __version__
from persona_tui.cli import diagnostics, output
from persona_tui.cli.commands import (
    backtest,
    batch,
    cache,
    calibrate,
    compare,
    config,
    diff,
    doctor,
    drift,
    experiment,
    export,
    fairness,
    formats,
    inspect,
    ledger,
    open_app,
    personas,
    plan,
    preview,
    runs,
    schema,
    simulate,
    synth,
)
from persona_tui.cli.verbs import add_verb

VERBS = (
    inspect.VERB,
    batch.VERB,
    personas.VERB,
    preview.VERB,
    simulate.VERB,
    runs.VERB,
    compare.VERB,
    diff.VERB,
    plan.VERB,
    experiment.VERB,
    calibrate.VERB,
    ledger.VERB,
    backtest.VERB,
    drift.VERB,
    fairness.VERB,
    export.VERB,
    synth.VERB,
    formats.VERB,
    cache.VERB,
    config.VERB,
    doctor.VERB,
    schema.VERB,
    open_app.VERB,
)

PLAIN = "--plain"
"""The option of ``open`` that is given without a verb."""

app = typer.Typer(
    name="persona-tui",
    help="Predict what a change of a product flow does to conversion, drop-off and engagement, and for whom.",
    epilog="A log or a study in place of a verb opens the app; --plain asks questions instead.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        output.write(f"persona-tui {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version and stop."
    ),
) -> None:
    """Hold the options that stand before any verb."""


for verb in VERBS:
    add_verb(app, verb)


def arguments_with_verb(arguments: Sequence[str]) -> list[str]:
    """Put ``open`` in front where no verb is named; an optional argument on the root would hide them."""
    names = [each.name for each in VERBS]
    if not arguments:
        return [open_app.VERB.name]
    first = arguments[0]
    if first == PLAIN:
        return [open_app.VERB.name, *arguments]
    if first.startswith("-") or first in names:
        return list(arguments)
    if Path(first).exists() or "://" in first:
        return [open_app.VERB.name, *arguments]
    near = difflib.get_close_matches(first, names, n=1)
    suggestion = f"Did you mean '{near[0]}'?" if near else f"Verbs: {', '.join(names)}."
    message = f"'{first}' is neither a verb nor a path that exists."
    return diagnostics.fail(message, suggestion, diagnostics.USAGE)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    with diagnostics.explained():
        app(arguments_with_verb(sys.argv[1:] if arguments is None else arguments), prog_name="persona-tui")
