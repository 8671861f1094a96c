"""What a printed page says about itself must be what is on it."""

import json

import numpy as np
import pytest
from PIL import Image

from texthawk.cli import synth as command
from texthawk.data.synth import CHARACTERS, Corpus, PageMaker, PageStyle, hold_out, system_fonts
from texthawk.data.synth.fonts import describe, families
from texthawk.data.synth.glyphs import face, rung, substitutes
from texthawk.data.synth.layout import wrap
from texthawk.data.synth.sheet import turned

TEXTS = [
    "The harbour office keeps a ledger of every ship that anchors here, with its tonnage, flag and the day it left again.",
    "Nobody had expected the bakery to open at 5:30 on a Sunday; still, eleven people stood in line (two with umbrellas).",
    "“Measure twice,” said the joiner, “and cut once” – advice that cost him £12.50 in rulers between March and July 1987.",
    "A café in Łódź sells crème brûlée for 4 € and jalapeño bread for less; the façade still says “Bäckerei Müller”.",
    "Granite weathers slowly. Limestone dissolves in rain, which is why its caves are long, wet and full of odd echoes.",
]


@pytest.fixture(scope="module")
def fonts() -> list[str]:
    found = system_fonts()
    if not found:
        pytest.skip("this system has no Latin text fonts")
    return found


