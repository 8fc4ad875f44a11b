"""``persona-tui experiment``: what a real experiment found."""

from __future__ import annotations

from dataclasses import dataclass

from persona_tui.cli import output
from persona_tui.cli.commands.asked import SOURCE_OPTIONS, require_source
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import DataError
from persona_tui.engine.params import parse_names
from persona_tui.study.declared import option
from persona_tui.study.options import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmsRequest:
    """Who was in which arm of an experiment."""

    variant: str = option(
        "--variant",
        default="",
        metavar="COLUMN",
        help="Attribute that names a user's arm. Default: by its name.",
    )
    control: str = option(
        "--control",
        default="",
        metavar="ARM",
        help="The arm without the change. Default: by its name.",
    )
    since: str = option(
        "--since",
        default="",
        metavar="DATE",
        help="When it began, UTC; what users did before makes the differences sharper (CUPED). "
        "Default: each user's first event that names an arm.",
    )
    allocation: str = option(
        "--allocation",
        default="",
        metavar="PARTS",
        help="Intended parts of the users, control first: 90,10. Default: equal ones.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentRequest(ArmsRequest):
    """Which experiment, and how it is looked at."""

    planned_users: int = option(
        "--planned-users",
        default=10_000,
        low=10,
        help="Users of both arms at which intervals that may be looked at all the time are the tightest.",
    )


def read_allocation(text: str) -> list[float]:
    """Return the intended parts of the arms."""
    try:
        return [float(part) for part in parse_names(text)] if text else []
    except ValueError:
        raise DataError(f"'{text}' are no parts.", hint="For example: 90,10") from None


def _experiment(settings: Settings, presentation: Presentation, request: ExperimentRequest) -> None:
    require_source(settings, "experiment")
    from persona_tui.cli.experiment_page import print_experiment  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.experiment import experiment_document, read_experiment  # noqa: PLC0415 - as above

    with presentation.reporting() as on_progress:
        found = read_experiment(
            settings,
            variant=request.variant,
            control=request.control,
            since=request.since,
            allocation=read_allocation(request.allocation),
            tightest_at=request.planned_users,
            on_progress=on_progress,
        )
    if presentation.as_json:
        output.write_json(experiment_document(found))
    else:
        print_experiment(found)


VERB = Verb(
    name="experiment",
    help="Tell what a real A/B test found: whether its lot was fair, the difference of each metric with its "
    "95 % interval for one look and for looks at any time, and the funnel of each arm. Writes no file.",
    options=(*SOURCE_OPTIONS, "funnel", "completion", "drop", "workers"),
    argument="A log with an attribute that names each user's arm, or a study of one.",
    run=_experiment,
    request=ExperimentRequest,
)
