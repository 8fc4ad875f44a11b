"""How a report is dressed: whose it is, a logo, an accent colour, and the deck whose layouts it takes."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from persona_tui.engine.errors import ExportError

ACCENT_PATTERN: Final = "^#[0-9a-fA-F]{6}$"
_PICTURES: Final = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""How the files of a logo begin, and their type."""
_MOST_BYTES: Final = 2_000_000
"""A logo is part of the page, which is to stay under 6 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branding:
    """What makes a report look like that of its house; everything can be left out.

    Parameters
    ----------
    author : str
        Kept as the author of the file.
    logo : str
        Path of a PNG or JPEG picture, shown on the title.
    accent : str
        ``#rrggbb``, of what stands out; that of the program where empty.
    template : str
        Path of a deck whose layouts, fonts, size and theme colours are taken.
    """

    author: str = ""
    logo: str = ""
    accent: str = ""
    template: str = ""

    def fault(self) -> str:
        """Return what is wrong with the accent, empty where nothing is."""
        if not self.accent or re.match(ACCENT_PATTERN, self.accent):
            return ""
        return f"accent == '{self.accent}', must be a colour such as #0b6e4f."

    def colour(self) -> str:
        """Return the accent, empty where there is none.

        Raises
        ------
        ExportError
            If it is no colour.
        """
        if fault := self.fault():
            raise ExportError(
                fault, hint="Six digits of hexadecimal after a #, two each of red, green, blue."
            )
        return self.accent

    def beside(self, file: Path) -> Branding:
        """Return it with relative paths taken as beside a file."""
        logo, template = (
            str(file.resolve().parent / path) if path else "" for path in (self.logo, self.template)
        )
        return replace(self, logo=logo, template=template)

    def whole_paths(self) -> dict[str, str]:
        """Return the paths that are given as files keep them, by name."""
        given = {"logo": self.logo, "template": self.template}
        return {name: str(Path(path).resolve()) for name, path in given.items() if path}

    def picture(self) -> tuple[str, bytes] | None:
        """Return the type of the logo's picture and its bytes; None where there is none.

        Raises
        ------
        ExportError
            If it cannot be read, is no PNG or JPEG, or is larger than 2 MB.
        """
        if not self.logo:
            return None
        try:
            content = Path(self.logo).read_bytes()
        except OSError as fault:
            raise ExportError(
                f"The logo '{self.logo}' cannot be read: {fault.strerror or fault}.",
                hint="Name another picture, or take logo out of [report].",
            ) from None
        kind = next((kind for mark, kind in _PICTURES.items() if content.startswith(mark)), None)
        if kind is None or len(content) > _MOST_BYTES:
            what = "is no PNG or JPEG" if kind is None else "is larger than 2 MB"
            raise ExportError(
                f"The logo '{self.logo}' {what}.", hint="Name a PNG or JPEG picture of at most 2 MB."
            )
        return kind, content


HOUSE: Final = Branding()
"""The style of the program itself."""
