import gzip
import io
import os
import threading
import zipfile
from types import SimpleNamespace

import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.readers.registry import READERS, Format
from persona_tui.engine.data.readers.sources import open_source
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.errors import DataError

LOG = pl.DataFrame({"user": ["ann", "bob", "ann"], "event": ["a", "b", "c"]})


def parquet_bytes(frame=LOG):
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def write_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def rows(table, *columns):
    return pl.concat(batch.frame for batch in table.batches(columns or table.schema.names()))


def events(table):
    return rows(table, "event")["event"].to_list()


PACKINGS = {
    ".gz": gzip.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("suffix", PACKINGS)
def test_a_packed_file_gives_the_rows_of_the_plain_one(tmp_path, suffix):
    path = write(tmp_path / f"log.parquet{suffix}", PACKINGS[suffix](parquet_bytes()))
    assert rows(open_source(path)).drop(LINE).equals(LOG)


@pytest.mark.parametrize("suffix", PACKINGS)
def test_packing_is_told_by_content_whatever_the_name(tmp_path, suffix):
    path = write(tmp_path / "export.data", PACKINGS[suffix](parquet_bytes()))
    assert rows(open_source(path)).drop(LINE).equals(LOG)


def test_members_of_a_zip_become_one_table(tmp_path):
    path = write_zip(
        tmp_path / "export.zip",
        {
            "log/b.parquet": parquet_bytes(LOG.with_columns(event=pl.lit("z"))),
            "log/a.parquet": parquet_bytes(),
            "__MACOSX/._a.parquet": b"x",
            "README.md": b"x",
        },
    )
    table = open_source(path)
    assert events(table) == ["a", "b", "c", "z", "z", "z"]
    assert any("README.md" in note for note in table.notes)


def test_members_of_a_zip_may_be_packed_in_turn(tmp_path):
    path = write_zip(tmp_path / "export.zip", {"log/1.parquet.gz": gzip.compress(parquet_bytes())})
    assert events(open_source(path)) == ["a", "b", "c"]


def test_a_damaged_member_of_a_zip_is_named(tmp_path):
    path = tmp_path / "export.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.parquet", parquet_bytes())
        archive.writestr("b.parquet", parquet_bytes())
    content = bytearray(path.read_bytes())
    content[content.index(b"b.parquet") + 60] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"export\.zip:b\.parquet' is a damaged"):
        rows(open_source(path))


def test_a_zip_that_is_cut_off_is_an_error(tmp_path):
    path = write_zip(tmp_path / "export.zip", {"a.parquet": parquet_bytes()})
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(DataError, match="incomplete zip"):
        open_source(path)


def test_an_encrypted_member_of_a_zip_is_told(tmp_path):
    path = write_zip(tmp_path / "export.zip", {"a.csv": b"user\nann\n"})
    content = bytearray(path.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        open_source(path)


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path):
    write(tmp_path / "2.parquet", parquet_bytes(pl.DataFrame({"event": ["late"]})))
    write(tmp_path / "1" / "part.parquet", parquet_bytes(pl.DataFrame({"event": ["early"]})))
    assert events(open_source(tmp_path)) == ["early", "late"]


def test_marks_and_hidden_files_of_a_folder_are_left_out_and_told(tmp_path):
    write(tmp_path / "part-0000.parquet", parquet_bytes())
    for name in ("_SUCCESS", ".part.crc", "README.md", "_delta_log/0.json"):
        write(tmp_path / name, b"x")
    table = open_source(tmp_path)
    assert table.n_rows == 3
    assert "_SUCCESS" in table.notes[0]
    assert "README.md" in table.notes[0]


def test_names_of_folders_become_columns(tmp_path):
    for country in ("DE", "a%20b", "__HIVE_DEFAULT_PARTITION__"):
        write(tmp_path / "day=2026-03-02" / f"country={country}" / "x.parquet", parquet_bytes())
    table = open_source(tmp_path)
    frame = rows(table)
    assert frame["day"].unique().to_list() == ["2026-03-02"]
    assert set(frame["country"]) == {"DE", "a b", None}
    assert "columns from the names of folders: day, country" in table.notes


def test_only_the_column_of_a_partition_can_be_read(tmp_path):
    write(tmp_path / "country=DE" / "x.parquet", parquet_bytes())
    assert rows(open_source(tmp_path), "country")["country"].to_list() == ["DE"] * 3


def test_a_folder_that_links_to_itself_is_read_once(tmp_path):
    write(tmp_path / "a.parquet", parquet_bytes())
    (tmp_path / "again").symlink_to(tmp_path)
    assert open_source(tmp_path).n_rows == 3


def test_files_of_several_formats_in_a_folder_are_an_error_that_counts_them(tmp_path):
    write(tmp_path / "a.parquet", parquet_bytes())
    write(tmp_path / "b.csv", b"user,event\n")
    with pytest.raises(DataError, match=r"parquet \(1\), csv \(1\)"):
        open_source(tmp_path)


