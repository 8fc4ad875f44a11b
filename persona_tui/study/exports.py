"""Reports that leave a study: which formats, into which folder, and what is there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from persona_tui.engine.analytics.exporters import EXPORTERS, Exported
from persona_tui.engine.progress import Progress, ProgressCallback, ignore_progress
from persona_tui.study.options import Settings
from persona_tui.study.runs import default_output, kept_personas_of, write_request
from persona_tui.study.store import make_folder
from persona_tui.study.study import StudyResult

FOLDER: Final = "exports"
"""Inside a study."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedFile:
    """A file that left a study.

    Parameters
    ----------
    path : Path
    size : int
        Bytes.
    written : datetime
        UTC.
    """

    path: Path
    size: int
    written: datetime


def export_folder(settings: Settings) -> Path:
    """Return where the reports of a study, or of a log that is none, go unless another folder is named."""
    study = Path(settings.output) if settings.output else default_output(settings)
    return study / FOLDER


def export_report(
    settings: Settings,
    result: StudyResult,
    formats: Sequence[str],
    folder: Path,
    *,
    on_progress: ProgressCallback = ignore_progress,
) -> tuple[Path, ...]:
    """Write a report in some formats.

    Parameters
    ----------
    settings : Settings
        Of the result.
    result : StudyResult
    formats : sequence of str
        Names in ``EXPORTERS``.
    folder : Path
        Made where it is missing.
    on_progress : callable

    Returns
    -------
    tuple of Path
        Every file appears whole or not at all; one that is there is replaced.

    Raises
    ------
    UnknownNameError
        If there is no such format; nothing is written then.
    ExportError
        If a file cannot be written.
    """
    exporters = [EXPORTERS.get(name) for name in formats]
    make_folder(folder)
    exported = Exported(
        report=result.report,
        document=result.document,
        request=_request(settings),
        branding=settings.branding,
    )
    written: list[Path] = []
    for done, exporter in enumerate(exporters):
        on_progress(Progress(stage=f"export {formats[done]}", done=done, total=len(exporters)))
        written += exporter(exported, folder)
    return tuple(written)


def _request(settings: Settings) -> dict[str, bytes]:
    """Return the files, by name, of a folder that asks for the same report again."""
    with TemporaryDirectory() as place:
        names = write_request(
            Path(place), settings, kept_personas_of(settings, export_folder(settings).parent)
        )
        return {name: (Path(place) / name).read_bytes() for name in names}


def exported_files(folder: Path) -> tuple[ExportedFile, ...]:
    """Return the files that left a study, the newest first."""
    if not folder.is_dir():
        return ()
    files = [
        ExportedFile(
            path=path,
            size=path.stat().st_size,
            written=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        )
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".")
    ]
    return tuple(sorted(files, key=lambda each: (each.written, each.path.name), reverse=True))
