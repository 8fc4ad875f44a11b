import gzip
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.etl import load_event_log, load_event_log_csv
from persona_tui.engine.errors import DataError, UnknownNameError

HEADER = "user_id,session_id,timestamp,event_type\n"


@pytest.fixture
def load(tmp_path):
    def load_content(content, name="log.csv", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return load_event_log(path, **options)

    return load_content


def at(minute):
    return (datetime(2026, 3, 2, 9, tzinfo=UTC) + timedelta(minutes=minute)).isoformat()


def rejected(log):
    return log.quality.rejects.select("line", "reason").rows()


def test_the_log_has_canonical_columns_and_types(load):
    log = load(
        f"who,event,when,device\nu1,a,{at(0)},phone\n", columns={"user_id": "who", "timestamp": "when"}
    )
    assert dict(log.events.schema) == {
        "user_id": pl.String(),
        "session_id": pl.String(),
        "timestamp": pl.Datetime("us", "UTC"),
        "event_type": pl.Enum(["a"]),
        "device": pl.String(),
    }
    assert log.columns == {"user_id": "who", "timestamp": "when", "event_type": "event"}


def test_load_event_log_csv_gives_the_events_alone(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(HEADER + f"u1,s1,{at(0)},a\n")
    assert load_event_log_csv(path).equals(load_event_log(path).events)


def test_no_user_column_lists_the_columns_and_says_how_to_map(load):
    with pytest.raises(DataError, match="Columns found: who, time, event") as caught:
        load("who,time,event\n1,2,3\n")
    assert "--column user_id=NAME" in caught.value.hint


def test_a_given_column_that_is_not_there_is_refused(load):
    with pytest.raises(UnknownNameError):
        load(HEADER + f"u1,s1,{at(0)},a\n", columns={"user_id": "nobody"})


def test_unreadable_times_alone_are_refused(load):
    with pytest.raises(DataError, match="No time of column 'timestamp' could be read; the first is 'soon'"):
        load(HEADER + "u1,s1,soon,a\nu1,s1,later,a\n")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (f",s1,{at(0)},a", "no user"),
        (f"  ,s1,{at(0)},a", "no user"),
        (f"u1,s1,{at(0)},", "no event"),
        (f'u1,s1,{at(0)},""', "no event"),
        ("u1,s1,,a", "no time"),
        ("u1,s1,soon,a", "unreadable time"),
        (f"u1,s1,{at(0)},a,extra", "5 columns where the header has 4"),
        (f'u1,s1,{at(0)},"a', "a quote is not closed or not doubled"),
    ],
)
def test_a_row_that_cannot_be_used_is_kept_with_line_and_reason(load, row, reason):
    log = load(HEADER + f"u1,s1,{at(0)},a\n{row}\nu2,s1,{at(1)},b\n")
    assert rejected(log) == [(3, reason)]
    assert log.events["user_id"].to_list() == ["u1", "u2"]


def test_three_bad_rows_among_ten_thousand_are_told_by_line_and_the_rest_is_loaded(load):
    rows = [f"u{n},s1,{at(n)},a" for n in range(10_000)]
    rows[41], rows[998], rows[9_000] = f",s1,{at(0)},a", "u998,s1,soon,a", f"u9000,s1,{at(0)},a,x"
    log = load(HEADER + "\n".join(rows))
    assert log.events.height == 9_997
    assert log.quality.sentences() == [
        "1 rejected: 5 columns where the header has 4 (line 9002)",
        "1 rejected: no user (line 43)",
        "1 rejected: unreadable time (line 1000)",
    ]


def test_many_different_unreadable_times_are_one_reason(load):
    bad = "".join(f"u1,s1,soon {n},a\n" for n in range(9))
    log = load(HEADER + f"u1,s1,{at(0)},a\n" * 3 + f"u1,s1,{at(1)},a\n" + bad)
    assert log.quality.sentences()[0] == "9 rejected: unreadable time (line 6, 7, 8, …)"
    assert log.quality.n_rejected == 9


def test_a_last_row_that_was_cut_off_is_rejected(load):
    log = load(HEADER + f"u1,s1,{at(0)},a\nu2,s1,{at(0)[:13]}")
    assert rejected(log) == [(3, "no event")]


def test_a_reject_shows_its_content(load):
    log = load(HEADER + f"u1,s1,{at(0)},a\nu2,s1,soon,b\n")
    assert log.quality.rejects["content"].to_list() == ["u2,s1,soon,b"]


