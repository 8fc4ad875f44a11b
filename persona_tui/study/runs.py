"""A run: its folder, its progress on disk, and the files it promises."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from glob import has_magic
from pathlib import Path
from typing import Any, Final

from persona_tui import __version__
from persona_tui.engine.analytics.branding import Branding
from persona_tui.engine.analytics.reporting import export_powerpoint
from persona_tui.engine.analytics.tables import persona_table, scenario_table, to_csv
from persona_tui.engine.data.readers.registry import READERS
from persona_tui.engine.errors import SimulationError
from persona_tui.engine.files import replace_all
from persona_tui.engine.params import format_names, quote
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.study.blocks import open_run
from persona_tui.study.config import EXPORTS, RUN_FILE, STUDY_FILE
from persona_tui.study.journal import Journal, Line
from persona_tui.study.kept_personas import KeptPersonas
from persona_tui.study.log import PreparedLog, prepare_log
from persona_tui.study.manifest import build_manifest
from persona_tui.study.movement import keep_personas
from persona_tui.study.observing import RunObserver
from persona_tui.study.option_texts import is_placeless, one_or_several
from persona_tui.study.options import Settings, options_by_name
from persona_tui.study.persona_files import read_kept_personas, tables_of, write_kept_personas
from persona_tui.study.reference import write_reference
from persona_tui.study.resources import available_workers
from persona_tui.study.results import libraries
from persona_tui.study.run_folders import MANIFEST
from persona_tui.study.store import locked, make_folder, write_json, write_text
from persona_tui.study.study import StudyResult, check_settings, run_study

PROMISED = (
    "persona_summary.csv",
    "experiment_results.csv",
    "result.json",
    "simulation_report.pptx",
    MANIFEST,
)
REJECTS = "rejects.csv"
SIMULATED = ("experiment_results.csv", "result.json", REJECTS)
"""What a simulation alone writes into its run."""
REPORTED = ("persona_summary.csv", "simulation_report.pptx", *SIMULATED)
WRITTEN = "# Written by persona-tui; the next run replaces it while this line stands.\n"
PUBLISHED = (*PROMISED, REJECTS, STUDY_FILE)
_MOMENT, _LONG = 1.0, 60.0
"""Seconds to wait for another program that writes to the study: before the work, and after it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a run is to leave behind.

    Parameters
    ----------
    verb : str
        That does it.
    written : tuple of str
        Files of its folder.
    published : tuple of str
        Those of which the study gets copies.
    """

    verb: str
    written: tuple[str, ...]
    published: tuple[str, ...]


BATCH: Final = Job(verb="batch", written=REPORTED, published=(REJECTS, *PROMISED))
SIMULATION: Final = Job(verb="simulate", written=SIMULATED, published=())
JOBS: Final = {job.verb: job for job in (BATCH, SIMULATION)}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FinishedRun:
    """A run that is done.

    Parameters
    ----------
    result : StudyResult
    settings : Settings
    study : Path
        The study folder, with copies of the files.
    folder : Path
        The run's own folder.
    files : tuple of Path
        What was written at the top of the study.
    """

    result: StudyResult
    settings: Settings
    study: Path
    folder: Path
    files: tuple[Path, ...]

    def defaults_used(self) -> list[str]:
        """Return the options that were left open, as what they came to."""
        resolved = self.result.document["recipe"]["settings"]
        found = {**self.settings.as_toml(), **resolved, "output": str(self.study)}
        return defaults_used(self.settings, found)


def defaults_used(settings: Settings, resolved: dict[str, Any]) -> list[str]:
    """Return the options that settings leave open, as what they came to.

    Parameters
    ----------
    settings : Settings
    resolved : dict
        By name of the option, ``columns`` too; options that are not in it are passed over.
    """
    found = {
        **resolved,
        "column": _column_arguments(resolved["columns"]),
        "workers": settings.workers or available_workers(),
    }
    declared = options_by_name()
    return [
        f"{declared[name].metadata['flag']} {shlex.quote(each)}"
        for name in settings.left_at_default()
        for each in _as_arguments(name, found.get(name))
    ]


def _column_arguments(columns: dict[str, str]) -> list[str]:
    return [f"{part}={quote(name)}" for part, name in columns.items()]


def _as_arguments(name: str, value: object) -> list[str]:
    """Return the values of an option as they are typed: a list is one text for the funnel, else repeated."""
    if isinstance(value, list):
        return [format_names(value)] if name == "funnel" else [str(each) for each in value]
    return [] if value is None else [str(value)]


def default_output(settings: Settings) -> Path:
    """Return the study folder for a source that names none: called as the first, without its endings.

    Parameters
    ----------
    settings : Settings

    Examples
    --------
    >>> [str(default_output(Settings(events=each))) for each in ("a.json.gz", "logs/*.csv", "*.csv", "-")]
    ['exports/a', 'exports/logs', 'exports/study', 'exports/study']
    """
    source = next(iter(settings.sources()), "")
    if is_placeless(source):
        return EXPORTS / (re.sub(r"[^\w.]+", "_", settings.source_name()).strip("_.") or "study")
    path = Path(os.path.abspath(source)) if source else Path()  # noqa: PTH100 - not links
    if not path.exists() and has_magic(source):
        plain = (each for each in Path(source).parts[-2::-1] if _is_plain(each))
        return EXPORTS / next(plain, "study")
    name = path.name
    for suffix in ("gz", "zst", "zip"):
        name = name.removesuffix(f".{suffix}")
    endings = (f".{suffix}" for reader in READERS.names() for suffix in READERS.get(reader).suffixes)
    name = name.removesuffix(next((each for each in endings if name.endswith(each)), ""))
    return EXPORTS / (name or "study")


def _is_plain(name: str) -> bool:
    return name not in {"/", ".", ".."} and not has_magic(name)


def run_batch(
    settings: Settings,
    *,
    on_progress: ProgressCallback = ignore_progress,
    on_notice: Callable[[str], None] = lambda _text: None,
) -> FinishedRun:
    """Do the whole job and write its files into a study folder; go on with a run of it that was stopped.

    Parameters
    ----------
    settings : Settings
    on_progress : callable
    on_notice : callable
        Gets a sentence when a run is taken up again, or stopped so that it can be.

    Returns
    -------
    FinishedRun

    Raises
    ------
    DataError, UnknownNameError, ModelingError, SimulationError
        Before anything is written, if the source or the settings are wrong.
    ExportError
        If the study folder cannot be written.
    """
    return do_run(BATCH, settings, on_progress=on_progress, on_notice=on_notice)


def run_simulation(
    settings: Settings,
    *,
    on_progress: ProgressCallback = ignore_progress,
    on_notice: Callable[[str], None] = lambda _text: None,
) -> FinishedRun:
    """Simulate every scenario and keep the run in the study, without a deck; otherwise as ``run_batch``."""
    return do_run(SIMULATION, settings, on_progress=on_progress, on_notice=on_notice)


def do_run(
    job: Job,
    settings: Settings,
    *,
    folder: Path | None = None,
    on_progress: ProgressCallback = ignore_progress,
    on_notice: Callable[[str], None] = lambda _text: None,
) -> FinishedRun:
    """Do a job as ``run_batch`` does.

    Parameters
    ----------
    job : Job
    settings : Settings
    folder : Path, optional
        Of the run, where there is one already; it is held, and stays whatever becomes of it.
    on_progress, on_notice : callable
    """
    began, study = datetime.now(UTC), study_folder(settings)
    scenarios = [each.name for each in settings.effective_scenarios()]
    with Journal(begin_line(job, settings), folder) as journal:
        observer = RunObserver(journal, scenarios)
        report, notice = _both(on_progress, observer), _noted(on_notice, journal)
        prepared = prepare_log(settings, rejects=_rejects_beside(study, settings), on_progress=report)
        check_settings(settings, prepared)
        observer.funnel = tuple(step.step for step in prepared.funnel)
        for source in settings.sources():
            check_study(study, Path(source))
        with ExitStack() as stack:
            with locked(make_folder(study), _MOMENT):
                kept = kept_personas_of(settings, study)
                inside = replace(settings, output=str(study), personas=kept)
                run = stack.enter_context(open_run(study, began, _recipe(inside, prepared), notice, folder))
                if folder is None:
                    journal.open(run.folder)
                files = write_request(run.folder, settings, kept)
            result = run_study(inside, prepared, store=run.blocks, on_progress=report)
            files += _write_files(settings.branding, result, run.folder, job.written, report)
            without = result.report.lead.experiment.without
            manifest = build_manifest(settings, run.folder, files, began, without=without)
            write_json(run.folder / MANIFEST, manifest)
        with locked(study, _LONG):
            _publish(run.folder, study, job.published)
            if not kept.settled_for_good:
                keep_personas(study, result.fit.found, prepared.facts.fingerprint)
    return FinishedRun(
        result=result,
        settings=settings,
        study=study,
        folder=run.folder,
        files=tuple(study / name for name in (*PROMISED, REJECTS) if (study / name).exists()),
    )


def begin_line(job: Job, settings: Settings) -> Line:
    """Return what a run is asked for, besides what its settings file holds."""
    done_again = settings.personas is not None and settings.personas.settled_for_good
    return {"verb": job.verb, "workers": settings.workers, "remembers": not done_again}


def study_folder(settings: Settings) -> Path:
    """Return the study that a run of some settings belongs to."""
    return Path(settings.output) if settings.output else default_output(settings)


def kept_personas_of(settings: Settings, study: Path) -> KeptPersonas:
    """Return what is settled about the personas: with the run that is done again, or in its study."""
    return read_kept_personas(study) if settings.personas is None else settings.personas


def write_request(run: Path, settings: Settings, kept: KeptPersonas) -> tuple[str, ...]:
    """Write into a run all that it is asked to do; return the files."""
    write_text(run / RUN_FILE, settings_text(settings))
    return RUN_FILE, *_keep_settled(kept, run)


def _noted(on_notice: Callable[[str], None], journal: Journal) -> Callable[[str], None]:
    def notice(text: str) -> None:
        journal.write({"note": text})
        on_notice(text)

    return notice


def _rejects_beside(study: Path, settings: Settings) -> Path | None:
    """Return where the rows go that stop a run; the study itself stays as its last run left it."""
    whole = study.resolve()
    path = whole.parent / f"{whole.name}_{REJECTS}"
    return None if path in {Path(each).resolve() for each in settings.sources()} else path


def _keep_settled(kept: KeptPersonas, run: Path) -> tuple[str, ...]:
    """Write what settled the names and the order of the personas into the run; return the files."""
    files = [write_reference(run, each) for each in kept.references]
    if kept.personas:
        files.append(write_kept_personas(run, kept.personas))
    return tuple(str(path.relative_to(run)) for path in files)


def _recipe(settings: Settings, prepared: PreparedLog) -> dict[str, Any]:
    """Return all that the blocks of a run depend on."""
    kept = settings.personas
    reference = kept and kept.reference(settings.unit)
    return {
        "version": __version__,
        "libraries": libraries(),
        "fingerprint": prepared.facts.fingerprint,
        "settings": settings_text(settings),
        "personas": tables_of(kept.personas) if kept else [],
        "reference": reference.digest() if reference else None,
    }


def _both(first: ProgressCallback, second: ProgressCallback) -> ProgressCallback:
    def report(progress: Progress) -> None:
        second(progress)
        first(progress)

    return report


def _write_files(
    branding: Branding, result: StudyResult, folder: Path, wanted: tuple[str, ...], tell: ProgressCallback
) -> tuple[str, ...]:
    report, rejects = result.report, result.prepared.log.quality.rejects
    writers: dict[str, Callable[[Path], object]] = {
        "persona_summary.csv": lambda path: write_text(path, to_csv(persona_table(report.personas))),
        "experiment_results.csv": lambda path: write_text(path, to_csv(scenario_table(report.scenarios))),
        "simulation_report.pptx": lambda path: export_powerpoint(report, path, branding=branding),
        "result.json": lambda path: write_json(path, result.document),
    }
    if rejects.height:
        writers[REJECTS] = lambda path: write_text(path, to_csv(rejects))
    names = tuple(name for name in writers if name in wanted)
    for done, name in enumerate(names, start=1):
        writers[name](folder / name)
        tell(Progress(stage="export", done=done, total=len(names)))
    return names


def settings_text(settings: Settings) -> str:
    """Return settings as TOML: the source and tables with whole paths; not where and how the run was made."""
    import tomli_w  # noqa: PLC0415 - only writing needs it

    kept = {name: value for name, value in settings.as_toml().items() if name not in {"output", "workers"}}
    if places := settings.branding.whole_paths():
        kept["report"] |= places
    if settings.prepare:
        kept["prepare"] = list(settings.prepare_placed())
    return WRITTEN + tomli_w.dumps({**kept, "events": one_or_several(settings.source_places())})


def check_study(study: Path, source: Path) -> None:
    """Refuse a folder in which a run would overwrite what is not its own.

    Raises
    ------
    SimulationError
        If the source is one of the files to write, or such a file is there without a study.
    """
    if source.resolve().parent == study.resolve() and source.name in PUBLISHED:
        raise SimulationError(
            f"The log '{source}' is where the run would write its own file.", hint="Choose another --output."
        )
    taken = [name for name in PUBLISHED if (study / name).exists()]
    if taken and not (study / STUDY_FILE).exists():
        raise SimulationError(
            f"'{study}' is no study, and holds a '{taken[0]}' that would be overwritten.",
            hint="Choose another --output.",
        )


def _publish(folder: Path, study: Path, names: tuple[str, ...]) -> None:
    """Copy files of a finished run to the top of its study, together; with them its settings.

    A run that leaves nothing there leaves the settings alone too, unless it made the study.
    """
    copies = {study / name: folder / name for name in names if (folder / name).exists()}
    kept = study / STUDY_FILE
    if not kept.exists() or (names and kept.read_text(encoding="utf-8").startswith(WRITTEN)):
        copies[kept] = folder / RUN_FILE
    replace_all(copies)
    if REJECTS in names and study / REJECTS not in copies:
        (study / REJECTS).unlink(missing_ok=True)
