"""Whether what a user runs outlives their login."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Final

_FOLDERS: Final = ("usr/lib/systemd", "run/systemd", "etc/systemd")
"""Where the settings of logins are, the weakest first."""
_FILE: Final = "logind.conf"
_OPTION: Final = "KillUserProcesses"
_YES: Final = frozenset({"1", "yes", "y", "true", "t", "on"})


def kills_at_logout(root: Path = Path("/")) -> bool | None:
    """Return whether the system ends the processes of a user who logs out, tmux among them.

    Parameters
    ----------
    root : Path
        Of the file system.

    Returns
    -------
    bool or None
        None where no settings are found, or none says so.

    Notes
    -----
    Of systemd-logind: a drop-in goes before the main file, by its name, and one in ``/etc`` before that of
    the same name in ``/run`` and ``/usr/lib``. What is a comment in the main file is what it was built with.
    """
    mains = [root / folder / _FILE for folder in _FOLDERS if (root / folder / _FILE).is_file()]
    drop_ins: dict[str, Path] = {}
    for folder in _FOLDERS:
        drop_ins |= {path.name: path for path in (root / folder / f"{_FILE}.d").glob("*.conf")}
    files = [*mains[-1:], *(drop_ins[name] for name in sorted(drop_ins))]
    said = [told for path in files if (told := _told(path))]
    built_with = [told for path in mains[-1:] if (told := _told(path, built_with=True))]
    decisive = (said or built_with)[-1:]
    return decisive[0].casefold() in _YES if decisive else None


def _told(path: Path, *, built_with: bool = False) -> str:
    """Return what a file says of the option, empty where it says nothing."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        parser.read_string(text.replace(f"#{_OPTION}", _OPTION) if built_with else text)
    except (OSError, configparser.Error):
        return ""
    return parser.get("Login", _OPTION, fallback="") or ""
