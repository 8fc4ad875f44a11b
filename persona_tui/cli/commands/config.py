"""``persona-tui config``: what the analyst prefers, and where it is kept."""

from __future__ import annotations

from typing import Any, Final

from persona_tui.cli import output
from persona_tui.cli.presentation import Presentation
from persona_tui.cli.verbs import Verb
from persona_tui.engine.errors import SimulationError, unknown_name
from persona_tui.study.options import Settings

PATH, SHOW, INIT = "path", "show", "init"
ACTIONS: Final = (PATH, SHOW, INIT)


def _config(settings: Settings, presentation: Presentation) -> None:
    action = settings.source_shown() or SHOW
    if action not in ACTIONS:
        raise SimulationError(str(unknown_name("action", action, ACTIONS)))
    from persona_tui.tui.preferences import preferences_path, write_preferences  # noqa: PLC0415 - 0.01 s

    if action == SHOW:
        _show(presentation)
        return
    path = preferences_path() if action == PATH else write_preferences()
    if presentation.as_json:
        output.write_json({"schema": "persona-tui/config/1", "action": action, "path": str(path)})
    elif action == PATH:
        output.write(f"{path}\n")
    else:
        output.write(f"Every setting, with its meaning and default, is in {path}\n")


def _show(presentation: Presentation) -> None:
    document = _document()
    if presentation.as_json:
        output.write_json(document)
        return
    page = output.Page()
    kept = "" if document["exists"] else " (none yet: persona-tui config init)"
    page.sentence(f"Preferences: {document['path']}{kept}")
    for heading, rows in _parts(document).items():
        page.heading(heading)
        page.aligned([(f"  {name}", _shown(value), origin) for name, value, origin in rows])
    page.print()


def _parts(document: dict[str, Any]) -> dict[str, list[tuple[str, object, str]]]:
    """Return the rows of the page by heading: what holds, its value and where it came from."""
    rows = [(each["name"], each["value"], each["from"]) for each in document["settings"]]
    parts = {"The app": [row for row in rows if "." not in row[0]]}
    for table, heading in (("keys", "Keys"), ("defaults", "Options of logs that are no study")):
        inside = [(name.partition(".")[2], *rest) for name, *rest in rows if name.startswith(f"{table}.")]
        if inside:
            parts[heading] = [(name, value, str(origin)) for name, value, origin in inside]
    return parts


def _shown(value: object) -> str:
    """Return a value as people write it."""
    if isinstance(value, (list, tuple)):
        return " ".join(map(str, value)) or "none"
    return str(value) if value not in {"", None} else "none"


def _document() -> dict[str, Any]:
    """Return what holds: settings of the app, keys of every action, and options that were given."""
    from persona_tui.tui.actions import ACTIONS as OF_APP  # noqa: PLC0415 - only this verb needs it
    from persona_tui.tui.preferences import (  # noqa: PLC0415 - as above
        CHOICES,
        DEFAULT,
        FILE,
        preferences_path,
        read_preferences,
    )

    path, held = preferences_path(), read_preferences()
    settings: list[dict[str, object]] = [
        {"name": name, "value": getattr(held, name), "from": held.origins[name]} for name in CHOICES
    ]
    for each in OF_APP:
        chosen = held.keys.get(each.id)
        keys, origin = (",".join(each.keys), DEFAULT) if chosen is None else (chosen, FILE)
        settings.append({"name": f"keys.{each.id}", "value": keys, "from": origin})
    settings += [
        {"name": f"defaults.{name}", "value": value, "from": FILE} for name, value in held.defaults.items()
    ]
    return {
        "schema": "persona-tui/config/1",
        "action": SHOW,
        "path": str(path),
        "exists": path.exists(),
        "settings": settings,
    }


VERB = Verb(
    name="config",
    help="Show or begin your preferences: theme, glyphs, animation, keys, defaults of options. The file is "
    "$XDG_CONFIG_HOME/persona-tui/config.toml; PERSONA_TUI_THEME, PERSONA_TUI_GLYPHS and "
    "PERSONA_TUI_ANIMATION go before it.",
    options=(),
    argument="path: print where the file is. show: print what holds, and why. init: write a file with every "
    "setting, its meaning and its default. Default: show.",
    run=_config,
    presentation=("as_json",),
    metavar="ACTION",
)
