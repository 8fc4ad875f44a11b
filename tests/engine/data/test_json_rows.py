import gzip
import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.readers.json_rows import JsonTable, open_json
from persona_tui.engine.data.readers.parts import Part
from persona_tui.engine.data.readers.sources import open_source
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.errors import DataError

OBJECTS = st.lists(
    st.dictionaries(
        st.sampled_from("abc"),
        st.none()
        | st.integers(-9, 9)
        | st.text('x{}[]"\n\\é', max_size=4)
        | st.lists(st.integers(0, 3), max_size=2),
        min_size=1,
    ),
    min_size=1,
    max_size=12,
)


@pytest.fixture
def read(tmp_path):
    def read_content(content, name="log.jsonl"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        table = open_source(path)
        batches = list(table.batches(list(table.schema)))
        return pl.concat([each.frame for each in batches]), pl.concat([each.rejects for each in batches])

    return read_content


def shown(value):
    """Return a value as the reader shows it."""
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def plain(value):
    """Return lists of numbers as Python writes them."""
    try:
        return json.dumps(json.loads(value))
    except (TypeError, ValueError):
        return value


def test_nested_values_are_kept_as_json(read):
    frame, _ = read('{"event": "a", "properties": {"plan": "x", "n": [1, 2]}}\n')
    assert json.loads(frame["properties"][0]) == {"plan": "x", "n": [1, 2]}


def test_a_type_that_changes_loses_nothing(read):
    frame, _ = read('{"a": 1}\n{"a": "one"}\n{"a": 1.5}\n{"b": true}\n')
    assert frame.rows() == [(1, "1", None), (2, "one", None), (3, "1.5", None), (4, None, "true")]


def test_broken_lines_are_set_aside_with_their_number(read):
    frame, rejects = read('{"a": 1}\n\n{"a": \n[1]\n{"a": 2}\n{"a": 3}\n{"a": 4}\n')
    assert frame[LINE].to_list() == [1, 5, 6, 7]
    assert rejects.select("line", "reason").rows() == [(3, "not a JSON object"), (4, "not a JSON object")]


def test_objects_of_an_array_know_their_line(read):
    frame, _ = read('[\n {"a": 1,\n  "b": "x"},\n\n {"a": 2}\n]\n', "log.json")
    assert frame.rows() == [(2, "1", "x"), (5, "2", None)]


def test_an_array_that_is_cut_off_is_no_log(read):
    with pytest.raises(DataError, match="is damaged or cut off at line 2"):
        read('[{"a": 1},\n {"a": 2', "log.json")


def test_a_file_without_objects_is_empty(read):
    with pytest.raises(DataError, match="holds no JSON objects"):
        read("[]", "log.json")


def test_packed_lines_are_read(read):
    assert read(gzip.compress(b'{"a": 1}\n'), "log.json.gz")[0].rows() == [(1, "1")]


@given(OBJECTS, st.integers(1, 80), st.booleans())
def test_what_json_writes_is_read_back_in_blocks_of_any_size(
    tmp_path_factory, objects, block_bytes, is_array
):
    path = tmp_path_factory.getbasetemp() / "objects.json"
    text = json.dumps(objects, indent=1) if is_array else "\n".join(map(json.dumps, objects))
    path.write_text(text, encoding="utf-8")
    table = JsonTable(Part(path=path), "utf-8", 0, is_array=is_array, block_bytes=block_bytes)
    names = list(table.schema)
    found = pl.concat([each.frame for each in table.batches(names)]).drop(LINE).rows()
    assert [tuple(map(plain, row)) for row in found] == [
        tuple(plain(shown(each.get(name))) for name in names) for each in objects
    ]


def test_how_objects_are_laid_out_is_told_by_the_first_line(tmp_path):
    path = tmp_path / "log.json"
    for text in ('{"a": 1}\n{"a": 2}\n', '[{"a": 1}, {"a": 2}]', '{"a":\n 1}\n{"a":\n 2}\n'):
        path.write_text(text)
        assert open_json(Part(path=path)).head()["a"].to_list() == ["1", "2"]
