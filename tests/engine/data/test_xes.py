import gzip
from xml.sax.saxutils import quoteattr

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from persona_tui.engine.data.readers import xes
from persona_tui.engine.data.readers.sources import open_source
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.errors import DataError

LOG = """<?xml version="1.0" encoding="UTF-8"?>
<log xes.version="1.0" xmlns="http://www.xes-standard.org/">
  <extension name="Concept" prefix="concept" uri="http://www.xes-standard.org/concept.xesext"/>
  <global scope="event"><string key="concept:name" value="none"/></global>
  <string key="source" value="a shop"/>
  <trace>
    <string key="concept:name" value="case 1"/>
    <int key="amount" value="20000"/>
    <event>
      <string key="concept:name" value="pay &amp; go"/>
      <date key="time:timestamp" value="2026-03-02T09:00:00.000+01:00"/>
      <boolean key="auto" value="true"/>
      <float key="cost" value="1.5"/>
    </event>
    <event><string key="concept:name" value="leave"/><int key="cost" value="2"/></event>
  </trace>
  <trace>
    <string key="concept:name" value="case 2"><string key="meta" value="m"/></string>
    <list key="tags"><string key="tag" value="t"/></list>
    <event><string key="concept:name" value="pay"/></event>
  </trace>
</log>
"""


def open_text(path, text):
    path.write_text(text)
    return open_source(path)


def test_events_become_rows_with_the_attributes_of_their_case(tmp_path):
    table = open_text(tmp_path / "log.xes", LOG)
    assert table.head().to_dicts() == [
        {
            "case:concept:name": "case 1",
            "case:amount": 20000,
            "concept:name": "pay & go",
            "time:timestamp": "2026-03-02T09:00:00.000+01:00",
            "auto": True,
            "cost": 1.5,
        },
        {
            "case:concept:name": "case 1",
            "case:amount": 20000,
            "concept:name": "leave",
            "time:timestamp": None,
            "auto": None,
            "cost": 2.0,
        },
        {
            "case:concept:name": "case 2",
            "case:amount": None,
            "concept:name": "pay",
            "time:timestamp": None,
            "auto": None,
            "cost": None,
        },
    ]


def test_rows_tell_the_line_at_which_their_event_begins(tmp_path):
    (batch,) = open_text(tmp_path / "log.xes", LOG).batches(["concept:name"])
    assert batch.frame.rows() == [(9, "pay & go"), (15, "leave"), (20, "pay")]


def test_lists_and_attributes_of_attributes_are_told(tmp_path):
    table = open_text(tmp_path / "log.xes", LOG)
    assert table.notes == ("lists and nested attributes are left out: case:tags, meta, tag",)


def test_it_is_known_by_its_content_and_packed(tmp_path):
    (tmp_path / "log").write_bytes(gzip.compress(LOG.encode()))
    assert open_source(tmp_path / "log").n_rows == 3


def test_an_attribute_of_a_case_may_follow_its_events(tmp_path):
    late = '<log><trace><event/><event/><string key="name" value="c"/></trace></log>'
    assert open_text(tmp_path / "log.xes", late).head()["case:name"].to_list() == ["c", "c"]


def test_events_of_no_trace_have_no_case(tmp_path):
    text = '<log><event><string key="name" value="a"/></event></log>'
    table = open_text(tmp_path / "log.xes", text)
    assert table.head().to_dicts() == [{"name": "a"}]


@pytest.mark.parametrize("other", ["x", "1_0", "٣", "", "1.5", str(2**63)])
def test_a_number_that_is_none_makes_its_column_text(tmp_path, other):
    events = [f'<event><int key="n" value="{value}"/></event>' for value in (1, other)]
    table = open_text(tmp_path / "log.xes", f"<log>{''.join(events)}</log>")
    assert table.head()["n"].to_list() == ["1", other]


def test_broken_xml_names_its_line(tmp_path):
    with pytest.raises(DataError, match=r"line 10: "):
        open_text(tmp_path / "log.xes", LOG.replace("&amp;", "&"))


@given(share=st.floats(0.1, 0.98))
def test_a_log_that_is_cut_off_is_an_error_wherever_it_is_cut(tmp_path_factory, share):
    with pytest.raises(DataError, match="not readable XES"):
        open_text(tmp_path_factory.mktemp("log") / "log.xes", LOG[: int(share * len(LOG))])


def test_entities_are_refused(tmp_path):
    bomb = LOG.replace("<log ", '<!DOCTYPE log [<!ENTITY e SYSTEM "file:///etc/hostname">]>\n<log ', 1)
    with pytest.raises(DataError, match="declares the entity 'e'"):
        open_text(tmp_path / "log.xes", bomb)


def test_a_log_without_events_is_told(tmp_path):
    with pytest.raises(DataError, match="holds no events"):
        open_text(tmp_path / "log.xes", "<log><trace/></log>")


def event(name):
    return f'<event><string key="e" value={quoteattr(name)}/></event>'


names = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=6)


@given(
    cases=st.lists(st.tuples(names, st.lists(names, max_size=4)), min_size=1, max_size=12),
    batch_rows=st.integers(1, 8),
    block=st.integers(1, 200),
)
def test_rows_do_not_depend_on_blocks_and_batches(tmp_path_factory, cases, batch_rows, block):
    traces = [
        f'<trace>{"".join(event(name) for name in events)}<string key="c" value={quoteattr(case)}/></trace>'
        for case, events in cases
    ]
    expected = [(case, name) for case, events in cases for name in events]
    path = tmp_path_factory.mktemp("log") / "log.xes"
    path.write_text(f"<log>{''.join(traces)}<event/></log>")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(xes, "_BATCH_ROWS", batch_rows)
        patch.setattr(xes, "_BLOCK", block)
        table = open_source(path)
        columns = [name for name in ("case:c", "e") if expected]
        batches = list(table.batches(columns))
    found = pl.concat(batch.frame for batch in batches).drop(LINE).rows() if columns else []
    assert found[: len(expected)] == expected
    assert batches[-1].done == table.n_rows == len(expected) + 1
