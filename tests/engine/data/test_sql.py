"""DuckDB and SQLite files; PostgreSQL has tests of its own."""

import datetime as dt
import sqlite3
import subprocess
import sys
from itertools import pairwise

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from persona_tui.engine.data.readers.sql import DATABASES, open_sql
from persona_tui.engine.data.readers.sql_digest import ColumnDigest
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.errors import DataError, MissingExtraError

N_ROWS = 150_000
EVENTS = "CREATE TABLE events (user_id TEXT, clock BIGINT, event TEXT)"
KINDS = ["duckdb", "sqlite"]
HOLD = {
    "duckdb": "import duckdb, sys; c = duckdb.connect(sys.argv[1])",
    "sqlite": "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
    "c.execute('BEGIN EXCLUSIVE')",
}


def write(kind, path, *statements):
    connection = duckdb.connect(str(path)) if kind == "duckdb" else sqlite3.connect(path)
    for each in statements:
        connection.execute(each)
    connection.commit()
    connection.close()


@pytest.fixture(scope="module", params=KINDS)
def shop(request, tmp_path_factory):
    """Return the URL of a database with a table of many rows, one of none, and a view."""
    path = tmp_path_factory.mktemp(request.param) / "shop.db"
    numbers = (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {N_ROWS})"
        if request.param == "sqlite"
        else f"WITH n(i) AS (SELECT unnest(range(1, {N_ROWS} + 1)))"
    )
    write(
        request.param,
        path,
        EVENTS,
        f"INSERT INTO events {numbers} SELECT 'u' || i % 1000, 1772442000 + i,"
        " CASE i % 3 WHEN 0 THEN NULL ELSE 'é' END FROM n",
        'CREATE TABLE "an ""odd"" name" (a BIGINT)',
        "CREATE VIEW latest AS SELECT * FROM events ORDER BY clock DESC",
    )
    return f"{request.param}:///{path}"


def read(table, columns=None):
    return pl.concat([batch.frame for batch in table.batches(columns or list(table.schema))])


def fault(url, kind=DataError):
    with pytest.raises(kind) as raised:
        read(open_sql(url))
    return str(raised.value)


def test_a_table_comes_in_batches_with_its_rows_numbered(shop):
    table = open_sql(f"{shop}#events")
    batches = list(table.batches(["clock", "user_id", "event"]))
    rows = pl.concat([each.frame for each in batches])
    assert len(batches) > 1
    assert [each.done for each in batches] == np.cumsum([each.frame.height for each in batches]).tolist()
    assert rows.schema == {LINE: pl.Int64, "clock": pl.Int64, "user_id": pl.String, "event": pl.String}
    assert (rows["clock"] - 1772442000).equals(rows[LINE].rename("clock"))
    assert rows["event"].null_count() == N_ROWS // 3
    assert (table.n_rows, table.size, batches[-1].done) == (N_ROWS,) * 3
    assert read(table, ["clock"]).equals(rows.select(LINE, "clock"))


def test_a_query_keeps_its_order_whatever_columns_are_asked_for(shop):
    table = open_sql(
        f"{shop}#SELECT clock AS moment, event FROM events WHERE clock % 2 = 0 ORDER BY clock DESC; "
    )
    assert table.notes == ()
    assert (table.n_rows, table.size) == (None, 0)
    moments = read(table, ["moment"])["moment"]
    assert moments.len() == N_ROWS // 2
    assert moments.is_sorted(descending=True)


def test_the_fingerprint_is_of_the_content_and_not_of_what_was_read_before(shop):
    plain, read_in_part = open_sql(f"{shop}#events"), open_sql(f"{shop}#events")
    read(read_in_part, ["event"])
    next(read_in_part.batches(["clock"]))
    assert plain.fingerprint() == read_in_part.fingerprint()
    assert plain.fingerprint() == open_sql(f"{shop}#SELECT * FROM events").fingerprint()
    assert plain.fingerprint() != open_sql(f"{shop}#latest").fingerprint()


def test_two_readings_at_a_time_do_not_disturb_each_other(shop):
    table = open_sql(f"{shop}#events")
    first = table.batches(["clock"])
    next(first)
    assert table.head(5).height == 5
    assert sum(batch.frame.height for batch in first) < N_ROWS


def test_what_is_read_is_named_or_is_the_only_table(shop, tmp_path):
    kind = shop.partition(":")[0]
    assert 'holds 3 tables: an "odd" name, events, latest' in fault(shop)
    said = fault(f"{shop}#evnets")
    assert said.startswith("Unknown table 'evnets'.")
    assert said.endswith("Did you mean 'events'?")
    assert open_sql(f"{shop}#Events").n_rows == N_ROWS
    assert open_sql(f"{shop}#latest").n_rows is None
    place = open_sql(f"{shop}#events").name.removesuffix("#events")
    assert fault(f'{shop}#"an ""odd"" name"') == f"'{place}#an \"odd\" name' holds no rows."
    write(kind, tmp_path / "one.db", EVENTS, "INSERT INTO events VALUES ('u', 1, 'a')")
    assert "one table, 'events'" in open_sql(f"{kind}:///{tmp_path}/one.db").notes[0]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM events",
        "SELECT 1; DELETE FROM events",
        "DROP TABLE events",
        "WITH a AS (SELECT 1) DELETE FROM events",
    ],
)
def test_a_query_can_only_read(shop, query):
    assert fault(f"{shop}#{query}")
    assert open_sql(f"{shop}#events").n_rows == N_ROWS


