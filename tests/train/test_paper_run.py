"""A run of a paper's stages is a function of model, data and seed: killed or not, the curve is the same, bit by bit."""

import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
import torch

from tests.project.files import ROOT
from tests.train import paper
from texthawk.data.mixture_file import hold_out, read_data
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.train.engine import OneProcess, read_whole, write_whole
from texthawk.train.paper_run import PaperRun
from texthawk.train.run_log import rows_of
from texthawk.train.stage_plan import Settings

pytestmark = pytest.mark.usefixtures("one_thread")

TIMES = {"seconds", "waited", "tokens_per_second"}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    return paper.write_inputs(tmp_path_factory.mktemp("paper"))


@pytest.fixture(scope="module")
def whole(inputs, tmp_path_factory):
    """A run that nobody disturbed."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("whole")
    made = paper.run(*inputs, folder)
    assert made.train()
    torch.set_num_threads(threads)
    return folder


def curve(folder, stage):
    return [{k: v for k, v in row.items() if k not in TIMES} for row in rows_of(folder / stage / "log.jsonl")]


def weights(folder):
    return TextHawkForConditionalGeneration.from_pretrained(folder, dtype="auto").state_dict()


def same(one, other):
    for stage in ("pre-training", "fine-tuning"):
        assert curve(one, stage) == curve(other, stage)
        expected = weights(other / stage / "model")
        for name, value in weights(one / stage / "model").items():
            assert torch.equal(value, expected[name]), name


def test_a_run_that_was_killed_at_any_moment_has_the_same_curve_and_the_same_weights(inputs, whole, tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "tests.train.paper", *map(str, inputs), str(tmp_path)]
    log = tmp_path / "pre-training" / "log.jsonl"
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as child:
        while child.poll() is None and len(rows_of(log)) < 2:
            time.sleep(0.02)
        child.kill()
    assert child.returncode == -signal.SIGKILL and not (tmp_path / "pre-training" / "model").exists()
    with log.open("a") as stream:
        stream.write('{"step": 3, "lo')  # what a write that was cut short leaves behind
    assert paper.run(*inputs, tmp_path).train()
    same(tmp_path, whole)


@pytest.mark.slow
def test_a_run_that_stops_after_each_step_has_the_same_curve(inputs, whole, tmp_path):
    stops = 0
    while not paper.run(*inputs, tmp_path, workers=stops % 2).train(minutes=1e-9):
        stops += 1
        assert stops < 20
    assert stops == 6
    same(tmp_path, whole)


def test_a_curve_has_a_row_for_each_step_and_for_each_look_at_what_is_held_out(whole):
    rows = curve(whole, "pre-training")
    assert [row["step"] for row in rows if "loss" in row] == list(range(4))
    assert [row["step"] for row in rows if "held_out" in row] == [2, 3]
    assert all(0 < row["fill"] <= 1 and row["rate"]["tower"] <= 2e-3 for row in rows if "loss" in row)
    best = min((row["held_out"]["loss"], row["step"]) for row in rows if "held_out" in row)
    kept = torch.load(whole / "pre-training" / "best.pt")
    assert (kept["loss"], kept["step"]) == best


def test_recomputed_layers_change_no_number(inputs, whole, tmp_path):
    made = paper.run(*inputs, tmp_path, checkpointing=False)
    made.train(["pre-training"])
    assert curve(tmp_path, "pre-training") == curve(whole, "pre-training")


def test_what_a_stage_freezes_stays_bit_equal_and_what_it_trains_does_not(inputs, whole):
    before, between, after = weights(inputs[0]), weights(whole / "pre-training" / "model"), weights(
        whole / "fine-tuning" / "model"
    )  # fmt: skip
    assert before.keys() == between.keys() == after.keys()
    changed = {name for name, value in between.items() if not torch.equal(value, before[name])}
    part = {"connector", "detection_head"}
    for name, value in between.items():
        adapted = name.endswith(("q_proj.weight", "v_proj.weight")) and "connector" not in name
        rows = name.endswith(("embed_tokens.weight", "lm_head.weight"))
        assert (name in changed) == (adapted or rows or bool(part & set(name.split(".")))), name
        if rows:
            moved = (value != before[name]).any(1).nonzero()[:, 0].tolist()
            first = paper.tiny.config().coordinate_token_start
            assert moved and all(row >= first - 2 or row in (3, 4) for row in moved)
    unchanged = {name for name, value in after.items() if torch.equal(value, between[name])}
    assert not unchanged


def test_a_stage_begins_where_the_one_before_it_ended_or_from_the_model_that_is_given(inputs, whole, tmp_path):
    alone = paper.run(whole / "pre-training" / "model", inputs[1], tmp_path)
    alone.train(["fine-tuning"])
    assert curve(tmp_path, "fine-tuning") == curve(whole, "fine-tuning")
    unfinished = paper.run(*inputs, tmp_path / "other")
    assert not unfinished.train(["pre-training"], minutes=1e-9)
    with pytest.raises(ValueError, match=r"begun and not finished.*--stage pre-training"):
        paper.run(*inputs, tmp_path / "other").train(["fine-tuning"])
    with pytest.raises(ValueError, match="no stage pretraining; it has pre-training, fine-tuning"):
        paper.run(*inputs, tmp_path / "third").train(["pretraining"])


def test_a_stage_goes_on_with_what_it_was_begun_with_alone(inputs, tmp_path):
    assert not paper.run(*inputs, tmp_path).train(minutes=1e-9)
    for changes, told in (({"seed": 4}, "give the seed 3"), ({"packs": 4}, "give 2 packs"), ({"tokens": 300}, "320")):
        with pytest.raises(ValueError, match=f"holds another run: .*{told}"):
            paper.run(*inputs, tmp_path, **changes).train()


def test_a_loss_that_is_not_finite_stops_the_run_and_the_kept_step_says_which_sample(inputs, tmp_path):
    model = TextHawkForConditionalGeneration.from_pretrained(inputs[0])
    with torch.no_grad():
        model.model.language_model.embed_tokens.weight[model.config.coordinate_token_start + 400] = torch.inf
    bad = tmp_path / "model"
    paper.write_model(bad)
    model.save_pretrained(bad)
    made = paper.run(bad, inputs[1], tmp_path / "run")
    with pytest.raises(
        ValueError, match=r"at step 0 of stage pre-training the loss is nan .*bad-step-0-rank-0.pt"
    ) as told:
        made.train()
    (kept,) = (tmp_path / "run" / "pre-training").glob("bad-step-*.pt")
    assert str(kept) in str(told.value) and not (tmp_path / "run" / "pre-training" / "last.pt").exists()
    found = made.stage_run(made.recipe.paper_stages[0]).replay(kept)
    assert found and all(sample.loss != sample.loss for sample in found)


def test_a_kept_step_of_a_good_model_costs_what_its_samples_cost(inputs, tmp_path):
    made = paper.run(*inputs, tmp_path)
    made.train(["pre-training"], minutes=1e-9)
    from texthawk.train.bad_step import keep_step

    stage = made.stage_run(made.recipe.paper_stages[0])
    (step,) = stage.loader().steps(end=1)
    keep_step(tmp_path / "kept.pt", step.packs, torch.load(stage._last)["weights"])
    found = stage.replay(tmp_path / "kept.pt")
    assert [sample.number for sample in found] == [number for pack in step.packs for number in pack.numbers]
    assert all(0 < sample.loss < 50 and 0 <= sample.box <= 1 for sample in found)


@pytest.mark.parametrize("content", [b"", b"junk", b"half"])
def test_a_damaged_checkpoint_is_named(tmp_path, content):
    place = tmp_path / "last.pt"
    write_whole(place, {"weights": {"a": torch.ones(4)}, "step": 2})
    assert read_whole(place)["step"] == 2
    place.write_bytes(place.read_bytes()[:-200] if content == b"half" else content)
    with pytest.raises(ValueError, match=r"last\.pt is damaged"):
        read_whole(place)
    torch.save({"a": 1}, place)
    with pytest.raises(ValueError, match="it holds no weights"):
        read_whole(place)


class Told(OneProcess):
    """One process to which held-out packs say what it is told."""

    def __init__(self, losses):
        super().__init__()
        self.losses = iter(losses)

    def evaluate(self, model, packs, config):
        return replace(super().evaluate(model, packs, config), loss=next(self.losses))


def test_what_is_best_is_never_a_loss_that_is_none(inputs, tmp_path):
    training, held_out = hold_out(read_data([inputs[1] / "a", inputs[1] / "b"]))
    settings = replace(paper.SETTINGS, evaluate_every=1, evaluate_packs=1)
    engine = Told([math.nan, 5.0, math.nan, 6.0])
    PaperRun(
        paper.recipe(), inputs[0], tmp_path, training=training, held_out=held_out, settings=settings, engine=engine
    ).train(["pre-training"])
    kept = torch.load(tmp_path / "pre-training" / "best.pt")
    assert (kept["step"], kept["loss"]) == (1, 5.0)


@pytest.mark.parametrize("best", [False, True])
def test_a_run_that_goes_on_can_be_exported(inputs, tmp_path, best):
    made = paper.run(*inputs, tmp_path, evaluate_every=1)
    made.train(minutes=1e-9)
    made.export(tmp_path / "out", best=best)
    exported = weights(tmp_path / "out")
    assert exported.keys() == weights(inputs[0]).keys()
    assert not torch.equal(exported["detection_head.out.weight"], weights(inputs[0])["detection_head.out.weight"])
    with pytest.raises(ValueError, match="is there already"):
        made.export(tmp_path / "out")


@pytest.mark.slow
def test_a_small_mixture_is_learned(inputs, tmp_path):
    (first, _) = (made := paper.recipe(steps=40, rate=6e-3)).paper_stages
    made = replace(made, paper_stages=(replace(first, learners=made.paper_stages[1].learners),))
    paper.run(*inputs, tmp_path, made, packs=1, evaluate_every=0, save_seconds=1000, checkpointing=False).train()
    losses = [row["loss"] for row in curve(tmp_path, "pre-training") if "loss" in row]
    assert sum(losses[-5:]) < 0.4 * sum(losses[:5])
    held = [row["held_out"]["loss"] for row in curve(tmp_path, "pre-training") if "held_out" in row]
    assert held[-1] < 0.6 * losses[0]


def test_settings_that_cannot_be_are_refused():
    for changes, told in (({"steps": 0}, "steps is 0"), ({"seed": -1}, "seed is -1"), ({"tokens": 0}, "at least 1")):
        with pytest.raises(ValueError, match=told):
            Settings(**changes)


def test_tensorboard_that_is_not_there_is_told(inputs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ValueError, match=r"TensorBoard is not installed.*texthawk\[tensorboard\]"):
        paper.run(*inputs, tmp_path, tensorboard=True).train()


def test_tensorboard_holds_what_the_log_holds(inputs, tmp_path):
    pytest.importorskip("tensorboard", reason="pip install 'texthawk[tensorboard]' to try it")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    paper.run(*inputs, tmp_path, tensorboard=True).train()
    board = EventAccumulator(str(tmp_path / "pre-training" / "tensorboard")).Reload()
    rows = [row for row in curve(tmp_path, "pre-training") if "loss" in row]
    assert [(event.step, event.value) for event in board.Scalars("loss")] == [
        (row["step"], pytest.approx(row["loss"], rel=1e-6)) for row in rows
    ]
    assert {name for name in board.Tags()["scalars"] if name.startswith("held_out/")}


def test_a_row_of_a_log_is_json(whole):
    for line in (whole / "fine-tuning" / "log.jsonl").read_text().splitlines():
        assert json.loads(line)["step"] >= 0
