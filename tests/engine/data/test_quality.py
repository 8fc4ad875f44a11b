from dataclasses import astuple
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.quality import Finding, Quality, percent
from persona_tui.engine.data.readers.tables import LINE, REJECT_COLUMNS
from persona_tui.engine.data.rejects import check_rejected, parse_share, write_rejects
from persona_tui.engine.data.row_checks import RowChecks
from persona_tui.engine.errors import DataError, ExportError, ThresholdError

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def quality(*rows, **others):
    return Quality(rejects=pl.DataFrame(rows, REJECT_COLUMNS, orient="row"), **others)


SEVERAL = (
    ("a.csv", 2, "no user", ",t,b"),
    ("a.csv", 5, "unreadable time", "u,soon,b"),
    ("b.csv", 7, "unreadable time", "u,later,b"),
    ("b.csv", 8, "unreadable time", "=cmd(),,"),
    ("b.csv", 9, "unreadable time", "u,never,b"),
)


def test_sentences_name_files_only_where_there_are_several():
    assert quality(*SEVERAL[:2], n_duplicates=3, repairs=("x renamed",)).sentences() == [
        "1 rejected: no user (line 2)",
        "1 rejected: unreadable time (line 5)",
        "3 exact duplicates dropped",
        "x renamed",
    ]
    assert quality(*SEVERAL).sentences()[0] == (
        "4 rejected: unreadable time (a.csv line 5, b.csv line 7, b.csv line 8, …)"
    )


def test_the_table_tells_what_was_dropped_before_what_is_odd():
    odd = Finding(kind="future", count=1, share=0.001, sentence="times are in the future", examples=("x",))
    split = Finding(kind="s", count=2, share=0.5, sentence="shared", severity="repaired", counted="sessions")
    table = quality(
        *SEVERAL,
        n_duplicates=2,
        duplicate_examples=("a.csv line 3",),
        n_rows_read=1_000,
        findings=(odd, split),
    ).table()
    assert [astuple(row) for row in table] == [
        ("unreadable time", "4 rows", "0.4%", "dropped", "a.csv line 5, b.csv line 7, b.csv line 8, …"),
        ("no user", "1 row", "0.1%", "dropped", "a.csv line 2"),
        ("exact duplicates of an earlier row", "2 rows", "0.2%", "dropped", "a.csv line 3, …"),
        ("shared", "2 sessions", "50%", "repaired", ""),
        ("times are in the future", "1 row", "0.1%", "kept", "x"),
    ]


def test_the_document_holds_all_that_the_table_shows():
    document = quality(*SEVERAL, n_duplicates=2, n_rows_read=1_000).as_document()
    assert (document["rows_read"], document["rejected"], document["duplicates"]) == (1_000, 5, 2)
    assert document["rejected_share"] == 0.005
    assert [each["count"] for each in document["findings"]] == [4, 1, 2]
    assert document["findings"][0]["sentence"] == "unreadable time"


def test_a_clean_log_has_nothing_to_tell():
    clean = quality(n_rows_read=10)
    assert (clean.sentences(), clean.table(), clean.rejected_share) == ([], [], 0)


def test_nothing_read_is_nothing_rejected():
    assert quality().rejected_share == 0


def test_too_many_rejects_are_refused_with_both_shares():
    with pytest.raises(
        ThresholdError, match=r"0\.5% of rows were rejected \(5 of 1,000\), more than --max-rejected 0\.4%"
    ):
        check_rejected(quality(*SEVERAL, n_rows_read=1_000), 0.004)


def test_as_many_rejects_as_allowed_are_accepted():
    check_rejected(quality(*SEVERAL, n_rows_read=1_000), 0.005)


@given(st.floats(0, 1))
def test_a_percentage_is_none_or_all_only_where_the_share_is(share):
    assert (percent(share) == "0%") <= (share < 1e-9)
    assert (percent(share) == "100%") <= (share > 1 - 1e-9)


