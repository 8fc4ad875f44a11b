"""Pictures of what a report looks like to those who get it: every slide, the page, every figure.

    python tests/look.py STUDY_OR_LOG [--output DIR] [options of persona-tui export]

The deck is drawn by LibreOffice, the page by Chromium: light, dark, narrow and printed. Look at them
after a change of a renderer. A program that is missing is named, and the rest is drawn.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageChops

ROOT = Path(__file__).parents[1]
FORMATS = "pptx,html,svg,png"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OFFICES = ("soffice", "libreoffice")
DOTS_PER_INCH = 80
SECONDS = 300
VIEWS = {
    "page-light": (1280, "1"),
    "page-dark": (1280, "0"),
    "page-narrow": (500, "1"),
}
"""The width of the window, and the scheme of colours by Chromium's number; no window is below 500."""
TALLEST = 14_000


class MissingProgramError(Exception):
    """A picture cannot be drawn, for want of a program."""


def program(names: Sequence[str], package: str) -> str:
    """Return where the first of some programs is."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise MissingProgramError(f"{names[0]} is not installed (Debian: apt install {package}).")
    return found


def run(*words: str | Path) -> None:
    subprocess.run([str(each) for each in words], check=True, capture_output=True, timeout=SECONDS)


def draw_pages(document: Path, folder: Path, name: str) -> Iterator[Path]:
    """Draw each page of a PDF."""
    run(program(("pdftoppm",), "poppler-utils"), "-r", str(DOTS_PER_INCH), "-png", document, folder / name)
    yield from sorted(folder.glob(f"{name}-*.png"))


def draw_deck(deck: Path, folder: Path) -> Iterator[Path]:
    """Draw each slide of a deck."""
    office = program(OFFICES, "libreoffice-impress")
    with tempfile.TemporaryDirectory() as place:
        profile = f"-env:UserInstallation={Path(place, 'profile').as_uri()}"
        run(office, profile, "--headless", "--convert-to", "pdf", "--outdir", place, deck)
        yield from draw_pages(Path(place, f"{deck.stem}.pdf"), folder, "slide")


def draw_page(page: Path, folder: Path) -> Iterator[Path]:
    """Draw a page as a browser shows and prints it."""
    browser = program(BROWSERS, "chromium")
    common = (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        "--virtual-time-budget=8000",
    )
    for name, (width, scheme) in VIEWS.items():
        picture = folder / f"{name}.png"
        settings = (f"--blink-settings=preferredColorScheme={scheme}", f"--window-size={width},{TALLEST}")
        run(browser, *common, *settings, f"--screenshot={picture}", page.resolve().as_uri())
        cut_below(picture)
        yield picture
    with tempfile.TemporaryDirectory() as place:
        printed = Path(place, "printed.pdf")
        run(browser, *common, "--no-pdf-header-footer", f"--print-to-pdf={printed}", page.resolve().as_uri())
        yield from draw_pages(printed, folder, "printed")


def cut_below(picture: Path) -> None:
    """Cut off what is empty below the last mark of a picture."""
    with Image.open(picture) as image:
        whole = image.convert("RGB")
    ground = Image.new("RGB", whole.size, whole.getpixel((0, whole.height - 1)))
    marks = ImageChops.difference(whole, ground).getbbox()
    whole.crop((0, 0, whole.width, min(marks[3] + 40 if marks else 1, whole.height))).save(picture)


def drawn(what: str, draw: Callable[[], Iterator[Path]]) -> None:
    """Print the pictures as they are drawn, or why there are none."""
    try:
        for path in draw():
            print(path)
    except MissingProgramError as fault:
        print(f"{what} is not drawn: {fault}", file=sys.stderr)
    except subprocess.CalledProcessError as fault:
        print(f"{what} is not drawn: {fault.stderr.decode(errors='replace').strip()}", file=sys.stderr)


def main(words: Sequence[str] | None = None) -> int:
    """Export a report, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", help="a log, or a study or a run whose scenarios are meant")
    parser.add_argument("--output", type=Path, default=ROOT / "exports" / "look", metavar="DIR")
    asked, others = parser.parse_known_args(words)
    folder: Path = asked.output
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "persona_tui", "export", asked.source, *others]
    done = subprocess.run(
        [*command, "--format", FORMATS, "--output", str(folder)], cwd=Path.cwd(), check=False
    )
    if done.returncode:
        return done.returncode
    drawn("The deck", lambda: draw_deck(folder / "simulation_report.pptx", folder))
    drawn("The page", lambda: draw_page(folder / "report.html", folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
