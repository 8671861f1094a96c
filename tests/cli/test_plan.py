"""texthawk plan says what reading then costs, page by page."""

import json

import pytest
from PIL import Image, ImageDraw, ImageFont

import texthawk
from tests.cli.test_read import model  # noqa: F401  (a fixture: a folder with a tiny model)
from texthawk.cli import main
from texthawk.image.pages import open_pages


def typed(path, lines, degrees=0.0):
    image = Image.new("RGB", (900, 60 + 34 * lines), "white")
    draw = ImageDraw.Draw(image)
    for row in range(lines):
        text = "The quick brown fox jumps over the lazy dog and on"[: 20 + 6 * (row % 6)]
        draw.text((60, 30 + 34 * row), text, fill="black", font=ImageFont.load_default(size=22))
    image.rotate(-degrees, resample=Image.Resampling.BICUBIC, fillcolor="white").save(path)
    return str(path)


@pytest.mark.parametrize("degrees", [0.0, 2.5])
@pytest.mark.parametrize("most", [None, 160])
@pytest.mark.parametrize("whole", [False, True])
def test_the_price_of_reading_is_what_the_connector_then_makes_of_the_page(
    model,  # noqa: F811
    tmp_path,
    capsys,
    degrees,
    most,
    whole,
):
    file = typed(tmp_path / "page.png", 20, degrees)
    bound = [] if most is None else ["--max-visual-tokens", str(most)]
    bound += ["--whole-page"] * whole
    assert main(["plan", file, "--model", model, "--rotate", "0", "--json", *bound]) == 0
    (planned,) = json.loads(capsys.readouterr().out)["plans"]
    reader = texthawk.load(model, device="cpu", whole_page=whole)
    made: list[int] = []
    reader.model.model.connector.register_forward_hook(
        lambda module, inputs, pages: made.append(sum(len(page) for page in pages))
    )
    list(reader.read_pages(open_pages(file), rotate=0, max_visual_tokens=most))
    assert planned["windows"] == 1 if whole else 2 <= planned["windows"] <= 16  # then all are read in the first call
    assert made[0] == planned["read_visual_tokens"] > 0
    assert most is None or made[0] <= most


def test_a_bound_that_one_page_cannot_keep_leaves_the_others_their_plans(model, tmp_path, capsys):  # noqa: F811
    files = [typed(tmp_path / "long.png", 60), typed(tmp_path / "short.png", 2)]
    assert main(["plan", *files, "--model", model, "--max-visual-tokens", "64", "--json"]) == 1
    printed = capsys.readouterr()
    record = json.loads(printed.out)
    assert [plan["source"] for plan in record["plans"]] == files[1:]
    assert [error["source"] for error in record["errors"]] == files[:1]
    assert "raise max_visual_tokens" in printed.err


@pytest.mark.parametrize("memory", [24, 48, 96, None])
def test_planned_bytes_keep_the_memory_and_too_little_is_told(model, tmp_path, capsys, memory):  # noqa: F811
    file = typed(tmp_path / "page.png", 40)
    bound = [] if memory is None else ["--max-memory", f"{memory}M"]
    assert main(["plan", file, "--model", model, "--json", *bound]) == 0
    (planned,) = json.loads(capsys.readouterr().out)["plans"]
    assert planned["read_bytes"] > 900 * 1420  # a byte for each pixel would be too few
    assert memory is None or planned["read_bytes"] <= memory * 2**20
    assert main(["plan", file, "--model", model, "--max-memory", "1M"]) == 1
    assert "--max-memory" in capsys.readouterr().err


def test_a_blank_page_costs_nothing_to_read(model, tmp_path, capsys):  # noqa: F811
    Image.new("RGB", (600, 800), "white").save(tmp_path / "blank.png")
    assert main(["plan", str(tmp_path / "blank.png"), "--model", model, "--json"]) == 0
    (planned,) = json.loads(capsys.readouterr().out)["plans"]
    assert planned["windows"] == planned["read_visual_tokens"] == 0 < planned["visual_tokens"]


def test_a_page_on_its_side_is_priced_as_it_is_read(model, tmp_path, capsys):  # noqa: F811
    upright = typed(tmp_path / "page.png", 20)
    Image.open(upright).rotate(90, expand=True).save(tmp_path / "side.png")
    assert main(["plan", upright, str(tmp_path / "side.png"), "--model", model, "--json"]) == 0
    first, second = json.loads(capsys.readouterr().out)["plans"]
    assert first["read_visual_tokens"] == second["read_visual_tokens"] > 0


@pytest.mark.parametrize(
    ("option", "value"), [("--max-visual-tokens", "0"), ("--max-visual-tokens", "-5"), ("--max-pixels", "0")]
)
def test_a_bound_that_no_page_can_keep_is_wrong_usage(capsys, option, value):
    assert main(["plan", "page.png", option, value]) == 2
    assert f"argument {option}: {value} is not above 0" in capsys.readouterr().err
