"""texthawk synth writes pages that a seed names, and refuses what it cannot print."""

import json

import pytest
from PIL import Image

from texthawk.cli import main


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("texts")
    line = "The quick brown fox jumps over the lazy dog, invoice {0}-17 is due on the {0}. of May."
    (folder / "a.txt").write_text("\n\n".join(line.format(number) for number in range(1, 30)), encoding="utf-8")
    return folder


def synth(texts, out, *options):
    return main(["synth", "--text", str(texts), "--split", "all", "--out", str(out), "--count", "3", *options])


def content(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_seed_gives_the_same_files_again_and_another_seed_others(texts, tmp_path):
    for name, seed in (("one", "3"), ("again", "3"), ("other", "4")):
        assert synth(texts, tmp_path / name, "--seed", seed) == 0
    assert content(tmp_path / "one") == content(tmp_path / "again")
    pixels = [
        Image.open(path).tobytes() for name in ("one", "other") for path in (tmp_path / name).rglob("*-000000.png")
    ]
    assert len(pixels) == 2 and pixels[0] != pixels[1]


def test_every_line_of_the_text_has_a_box_on_the_picture(texts, tmp_path):
    assert synth(texts, tmp_path / "out", "--size", "160x320", "--show") == 0
    records = [json.loads(line) for line in (tmp_path / "out" / "samples.jsonl").read_text().splitlines()]
    assert len(records) == 3 and any(record["text"] for record in records)
    for record in records:
        assert Image.open(tmp_path / "out" / record["image"]).size == (320, 160)
        assert [line["text"] for line in record["boxes"]] == [line for line in record["text"].split("\n") if line]
        for left, top, right, bottom in (line["box"] for line in record["boxes"]):
            assert -0.02 <= left < right <= 1.02 and -0.02 <= top < bottom <= 1.02
    assert (tmp_path / "out" / "contact.png").is_file()


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--seed", "-1", "'-1' is no seed"),
        ("--damage", "nan", "'nan' is no damage"),
        ("--damage", "-1", "'-1' is no damage"),
        ("--size", "224x100000", "a side of more than"),
        ("--size", "10x10", "is too small"),
        ("--size", "big", "is no size"),
        ("--count", "0", "makes nothing"),
        ("--fonts", "NoSuchFont", "no font is left"),
        ("--pattern", "*.nothing", "no paragraphs found"),
    ],
)
def test_what_cannot_be_printed_is_refused_with_the_rule(texts, tmp_path, capsys, option, value, message):
    assert synth(texts, tmp_path / "out", f"{option}={value}") == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.png"))
