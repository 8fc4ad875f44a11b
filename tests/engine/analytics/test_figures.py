"""Figures as pictures, pages and characters: valid, harmless, inside their frame, and the same numbers."""

import html
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from report_samples import make_report
from svg_reading import SVG, assert_harmless, assert_inside, box_of, read, words_of

from persona_tui.engine.analytics.figure_files import to_png
from persona_tui.engine.analytics.figures import (
    Bar,
    BarFigure,
    BarRow,
    FlowFigure,
    FlowPanel,
    RangeFigure,
    RangeRow,
)
from persona_tui.engine.analytics.page import CellTable, page_of
from persona_tui.engine.analytics.report_figures import FIGURES, figures_of
from persona_tui.engine.analytics.step_flow import FlowLink, FlowNode, StepFlow, folded_alike, with_leaving
from persona_tui.engine.analytics.svg import short_name, width_of
from persona_tui.engine.analytics.svg_figures import WIDTHS
from persona_tui.engine.errors import ExportError

EVIL = (
    "<script>alert(1)</script>",
    "=cmd()|' /C calc'!A0",
    "日本の登録フォーム" * 12,
    "👩‍👩‍👧 family " * 20,
    "שלום עולם \u202eabc",
    "\x1b[31mred\x00\x07" + "n" * 200,
    "[/b] \ud800 & \"quoted\" 'too' ]]>",
)


REPORTS = {
    "plain": make_report(),
    "nothing changes": make_report(uplift=0.0),
    "one persona": make_report(names=("Everyone",), steps=("landing", "done")),
    "sixty personas": make_report(names=tuple(f"Persona {n} {'x' * n}" for n in range(60))),
    "many steps": make_report(steps=tuple(f"a_step_with_a_name_{n}" for n in range(300))),
    "evil": make_report(names=EVIL, steps=EVIL, title="What if <i>x</i> & =cmd()\x07 日本?"),
}
DRAWN = [
    pytest.param(figure, id=f"{name} {kind}")
    for name, report in REPORTS.items()
    for kind, figure in figures_of(report)
]


@pytest.mark.parametrize("figure", DRAWN)
def test_every_figure_stays_inside_its_frame(figure):
    for width in (None, WIDTHS[0], 1500):
        assert_inside(figure.to_svg(width))


@pytest.mark.parametrize("figure", DRAWN)
def test_no_figure_runs_or_loads_anything(figure):
    assert_harmless(figure.to_svg())


def test_a_report_has_every_figure():
    assert [name for name, _ in figures_of(REPORTS["plain"])] == list(FIGURES)


def test_figures_of_the_scenario_that_leads_have_plain_names():
    plain = REPORTS["plain"]
    other = replace(plain.lead, name="other")
    names = [name for name, _ in figures_of(replace(plain, scenarios=(other, plain.lead)))]
    assert names == [*(f"{kind}_1" for kind in FIGURES), *FIGURES]


def test_a_figure_without_anything_to_draw_is_left_out():
    insights = replace(REPORTS["plain"].lead.insights, drop_off=())
    lead = replace(REPORTS["plain"].lead, insights=insights, funnel_arms=())
    names = [name for name, _ in figures_of(replace(REPORTS["plain"], lead=lead, scenarios=(lead,)))]
    assert names == ["uplifts", "flow", "drivers"]


def test_names_from_the_data_are_text():
    root, _, _ = read(FIGURES["uplifts"](REPORTS["evil"].lead).to_svg())
    words = {words_of(each) for each in root.iter(f"{SVG}text")}
    assert "<script>alert(1)</script>" in words
    assert "=cmd()|' /C calc'!A0" in words


@pytest.mark.parametrize("kind", ["uplifts", "funnel", "leaving"])
def test_no_two_texts_of_rows_overlap(kind):
    for report in REPORTS.values():
        for width in (None, WIDTHS[0]):
            root, _, _ = read(FIGURES[kind](report.lead).to_svg(width))
            boxes = sorted((box_of(each) for each in root.iter(f"{SVG}text")), key=lambda box: box[2])
            for one, other in combinations(boxes, 2):
                if other[2] >= one[3]:
                    continue
                assert one[1] <= other[0] or other[1] <= one[0]


