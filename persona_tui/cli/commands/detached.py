"""What verbs have in common that let a run work in the background."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.cli.presentation import Presentation
from persona_tui.study.declared import option
from persona_tui.study.options import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class DetachRequest:
    """Whether the run works here or in the background."""

    detach: bool = option(
        "--detach",
        default=False,
        help="Start the run in the background, where it outlives this terminal, and print its folder.",
    )


def start_detached(settings: Settings, presentation: Presentation, verb: str) -> None:
    """Start a run in the background, print its folder and say how to see it."""
    from persona_tui.cli.commands.runs import narrate_start  # noqa: PLC0415 - 0.01 s, this alone needs it
    from persona_tui.study.background import start_run  # noqa: PLC0415 - 0.6 s with the engine

    narrate_start(start_run(settings, verb), presentation)
