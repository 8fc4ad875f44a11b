"""Preparations from text to the log that they make of small files."""

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.etl import load_event_log
from persona_tui.engine.data.preparation.kinds import FoldRare, Keep, Period, Rename
from persona_tui.engine.data.preparation.preparation import Preparation, parse_preparation
from persona_tui.engine.data.preparation.user_kinds import Flatten, Sample
from persona_tui.engine.data.preparation.user_tables import Join
from persona_tui.engine.errors import DataError, UnknownNameError

START = datetime(2026, 3, 2, tzinfo=UTC)
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1) | st.text(",|:=\"\n 'a", min_size=1)


@given(texts, st.lists(texts, min_size=1).map(tuple), st.floats(1e-6, 1), st.integers(1, 10**6))
def test_what_is_written_is_read_back(text, several, share, keep):
    steps = (
        Rename(events=several, to=f"a{text}z"),
        Keep(events=several),
        Flatten(keys=several),
        Join(table=text, on=text),
        Sample(share=share, seed=keep),
        FoldRare(keep=keep, to=f"a{text}z"),
        Period(after="2026-03-02T09:30+01:00"),
    )
    written = Preparation(steps=steps).as_texts()
    assert parse_preparation(written) == Preparation(steps=steps)
    assert parse_preparation(written).as_texts() == written


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("renam:events=a,to=b", "Unknown preparation step 'renam'.* Did you mean 'rename'"),
        ("rename:event=a,to=b", "Unknown parameter of rename 'event'.* Did you mean 'events'"),
        ("rename:events=a", "rename needs to: The name they get"),
        ("rename:events=,to=b", "rename: events is empty"),
        ("rename:events=a,to=", "rename: to is empty"),
        ("rename:events", "--prepare 'rename:events': 'events' is not key=value"),
        ("sample:share=2", "sample: share == 2, must be <= 1"),
        ("sample:share=a few", "sample: share == 'a few', must be a number"),
        ("fold_rare:keep=0", "fold_rare: keep == 0, must be >= 1"),
        ("period", "period needs after=, before= or both"),
        ("period:after=soon", "period: 'soon' is no time; write it as 2026-01-31"),
        ("period:after=0001-01-01T00:00+05:00", "'0001-01-01T00:00.05:00' is no time"),
        ("period:after=2026-02-01,before=2026-01-01", "after == 2026-02-01, must be before 2026-01-01"),
        ("where:segment=device", "'device' is not attribute=value"),
        ("where:segment=", "'' is not attribute=value"),
        ('rename:events=a,to=" "', "rename: to == ' ', must not begin or end with blanks"),
        ("rename:events=a,to=friction_drop", "rename: to == 'friction_drop', is a reserved name"),
        ("fold_rare:to=return", "fold_rare: to == 'return', is a reserved name"),
        ("fold_rare:to=", "fold_rare: to is empty"),
        ("collapse:events=", "collapse: events is empty"),
        ("join:table=users.csv,on=", "join: on is empty"),
    ],
)
def test_a_step_that_makes_no_sense_is_refused(step, message):
    with pytest.raises((DataError, UnknownNameError), match=message):
        parse_preparation([step])


def test_all_faulty_steps_are_told_at_once():
    with pytest.raises(DataError) as caught:
        parse_preparation(["drip:events=a", "drop:events=a", "sample:share=2"])
    assert "Unknown preparation step 'drip'" in caught.value.message
    assert "share == 2" in caught.value.message


def test_sessions_are_cut_once():
    with pytest.raises(DataError, match="sessionise is given twice"):
        parse_preparation(["sessionise:gap=20", "sessionise"])


