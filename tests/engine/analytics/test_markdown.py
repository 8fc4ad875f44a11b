"""A report as Markdown: what it says is what the other faces say, and no text acts on the page."""

import itertools
import re

from hypothesis import given
from hypothesis import strategies as st
from report_samples import make_report

from persona_tui.engine.analytics.markdown import escaped, to_markdown, write_markdown
from persona_tui.engine.analytics.scenario_phrases import metric_cells

ACTS = re.compile(r"(?<!\\)(?:\\\\)*[`*_\[\]<>|~&$]")


@given(text=st.text())
def test_no_text_acts_on_the_page(text):
    shown = escaped(text)
    assert "\n" not in shown
    assert ACTS.search(shown) is None
    assert re.sub(r"\\(.)", r"\1", shown) == re.sub(r"\\(.)", r"\1", escaped(text))


def test_the_page_holds_the_numbers_of_the_other_faces(tmp_path):
    report = make_report()
    page = to_markdown(report)
    assert escaped(report.lead.decision) in page
    for cell in metric_cells(report.lead.experiment.total, "completion_rate")[1:]:
        assert escaped(cell) in page
    assert write_markdown(report, tmp_path / "report.md").read_text() == page


def test_every_row_of_a_table_has_the_cells_of_its_head():
    lines = to_markdown(make_report()).splitlines()
    for above, line in itertools.pairwise(lines):
        if above.startswith("|") and line.startswith("|"):
            assert len(re.findall(r"(?<!\\)\|", above)) == len(re.findall(r"(?<!\\)\|", line))
