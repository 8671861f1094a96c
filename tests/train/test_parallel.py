"""Many devices learn what one process learns, whatever they share, and go on from each other's checkpoints."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch

from tests.data.training import loader, write_shards
from tests.model import tiny
from tests.train.many_processes import config, many_processes, one_process
from texthawk.cli import train_parallel
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.global_step import counts_of, losses
from texthawk.train.parallel.depth import StageOfPacks, depth_of, keep_stage
from texthawk.train.parallel.engine import alike, blank, lengthened
from texthawk.train.parallel.layout import ParallelLayout
from texthawk.train.parallel.split import check_heads


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write_shards(folder)
    return folder


@cache
def alone(folder: Path, steps: int, packs: int, stage: str, tied: bool):
    return one_process(folder, stage=stage, steps=steps, packs=packs, tied=tied)


def same(layout, folder, *, steps, packs, stage="full", tied=True):
    """The largest differences of losses and norms between many processes and one."""
    expected = alone(folder, steps, packs, stage, tied)
    weights = torch.load(folder / "weights.pt")
    found = many_processes(layout, folder, stage=stage, steps=steps, packs=packs, tied=tied)
    assert len(found) == steps
    for one, many in zip(expected, found, strict=True):
        assert many == pytest.approx(one, abs=1e-4), layout
    shared = torch.load(folder / "weights.pt")
    assert shared.keys() == weights.keys()
    assert expected[0][0] - expected[-1][0] > 0.05, "nothing was learned, so nothing was shown"


@pytest.mark.slow
def test_two_devices_with_packs_of_their_own_learn_as_one(shards):
    same("dp2", shards, steps=3, packs=2)


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "packs"), [("dp2", 4), ("tp2", 1), ("pp2", 4), ("dp2,tp2", 2), ("dp2,pp2", 4)])
def test_twenty_steps_of_many_devices_are_those_of_one(shards, layout, packs):
    same(layout, shards, steps=20, packs=packs)


@pytest.mark.slow
@pytest.mark.parametrize(("layout", "packs"), [("dp2,tp2", 2), ("pp2", 4), ("dp2,pp2", 2)])
def test_lora_with_layers_computed_again_is_shared_alike(shards, layout, packs):
    same(layout, shards, steps=4, packs=packs, stage="lora")


@pytest.mark.slow
def test_embeddings_that_are_not_tied_are_shared_too(shards):
    same("tp2,pp2", shards, steps=3, packs=2, tied=False)


@pytest.mark.slow
def test_a_checkpoint_of_one_layout_goes_on_in_another_and_in_one_process(shards, tmp_path):
    expected = alone(shards, 6, 4, "full", True)
    place = tmp_path / "last.pt"
    begun = many_processes("dp2,tp2", shards, stage="full", steps=3, keep=place)
    assert begun[-1] == pytest.approx(expected[2], abs=1e-4) and place.is_dir()
    piped = many_processes("pp2", shards, stage="full", steps=6, kept=place)
    lonely = one_process(shards, stage="full", steps=6, kept=place)
    assert len(piped) == len(lonely) == 3
    for found in (piped, lonely):
        assert [row[:2] for row in found] == [pytest.approx(row[:2], abs=1e-4) for row in expected[3:]]


@pytest.mark.parametrize("tied", [True, False])
def test_the_stages_of_a_pipeline_one_after_another_are_the_model(shards, tied):
    made = config(tied=tied)
    packs = alike(next(iter(loader(shards, packs=2).steps(end=1))).packs, made, ParallelLayout(pp=2))
    assert len({pack.input_ids.shape for pack in packs}) == 1
    whole = _seeded(made)
    counts = depth_of(whole, 2)
    assert sum(counts) == 3
    device = torch.device("cpu")
    stages = []
    for number in range(2):
        part = _seeded(made)
        keep_stage(part, number, counts)
        stages.append(StageOfPacks(part, packs, made, last=number == 1, device=device))
    names = [set(dict(stage.model.named_parameters())) for stage in stages]
    assert names[0] | names[1] == set(dict(whole.named_parameters()))
    assert names[0] & names[1] == ({"model.language_model.embed_tokens.weight"} if tied else set())
    for number, pack in enumerate(packs):
        index = torch.tensor([[number]])
        found = stages[1](stages[0](index, number=index), number=index)[0]
        assert found.tolist() == pytest.approx([value.item() for value in losses(whole, pack, made)], rel=1e-5)


def _seeded(made):
    torch.manual_seed(3)
    return TextHawkForConditionalGeneration(made)


def test_padding_and_blank_packs_teach_nothing(shards):
    made, model = config(), _seeded(config())
    pack = next(iter(loader(shards, packs=1).steps(end=1))).packs[0]
    longer = lengthened(pack, pack.input_ids.shape[1] + 37, made)
    assert longer.lengths[-1] == 37 and sum(longer.lengths) == longer.input_ids.shape[1]
    one, other = ([value.item() for value in losses(model, each, made)] for each in (pack, longer))
    assert one == pytest.approx(other, rel=1e-5)
    empty = blank(made)
    assert counts_of([pack, empty], made) == counts_of([pack], made)
    sums = losses(model, empty, made)
    assert [value.item() for value in sums] == [0.0, 0.0, 0.0]
    (sums.language + sums.box).backward()
    tower = model.model.vision_tower.model.encoder.layers[0].mlp.fc1.weight
    assert tower.grad is not None and not tower.grad.any()  # it ran, and learned nothing


def test_a_pack_whose_pictures_are_all_lost_becomes_a_blank_one(shards):
    made = config()
    pack = next(iter(loader(shards, packs=1).steps(end=1))).packs[0]
    lost = replace(pack, pixel_values=None, image_grids=None)
    (found,) = alike([lost], made, ParallelLayout(dp=2))
    assert found.pixel_values is not None and (found.labels == -100).all()
    assert alike([pack], made, ParallelLayout(dp=2)) == [pack]


def test_lengths_suit_the_devices_that_share_the_tokens(shards):
    made = config()
    packs = next(iter(loader(shards, packs=3).steps(end=1))).packs
    for layout in (ParallelLayout(tp=2), ParallelLayout(tp=4, pp=2)):
        lengths = {pack.input_ids.shape[1] for pack in alike(packs, made, layout)}
        assert all(length % layout.tp == 0 for length in lengths) and (layout.pp == 1 or len(lengths) == 1)


def test_heads_that_cannot_be_shared_are_told_by_part():
    check_heads(tiny.config(), 2)
    with pytest.raises(ValueError, match=r"tp4 .* 2 heads of the tower"):
        check_heads(tiny.config(), 4)


def test_a_layout_of_other_than_the_started_processes_is_told(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with pytest.raises(ValueError, match="torchrun --nproc-per-node 4"):
        train_parallel.joined("dp2,tp2", "cpu", bf16=False)


def torchrun(processes: int, *arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes), "--no-python"]
    texthawk = [sys.executable, "-c", "import sys; from texthawk.cli import main; sys.exit(main())"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [*command, *texthawk, *arguments], capture_output=True, text=True, env=environment, timeout=500
    )


@pytest.mark.slow
def test_torchrun_trains_a_stage_and_one_process_goes_on_with_it(shards, tmp_path):
    model = tmp_path / "model"
    _seeded(config()).save_pretrained(model)
    tiny.processor(config()).save_pretrained(model)
    run, lonely = tmp_path / "run", tmp_path / "lonely"
    common = ["train", "texthawk2", "--model", str(model), "--data", str(shards / "a"), "--stage", "fine-tuning"]
    common += ["--steps", "4", "--packs", "2", "--tokens", "320", "--tiles", "14", "--workers", "0", "--device", "cpu"]
    common += ["--evaluate-packs", "3"]
    stopped = torchrun(2, *common, "--out", str(run), "--parallel", "dp2", "--minutes", "0.00001")
    assert stopped.returncode == 0, stopped.stderr
    assert "stopped before the end" in stopped.stdout and stopped.stdout.count("stopped") == 1
    from texthawk.cli import main

    assert main([*common, "--out", str(run)]) == 0
    assert main([*common, "--out", str(lonely)]) == 0

    def told(folder):
        rows = [json.loads(row) for row in (folder / "fine-tuning" / "log.jsonl").read_text().splitlines()]
        return [row["loss"] if "loss" in row else row["held_out"]["loss"] for row in rows]

    assert told(run) == pytest.approx(told(lonely), abs=1e-4) and len(told(run)) == 5
    assert TextHawkForConditionalGeneration.from_pretrained(run / "fine-tuning" / "model")
    assert not list((run / "fine-tuning").glob("last.pt*"))
