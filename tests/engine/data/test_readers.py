import csv
import gzip
import hashlib
from dataclasses import dataclass

import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from persona_tui.engine.data.readers.delimited import DelimitedTable, open_delimited
from persona_tui.engine.data.readers.delimited_rows import _split_one_by_one, _split_plain, _split_quoted
from persona_tui.engine.data.readers.parts import Part
from persona_tui.engine.data.readers.sources import open_source
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.data.readers.text_blocks import Block, blocks_of
from persona_tui.engine.errors import DataError

HEADER = "user,time,event\n"
TABLE = HEADER + "u1,t1,a\nu2,t2,b\n"


@pytest.fixture
def read(tmp_path):
    def read_content(content, name="log.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return everything(path)

    return read_content


@dataclass
class Raw:
    """All that a reading of a table gives."""

    frame: pl.DataFrame
    rejects: pl.DataFrame
    notes: tuple
    table: object


def everything(path):
    table = open_source(path)
    batches = list(table.batches(list(table.schema)))
    return Raw(
        pl.concat([each.frame for each in batches]),
        pl.concat([each.rejects for each in batches]),
        table.notes,
        table,
    )


def rows(raw):
    return raw.frame.drop(LINE).rows()


def lines(raw):
    return raw.frame[LINE].to_list()


def rejected(raw):
    return raw.rejects.select("line", "reason").rows()


@pytest.mark.parametrize("content", ["", " \n\t\n", "\n\n", "\ufeff"])
def test_a_file_without_text_is_empty(read, content):
    with pytest.raises(DataError, match="is empty"):
        read(content)


@pytest.mark.parametrize("content", [HEADER, HEADER.strip(), HEADER + "\n"])
def test_a_header_alone_is_no_log(read, content):
    with pytest.raises(DataError, match="holds a header and no usable row"):
        read(content)


def test_wide_text_is_told_and_read(read):
    for encoding in ("utf-16", "utf-16-le", "utf-16-be"):
        raw = read(TABLE.encode(encoding))
        assert rows(raw) == rows(read(TABLE))
        assert "text is encoded in utf-16-le" in raw.notes or encoding == "utf-16-be"


def test_a_line_with_a_zero_byte_is_set_aside(read):
    raw = read(HEADER + "u1,t1,a\nu2,t\0,b\nu3,t3,c\n")
    assert rejected(raw) == [(3, "holds a zero byte")]
    assert lines(raw) == [2, 4]


def test_binary_junk_is_refused(read):
    with pytest.raises(DataError, match="is not a text file"):
        read(bytes(4) + bytes(range(256)) * 20 + bytes(2_000))


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_cause(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(content)
    try:
        n_rows = everything(path).frame.height
    except DataError:
        return
    assert n_rows


@given(st.text(alphabet='ab,";\n\r\t|é\u2028', max_size=60))
def test_any_text_is_read_or_refused_with_a_cause(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "text.csv"
    path.write_text("a,b\n" + content, newline="")
    try:
        n_rows = everything(path).frame.height
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
    with pytest.raises(DataError, match="is a damaged or incomplete gzip file"):
        read(damage(packed), "log.csv.gz")


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_told_from_the_header(read, separator):
    assert rows(read(TABLE.replace(",", separator))) == [("u1", "t1", "a"), ("u2", "t2", "b")]


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_of_any_system_are_understood(read, end):
    assert rows(read(TABLE.replace("\n", end))) == rows(read(TABLE))


def test_a_byte_order_mark_is_no_part_of_the_first_name(read):
    assert read("\ufeff" + TABLE).frame.columns[1] == "user"


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
    assert raw.rejects.drop("file").rows() == [(3, "4 columns where the header has 3", "u2,t2,b,x")]


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
    raw = read(HEADER.encode() + b"u1,t1,\xc3\xa9\nu2,t2,\xff\nu3,t3,c\n")
    assert raw.rejects.drop("file").rows() == [(3, "not UTF-8 text", "u2,t2,\\xff")]
    assert lines(raw) == [2, 4]


def test_text_of_another_encoding_is_told_and_read(read):
    raw = read((HEADER + "zoé,t1,café\n" * 20).encode("cp1252"))
    assert set(raw.frame["event"]) == {"café"}
    assert any("encoded in" in note for note in raw.notes)


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
    assert rows(everything(path)) == [tuple(row) for row in table]


def test_the_fingerprint_is_that_of_the_bytes(read):
    assert read(TABLE).table.fingerprint() == hashlib.sha256(TABLE.encode()).hexdigest()


@given(
    st.lists(st.text(alphabet='ab,"', max_size=8), min_size=1, max_size=6),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([("x", "y", "z"), ("x", "y"), ("x",)]),
)
def test_the_fast_roads_read_what_the_slow_one_does(texts, end, names):
    assume(not any(text.endswith(",") and text.count(",") >= len(names) for text in texts))
    content = (end.join(texts) + end).encode()
    block = Block(content=content, first_line=2, n_lines=len(texts), rejects=(), done=0, mixed_ends=False)
    split = _split_quoted if b'"' in content else _split_plain
    fast = split(block, names, names[-1:], ",")
    slow = _split_one_by_one(block, names, names[-1:], ",")
    if fast is not None:
        assert fast.rejects == slow.rejects
        assert fast.frame.rows() == slow.frame.rows()
        assert fast.short_lines == slow.short_lines


@given(
    st.lists(
        st.lists(st.text(alphabet='a,"\n é', max_size=5), min_size=3, max_size=3), min_size=1, max_size=12
    ),
    st.integers(1, 60),
)
def test_blocks_of_any_size_give_the_same_rows(tmp_path_factory, table, block_bytes):
    path = tmp_path_factory.getbasetemp() / "blocks.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([["user", "time", "event"], *table])
    try:
        whole = open_delimited(Part(path=path))
        read_whole = pl.concat([each.frame for each in whole.batches(["user", "event"])])
    except DataError:
        return
    pieces = DelimitedTable(whole.part, whole.dialect, (), block_bytes=block_bytes)
    assert pl.concat([each.frame for each in pieces.batches(["user", "event"])]).equals(read_whole)


def test_blocks_end_where_rows_do():
    text = b'a,"x\ny"\nb,c\n'
    blocks = list(blocks_of([(text[n : n + 1], n) for n in range(len(text))]))
    assert [(each.content, each.first_line) for each in blocks] == [(b'a,"x\ny"\n', 1), (b"b,c\n", 3)]


def test_rows_with_fewer_cells_are_told(read):
    raw = read(HEADER + "u1,t1\nu2,t2,b\n")
    assert raw.notes == ("1 rows have fewer columns than the header (line 2): empty",)


def test_a_row_too_long_is_found_beside_one_too_short(read):
    raw = read(HEADER + "u1,t1\nu2,t2,b,x\nu3,t3,c\n")
    assert rejected(raw) == [(3, "4 columns where the header has 3")]
    assert raw.notes[0].startswith("1 rows have fewer columns")


def test_mixed_line_ends_each_end_a_line_and_are_told(read):
    raw = read(HEADER + "u1,t1,a\ru2,t2,b\r\nu3,t3,c\n")
    assert [row[2] for row in rows(raw)] == ["a", "b", "c"]
    assert lines(raw) == [2, 3, 4]
    assert "line ends are mixed: a carriage return alone ends a line too" in raw.notes


def test_a_cell_of_ten_megabytes_is_a_cell(read):
    raw = read(HEADER + f'u1,t1,"{"x" * 10_000_000}"\nu2,t2,b\n')
    assert [len(each) for each in raw.frame["event"]] == [10_000_000, 1]


def test_thousands_of_columns_are_read(read):
    names = ",".join(f"c{n}" for n in range(5_000))
    assert read(f"{names}\n{names}\n").frame.width == 5_001


def test_decimal_commas_are_noticed(read):
    assert read("user;price\na;1,50\nb;1.200,00\n").table._parts[0][1].decimal_comma
    assert not read("user;price\na;1.50\nb;2\n").table._parts[0][1].decimal_comma


def test_a_column_without_a_name_gets_one(read):
    raw = read("user,,event\nu,t,e\n")
    assert raw.frame.columns == [LINE, "user", "column_2", "event"]
    assert raw.notes == ("column 2 has no name: called 'column_2'",)


def test_a_few_bytes_of_another_encoding_are_those_of_the_west(read):
    raw = read(HEADER.encode() + b"u1,t1,a\nu2,t2,\xe9\xe8\n")
    assert raw.frame["event"].to_list() == ["a", "éè"]
    assert "text is encoded in cp1252" in raw.notes
