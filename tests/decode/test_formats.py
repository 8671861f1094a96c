"""Every format holds the same words at the same places, and its files are what their standards say they are."""

import gc
import io
import json
import re
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from xml.etree import ElementTree

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

from tests.decode.alto_schema import faults
from texthawk.decode.formats import FORMATS, Setting
from texthawk.decode.formats.blocks import blocks_of
from texthawk.decode.formats.characters import printable
from texthawk.decode.formats.markdown import escaped
from texthawk.decode.formats.pdf import points_of
from texthawk.decode.rotation import ROTATIONS, box_before, turned_size
from texthawk.types import Box, Document, Line, Page, PageError, Word, box_around

SIZE = (800, 600)
ROWS = [["Invoice", "No.", "1027"], ["Zürich", "<b>&amp;</b>", "中文"], ["total", "12.50", "€"]]
XHTML = "{http://www.w3.org/1999/xhtml}"
ALTO = "{http://www.loc.gov/standards/alto/ns-v4#}"


def page(rows=ROWS, rotation: int = 0, points=None) -> Page:
    """Rows of words, 40 px apart in a page that has to be turned by `rotation` to stand upright."""
    lines = []
    for row, texts in enumerate(rows):
        words, left = [], 60.0
        for text in texts:
            upright = Box(left, 80 + 40 * row, left + 12 * len(text), 105 + 40 * row)
            words.append(Word(text, box_before(upright, rotation, *SIZE), 0.25 + 0.5 * (row % 2)))
            left = upright.right + 12
        lines.append(Line(" ".join(texts), box_around(word.box for word in words), tuple(words)))
    text = "\n".join(line.text for line in lines)
    return Page(1, *SIZE, text, tuple(lines), source="scan.png", rotation=rotation, points=points)


def picture(size=SIZE) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, "JPEG")
    return out.getvalue()


def written(name: str, *pages: Page, **setting) -> bytes:
    pictures = [picture() for _ in pages] if FORMATS[name].needs_pictures else ()
    return FORMATS[name].write(Document(pages), Setting("scan.png", "nano", pictures=pictures, **setting))


def words_in_hocr(content: bytes) -> list[tuple[str, tuple[int, ...] | None, int]]:
    found = []
    for element in ElementTree.fromstring(content).iter(f"{XHTML}span"):
        if element.get("class") == "ocrx_word":
            title = element.get("title") or ""
            box = re.search(r"bbox (\d+) (\d+) (\d+) (\d+)", title)
            sure = re.search(r"x_wconf (\d+)", title)
            assert sure is not None
            found.append((element.text or "", tuple(map(int, box.groups())) if box else None, int(sure[1])))
    return found


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("rotation", ROTATIONS)
def test_every_word_is_in_every_format(name, rotation):
    content = written(name, page(rotation=rotation))
    if name == "pdf":
        text = pypdfium2.PdfDocument(content)[0].get_textpage().get_text_range()
    elif name in ("hocr", "alto"):
        root = ElementTree.fromstring(content)
        text = " ".join(root.itertext()) + " ".join(e.get("CONTENT", "") for e in root.iter(f"{ALTO}String"))
    elif name == "markdown":
        text = re.sub("<[^>]+>", "", MarkdownIt().render(content.decode())).replace("&lt;", "<").replace("&gt;", ">")
        text = text.replace("&amp;", "&")
    else:
        text = content.decode()
    assert [word for row in ROWS for word in row if word not in text] == []


