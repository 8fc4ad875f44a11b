"""A report in every format, opened by what others read it with: the same numbers, to the printed digit."""

import html
import json
import re
from pathlib import Path

import nbformat
import numpy as np
import openpyxl
import polars as pl
import pytest
from pptx import Presentation
from support import write_part_of_sample

from persona_tui.engine.analytics.exporters import EXPORTERS
from persona_tui.engine.analytics.numbers import interval_text, percent, percent_interval, points_number
from persona_tui.engine.params import format_names
from persona_tui.study.exports import export_report
from persona_tui.study.options import Settings
from persona_tui.study.study import forecast

SAMPLE = Path(__file__).parents[2] / "data" / "sample_events.csv"
NASTY = (
    "=cmd()|' /C calc'!A0",
    "@SUM(1+1)*cmd",
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(1)>",
    "[/b][red]x[/red] `code` **bold** |pipe| $math$",
    "\x1b[31mred\x07\x00 \u202eright to left\u202c",
    "非常に長い名前" * 28,
    "👩\u200d👩\u200d👧 خرید کامل " * 12,
    "a" * 200,
    "'; DROP TABLE users; --",
)


REAL = {"online_wizard": "confirm", "loan_applications": "A_ACTIVATED", "restaurant_guide": "accept"}


def small_log(folder):
    return Settings(events=str(write_part_of_sample(folder / "small.csv", "u00")), clusters="3")


def nasty_log(folder):
    """Many event types, some with names that every format has its own way to stumble over."""
    rng = np.random.default_rng(2)
    names = [*NASTY, *(f"event {place} of many" for place in range(40))]
    rows = []
    for user in range(400):
        kind = user % 4
        length = 3 + int(rng.integers(0, 12))
        own = [0, 1, 2, *rng.integers(10 + 10 * kind, 20 + 10 * kind, length), *rng.integers(3, 9, 2)]
        done = [9] if rng.random() < 0.3 + kind / 10 else []
        rows += [
            (f"u{user}", 1_767_225_600 + 86_400 * user + 30 * place, names[int(code)])
            for place, code in enumerate([*own, *done])
        ]
    path = folder / "nasty.parquet"
    pl.DataFrame(rows, schema=["user_id", "timestamp", "event_type"], orient="row").write_parquet(path)
    steps = (NASTY[0], NASTY[2], NASTY[9])
    return Settings(
        events=str(path),
        clusters="4",
        funnel=format_names(steps),
        modification=("friction:factor=0.1",),
        report_title="<script>alert('title')</script> =1+1",
    )


@pytest.fixture(
    scope="module",
    params=["small", "nasty", *(pytest.param(name, marks=pytest.mark.real) for name in REAL)],
)
def exported(request, tmp_path_factory):
    """Return the report of a log, and the folder with it in every format."""
    folder = tmp_path_factory.mktemp(request.param)
    settings = {"small": small_log, "nasty": nasty_log}.get(request.param, lambda _: None)(folder)
    if settings is None:
        log = request.getfixturevalue("real_log")(request.param)
        settings = Settings(events=str(log), completion=(REAL[request.param],), clusters="2")
    result = forecast(settings)
    assert len(result.report.personas) > 1
    export_report(settings, result, EXPORTERS.names(), folder / "out")
    return result.report, folder / "out"


def printed(report):
    """Return the numbers that every face tells first, as they are printed, by what they are."""
    total = report.lead.experiment.total
    uplift = total.uplifts["completion_rate"]
    found = {
        "completion, control": percent(total.arms["control"]["completion_rate"]),
        "completion, treatment": percent(total.arms["treatment"]["completion_rate"]),
        "drop-off, control": percent(total.arms["control"]["drop_off_rate"]),
        "uplift": points_number(uplift.value),
        "interval": interval_text(*uplift.total),
    }
    for card in report.personas:
        found[f"share of {card.id}"] = percent(card.share)
        found[f"conversion of {card.id}"] = percent(card.conversion)
        found[f"its interval, {card.id}"] = percent_interval(*card.conversion_interval)
    for step in report.lead.funnel_arms:
        found[f"{step.step}, control"] = percent(step.control)
        found[f"{step.step}, treatment"] = percent(step.treatment)
    return found


def text_of_deck(path):
    shapes = [shape for slide in Presentation(str(path)).slides for shape in slide.shapes]
    told = [shape.text_frame.text for shape in shapes if shape.has_text_frame]
    cells = [
        cell.text for shape in shapes if shape.has_table for row in shape.table.rows for cell in row.cells
    ]
    return "\n".join([*told, *cells])


def text_of_page(path):
    body = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", path.read_text(), flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", "\n", body))


