"""Pictures of the six screens, drawn from a session on the sample log: what the README shows.

    python tests/pictures.py [--folder exports/pictures] [--size 120x35] [--theme persona-dark]

Each is an SVG that loads nothing from anywhere. Look at them after a change of a screen.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import tempfile
from contextlib import chdir
from pathlib import Path

from textual.pilot import Pilot

from persona_tui.study.options import Settings
from persona_tui.study.scenarios import ScenarioSettings
from persona_tui.tui.app import PersonaApp
from persona_tui.tui.workspace import Workspace

ROOT = Path(__file__).parents[1]
SCENARIOS = (
    ScenarioSettings(name="Two more steps", effects=("insert_steps:count=2",)),
    ScenarioSettings(
        name="Less friction in the form", effects=("reward:factor=0.05/0.1/0.2,at=form_step_3",)
    ),
)
KEYS = {
    "data": ("1",),
    "personas": ("2",),
    "flow": ("3",),
    "simulate": ("4", "s"),
    "report": ("5",),
    "trust": ("6", "r"),
}
"""What is pressed to get to each picture."""
_FONTS = re.compile(r"@font-face\s*\{[^}]*\}\s*")


async def settled(app: PersonaApp, pilot: Pilot[int]) -> None:
    """Wait until nothing runs in the background and the screen has been drawn."""
    quiet = 0
    while quiet < 10:
        await pilot.pause(0.1)
        at_work = [each for each in app.workers if not each.is_finished and each.name != "_loader"]
        quiet = quiet + 1 if app.running is None and not at_work else 0


async def draw(folder: Path, size: tuple[int, int], theme: str) -> None:
    """Drive a session through the screens and write a picture of each."""
    settings = Settings(
        events="sample_events.csv", scenarios=SCENARIOS, n_personas=1_000_000, output="exports/growth"
    )
    app = PersonaApp(Workspace(settings), theme=theme)
    folder.mkdir(parents=True, exist_ok=True)
    async with app.run_test(size=size) as pilot:
        await settled(app, pilot)
        for name, keys in KEYS.items():
            await pilot.press(*keys)
            await settled(app, pilot)
            picture = app.export_screenshot(title=f"persona-tui: {name}")
            (folder / f"{name}.svg").write_text(_FONTS.sub("", picture), encoding="utf-8")
            print(folder / f"{name}.svg")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=ROOT / "exports" / "pictures")
    parser.add_argument("--size", default="120x35")
    parser.add_argument("--theme", default="persona-dark")
    asked = parser.parse_args()
    width, height = map(int, asked.size.split("x"))
    folder = asked.folder.resolve()
    with tempfile.TemporaryDirectory() as inside, chdir(inside):  # no path of a machine is in a picture
        shutil.copy(ROOT / "data" / "sample_events.csv", inside)
        asyncio.run(draw(folder, (width, height), asked.theme))


if __name__ == "__main__":
    main()