@pytest.mark.parametrize("name", FORMATS)
def test_a_document_without_text_or_without_pages_is_a_file_of_its_format_or_refused(name):
    for pages in ((), (Page(1, 30, 20, "", finish_reason="blank"),)):
        pictures = [picture((30, 20)) for _ in pages] if FORMATS[name].needs_pictures else ()
        document, setting = Document(pages, (PageError("a", 2, "gone"),)), Setting(pictures=pictures)
        if not pages and name in ("alto", "pdf"):
            with pytest.raises(ValueError, match="ask for JSON"):
                FORMATS[name].write(document, setting)
            continue
        content = FORMATS[name].write(document, setting)
        if name == "alto":
            assert faults(content) == []
        elif name == "hocr":
            assert len(ElementTree.fromstring(content).findall(f".//{XHTML}div")) == len(pages)
        elif name == "json":
            assert [entry["message"] for entry in json.loads(content)["documents"][0]["errors"]] == ["gone"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.text(min_size=1, max_size=9).filter(lambda text: printable(text).strip()), min_size=1, max_size=4),
    st.text(max_size=9),
)
def test_no_text_or_file_name_breaks_the_markup(texts, name):
    made = replace(page([texts]), source=name)
    document, setting = Document((made,)), Setting(name, name)
    assert faults(FORMATS["alto"].write(document, setting)) == []
    assert len(words_in_hocr(FORMATS["hocr"].write(document, setting))) == len(texts)
    assert json.loads(FORMATS["json"].write(document, setting))["documents"][0]["pages"][0]["lines"]
    for kind in ("text", "markdown"):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", FORMATS[kind].write(document, setting).decode())


@settings(max_examples=200, deadline=None)
@given(st.text("ab#*_`<>[]()!&;~|\\+-=.1 ", max_size=20).filter(lambda text: text.strip()))
def test_markdown_shows_a_line_as_it_was_read(line):
    shown = MarkdownIt().render(escaped(line))
    tokens = MarkdownIt().parse(escaped(line))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"], shown
    assert "".join(child.content for child in tokens[1].children) == line.strip()


def test_large_type_on_a_block_of_its_own_is_a_heading():
    title = Line("The title", Box(60, 10, 400, 60), (Word("The title", Box(60, 10, 400, 60), 1.0),))
    made = page()
    content = written("markdown", replace(made, lines=(title, *made.lines))).decode()
    assert content.startswith("# The title\n\nInvoice No. 1027\n")


def test_lines_far_apart_or_side_by_side_are_blocks_of_their_own():
    one, two, three = page().lines
    far = replace(three, box=Box(60, 400, 300, 425))
    beside = replace(two, box=Box(500, 85, 700, 110))
    assert [len(block) for block in blocks_of(replace(page(), lines=(one, two, far)))] == [2, 1]
    assert [len(block) for block in blocks_of(replace(page(), lines=(one, beside)))] == [1, 1]
    placeless = replace(two, box=None)
    assert [len(block) for block in blocks_of(replace(page(), lines=(one, placeless, placeless)))] == [1, 2]


@pytest.mark.parametrize("rotation", ROTATIONS)
def test_hocr_has_classes_boxes_and_confidence(rotation):
    made = page(rotation=rotation)
    content = written("hocr", made)
    root = ElementTree.fromstring(content)
    system = {meta.get("name"): meta.get("content") for meta in root.iter(f"{XHTML}meta")}
    used = {element.get("class") for element in root.iter() if element.get("class")}
    assert used == {"ocr_page", "ocr_carea", "ocr_par", "ocr_line", "ocrx_word"}
    assert used <= set((system["ocr-capabilities"] or "").split()) and (system["ocr-system"] or "").startswith("texth")
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    (sheet,) = (element for element in root.iter(f"{XHTML}div") if element.get("class") == "ocr_page")
    assert sheet.get("title") == 'image "scan.png"; bbox 0 0 800 600; ppageno 0'
    expected = [(w.text, tuple(round(side) for side in w.box), round(100 * w.confidence)) for w in made.words]
    assert words_in_hocr(content) == expected
    assert (f"textangle {rotation}" in content.decode()) == bool(rotation)


