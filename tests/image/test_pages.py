"""Files become pages: every kind of good file, every kind of bad one, and what each message must say."""

import io
import os
import re
import threading
import zlib
from contextlib import closing

import numpy as np
import pytest
from PIL import Image

from tests.image.files import encoded, locked_pdf, pdf_of, tiff_of
from texthawk.image.decoding import rgb_of_enough
from texthawk.image.pages import Limits, RawPage, UnreadablePage, one_page, open_pages, opened_file, page_selection
from texthawk.image.rgb import to_rgb
from texthawk.types import PageError

RED = Image.new("RGB", (60, 40), "red")
GREYS = [Image.new("L", (30, 20 + i), 40 * i) for i in range(5)]


def noise(mode="RGB"):
    values = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    return Image.fromarray(values).convert(mode)


def only(source, **settings):
    pages = list(open_pages(source, **settings))
    assert len(pages) == 1, pages
    return pages[0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP", "GIF", "BMP", "PDF"])
@pytest.mark.parametrize("name", ["page", "page.png", "page.txt"])
def test_a_file_is_known_by_its_content_whatever_its_name(tmp_path, kind, name):
    path = tmp_path / name
    path.write_bytes(encoded(RED, kind))
    page = only(path, dpi=72)
    assert isinstance(page, RawPage)
    assert (page.number, page.count, page.source) == (1, 1, str(path))
    assert page.image.mode == "RGB" and page.image.size == (page.width, page.height) == (60, 40)
    assert np.abs(np.array(page.image).astype(int) - [255, 0, 0]).max() < 12


def test_path_bytes_and_image_give_the_same_page(tmp_path):
    (tmp_path / "a.png").write_bytes(encoded(noise(), "PNG"))
    pages = [only(tmp_path / "a.png"), only(str(tmp_path / "a.png")), only(encoded(noise(), "PNG")), only(noise())]
    assert len({page.image.tobytes() for page in pages}) == 1


def test_a_pipe_is_read_like_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(encoded(RED, "PNG")))
    writer.start()
    assert only(pipe).image.size == (60, 40)
    writer.join()


def test_every_page_of_a_tiff_comes_in_order():
    pages = list(open_pages(tiff_of(*GREYS)))
    assert [page.number for page in pages] == [1, 2, 3, 4, 5]
    assert {page.count for page in pages} == {5}
    assert [page.height for page in pages] == [20, 21, 22, 23, 24]
    assert [page.image.getpixel((0, 0))[0] for page in pages] == [0, 40, 80, 120, 160]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_an_animation_is_one_page_its_first_frame(kind):
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue", "lime")]
    data = encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=50)
    red, _, blue = only(data).image.getpixel((5, 5))
    assert red > 200 and blue < 50


def test_a_pdf_page_is_drawn_at_the_resolution_asked_for():
    assert (only(pdf_of("0 0 612 792")).width, only(pdf_of("0 0 612 792")).height) == (1700, 2200)
    assert only(pdf_of("0 0 612 792"), dpi=72).image.size == (612, 792)


def test_pages_are_decoded_one_at_a_time_and_then_let_go():
    pages = open_pages(pdf_of(*["0 0 100 100"] * 500))
    assert next(pages).number == 1
    assert next(pages).number == 2
    pages.close()  # the other 498 were never drawn


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_the_way_its_exif_says(kind, orientation):
    upright = Image.new("RGB", (60, 40), "white")
    upright.paste("black", (0, 0, 20, 20))  # a mark at the top left
    turns = [None, 0, 3, 1, 5, 2, 6, 4]  # the transposes that undo each orientation
    turn = turns[orientation - 1]
    stored = upright if turn is None else upright.transpose(Image.Transpose(turn))
    exif = Image.Exif()
    exif[0x0112] = orientation
    page = only(encoded(stored, kind, exif=exif))
    assert (page.width, page.height) == page.image.size == (60, 40)
    assert page.image.getpixel((5, 5))[0] < 60
    assert all(page.image.getpixel(place)[0] > 200 for place in [(5, 35), (55, 5), (55, 35)])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_page_that_was_turned_upright_is_not_turned_again_when_its_image_is_a_source(kind):
    exif = Image.Exif()
    exif[0x0112] = 6
    page = only(encoded(RED, kind, exif=exif))
    again = only(page.image)
    assert again.image.size == page.image.size == (40, 60) and again.image.tobytes() == page.image.tobytes()


def test_an_exif_block_that_cannot_be_parsed_does_not_cost_the_page():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(RED, "JPEG", exif=exif)
    broken = data.replace(b"Exif\0\0MM\0*\0\0\0\x08", b"Exif\0\0XX\0*\0\0\0\x08").replace(b"Exif\0\0II", b"Exif\0\0XX")
    assert broken != data
    assert only(broken).image.size == (60, 40)


