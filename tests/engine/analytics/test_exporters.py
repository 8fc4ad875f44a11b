"""Reports as files: read back by other programs, and the same bytes for the same report."""

import json

import openpyxl
import polars as pl
import pytest
from report_samples import make_report

from persona_tui.engine.analytics.exporters import EXPORTERS, Exported
from persona_tui.engine.analytics.tables import report_tables
from persona_tui.engine.errors import ExportError

DOCUMENT = {"schema": "persona-tui/result/1", "uplift": 0.1234567890123}
EVIL = "=cmd()|' /C calc'!A0"


def exported(report):
    return Exported(report=report, document=DOCUMENT, request={"run.toml": b'events = "log.csv"\n'})


def export(name, folder, report=None):
    folder.mkdir(exist_ok=True)
    return EXPORTERS.get(name)(exported(report or make_report()), folder)


@pytest.mark.parametrize("name", EXPORTERS.names())
def test_the_same_report_makes_the_same_bytes(name, tmp_path):
    first, second = (export(name, tmp_path / each) for each in ("first", "second"))
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


@pytest.mark.parametrize("name", EXPORTERS.names())
def test_a_folder_that_cannot_be_written_is_one_clear_line(name, tmp_path):
    (tmp_path / "folder").write_text("")
    with pytest.raises(ExportError, match="cannot be written"):
        EXPORTERS.get(name)(exported(make_report()), tmp_path / "folder")


def test_tables_hold_the_same_numbers_in_every_format(tmp_path):
    report = make_report()
    for name in ("csv", "parquet", "xlsx"):
        export(name, tmp_path / name)
    book = openpyxl.load_workbook(tmp_path / "xlsx" / "report.xlsx")
    for name, frame in report_tables(report).items():
        digits = [pl.selectors.float().round_sig_figs(10)]
        expected = frame.with_columns(*digits)
        parquet = pl.read_parquet(tmp_path / "parquet" / f"{name}.parquet")
        assert parquet.equals(frame, null_equal=True)
        text = pl.read_csv(tmp_path / "csv" / f"{name}.csv", schema_overrides=frame.schema)
        assert text.with_columns(*digits).equals(expected, null_equal=True)
        heads, *rows = book[name].iter_rows(values_only=True)
        assert list(heads) == frame.columns
        sheet = pl.DataFrame(rows, schema=frame.schema, orient="row", strict=False)
        assert sheet.with_columns(*digits).equals(expected, null_equal=True)


def test_a_workbook_says_the_answer_and_runs_no_text(tmp_path):
    report = make_report(names=(EVIL, "Others"))
    (path,) = export("xlsx", tmp_path, report)
    book = openpyxl.load_workbook(path)
    told = {row[0]: row[1] for row in book["about"].iter_rows(values_only=True)}
    assert told["answer"] == report.lead.decision
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert EVIL in {cell.value for cell in cells}
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]


def test_the_document_is_the_one_that_is_given(tmp_path):
    (path,) = export("json", tmp_path)
    assert json.loads(path.read_text())["uplift"] == 0.123456789


@pytest.mark.parametrize("name", EXPORTERS.names())
def test_half_a_character_is_written_as_an_escape(name, tmp_path):
    half = "half \ud83d"
    written = export(name, tmp_path, make_report(names=(half, half + "2"), steps=(half, "pay")))
    assert written
    for path in written:
        if path.suffix in {".csv", ".md", ".html", ".svg", ".ipynb"}:
            path.read_bytes().decode("utf-8")


def test_tables_tell_the_unit_of_every_number():
    named = {
        name: frame.select(
            pl.selectors.numeric() - pl.selectors.by_name("persona_id", require_all=False)
        ).columns
        for name, frame in report_tables(make_report()).items()
    }
    results = report_tables(make_report())["experiment_results"]
    assert results["unit"].unique().sort().to_list() == ["events per journey", "share of journeys"]
    units = ("share", "users", "low", "high", "chance_of_being_best", "chance_that_completion_falls")
    for name in ("persona_summary", "funnel", "scenarios"):
        assert not [column for column in named[name] if not column.endswith(units)]