def test_a_folder_without_files_is_an_error(tmp_path):
    (tmp_path / "day=1").mkdir()
    with pytest.raises(DataError, match="holds no files"):
        open_source(tmp_path)


def test_an_empty_file_among_several_is_told(tmp_path):
    write(tmp_path / "a.parquet", parquet_bytes())
    write(tmp_path / "b.parquet", b"")
    write(tmp_path / "c.parquet", parquet_bytes(LOG.clear()))
    table = open_source(tmp_path)
    assert table.n_rows == 3
    assert [note.split("'")[-1].strip() for note in table.notes] == ["is empty", "holds no rows"]


def test_a_pattern_reads_the_files_that_match_it(tmp_path):
    for name, event in (("b", "second"), ("a", "first")):
        write(tmp_path / f"{name}.parquet", parquet_bytes(pl.DataFrame({"event": [event]})))
    write(tmp_path / "c.other", b"x")
    assert events(open_source(str(tmp_path / "*.parquet"))) == ["first", "second"]


def test_a_pattern_that_matches_folders_reads_what_is_in_them(tmp_path):
    for day in ("1", "2"):
        write(tmp_path / f"day={day}" / "x.parquet", parquet_bytes(pl.DataFrame({"event": ["e"]})))
    assert rows(open_source(str(tmp_path / "day=*")))["day"].to_list() == ["1", "2"]


def test_a_pattern_leaves_out_marks_unless_it_names_them(tmp_path):
    for name in ("_a.parquet", "b.parquet"):
        write(tmp_path / name, parquet_bytes())
    table = open_source(str(tmp_path / "*.parquet"))
    assert (table.n_rows, "_a.parquet" in table.notes[0]) == (3, True)
    assert open_source(str(tmp_path / "_*.parquet")).n_rows == 3


def test_a_pattern_without_a_match_names_what_is_there(tmp_path):
    write(tmp_path / "events.csv", b"x")
    with pytest.raises(DataError, match=r"No file matches .*\n.*events\.csv"):
        open_source(str(tmp_path / "*.parquet"))


def test_a_missing_file_names_the_near_ones(tmp_path):
    write(tmp_path / "events.parquet", b"x")
    with pytest.raises(DataError, match=r"There is no file .*\n.*events\.parquet"):
        open_source(tmp_path / "evnets.parquet")


def test_a_file_named_twice_is_read_once(tmp_path):
    path = write(tmp_path / "a.parquet", parquet_bytes())
    assert open_source([path, tmp_path, str(tmp_path / "*")]).n_rows == 3


def test_standard_input_is_read_by_its_content():
    table = open_source("-", stdin=io.BytesIO(gzip.compress(parquet_bytes())))
    assert table.name == "standard input"
    assert [batch.file for batch in table.batches(["event"])] == ["standard input"]
    assert rows(table).drop(LINE).equals(LOG)
    assert rows(table).drop(LINE).equals(LOG)


def test_a_pipe_is_read_like_standard_input(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[parquet_bytes()])
    writer.start()
    table = open_source(tmp_path / "pipe")
    writer.join()
    assert events(table) == ["a", "b", "c"]


def test_a_file_may_be_named_by_its_url(tmp_path):
    path = write(tmp_path / "a b.parquet", parquet_bytes())
    assert events(open_source(path.as_uri())) == ["a", "b", "c"]


def test_nothing_is_left_of_standard_input(tmp_path, monkeypatch):
    monkeypatch.setenv("PERSONA_TUI_CACHE_DIR", str(tmp_path))
    table = open_source("-", stdin=io.BytesIO(parquet_bytes()))
    assert [each.stat().st_mode & 0o077 for each in tmp_path.rglob("*")] == [0, 0, 0]
    del table
    assert list(tmp_path.iterdir()) == []


def test_an_empty_standard_input_is_an_error():
    with pytest.raises(DataError, match="'standard input' is empty"):
        open_source("-", stdin=io.BytesIO())


def test_a_column_that_a_file_has_not_is_empty_there_and_told(tmp_path):
    write(tmp_path / "a.parquet", parquet_bytes(pl.DataFrame({"event": ["x"], "device": ["phone"]})))
    write(tmp_path / "b.parquet", parquet_bytes(pl.DataFrame({"event": ["y"]})))
    table = open_source(tmp_path)
    assert rows(table)["device"].to_list() == ["phone", None]
    assert table.head().equals(rows(table).drop(LINE))
    assert any("'device' is empty for the files without it" in note for note in table.notes)


@pytest.mark.parametrize(
    ("one", "other", "joined"),
    [
        ([1], ["x"], ["1", "x"]),
        ([2**60 + 1], [0.5], [str(2**60 + 1), "0.5"]),
        ([None], [7], [None, 7]),
        ([[1]], ["x"], ['{"event":[1]}', "x"]),
        ([{"a": 1}], [{"b": 2}], [{"a": 1, "b": None}, {"a": None, "b": 2}]),
    ],
)
def test_types_that_differ_between_files_are_joined_without_loss(tmp_path, one, other, joined):
    write(tmp_path / "a.parquet", parquet_bytes(pl.DataFrame({"event": one})))
    write(tmp_path / "b.parquet", parquet_bytes(pl.DataFrame({"event": other})))
    table = open_source(tmp_path)
    assert events(table) == joined
    assert any("read as text" in note for note in table.notes) == (table.schema["event"] == pl.String)