def test_alto_is_valid_and_has_boxes_and_confidence():
    made = page(rotation=90)
    content = written("alto", made, page())
    assert faults(content) == []
    strings = list(ElementTree.fromstring(content).iter(f"{ALTO}String"))
    first = made.words[0]
    assert [strings[0].get(name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")] == [
        f"{value:.1f}" for value in (first.box.left, first.box.top, first.box.width, first.box.height)
    ]
    assert float(strings[0].get("WC", "")) == first.confidence


def test_words_without_a_place_have_none_in_any_format():
    lost = Line("somewhere here", None, (Word("somewhere", None, 0.5), Word("here", None, 0.5)))
    made = replace(page(), lines=(lost,))
    assert faults(written("alto", made)) == []
    assert [box for _, box, _ in words_in_hocr(written("hocr", made))] == [None, None]
    assert "somewhere here" in pypdfium2.PdfDocument(written("pdf", made))[0].get_textpage().get_text_range()


@pytest.mark.parametrize("rotation", (0, 90, 270))
@pytest.mark.parametrize("points", (None, (595.3, 441.9)))
def test_searching_the_pdf_finds_every_word_where_it_stands(rotation, points):
    made = page([["Invoice", "No."], ["Grüße", "an"], ["total", "12.50"]], rotation, points)
    sheet = pypdfium2.PdfDocument(written("pdf", made))[0]
    width, height = points_of(made)
    assert sheet.get_size() == pytest.approx((width, height), abs=0.01)
    layer = sheet.get_textpage()
    for word in made.words:
        start, count = layer.search(word.text, match_case=True).get_next()
        rectangles = [layer.get_rect(k) for k in range(layer.count_rects(start, count))]
        across, down = width / SIZE[0], height / SIZE[1]
        box = word.box
        place = (box.left * across, height - box.bottom * down, box.right * across, height - box.top * down)
        assert len(rectangles) == 1 and rectangles[0] == pytest.approx(place, abs=2)


@pytest.mark.parametrize("text", ["שלום", "مرحبا", "א12ב", "abc", "12.50", "Größe"])
def test_a_word_of_either_direction_comes_back_from_a_pdf_as_it_is_spelt(text):
    layer = pypdfium2.PdfDocument(written("pdf", page([[text]])))[0].get_textpage()
    assert layer.get_text_range().strip() == text and layer.search(text).get_next() is not None


def test_a_word_that_says_nothing_leaves_alto_valid():
    lines = [Line(text, Box(1, 1, 9, 9), (Word(text, Box(1, 1, 9, 9), 0.5),)) for text in ("", " ", "\u00a0", "x")]
    content = written("alto", replace(page(), lines=tuple(lines)))
    assert faults(content) == []
    assert [string.get("CONTENT") for string in ElementTree.fromstring(content).iter(f"{ALTO}String")] == ["x"]


def test_the_text_of_a_pdf_reads_in_order_with_single_spaces_and_is_not_seen():
    made = page()
    sheet = pypdfium2.PdfDocument(written("pdf", made))[0]
    assert sheet.get_textpage().get_text_range().split("\r\n") == [" ".join(row) for row in ROWS]
    assert sheet.render(scale=1).to_pil().convert("L").getextrema()[0] >= 250


def test_a_pdf_of_several_pages_has_their_own_sizes_and_refuses_missing_pictures():
    made = Document((page(), replace(page(), width=3 * SIZE[0], number=2)))
    content = FORMATS["pdf"].write(made, Setting(pictures=[picture(), picture()]))
    first, second = (sheet.get_size() for sheet in pypdfium2.PdfDocument(content))
    assert second[0] == pytest.approx(3 * first[0]) and second[1] == pytest.approx(first[1])
    with pytest.raises(ValueError, match="one picture for each page"):
        FORMATS["pdf"].write(made, Setting(pictures=[picture()]))


def test_a_pdf_shows_its_picture_over_the_whole_page_in_grey_or_colour():
    shown = Image.new("RGB", SIZE, "white")
    shown.paste("red", (400, 0, 800, 300))
    for mode in ("RGB", "L"):
        out = io.BytesIO()
        shown.convert(mode).save(out, "JPEG")
        content = FORMATS["pdf"].write(Document((page(),)), Setting(pictures=[out.getvalue()]))
        drawn = pypdfium2.PdfDocument(content)[0].render(scale=1).to_pil().convert(mode)
        width, height = drawn.size
        for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
            there = drawn.getpixel((round(x * width), round(y * height)))
            here = shown.convert(mode).getpixel((round(x * SIZE[0]), round(y * SIZE[1])))
            assert there == pytest.approx(here, abs=4), (mode, x, y)
    out = io.BytesIO()
    shown.save(out, "PNG")
    with pytest.raises(ValueError, match="takes JPEG"):
        FORMATS["pdf"].write(Document((page(),)), Setting(pictures=[out.getvalue()]))


def test_every_object_of_a_pdf_stands_where_its_table_says():
    content = written("pdf", page(), replace(page(), number=2))
    begin = int(re.search(rb"startxref\s+(\d+)", content)[1])
    first, *entries = re.findall(rb"(\d{10}) \d{5} [nf] \n", content[begin:])
    assert content[begin:].startswith(f"xref\n0 {len(entries) + 1}\n".encode()) and int(first) == 0
    for number, entry in enumerate(entries, start=1):
        assert content[int(entry) :].startswith(f"{number} 0 obj\n".encode())


class Long(Sequence):
    """A document's pages, or its pictures, of which none is in memory before it is asked for."""

    def __init__(self, count: int, make) -> None:
        self.count, self.make = count, make

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number):
        if number >= self.count:
            raise IndexError(number)
        return self.make(number)


