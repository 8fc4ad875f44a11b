"""Choose what to open: a path with completion, a folder tree, what was open lately, the sample."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Final

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.suggester import Suggester
from textual.widgets import DirectoryTree, Input, OptionList, Static
from textual.widgets.option_list import Option

from persona_tui.engine.text import printable

SAMPLE: Final = "sample"
_MOST_NAMES: Final = 20_000


class PathSuggester(Suggester):
    """Completes the path of a file or folder."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """Return the first path that goes on from what is typed."""
        return None if "://" in value else await asyncio.to_thread(completed, value)


def completed(value: str) -> str | None:
    """Return the first path, in order of names, that begins as a text does; folders end with a slash."""
    if not value:
        return None
    folder, _, begun = value.rpartition("/")
    above = Path(f"{folder}/" if folder or value.startswith("/") else ".").expanduser()
    try:
        names = [each for _, each in zip(range(_MOST_NAMES), above.iterdir(), strict=False)]
    except OSError:
        return None
    found = sorted(each.name for each in names if each.name.startswith(begun) and each.name != begun)
    found = [each for each in found if begun.startswith(".") or not each.startswith(".")]
    if not found:
        return None
    path = f"{value[: len(value) - len(begun)]}{found[0]}"
    return f"{path}/" if (above / found[0]).is_dir() else path


class FolderTree(DirectoryTree):
    """A tree of folders without pictures, which not every terminal has."""

    ICON_NODE = "+ "
    ICON_NODE_EXPANDED = "- "
    ICON_FILE = "  "


class OpenScreen(ModalScreen[str | None]):
    """Asks for a source."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape", "dismiss(None)", "Cancel")]
    AUTO_FOCUS = "Input"

    def __init__(self, source: str, recent: Sequence[str]) -> None:
        super().__init__()
        self._source, self._recent = source, recent

    def compose(self) -> ComposeResult:
        """Build the field, the tree and the list."""
        with Vertical(classes="dialog wide", id="open"):
            yield Static(
                "A file, a folder, a glob such as logs/*.parquet, a study, or a database: "
                "duckdb://file.db#table, sqlite://…, postgresql://host/db#table "
                "(→ completes, enter opens, escape cancels).",
                markup=False,
            )
            yield Input(self._source, placeholder="path or URL", suggester=PathSuggester(), compact=True)
            yield Static(id="fault", classes="fault", markup=False)
            with Horizontal(id="choices"):
                yield FolderTree(self._begin())
                yield OptionList(*self._listed(), markup=False, compact=True)

    def _begin(self) -> Path:
        path = Path(self._source) if self._source and "://" not in self._source else Path.cwd()
        return path if path.is_dir() else path.parent if path.parent.is_dir() else Path.cwd()

    def _listed(self) -> list[Option]:
        return [
            Option(Content("the sample: a signup funnel of 5 000 users"), id=SAMPLE),
            *(Option(Content(printable(each)), id=f"recent-{n}") for n, each in enumerate(self._recent)),
        ]

    @on(Input.Submitted)
    def open_typed(self, submitted: Input.Submitted) -> None:
        """Open what is typed, unless there is no such thing."""
        self._open(submitted.value.strip())

    @on(DirectoryTree.FileSelected)
    def open_file(self, chosen: DirectoryTree.FileSelected) -> None:
        """Open the chosen file."""
        self._open(str(chosen.path))

    @on(DirectoryTree.DirectorySelected)
    def name_folder(self, chosen: DirectoryTree.DirectorySelected) -> None:
        """Put a chosen folder into the field: enter opens it as a whole."""
        self.query_one(Input).value = str(chosen.path)

    @on(OptionList.OptionSelected)
    def open_listed(self, chosen: OptionList.OptionSelected) -> None:
        """Open the sample or a recent source."""
        identifier = chosen.option_id or ""
        self._open(SAMPLE if identifier == SAMPLE else self._recent[int(identifier.removeprefix("recent-"))])

    def _open(self, source: str) -> None:
        is_glob = any(char in source for char in "*?[")
        if not source:
            self._say("Name a log to open.")
        elif (
            source != SAMPLE
            and "://" not in source
            and not is_glob
            and not Path(source).expanduser().exists()
        ):
            self._say(f"There is no '{source}'. Check the path; → completes it.")
        else:
            self.dismiss(source if "://" in source or source == SAMPLE else str(Path(source).expanduser()))

    def _say(self, fault: str) -> None:
        self.query_one("#fault", Static).update(Content(printable(fault)))


def sample_file(folder: Path | None) -> Path:
    """Return the sample log, written where sessions are kept when it is opened first."""
    from persona_tui.engine.data.samples import write_sample_csv  # noqa: PLC0415 - 0.3 s, loads polars
    from persona_tui.study.store import make_folder  # noqa: PLC0415 - with it

    path = make_folder((folder or Path(tempfile.mkdtemp())) / "samples") / "sample_events.csv"
    return path if path.is_file() else write_sample_csv(path)
