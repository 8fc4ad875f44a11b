"""Read settings back from a study or a run: every fault at once, each with its line."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import Field, fields, replace
from pathlib import Path
from typing import Any, Final

from persona_tui.engine.analytics.branding import Branding
from persona_tui.engine.errors import DataError, unknown_name
from persona_tui.engine.params import format_names
from persona_tui.study.declared import option_fault
from persona_tui.study.effect_tables import read_effects
from persona_tui.study.option_texts import is_placeless, one_or_several, with_tables
from persona_tui.study.options import CHANGE_OPTIONS, Settings, options_by_name
from persona_tui.study.persona_files import read_kept_personas
from persona_tui.study.places import Faults, Place
from persona_tui.study.scenario_tables import read_scenarios
from persona_tui.study.scenarios import CHANGE, ScenarioSettings
from persona_tui.study.tables import is_number, is_whole, read_table, read_text, unknown_key
from persona_tui.study.toml_files import read_toml, require_no_faults

RUN_FILE: Final = "run.toml"
STUDY_FILE: Final = "study.toml"
EXPORTS: Final = Path("exports")
"""Where studies go that have no folder of their own."""
SCENARIOS: Final = "scenarios"
REPORT: Final = "report"
HIDDEN: Final = "***"
"""Stands for a password."""
EFFECTS_KEY: Final = "effects"
BRANDING_KEYS: Final = tuple(each.name for each in fields(Branding))
REPORT_KEYS: Final = ("title", "lead", *BRANDING_KEYS)
NOT_IN_FILES: Final = frozenset({"output"})
"""Options that a file does not hold: a study is where it stands."""


def settings_file(source: str) -> Path | None:
    """Return the settings file that a source stands for: one itself, or a study's or run's folder.

    Returns
    -------
    Path or None
        None where the source is a log.
    """
    path = Path(source)
    found = next((path / name for name in (RUN_FILE, STUDY_FILE) if (path / name).is_file()), None)
    return path if found is None and path.suffix == ".toml" else found


def read_settings(path: Path) -> dict[str, Any]:
    """Return what a settings file gives for ``Settings``, by name.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        With ``output``, the study that the file belongs to, and ``personas``, what is settled about its
        personas; a relative source, or table that is joined, is one beside the file.

    Raises
    ------
    DataError
        If the file cannot be read, or something in it has no meaning; every fault is named with its line.
    """
    if path.is_dir():
        raise DataError(
            f"'{path}' is a folder without a {STUDY_FILE} or {RUN_FILE}.",
            hint="Name the settings file itself.",
        )
    text, given = read_toml(path)
    if not given:
        raise DataError(f"'{path}' holds no settings.", hint='Name the log in it: events = "log.csv"')
    faults = Faults()
    values = _read_values(given, faults)
    require_no_faults(faults, path, text)
    if values.get("events"):
        given = values["events"]
        sources = (given,) if isinstance(given, str) else given
        values["events"] = one_or_several([_source(each, path) for each in sources])
    if "prepare" in values:
        values["prepare"] = with_tables(values["prepare"], lambda table: _source(table, path))
    if "branding" in values:
        values["branding"] = values["branding"].beside(path)
    study = _study_of(path)
    of_run = path.name == RUN_FILE
    folder = path.resolve().parent if of_run else study
    return {
        **values,
        "output": str(study),
        "personas": read_kept_personas(folder, settled_for_good=of_run),
    }


def settings_from_toml(given: Mapping[str, Any]) -> Settings:
    """Return settings from what ``Settings.as_toml`` returned.

    Parameters
    ----------
    given : mapping

    Raises
    ------
    DataError
        If something in it has no meaning; every fault is named.
    SimulationError
        If the settings do not fit together.
    """
    faults = Faults()
    output = given.get("output", "")
    values = _read_values({name: value for name, value in given.items() if name not in NOT_IN_FILES}, faults)
    require_no_faults(faults, Path(STUDY_FILE), "")
    return Settings(**values, output=str(output))


def merge_settings(kept: Mapping[str, Any], given: Mapping[str, Any]) -> Settings:
    """Return the settings of a file with options that replace its own.

    Parameters
    ----------
    kept : mapping
        As ``read_settings`` returns them.
    given : mapping
        Options by name. A column takes the place of that of the same part; a modification takes the place
        of every change that the file holds.

    Raises
    ------
    SimulationError
        If they do not fit together; every fault is named.
    """
    if "modification" in given:
        given = {**given, "modification": expand_modification(given["modification"])}
        kept = {name: each for name, each in kept.items() if name not in {*CHANGE_OPTIONS, SCENARIOS, "lead"}}
    if "column" in given:
        given = {**given, "column": _merged_columns(kept.get("column", ()), given["column"])}
    return Settings(**{**kept, **given})


def _merged_columns(kept: Sequence[str], given: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of a file with those given in place of its own for the same parts."""
    replaced = {text.partition("=")[0].strip() for text in given}
    return (*(text for text in kept if text.partition("=")[0].strip() not in replaced), *given)


def expand_modification(texts: Sequence[str]) -> tuple[str, ...]:
    """Return effects with the files among them, written ``@file.toml``, replaced by what they hold.

    Parameters
    ----------
    texts : sequence of str
        Effects, or ``@`` and the path of a file with ``effects = [...]``, as texts or tables.

    Raises
    ------
    DataError
        If a file cannot be read, or something in it has no meaning; every fault is named with its line.
    """
    expanded: list[str] = []
    for text in texts:
        expanded += _effects_of_file(Path(text[1:])) if text.startswith("@") else [text]
    return tuple(expanded)


