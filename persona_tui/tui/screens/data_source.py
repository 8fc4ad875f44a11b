"""Where a log is chosen: a path, a file of a tree, a recent source, the sample, or a database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import DirectoryTree, Input, OptionList, Static
from textual.widgets.option_list import Option

from persona_tui.engine.data.readers.sql_urls import redact
from persona_tui.engine.errors import PersonaError
from persona_tui.engine.text import printable
from persona_tui.study.options import Settings
from persona_tui.tui.recent import recent_sources, sample_source
from persona_tui.tui.screens.dialog import Dialog
from persona_tui.tui.widgets.source_picker import LogTree, PathSuggester
from persona_tui.tui.workspace import settings_of_source

HINT: Final = (
    "A file, folder, pattern (logs/*.csv.gz) or study; right completes, tab goes to the lists.\n"
    "A database: duckdb:///shop.db#events, sqlite:///shop.db#events, postgresql://ann@host/shop#events"
)


class SourceScreen(Dialog[Settings]):
    """Asks for a source, and looks whether it can be opened before it closes with its settings."""

    class Opened(Message):
        """The source can be read."""

        def __init__(self, settings: Settings) -> None:
            super().__init__()
            self.settings = settings

    class Refused(Message):
        """The source cannot be read."""

        def __init__(self, fault: PersonaError) -> None:
            super().__init__()
            self.fault = fault

    def __init__(self, source: str, defaults: Mapping[str, Any], folder: Path | None = None) -> None:
        super().__init__()
        self._source, self._defaults, self._folder = source, defaults, folder

    def compose(self) -> ComposeResult:
        """Build the field, the sources that are known, and the tree."""
        with Vertical(classes="dialog wide"):
            yield Static("Open a log or a study (enter opens)", markup=False)
            yield Input(redact(self._source), suggester=PathSuggester(), id="source")
            yield Static(id="refused", classes="fault", markup=False)
            yield Static(HINT, classes="hint", markup=False)
            with Horizontal(id="known"):
                yield OptionList(*self._options(), id="recent", markup=False, compact=True)
                yield LogTree(_folder_of(self._source), id="files")

    def _options(self) -> list[Option]:
        sample = sample_source()
        options = [Option(Content("Sample log"), id=sample)] if sample else []
        recent = [each for each in recent_sources(self._folder) if each != sample]
        options += [Option(Content(printable(each)), id=each) for each in recent]
        return options or [Option("Recent sources will stand here.", disabled=True)]

    def on_mount(self) -> None:
        """Begin in the field."""
        self.query_one(Input).focus()

    @on(Input.Submitted)
    def _take_typed(self, submitted: Input.Submitted) -> None:
        self._take(submitted.value)

    @on(OptionList.OptionSelected)
    def _take_known(self, selected: OptionList.OptionSelected) -> None:
        self._take(selected.option_id or "")

    @on(DirectoryTree.FileSelected)
    def _take_file(self, selected: DirectoryTree.FileSelected) -> None:
        self._take(str(selected.path))

    def _take(self, typed: str) -> None:
        source = typed.strip()
        field = self.query_one(Input)
        if field.value.strip() != source:
            field.value = redact(source)
        refused = self.query_one("#refused", Static)
        if not source:
            refused.update("Name a log; the sample is in the list below.")
            return
        if source == "-":
            refused.update("Standard input is the keyboard here; name a file.")
            return
        refused.update("Looking …")
        self._look(self._source if source == redact(self._source) else source)

    @work(thread=True, exclusive=True, exit_on_error=False, group="look")
    def _look(self, source: str) -> None:
        from persona_tui.engine.data.readers.sources import open_source  # noqa: PLC0415 - 0.2 s: polars

        place = source if "://" in source else str(Path(source).expanduser())
        try:
            settings = settings_of_source(place, self._defaults)
            open_source(settings.sources())
        except PersonaError as fault:
            self.post_message(self.Refused(fault))
        except (OSError, RuntimeError) as fault:
            self.post_message(self.Refused(PersonaError(f"'{redact(source)}' cannot be opened: {fault}.")))
        else:
            self.post_message(self.Opened(settings))

    @on(Opened)
    def _close(self, opened: Opened) -> None:
        self.dismiss(opened.settings)

    @on(Refused)
    def _say(self, refused: Refused) -> None:
        fault = refused.fault
        told = printable(" ".join(filter(None, (fault.message, fault.hint))).replace("\n", " "))
        self.query_one("#refused", Static).update(told)
        self.query_one(Input).focus()


def _folder_of(source: str) -> Path:
    """Return the folder that the tree begins at: that of the log which is open, else the current one."""
    path = Path(source).expanduser()
    near = path.parent if source and "://" not in source else Path()
    return near.resolve() if near.is_dir() else Path.cwd()
