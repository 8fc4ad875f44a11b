import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine import errors
from persona_tui.engine.errors import PersonaError, RunCancelled, unknown_name


@pytest.mark.parametrize(
    ("error", "builtin"),
    [
        (errors.DataError, ValueError),
        (errors.ModelingError, ValueError),
        (errors.SimulationError, ValueError),
        (errors.ExportError, OSError),
        (errors.MissingExtraError, ImportError),
        (errors.UnknownNameError, LookupError),
    ],
)
def test_each_error_is_also_the_builtin_that_callers_expect(error, builtin):
    assert issubclass(error, PersonaError)
    with pytest.raises(builtin, match="cause"):
        raise error("cause", "cure")


def test_an_error_reads_cause_then_cure():
    assert str(PersonaError("cause", "cure")) == "cause\ncure"


def test_an_error_without_a_cure_is_its_cause():
    assert str(PersonaError("cause")) == "cause"


def test_an_export_error_reads_like_the_others():
    assert str(errors.ExportError("cause", "cure")) == "cause\ncure"


def test_a_cancelled_run_is_no_error_of_the_product():
    assert not issubclass(RunCancelled, PersonaError)


def test_the_nearest_name_is_found_whatever_its_case():
    assert "Did you mean 'Landing'?" in str(unknown_name("event", "LANDIGN", ["Landing", "exit"]))


def test_nothing_is_suggested_where_nothing_is_near():
    assert "Did you mean" not in str(unknown_name("event", "zzz", ["landing"]))


def test_no_known_name_is_told():
    assert str(unknown_name("event", "a", [])) == "Unknown event 'a'. Known: none."


def test_twelve_names_are_shown_at_most():
    shown = str(unknown_name("event", "zzz", [f"e{n}" for n in range(13)]))
    assert "e11, …" in shown
    assert "e12" not in shown


@given(st.text(), st.lists(st.text()))
def test_any_names_make_a_message(name, known):
    assert str(unknown_name("event", name, iter(known))).startswith(f"Unknown event '{name}'. Known: ")
