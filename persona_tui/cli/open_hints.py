"""How files that were written are looked at from where the analyst sits."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

_FIRST: Final = (".html", ".pptx", ".xlsx", ".md")
"""What is worth opening, the best first."""
_SSH_PORT: Final = "22"


def open_hint(paths: Sequence[Path], environment: Mapping[str, str]) -> str:
    """Return a command that brings files to the analyst over SSH, or opens the best of them here.

    Examples
    --------
    >>> open_hint([Path("/srv/a.md")], {"SSH_CONNECTION": "10.0.0.9 50022 10.0.0.5 22", "USER": "ada"})
    'To copy them, on your own machine: scp ada@10.0.0.5:/srv/a.md .'
    """
    whole = [path.resolve() for path in paths]
    connection = environment.get("SSH_CONNECTION", "").split()
    if len(connection) == 4:
        _, _, host, port = connection
        name = environment.get("LOGNAME") or environment.get("USER")
        place = f"{name}@" * bool(name) + (f"[{host}]" if ":" in host else host)
        sources = [shlex.quote(f"{place}:{path}") for path in whole]
        options = [] if port == _SSH_PORT else ["-P", port]
        return f"To copy them, on your own machine: {' '.join(['scp', *options, *sources, '.'])}"
    best = min(whole, key=lambda path: _FIRST.index(path.suffix) if path.suffix in _FIRST else len(_FIRST))
    opener = "open" if sys.platform == "darwin" else "xdg-open"
    return f"To look at {best.name}: {opener} {shlex.quote(str(best))}"
