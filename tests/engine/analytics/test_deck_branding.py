import re
import zipfile
from io import BytesIO
from itertools import combinations

import pytest
from deck_samples import height_of, inches, nasty_report
from pptx import Presentation
from pptx.opc.constants import RELATIONSHIP_TYPE as RT
from pptx.util import Inches
from report_samples import make_report

from persona_tui.engine.analytics.branding import Branding
from persona_tui.engine.analytics.pptx import write_deck
from persona_tui.engine.errors import ExportError

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000020000000108020000007b40e8dd0000000d49444154789c63f8cf0004ff0001"
    "0501004e2fe3b60000000049454e44ae426082"
)
VERDANA = 1.32
TITLES = {"TITLE", "CENTER_TITLE"}


def theme(deck):
    return deck.slide_master.part.part_related_by(RT.THEME).blob.decode()


def colored(deck, **colors):
    part = deck.slide_master.part.part_related_by(RT.THEME)
    xml = part.blob.decode()
    for name, color in colors.items():
        xml = re.sub(rf"<a:{name}>.*?</a:{name}>", f'<a:{name}><a:srgbClr val="{color}"/></a:{name}>', xml)
    part.blob = xml.replace('<a:latin typeface="Calibri"/>', '<a:latin typeface="Verdana"/>').encode()