def test_the_picture_holds_the_cells_of_the_table():
    report = REPORTS["plain"]
    tables = [each for each in page_of(report) if isinstance(each, CellTable)]
    (for_whom,) = (each for each in tables if each.heads[0] == "completion of")
    shown = {row.name: row.cells for row in FIGURES["uplifts"](report.lead).rows}
    for name, share, _, _, uplift, interval, _ in for_whom.rows:
        assert shown[name] == (share, uplift, interval)
    (funnel,) = (each for each in tables if each.heads[0] == "reached by")
    drawn = {row.name: tuple(bar.text for bar in row.bars) for row in FIGURES["funnel"](report.lead).rows}
    assert drawn == {name: (control, treatment) for name, control, treatment, *_ in funnel.rows}


def test_rows_that_are_not_drawn_are_told():
    figure = FIGURES["funnel"](REPORTS["many steps"].lead)
    assert len(figure.rows) == 80
    assert "220 more are not drawn." in figure.note
    root, _, _ = read(figure.to_svg())
    assert figure.note.strip() in {words_of(each) for each in root.iter(f"{SVG}text")}


@given(name=st.text("abcdefghij WM_", min_size=1, max_size=25).map(str.strip).filter(bool))
def test_a_name_that_has_room_stands_on_one_line(name):
    row = BarRow(name=name, bars=(Bar(0.5, "50 %"),))
    figure = BarFigure(title="", series=(("", "control"),), rows=(row,), axis="")
    root, _, _ = read(figure.to_svg(2000))
    assert name in {words_of(each) for each in root.iter(f"{SVG}text")}


def test_a_name_that_is_cut_is_told_in_full():
    root, _, _ = read(FIGURES["uplifts"](REPORTS["sixty personas"].lead).to_svg(560))
    titles = {title.text for text in root.iter(f"{SVG}text") for title in text}
    assert f"Persona 59 {'x' * 59}" in titles


@pytest.mark.parametrize("scale", [1, 2])
def test_a_png_has_the_size_that_was_promised(scale, tmp_path):
    figure = FIGURES["uplifts"](REPORTS["plain"].lead)
    path = figure.write_png(tmp_path / "uplifts.png", width=700, scale=scale)
    _, width, height = read(figure.to_svg(700))
    with Image.open(path) as picture:
        assert picture.size == (700 * scale, int(height) * scale) == (width * scale, height * scale)
        assert len(picture.convert("RGB").getcolors(100_000)) > 10


def test_no_name_vanishes_from_a_picture_for_want_of_a_font():
    def picture(name):
        row = BarRow(name=name, bars=(Bar(0.5, "50 %"),))
        return to_png(BarFigure(title="", series=(("", "control"),), rows=(row,), axis="").to_svg(600), 1)

    for name in ("a", "日本", "👩", "שלום", "\U00013000"):
        assert picture(name) != picture("")


def test_the_same_figure_has_the_same_bytes():
    for name, figure in figures_of(make_report()):
        again = dict(figures_of(make_report()))[name]
        assert figure.to_svg() == again.to_svg()
        assert to_png(figure.to_svg(), 1) == to_png(again.to_svg(), 1)


@pytest.mark.parametrize("width", [0, WIDTHS[0] - 1, WIDTHS[1] + 1])
def test_a_width_out_of_bounds_is_refused(width, tmp_path):
    with pytest.raises(ExportError, match=rf"width == {width}, must be 560 to 4000"):
        FIGURES["funnel"](REPORTS["plain"].lead).write_svg(tmp_path / "x.svg", width=width)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("scale", "told"), [(0, "must be >= 1"), (40, "is too large")])
