import csv
import gzip
import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.readers.delimited import LINE, READERS, read_source
from persona_tui.engine.errors import DataError

HEADER = "user,time,event\n"
TABLE = HEADER + "u1,t1,a\nu2,t2,b\n"


@pytest.fixture
def read(tmp_path):
    def read_content(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_source(path)

    return read_content


def rows(raw):
    return raw.frame.drop(LINE).rows()


def lines(raw):
    return raw.frame[LINE].to_list()


def rejected(raw):
    return raw.rejects.select("line", "reason").rows()


def test_a_missing_file_is_named_and_its_neighbours_are_shown(tmp_path):
    (tmp_path / "events.csv").touch()
    with pytest.raises(DataError, match="There is no file") as caught:
        read_source(tmp_path / "evnets.csv")
    assert "events.csv" in caught.value.hint


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(DataError, match="There is no folder"):
        read_source(tmp_path / "nowhere" / "log.csv")


def test_a_folder_is_no_log(tmp_path):
    with pytest.raises(DataError, match="is a folder"):
        read_source(tmp_path)


@pytest.mark.parametrize("content", ["", " \n\t\n", "\n\n", "\ufeff"])
def test_a_file_without_text_is_empty(read, content):
    with pytest.raises(DataError, match="is empty"):
        read(content)


@pytest.mark.parametrize("content", [HEADER, HEADER.strip(), HEADER + "\n"])
def test_a_header_alone_is_no_log(read, content):
    with pytest.raises(DataError, match="holds a header and no usable row"):
        read(content)


def test_zero_bytes_are_no_text(read):
    with pytest.raises(DataError, match="holds zero bytes"):
        read(TABLE.encode("utf-16"))


def test_binary_junk_is_refused(read):
    with pytest.raises(DataError, match="is not UTF-8 text"):
        read(bytes(range(1, 256)) * 20)


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_cause(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        n_rows = read_source(path).frame.height
    except DataError:
        return
    assert n_rows


@given(st.text(alphabet='ab,";\n\r\t|é\u2028', max_size=60))
def test_any_text_is_read_or_refused_with_a_cause(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "text.csv"
    path.write_text("a,b\n" + content, newline="")
    try:
        n_rows = read_source(path).frame.height
    except DataError:
        return
    assert n_rows


def test_gzip_is_told_by_content_not_by_name(read):
    assert rows(read(gzip.compress(TABLE.encode()), "log.csv")) == rows(read(TABLE, "log.csv.gz"))


@pytest.mark.parametrize(
    "damage", [lambda b: b[:-20], lambda b: b + b"junk", lambda b: b[:2] + b"?", lambda b: b[:40]]
)
def test_damaged_gzip_is_refused(read, damage):
    packed = gzip.compress(TABLE.encode() * 50)
    with pytest.raises(DataError, match="is a damaged gzip file"):
        read(damage(packed), "log.csv.gz")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_told_from_the_header(read, separator):
    assert rows(read(TABLE.replace(",", separator))) == [("u1", "t1", "a"), ("u2", "t2", "b")]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_any_system_are_understood(read, end):
    assert rows(read(TABLE.replace("\n", end))) == rows(read(TABLE))


def test_a_byte_order_mark_is_no_part_of_the_first_name(read):
    assert read("\ufeff" + TABLE).frame.columns[0] == "user"


def test_a_repeated_column_is_refused(read):
    with pytest.raises(DataError, match="has two columns named 'user'"):
        read("user,user,time\n1,2,3\n")


def test_an_empty_cell_holds_nothing_whether_quoted_or_not(read):
    assert rows(read(HEADER + 'u1,,a\nu2,"",b\n')) == [("u1", None, "a"), ("u2", None, "b")]


def test_rows_are_numbered_from_line_2(read):
    assert lines(read(TABLE)) == [2, 3]


def test_a_quoted_line_end_does_not_shift_the_lines_after_it(read):
    raw = read(HEADER + 'u1,t1,"a\nb\nc"\nu2,t2,b\n')
    assert rows(raw)[0] == ("u1", "t1", "a\nb\nc")
    assert lines(raw) == [2, 5]


def test_lines_above_the_header_count(read):
    assert lines(read("\n\r\n" + TABLE)) == [4, 5]


def test_lines_above_the_header_count_where_a_row_does_not_fit(read):
    assert rejected(read("\n" + TABLE + "u,t,e,x,y\n")) == [(5, "5 columns where the header has 3")]


def test_a_row_with_too_many_columns_is_set_aside_with_its_line(read):
    raw = read(HEADER + "u1,t1,a\nu2,t2,b,x\nu3,t3,c\n")
    assert lines(raw) == [2, 4]
    assert raw.rejects.rows() == [(3, "4 columns where the header has 3", "u2,t2,b,x")]


@pytest.mark.parametrize("other", ["u4,t4,d\n", "u4,t4,d,too,long\n"])
def test_cells_that_a_row_lacks_hold_nothing(read, other):
    assert rows(read(HEADER + "u1,t1\nu2,t2,b\n" + other))[0] == ("u1", "t1", None)


def test_a_quoted_line_end_does_not_shift_rejects(read):
    raw = read(HEADER + 'u1,t1,"a\nb"\nu2,t2,b,x\n')
    assert rejected(raw) == [(4, "4 columns where the header has 3")]


@pytest.mark.parametrize(
    "bad", ['u2,t2,"oops', 'u2,"t2,oops', '"u2,t2,oops', 'u2,t2,"oops"x', 'u2,t2,"oops,x']
)
@pytest.mark.parametrize("after", ["u3,t3,c\nu4,t4,d\n", 'u3,t3,"c"\nu4,t4,d\n'])
def test_a_quote_that_is_not_closed_costs_its_own_line_only(read, bad, after):
    raw = read(HEADER + f"u1,t1,a\n{bad}\n{after}")
    assert rows(raw) == [("u1", "t1", "a"), ("u3", "t3", "c"), ("u4", "t4", "d")]
    assert rejected(raw) == [(3, "a quote is not closed or not doubled")]


def test_a_quote_that_swallows_a_long_file_costs_its_own_line_only(read):
    raw = read(HEADER + 'u0,t,"a\n' + "".join(f"u{n},time,event\n" for n in range(20_000)))
    assert raw.frame.height == 20_000
    assert raw.rejects.height == 1


def test_a_quote_inside_an_unquoted_cell_is_text(read):
    raw = read(HEADER + 'u1,t1,5" screen\nu2,t2,b\nu3,t3,6" screen\n')
    assert raw.frame["event"].to_list() == ['5" screen', "b", '6" screen']


def test_a_cell_may_be_longer_than_the_parser_s_limit(read):
    raw = read(HEADER + 'u1,t1,"' + "x" * 200_000 + '\n"\nu2,t2,b\n')
    assert lines(raw) == [2, 4]


def test_reading_leaves_the_parser_s_limit_as_it_was(read):
    before = csv.field_size_limit()
    read(HEADER + 'u1,t1,"a\nb"\n')
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("sign", ["\u2028", "\x0b", "\x0c", "\x1c", "\x85"])
def test_only_line_feeds_end_a_line(read, sign):
    raw = read(HEADER + f"u1,t1,a{sign}b\nu2,t2,b,x\nu3,t3,c\n")
    assert raw.frame["event"].to_list() == [f"a{sign}b", "c"]
    assert rejected(raw) == [(3, "4 columns where the header has 3")]


def test_a_line_that_is_not_utf_8_is_set_aside_and_the_rest_keep_their_lines(read):
    raw = read(HEADER.encode() + b"u1,t1,a\nu2,t2,\xff\nu3,t3,c\n")
    assert raw.rejects.rows() == [(3, "not UTF-8 text", "u2,t2,\\xff")]
    assert lines(raw) == [2, 4]


def test_a_file_that_is_mostly_not_utf_8_is_refused(read):
    with pytest.raises(DataError, match="is not UTF-8 text"):
        read(HEADER.encode() + b"u1,t1,\xe9\n" * 10)


def test_a_file_of_which_most_rows_do_not_fit_is_no_table(read):
    with pytest.raises(DataError, match="is not a table: most rows do not fit its header"):
        read("title,of the report\n" + "u1,t1,a,b\n" * 3 + "u1,t1\n")


@given(
    st.lists(
        st.lists(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
            min_size=3,
            max_size=3,
        ),
        min_size=1,
    )
)
def test_what_a_csv_writer_writes_is_read_back(tmp_path_factory, table):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([["user", "time", "event"], *table])
    assert rows(read_source(path)) == [tuple(row) for row in table]


def test_the_fingerprint_is_that_of_the_bytes(read):
    assert read(TABLE).fingerprint == hashlib.sha256(TABLE.encode()).hexdigest()


def test_parquet_keeps_its_types_and_numbers_its_rows_from_1(tmp_path):
    frame = pl.DataFrame({"user": [1, 2], "price": [0.5, None]})
    frame.write_parquet(tmp_path / "log.PARQUET")
    raw = read_source(tmp_path / "log.PARQUET")
    assert raw.frame.drop(LINE).equals(frame)
    assert lines(raw) == [1, 2]


def test_a_damaged_parquet_file_is_refused(read):
    with pytest.raises(DataError, match="is not a readable Parquet file"):
        read(TABLE, "log.parquet")


def test_an_empty_parquet_file_is_refused(tmp_path):
    pl.DataFrame({"user": pl.Series([], dtype=pl.String)}).write_parquet(tmp_path / "log.parquet")
    with pytest.raises(DataError, match="holds no rows"):
        read_source(tmp_path / "log.parquet")


def test_every_format_says_what_it_is():
    assert all(READERS.help(name) for name in READERS.names())
