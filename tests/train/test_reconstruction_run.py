"""A pyramid learns by reconstruction; its run is a function of recipe, seed and pictures, killed or not."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file
from transformers import CLIPVisionConfig, CLIPVisionModel

from texthawk.cli import main
from texthawk.model.assembly import load_tower
from texthawk.recipes import PYRAMIDS
from texthawk.train.pictures import FolderPictures, square
from texthawk.train.reconstruction_recipe import PyramidRecipe, Reconstruction
from texthawk.train.reconstruction_run import PyramidRun
from texthawk.vision.pyramid import Pyramid

RECIPE = PyramidRecipe(
    "test", Reconstruction(pad=6, directions=8, samples=100), steps=4, batch=2, together=1, learning_rate=3e-3
)

pytestmark = pytest.mark.usefixtures("one_thread")
SIDE, PATCH = 56, 7


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A folder with a tiny random CLIP and one with pictures of rectangles and discs."""
    base = tmp_path_factory.mktemp("vdim")
    torch.manual_seed(0)
    shape = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 3, "num_attention_heads": 2}
    CLIPVisionModel(CLIPVisionConfig(image_size=SIDE, patch_size=PATCH, **shape)).save_pretrained(base / "tower")
    (base / "pictures" / "deeper").mkdir(parents=True)
    dice = np.random.default_rng(0)
    for number in range(24):
        image = Image.new("RGB", (70, 60), tuple(int(v) for v in dice.integers(0, 256, 3)))
        draw = ImageDraw.Draw(image)
        for k in range(6):
            left, top, width, height = dice.integers(0, 50, 2).tolist() + dice.integers(8, 40, 2).tolist()
            colour = tuple(int(v) for v in dice.integers(0, 256, 3))
            (draw.ellipse if k % 2 else draw.rectangle)((left, top, left + width, top + height), fill=colour)
        image.save(base / "pictures" / ("deeper" if number % 2 else ".") / f"{number}.png")
    return base


def run_in(folder, places, recipe=RECIPE, seed=1):
    tower = load_tower(places / "tower")
    return PyramidRun(recipe, folder, tower=tower, pictures=FolderPictures(places / "pictures", seed=seed), seed=seed)


def rows(folder):
    found = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [{name: value for name, value in row.items() if name != "seconds"} for row in found]


@pytest.mark.slow
def test_the_pyramid_learns_more_than_bilinear_enlarging_knows(tmp_path, places):
    run = run_in(tmp_path, places, replace(RECIPE, steps=40))
    run.train()
    log = rows(tmp_path)
    before, after = log[0]["held_out"], log[-1]["held_out"]
    assert after["reconstruction"] < before["reconstruction"] - 0.05
    for level in (1, 2):
        assert after[f"pyramid_{level}"] < before[f"pyramid_{level}"]
        assert after[f"pyramid_{level}"] < 0.92 * after[f"bilinear_{level}"]


def test_a_run_that_was_stopped_and_continued_is_the_run_that_was_not(tmp_path, places):
    whole = run_in(tmp_path / "whole", places)
    whole.train()
    for _ in range(RECIPE.steps + 1):  # each gets no time at all: one step, a checkpoint, an end
        parts = run_in(tmp_path / "parts", places)
        parts.train(minutes=1e-9)
    assert parts.step == RECIPE.steps
    for name, value in whole.module.state_dict().items():
        assert torch.equal(parts.module.state_dict()[name], value), name
    assert rows(tmp_path / "whole") == rows(tmp_path / "parts")


def test_another_seed_is_another_run(tmp_path, places):
    first, second = (run_in(tmp_path / str(seed), places, seed=seed) for seed in (1, 2))
    assert not torch.equal(first.batch(0), second.batch(0))
    assert not torch.equal(first.module.pyramid.stages[0].key_in.weight, second.module.pyramid.stages[0].key_in.weight)


def test_the_tower_stays_and_all_of_the_rest_learns(tmp_path, places):
    run = run_in(tmp_path, places, replace(RECIPE, steps=2))
    tower = {name: value.clone() for name, value in run.tower.state_dict().items()}
    before = {name: value.clone() for name, value in run.module.state_dict().items()}
    run.train()
    assert all(torch.equal(value, tower[name]) for name, value in run.tower.state_dict().items())
    still = {name for name, value in run.module.state_dict().items() if torch.equal(value, before[name])}
    assert not still


def test_the_first_steps_are_clipped_and_later_ones_are_not(tmp_path, places, monkeypatch):
    bounds = []
    clip = torch.nn.utils.clip_grad_norm_

    def seen(parameters, bound):
        bounds.append(bound)
        return clip(parameters, bound)

    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", seen)
    run_in(tmp_path, places, replace(RECIPE, clipped_steps=2)).train()
    assert bounds == [1e-4, 1e-4, float("inf"), float("inf")]