def test_a_scale_out_of_bounds_is_refused(scale, told, tmp_path):
    with pytest.raises(ExportError, match=told):
        FIGURES["funnel"](REPORTS["plain"].lead).write_png(tmp_path / "x.png", scale=scale)


@pytest.mark.parametrize("write", ["write_svg", "write_png", "write_html"])
def test_a_folder_that_is_none_is_one_clear_line(write, tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ExportError, match="cannot be written"):
        getattr(FIGURES["uplifts"](REPORTS["plain"].lead), write)(tmp_path / "file" / "picture")
    assert (tmp_path / "file").read_text() == "kept"


def test_a_page_of_a_figure_needs_nothing_else(tmp_path):
    for kind in FIGURES:
        page = FIGURES[kind](REPORTS["evil"].lead).write_html(tmp_path / "figure.html").read_text()
        assert "default-src 'none'" in html.unescape(page)
        assert "<script>alert(1)</script>" not in page
        assert page.count('data-figure="0"') == 1
        assert 'href="#definitions"' not in page


def test_a_notebook_is_given_a_picture_and_a_text():
    figure = FIGURES["flow"](REPORTS["plain"].lead)
    assert figure._repr_mimebundle_() == {"image/svg+xml": figure.to_svg(), "text/plain": figure.to_text()}


@pytest.mark.parametrize("figure", DRAWN)
@pytest.mark.parametrize("width", [1, 60, 80, 200])
def test_a_text_keeps_its_width(figure, width):
    for ascii_only in (False, True):
        text = figure.to_text(width, ascii_only=ascii_only)
        assert max(map(len, text.splitlines())) <= max(width, 60)
        assert text.isascii() or not ascii_only
        assert "\x1b" not in text


numbers = st.floats(-1e4, 1e4).map(lambda value: round(value, 3))
names = st.text(st.characters(exclude_categories=()), max_size=80)
ranges = st.builds(
    lambda name, ends, has_value, words: RangeRow(
        name=name, low=min(ends), high=max(ends), value=ends[0] if has_value else None, ends=words
    ),
    names,
    st.tuples(numbers, numbers),
    st.booleans(),
    st.tuples(st.sampled_from(["", "0.05", "12,345"]), st.sampled_from(["", "1", "0.123456"])),
)


@settings(max_examples=60)
@given(rows=st.lists(ranges, min_size=1, max_size=5), at=st.none() | numbers, width=st.integers(560, 2000))
def test_ranges_of_any_numbers_and_names_stay_inside(rows, at, width):
    figure = RangeFigure(title="Any", rows=tuple(rows), axis="points", at=at, at_text="as stated")
    assert_inside(figure.to_svg(width))
    assert_harmless(figure.to_svg(width))
    assert max(map(len, figure.to_text(60).splitlines())) <= 60


lengths = st.none() | st.floats(0, 1e4)
bars = st.tuples(lengths, lengths).map(lambda pair: tuple(Bar(each, f"{each or 0:,.2f}") for each in pair))


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.builds(lambda name, each: BarRow(name=name, bars=each), names, bars), min_size=1, max_size=5
    ),
    shares=st.booleans(),
    width=st.integers(560, 2000),
)
def test_bars_of_any_lengths_and_names_stay_inside(rows, shares, width):
    series = (("control", "control"), ("treatment", "treatment"))
    figure = BarFigure(title="Any", series=series, rows=tuple(rows), axis="", shares=shares)
    assert_inside(figure.to_svg(width))
    assert_harmless(figure.to_svg(width))
    figure.to_text()


@st.composite
def flows(draw):
    """Return a flow whose moves are what its states hold, with some who leave at each step."""
    n_steps, nodes, links = draw(st.integers(1, 5)), [], []
    before = [(None, 1.0)]
    for step in range(n_steps):
        weights = draw(st.lists(st.integers(1, 50), min_size=1, max_size=12))
        here = [
            [len(nodes) + place, sum(volume for _, volume in before) * weight / sum(weights)]
            for place, weight in enumerate(weights)
        ]
        for source, volume in before if step else ():
            links += [
                FlowLink(source=source, target=at, volume=volume * w / sum(weights))
                for (at, _), w in zip(here, weights, strict=True)
            ]
        stay = draw(st.sampled_from([0.5, 0.9, 1.0])) if step + 1 < n_steps else 0.0
        nodes += [FlowNode(name=f"s{place}", step=step, volume=v, exits=v * (1 - stay)) for place, v in here]
        before = [(at, volume * stay) for at, volume in here]
    return StepFlow(nodes=tuple(nodes), links=tuple(links))