def test_an_unknown_column_of_a_query_is_named(shop):
    assert "nope" in fault(f"{shop}#SELECT nope FROM events")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_cannot_be_read_says_why(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(kind, tmp_path / "shop.db", EVENTS, "INSERT INTO events VALUES ('u', 1, 'a')")
    (tmp_path / "text.db").write_text("user_id,timestamp\n" * 500)
    (tmp_path / "folder").mkdir()
    assert open_sql(f"{kind}:///shop.db").n_rows == 1
    assert "Near it: shop.db" in fault(f"{kind}:///shop2.db")
    assert "There is no folder" in fault(f"{kind}:////no/such/shop.db")
    assert "is a folder" in fault(f"{kind}:///folder")
    assert "not a" in fault(f"{kind}:///text.db")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_locked_says_so(kind, tmp_path, monkeypatch):
    monkeypatch.setattr("persona_tui.engine.data.readers.sql_sqlite._WAIT_MILLISECONDS", 50)
    path = tmp_path / "shop.db"
    write(kind, path, EVENTS, "INSERT INTO events VALUES ('u', 1, 'a')")
    holder = subprocess.Popen(
        [sys.executable, "-c", f"{HOLD[kind]}; print(flush=True); sys.stdin.read()", path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        holder.stdout.readline()
        said = fault(f"{kind}:///{path}#events")
    assert "lock" in said
    assert "Close the program that writes to it" in said


@pytest.mark.parametrize(("kind", "module"), [("duckdb", "duckdb"), ("sqlite", "adbc_driver_sqlite.dbapi")])
def test_a_driver_that_is_missing_is_named_with_its_extra(kind, module, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, module, None)
    said = fault(f"{kind}:///{tmp_path}/shop.db", MissingExtraError)
    assert f"pip install 'persona-tui[{kind}]'" in said
    assert module.partition(".")[0].replace("_", "-") in said


def test_what_duckdb_holds_is_held_without_loss_or_told(tmp_path):
    path = tmp_path / "shop.db"
    write(
        "duckdb",
        path,
        "CREATE TYPE step AS ENUM ('view', 'pay')",
        "CREATE TABLE t AS SELECT 'pay'::step AS event, uuid '00000000-0000-0000-0000-00000000000a' AS id,"
        " 12.34::DECIMAL(10, 2) AS price, 7::DECIMAL(12, 0) AS account, 12345678901234567890::HUGEINT AS big,"
        " [{'key': 'a', 'value': {'n': 1}}] AS params, [1.5::DECIMAL(5, 2)] AS prices,"
        " INTERVAL 1 DAY AS stay,"
        " MAP {'a': 1} AS pairs, '\\xFF'::BLOB AS raw, TIMESTAMP '2026-03-02 09:00' AS wall,"
        " TIMESTAMP_NS '2026-03-02 09:00' AS fine, DATE '2026-03-02' AS day, true AS ok,"
        " NULL::INTEGER AS missing",
    )
    table = open_sql(f"duckdb:///{path}")
    assert table.head().row(0, named=True) == {
        "event": "pay",
        "id": "00000000-0000-0000-0000-00000000000a",
        "price": 12.34,
        "account": 7,
        "big": "12345678901234567890",
        "params": [{"key": "a", "value": {"n": 1}}],
        "prices": "[1.5]",
        "stay": "1 day",
        "pairs": "{a=1}",
        "raw": "\\xFF",
        "wall": dt.datetime(2026, 3, 2, 9),
        "fine": dt.datetime(2026, 3, 2, 9),
        "day": dt.date(2026, 3, 2),
        "ok": True,
        "missing": None,
    }
    told = " ".join(table.notes)
    assert all(f"'{name}'" in told for name in ("price", "big", "prices", "stay", "pairs", "raw"))
    assert not any(f"'{name}'" in told for name in ("event", "id", "account", "params", "fine"))
    assert table.fingerprint() == open_sql(f"duckdb:///{path}").fingerprint()


def test_an_error_of_duckdb_half_way_is_told_with_the_rows_before_it(tmp_path):
    path = tmp_path / "shop.db"
    write("duckdb", path, "CREATE TABLE t AS SELECT range AS i FROM range(3000000)")
    query = "SELECT CASE WHEN i < 2900000 THEN i ELSE error('boom') END AS i FROM t"
    table = open_sql(f"duckdb:///{path}#{query}")
    with pytest.raises(DataError, match=r"stopped after .* rows: .*boom"):
        read(table)


SQLITE_VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00")),
)


@given(st.lists(SQLITE_VALUES, min_size=1, max_size=8))
@settings(max_examples=30)
def test_a_column_of_sqlite_without_a_type_is_text_that_loses_nothing(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("sqlite") / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE t (x)")
    connection.executemany("INSERT INTO t VALUES (?)", [(each,) for each in values])
    connection.commit()
    connection.close()
    texts = read(open_sql(f"sqlite:///{path}"))["x"].to_list()
    assert [
        type(each)(text) if each is not None else text for each, text in zip(values, texts, strict=True)
    ] == values


def test_a_number_column_of_sqlite_that_holds_something_else_is_refused_not_cut(tmp_path):
    for value in ("'many'", "1.5"):
        path = tmp_path / f"{value}.db"
        write("sqlite", path, "CREATE TABLE t (n INTEGER)", f"INSERT INTO t VALUES (1), ({value})")
        url = f"sqlite:///{path}#t"
        assert "declared as numbers ('n') holds something else" in fault(url)
        assert read(open_sql(f"sqlite:///{path}#SELECT CAST(n AS TEXT) AS n FROM t"))["n"].to_list() == [
            "1",
            value.strip("'"),
        ]


def test_bytes_of_sqlite_are_hexadecimal_and_broken_text_is_refused(tmp_path):
    path = tmp_path / "shop.db"
    write("sqlite", path, "CREATE TABLE t (raw BLOB, n INT)", "INSERT INTO t VALUES (x'00ff', 1)")
    table = open_sql(f"sqlite:///{path}")
    assert table.head()["raw"].to_list() == ["00FF"]
    assert "hexadecimal" in table.notes[1]
    write("sqlite", path, "CREATE TABLE u (x TEXT)", "INSERT INTO u VALUES (CAST(x'fffe' AS TEXT))")
    assert "not UTF-8" in fault(f"sqlite:///{path}#u")


def test_sqlite_shows_one_state_to_every_reading(tmp_path):
    path = tmp_path / "shop.db"
    write("sqlite", path, "PRAGMA journal_mode = WAL", EVENTS, "INSERT INTO events VALUES ('u', 1, 'a')")
    table = open_sql(f"sqlite:///{path}")
    subprocess.run(
        [sys.executable, "-c", f"import sqlite3; c = sqlite3.connect({str(path)!r});"
         "c.execute(\"INSERT INTO events VALUES ('v', 2, 'b')\"); c.commit()"],
        check=True,
    )  # fmt: skip
    assert read(table).height == 1
    assert read(open_sql(f"sqlite:///{path}")).height == 2


COLUMNS = st.sampled_from(
    [
        (pl.Series(["a", "", None, "bc", "é", "\x00"]), pl.String()),
        (pl.Series([1, None, -3, 0, 2, 0]), pl.Int64()),
        (pl.Series([True, None, False, None, True, False]), pl.Boolean()),
        (pl.Series([[1, 2], [], None, [3], [None], [1]]), pl.List(pl.Int64())),
        (pl.Series([dt.date(2026, 3, 2), None] * 3), pl.Date()),
        (pl.Series([0.5, None, float("nan"), 0.0, -0.0, 1.0]), pl.Float64()),
        (pl.Series([dt.time(12), None] * 3), pl.Time()),
    ]
)


@given(COLUMNS, st.lists(st.integers(0, 6), max_size=4))
def test_the_digest_of_a_column_does_not_depend_on_its_batches(column, cuts):
    values, dtype = column
    whole, pieces = ColumnDigest(dtype), ColumnDigest(dtype)
    whole.update(values)
    edges = [0, *sorted(cuts), len(values)]
    for start, end in pairwise(edges):
        pieces.update(values[start:end])
    assert whole.digest() == pieces.digest()


@given(COLUMNS, st.integers(0, 5), st.integers(0, 5))
def test_the_digest_of_a_column_sees_every_value_and_their_order(column, first, second):
    values, dtype = column
    order = list(range(len(values)))
    order[first], order[second] = order[second], order[first]
    digests = []
    for each in (values, values[order], values[:-1]):
        digest = ColumnDigest(dtype)
        digest.update(each)
        digests.append(digest.digest())
    same = repr(values.to_list()) == repr(values[order].to_list())
    assert (digests[0] == digests[1]) == same
    assert digests[0] != digests[2]


def test_text_cannot_pass_for_its_neighbours():
    digests = set()
    for values in (["ab", "c"], ["a", "bc"], ["abc", ""], ["abc", None], ["abc"]):
        digest = ColumnDigest(pl.String())
        digest.update(pl.Series(values))
        digests.add(digest.digest())
    assert len(digests) == 5


def test_every_kind_of_database_is_registered_with_a_line_of_help():
    assert DATABASES.names() == ("duckdb", "sqlite", "postgresql")
    assert all(DATABASES.help(name) for name in DATABASES.names())