def dense(number: int) -> Page:
    """A page of 500 words, a fifth of them its own, whose one paragraph runs on and on."""
    rows = [[f"word{(number if k % 5 == 0 else 0)}x{k}{row}" for k in range(10)] for row in range(50)]
    return replace(page(rows), number=number + 1, height=3000)


@pytest.mark.parametrize("name", FORMATS)
def test_memory_does_not_grow_with_the_pages_of_a_document(name):
    shown = picture((20, 15))

    def peak(count: int) -> tuple[int, int]:
        document = Document(Long(count, dense))
        setting = Setting("long.pdf", "nano", pictures=Long(count, lambda number: shown))
        gc.collect()  # every measurement begins with the same free lists: they alone are 100 kB
        tracemalloc.start()
        written = longest = 0
        for piece in FORMATS[name].pieces(document, setting):
            written, longest = written + len(piece), max(longest, len(piece))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert longest < 120_000
        return most, written

    (few, small), (many, large) = peak(9), peak(27)
    assert large > 2.5 * small and many < few + 0.05 * (large - small) + 30_000, (few, many, large - small)


def test_json_gives_boxes_in_points_where_the_page_has_them():
    made = page(points=(400.0, 300.0))
    (document,) = json.loads(written("json", made))["documents"]
    word = document["pages"][0]["lines"][0]["words"][0]
    assert word["points"] == pytest.approx([side / 2 for side in word["box"]])
    (document,) = json.loads(written("json", page()))["documents"]
    assert "points" not in document["pages"][0]["lines"][0]


@given(st.tuples(*[st.floats(0, 500)] * 4), st.sampled_from(ROTATIONS))
def test_a_box_comes_back_from_every_rotation_inside_the_page(sides, rotation):
    wide, high = turned_size(700.0, 600.0, rotation)
    box = Box(min(sides[0], sides[2]), min(sides[1], sides[3]), max(sides[0], sides[2]), max(sides[1], sides[3]))
    back = box_before(box, rotation, 700.0, 600.0)
    assert back.width >= 0 and back.height >= 0 and back.right <= 700 and back.bottom <= 600
    assert (back.width, back.height) == pytest.approx(turned_size(box.width, box.height, rotation))
    assert box.right <= wide and box.bottom <= high
