"""A report as a page: valid, harmless, and the same numbers as every other face."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest
from report_samples import make_report

from persona_tui.engine.analytics.charts import plotly_figure
from persona_tui.engine.analytics.definitions import DEFINITIONS
from persona_tui.engine.analytics.html_page import to_html
from persona_tui.engine.analytics.page import CellTable, page_of
from persona_tui.engine.analytics.report_figures import FIGURES
from persona_tui.engine.analytics.wording import METRIC_WORDS

EVIL = (
    "<script>alert(1)</script>",
    "=cmd()",
    "日本 👩‍👩‍👧 \u202eabc",
    "</script><b>x",
    "\x1b[31mred" + "n" * 200,
)
VOID = {"meta", "link", "br", "img", "input", "hr"}
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


class Reader(HTMLParser):
    """Reads a page, and holds what is open, the cells of its tables, its scripts and its links."""

    def __init__(self, page):
        super().__init__()
        self.open, self.tables, self.scripts, self.ids, self.links = [], [], [], set(), set()
        self.policy = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        assert not [name for name in attributes if name.startswith("on")]
        assert not attributes.get("src")
        if attributes.get("http-equiv"):
            self.policy = attributes["content"]
        self.ids |= {attributes["id"]} if "id" in attributes else set()
        self.links |= {attributes["href"]} if "href" in attributes else set()
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in {"td", "th"}:
            self.tables[-1][-1].append("")
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "script" in self.open:
            self.scripts[-1] += data
        elif "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def evil():
    return make_report(names=EVIL, steps=("<b>a", "b&amp;", "'c'", '"d'), title="What if <i>x</i> & y?")


def test_the_page_holds_the_cells_of_the_report(evil):
    reader = Reader(to_html(evil))
    assert not reader.open
    tables = [each for each in page_of(evil) if isinstance(each, CellTable)]
    assert len(reader.tables) == len(tables)
    for shown, table in zip(reader.tables, tables, strict=True):
        assert [head.strip() for head in shown[0]] == list(table.heads)
        assert [len(row) for row in shown[1:]] == [len(table.heads)] * len(table.rows)
    cells = {cell for table in reader.tables for row in table for cell in row}
    assert "<script>alert(1)</script>" in cells
    assert not [cell for cell in cells if "\x1b" in cell or "\u202e" in cell]


def test_only_the_scripts_of_the_page_may_run_and_nothing_is_loaded(evil):
    reader = Reader(to_html(evil))
    figures, *scripts = reader.scripts
    assert "default-src 'none'" in reader.policy
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in reader.policy
    assert "unsafe" not in re.search(r"script-src ([^;]*)", reader.policy)[1]
    assert all(link.startswith("#") and link[1:] in reader.ids for link in reader.links)
    assert len(json.loads(figures)) == len(FIGURES) * len(evil.scenarios)


def test_the_page_is_small_and_the_same_for_the_same_report(evil):
    page = to_html(evil)
    assert page == to_html(evil)
    assert len(page.encode()) < 6_000_000


def test_every_metric_has_a_definition():
    assert set(METRIC_WORDS.values()) <= set(DEFINITIONS)


def test_every_column_of_numbers_has_a_definition(evil):
    tables = [each for each in page_of(evil) if isinstance(each, CellTable)]
    heads = {head for each in tables for at, head in enumerate(each.heads) if at not in each.texts}
    assert heads <= set(DEFINITIONS)


def test_words_of_the_recipe_are_not_taken_for_metrics(evil):
    *_, recipe = [each for each in page_of(evil) if isinstance(each, CellTable)]
    assert not set(recipe.heads) & set(DEFINITIONS)


def test_tables_sort_by_buttons_that_the_keyboard_reaches(evil):
    page = to_html(evil)
    n_heads = sum(len(each.heads) for each in page_of(evil) if isinstance(each, CellTable))
    assert page.count('<button type="button" aria-label="Sort by ') == n_heads
    assert "th button:focus-visible" in page
    assert 'setAttribute("aria-sort"' in page
    assert 'tabindex="-1"' not in re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


def test_a_figure_holds_no_markup_of_the_data(evil):
    for build in FIGURES.values():
        text = json.dumps(plotly_figure(build(evil.lead)), ensure_ascii=False)
        assert "<script" not in text
        assert "<i>" not in text


@pytest.mark.skipif(CHROMIUM is None, reason="no browser is installed")
def test_a_browser_draws_the_page_without_a_fault(evil, tmp_path):
    (tmp_path / "report.html").write_text(to_html(evil), encoding="utf-8")
    words = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=6000")
    done = subprocess.run(
        [CHROMIUM, *words, "--enable-logging=stderr", "--dump-dom", (tmp_path / "report.html").as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.count('class="main-svg"') >= len(FIGURES)
    assert "CONSOLE" not in done.stderr
