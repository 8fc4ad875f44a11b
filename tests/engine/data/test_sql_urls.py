import re
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from persona_tui.engine.data.readers.sql_urls import is_sql_url, parse_sql_url, redact
from persona_tui.engine.errors import DataError

PASSWORDS = st.text(min_size=1)


@given(PASSWORDS, st.booleans())
@example("a@b/c#d?password=e&f:g", False)
@example("://u:p@", False)
def test_no_part_of_a_password_survives_redaction(password, encoded):
    written = quote(password, safe="") if encoded else password
    url = f"postgresql://ann:{written}@db.example:5432/shop"
    assert redact(url) == "postgresql://ann:***@db.example:5432/shop"
    assert redact(f"{url}#public.events") == "postgresql://ann:***@db.example:5432/shop#public.events"


@given(
    PASSWORDS.filter(lambda text: "@" not in text),  # with an @ even more of the URL is hidden
    st.sampled_from(["password", "PASSWORD", "sslpassword", "pass%77ord", "pwd", "access_token", "apikey"]),
    st.sampled_from(
        ["postgresql://db.example/shop?", "postgresql://db.example/shop?user=ann&", "host=db user=ann "]
    ),
)
def test_no_part_of_a_password_given_as_a_parameter_survives(password, name, before):
    assert redact(f"{before}{name}={password}") == f"{before}{name}=***"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ann@db.example:5432/shop?sslmode=require#events",
        "postgresql:///shop#SELECT * FROM events",
        "duckdb:///shop.db#SELECT * FROM events WHERE mail LIKE 'a:%@b'",
        "sqlite:////var/shop.db#events",
        "logs/events.csv",
    ],
)
def test_what_holds_no_password_is_left_as_it_is(url):
    assert redact(url) == url


@given(PASSWORDS)
def test_an_encoded_password_reaches_the_driver_and_no_description(password):
    url = parse_sql_url(f"postgresql://ann:{quote(password, safe='')}@db.example/shop")
    assert url.password == password
    assert url.place == "postgresql://ann@db.example/shop"
    plain = parse_sql_url("postgresql://ann@db.example/shop")
    assert repr(url) == repr(plain)


@given(st.text(), st.sampled_from("@/#?:"), st.text(), st.sampled_from(["shop", "shop#events"]))
def test_a_password_that_is_not_encoded_is_understood_or_refused_unseen(before, odd, after, rest):
    secret = f"\x00{before}{odd}{after}\x00"
    try:
        url = parse_sql_url(f"postgresql://ann:{secret}@db.example/{rest}")
    except DataError as error:
        said = str(error)
    else:
        assert (url.password, url.hosts) == (unquote(secret), "db.example")
        return
    assert "\x00" not in said
    assert "ann:***@db.example" in said


@pytest.mark.parametrize(
    ("what", "table"),
    [
        ("events", ("events",)),
        ("analytics.events", ("analytics", "events")),
        ('"odd name"', ("odd name",)),
        ('a."say ""hi"".2"', ("a", 'say "hi".2')),
        ("2024-events", ("2024-events",)),
        ("select", ("select",)),
        ("événements", ("événements",)),
    ],
)
def test_a_name_after_the_hash_is_a_table(what, table):
    url = parse_sql_url(f"duckdb:///shop.db#{what}")
    assert (url.table, url.query) == (table, "")


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM events",
        "select(1)",
        "WITH e AS (SELECT 1) SELECT * FROM e",
        "(SELECT 1) UNION ALL SELECT 2",
        "SELECT '50%25' AS share, a & b FROM events WHERE name LIKE '%a%' -- #1?",
        "-- all\nSELECT 1",
    ],
)
def test_a_statement_after_the_hash_is_a_query_taken_as_written(query):
    url = parse_sql_url(f"sqlite:///shop.db#{query}; ")
    assert (url.table, url.query) == ((), query)


def test_three_slashes_are_a_relative_path_and_four_an_absolute_one():
    assert parse_sql_url("sqlite:///shop.db").database == "shop.db"
    assert parse_sql_url("sqlite:////var/my%20shop%23.db").database == "/var/my shop#.db"


def test_postgres_is_another_name_of_postgresql():
    url = parse_sql_url("postgres://ann:x@[::1]:5433/shop?sslmode=require#events")
    assert (url.scheme, url.user, url.hosts, url.database) == ("postgresql", "ann", "[::1]:5433", "shop")
    assert url.parameters == (("sslmode", "require"),)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("duckdb://shop.db#events", "names no file"),
        ("duckdb:///", "names no file"),
        ("sqlite:///shop.db?mode=rw#events", "'mode' in"),
        ("sqlite:///shop.db?table=events", "after '#'"),
        ("postgresql://h/shop?query=SELECT 1", "after '#'"),
        ("postgresql://h/shop?sslmode", "name=value"),
        ("postgresql://ann:pa/ss@h/shop", "not clear where the host"),
        ("postgresql://h:port/shop", "not clear where the host"),
        ("duckdb:///shop.db#events; drop", "neither a table nor a query"),
        ("duckdb:///shop.db#events.", "neither a table nor a query"),
        ("postgre://h/shop", "Did you mean 'postgres'?"),
    ],
)
def test_a_url_that_is_none_says_how_one_is_written(url, words):
    with pytest.raises(DataError, match=re.escape(words)):
        parse_sql_url(url)


def test_a_database_is_told_from_a_file_by_its_scheme():
    assert is_sql_url("postgres://h/shop")
    assert is_sql_url("DuckDB:///shop.db")
    assert not is_sql_url("shop.duckdb")
    assert not is_sql_url("postgresql")