def test_the_views_of_a_batch_are_shared_only_as_far_as_the_recipe_says(tmp_path, places):
    """Gradients of a batch are the mean over its parts: parts are batches of their own."""
    run = run_in(tmp_path, places, replace(RECIPE, batch=4, together=2))
    run.optimiser.step = lambda: None
    run.optimiser.zero_grad = lambda set_to_none: None
    run.module.eval()
    run._train_step(0)
    whole = {name: p.grad.clone() for name, p in run.module.named_parameters()}
    assert all(torch.isfinite(grad).all() and grad.abs().sum() > 0 for grad in whole.values())
    torch.optim.Optimizer.zero_grad(run.optimiser, set_to_none=True)
    run._train_step(0)
    assert all(torch.equal(p.grad, whole[name]) for name, p in run.module.named_parameters())


def test_an_exported_pyramid_is_the_one_that_was_trained(tmp_path, places):
    run = run_in(tmp_path / "run", places, replace(RECIPE, steps=1))
    run.train()
    run.export(tmp_path / "out" / "pyramid.safetensors")
    pyramid = Pyramid(16, stages=2)
    pyramid.load_state_dict(load_file(tmp_path / "out" / "pyramid.safetensors"))
    for name, value in run.module.pyramid.state_dict().items():
        assert torch.equal(pyramid.state_dict()[name], value), name


def test_the_command_trains_a_pyramid_and_goes_on_with_it(tmp_path, places, capsys):
    common = [
        "train",
        "vdim-small",
        "--tower",
        str(places / "tower"),
        "--device",
        "cpu",
        "--out",
        str(tmp_path / "run"),
    ]
    pictures = ["--pictures", str(places / "pictures")]
    assert main([*common, *pictures, "--steps", "1", "--batch", "1"]) == 0
    assert main([*common, *pictures, "--steps", "2", "--batch", "1", "--export", str(tmp_path / "p.safetensors")]) == 0
    assert [row["step"] for row in rows(tmp_path / "run")] == [0, 0, 1, 2]
    assert (tmp_path / "p.safetensors").exists()
    assert main(common) == 2 and "--pictures" in capsys.readouterr().err
    assert main([*common, "--pictures", str(tmp_path / "run")]) == 2
    assert "holds 0 pictures" in capsys.readouterr().err
    assert (
        main(["train", "llava_uhd2", "--out", str(tmp_path)]) == 2 and "--model and --data" in capsys.readouterr().err
    )
    assert main(["train", "nano", "--out", str(tmp_path)]) == 2 and "--text" in capsys.readouterr().err


def test_every_picture_is_seen_once_before_any_is_seen_again_and_held_out_ones_never(places):
    pictures = FolderPictures(places / "pictures", seed=5)
    known = {image.tobytes() for image in pictures.held_out()}
    epochs = [[pictures.training(epoch * 22 + k).tobytes() for k in range(22)] for epoch in range(2)]
    assert len(pictures.files) == 22 and len(known) == 2
    assert len(set(epochs[0])) == 22 and set(epochs[0]) == set(epochs[1]) and epochs[0] != epochs[1]
    assert not known & set(epochs[0])


def test_a_broken_picture_is_replaced_and_counted_and_too_many_stop_the_run(tmp_path):
    for number in range(40):
        Image.new("RGB", (20, 20), (number, 0, 0)).save(tmp_path / f"{number:02}.png")
    (tmp_path / "07.png").write_bytes(b"no picture")
    pictures = FolderPictures(tmp_path, seed=1)
    seen = [pictures.training(number).getpixel((0, 0))[0] for number in range(38)]
    assert 7 not in seen and pictures.bad.total() == 1
    for number in range(10, 20):
        (tmp_path / f"{number}.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match="more than 1%"):
        for number in range(38):
            pictures.training(number)


def test_a_picture_is_cut_to_its_middle_without_smoothing():
    image = Image.new("RGB", (40, 20), "black")
    image.paste("white", (10, 0, 20, 20))
    found = square(image, 10, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    assert found.shape == (3, 10, 10)
    assert set(found.unique().tolist()) == {0.0, 1.0}
    assert found[0, 5].tolist() == [1.0] * 5 + [0.0] * 5


def test_the_published_recipe_is_the_papers():
    recipe = PYRAMIDS["vdim"]()
    assert (recipe.steps, recipe.batch, recipe.learning_rate, recipe.together) == (2000, 16, 1e-3, 2)
    assert (recipe.clip, recipe.clipped_steps, recipe.mean[0], recipe.std[2]) == (1e-4, 10, 0.485, 0.225)
    settings = recipe.objective
    assert (settings.views, settings.pad, settings.max_zoom, settings.directions) == (2, 30, 2.0, 30)
    assert (settings.smoothness, settings.samples) == (0.001, 1000)


@pytest.mark.parametrize("wrong", [{"batch": 3}, {"steps": 0}, {"together": 0}])
def test_a_recipe_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        replace(PYRAMIDS["vdim"](), **wrong)
