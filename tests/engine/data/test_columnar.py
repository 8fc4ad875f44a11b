import io
from datetime import datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.readers import columnar
from persona_tui.engine.data.readers.arrow import open_arrow
from persona_tui.engine.data.readers.parquet import open_parquet
from persona_tui.engine.data.readers.parts import EmptyFileError, Part
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.errors import DataError


def to_ipc_stream(frame, stream):
    frame.write_ipc_stream(stream)


WRITERS = {
    "parquet": (open_parquet, pl.DataFrame.write_parquet),
    "arrow": (open_arrow, pl.DataFrame.write_ipc),
    "arrows": (open_arrow, to_ipc_stream),
}
LOG = pl.DataFrame(
    {
        "user": [1, 2, 1],
        "time": [datetime(2026, 3, 2, 9, minute) for minute in range(3)],
        "event": pl.Series(["a", "b", None], dtype=pl.Categorical),
        "tags": [["x"], [], None],
    }
)


def open_bytes(path, kind, frame):
    reader, writer = WRITERS[kind]
    stream = io.BytesIO()
    writer(frame, stream)
    path.write_bytes(stream.getvalue())
    return reader(Part(path=path))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_is_read_as_it_was_written(tmp_path, kind):
    table = open_bytes(tmp_path / "log", kind, LOG)
    (batch,) = table.batches(table.schema.names())
    assert batch.frame.drop(LINE).equals(LOG)
    assert batch.frame[LINE].to_list() == [1, 2, 3]
    assert batch.frame.schema[LINE] == pl.Int64
    assert (table.schema, table.n_rows, table.head(2).height) == (LOG.schema, 3, 2)


@pytest.mark.parametrize("kind", WRITERS)
@given(n_rows=st.integers(1, 40), batch_rows=st.integers(1, 20))
def test_batches_one_after_another_are_the_whole(tmp_path_factory, kind, n_rows, batch_rows):
    frame = pl.DataFrame({"event": range(n_rows), "other": range(n_rows)})
    table = open_bytes(tmp_path_factory.mktemp("log") / "log", kind, frame)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columnar, "BATCH_ROWS", batch_rows)
        batches = list(table.batches(["event"]))
    whole = pl.concat(batch.frame for batch in batches)
    assert whole["event"].to_list() == [line - 1 for line in whole[LINE]] == list(range(n_rows))
    assert all(batch.frame.height <= batch_rows for batch in batches)
    assert batches[-1].done == table.size


@pytest.mark.parametrize("kind", WRITERS)
@given(share=st.floats(0, 0.9))
def test_a_file_that_is_cut_off_is_an_error_wherever_it_is_cut(tmp_path_factory, kind, share):
    path = tmp_path_factory.mktemp("log") / "log"
    frame = pl.DataFrame({"event": [str(n) for n in range(500)]})
    open_bytes(path, kind, frame)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(DataError, match=str(path)):
        list(WRITERS[kind][0](Part(path=path)).batches(["event"]))


def test_parquet_with_its_pages_overwritten_is_an_error(tmp_path):
    path = tmp_path / "log.parquet"
    open_bytes(path, "parquet", pl.DataFrame({"event": [str(n * 7919) for n in range(5_000)]}))
    content = bytearray(path.read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    path.write_bytes(content)
    with pytest.raises(DataError, match="not a readable Parquet file"):
        list(open_parquet(Part(path=path)).batches(["event"]))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_without_rows_is_told(tmp_path, kind):
    with pytest.raises(EmptyFileError, match="holds no rows"):
        open_bytes(tmp_path / "log", kind, LOG.clear())


@pytest.mark.parametrize("kind", WRITERS)
def test_a_table_without_columns_is_told(tmp_path, kind):
    with pytest.raises(DataError, match="holds no"):
        open_bytes(tmp_path / "log", kind, pl.DataFrame())


def test_two_columns_of_one_name_are_an_error(tmp_path):
    path = tmp_path / "log.parquet"
    LOG.select(user="user", usfr="user").write_parquet(path)
    path.write_bytes(path.read_bytes().replace(b"usfr", b"user"))
    with pytest.raises(DataError, match="two columns of one name"):
        open_parquet(Part(path=path))


def test_old_feather_is_told_with_the_way_out(tmp_path):
    path = tmp_path / "log.feather"
    path.write_bytes(b"FEA1" + bytes(20))
    with pytest.raises(DataError, match="Write it as Parquet"):
        open_arrow(Part(path=path))