@given(lengths=st.lists(st.integers(0, 5), min_size=1, max_size=6).filter(any))
def test_rows_do_not_depend_on_how_they_are_split_into_files(tmp_path_factory, lengths):
    folder = tmp_path_factory.mktemp("log")
    whole = pl.DataFrame({"event": range(sum(lengths)), "user": [f"u{n % 3}" for n in range(sum(lengths))]})
    for place, length in enumerate(lengths):
        piece = whole.slice(sum(lengths[:place]), length)
        write(folder / f"{place}.parquet", parquet_bytes(piece))
    assert rows(open_source(folder)).drop(LINE).equals(whole)


def test_a_file_that_changes_after_it_was_opened_is_an_error(tmp_path):
    path = write(tmp_path / "a.parquet", parquet_bytes())
    table = open_source(path)
    write(path, parquet_bytes(LOG.with_columns(event=pl.lit("another"))))
    with pytest.raises(DataError, match="changed while it was read"):
        rows(table)
    with pytest.raises(DataError, match="changed while it was read"):
        table.fingerprint()


def test_a_file_that_changes_during_the_last_batch_is_an_error(tmp_path):
    path = write(tmp_path / "a.parquet", parquet_bytes())
    batches = open_source(path).batches(["event"])
    next(batches)
    write(path, parquet_bytes(LOG.with_columns(event=pl.lit("another"))))
    with pytest.raises(DataError, match="changed while it was read"):
        next(batches)


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path):
    for folder in ("here", "there", "changed"):
        write(tmp_path / folder / "a.parquet", parquet_bytes())
        write(tmp_path / folder / "b" / "c.parquet", parquet_bytes())
    write(tmp_path / "changed" / "a.parquet", parquet_bytes(LOG.reverse()))
    here, there, changed = (
        open_source(tmp_path / name).fingerprint() for name in ("here", "there", "changed")
    )
    assert here == there != changed


def test_the_fingerprint_follows_the_columns_that_folders_name(tmp_path):
    for root, day in (("here", "1"), ("there", "2")):
        write(tmp_path / root / f"day={day}" / "a.parquet", parquet_bytes())
    assert open_source(tmp_path / "here").fingerprint() != open_source(tmp_path / "there").fingerprint()


def test_a_column_of_the_name_of_lines_is_an_error(tmp_path):
    path = write(tmp_path / "a.parquet", parquet_bytes(pl.DataFrame({LINE: [1]})))
    with pytest.raises(DataError, match="reserved name"):
        open_source(path)


def test_lines_and_progress_run_on_over_files(tmp_path):
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", parquet_bytes())
    table = open_source(tmp_path)
    batches = list(table.batches([]))
    assert [(batch.file[-9:], batch.frame[LINE].to_list(), batch.done) for batch in batches] == [
        ("a.parquet", [1, 2, 3], 3),
        ("b.parquet", [1, 2, 3], 6),
    ]
    assert batches[-1].done == table.size


def test_no_room_on_disk_is_told_with_sizes(tmp_path, monkeypatch):
    path = write(tmp_path / "log.parquet.gz", gzip.compress(parquet_bytes()))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000))
    with pytest.raises(DataError, match="1 MB free"):
        open_source(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(tmp_path):
    path = write(tmp_path / "a.parquet", parquet_bytes())
    path.chmod(0)
    with pytest.raises(DataError, match="permission denied"):
        open_source(path)


def test_a_database_is_not_read_with_files(tmp_path):
    with pytest.raises(DataError, match="read alone"):
        open_source(["sqlite:///x.db", tmp_path])


@pytest.mark.parametrize(
    ("name", "head", "expected"),
    [
        ("log", b"<?xml version='1.0'?><log>", "xes"),
        ("log", b"\xef\xbb\xbf [{}]", "json"),
        ("log.gz", b"user,event\n", "csv"),
        ("log.tsv.zst", b"user\tevent\n", "tsv"),
        ("log.csv", b"PAR1\x15\x04", "parquet"),
        ("log.ndjson", b"user", "json"),
        ("2026.03.02", b"ARROW1\x00\x00", "arrow"),
    ],
)
def test_a_format_is_told_by_its_mark_then_the_suffix_then_the_text(name, head, expected):
    from persona_tui.engine.data.readers.registry import format_of

    assert format_of(name, head) == expected


def test_every_format_has_help_and_suffixes_of_its_own():
    suffixes = [suffix for name in READERS.names() for suffix in READERS.get(name).suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(READERS.help(name) for name in READERS.names())
    assert all(isinstance(READERS.get(name), Format) for name in READERS.names())
