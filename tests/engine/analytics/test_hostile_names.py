"""Names that text formats have no place for: control characters, no characters, formulas."""

import csv
import json
import zipfile
from xml.etree import ElementTree

import polars as pl
import pytest
from report_samples import make_report

from persona_tui.engine.analytics.exporters import EXPORTERS, Exported

HOSTILE = ("nul \x00 bell \x07", "none \ufffe \uffff", "+1", "@SUM(1)", "-2+3", "\t=1")
TITLE = "What if \ud800 \x00?"
"""Of a command line, where bytes that are no text become halves of pairs."""


@pytest.mark.parametrize("name", EXPORTERS.names())
def test_names_that_are_no_text_leave_every_file_valid(name, tmp_path):
    report = make_report(names=HOSTILE, steps=HOSTILE[:4], title=TITLE)
    document = {"schema": "x", "names": list(HOSTILE)}
    exported = Exported(report=report, document=document, request={"run.toml": b'events = "log.csv"\n'})
    for path in EXPORTERS.get(name)(exported, tmp_path):
        READERS[path.suffix](path)


def read_package(path):
    with zipfile.ZipFile(path) as package:
        for part in package.namelist():
            if part.endswith((".xml", ".rels")):
                ElementTree.fromstring(package.read(part))


def read_cells(path):
    with path.open(encoding="utf-8", newline="") as file:
        cells = {cell for row in csv.reader(file) for cell in row}
    assert not cells & set(HOSTILE[2:])


READERS = {
    ".pptx": read_package,
    ".xlsx": read_package,
    ".svg": ElementTree.parse,
    ".png": lambda path: path.read_bytes(),
    ".html": lambda path: path.read_text(encoding="utf-8"),
    ".md": lambda path: path.read_text(encoding="utf-8"),
    ".json": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".ipynb": lambda path: json.loads(path.read_text(encoding="utf-8")),
    ".csv": read_cells,
    ".parquet": pl.read_parquet,
}
