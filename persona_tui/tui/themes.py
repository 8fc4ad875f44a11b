"""The themes of the app: what each colour means is the same in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

DARK: Final = Theme(
    name="persona-dark",
    primary="#7aa2f7",
    secondary="#a99df5",
    accent="#f0a95b",
    foreground="#d5dae4",
    background="#12151b",
    surface="#181c24",
    panel="#212732",
    success="#74c98b",
    warning="#e6c65c",
    error="#f2777f",
    dark=True,
    variables={
        "text-muted": "#98a2b3",
        "text-disabled": "#98a2b3",
        "input-selection-background": "#33476f",
        "footer-key-foreground": "#f0a95b",
        "border-blurred": "#394252",
        "block-cursor-background": "#7aa2f7",
        "block-cursor-foreground": "#12151b",
        "block-cursor-blurred-background": "#2b3547",
    },
)
LIGHT: Final = Theme(
    name="persona-light",
    primary="#1c58b8",
    secondary="#6544b5",
    accent="#9c4a00",
    foreground="#1d2430",
    background="#fbfaf7",
    surface="#f3f2ed",
    panel="#e7e6e0",
    success="#176b34",
    warning="#7a5600",
    error="#ad1f37",
    dark=False,
    variables={
        "text-muted": "#525a67",
        "text-disabled": "#525a67",
        "footer-key-foreground": "#9c4a00",
        "border-blurred": "#c4c3bb",
        "block-cursor-background": "#1c58b8",
        "block-cursor-foreground": "#ffffff",
        "block-cursor-blurred-background": "#d3dcec",
    },
)
CONTRAST: Final = Theme(
    name="persona-contrast",
    primary="#8cc2ff",
    secondary="#d0bfff",
    accent="#ffc766",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    success="#7dff9b",
    warning="#ffe45c",
    error="#ffa3ad",
    dark=True,
    variables={
        "text": "#ffffff",
        "text-muted": "#d4d4d4",
        "text-disabled": "#d4d4d4",
        "button-color-foreground": "#000000",
        "input-selection-background": "#33475c",
        "footer-key-foreground": "#ffc766",
        "border": "#ffffff",
        "border-blurred": "#a0a0a0",
        "block-cursor-background": "#ffe45c",
        "block-cursor-foreground": "#000000",
        "block-cursor-blurred-background": "#1f1f1f",
    },
)
# Neither ground nor text is known here: only colours that show on black and on white are used.
ANSI: Final = Theme(
    name="persona-ansi",
    primary="ansi_bright_blue",
    secondary="ansi_cyan",
    accent="ansi_magenta",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    dark=True,
    ansi=True,
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "text-muted": "ansi_default",
        "text-disabled": "ansi_default",
        "footer-key-foreground": "ansi_magenta",
        "border": "ansi_bright_blue",
        "border-blurred": "ansi_default",
        "block-cursor-background": "ansi_bright_blue",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-blurred-background": "ansi_default",
        "input-selection-foreground": "ansi_black",
    },
)
THEMES: Final = (DARK, LIGHT, CONTRAST, ANSI)
"""In the order in which a key goes through them."""


def register(app: App[Any]) -> None:
    """Give the app its themes."""
    for theme in THEMES:
        app.register_theme(theme)
