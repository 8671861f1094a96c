"""`texthawk train RECIPE --model --data --out`: stages of a paper from the command line, and what is told when they cannot be."""

import json

import pytest
import torch

from tests.train import paper
from texthawk import recipes
from texthawk.cli import WRONG_USAGE, main
from texthawk.model.modeling import TextHawkForConditionalGeneration


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return paper.write_inputs(tmp_path_factory.mktemp("inputs"))


@pytest.fixture(autouse=True)
def small_stages(monkeypatch):
    """TextHawk2's stages for the tiny model, two steps each."""
    monkeypatch.setitem(recipes.RECIPES, "texthawk2", lambda: paper.recipe(steps=2))


def command(inputs, out, *more):
    model, shards = inputs
    data = ["--data", str(shards / "a"), str(shards / "b")]
    sizes = ["--packs", "1", "--tokens", "320", "--tiles", "14", "--workers", "0", "--evaluate-packs", "1"]
    return ["train", "texthawk2", "--model", str(model), *data, "--out", str(out), "--device", "cpu", *sizes, *more]


def told(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("texthawk train: ")]


def test_stages_are_trained_one_after_the_other_and_named(inputs, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(command(inputs, out, "--stage", "pre-training", "--minutes", "1e-9")) == 0
    assert "the same command goes on" in capsys.readouterr().out
    assert main(command(inputs, out, "--export", str(tmp_path / "best"), "--best")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{stage}: {out / stage / 'model'}" for stage in ("pre-training", "fine-tuning")]
    for folder in (out / "pre-training" / "model", out / "fine-tuning" / "model", tmp_path / "best"):
        TextHawkForConditionalGeneration.from_pretrained(folder)
    settled = json.loads((out / "fine-tuning" / "stage.json").read_text())
    assert (settled["packs"], settled["steps"], settled["tokens"]) == (1, 2, 320)
    assert [(name, size) for name, size, _ in settled["sources"]] == [("a", 39), ("b", 24)]


def test_a_kept_step_is_told_sample_by_sample(inputs, tmp_path, capsys):
    bad = paper.write_model(tmp_path / "model")
    model = TextHawkForConditionalGeneration.from_pretrained(bad)
    with torch.no_grad():
        model.lm_head.weight.fill_(torch.inf)
    model.save_pretrained(bad)
    ran = command((bad, inputs[1]), tmp_path / "run")
    assert main(ran) == WRONG_USAGE
    (line,) = told(capsys)
    (kept,) = (tmp_path / "run" / "pre-training").glob("bad-step-*.pt")
    assert str(kept) in line and "--replay" in line
    assert main([*ran, "--replay", str(kept)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(": loss nan" in line and ("(a/" in line or "(b/" in line) for line in lines)
    assert main([*ran, "--replay", str(inputs[0] / "config.json")]) == WRONG_USAGE
    assert "is in no stage's folder" in told(capsys)[0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (["--stage", "pretraining"], "no stage pretraining; it has pre-training, fine-tuning"),
        (["--steps", "0"], "steps is 0; it must be at least 1"),
        (["--model", "nowhere"], "there is no folder 'nowhere'"),
        (["--data", "nowhere"], "there is no folder 'nowhere'"),
        (["--held-out", "nowhere"], "there is no folder 'nowhere'"),
        (["--device", "gpu"], "device 'gpu'"),
        (["--resize", "0", "1"], "the factors go from the smaller"),
        (["--resize", "1", "inf"], "the factors go from the smaller"),
        (["--save-seconds", "nan"], "save_seconds is nan"),
        (["--threads", "-1"], "no whole number from 1 on"),
        (["--minutes", "nan"], "no number above 0"),
        (["--minutes", "0"], "no number above 0"),
        (["--export", "."], ". is there already"),
    ],
)
def test_what_cannot_be_is_one_line(inputs, tmp_path, capsys, changes, words):
    assert main(command(inputs, tmp_path / "run", *changes)) == WRONG_USAGE
    (line,) = told(capsys)
    assert words in line


def test_a_recipe_without_a_paper_is_refused_and_a_paper_without_data_is_told_what_to_give(inputs, tmp_path, capsys):
    assert main(["train", "nano", *command(inputs, tmp_path)[2:]]) == WRONG_USAGE
    assert "recipe 'nano' has no paper's stages; choose one of texthawk" in capsys.readouterr().err
    assert main(["train", "texthawk2", "--out", str(tmp_path)]) == WRONG_USAGE
    assert "name a model and data with --model and --data" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--data", "--help"], ["texthawk2", "--model", "-h"], ["--help", "--data", "DIR"]])
def test_a_papers_options_are_told_wherever_help_is_asked_for(capsys, argv):
    assert main(["train", *argv]) == 0
    assert "--evaluate-packs" in capsys.readouterr().out


def test_without_room_for_its_samples_a_run_says_why(inputs, tmp_path, capsys):
    assert main(command(inputs, tmp_path / "run", "--tokens", "20")) == WRONG_USAGE
    assert "longer than a pack" in told(capsys)[0]
