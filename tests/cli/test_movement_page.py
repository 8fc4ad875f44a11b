"""What a page tells of personas that moved since the fit before."""

import math

from support import golden

from persona_tui.cli.movement_page import print_movement
from persona_tui.cli.output import Page
from persona_tui.engine.modeling.matching import TransitionShift
from persona_tui.study.movement import MovedPersona, Movement, Remembered


def moved(name, before, after, shares, distance=None, shifts=()):
    return MovedPersona(
        name=name,
        number_before=before,
        number_after=after,
        share_before=shares[0],
        share_after=shares[1],
        distance=distance,
        shifts=shifts,
    )


def told(capsys, remembered):
    page = Page()
    print_movement(page, remembered)
    page.print()
    return capsys.readouterr().out


def test_the_section_looks_as_it_was_designed_at_80_columns(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    grown = TransitionShift(source="start", target="[/red]", before=math.nan, after=0.21, contribution=0.1)
    movement = Movement(
        time="2026-11-22T18:20:05+00:00",
        unit="user",
        fingerprint_before="a",
        fingerprint_after="b",
        personas=(
            moved("Buyers", 1, 1, (0.4, 0.3), 0.12, (grown,)),
            moved("Readers", 3, 2, (0.2, 0.25), 0.001, (grown,)),
            moved("Hunters", None, 3, (0.0, 0.25)),
            moved("Seekers", None, 4, (0.0, 0.2), 0.1),
            moved("Leavers", 2, None, (0.4, 0.0)),
        ),
    )
    golden("movement.txt", told(capsys, Remembered(movement=movement)))


def test_a_first_fit_has_nothing_to_tell(capsys):
    assert told(capsys, Remembered()) == ""


def test_why_a_fit_is_not_kept_is_told(capsys):
    assert "not kept in the study: No room." in told(capsys, Remembered(fault="No room."))