def numbers_of_tables(read):
    """Return the headline numbers that tidy tables hold, printed as every face prints them."""
    results = read("experiment_results").filter(pl.col("persona") == "all")
    (scenario,) = results["scenario"].unique().to_list()
    by_metric = {row["metric"]: row for row in results.iter_rows(named=True)}
    completion, drop = by_metric["completion_rate"], by_metric["drop_off_rate"]
    found = {
        "completion, control": percent(completion["control"]),
        "completion, treatment": percent(completion["treatment"]),
        "drop-off, control": percent(drop["control"]),
        "uplift": points_number(completion["uplift"]),
        "interval": interval_text(completion["total_low"], completion["total_high"]),
    }
    for row in read("persona_summary").iter_rows(named=True):
        number = row["persona_id"]
        found[f"share of {number}"] = percent(row["share"])
        found[f"conversion of {number}"] = percent(row["conversion_share"])
        low, high = row["conversion_share_low"], row["conversion_share_high"]
        found[f"its interval, {number}"] = percent_interval(low, high)
    steps = read("funnel").filter(pl.col("scenario") == scenario)
    arms = ("control_share", "treatment_share")
    shares = [tuple(percent(row[arm]) for arm in arms) for row in steps.iter_rows(named=True)]
    return found, shares


def numbers_of_document(path):
    document = json.loads(path.read_text())
    (experiment,) = document["experiments"]
    arms, uplift = experiment["arms"], experiment["uplifts"]["treatment"]["completion_rate"]
    found = {
        "completion, control": percent(arms["control"]["completion_rate"]),
        "completion, treatment": percent(arms["treatment"]["completion_rate"]),
        "drop-off, control": percent(arms["control"]["drop_off_rate"]),
        "uplift": points_number(uplift["value"]),
        "interval": interval_text(*uplift["total"]),
    }
    for each in document["personas"]:
        conversion = each["conversion"]
        found[f"share of {each['id']}"] = percent(each["share"])
        found[f"conversion of {each['id']}"] = percent(conversion["value"])
        found[f"its interval, {each['id']}"] = percent_interval(conversion["low"], conversion["high"])
    return found


def table_of_book(path, name):
    heads, *rows = openpyxl.load_workbook(path)[name].iter_rows(values_only=True)
    return pl.DataFrame(rows, schema=list(heads), orient="row", infer_schema_length=None, strict=False)


def test_every_face_tells_the_same_numbers_to_the_printed_digit(exported):
    report, folder = exported
    wanted = printed(report)
    faces = {
        "deck": text_of_deck(folder / "simulation_report.pptx"),
        "page": text_of_page(folder / "report.html"),
        "markdown": (folder / "report.md").read_text().replace("\\", ""),
    }
    for face, text in faces.items():
        missing = {name: number for name, number in wanted.items() if number not in text}
        assert not missing, face
    funnel = [(percent(each.control), percent(each.treatment)) for each in report.lead.funnel_arms]
    of_funnel = {
        f"{step.step}, {arm}" for step in report.lead.funnel_arms for arm in ("control", "treatment")
    }
    headline = {name: number for name, number in wanted.items() if name not in of_funnel}
    readers = {
        "csv": lambda name: pl.read_csv(folder / f"{name}.csv"),
        "parquet": lambda name: pl.read_parquet(folder / f"{name}.parquet"),
        "xlsx": lambda name: table_of_book(folder / "report.xlsx", name),
    }
    for reader in readers.values():
        assert numbers_of_tables(reader) == (headline, funnel)
    assert numbers_of_document(folder / "result.json") == headline


def test_every_file_is_valid_and_none_holds_what_a_program_would_run(exported):
    _, folder = exported
    notebook = nbformat.read(folder / "report.ipynb", as_version=4)
    nbformat.validate(notebook)
    page = (folder / "report.html").read_text()
    assert len(page.encode()) < 6_000_000
    assert page.count("<script") == 3
    assert "<img" not in page
    book = openpyxl.load_workbook(folder / "report.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [cell for cell in cells if cell.data_type == "f" or cell.hyperlink]
    for path in folder.glob("*.csv"):
        texts = pl.read_csv(path).select(pl.col(pl.String)).to_numpy().ravel().tolist()
        assert not [text for text in texts if text and text[0] in "=+-@\t\r"]
    shown = [text_of_page(folder / "report.html"), (folder / "report.md").read_text()]
    data = [(folder / name).read_text() for name in ("result.json", "report.ipynb")]
    assert not [text for text in shown if re.search("[\u202a-\u202e\u2066-\u2069]", text)]
    assert not [text for text in (*shown, *data) if re.search("[\x00-\x08\x0b-\x1f\x7f]", text)]
    assert not re.search(r"(?<!\\)<script", (folder / "report.md").read_text())
