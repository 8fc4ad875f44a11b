import tomllib

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.study.places import Faults, lines_of

SCALARS = st.one_of(st.integers(), st.booleans(), st.text(), st.floats(allow_nan=False), st.dates())
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=12,
)


def places(value, place=()):
    """Return every place of a parsed document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    below = [each for key, item in inner for each in places(item, (*place, key))]
    return [place, *below] if place else below


@given(st.dictionaries(st.text(), VALUES, max_size=5), st.booleans())
def test_every_place_of_any_document_is_found_and_no_other(document, multiline):
    text = tomli_w.dumps(document, multiline_strings=multiline)
    assert set(lines_of(text)) == set(places(tomllib.loads(text)))


TRICKY = r'''
seed = 1                    # 2: seed
"fun\u006Eel" = "a = 1"     # 3: funnel
'a.b'.c . "d]=" = 2         # 4: a.b / c / d]=
text = """                  # 5: text
seed = 3
[report]
\""" still text """""       # closes after two quotes
list = [                    # 9: list
  # "a comment", ]
  "]", '#',                 # 11: list / 0
  [1, 2],                   # 12: list / 2 / 1
  { x = 1, y.z = "}" },     # 13: list / 3 / y / z
]
empty = ""                  # 15: empty
other = \'\'\'\'x = 1
y = 2\'\'\'\'\'
inline = { seed = 4 , far = [ { deep = 5 } ] } # 18: inline / far / 0 / deep
when = 1979-05-27 07:32:00  # 19: when
[[scenarios]]               # 20: scenarios / 0
name = "a"                  # 21: scenarios / 0 / name
[[ scenarios ]]             # 22: scenarios / 1
[scenarios.vary]            # 23: scenarios / 1 / vary
seed = 5                    # 24: scenarios / 1 / vary / seed
[[scenarios.effects]]       # 25: scenarios / 1 / effects / 0
[[scenarios."effects"]]     # 26: scenarios / 1 / effects / 1
factor.low = 1              # 27: scenarios / 1 / effects / 1 / factor / low
[[scenarios]]               # 28: scenarios / 2
[far.below]                 # 29: far / below
[far]                       # 30: far
seed = 6                    # 31: far / seed
'''.replace("\\'", "'")


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_text_that_looks_like_keys_misleads_nobody(newline):
    text = TRICKY.replace("\n", newline)
    lines = lines_of(text)
    assert set(lines) == set(places(tomllib.loads(text)))
    told = [line.rpartition("# ")[2] for line in TRICKY.splitlines()]
    for number, path in (note.split(": ") for note in told if note[:1].isdigit()):
        place = tuple(int(part) if part.isdigit() else part for part in path.split(" / "))
        assert lines[place] == int(number)


def test_faults_are_told_by_line_and_what_is_missing_at_its_table():
    faults = Faults()
    assert not faults
    faults.add(("report", "lead"), "late.")
    faults.add(("report", "absent", 3), "nowhere.")
    faults.add(("seed",), "")
    faults.add(("absent",), "at the top.")
    assert faults.told("seed = 1\n[report]\nlead = 2") == [
        "line 1: at the top.",
        "line 2: nowhere.",
        "line 3: late.",
    ]
