"""texthawk show from end to end, with a tiny model that has learned nothing."""

import re
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from tests.model import tiny
from texthawk.cli.show import main
from texthawk.decode.reader import load
from texthawk.eval.show.run import Wishes, show
from texthawk.eval.show.words import answers


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    config = tiny.config()
    tiny.model(config).save_pretrained(folder)
    tiny.processor(config).save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "a & b.png"
    typed = Image.new("RGB", (190, 130), "white")
    for number, text in enumerate(("fox dog", "quick fox")):
        ImageDraw.Draw(typed).text((12, 20 + 50 * number), text, fill="black", font_size=16)
    typed.save(path)
    return str(path)


def pictures(out):
    """The sizes of all PNG files by name; every one of them stands in the sheet, and the sheet names no other."""
    html = (out / "index.html").read_text()
    sizes = {path.stem: Image.open(path).size for path in out.glob("*.png")}
    assert sorted(re.findall(r'src="([^"]+)\.png"', html)) == sorted(sizes)
    assert "a &amp; b.png" in html
    return sizes


def test_a_page_sent_whole_has_pictures_of_its_own_size(model, page, tmp_path, capsys):
    assert (
        main([page, "--model", model, "--out", str(tmp_path), "--send", "page", "--token", "20", "--token", "3"]) == 0
    )
    assert capsys.readouterr().out.strip() == str(tmp_path / "index.html")
    sizes = pictures(tmp_path)
    own = {name for name, size in sizes.items() if size == (190, 130)}
    assert own == sizes.keys() - {"views", "thumbnail"}
    assert {f"token-{number}-level-{level}" for number in (3, 20) for level in range(4)} <= own
    assert {f"level-{level}" for level in range(4)} <= own


def test_a_page_sent_in_rows_is_drawn_on_its_canvas_and_on_the_page(model, page, tmp_path):
    assert main([page, "--model", model, "--out", str(tmp_path)]) == 0
    sizes = pictures(tmp_path)
    assert sizes["rows"] == (190, 130)
    assert sizes["level-0"] == sizes["views-on-page"] == (128, 64)
    tokens = {name.split("-")[1] for name in sizes if name.startswith("token-")}
    assert len(tokens) == 3, "three tokens are chosen where nobody says which"
    assert all(sizes[f"token-{number}-on-page"] == (190, 130) for number in tokens)


def test_a_page_on_its_side_is_drawn_as_it_is_read(model, tmp_path):
    page = Image.open("examples/page.png").convert("RGB")
    side = tmp_path / "a & b.png"
    page.transpose(Image.Transpose.ROTATE_90).save(side)
    usual = ["--model", model, "--token", "3"]
    assert main([str(side), *usual, "--out", str(tmp_path / "auto")]) == 0
    assert "turned clockwise by 90 degrees first" in (tmp_path / "auto" / "index.html").read_text()
    assert pictures(tmp_path / "auto")["rows"] == page.size
    assert main([str(side), *usual, "--rotate", "90", "--send", "page", "--out", str(tmp_path / "given")]) == 0
    assert main(["examples/page.png", *usual, "--send", "page", "--out", str(tmp_path / "upright")]) == 0
    for picture in (tmp_path / "upright").glob("*.png"):
        assert picture.read_bytes() == (tmp_path / "given" / picture.name).read_bytes()
    assert "turned" not in (tmp_path / "upright" / "index.html").read_text()


@pytest.mark.parametrize(("connector", "tiling"), [("hiwin", "uhd"), ("perceiver", "native"), ("mlp", "adaptive")])
def test_any_connector_can_be_looked_at(model, page, tmp_path, connector, tiling):
    arguments = [page, "--model", model, "--out", str(tmp_path), "--connector", connector, "--tiling", tiling]
    assert main([*arguments, "--token", "5"]) == 0
    sizes = pictures(tmp_path)
    assert ("pyramid-4x-after" in sizes) == (connector == "hiwin")
    assert "weights are random" in (tmp_path / "index.html").read_text()


def test_a_word_of_the_answer_has_its_sources(model, page, tmp_path):
    reader = load(model)
    image = Image.open(page).convert("RGB")
    question = "What is the total of this receipt?"
    (tokens,) = answers(reader.model, reader.processor, reader.ends, [image], question, 12)
    words = re.findall(r"\w+", reader.processor.tokenizer.decode(tokens))
    wishes = Wishes(send="page", word=words[0], question=question, longest=12)
    show(image, reader, tmp_path / "out", wishes, "a & b.png")
    assert {"word-attention", "word-gradient"} <= pictures(tmp_path / "out").keys()
    with pytest.raises(ValueError, match="word 'no such' is not in the answer"):
        show(image, reader, tmp_path / "none", replace(wishes, word="no such"), "a & b.png")
    assert not (tmp_path / "none").exists()


def test_what_there_is_not_is_refused_before_anything_is_written(model, page, tmp_path, capsys):
    out = tmp_path / "out"
    usual = ["--model", model, "--out", str(out)]
    assert main([str(tmp_path / "missing.png"), *usual]) == 1
    assert "there is no such file" in capsys.readouterr().err
    assert main([page, *usual, "--page", "2"]) == 1
    assert "there is no such page" in capsys.readouterr().err
    for wrong, message in (
        (["--token", "99"], "choose a number from 0 to 47"),
        (["--picture", "2"], "picture 2 does not exist"),
        (["--connector", "hiwim"], "connector 'hiwim' is unknown; nearest: hiwin"),
        (["--tiling", "square"], "tiling 'square' is unknown; nearest: native (known: adaptive, uhd, native)"),
        (["--connector", "mlp", "--word", "fox"], "needs the model's own connector"),
        (["--page", "0"], "pages count from 1"),
        (["--device", "bogus"], "device 'bogus' is unknown"),
        (["--device", "cuda:99"], "device 'cuda:99' cannot be used"),
        (["--model", "nobody"], "'nobody' is neither shipped"),
    ):
        assert main([page, *usual, *wrong]) == 2
        assert message in capsys.readouterr().err
    assert not out.exists()
