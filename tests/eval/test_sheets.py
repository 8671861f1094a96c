"""Sheets of so many words, and print that no model has seen."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from tests.model import tiny

from texthawk.cli.eval import main
from texthawk.data.synth.corpus import Corpus
from texthawk.data.synth.fonts import describe, system_fonts
from texthawk.eval import density, printed, sheets

FONTS = [path for path in system_fonts() if "DejaVuSans.ttf" in path] or system_fonts()[:1]
needs_fonts = pytest.mark.skipif(not FONTS, reason="this machine has no text fonts")
WORDS = [f"{word}{number}" for number in range(50) for word in ("reading", "a", "page", "of", "print,", "slowly.")]


@pytest.fixture
def corpus():
    return Corpus.from_texts([" ".join(WORDS[start : start + 60]) for start in range(0, 300, 60)])


@needs_fonts
def test_a_sheet_holds_exactly_its_words_with_no_ink_cut_off():
    for count in density.WORDS:
        sheet = sheets.largest(WORDS[:count], FONTS[0])
        assert sheet.text.split() == WORDS[:count]
        pixels = np.asarray(sheet.image.convert("L"))
        assert pixels.shape == (sheets.HEIGHT, sheets.WIDTH)
        assert np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]).min() == 255
        assert pixels.min() < 100


@needs_fonts
def test_the_type_is_the_largest_in_which_the_words_fit():
    sizes = [sheets.largest(WORDS[:count], FONTS[0]).size for count in density.WORDS]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 5
    larger = sheets.SIZES[sheets.SIZES.index(sizes[0]) - 1]
    held = sheets.filled(WORDS[:20], FONTS[0], larger, sheets.LEADING, sheets.MARGIN, 99)
    assert len(held.text.split()) < 20
    with pytest.raises(ValueError, match="2000 words do not fit"):
        sheets.largest(["word"] * 2000, FONTS[0])


@needs_fonts
def test_words_that_a_font_cannot_print_are_passed_over():
    words = sheets.Words(Corpus.from_texts(["plain words here"]), 3)
    words.running = ["plain", "\u5b57", "words", "here"]
    assert sorted(words.start(np.random.default_rng(0), 3, FONTS[0])) == ["here", "plain", "words"]
    with pytest.raises(ValueError, match="can print only 3 words"):
        words.start(np.random.default_rng(0), 4, FONTS[0])


@needs_fonts
def test_the_same_seed_gives_the_same_sheets_and_another_gives_others(corpus, tmp_path):
    def ids(folder, seed):
        made = density.samples(corpus, FONTS, tmp_path / folder, per=1, seed=seed)
        made += printed.samples(corpus, FONTS, tmp_path / folder, sheets=2, seed=seed)
        return [(s.reference.set, s.reference.id) for s in made]

    assert ids("a", 0) == ids("b", 0)
    assert not set(ids("a", 0)) & set(ids("c", 1))
    assert len(set(ids("a", 0))) == len(density.WORDS) + 4


def test_a_corpus_with_too_few_words_is_refused():
    with pytest.raises(ValueError, match="has 2 words; a sheet needs up to 200"):
        sheets.Words(Corpus.from_texts(["two words"]), 200)


def test_the_figure_has_a_curve_for_each_system(tmp_path):
    rows = [{"set": f"{n} words", "system": s, "cer": n / k} for s, k in (("a", 1000), ("b", 2000)) for n in (20, 40)]
    assert density.curves(rows) == {"a": {20: 0.02, 40: 0.04}, "b": {20: 0.01, 40: 0.02}}
    pytest.importorskip("matplotlib")
    density.draw(rows, [tmp_path / "x.png", tmp_path / "x.svg"])
    assert Image.open(tmp_path / "x.png").size[0] > 600
    assert "<svg" in (tmp_path / "x.svg").read_text()


@needs_fonts
def test_clean_and_damaged_print_have_the_same_text_and_other_pixels(corpus, tmp_path):
    made = printed.samples(corpus, FONTS, tmp_path, sheets=3)
    clean, light = made[:3], made[3:]
    assert {s.reference.set for s in clean} == {"clean print"}
    assert {s.reference.set for s in light} == {"light damage"}
    for one, other in zip(clean, light, strict=True):
        assert one.reference.text == other.reference.text
        assert len(one.reference.text.split("\n")) >= printed.LINES[0]
        a, b = (np.asarray(Image.open(s.image).convert("L"), dtype=float) for s in (one, other))
        assert a.shape == b.shape == (sheets.HEIGHT, sheets.WIDTH)
        assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.9  # light...
        assert 2 < np.std((b - b.mean()) - (a - a.mean()) * np.std(b) / np.std(a))  # ...but more than paler ink


@needs_fonts
@pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not installed")
def test_print_is_evaluated_from_the_command_line(tmp_path, capsys):
    (tmp_path / "text").mkdir()
    paragraphs = [f"Paragraph {n} says this and that about the number {n}, and then it ends." for n in range(500)]
    (tmp_path / "text" / "a.txt").write_text("\n\n".join(paragraphs))
    arguments = [
        "print",
        "--no-model",
        "--text",
        str(tmp_path / "text"),
        "--out",
        str(tmp_path / "run"),
        "--count",
        "1",
    ]
    assert main([*arguments, "--fonts-held-out", "no such family"]) == 2
    assert "no family is called" in capsys.readouterr().err
    assert main([*arguments, "--fonts-held-out", describe(FONTS[0]).family]) == 0
    rows = json.loads((tmp_path / "run" / "scores.json").read_text())["rows"]
    assert [row["set"] for row in rows] == ["clean print", "light damage"]


@needs_fonts
def test_a_whole_sheet_goes_to_the_model_in_one_prompt(tmp_path):
    (tmp_path / "text").mkdir()
    paragraphs = [f"Paragraph {n} says this and that about the number {n}, and then it ends." for n in range(500)]
    (tmp_path / "text" / "a.txt").write_text("\n\n".join(paragraphs))
    tiny.model().save_pretrained(tmp_path / "model")
    tiny.processor().save_pretrained(tmp_path / "model")
    arguments = [
        *("print", "--text", str(tmp_path / "text"), "--fonts-held-out", describe(FONTS[0]).family, "--count", "1"),
        *("--model", str(tmp_path / "model"), "--no-tesseract"),
    ]
    assert main([*arguments, "--boxes", "--out", str(tmp_path / "boxes")]) == 0
    assert main([*arguments, "--one-prompt", "--out", str(tmp_path / "text")]) == 0
    systems = {
        run: [json.loads(line)["system"] for line in (tmp_path / run / "predictions.jsonl").read_text().splitlines()]
        for run in ("boxes", "text")
    }
    assert set(systems["boxes"]) == {"texthawk, in rows", "texthawk, one prompt"}
    assert set(systems["text"]) == {"texthawk", "texthawk, one prompt"}
