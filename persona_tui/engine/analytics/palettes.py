"""Colours, light and dark, by what they mean."""

from __future__ import annotations

from typing import Final

PALETTES: Final = {
    "light": {
        "text": "#1f2933",
        "quiet": "#5b6673",
        "ground": "#ffffff",
        "panel": "#f3f5f7",
        "rule": "#d5dae0",
        "control": "#7c8896",
        "treatment": "#c2410c",
        "good": "#2f7d4f",
        "harm": "#b3261e",
        "band": "rgba(91, 102, 115, 0.28)",
        "lost": "rgba(179, 38, 30, 0.28)",
        "link": "#1b4f8a",
    },
    "dark": {
        "text": "#e6e9ed",
        "quiet": "#a3adb8",
        "ground": "#14181d",
        "panel": "#1d232a",
        "rule": "#38424d",
        "control": "#93a1b0",
        "treatment": "#f08a4b",
        "good": "#6cc08b",
        "harm": "#f2857c",
        "band": "rgba(163, 173, 184, 0.3)",
        "lost": "rgba(242, 133, 124, 0.3)",
        "link": "#8ab8ee",
    },
}
"""Colours by the names that figures and the page call them by."""
