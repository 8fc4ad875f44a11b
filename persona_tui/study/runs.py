"""A run: its folder, its progress on disk, and the files it promises."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Self

from persona_tui.engine.analytics.reporting import export_powerpoint
from persona_tui.engine.analytics.tables import persona_table, to_csv
from persona_tui.engine.params import format_names
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.engine.simulation.experiments import results_to_dataframe
from persona_tui.study.manifest import build_manifest
from persona_tui.study.options import Settings, options_by_name
from persona_tui.study.resources import available_workers
from persona_tui.study.store import locked, make_folder, new_run, write_json, write_text, write_whole
from persona_tui.study.study import StudyResult, check_settings, prepare_log, read_modification, run_study

PROMISED = (
    "persona_summary.csv",
    "experiment_results.csv",
    "result.json",
    "simulation_report.pptx",
    "manifest.json",
)
REJECTS = "rejects.csv"


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
        settings, resolved = self.settings, self.result.document["recipe"]["settings"]
        found = {**settings.as_toml(), **resolved}
        found["output"] = str(self.study)
        found["workers"] = settings.workers or available_workers()
        declared = options_by_name()
        return [
            f"{declared[name].metadata['flag']} {_as_argument(found[name])}"
            for name in settings.left_at_default()
            if found.get(name) not in (None, [], {})
        ]


def _as_argument(value: object) -> str:
    if isinstance(value, dict):
        return shlex.quote(" ".join(f"{part}={name}" for part, name in value.items()))
    if isinstance(value, list):
        return shlex.quote(format_names(value) if all(":" not in each for each in value) else " ".join(value))
    return shlex.quote(str(value))


class ProgressLog:
    """Progress as JSON lines in a file that others can follow."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._begin = monotonic()

    def __enter__(self) -> Self:
        self._file = self._path.open("a", encoding="utf-8", buffering=1)
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._file.close()

    def __call__(self, progress: Progress) -> None:
        """Append one report."""
        self._file.write(progress_line(progress, monotonic() - self._begin) + "\n")


def progress_line(progress: Progress, seconds: float) -> str:
    """Return one report as the JSON line that files and ``--progress json`` share."""
    return json.dumps(
        {
            "stage": progress.stage,
            "done": progress.done,
            "total": progress.total,
            "seconds": round(seconds, 3),
        }
    )


def default_output(settings: Settings) -> Path:
    """Return the study folder for a source that names none."""
    name = Path(settings.events).name
    for suffix in (".gz", ".csv", ".tsv", ".txt", ".parquet"):
        name = name.removesuffix(suffix)
    return Path("exports") / (name or "study")


def run_batch(settings: Settings, *, on_progress: ProgressCallback = ignore_progress) -> FinishedRun:
    """Do the whole job and write its files into a study folder.

    Parameters
    ----------
    settings : Settings
    on_progress : callable

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
    began = datetime.now(UTC)
    read_modification(settings)
    prepared = prepare_log(settings, on_progress=on_progress)
    check_settings(settings, prepared)
    study = make_folder(Path(settings.output) if settings.output else default_output(settings))
    with locked(study), new_run(study, began) as folder, ProgressLog(folder / "progress.jsonl") as log:
        report = _both(on_progress, log)
        result = run_study(settings, prepared, on_progress=report)
        files = _write_files(settings, result, folder, report)
        write_json(folder / "manifest.json", build_manifest(settings, folder, files, began))
        _publish(folder, study, settings)
    return FinishedRun(
        result=result,
        settings=settings,
        study=study,
        folder=folder,
        files=tuple(study / name for name in (*PROMISED, REJECTS) if (study / name).exists()),
    )


def _both(first: ProgressCallback, second: ProgressCallback) -> ProgressCallback:
    def report(progress: Progress) -> None:
        second(progress)
        first(progress)

    return report


def _write_files(
    settings: Settings, result: StudyResult, folder: Path, on_progress: ProgressCallback
) -> tuple[str, ...]:
    report = result.report
    writers: dict[str, Callable[[Path], object]] = {
        "run.toml": lambda path: write_text(path, settings_text(settings)),
        "persona_summary.csv": lambda path: write_text(path, to_csv(persona_table(report.personas))),
        "experiment_results.csv": lambda path: write_text(
            path, to_csv(results_to_dataframe(report.experiment))
        ),
        "simulation_report.pptx": lambda path: export_powerpoint(report, path),
        "result.json": lambda path: write_json(path, result.document),
    }
    rejects = result.prepared.log.quality.rejects
    if rejects.height:
        writers[REJECTS] = lambda path: write_text(path, to_csv(rejects))
    for done, (name, write) in enumerate(writers.items(), start=1):
        write(folder / name)
        on_progress(Progress(stage="export", done=done, total=len(writers)))
    return tuple(writers)


def settings_text(settings: Settings) -> str:
    """Return settings as TOML."""
    import tomli_w  # noqa: PLC0415 - only writing needs it

    return tomli_w.dumps(settings.as_toml())


def _publish(folder: Path, study: Path, settings: Settings) -> None:
    """Copy the promised files of a run to the top of its study; the manifest comes last."""
    write_text(study / "study.toml", settings_text(settings))
    if not (folder / REJECTS).exists():
        (study / REJECTS).unlink(missing_ok=True)
    for name in (REJECTS, *PROMISED):
        if (folder / name).exists():
            write_whole(study / name, partial(shutil.copyfile, folder / name))
