"""texthawk compare: pages, tables, documents, exit statuses."""

import json

import pytest

from texthawk.cli import compare, main
from texthawk.compress.mlp import MLPConfig
from texthawk.eval.comparison.report import tables

FEW = ["compare", "--pages", "448x224", "--connectors", "mlp,average_pool"]


def test_pages_are_pixels_or_paper_at_a_resolution():
    assert compare.pages("448x224,A4@150,letter@100") == [(224, 448), (1754, 1240), (1100, 850)]
    assert compare.pages("448X224,448x224") == [(224, 448)]


def test_connectors_are_each_taken_once_and_none_is_wrong_usage(capsys):
    assert compare.parser().parse_args(["--connectors", "mlp, uhd1,mlp"]).connectors == ["mlp", "uhd1"]
    assert main(["compare", "--connectors", " ,"]) == 2
    assert "no connector is named; leave --connectors out" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["a4", "448", "0x20", "b9@150", ""])
def test_what_is_no_page_is_wrong_usage(wrong, capsys):
    assert main(["compare", "--pages", wrong]) == 2
    assert "page" in capsys.readouterr().err or wrong == "0x20"


@pytest.mark.parametrize(
    "arguments, named",
    [(["--connectors", "mlpp"], "mlp"), (["--tower", "clop"], "clip"), (["--language", "qwen-7b"], "qwen2-7b")],
)
def test_unknown_names_are_answered_with_the_nearest(arguments, named, capsys):
    assert main(["compare", *arguments]) == 2
    assert f"nearest: {named}" in capsys.readouterr().err


def test_connectors_that_a_tower_cannot_stand_before_are_named_with_those_that_can(capsys):
    few = ["--pages", "448x224", "--tower", "qwen2-vl", "--connectors"]
    assert main(["compare", *few, "uhd1,mlp,merge2x2"]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "views of uhd1 (a view of 462x224 px, sides must be multiples of 28)" in line
    assert "take --connectors mlp,merge2x2, or another tower with --tower" in line


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--measure", "--device", "gpu"], "device 'gpu' is unknown; write cpu, cuda or cuda:1"),
        (["--measure", "--device", "cuda:99"], "device 'cuda:99' cannot be used"),
        (["--out", "/dev/null/nope"], "cannot be written to /dev/null/nope; choose another folder"),
    ],
)
def test_what_this_machine_does_not_have_is_one_line_before_anything_is_counted(
    arguments, message, monkeypatch, capsys
):
    monkeypatch.setattr(MLPConfig, "view_flops", lambda *sizes: pytest.fail("something was counted"))
    assert main([*FEW, *arguments]) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert message in line


def test_the_document_holds_rows_published_models_and_targets_and_is_written_with_its_picture(tmp_path, capsys):
    assert main([*FEW, "--json", "--out", str(tmp_path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert json.loads((tmp_path / "compare.json").read_text()) == found
    assert (tmp_path / "compare.png").read_bytes().startswith(b"\x89PNG")
    assert [(row["connector"], row["width"], row["height"]) for row in found["rows"]] == [
        ("mlp", 448, 224),
        ("average_pool", 448, 224),
    ]
    mlp = found["rows"][0]
    assert mlp["visual_tokens"] == 576 and mlp["views"] == [[336, 336]]
    assert mlp["flops"]["total"] == sum(mlp["flops"][part] for part in ("tower", "connector", "language", "head"))
    assert found["disagreements"] == [] and found["measured"] == []
    assert mlp["parameters"]["tower"] > 290e6  # its paper's own
    assert {row["connector"] for row in found["published"]} >= {"LLaVA-1.5", "LLaVA-Next"}
    heading = "Targets: texthawk2 against Qwen2-VL on 1344 x 1344 px, set for qwen2-7b"
    assert heading in tables(found).splitlines()
    assert {"visual tokens", "bytes of keys and values"} <= {target["name"] for target in found["targets"]}


def test_a_count_that_its_formula_does_not_meet_is_told_and_fails_under_full_tables(monkeypatch, capsys):
    right = MLPConfig.view_flops
    monkeypatch.setattr(MLPConfig, "view_flops", lambda *sizes: 2 * right(*sizes))
    assert main([*FEW, "--tower", "nano", "--language", "nano", "--markdown"]) == 1
    printed = capsys.readouterr()
    assert "mlp, page 448x224: connector was counted as" in printed.err
    assert "average_pool, page" not in printed.err
    lines = printed.out.splitlines()
    assert "### 448 x 224 px, TFLOP by part" in lines
    assert sum(line.startswith("| average_pool ") for line in lines) == 1
    assert "Targets" not in printed.out  # they were set for another language model