def _effects_of_file(path: Path) -> tuple[str, ...]:
    text, given = read_toml(path)
    faults = Faults()
    for key in given:
        if key != EFFECTS_KEY:
            faults.add((key,), unknown_key(key, (EFFECTS_KEY,)))
    effects = read_effects(given.get(EFFECTS_KEY), (EFFECTS_KEY,), faults, key=EFFECTS_KEY)
    require_no_faults(faults, path, text)
    return effects


def read_defaults(given: Mapping[str, Any], place: Place, faults: Faults) -> dict[str, Any]:
    """Return options that hold for logs that are no study, by name.

    Parameters
    ----------
    given : mapping
        A table of a file that is no study.
    place : tuple
        Where the table is in its file.
    faults : Faults
        Gets what is wrong with it.
    """
    inside = Faults()
    values = {}
    known = defaultable_options()
    for name, value in given.items():
        if name in known:
            values[name] = _read_option(known[name], value, inside)
        elif name in options_by_name():
            inside.add((name,), f"{name} is of one log, and can be no default.")
        else:
            inside.add((name,), str(unknown_name("option", name, known)))
    faults.extend(inside, under=place)
    return values


def defaultable_options() -> dict[str, Field[Any]]:
    """Return the options, by name, that can have a default of the analyst's own."""
    return {name: each for name, each in options_by_name().items() if name not in NOT_IN_FILES | {"events"}}


def _source(kept: str, path: Path) -> str:
    """Return the source that a file names: relative to it; a password that it does not keep is left out."""
    if not is_placeless(kept):
        return str(path.resolve().parent / kept)
    source = kept.replace(f":{HIDDEN}@", "@")
    if HIDDEN in source:
        raise DataError(
            f"'{path}' keeps no passwords, so that '{kept}' cannot be read.",
            hint="Write the source there without the password, and give that as PGPASSWORD.",
        )
    if source != kept:
        warnings.warn(f"'{path}' keeps no password; it is taken from PGPASSWORD or ~/.pgpass.", stacklevel=2)
    return source


def _study_of(path: Path) -> Path:
    """Return the study that a file belongs to: its folder, or one of its own where it only describes one."""
    folder = path.resolve().parent
    if path.name == RUN_FILE and folder.parent.name == "runs":
        return folder.parent.parent
    return folder if path.name in {RUN_FILE, STUDY_FILE} else EXPORTS / path.stem


def _read_values(given: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    declared = {name: each for name, each in options_by_name().items() if name not in NOT_IN_FILES}
    values = {}
    for name, value in given.items():
        if name in declared:
            values[name] = _read_option(declared[name], value, faults)
        elif name in NOT_IN_FILES:
            faults.add((name,), f"{name} has no place in a file; give it as --{name}.")
        elif name not in {SCENARIOS, REPORT}:
            faults.add((name,), unknown_key(name, (*declared, SCENARIOS, REPORT)))
    if SCENARIOS in given:
        values[SCENARIOS] = _read_scenarios(given[SCENARIOS], faults)
        for name in CHANGE_OPTIONS:
            if name in given:
                faults.add((name,), f"{name} is for one change; scenarios have their own.")
    if REPORT in given:
        values |= _read_report(given[REPORT], values.get(SCENARIOS, ()), faults)
    return values


def _read_option(declared: Field[Any], value: object, faults: Faults) -> Any:  # noqa: ANN401 - any option
    """Return the value of an option as ``Settings`` keep it."""
    name, forms = declared.name, declared.metadata["forms"]
    if name == "modification":
        return read_effects(value, (name,), faults, key=name)
    form = "text" if isinstance(value, str) else _form_of_number(value, forms)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        form = "texts"
    if form not in forms:
        faults.add((name,), f"{name} must be {' or '.join(_ARTICLE[each] for each in forms)}.")
        return declared.default
    if name == "events" and isinstance(value, list):
        value = one_or_several(value)
    elif forms[0] == "text" and isinstance(value, list):
        value = format_names(value)
    elif forms[0] == "text":
        value = str(value)
    kept = tuple(value) if isinstance(value, list) else value
    faults.add((name,), option_fault(declared, kept, name))
    return kept


def _form_of_number(value: object, forms: tuple[str, ...]) -> str | None:
    """Return the form that a number has among those that are allowed; a whole one is a number too."""
    if is_whole(value) and "whole number" in forms:
        return "whole number"
    return "number" if is_number(value) else None


_ARTICLE: Final = {
    "text": "a text",
    "texts": "a list of texts",
    "whole number": "a whole number",
    "number": "a number",
}


def _read_scenarios(value: object, faults: Faults) -> tuple[ScenarioSettings, ...] | None:
    """Return the scenarios; none where some have faults, so that nothing more can be said of them."""
    mine = Faults()
    scenarios = read_scenarios(value, (SCENARIOS,), mine)
    faults.extend(mine)
    return None if mine else scenarios


def _read_report(
    value: object, scenarios: tuple[ScenarioSettings, ...] | None, faults: Faults
) -> dict[str, Any]:
    place = (REPORT,)
    table = read_table(value, REPORT_KEYS, place, faults)
    title, lead, *others = (read_text(table, key, place, faults) for key in REPORT_KEYS)
    branding = Branding(**dict(zip(BRANDING_KEYS, others, strict=True)))
    if fault := branding.fault():
        faults.add((*place, "accent"), fault)
        branding = replace(branding, accent="")
    if lead and scenarios is not None:
        names = [each.name for each in scenarios] or [CHANGE]
        if lead not in names:
            faults.add((*place, "lead"), str(unknown_name("scenario", lead, names)))
    return {"report_title": title, "lead": lead, "branding": branding}
