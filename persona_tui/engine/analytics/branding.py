"""How a report is dressed: whose it is, a logo, an accent colour, and the deck whose layouts it takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


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


HOUSE: Final = Branding()
"""The style of the program itself."""
