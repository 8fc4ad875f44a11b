"""What verbs that ask of a change refuse: readable, with the right exit code, nothing on stdout."""

import pytest

ASKING = ["preview", "simulate", "compare", "plan"]


@pytest.fixture(scope="session")
def refused(run_in, tmp_path_factory):
    """Return a runner that gives the exit code and stderr of a command that prints nothing."""
    folder = tmp_path_factory.mktemp("refused")

    def ask(*arguments):
        done = run_in(*arguments, "--progress", "none", cwd=folder)
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return done.returncode, done.stderr

    return ask


@pytest.mark.parametrize("verb", ASKING)
def test_a_verb_without_a_log_says_how_to_name_one(refused, verb):
    code, told = refused(verb)
    assert code == 2
    assert f"persona-tui {verb} data/sample_events.csv" in told


def test_a_log_that_is_not_there_is_a_fault_of_the_data(refused):
    assert refused("preview", "nosuch.csv")[0] == 3


def test_faults_of_several_options_are_named_together(refused):
    code, told = refused("preview", "log.csv", "--budget", "20", "--value", "pay")
    assert code == 2
    assert "--budget == 20.0, must be <= 10." in told
    assert "--value 'pay': write it as event=number or event=column" in told


def test_unknown_events_of_several_changes_are_named_together_with_the_near_name(refused, small_csv):
    changes = ("friction:factor=0.1,at=signup_strat", "remove_step:event=nope")
    code, told = refused(
        "preview", small_csv, *(part for each in changes for part in ("--modification", each))
    )
    assert code == 2
    assert "2 faults" in told
    assert "Did you mean 'signup_start'?" in told
    assert "'nope'" in told


@pytest.mark.parametrize(
    ("segment", "near"),
    [("device=mobil", "Did you mean 'mobile'?"), ("devise=mobile", "Did you mean 'device'?")],
)
def test_an_unknown_segment_is_refused_with_the_near_name(refused, small_csv, segment, near):
    code, told = refused("simulate", small_csv, "--modification", f"friction:factor=0.1,segment={segment}")
    assert code == 2
    assert near in told


def test_amounts_that_are_no_numbers_are_a_fault_of_the_data(refused, small_csv):
    code, told = refused("preview", small_csv, "--clusters", "1", "--value", "signup_complete=plan")
    assert code == 3
    assert "state an amount: signup_complete=49.9" in told


def test_an_option_of_another_verb_is_refused(refused, small_csv):
    code, told = refused("compare", small_csv, "--modification", "friction:factor=0.1")
    assert code == 2
    assert "No such option" in told


def test_a_log_without_a_completion_says_which_events_there_are(refused, tmp_path):
    log = tmp_path / "one.csv"
    log.write_text("user_id,timestamp,event_type\nu,2026-01-01T10:00:00Z,[/red]a\n")
    code, told = refused("plan", log)
    assert code == 3
    assert "Events: [/red]a." in told


def test_a_format_that_is_not_there_is_named_before_the_work(refused):
    code, told = refused("export", "nosuch.csv", "--format", "md,docx")
    assert code == 2
    assert "Unknown format 'docx'" in told
