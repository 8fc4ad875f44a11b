import sys
from datetime import datetime

import pytest
import xlsxwriter

from persona_tui.engine.data.readers.sources import open_source
from persona_tui.engine.data.readers.tables import LINE
from persona_tui.engine.errors import DataError, MissingExtraError

pytest.importorskip("fastexcel")
LOG = [["user", "time", "event"], ["ann", datetime(2026, 3, 2, 9, 1), "a"], ["7", datetime(2026, 3, 2), "b"]]


def write(path, **sheets):
    with xlsxwriter.Workbook(str(path), {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as workbook:
        for name, rows in sheets.items():
            sheet = workbook.add_worksheet(name)
            for place, row in enumerate(rows):
                sheet.write_row(place, 0, row)
    return path


def test_a_sheet_is_read_with_its_dates_as_times(tmp_path):
    table = open_source(write(tmp_path / "log.xlsx", log=LOG))
    (batch,) = table.batches(["time", "user"])
    assert batch.frame[LINE].to_list() == [2, 3]
    assert batch.frame["time"].to_list() == [datetime(2026, 3, 2, 9, 1), datetime(2026, 3, 2)]
    assert batch.frame["user"].to_list() == ["ann", "7"]


def test_of_several_sheets_that_with_most_rows_is_read_and_told(tmp_path):
    table = open_source(write(tmp_path / "log.xlsx", notes=[["by"], ["ann"]], log=LOG))
    assert table.schema.names() == ["user", "time", "event"]
    assert table.notes == ("the sheet 'log' is read, 'notes' left out",)


def test_a_spreadsheet_is_known_by_its_content(tmp_path):
    path = write(tmp_path / "log.xlsx", log=LOG).rename(tmp_path / "log")
    assert open_source(path).n_rows == 2


def test_cells_of_several_types_in_a_column_are_text_and_none_is_lost(tmp_path):
    rows = [["n"], *[[n] for n in range(1_500)], ["x"]]
    frame = open_source(write(tmp_path / "log.xlsx", log=rows)).head(2_000)
    assert frame["n"].to_list() == [*map(str, range(1_500)), "x"]


def test_blank_rows_are_passed_over_and_the_others_keep_their_line(tmp_path):
    table = open_source(write(tmp_path / "log.xlsx", log=[["user"], ["ann"], [], ["bob"]]))
    (batch,) = table.batches(["user"])
    assert batch.frame.rows() == [(2, "ann"), (4, "bob")]


def test_columns_without_a_name_are_told(tmp_path):
    table = open_source(write(tmp_path / "log.xlsx", log=[["user", None], ["ann", "stray"]]))
    assert (table.schema.names(), table.notes) == (["user"], ("columns without a name are left out: 1",))


def test_two_columns_of_one_name_are_an_error(tmp_path):
    with pytest.raises(DataError, match="two columns named 'user'"):
        open_source(write(tmp_path / "log.xlsx", log=[["user", "user"], ["ann", "bob"]]))


def test_a_sheet_without_rows_is_told(tmp_path):
    with pytest.raises(DataError, match="holds no rows below a header"):
        open_source(write(tmp_path / "log.xlsx", log=[["user", "event"]]))


def test_a_damaged_spreadsheet_is_told(tmp_path):
    path = write(tmp_path / "log.xlsx", log=LOG)
    path.write_bytes(path.read_bytes()[:800])
    with pytest.raises(DataError, match=r"log\.xlsx' is"):
        open_source(path)


def test_a_missing_package_is_named_with_its_cure(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "fastexcel", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'persona-tui\[excel\]'"):
        open_source(write(tmp_path / "log.xlsx", log=LOG))
