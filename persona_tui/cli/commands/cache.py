"""``persona-tui cache``: what is kept of logs between commands."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from persona_tui.cli import output
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError, unknown_name
from persona_tui.engine.text import LONGEST_NAME
from persona_tui.study.declared import option
from persona_tui.study.options import Settings

if TYPE_CHECKING:
    from persona_tui.study.leftovers import Leftover
    from persona_tui.study.prepared_logs import KeptLog

LIST, CLEAR = "list", "clear"


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRequest:
    """What is to be cleared, and where."""

    study: str = option(
        "--study",
        default="",
        metavar="DIR",
        shown_default="what is kept with the user",
        help="The study whose cache is meant.",
    )
    older_than: float = option(
        "--older-than",
        default=0.0,
        low=0.0,
        metavar="DAYS",
        shown_default="all",
        help="Clear only logs that were not used for so many days.",
    )
    dry_run: bool = option("--dry-run", default=False, help="Say what would be cleared, and clear nothing.")


def _cache(settings: Settings, presentation: Presentation, request: CacheRequest) -> None:
    action = settings.source_shown() or LIST
    if action not in {LIST, CLEAR}:
        raise SimulationError(str(unknown_name("action", action, (LIST, CLEAR))))
    if request.older_than < 0:
        raise SimulationError(f"--older-than == {request.older_than:g}, must be >= 0.")
    from persona_tui.study.cache_folders import cache_root  # noqa: PLC0415 - 0.6 s with the engine
    from persona_tui.study.leftovers import clear_leftovers, leftovers  # noqa: PLC0415 - as above
    from persona_tui.study.prepared_logs import clear_logs, kept_logs  # noqa: PLC0415 - as above

    root = cache_root(request.study)
    if action == LIST:
        found, left = kept_logs(root), leftovers()
    else:
        found = clear_logs(root, older_than_days=request.older_than, dry_run=request.dry_run)
        left = leftovers() if request.dry_run else clear_leftovers()
    if presentation.as_json:
        output.write_json(_document(action, root, found, left))
    else:
        _print(action, root, found, left, dry_run=request.dry_run)


def _document(action: str, root: Path, found: list[KeptLog], left: list[Leftover]) -> dict[str, Any]:
    logs = [
        {
            "source": each.source,
            "events": each.n_events,
            "bytes": each.n_bytes,
            "kept_at": each.kept_at,
            "used_at": each.used_at,
            "folder": str(each.folder),
        }
        for each in found
    ]
    total = sum(each.n_bytes for each in found)
    return {
        "schema": "persona-tui/cache/1",
        "action": action,
        "root": str(root),
        "bytes": total,
        "logs": logs,
        "leftovers": [{"folder": str(each.folder), "bytes": each.n_bytes} for each in left],
    }


def _print(action: str, root: Path, found: list[KeptLog], left: list[Leftover], *, dry_run: bool) -> None:
    page = output.Page()
    done = "kept" if action == LIST else "that would be cleared" if dry_run else "cleared"
    page.table(
        ("log", "events", "size", "kept", "last used"),
        [
            (
                ending(each.source),
                f"{each.n_events:,}",
                output.size_text(each.n_bytes),
                _ago(each.kept_at),
                _ago(each.used_at),
            )
            for each in found
        ],
    )
    total = output.size_text(sum(each.n_bytes for each in found))
    logs = "prepared log" if len(found) == 1 else "prepared logs"
    page.sentence(f"{len(found)} {logs} {done}, {total}, in {root}.")
    if left:
        folders = "temporary folder" if len(left) == 1 else "temporary folders"
        size = output.size_text(sum(each.n_bytes for each in left))
        told = "left by killed programs" if action == LIST else f"of killed programs {done}"
        page.sentence(f"{len(left)} {folders} {told}, {size}, in {left[0].folder.parent}.")
    page.print()


def ending(source: str) -> str:
    """Return a source so short that a table shows all of it, cut in front where it is told apart least.

    Examples
    --------
    >>> ending("logs/a.csv"), ending("/home/ann/projects/shop/exports/2026/march/events.parquet")
    ('logs/a.csv', '…/shop/exports/2026/march/events.parquet')
    """
    excess = len(source) - LONGEST_NAME
    return f"…{source[excess + 1 :]}" if excess > 0 else source


def _ago(moment: float) -> str:
    minutes = max(0, int(time.time() - moment) // 60)
    if not minutes:
        return "just now"
    if minutes < 120:
        return f"{minutes} min ago"
    return f"{minutes // 60} h ago" if minutes < 2_880 else f"{minutes // 1_440} days ago"


VERB = Verb(
    name="cache",
    help="List or clear prepared logs, which are kept so that the next start is immediate. They hold users' "
    "ids, and are readable by you alone. PERSONA_TUI_CACHE_DIR says where, PERSONA_TUI_CACHE_SIZE how much.",
    options=(),
    argument="list, or clear.",
    run=_cache,
    presentation=("as_json",),
    request=CacheRequest,
    metavar="ACTION",
)
