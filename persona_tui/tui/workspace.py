"""What the screens share: the settings of the study as they are edited, with every edit before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from persona_tui.engine.errors import PersonaError
from persona_tui.study.options import Settings
from persona_tui.study.store import make_folder, write_text

SCHEMA: Final = "persona-tui/session/2"
MOST_EDITS: Final = 200
"""Kept of one session; the oldest make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """The settings after an edit, and what it was.

    Parameters
    ----------
    what : str
        In words; empty for how the session began.
    settings : Settings
    """

    what: str
    settings: Settings


@dataclass(slots=True, kw_only=True)
class View:
    """Where the analyst was, so that the next session begins there.

    Parameters
    ----------
    screen : str
    details : dict
        What screens remember of themselves, by their name: a tab, a persona.
    """

    screen: str = "data"
    details: dict[str, dict[str, Any]] = field(default_factory=dict)


class Workspace:
    """The settings that are worked on, their history, and where they are kept.

    Every change is written to the folder of sessions at once, so that a session that is killed goes on where
    it was.

    Parameters
    ----------
    settings : Settings
        How the session begins: those of the study, or of a log.
    folder : Path, optional
        Of the sessions; nothing is remembered without it.
    """

    def __init__(self, settings: Settings, *, folder: Path | None = None) -> None:
        self._edits = [Edit(what="", settings=settings)]
        self._at = 0
        self._held = settings
        self.view = View()
        self._folder = folder

    @property
    def settings(self) -> Settings:
        """Return the settings as they are now."""
        return self._edits[self._at].settings

    @property
    def folder(self) -> Path | None:
        """Return the folder of the sessions, None where nothing is remembered."""
        return self._folder

    @property
    def study(self) -> Path | None:
        """Return the folder of the study, None where a log is open that is none."""
        kept = self.settings.personas
        return kept.folder if kept is not None else None

    @property
    def saved(self) -> Settings | None:
        """Return the settings as the study holds them, None where a log is open that is none."""
        return self._held if self._held.personas is not None else None

    @property
    def place(self) -> str:
        """Return where what is open is kept: the study, else the log; no passwords."""
        began = self._edits[0].settings
        return str(began.personas.folder.resolve()) if began.personas else "\n".join(began.source_places())

    @property
    def is_unsaved(self) -> bool:
        """Return whether there are edits that no study holds."""
        return self.settings.as_toml() != self._held.as_toml()

    @property
    def done(self) -> tuple[str, ...]:
        """Return the edits that can be taken back, the last one last."""
        return tuple(each.what for each in self._edits[1 : self._at + 1])

    def edit(self, what: str, **values: Any) -> Settings:  # noqa: ANN401 - of any setting
        """Change some settings; what was taken back before is forgotten.

        Raises
        ------
        PersonaError
            If the settings make no sense; nothing is changed then.
        """
        changed = replace(self.settings, **values)
        if changed.as_toml() != self.settings.as_toml():
            self._edits = [*self._edits[: self._at + 1], Edit(what=what, settings=changed)][-MOST_EDITS:]
            self._at = len(self._edits) - 1
            self.remember()
        return changed

    def undo(self) -> str | None:
        """Take back the last edit and return what it was, None where there is none."""
        if not self._at:
            return None
        self._at -= 1
        self.remember()
        return self._edits[self._at + 1].what

    def redo(self) -> str | None:
        """Do again the edit that was taken back last and return what it was, None where there is none."""
        if self._at + 1 >= len(self._edits):
            return None
        self._at += 1
        self.remember()
        return self._edits[self._at].what

    def would_replace(self, folder: Path) -> bool:
        """Return whether to save there would replace settings of a study that this session has never had."""
        from persona_tui.study.config import STUDY_FILE, read_settings  # noqa: PLC0415 - not before the first frame
        from persona_tui.study.runs import settings_text  # noqa: PLC0415 - 0.4 s, imports the engine

        path = folder / STUDY_FILE
        if not path.is_file():
            return False
        try:
            held = settings_text(Settings(**read_settings(path)))
        except PersonaError:
            return True
        return all(settings_text(each) != held for each in (self._held, *(e.settings for e in self._edits)))

    def save(self, folder: Path) -> Path:
        """Write the study file, which no run replaces, and return its path; edits can still be taken back.

        Raises
        ------
        ExportError
            If it cannot be written.
        """
        from persona_tui.study.config import STUDY_FILE, read_settings  # noqa: PLC0415 - not before the first frame
        from persona_tui.study.runs import WRITTEN, settings_text  # noqa: PLC0415 - 0.4 s, imports the engine

        path = make_folder(folder) / STUDY_FILE
        write_text(path, settings_text(self.settings).removeprefix(WRITTEN))
        again = Settings(**read_settings(path))
        self._edits = [
            replace(each, settings=replace(each.settings, output=again.output, personas=again.personas))
            for each in self._edits
        ]
        self._edits[self._at] = replace(self._edits[self._at], settings=again)
        self._held = again
        self.remember()
        return path

    def open(self, settings: Settings) -> None:
        """Begin anew with another source or study."""
        self.__init__(settings, folder=self._folder)  # type: ignore[misc]
        self.resume()

    def remember(self) -> None:
        """Write the session to its folder."""
        if self._folder is None or not self.settings.events:
            return
        document = {
            "schema": SCHEMA,
            "source": "\n".join(self._edits[0].settings.source_places()),
            "held": self._held.as_toml(),
            "edits": [{"what": each.what, "settings": each.settings.as_toml()} for each in self._edits],
            "at": self._at,
            "screen": self.view.screen,
            "details": self.view.details,
        }
        write_text(self._path(), json.dumps(document))

    def resume(self) -> bool:
        """Take up the session that was remembered of the same source or study; return whether there was one.

        One that cannot be read, or whose study has other settings now than it had then, is passed over.
        """
        if self._folder is None or not self._path().is_file():
            return False
        began = self._edits[0].settings
        try:
            document = json.loads(self._path().read_text(encoding="utf-8"))
            edits = [_edit(each, began) for each in document["edits"]]
            held = _edit({"what": "", "settings": document["held"]}, began).settings
            if document["schema"] != SCHEMA or held.as_toml() != began.as_toml():
                return False
            at = min(max(int(document["at"]), 0), len(edits) - 1)
            view = View(screen=str(document["screen"]), details=dict(document["details"]))
        except (OSError, ValueError, LookupError, TypeError):
            return False
        self._edits, self._at, self.view = edits, at, view
        return True

    def _path(self) -> Path:
        assert self._folder is not None
        make_folder(self._folder)
        return self._folder / f"{hashlib.sha256(self.place.encode()).hexdigest()[:24]}.json"


def _edit(kept: Mapping[str, Any], began: Settings) -> Edit:
    """Return an edit as it was remembered; where the study is and what it knows is not an edit's."""
    from persona_tui.study.config import settings_from_toml  # noqa: PLC0415 - where there is a session

    settings = replace(
        settings_from_toml(kept["settings"]),
        output=began.output,
        personas=began.personas,
        workers=began.workers,
    )
    return Edit(what=str(kept["what"]), settings=settings)


def settings_of_source(source: str, defaults: Mapping[str, Any]) -> Settings:
    """Return the settings of a study, or those of a log with the analyst's own defaults.

    Raises
    ------
    PersonaError
        If the study's file, or a default, makes no sense.
    """
    if source:
        from persona_tui.study.config import read_settings, settings_file  # noqa: PLC0415 - not with no log

        file = settings_file(source)
        if file is not None:
            return Settings(**read_settings(file))
    return Settings(**{**defaults, "events": source})