def test_rejects_after_a_quoted_line_end_have_their_true_line(load):
    log = load(f'user,time,event,note\nu1,{at(0)},a,"x\ny"\n,{at(0)},a,\n')
    assert rejected(log) == [(4, "no user")]


def test_blank_lines_are_no_rows(load):
    log = load(HEADER + f"u1,s1,{at(0)},a\n\n\nu2,s1,{at(0)},a\n")
    assert log.events.height == 2
    assert log.quality.n_rejected == 0


def test_a_log_of_which_no_row_can_be_used_names_the_first_reason(load):
    with pytest.raises(DataError, match=r"No row could be used \(line 2: no user\)"):
        load(HEADER + f",s1,{at(0)},a\n")


def test_exact_duplicates_are_dropped_and_counted(load):
    log = load(HEADER + f"u1,s1,{at(0)},a\nu1,s1,{at(0)},b\nu1,s1,{at(0)},a\n" + f"u2,s1,{at(0)},a\n" * 3)
    assert log.events.select("user_id", "event_type").rows() == [("u1", "a"), ("u1", "b"), ("u2", "a")]
    assert log.quality.n_duplicates == 3
    assert "3 exact duplicates dropped" in log.quality.sentences()


@given(
    st.lists(
        st.tuples(st.sampled_from("uv"), st.sampled_from("st"), st.integers(0, 2), st.sampled_from("ab"))
    )
)
def test_each_distinct_row_is_kept_once(tmp_path_factory, rows):
    path = tmp_path_factory.getbasetemp() / "duplicates.csv"
    path.write_text(HEADER + "".join(f"{u},{s},{at(t)},{e}\n" for u, s, t, e in rows) + f"z,z,{at(0)},z\n")
    log = load_event_log(path)
    kept = sorted(((u, s, at(t), e) for u, s, t, e in dict.fromkeys(rows)), key=lambda row: (row[0], row[2]))
    told = log.events.with_columns(pl.col("event_type").cast(pl.String)).rows()
    assert [(u, s, t.isoformat(), e) for u, s, t, e in told[:-1]] == kept
    assert log.quality.n_duplicates == len(rows) - len(kept)


def test_rows_that_differ_in_an_attribute_are_no_duplicates(load):
    log = load(f"user,time,event,n\nu1,{at(0)},a,1\nu1,{at(0)},a,2\n")
    assert log.events.height == 2


def test_ties_keep_the_order_of_the_file(load):
    events = [f"e{n}" for n in (5, 1, 4, 2, 3)]
    log = load(HEADER + "".join(f"u1,s1,{at(0)},{event}\n" for event in events))
    assert log.events["event_type"].to_list() == events


@pytest.mark.parametrize("name", ["return", "friction_drop", "added_step_1"])
def test_a_reserved_event_name_is_changed_and_told(load, name):
    log = load(HEADER + f"u1,s1,{at(0)},{name}\nu1,s1,{at(1)},event_{name}\n")
    assert log.events["event_type"].to_list() == [f"event_event_{name}", f"event_{name}"]
    assert log.quality.repairs == (f"event '{name}' renamed to 'event_event_{name}': the name is reserved",)


def test_sessions_are_cut_after_more_than_thirty_idle_minutes(load):
    rows = [("u1", 0), ("u2", 10), ("u1", 30), ("u1", 61), ("u2", 41)]
    log = load("user,time,event\n" + "".join(f"{user},{at(minute)},a\n" for user, minute in rows))
    assert log.events["session_id"].to_list() == ["gap-1", "gap-1", "gap-2", "gap-1", "gap-2"]
    assert log.quality.repairs == ("sessions cut at 30 idle minutes: the source has none",)


def test_sessions_are_cut_in_time_whatever_the_order_of_the_file(load):
    log = load("user,time,event\n" + "".join(f"u1,{at(minute)},a\n" for minute in (90, 0, 10)))
    assert log.events["session_id"].to_list() == ["gap-1", "gap-1", "gap-2"]


@pytest.mark.parametrize("blank", ["", '""', " "])
def test_rows_without_a_session_get_one_and_it_is_told(load, blank):
    log = load(HEADER + f"u1,s1,{at(0)},a\nu1,{blank},{at(90)},a\n")
    assert log.events["session_id"].to_list() == ["s1", "gap-1"]
    assert log.quality.repairs == ("1 rows without a session got one, cut at 30 idle minutes",)