def rows_of(n_users=30):
    return [
        {
            "user_id": f"{user}",
            "timestamp": (START + timedelta(minutes=7 * step * (user % 7 + 1))).isoformat(),
            "event_type": ["view_a", "view_a", "view_b", "debug", "buy"][(user * step + step // 2) % 5],
            "device": ["phone", "desk", None][user % 3],
            "metadata": json.dumps({"plan": ["free", "paid"][user % 2], "of": {"it's": step}}),
        }
        for step in range(6)
        for user in range(n_users)
    ]


@pytest.fixture(params=["csv", "parquet"])
def path(request, tmp_path):
    written = tmp_path / f"log.{request.param}"
    frame = pl.DataFrame(rows_of())
    if request.param == "csv":
        frame.write_csv(written)
    else:
        typed = frame.with_columns(pl.col("user_id").cast(pl.Int64), pl.col("device").cast(pl.Categorical))
        typed.with_columns(
            pl.col("metadata").str.json_decode(
                pl.Struct({"plan": pl.String, "of": pl.Struct({"it's": pl.Int64})})
            )
        ).write_parquet(written)
    return written


@pytest.fixture
def users(tmp_path):
    written = tmp_path / "users.csv"
    written.write_text("id,plan,device\n1,free,mac\n2,paid,pc\n99,free,pc\n")
    return written


def load(path, *steps, **options):
    return load_event_log(path, preparation=parse_preparation(steps), **options)


EVERY_KIND = [
    "rename:events=view_*,to=view",
    "drop:events=debug",
    "period:before=2026-03-02T03",
    "where:segment=device=phone|desk",
    "flatten:keys=plan|of.it's",
    "sample:share=0.9",
    "fold_rare:keep=1",
    "collapse:events=v*",
    "sessionise:gap=20",
]


def test_buckets_on_disk_change_nothing(path, users):
    steps = [*EVERY_KIND, f"join:table={users},on=id"]
    whole, bucketed = load(path, *steps), load(path, *steps, memory=1)
    assert bucketed.events.equals(whole.events)
    assert bucketed.vocabulary == whole.vocabulary == ("other", "view")
    assert bucketed.quality.repairs == whole.quality.repairs


def test_formats_change_nothing(tmp_path, users):
    frame = pl.DataFrame(rows_of())
    frame.write_csv(tmp_path / "log.csv")
    frame.write_parquet(tmp_path / "log.parquet")
    steps = [*EVERY_KIND, f"join:table={users},on=id"]
    texts, typed = (load(tmp_path / f"log.{kind}", *steps) for kind in ("csv", "parquet"))
    assert texts.events.drop("device").equals(typed.events.drop("device"))


def test_the_recipe_does_the_same_again(path):
    log = load(path, *EVERY_KIND)
    assert load(path, *log.recipe["preparation"]).events.equals(log.events)


def test_collapsed_repeats_are_those_of_their_session(path):
    before, after = load(path, "sessionise:gap=20"), load(path, "sessionise:gap=20", "collapse:events=view*")
    last, wanted = {}, []
    for each in before.events.to_dicts():
        session, event = (each["user_id"], each["session_id"]), each["event_type"]
        if not (last.get(session) == event and event.startswith("view")):
            wanted.append(each)
        last[session] = event
    assert after.events.to_dicts() == wanted
    n = before.n_events
    assert f"repeats of an event within a session collapsed: {n - len(wanted)} of {n} events" in (
        after.quality.repairs
    )


def test_sessions_are_cut_where_the_silence_is_longer_than_the_gap(path):
    events = load(path, "sessionise:gap=20").events.to_dicts()
    for earlier, later in pairwise(events):
        if earlier["user_id"] == later["user_id"]:
            is_same = later["timestamp"] - earlier["timestamp"] <= timedelta(minutes=20)
            assert (earlier["session_id"] == later["session_id"]) == is_same


def test_events_that_get_the_same_name_are_no_copies_of_each_other(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("user_id,timestamp,event_type\n" + "".join(f"u,{START.isoformat()},{e}\n" for e in "aab"))
    log = load(path, "rename:events=a|b,to=c")
    assert log.events["event_type"].to_list() == ["c", "c"]
    assert log.quality.n_duplicates == 1


def test_a_log_of_few_event_types_has_none_to_fold(path):
    assert "no event type folded: there are 4, and 200 stay" in load(path, "fold_rare").quality.repairs


def test_events_left_out_are_no_event_types_of_the_log(path):
    assert load(path, "drop:events=view*").vocabulary == ("buy", "debug")


def test_an_attribute_that_is_not_loaded_can_still_choose_rows(path):
    log = load(path, "where:segment=device=phone", attributes=())
    assert log.events.columns == ["user_id", "session_id", "timestamp", "event_type"]
    assert set(log.events["user_id"]) == {str(user) for user in range(0, 30, 3)}


def test_numbers_are_compared_as_they_are_written(tmp_path):
    pl.DataFrame(rows_of()).with_columns(age=pl.int_range(180) % 2 + 1.0).write_parquet(
        tmp_path / "l.parquet"
    )
    assert load(tmp_path / "l.parquet", "where:segment=age=1").n_events == 90


def test_flattened_keys_are_attributes(path):
    log = load(path, "flatten:keys=plan|of.it's")
    assert set(log.events.select("user_id", "plan").rows()) == {
        (str(user), ["free", "paid"][user % 2]) for user in range(30)
    }
    assert log.events["of.it's"].sort().unique().to_list() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("attributes", [None, ("users.device",)])
def test_a_joined_column_never_replaces_one_of_the_log(path, users, attributes):
    log = load(path, f"join:table={users},on=id", attributes=attributes)
    joined = log.events.filter(pl.col("user_id").is_in(["1", "2", "3"]))
    assert set(joined.select("user_id", "users.device").rows()) == {("1", "mac"), ("2", "pc"), ("3", None)}
    assert f"column 'device' of '{users}' called 'users.device'" in log.quality.repairs
    assert f"users joined with '{users}': 28 of 30 users are not in it" in log.quality.repairs


def test_joined_columns_get_names_of_their_own_whatever_they_are_called(path, tmp_path):
    (tmp_path / "u.csv").write_text("user_id,device,users.device\n1,mac,pc\n")
    log = load(path, f"join:table={tmp_path / 'u.csv'}")
    joined = log.events.drop_nulls("users.device").row(0, named=True)
    names = ["users.device", "users.users.device"]
    assert [joined[name] for name in names] == ["mac", "pc"]


def test_ids_that_one_file_has_as_numbers_and_the_other_as_text_are_the_same(path, tmp_path):
    pl.DataFrame({"user_id": [1.0, 2.0], "plan": ["free", "paid"]}).write_parquet(tmp_path / "u.parquet")
    log = load(path, f"join:table={tmp_path / 'u.parquet'}")
    assert set(log.events.drop_nulls("plan").select("user_id", "plan").rows()) == {
        ("1", "free"),
        ("2", "paid"),
    }


@pytest.mark.parametrize(("table", "has"), [("x,free\ny,paid\n", "'x'"), (",free\n", "nobody")])
def test_a_table_without_any_user_of_the_log_is_refused(path, tmp_path, table, has):
    (tmp_path / "u.csv").write_text("user_id,plan\n" + table)
    with pytest.raises(DataError, match=rf"No user is in '.*u\.csv': it has {has}, the log '0'"):
        load(path, f"join:table={tmp_path / 'u.csv'}")


def test_what_is_left_out_of_a_joined_table_is_told(path, tmp_path):
    (tmp_path / "u.csv").write_text("user_id,plan\n1,free\n,paid\n2,paid,more\n")
    told = load(path, f"join:table={tmp_path / 'u.csv'}").quality.repairs
    assert f"rows of '{tmp_path / 'u.csv'}' without 'user_id' left out: 1" in told
    assert any(
        "could not be read: 1, the first: 3 columns where the header has 2 (line 4)" in each for each in told
    )


def test_a_user_twice_in_a_joined_table_is_refused_with_the_lines(path, tmp_path):
    (tmp_path / "u.csv").write_text("user_id,plan\n1,free\n2,paid\n1,paid\n")
    with pytest.raises(
        DataError, match=r"User '1' is in the table more than once: .*u\.csv line 2, .* line 4"
    ):
        load(path, f"join:table={tmp_path / 'u.csv'}")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("rename:events=vew_a,to=b", "Unknown event 'vew_a'. Known: .* Did you mean 'view_a'"),
        ("drop:events=debug|bying", "Unknown event 'bying'"),
        ("collapse:events=byu", "Unknown event 'byu'.* Did you mean 'buy'"),
        ("where:segment=devise=phone", "Unknown attribute 'devise'. Known: device. Did you mean 'device'"),
        ("where:segment=event_type=buy", "Unknown attribute 'event_type'"),
        ("where:segment=device=phone|dsk", "Unknown device 'dsk'. Known: desk, phone. Did you mean 'desk'"),
        (
            "flatten:keys=plon",
            "Unknown key of metadata 'plon'. Known: of, of.it's, plan. Did you mean 'plan'",
        ),
        ("drop:events=*", "Preparation leaves no row: events 'buy', .* left out, 180 rows"),
        ("period:before=1999-01-01", "Preparation leaves no row: rows from 1999-01-01 on left out, 180 rows"),
        ("sample:share=0.000001", "A sample of 1e-06 leaves none of 30 users"),
        ("join:table=nowhere.csv", "nowhere.csv"),
    ],
)
@pytest.mark.parametrize("attributes", [None, ()])
def test_what_is_not_in_the_log_is_told_with_what_is(path, step, message, attributes):
    with pytest.raises((DataError, UnknownNameError), match=message):
        load(path, step, attributes=attributes)


def test_a_column_that_a_joined_table_does_not_have_is_told(path, users):
    with pytest.raises(UnknownNameError, match=r"Unknown column of '.*' 'user_id'\. Known: id, plan"):
        load(path, f"join:table={users}")


def test_metadata_that_is_no_json_is_told(tmp_path):
    pl.DataFrame(rows_of()).with_columns(metadata=pl.lit("plan: free")).write_csv(tmp_path / "log.csv")
    with pytest.raises(DataError, match=r"metadata that is JSON, .* it is 'plan: free'"):
        load(tmp_path / "log.csv", "flatten:keys=plan")


def test_a_key_with_a_dot_is_itself_or_else_leads_into_what_is_nested(tmp_path):
    held = [
        '{"a.b": "itself"}',
        '{"a": {"b": "nested"}}',
        '{"a.b": "itself", "a": {"b": "nested"}}',
        "{}",
        None,
    ]
    frame = pl.DataFrame(rows_of(5)).with_columns(metadata=pl.Series(held * 6))
    frame.write_csv(tmp_path / "log.csv")
    found = (
        load(tmp_path / "log.csv", "flatten:keys=a.b").events.group_by("user_id").agg(pl.col("a.b").unique())
    )
    assert dict(found.sort("user_id").rows()) == {
        "0": ["itself"],
        "1": ["nested"],
        "2": ["itself"],
        "3": [None],
        "4": [None],
    }


def test_a_key_that_never_has_a_value_is_told(tmp_path):
    pl.DataFrame(rows_of()).with_columns(metadata=pl.lit('{"plan": null}')).write_csv(tmp_path / "log.csv")
    with pytest.raises(DataError, match="Key 'plan' of the metadata has no value in any row"):
        load(tmp_path / "log.csv", "flatten:keys=plan")


@pytest.mark.parametrize("key", ["*", "^a$", "__line__", "__event__", "__position__", "user_id", "device"])
def test_a_key_that_has_another_meaning_is_a_key(tmp_path, key):
    held = pl.lit(json.dumps({key: "x"}))
    pl.DataFrame(rows_of()).with_columns(metadata=held).write_csv(tmp_path / "log.csv")
    log = load(tmp_path / "log.csv", f"flatten:keys={key}")
    assert log.events[f"metadata.{key}"].unique().to_list() == ["x"]


def test_a_joined_table_with_a_reserved_column_is_refused(path, tmp_path):
    (tmp_path / "u.csv").write_text("user_id,__key__\n1,a\n")
    with pytest.raises(DataError, match="has a column '__key__', a reserved name"):
        load(path, f"join:table={tmp_path / 'u.csv'}")


def test_a_log_without_metadata_has_nothing_to_flatten(tmp_path):
    pl.DataFrame(rows_of()).drop("metadata").write_csv(tmp_path / "log.csv")
    with pytest.raises(DataError, match="flatten needs metadata, and the log has none"):
        load(tmp_path / "log.csv", "flatten:keys=plan")


def test_a_changed_table_is_another_preparation(users):
    preparation = parse_preparation([f"join:table={users},on=id"])
    before = preparation.digest()
    users.write_text("id,plan\n1,paid\n")
    assert preparation.digest() != before


def test_rows_that_were_all_rejected_are_told_before_names_that_are_in_none(tmp_path):
    (tmp_path / "log.csv").write_text(f"user_id,timestamp,event_type\n,{START.isoformat()},a\n")
    with pytest.raises(DataError, match=r"No row could be used \(line 2: no user\)"):
        load(tmp_path / "log.csv", "drop:events=b")


def test_an_attribute_to_load_that_is_nowhere_is_told_with_those_that_are(path):
    with pytest.raises(
        UnknownNameError, match=r"Unknown attribute 'devise'\. Known: .*Did you mean 'device'\?"
    ):
        load(path, attributes=("devise",))