def corporate(path, *, width=13.333, height=7.5):
    """Write a deck as a house would have it: its colours, its font, a bar at the foot, two slides."""
    deck = Presentation()
    deck.slide_width, deck.slide_height = Inches(width), Inches(height)
    for page in (deck.slide_master, *deck.slide_layouts):
        for shape in page.placeholders:
            if shape._element.spPr.find("{*}xfrm") is not None:
                shape.left, shape.width = (round(each * width / 10) for each in (shape.left, shape.width))
                shape.top, shape.height = (round(each * height / 7.5) for each in (shape.top, shape.height))
    colored(deck, accent1="008060", accent2="FF6600")
    for number in range(2):
        slide = deck.slides.add_slide(deck.slide_layouts[0])
        if not number:
            bar = slide.shapes.add_shape(1, 0, Inches(0.95 * height), Inches(width), Inches(0.05 * height))
            deck.slide_master.shapes._spTree.append(bar._element)
        slide.shapes.add_textbox(0, 0, Inches(2), Inches(1)).text_frame.text = f"secret {number}"
    deck.save(path)
    return str(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("branded")


@pytest.fixture(scope="module")
def logo(folder):
    (folder / "logo.png").write_bytes(PIXEL)
    return str(folder / "logo.png")


@pytest.fixture(scope="module")
def template(folder):
    return corporate(folder / "corporate.pptx")


@pytest.fixture(scope="module")
def dressed(folder, template, logo):
    branding = Branding(author="Ada of ACME", logo=logo, template=template)
    return Presentation(write_deck(make_report(), folder / "dressed.pptx", branding))


@pytest.fixture(scope="module")
def dressed_decks(folder, template, dressed):
    sizes = {"4:3": (10, 7.5), "small": (10, 5.625)}
    small = [
        write_deck(
            make_report(),
            folder / f"{width}.pptx",
            Branding(template=corporate(folder / f"as {width}.pptx", width=width, height=height)),
        )
        for width, height in sizes.values()
    ]
    nasty = write_deck(nasty_report(11, 60), folder / "nasty.pptx", Branding(template=template))
    return [dressed, *map(Presentation, (*small, nasty))]


def shown(deck):
    return [shape.text_frame.text for slide in deck.slides for shape in slide.shapes if shape.has_text_frame]


def test_a_deck_on_a_template_has_its_size_layouts_fonts_and_colours(dressed, template):
    house = Presentation(template)
    assert (dressed.slide_width, dressed.slide_height) == (house.slide_width, house.slide_height)
    assert theme(dressed) == theme(house)
    names = [slide.slide_layout.name for slide in dressed.slides]
    assert names[0] == "Title Slide"
    assert set(names[1:]) == {"Title Only"}


def test_the_slides_of_a_template_are_not_in_the_deck(dressed, folder):
    assert not any("secret" in text for text in shown(dressed))
    with zipfile.ZipFile(folder / "dressed.pptx") as package:
        assert not any(b"secret" in package.read(name) for name in package.namelist())


def test_a_deck_on_a_template_says_the_same(dressed, folder):
    plain = Presentation(write_deck(make_report(), folder / "plain.pptx"))
    assert [slide.shapes.title.text_frame.text for slide in dressed.slides] == [
        slide.shapes.title.text_frame.text for slide in plain.slides
    ]
    cells, plain_cells = (
        [
            cell.text_frame.text
            for slide in deck.slides
            for shape in slide.shapes
            if shape.has_table
            for cell in shape.table.iter_cells()
        ]
        for deck in (dressed, plain)
    )
    assert cells == plain_cells


def test_titles_stand_where_the_layout_has_them(dressed):
    for slide in dressed.slides:
        title = slide.shapes.title
        assert title._element.spPr.find("{*}xfrm") is None
        layout = next(p for p in slide.slide_layout.placeholders if p.placeholder_format.type.name in TITLES)
        assert (title.left, title.top) == (layout.left, layout.top)
        assert title.text_frame.paragraphs[0].runs[0].font.color.type is None


def test_a_template_keeps_only_colours_that_every_theme_has_a_meaning_for(dressed):
    for slide in dressed.slides:
        roots = [slide.shapes._spTree, *(s.chart._chartSpace for s in slide.shapes if s.has_chart)]
        for root in roots:
            names = {each.get("val") for each in root.iter("{*}schemeClr")}
            assert names <= {"tx1", "bg1", "accent1", "accent2"}


@pytest.mark.parametrize(("ground", "lighter"), [("lt1", False), ("dk1", True)])
def test_panels_are_told_from_a_dark_ground_as_from_a_light_one(folder, ground, lighter):
    deck = Presentation(corporate(folder / "ground.pptx"))
    colors = deck.slide_master._element.find("{*}clrMap")
    colors.set("bg1", ground)
    colors.set("tx1", "lt1" if ground == "dk1" else "dk1")
    deck.save(folder / "ground.pptx")
    written = write_deck(make_report(), folder / "on.pptx", Branding(template=str(folder / "ground.pptx")))
    shapes = (shape for slide in Presentation(written).slides for shape in slide.shapes)
    panel = next(shape for shape in shapes if shape.name.startswith("Key figure"))
    fill = panel._element.spPr.find("{*}solidFill/{*}schemeClr")
    assert fill.get("val") == "bg1"
    assert (fill.find("{*}lumOff") is not None) == lighter


def test_what_is_below_a_title_is_inside_the_slide_and_below_the_title(dressed_decks):
    for deck in dressed_decks:
        for number, slide in enumerate(deck.slides, start=1):
            title = slide.shapes.title
            for shape in slide.shapes:
                assert shape.left >= 0
                assert shape.left + shape.width <= deck.slide_width, (number, shape.name)
                assert shape.top + shape.height <= deck.slide_height, (number, shape.name)
                if number > 1 and shape.shape_id != title.shape_id:
                    assert shape.top >= title.top + title.height, (number, shape.name)
                    assert shape.top + shape.height <= 0.95 * deck.slide_height + 2, (number, shape.name)


def test_no_two_boxes_overlap_on_a_template(dressed_decks):
    for deck in dressed_decks:
        for number, slide in enumerate(deck.slides, start=1):
            for one, other in combinations(slide.shapes, 2):
                across = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
                down = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
                assert min(across, down) <= 2, (number, one.name, other.name)


def test_text_fits_its_box_in_the_wider_font_of_a_template(dressed_decks):
    for deck in dressed_decks:
        for shape in (shape for slide in deck.slides for shape in slide.shapes):
            if shape.has_text_frame and shape.text_frame.text:
                taken = height_of(shape.text_frame, shape.width, wider=VERDANA)
                assert taken <= inches(shape.height) + 0.02, (shape.name, shape.text_frame.text)


def test_the_logo_stands_on_the_first_slide_in_its_proportions(dressed, folder, logo):
    plain = Presentation(write_deck(make_report(), folder / "logo.pptx", Branding(logo=logo)))
    for deck in (dressed, plain):
        (found,) = (shape for slide in deck.slides for shape in slide.shapes if shape.name == "Logo")
        assert found.part is deck.slides[0].part
        assert found.width == pytest.approx(2 * found.height, rel=0.01)
        assert found._element.nvPicPr.cNvPr.get("descr") == "Logo"


def test_the_author_is_that_of_the_house(dressed):
    assert dressed.core_properties.author == "Ada of ACME"


@pytest.mark.parametrize("on_template", [False, True])
def test_the_accent_replaces_that_of_the_theme(folder, template, on_template):
    branding = Branding(accent="#7b1fa2", template=template if on_template else "")
    deck = Presentation(write_deck(make_report(), folder / "accent.pptx", branding))
    assert '<a:accent1><a:srgbClr val="7B1FA2"/></a:accent1>' in theme(deck)


def test_the_same_report_on_a_template_gives_the_same_bytes(folder, template, logo):
    branding = Branding(template=template, logo=logo, accent="#112233")
    one, other = (write_deck(make_report(), folder / name, branding) for name in ("one.pptx", "two.pptx"))
    assert one.read_bytes() == other.read_bytes()


def test_a_file_of_layouts_alone_serves_as_a_template(folder, template):
    source = zipfile.ZipFile(template)
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == "[Content_Types].xml":
                content = content.replace(b"presentation.main+xml", b"template.main+xml")
            target.writestr(entry, content)
    (folder / "house.potx").write_bytes(buffer.getvalue())
    branding = Branding(template=str(folder / "house.potx"))
    deck = Presentation(write_deck(make_report(), folder / "from potx.pptx", branding))
    assert len(deck.slides) > 10


def test_layouts_of_other_names_are_found_by_their_places(folder):
    deck = Presentation(corporate(folder / "names.pptx"))
    for number, layout in enumerate(deck.slide_layouts):
        layout.name = f"Folie {number}"
    deck.save(folder / "names.pptx")
    branding = Branding(template=str(folder / "names.pptx"))
    written = Presentation(write_deck(make_report(), folder / "named.pptx", branding))
    assert [slide.slide_layout.name for slide in written.slides][:2] == ["Folie 0", "Folie 5"]


def refused(folder, branding):
    target = folder / "refused.pptx"
    with pytest.raises(ExportError) as caught:
        write_deck(make_report(), target, branding)
    assert not target.exists()
    assert caught.value.hint
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"no deck", "is no PowerPoint file"),
        (b"", "is no PowerPoint file"),
        (None, "cannot be read: No such"),
    ],
)
def test_a_template_that_is_no_deck_is_refused_with_a_next_step(folder, content, why):
    path = folder / "broken.pptx"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    assert why in refused(folder, Branding(template=str(path)))