def heights_of(svg):
    root, _, _ = read(svg)
    boxes = [each for each in root.iter(f"{SVG}rect") if each.get("width") == "12"]
    return [float(each.get("height")) for each in boxes]


@settings(max_examples=40, deadline=None)
@given(control=flows(), treatment=flows())
def test_flows_are_on_one_scale_and_stay_inside(control, treatment):
    alike = folded_alike({"control": control, "treatment": treatment}, 7)
    panels = tuple(FlowPanel(name=arm, tone=arm, flow=with_leaving(alike[arm])) for arm in alike)
    if not all(panel.flow.nodes for panel in panels):
        return
    figure = FlowFigure(title="Any", panels=panels)
    svg = figure.to_svg()
    assert_inside(svg)
    placed = [node.volume for panel in panels for node in panel.flow.nodes]
    heights = heights_of(svg)
    scale = max(heights) / placed[heights.index(max(heights))]
    for height, volume in zip(heights, placed, strict=True):
        assert height == pytest.approx(max(volume * scale, 1.5), abs=0.15)


@given(control=flows(), treatment=flows(), most=st.integers(2, 8))
def test_the_same_states_are_folded_before_and_after(control, treatment, most):
    alike = folded_alike({"control": control, "treatment": treatment}, most)
    for before, after in zip((control, treatment), alike.values(), strict=True):
        assert sum(node.volume for node in after.nodes) == pytest.approx(sum(n.volume for n in before.nodes))
        assert sum(link.volume for link in after.links) == pytest.approx(sum(e.volume for e in before.links))
    shown = [{(node.step, node.name) for node in flow.nodes if not node.folded} for flow in alike.values()]
    there = [{(node.step, node.name) for node in flow.nodes} for flow in (control, treatment)]
    assert shown[0] & there[1] == shown[1] & there[0]


def places_of(svg):
    """Return where the boxes of states stand: their column, and their middle below the first box."""
    root, _, _ = read(svg)
    boxes = [each for each in root.iter(f"{SVG}rect") if each.get("width") == "12"]
    return [(float(each.get("x")), float(each.get("y")) + float(each.get("height")) / 2) for each in boxes]


def test_what_did_not_change_stands_where_it_stood():
    def flow(first, second):
        sizes = {"start": 1.0, "a": first, "b": second, "other": 0.1}
        nodes = [FlowNode(name=name, step=int(name != "start"), volume=v) for name, v in sizes.items()]
        links = [FlowLink(source=0, target=place, volume=nodes[place].volume) for place in (1, 2, 3)]
        nodes.append(FlowNode(name="other (2)", step=1, volume=0.1, folded=2))
        return StepFlow(nodes=tuple(nodes), links=(*links, FlowLink(source=0, target=4, volume=0.1)))

    before = FlowPanel(name="control", tone="control", flow=flow(0.7, 0.1))
    after = FlowPanel(name="treatment", tone="treatment", flow=flow(0.1, 0.7))
    places = places_of(FlowFigure(title="", panels=(before, after)).to_svg())
    shifts = {round(y - x, 1) for (_, x), (_, y) in zip(places[:5], places[5:], strict=True)}
    assert max(shifts) - min(shifts) <= 0.2
    assert len({y for _, y in places[1:5]}) == 4


@given(name=names, width=st.integers(20, 300))
def test_a_short_name_keeps_its_width_and_both_ends(name, width):
    short = short_name(name, width, 13)
    assert width_of(short, 13) <= width or short == "…"