def test_two_pages_of_a_large_tiff_do_not_share_a_fate():
    data = bytearray(tiff_of(*GREYS, compression="tiff_lzw"))
    image = Image.open(io.BytesIO(data))
    image.seek(2)
    start, length = image.tag_v2[273][0], image.tag_v2[279][0]
    data[start : start + length] = b"\xff" * length
    pages = list(open_pages(bytes(data)))
    assert [type(page) for page in pages] == [RawPage, RawPage, PageError, RawPage, RawPage]
    assert pages[2].number == 3 and "damaged" in pages[2].message
    assert [page.image.getpixel((0, 0))[0] for page in pages if isinstance(page, RawPage)] == [0, 40, 120, 160]


def test_a_tiff_cut_short_still_gives_the_pages_before_the_cut():
    data = tiff_of(*GREYS)
    pages = list(open_pages(data[: len(data) // 2]))
    assert isinstance(pages[0], RawPage) and isinstance(pages[-1], PageError)
    assert pages[-1].number == len(pages)


def test_a_bad_page_of_a_pdf_does_not_sink_the_others():
    pages = list(open_pages(pdf_of("0 0 90 90", "0 0 90 90", kids="3 0 R 9 0 R 4 0 R")))
    assert [type(page) for page in pages] == [RawPage, PageError, RawPage]
    assert pages[1].number == 2 and "save the PDF again" in pages[1].message


@pytest.mark.parametrize("size", [(1, 1), (1, 20_000), (20_000, 1)])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_an_image_of_extreme_shape_is_a_page(size, kind):
    page = only(encoded(Image.new("L", size, 255), kind))
    assert (page.width, page.height) == size
    assert min(page.image.size) >= 1


def header_only_png(width, height):
    data = bytearray(encoded(Image.new("1", (8, 8)), "PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def test_a_picture_over_the_limit_is_refused_from_its_header():
    error = only(header_only_png(30_000, 30_000))  # decoding it would fail: it has hardly any pixels
    assert "30000 x 30000" in error.message
    assert "200000000" in error.message and "--max-pixels" in error.message


def test_the_limit_is_a_setting_and_may_exceed_pillows_own():
    assert isinstance(only(noise(), limits=Limits(max_pixels=2400)), RawPage)
    assert "limit of 2399" in only(noise(), limits=Limits(max_pixels=2399)).message
    beyond_pillow = only(header_only_png(19_000, 10_000))
    assert "damaged" in beyond_pillow.message  # let through by the limits, stopped by its missing pixels


def test_a_large_pdf_page_is_drawn_smaller_and_keeps_its_size_in_pixels():
    page = only(pdf_of("0 0 14400 14400"), limits=Limits(max_pixels=1_000_000))  # 200 x 200 inches
    assert (page.width, page.height) == (40_000, 40_000)
    assert page.image.width * page.image.height <= 1_010_000
    strip = only(pdf_of("0 0 1 14400"))
    assert (strip.width, strip.height) == (3, 40_000)
    assert max(strip.image.size) <= 8192


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_page_larger_than_any_tiling_needs_is_decoded_smaller_and_keeps_its_size_in_pixels(kind):
    large = noise().resize((1200, 800))
    exif = Image.Exif()
    exif[0x0112] = 6
    page = only(encoded(large, kind, exif=exif), limits=Limits(enough_side=300))
    assert (page.width, page.height) == (800, 1200)
    assert page.image.height in (300, 400) and page.image.width * 3 == page.image.height * 2


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "I;16"])
def test_a_picture_that_becomes_rgb_in_bands_is_the_one_that_becomes_it_whole(mode):
    image = noise().resize((900, 700)).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 200)
    whole = to_rgb(image).reduce(3)
    banded = rgb_of_enough(image, 300)
    assert banded.size == whole.size and np.array_equal(np.asarray(banded), np.asarray(whole))


def test_a_page_that_was_decoded_smaller_keeps_its_size_when_it_is_decoded_again(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(noise().resize((1200, 800)), "JPEG"))
    limits = Limits(enough_side=300)
    with closing(opened_file(tmp_path / "a.jpg", "a.jpg", 200, limits)) as file:
        first, again = file.page(1), file.page(1)
    assert (again.width, again.height, again.image.size) == (1200, 800, first.image.size)


def test_a_tiff_may_be_larger_than_pillows_own_limit(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert isinstance(only(encoded(noise(), "TIFF")), RawPage)


@pytest.mark.parametrize("kind, settings", [("JPEG", {}), ("JPEG", {"progressive": True}), ("PNG", {}), ("WEBP", {})])
def test_a_kind_of_picture_that_takes_more_to_decode_needs_more_memory(kind, settings):
    content = encoded(noise().resize((1200, 800)), kind, **settings)
    least = {"JPEG": 0.4, "PNG": 4, "WEBP": 16}[kind] * 1200 * 800
    error = only(content, limits=Limits(enough_side=300, max_bytes=int(least)))
    assert "--max-memory" in error.message and "1200 x 800" in error.message
    enough = {"JPEG": 2 + 6 * len(settings), "PNG": 8, "WEBP": 20}[kind] * 1200 * 800
    assert isinstance(only(content, limits=Limits(enough_side=300, max_bytes=enough)), RawPage)


def test_somebody_elses_image_is_left_as_it_was(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(noise().resize((1200, 800)), "JPEG"))
    with Image.open(tmp_path / "a.jpg") as image:
        page = only(image, limits=Limits(enough_side=300))
        assert page.source == str(tmp_path / "a.jpg")
        assert image.size == (1200, 800)
        assert image.getpixel((1199, 799))


BAD_FILES = {
    "empty": (b"", "empty"),
    "text.png": (b"Dear Sir or Madam,\n", "whatever the name says"),
    "bmw.txt": (b"BMW cars are listed below", "BMP file is damaged"),
    "short.png": (encoded(noise(), "PNG")[:-200], "PNG file is damaged or cut short"),
    "short.jpg": (encoded(noise(), "JPEG")[:-200], "JPEG file is damaged or cut short"),
    "progressive.jpg": (encoded(noise(), "JPEG", progressive=True)[:-200], "JPEG file is damaged or cut short"),
    "short.webp": (encoded(noise(), "WEBP")[:-200], "WEBP file is damaged or cut short"),
    "short.gif": (encoded(noise(), "GIF")[:-200], "GIF file is damaged or cut short"),
    "short.bmp": (encoded(noise(), "BMP")[:-200], "BMP file is damaged or cut short"),
    "short.pdf": (pdf_of("0 0 612 792")[:-40], "ends in the middle"),
    "web.pdf": (pdf_of("0 0 612 792").replace(b"%PDF-1.4", b"%PDF-1.4 /Linearized 1/L 99999"), "ends in the middle"),
    "none.pdf": (pdf_of(), "no pages"),
    "locked.pdf": (locked_pdf(), "password"),
    "damaged.pdf": (b"%PDF-1.7 nothing else %%EOF", "damaged"),
    "soi.jpg": (b"\xff\xd8\xff", "damaged"),
    "riff.wav": (b"RIFF\0\0\0\0WAVEfmt ", "damaged"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_one_error_that_names_the_rule_and_the_way_out(tmp_path, name):
    content, reason = BAD_FILES[name]
    path = tmp_path / name
    path.write_bytes(content)
    error = only(path)
    assert isinstance(error, PageError)
    assert (error.source, error.number) == (str(path), None)
    assert reason in error.message
    assert re.search(r"again|convert|without|copy|check", error.message)
    with pytest.raises(UnreadablePage, match=re.escape(f"{path}: ")):
        one_page(path)
    if content:
        assert only(content).message == error.message


def test_a_pdf_without_pages_does_not_inherit_the_reason_of_the_file_before_it():
    assert "password" in only(locked_pdf()).message
    assert "password" not in only(pdf_of()).message


def test_a_missing_file_a_folder_a_device_and_an_impossible_name_are_told_apart(tmp_path):
    assert "no such file" in only(tmp_path / "gone.png").message
    assert "folder" in only(tmp_path).message
    assert "device" in only("/dev/zero").message
    assert "cannot be opened" in only("x" * 5000).message
    assert isinstance(only("nul\0byte"), PageError)


def test_an_image_without_pixels_is_refused():
    assert "no pixels" in only(Image.new("RGB", (0, 10))).message


def test_the_pages_asked_for_come_in_the_files_order_and_once():
    pages = open_pages(tiff_of(*GREYS), selection=page_selection("4-,2,4"))
    assert [page.number for page in pages] == [2, 4, 5]


def test_pages_that_do_not_exist_are_errors_beside_those_that_do():
    found = list(open_pages(tiff_of(*GREYS), selection=page_selection("5-1000000,9")))
    assert found[0].number == 5
    assert [(error.number, error.message.split(",")[0]) for error in found[1:]] == [
        (6, "there are no pages 6-1000000"),
        (9, "there is no such page"),
    ]
    with pytest.raises(UnreadablePage, match="the file has 5 pages"):
        one_page(tiff_of(*GREYS), 6)


def test_pages_beyond_the_limit_are_left_out_with_a_word():
    found = list(open_pages(tiff_of(*GREYS), limits=Limits(max_pages=2)))
    assert [page.number for page in found] == [1, 2, 3]
    assert isinstance(found[2], PageError) and "max_pages" in found[2].message
    assert all(isinstance(page, RawPage) for page in open_pages(tiff_of(*GREYS), limits=Limits(max_pages=5)))


def test_impossible_settings_are_refused_at_once():
    for dpi in (0, -1, float("nan"), float("inf"), 1e300, 10**400):
        with pytest.raises(ValueError, match=re.escape(f"dpi is {dpi}")):
            open_pages(b"", dpi=dpi)
    with pytest.raises(ValueError, match="at least 1"):
        Limits(max_pixels=0)
