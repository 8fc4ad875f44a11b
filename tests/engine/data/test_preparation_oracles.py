"""Every kind of step against its definition in plain Python, on small logs in any number of batches."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from hashlib import blake2b

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.preparation import user_kinds
from persona_tui.engine.data.preparation.preparation import parse_preparation
from persona_tui.engine.data.readers.tables import LINE

START = datetime(2026, 3, 2, tzinfo=UTC)
EVENTS = pl.Categorical(pl.Categories("tests.preparation"))
row = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from(["ann", "bob", "cy", "dee"]),
        "timestamp": st.integers(0, 9).map(lambda hour: START + timedelta(hours=hour)),
        "event_type": st.sampled_from(["view_a", "view_b", "buy", "debug", "[x]"]),
        "device": st.sampled_from(["phone", "desk", None]),
    }
)
FIXED = [
    {"user_id": "ann", "timestamp": START + timedelta(hours=hour), "event_type": event, "device": device}
    for hour, (event, device) in enumerate(
        [("view_a", "phone"), ("buy", "desk"), ("debug", None), ("[x]", "phone")]
    )
]  # what every pattern below names, so that none is unknown
logs = st.lists(row, max_size=12).flatmap(lambda rows: st.permutations([*FIXED, *rows]))


def frame_of(rows):
    columns = {name: [each[name] for each in rows] for name in FIXED[0]}
    kinds = {"timestamp": pl.Datetime("us", "UTC"), "event_type": EVENTS}
    return pl.DataFrame(columns, schema_overrides=kinds).with_columns(
        pl.int_range(2, len(rows) + 2, dtype=pl.Int64).alias(LINE)
    )


def prepared(steps, rows, cuts=()):
    """Return the rows, and the sentences, that steps make of a log that comes in batches."""
    applied = parse_preparation(steps).begin(FIXED[0])
    frame, out = frame_of(rows), []
    for begin, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(rows)], strict=True):
        out.append(applied.rows(frame[begin:end]))
    left = pl.concat(out)
    counts = Counter(left["event_type"].cast(pl.String).to_list())
    called = applied.rename_events({name: counts[name] for name in [*EVENTS.categories.to_series()]})
    names = left["event_type"].cast(pl.String).to_list()
    named = left.with_columns(pl.Series("event_type", [called.get(name, name) for name in names]))
    return named.drop(LINE).to_dicts(), applied.finish()


def is_meant(name, *patterns):
    return any(name == each or fnmatchcase(name, each) for each in patterns)


def renamed(rows, to, *patterns):
    return [each | {"event_type": to} if is_meant(each["event_type"], *patterns) else each for each in rows]


def where(rows, test):
    return [each for each in rows if test(each)]


def folded(rows, keep, to):
    counts = Counter(each["event_type"] for each in rows)
    stay = sorted(counts, key=lambda name: (-counts[name], name))[:keep]
    return [each if each["event_type"] in stay else each | {"event_type": to} for each in rows]


def sampled(rows, share, seed):
    def number(user):
        digest = blake2b(user.encode(), digest_size=8, key=seed.to_bytes(8, "little")).digest()
        return int.from_bytes(digest, "little")

    return where(rows, lambda each: number(each["user_id"]) < share * 2**64)


DEFINITIONS = {
    "rename:events=view_*,to=view": lambda rows: renamed(rows, "view", "view_*"),
    "rename:events=buy|[x],to=debug": lambda rows: renamed(rows, "debug", "buy", "[x]"),
    "drop:events=view*|debug": lambda rows: where(
        rows, lambda each: not is_meant(each["event_type"], "view*", "debug")
    ),
    "keep:events=[x]|buy": lambda rows: where(rows, lambda each: each["event_type"] in {"[x]", "buy"}),
    "period:after=2026-03-02T02:00": lambda rows: where(
        rows, lambda each: each["timestamp"] >= START + timedelta(hours=2)
    ),
    "period:after=2026-03-02T02:00+01:00,before=2026-03-02T03": lambda rows: where(
        rows, lambda each: START + timedelta(hours=1) <= each["timestamp"] < START + timedelta(hours=3)
    ),
    "where:segment=device=phone": lambda rows: where(rows, lambda each: each["device"] == "phone"),
    "where:segment=device=phone|desk": lambda rows: where(rows, lambda each: each["device"] is not None),
    "fold_rare:keep=1": lambda rows: folded(rows, 1, "other"),
    "fold_rare:keep=3,to=buy": lambda rows: folded(rows, 3, "buy"),
    "sample:share=0.7,seed=1": lambda rows: sampled(rows, 0.7, 1),
    "sample:share=1": lambda rows: rows,
}


@pytest.mark.parametrize("step", DEFINITIONS)
@given(data=st.data())
def test_a_step_does_what_it_is_defined_to_do(step, data):
    rows = data.draw(logs)
    assert prepared([step], rows)[0] == DEFINITIONS[step](rows)


@given(rows=logs, cuts=st.lists(st.integers(0, 4), max_size=3), steps=st.permutations(list(DEFINITIONS)[:8]))
def test_rows_and_sentences_do_not_depend_on_batches(rows, cuts, steps):
    steps = ["sample:share=1", *steps[:1], "fold_rare:keep=2"]
    assert prepared(steps, rows, cuts) == prepared(steps, rows)


@given(rows=logs, cuts=st.lists(st.integers(0, 4), max_size=3))
def test_steps_act_in_the_order_in_which_they_are_listed(rows, cuts):
    steps = [
        "rename:events=view_*|buy,to=step_1",
        "period:after=2026-03-02T00:00,before=2026-03-02T08",
        "rename:events=step*,to=debug_2",
        "drop:events=debug",
    ]
    wanted = renamed(renamed(rows, "step_1", "view_*", "buy"), "debug_2", "step*")
    wanted = where(wanted, lambda each: each["timestamp"] < START + timedelta(hours=8))
    assert prepared(steps, rows, cuts)[0] == where(wanted, lambda each: each["event_type"] != "debug")


def test_what_was_done_is_told_with_its_numbers():
    steps = [
        "drop:events=debug",
        "period:before=2026-03-02T03",
        "rename:events=view*,to=v",
        "fold_rare:keep=1",
    ]
    assert prepared(steps, FIXED)[1] == (
        "events 'debug' left out: 1 of 4 rows",
        "rows from 2026-03-02T03 on left out: 1 of 3 rows",
        "events 'view_a' renamed to 'v'",
        "1 rare event types folded into 'other': 1 of 2 rows",
    )


@given(rows=logs, cuts=st.lists(st.integers(0, 4), max_size=3), remembered=st.integers(0, 4))
def test_a_sample_does_not_depend_on_how_many_users_it_remembers(rows, cuts, remembered):
    step = "sample:share=0.7,seed=1"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(user_kinds, "_REMEMBERED", remembered)
        assert prepared([step], rows, cuts) == prepared([step], rows)
    assert prepared([step], rows, cuts)[0] == DEFINITIONS[step](rows)