def test_attributes_become_numbers_where_all_of_them_are(load):
    log = load(f'user,time,event,age,plan,score\nu1,{at(0)},a,31,pro,\nu2,{at(0)},a,4.5,2,""\n')
    assert log.events["age"].to_list() == [31.0, 4.5]
    assert log.events["plan"].to_list() == ["pro", "2"]
    assert log.events["score"].to_list() == [None, None]


def test_a_column_whose_name_another_one_takes_is_kept_and_told(load):
    log = load(f"user_id,client,time,event\n1,c,{at(0)},a\n2,c,{at(0)},a\n", columns={"user_id": "client"})
    assert log.events["user_id"].to_list() == ["c", "c"]
    assert log.events["source_user_id"].to_list() == [1.0, 2.0]
    assert "column 'user_id' kept as 'source_user_id': 'client' is given as user_id" in log.quality.repairs


def test_names_may_change_places(load):
    swapped = {"user_id": "session_id", "session_id": "user_id"}
    log = load(HEADER + f"s1,u1,{at(0)},a\n", columns=swapped)
    assert log.events.select("user_id", "session_id").row(0) == ("u1", "s1")


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000, 1_000_000_000])
def test_epochs_are_told_by_their_size(load, unit):
    log = load(f"user,time,event\nu1,{1_772_442_845 * unit},a\n")
    assert log.events["timestamp"].to_list() == [datetime(2026, 3, 2, 9, 14, 5, tzinfo=UTC)]


def test_gzip_and_plain_text_load_alike(load):
    text = (HEADER + f"u1,s1,{at(0)},a\n").encode()
    assert load(gzip.compress(text), "log.csv.gz").events.equals(load(text).events)


def test_parquet_and_csv_load_alike(load, tmp_path):
    text = f"user,time,event,age\nu1,{at(0)},a,31\nu2,{at(1)},b,\n"
    frame = pl.DataFrame(
        {
            "user": ["u1", "u2"],
            "time": [datetime(2026, 3, 2, 9), datetime(2026, 3, 2, 9, 1)],
            "event": pl.Series(["a", "b"], dtype=pl.Categorical),
            "age": [31.0, None],
        }
    )
    frame.write_parquet(tmp_path / "log.parquet")
    assert load_event_log(tmp_path / "log.parquet").events.equals(load(text).events)


def test_records_in_parquet_become_json_text(tmp_path):
    frame = pl.DataFrame(
        {"user": ["u", "v"], "time": [0, 1], "event": ["a", "b"], "metadata": [{"k": 1}, None]}
    )
    frame.write_parquet(tmp_path / "log.parquet")
    assert load_event_log(tmp_path / "log.parquet").events["metadata"].to_list() == ['{"k":1}', None]


def test_lists_and_bytes_in_parquet_do_not_hide_a_reject(tmp_path):
    frame = pl.DataFrame(
        {"user": ["u", None], "time": [0, 1], "event": ["a", "b"], "tags": [["k"], []], "raw": [b"\xff", b""]}
    )
    frame.write_parquet(tmp_path / "log.parquet")
    assert rejected(load_event_log(tmp_path / "log.parquet")) == [(2, "no user")]


def test_a_user_column_of_lists_is_refused(tmp_path):
    pl.DataFrame({"user": [["u"]], "time": [0], "event": ["a"]}).write_parquet(tmp_path / "log.parquet")
    with pytest.raises(DataError, match="The column of user_id holds lists or records"):
        load_event_log(tmp_path / "log.parquet")


def test_an_attribute_may_be_called_event(load):
    log = load(f"user_id,timestamp,event_type,event\nu1,{at(0)},a,x\nu1,{at(0)},a,y\nu1,{at(0)},a,y\n")
    assert log.events.select("event_type", "event").rows() == [("a", "x"), ("a", "y")]


def test_ids_that_became_fractions_are_whole_again(tmp_path):
    users = pl.Series([1.0, 2.0, None, 2.5])
    pl.DataFrame({"user": users, "time": [at(0)] * 4, "event": ["a"] * 4}).write_parquet(
        tmp_path / "log.parquet"
    )
    assert load_event_log(tmp_path / "log.parquet").sequences.user_ids == ("1", "2", "2.5")


@pytest.mark.parametrize("name", ["*", "^a$", "__line__"])
def test_a_column_with_a_reserved_name_is_named(load, name):
    with pytest.raises(DataError, match="a reserved name"):
        load(f"user,time,event,{name}\nu1,{at(0)},a,1\n")
