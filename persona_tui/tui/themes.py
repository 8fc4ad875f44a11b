"""The themes of the app: what each colour means is the same in all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from textual.theme import Theme

if TYPE_CHECKING:
    from textual.app import App

DARK: Final = Theme(
    name="persona-dark",
    primary="#6ea8fe",
    secondary="#9d8df1",
    accent="#ffb454",
    foreground="#d7dce5",
    background="#11151c",
    surface="#171c26",
    panel="#1f2633",
    success="#7bd88f",
    warning="#f4d35e",
    error="#ff7a85",
    dark=True,
    variables={"footer-key-foreground": "#ffb454", "block-cursor-text-style": "bold"},
)
LIGHT: Final = Theme(
    name="persona-light",
    primary="#1f5fbf",
    secondary="#6246b4",
    accent="#a85400",
    foreground="#1b2230",
    background="#fbfbf9",
    surface="#f2f2ee",
    panel="#e6e7e3",
    success="#1b7a3a",
    warning="#8a6100",
    error="#b3213a",
    dark=False,
    variables={"footer-key-foreground": "#a85400"},
)
CONTRAST: Final = Theme(
    name="persona-contrast",
    primary="#8cc2ff",
    secondary="#d0bfff",
    accent="#ffd166",
    foreground="#ffffff",
    background="#000000",
    surface="#000000",
    panel="#1a1a1a",
    success="#7dff9b",
    warning="#ffe45c",
    error="#ff9aa5",
    dark=True,
    variables={"text-muted": "#d0d0d0", "footer-key-foreground": "#ffd166", "border": "#ffffff"},
)
ANSI: Final = Theme(
    name="persona-ansi",
    primary="ansi_bright_blue",
    secondary="ansi_bright_magenta",
    accent="ansi_bright_yellow",
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
        "text-muted": "ansi_default",
        "text-primary": "ansi_bright_blue",
        "text-accent": "ansi_bright_yellow",
        "text-success": "ansi_green",
        "text-warning": "ansi_yellow",
        "text-error": "ansi_red",
        "footer-key-foreground": "ansi_bright_yellow",
        "footer-background": "ansi_default",
        "footer-foreground": "ansi_default",
        "block-cursor-foreground": "ansi_black",
        "block-cursor-background": "ansi_bright_blue",
        "border": "ansi_bright_blue",
        "border-blurred": "ansi_default",
    },
)
THEMES: Final = (DARK, LIGHT, CONTRAST, ANSI)
"""In the order in which a key goes through them."""


def register(app: App[int]) -> None:
    """Give the app its themes, and none but these."""
    for theme in THEMES:
        app.register_theme(theme)
