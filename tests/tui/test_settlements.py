"""What was settled about personas is taken back in order with the other edits."""

from pathlib import Path

import pytest

from persona_tui.study.kept_personas import KeptPersona, KeptPersonas
from persona_tui.tui.settlements import Settlements, settlement

STUDY = Path("study")
PLAIN = KeptPersona(generated="Ping", name="Bots")


def settled_as(**changed):
    kept = KeptPersonas(folder=STUDY, personas=(PLAIN,))
    after = KeptPersona(**{"generated": "Ping", "name": "Bots", **changed})
    return settlement(kept, [after, KeptPersona(generated="Buy")])


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"excluded": True}, "Bots excluded"),
        ({"place": 1}, "Bots pinned"),
        ({"name": "Crawlers"}, "Bots renamed Crawlers"),
        ({"name": ""}, "Bots renamed Ping"),
    ],
)
def test_a_change_is_told_in_words(changed, what):
    assert settled_as(**changed).what == what


def test_nothing_is_noted_where_nothing_is_settled_or_there_is_no_study():
    assert settled_as() is None
    assert settlement(None, [PLAIN]) is None


def test_what_is_settled_is_taken_back_before_the_edits_that_came_earlier_and_after_those_that_came_later():
    first, second = settled_as(excluded=True), settled_as(place=1)
    settlements = Settlements()
    settlements.note(1, first)
    settlements.note(3, second)
    assert settlements.undo(4, STUDY) is None
    assert settlements.undo(3, STUDY) is second
    assert settlements.undo(3, STUDY) is None
    assert settlements.undo(1, STUDY) is first
    assert settlements.redo(0, STUDY) is None
    assert settlements.redo(1, STUDY) is first
    assert settlements.redo(3, STUDY) is second


def test_another_study_takes_nothing_back():
    settlements = Settlements()
    settlements.note(0, settled_as(excluded=True))
    assert settlements.undo(0, Path("other")) is None


def test_what_is_settled_anew_forgets_what_was_taken_back():
    settlements = Settlements()
    settlements.note(0, settled_as(excluded=True))
    settlements.undo(0, STUDY)
    settlements.note(0, settled_as(place=1))
    assert settlements.redo(0, STUDY) is None