@pytest.mark.parametrize(
    ("text", "share"), [("1%", 0.01), (" 1 % ", 0.01), ("0.01", 0.01), ("1", 1), ("0", 0)]
)
def test_shares_are_percentages_or_numbers_to_one(text, share):
    assert parse_share(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["", "%", "one", "-1%", "101%", "5", "nan", "inf%"])
def test_what_is_no_share_is_refused_with_an_example(text):
    with pytest.raises(DataError) as fault:
        parse_share(text)
    assert fault.value.hint == "Write it as 1% or as 0.01."


def test_a_number_above_one_may_have_been_meant_as_a_percentage():
    with pytest.raises(DataError, match=r"Did you mean 5%\?"):
        parse_share("5")


def test_rejects_are_written_with_cells_that_no_spreadsheet_runs(tmp_path):
    write_rejects(quality(*SEVERAL), tmp_path / "rejects.csv")
    written = pl.read_csv(tmp_path / "rejects.csv")
    assert written.columns == ["file", "line", "reason", "content"]
    assert written["line"].to_list() == [2, 5, 7, 8, 9]
    assert written["content"][3] == "'=cmd(),,"


def test_rejects_that_cannot_be_written_leave_nothing(tmp_path):
    with pytest.raises(ExportError):
        write_rejects(quality(*SEVERAL), tmp_path / "no folder" / "rejects.csv")
    assert not list(tmp_path.iterdir())


moments = st.sampled_from(
    [
        NOW - timedelta(days=1),
        NOW - timedelta(hours=1),
        NOW,
        NOW + timedelta(seconds=1),
        datetime(1989, 12, 31, tzinfo=UTC),
    ]
)
row_lists = st.lists(
    st.tuples(moments, st.sampled_from(["DE", None, "FR"]), st.sampled_from([1.5, float("nan")])),
    min_size=1,
    max_size=12,
)


def as_frame(rows, start=0):
    times, countries, prices = zip(*rows, strict=True)
    return pl.DataFrame(
        {
            LINE: pl.Series(range(start + 2, start + 2 + len(rows)), dtype=pl.Int64),
            "timestamp": pl.Series(times, dtype=pl.Datetime("us", "UTC")),
            "country": pl.Series(countries, dtype=pl.String),
            "price": pl.Series(prices, dtype=pl.Float64),
        }
    )


def observed(frames):
    checks = RowChecks(now=NOW)
    for frame in frames:
        checks.observe(frame, "log.csv")
    return checks.findings()


@given(row_lists)
def test_row_checks_count_what_their_definitions_say(rows):
    found = {each.kind: each for each in observed([as_frame(rows)])}
    times = [row[0] for row in rows]
    expected = {
        "out_of_order": [n for n in range(1, len(rows)) if times[n] < times[n - 1]],
        "future": [n for n, each in enumerate(times) if each > NOW],
        "before_1990": [n for n, each in enumerate(times) if each.year < 1990],
    }
    for kind, positions in expected.items():
        if positions:
            assert (found[kind].count, found[kind].share) == (len(positions), len(positions) / len(rows))
            assert found[kind].examples == tuple(f"log.csv line {n + 2}" for n in positions[:3])
        else:
            assert kind not in found
    constant = [name for n, name in ((1, "country"), (2, "price")) if len({str(row[n]) for row in rows}) == 1]
    shown = found["constant_columns"].examples if "constant_columns" in found else ()
    assert [each.split(":")[0] for each in shown] == (constant if len(rows) > 1 else [])


@given(row_lists, st.lists(st.integers(0, 12), max_size=4))
def test_row_checks_do_not_depend_on_how_rows_are_cut_into_batches(rows, cuts):
    edges = sorted({0, len(rows), *(min(each, len(rows)) for each in cuts)})
    whole = as_frame(rows)
    batches = [whole[start:stop] for start, stop in pairwise(edges)]
    assert observed([whole[:0], *batches]) == observed([whole])


def test_a_long_value_is_shortened_where_it_is_an_example():
    frame = as_frame([(NOW, "x" * 10_000, 1.0), (NOW, "x" * 10_000, 2.0)])
    assert observed([frame])[0].examples == (f"country: {'x' * 40}…",)