@pytest.fixture(scope="module")
def maker(fonts: list[str]) -> PageMaker:
    return PageMaker(Corpus.from_texts(TEXTS), fonts[:: max(1, len(fonts) // 12)], seed=3)


def plain(maker: PageMaker, index: int, **changes: object) -> PageStyle:
    """A clean, grey style without anything but letters."""
    values = {"damage": 0.0, "ornaments": 0.0, "coloured": 0.0, "blank": 0.0} | changes
    return PageStyle(224, 448, **values)


def ink(image: Image.Image) -> np.ndarray:
    """Distance of each pixel from the paper, 0 to 255."""
    grey = np.asarray(image.convert("L"), dtype=np.float32)
    return np.abs(grey - np.median(grey))


def cut(pixels: np.ndarray, box: np.ndarray, more: float = 0.0) -> np.ndarray:
    left, top, right, bottom = box
    rows = slice(max(0, int(np.floor(top - more))), int(np.ceil(bottom + more)))
    return pixels[rows, max(0, int(np.floor(left - more))) : int(np.ceil(right + more))]


def test_a_page_depends_on_seed_and_index_alone(maker, fonts):
    again = PageMaker(maker.corpus, fonts[:: max(1, len(fonts) // 12)], seed=3)
    first = [maker.window(i, height=224, width=300) for i in range(12)]
    second = [again.window(i, height=224, width=300) for i in reversed(range(12))][::-1]
    for a, b in zip(first, second, strict=True):
        assert a.image.tobytes() == b.image.tobytes() and a.text == b.text
    other = PageMaker(maker.corpus, fonts, seed=4).window(0, height=224, width=300)
    assert other.image.tobytes() != first[0].image.tobytes()
    page = maker.page(5, height=500, width=400)
    assert page.image.tobytes() == again.page(5, height=500, width=400).image.tobytes()


def test_a_window_in_capitals_has_no_small_letter_that_could_be_a_capital(maker):
    texts = [maker.draw(i, plain(maker, i, capitals=1.0)).text for i in range(40)]
    assert sum(map(len, texts)) > 2000
    small = {c for text in texts for c in text if c.islower() and len(c.upper()) == 1 and c.upper() in CHARACTERS}
    assert not small


def test_windows_of_records_alone_hold_no_prose(maker):
    def words(records: float) -> float:
        pages = [maker.draw(i, plain(maker, i, records=records)) for i in range(60)]
        lines = [line.text for page in pages for line in page.lines]
        return sum(map(len, lines)) / len(lines)

    assert words(0.0) > 1.2 * words(1.0)


def test_typed_windows_are_set_in_letters_of_one_width_and_dots_take_ink_away(maker):
    typed = [family for family in maker.families if family.mono]
    if not typed:
        pytest.skip("no monospaced font on this machine")
    for index in range(12):
        page = maker.draw(index, plain(maker, index, typed=1.0, resampled=0.0, records=0.0))
        again = maker.draw(index, plain(maker, index, typed=1.0, resampled=0.0, records=0.0, dotted=1.0))
        assert again.text == page.text
        if page.lines:
            assert ink(again.image).sum() < ink(page.image).sum()


def test_invented_words_are_not_those_of_the_corpus(maker):
    known = {word.strip(".,;:–“”()").lower() for text in TEXTS for word in text.split()}

    def strange(invented: float) -> float:
        texts = [maker.draw(i, plain(maker, i, records=1.0, invented=invented)).text for i in range(40)]
        words = [word.lower() for text in texts for word in text.split() if word.isalpha() and len(word) > 3]
        return sum(word not in known for word in words) / len(words)

    assert strange(1.0) > strange(0.0) + 0.3


def test_a_window_has_the_size_asked_for_and_no_character_crosses_its_border(maker):
    for index in range(60):
        window = maker.window(index, height=224, width=448)
        assert window.image.size == (448, 224) and window.image.mode == "RGB"
        for line in window.lines:
            assert line.glyphs.shape == (len(line.text), 4)
            assert line.glyphs.min() >= 0
            assert line.glyphs[:, 2].max() <= 448 and line.glyphs[:, 3].max() <= 224
            assert (line.glyphs[:, 2:] >= line.glyphs[:, :2]).all()


def test_every_glyph_box_holds_ink_and_outside_of_them_is_paper(maker):
    for index in range(40):
        window = maker.draw(index, plain(maker, index))
        pixels = ink(window.image)
        outside = pixels.copy()
        for line in window.lines:
            for character, box in zip(line.text, line.glyphs, strict=True):
                if character != " ":
                    assert cut(pixels, box).max() > 12, (index, character, line.text)
                    cut(outside, box, 2)[:] = 0
        assert outside.max() < 12, index


def test_a_glyph_box_fits_its_ink_to_a_pixel_and_a_half(fonts):
    for path in fonts[:: max(1, len(fonts) // 10)]:
        for size in (9.5, 14.0, 41.0):
            used = face(path, size)
            for text in ("Hxpy", "Q.j8", "f;W_"):
                for character in text:
                    canvas = np.zeros((120, 120), dtype=np.uint8)
                    placed = used.place(character, 30.5, 70)
                    used.print(canvas, placed, 70)
                    ys, xs = np.nonzero(canvas > 8)
                    found = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
                    assert np.abs(found - placed.boxes[0]).max() <= 1.5, (path, size, character, found, placed.boxes)


def test_text_is_lines_of_words_with_single_spaces_in_printable_characters(maker):
    for index in range(80):
        window = maker.window(index, height=224, width=400)
        assert window.text == "\n".join(line.text for line in window.lines)
        for line in window.lines:
            assert line.text == " ".join(line.text.split()) != ""
            assert set(line.text) <= set(CHARACTERS)
            assert " ".join(word for word, _ in line.words) == line.text
            left, top, right, bottom = line.box
            for _, box in line.words:
                assert left <= box.left < box.right <= right and top <= box.top < box.bottom <= bottom


def test_lines_of_a_window_follow_each_other_downwards_without_touching(maker):
    for index in range(60):
        lines = maker.draw(index, plain(maker, index, resampled=0.0)).lines
        for above, below in zip(lines, lines[1:], strict=False):
            assert below.box.top >= above.box.bottom


def test_columns_are_read_one_after_the_other(maker):
    seen = 0
    for index in range(14):
        lines = maker.page(index, height=700, width=900, type_px=(10, 12), damage=0).lines
        jumps = [i for i in range(1, len(lines)) if lines[i].box.bottom < lines[i - 1].box.top]
        seen += bool(jumps)
        for i in jumps:
            assert lines[i].box.left >= lines[i - 1].box.left or lines[i].box.left > 300
    assert seen, "no page of two columns in 14"


def test_max_lines_is_a_limit_and_blank_windows_have_no_lines(maker):
    assert all(len(maker.window(i, height=224, width=224, max_lines=2).lines) <= 2 for i in range(40))
    assert maker.draw(0, plain(maker, 0, blank=1.0)).lines == ()


def test_letters_are_at_least_half_of_type_px_high(fonts):
    for path in fonts[:: max(1, len(fonts) // 40)]:
        for type_px in (10, 14, 19.3):
            assert type_px / 2 - 1e-3 <= face(path, rung(path, type_px)).x_height <= 1.07 * type_px / 2


def test_boxes_follow_the_turn_of_a_page(maker):
    style = plain(maker, 1, resampled=0.0, dark=0.0)
    window = next(w for w in (maker.draw(i, style) for i in range(20)) if len(w.lines) > 5)
    paper = int(np.median(np.asarray(window.image.convert("L"))))
    image, lines = turned(window.image.convert("L"), window.lines, 1.0, paper, Image.Resampling.BICUBIC)
    assert lines[0].text == window.lines[0].text
    pixels, outside = ink(image), ink(image)
    for line in lines:
        for character, box in zip(line.text, line.glyphs, strict=True):
            if character != " ":
                if box[0] > 4 and box[1] > 4 and box[2] < 444 and box[3] < 220:
                    assert cut(pixels, box).max() > 12
                cut(outside, box, 2)[:] = 0
    assert (outside > 40).mean() < 1e-3


def test_held_out_fonts_are_never_used(fonts):
    names = sorted({describe(path).family for path in fonts})
    kept, held = hold_out(fonts, [names[0].upper(), names[-1].lower()])
    assert sorted(kept + held) == sorted(fonts) and held
    for family in families(kept):
        for path in (family.regular, family.bold, family.italic, *family.others):
            assert path in kept


def test_a_character_that_the_font_lacks_is_never_printed(fonts):
    for path in fonts[:: max(1, len(fonts) // 60)]:
        table = substitutes(path)
        left = CHARACTERS.translate(table)
        assert set(left) <= describe(path).covers, path


def test_wrapping_loses_no_letter_and_no_line_is_too_wide(fonts):
    used = face(fonts[0], 12.0)
    for hyphens in (False, True):
        for width in (60.0, 133.0, 400.0):
            lines = [line for line, _, _ in wrap(TEXTS[0], used, width, indent=20, hyphens=hyphens)]
            assert "".join(lines).replace("-", "").replace(" ", "") == TEXTS[0].replace(" ", "")
            assert all(used.width(line) <= width + 0.01 for line in lines)


def test_wrong_sizes_and_ranges_are_told(maker, fonts):
    for wrong in ({"height": 10}, {"type_px": (2, 3)}, {"damage": -1}):
        with pytest.raises(ValueError, match="must be"):
            maker.window(0, **({"height": 224, "width": 224} | wrong))
    with pytest.raises(ValueError, match="at least one"):
        PageMaker(maker.corpus, [], seed=0)


def test_the_command_writes_samples_and_a_contact_sheet(tmp_path, fonts, capsys):
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text("\n\n".join(TEXTS), encoding="utf-8")
    options = ["--out", str(tmp_path / "out"), "--count", "3", "--size", "96x200", "--show", "--split", "all"]
    assert command.main([*options, "--text", str(tmp_path / "text")]) == 0
    records = [json.loads(line) for line in (tmp_path / "out/samples.jsonl").read_text(encoding="utf-8").splitlines()]
    assert len(records) == 3
    for record in records:
        with Image.open(tmp_path / "out" / record["image"]) as image:
            assert image.size == (200, 96)
        assert "\n".join(box["text"] for box in record["boxes"]) == record["text"]
        assert all(0 <= value <= 1 for box in record["boxes"] for value in box["box"])
    assert (tmp_path / "out/contact.png").exists()
    assert command.main(options) == 2
    assert "--text" in capsys.readouterr().err
    assert command.main([*options, "--text", str(tmp_path / "text"), "--fonts", "no such family"]) == 2
    assert "no such family" in capsys.readouterr().err
