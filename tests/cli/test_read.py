"""texthawk read from end to end, with a tiny model that has learned nothing: only its words may be noise."""

import json

import pypdfium2
import pytest
import torch
from PIL import Image, ImageDraw

from texthawk.cli import main
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import TextHawkProcessor
from texthawk.model.tokens import extend_tokenizer, train_tokenizer
from texthawk.recipes import RECIPES


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    recipe = RECIPES["tiny"]()
    config = recipe.model_config()
    tokenizer = train_tokenizer(["The quick brown fox jumps over the lazy dog."] * 9, recipe.vocabulary)
    for name, value in extend_tokenizer(tokenizer).items():
        setattr(config, name, value)
    config.text_config.vocab_size = len(tokenizer)
    torch.manual_seed(0)
    TextHawkForConditionalGeneration(config).save_pretrained(folder)
    images = TextHawkImageProcessor(config.tiling_config)
    TextHawkProcessor(images, tokenizer, config.compressor_config).save_pretrained(folder)
    return str(folder)


@pytest.fixture
def files(tmp_path):
    """A blank page, a file that is none, and two pages of which the first has a line of type."""
    typed = Image.new("RGB", (160, 60), "white")
    ImageDraw.Draw(typed).text((10, 20), "fox dog", fill="black", font_size=18)
    blank = Image.new("RGB", (200, 100), "white")
    blank.save(tmp_path / "blank.png")
    (tmp_path / "letter.png").write_text("Dear Sir")
    typed.save(tmp_path / "two.tiff", save_all=True, append_images=[blank.copy()])
    return [str(tmp_path / name) for name in ("blank.png", "letter.png", "two.tiff")]


def test_a_file_that_fails_stops_no_other_and_the_status_says_so(model, files, capsys):
    assert main(["read", *files, "--model", model]) == 1
    printed = capsys.readouterr()
    headers = [line for line in printed.out.splitlines() if line.startswith("==> ")]
    assert headers == [f"==> {files[0]} <==", f"==> {files[2]} <=="]
    assert f"texthawk: {files[1]}: the content is no PNG" in printed.err


def test_json_has_every_page_with_its_size_and_reason(model, files, capsys):
    assert main(["read", files[0], files[2], "--model", model, "--format", "json", "--pages", "1-"]) == 0
    blank, two = json.loads(capsys.readouterr().out)["documents"]
    assert [(page["number"], page["width"], page["height"]) for page in two["pages"]] == [(1, 160, 60), (2, 200, 100)]
    assert blank["pages"][0]["finish_reason"] == two["pages"][1]["finish_reason"] == "blank"
    assert two["pages"][0]["finish_reason"] == "blank" and "cannot be read" in two["pages"][0]["reason"]
    assert "no ink" in blank["pages"][0]["reason"]
    assert blank["errors"] == two["errors"] == []


def test_only_the_pages_asked_for_are_read(model, files, capsys):
    assert main(["read", files[2], "--model", model, "--format", "json", "--pages", "2,9"]) == 1
    (document,) = json.loads(capsys.readouterr().out)["documents"]
    assert [page["number"] for page in document["pages"]] == [2]
    assert [error["page"] for error in document["errors"]] == [9]


def test_results_go_to_files_when_a_folder_is_named(model, files, tmp_path, capsys):
    assert main(["read", files[0], "--model", model, "--out", str(tmp_path / "new" / "out"), "--boxes"]) == 0
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == ["blank.txt", "ledger"]


def test_a_model_that_is_not_there_is_wrong_usage(files, capsys):
    assert main(["read", files[0], "--model", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["text", "markdown", "json", "hocr", "alto", "pdf"])
def test_every_format_makes_a_file_with_the_ending_of_its_kind(model, files, tmp_path, kind, capsys):
    out = tmp_path / "out"
    assert main(["read", files[2], "--model", model, "--format", kind, "--out", str(out), "--rotate", "0"]) == 0
    (path,) = (path for path in out.iterdir() if path.is_file())
    endings = {"text": ".txt", "markdown": ".md", "json": ".json", "hocr": ".hocr", "alto": ".xml", "pdf": ".pdf"}
    assert path.name == "two" + endings[kind]
    if kind == "pdf":
        sizes = [page.get_size() for page in pypdfium2.PdfDocument(path)]
        assert [round(width / height, 2) for width, height in sizes] == [round(160 / 60, 2), 2.0]


def test_several_files_do_not_fit_into_one_pdf(model, files, capsys):
    assert main(["read", files[0], files[2], "--model", model, "--format", "pdf"]) == 2
    assert "--out" in capsys.readouterr().err


def test_boxes_are_drawn_on_a_picture_for_each_page(model, files, tmp_path, capsys):
    assert main(["read", files[2], "--model", model, "--draw", str(tmp_path / "marked.png")]) == 0
    assert [Image.open(tmp_path / name).size for name in ("marked.png", "marked-2.png")] == [(160, 60), (200, 100)]


@pytest.mark.parametrize(
    "wrong",
    [
        ["--rotate", "45"],
        ["--max-memory", "much"],
        ["--max-memory", "5"],
        ["--max-memory", "9" * 400 + "G"],
        ["--dpi", "9" * 400],
        ["--draw", "marked.doc"],
    ],
)
def test_a_setting_that_cannot_be_is_wrong_usage(model, files, wrong, capsys):
    assert main(["read", files[0], "--model", model, *wrong]) == 2
    assert capsys.readouterr().err


def test_a_picture_that_does_not_fit_into_the_memory_is_refused_with_the_way_out(model, files, capsys):
    assert main(["read", files[0], "--model", model, "--max-memory", "300k"]) == 1
    assert "limit" in capsys.readouterr().err
