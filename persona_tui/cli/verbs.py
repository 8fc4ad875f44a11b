"""Turn verbs into Typer commands; their options come from where they are declared."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import typer

from persona_tui.cli.presentation import PROGRESS_MODES, Presentation
from persona_tui.engine.data.readers.sql_urls import redact
from persona_tui.engine.errors import SimulationError
from persona_tui.study.config import merge_settings, read_settings, settings_file
from persona_tui.study.declared import option_fault, shown_default
from persona_tui.study.option_texts import STANDARD_INPUT, is_placeless, one_or_several
from persona_tui.study.options import Settings, options_by_name
from persona_tui.study.resources import available_workers, bound_threads

SOURCE: Final = "source"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """A verb of the command line.

    Parameters
    ----------
    name : str
    help : str
        One sentence, then what it prints and writes.
    options : tuple of str
        Names of ``Settings`` it takes.
    argument : str
        What its positional argument stands for; empty where it takes none.
    run : callable
        Gets the settings, the presentation and, where there is one, the request.
    epilog : str
        What help says at the end.
    presentation : tuple of str
        Names of ``Presentation`` fields it takes.
    own : mapping of str to Field
        Options that mean something else to this verb, by name; a study or a run does not set them.
    request : type, optional
        Dataclass of the options that are no settings but what this verb is to do once; those whose flag is a
        plain word are further positional arguments. A field ``source`` gets what the first one says.
    metavar : str
        What help calls the positional argument.
    """

    name: str
    help: str
    options: tuple[str, ...]
    argument: str
    run: Callable[..., None]
    epilog: str = ""
    presentation: tuple[str, ...] = ("as_json", "progress", "quiet")
    own: Mapping[str, Field[Any]] = field(default_factory=dict)
    request: type[Any] | None = None
    metavar: str = "SOURCE"


def add_verb(app: typer.Typer, verb: Verb) -> None:
    """Register a verb as a command whose parameters are its options."""
    declared, hints = {**options_by_name(), **verb.own}, get_type_hints(Settings)
    asked = {} if verb.request is None else {each.name: each for each in fields(verb.request)}
    requested = {name: each for name, each in asked.items() if name != SOURCE}
    own_defaults = {name: each.default for name, each in verb.own.items()}

    def command(**given: Any) -> None:  # noqa: ANN401 - what Typer parsed
        source = given.pop("source", None) or ""
        shown = {name: given.pop(name) for name in ("as_json", "progress", "quiet") if name in given}
        request = {name: _plain(value) for name in requested if (value := given.pop(name)) not in (None, [])}
        for name, value in request.items():
            if fault := option_fault(requested[name], value, requested[name].metadata["flag"]):
                raise SimulationError(fault)
        request |= {SOURCE: source} if SOURCE in asked else {}
        _check_sources(verb.name, source, given.get("events") or ())
        file = settings_file(source) if source and verb.options else None
        kept = read_settings(file) if file else {"events": source} if source else {}
        values = {name: _plain(value) for name, value in given.items() if value not in (None, [])}
        if "events" in values:
            values["events"] = one_or_several(values["events"])
        settings = merge_settings(kept, {**own_defaults, **values})
        bound_threads(settings.workers or available_workers())
        requests = [] if verb.request is None else [verb.request(**request)]
        presentation = Presentation(**shown)
        if verb.options and any(map(is_placeless, settings.sources())):
            presentation.narrate(_told_of_placeless(settings))
        verb.run(settings, presentation, *requests)

    parameters = [_argument(verb.argument, verb.metavar)] if verb.argument else []
    parameters += [_option(name, declared[name], hints[name]) for name in verb.options]
    parameters += [
        _option(name, each, get_type_hints(verb.request)[name]) for name, each in requested.items()
    ]
    parameters += [each for each in _presentation_options() if each.name in verb.presentation]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {each.name: each.annotation for each in parameters}
    app.command(name=verb.name, help=verb.help, epilog=verb.epilog or None)(command)


def _told_of_placeless(settings: Settings) -> str:
    if STANDARD_INPUT in settings.sources():
        return (
            "Standard input is gone once it is read: a study of it runs again only where the log is piped "
            "in again. `persona-tui inspect - --convert log.parquet` makes a file of it, to be named instead."
        )
    return f"'{settings.source_shown()}' is read anew by every command: prepared logs are of files."


def _check_sources(verb: str, source: str, events: Sequence[str]) -> None:
    """Refuse a source that is named in two ways, and a study where a log is meant."""
    for each in events:
        if source:
            raise SimulationError(
                f"Two sources: '{redact(source)}' and --events '{redact(each)}'.",
                hint="Give one; several files of one log are each given by --events.",
            )
        if settings_file(each):
            raise SimulationError(
                f"--events names a log; '{each}' is a study.",
                hint=f"Give a study as the argument: persona-tui {verb} {each}",
            )


def _plain(value: Any) -> Any:  # noqa: ANN401 - any option
    return tuple(value) if isinstance(value, list) else value


def _keyword(name: str, annotation: object, default: object) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)


def _argument(stands_for: str, metavar: str) -> inspect.Parameter:
    info = typer.Argument(metavar=metavar, help=stands_for, show_default=False)
    return _keyword("source", Annotated[str | None, info], None)


def _option(name: str, declared: Field[Any], hint: Any) -> inspect.Parameter:  # noqa: ANN401 - any type
    metadata = declared.metadata
    default = shown_default(declared)
    if not metadata["flag"].startswith("-"):
        place = typer.Argument(metavar=metadata["flag"], help=metadata["help"], show_default=False)
        return _keyword(name, Annotated[str | None, place], None)
    info = typer.Option(
        metadata["flag"],
        help=metadata["help"] + (f" Default: {default}." if default else ""),
        metavar=metadata["metavar"] or "|".join(metadata["choices"]) or None,
        show_default=False,
    )
    if hint is bool:
        flag = typer.Option(metadata["flag"], help=metadata["help"])
        return _keyword(name, Annotated[bool, flag], declared.default)
    if get_origin(hint) is tuple or any(get_origin(each) is tuple for each in get_args(hint)):
        return _keyword(name, Annotated[list[str] | None, info], None)
    kinds = (hint, *get_args(hint))
    kind = next((number for number in (int, float) if number in kinds), str)
    return _keyword(name, Annotated[kind | None, info], None)


def _presentation_options() -> list[inspect.Parameter]:
    as_json = typer.Option("--json", help="Print the result as one JSON object.")
    modes = "|".join(PROGRESS_MODES)
    progress = typer.Option(
        "--progress",
        metavar=modes,
        help="How progress is told, on stderr. Default: auto.",
        show_default=False,
    )
    quiet = typer.Option("--quiet", help="Tell nothing but errors on stderr.")
    return [
        _keyword("as_json", Annotated[bool, as_json], False),
        _keyword("progress", Annotated[str, progress], "auto"),
        _keyword("quiet", Annotated[bool, quiet], False),
    ]
