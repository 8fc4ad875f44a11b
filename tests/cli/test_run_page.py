import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from persona_tui.cli.run_page import page_lines, plain_line
from persona_tui.study.run_lines import advance
from persona_tui.study.run_state import RunState
from persona_tui.study.run_words import enough_sentence

NAMES = st.text(max_size=30) | st.sampled_from(
    ["\x1b[31mred", "[b]bold[/b]", "ログイン画面ログイン画面", "👩‍💻 dev"]
)
SHARES = st.floats(0, 1)


def told(*lines):
    state = RunState()
    for line in lines:
        state = advance(state, line)
    return state


def a_run(names=("Browsers", "Buyers"), walked=2_000, error=0.004):
    exact = {"exact": [0.433, 0.311], "n_personas": 5_000}
    personas = [{"name": name, "share": 0.5, **exact} for name in names]
    arms = [0.431, 0.011, 0.305, 0.0102, error]
    return [
        {"begin": {"verb": "simulate", "pid": 1, "host": "h", "started": 1.0}, "seconds": 0},
        {"stage": "uncertainty", "done": 400, "total": 400, "seconds": 2.0},
        {
            "scenario": {
                "name": "two more clicks",
                "number": 1,
                "n_scenarios": 1,
                "solver": "paths",
                "own_error": 0.0123,
                "personas": personas,
                "exact": [0.433, 0.311],
                "n_personas": 10_000,
            },
            "seconds": 2.0,
        },
        {"walked": [[walked, *arms], *[[walked // 2, *arms]] * len(names)], "seconds": 2.5},
        {
            "followed": {
                "n": 500,
                "funnel": [["landing", 0.8, 0.8], ["signup", 0.43, 0.31]],
                "drop_off": [["added_step_1", None, 0.07], ["landing", 0.05, 0.05]],
                "examples": [
                    {
                        "persona": names[0],
                        "arm": "treatment",
                        "outcome": "exited",
                        "steps": ["landing", names[-1]],
                        "n_steps": 9,
                    }
                ],
            },
            "seconds": 2.5,
        },
        {"stage": "walks", "done": 1_000, "total": 10_000, "seconds": 2.5},
        {"stage": "walks", "done": walked, "total": 10_000, "seconds": 3.0},
        {"note": "Resuming: 3 blocks are done.", "seconds": 3.0},
    ]


PAGE = """\
Simulate: running, 3.0 s
✓ load  ✓ fit  ✓ bootstrap  ✓ uncertainty  ▶ walks  · report
█████░░░░░░░░░░░░░░░░░░░ walks, 20.0 %, 2,000 of 10,000 per arm, 2,000/s, 4.0 s left

Conversion, two more clicks
arm        simulated, n = 2,000         exact
control             43.1 % ±1.1        43.3 %
treatment           30.5 % ±1.0        31.1 %
uplift       −12.6 points ±0.40  −12.2 points
More synthetic users stop helping at about 21,000 per arm: their error is then a tenth of the log's
own, ±1.2 points.

persona, uplift in points   share      n      control       uplift  exact
Browsers                   50.0 %  1,000  43.1 % ±1.1  −12.6 ±0.40  −12.2
Buyers                     50.0 %  1,000  43.1 % ±1.1  −12.6 ±0.40  −12.2
"""


def test_a_run_at_work_shows_what_it_found_and_how_long_it_takes():
    lines = page_lines(told(*a_run()), 100)
    assert "\n".join(lines).replace("\u202f", " ").startswith(PAGE)


def test_funnel_and_drop_off_stand_side_by_side_where_there_is_room():
    narrow, wide = (page_lines(told(*a_run()), width) for width in (80, 160))
    assert len(wide) < len(narrow)
    assert any("landing" in line and "added_step_1" in line for line in wide)


def test_one_line_says_the_same():
    assert plain_line(told(*a_run())).replace("\u202f", " ") == (
        "3.0 s running; walks 20.0 %; 4.0 s left; two more clicks: uplift −12.6 points ±0.40, "
        "exactly −12.2 points, n = 2,000 per arm"
    )


@pytest.mark.parametrize(
    ("walked", "error", "told_so"),
    [(2_000, 0.004, "stop helping at about 21,000"), (9_000, 0.001, "stopped helping at 9,000")],
)
def test_it_is_said_when_more_personas_stop_helping(walked, error, told_so):
    state = told(*a_run(walked=walked, error=error))
    assert told_so in enough_sentence(state.scenario)


@given(st.lists(NAMES, min_size=1, max_size=4), st.integers(1, 200), st.integers(0, 8), SHARES)
def test_no_line_is_wider_than_asked_for_or_steers_the_terminal(names, width, n_lines, error):
    state = told(*a_run(names=tuple(names), error=error)[:n_lines])
    for line in page_lines(state, width):
        assert cell_len(line) <= width
        assert "\x1b" not in line
    assert "\x1b" not in plain_line(state)
