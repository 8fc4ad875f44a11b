"""Faults as a screen tells them."""

from persona_tui.engine.errors import DataError
from persona_tui.tui.actions import ACTIONS
from persona_tui.tui.findings import Findings, Work
from persona_tui.tui.screens import faults
from persona_tui.tui.screens.faults import NO_LOG, cure, told, without_log


def test_a_hint_about_an_option_says_which_key_does_it_here():
    fault = DataError("No event looks like a completion.", hint="Name it: --completion EVENT")
    assert cure(fault).splitlines() == [
        "Name it: --completion EVENT",
        "Here: f, on the Data screen (1), chooses them.",
    ]
    assert cure(DataError("It is empty.", hint="Check that the export finished.")).count("\n") == 0


def test_the_keys_that_hints_name_are_those_of_the_table():
    keys = {(each.scope, key) for each in ACTIONS for key in each.keys}
    for sentence in faults._HERE.values():
        scope = "data" if "Data screen (1)" in sentence else "personas"
        assert (scope, sentence.removeprefix("Here: ")[0]) in keys


def test_what_is_in_view_all_the_same_is_told():
    assert "z takes the last edit back" in told(DataError("No."), shown_before=True).plain


def test_a_screen_without_a_log_says_what_became_of_it():
    fault = DataError("empty.csv is empty.", hint="Check that the export finished.")
    assert without_log(Findings(), None).plain == NO_LOG
    assert without_log(Findings(), Work(name="load", began=0.0)).plain.startswith("The log is being loaded")
    assert without_log(Findings(log_fault=fault), None).plain.startswith("empty.csv is empty.")