def test_a_workbook_is_no_template(folder):
    import xlsxwriter

    book = xlsxwriter.Workbook(str(folder / "book.pptx"))
    book.close()
    assert "is no PowerPoint file" in refused(folder, Branding(template=str(folder / "book.pptx")))


@pytest.mark.parametrize(
    ("kept", "told"),
    [({"Title Slide", "Title and Content"}, "a title alone"), ({"Title Only", "Blank"}, "a text beside it")],
)
def test_a_template_without_a_layout_that_is_needed_says_which(folder, kept, told):
    deck = Presentation()
    for layout in list(deck.slide_layouts):
        if layout.name not in kept:
            deck.slide_layouts.remove(layout)
    deck.save(folder / "lacking.pptx")
    assert told in refused(folder, Branding(template=str(folder / "lacking.pptx")))


@pytest.mark.parametrize("accent", ["red", "#12345", "#gggggg", "1b3a57"])
def test_an_accent_that_is_no_colour_is_refused(folder, accent):
    assert (
        refused(folder, Branding(accent=accent)) == f"accent == '{accent}', must be a colour such as #0b6e4f."
    )


def test_a_logo_that_is_no_picture_is_refused(folder):
    (folder / "logo.svg").write_text("<svg/>")
    assert "is no PNG or JPEG" in refused(folder, Branding(logo=str(folder / "logo.svg")))
    assert "cannot be read" in refused(folder, Branding(logo=str(folder / "none.png")))
