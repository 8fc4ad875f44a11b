"""The pictures of a report that are drawn for those who change how it looks."""

import subprocess

import look
import pytest
from PIL import Image, ImageDraw


@pytest.mark.parametrize("draw", [look.draw_deck, look.draw_page])
def test_a_missing_program_is_named_and_the_rest_is_drawn(draw, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    look.drawn("It", lambda: draw(tmp_path / "report", tmp_path))
    told = capsys.readouterr()
    assert "It is not drawn" in told.err
    assert "is not installed (Debian: apt install" in told.err
    assert not told.out


def test_a_program_that_fails_is_one_line(capsys):
    def fail():
        raise subprocess.CalledProcessError(1, "soffice", stderr=b"no such file\n")
        yield

    look.drawn("The deck", fail)
    assert capsys.readouterr().err == "The deck is not drawn: no such file\n"


def test_what_is_empty_below_is_cut_off(tmp_path):
    image = Image.new("RGB", (100, 1000), "white")
    ImageDraw.Draw(image).rectangle((10, 10, 20, 200), fill="black")
    image.save(tmp_path / "page.png")
    look.cut_below(tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as cut:
        assert cut.size == (100, 241)


def test_a_report_that_cannot_be_made_ends_with_the_code_of_the_export(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: subprocess.CompletedProcess((), 4))
    assert look.main(["no_log.csv", "--output", str(tmp_path)]) == 4
    assert not list(tmp_path.iterdir())
