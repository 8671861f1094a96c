"""What a plan says agrees with the model, with the rules of thumb, and with what authors report."""

import json
import math
from functools import cache

import pytest
import torch
from torch import nn

from tests.model import tiny
from texthawk.cli import main
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes import RECIPES
from texthawk.train.devices import DEVICES, device_named
from texthawk.train.lora import add_adapters
from texthawk.train.parallel.layout import ParallelLayout, first_layers, layers_of_stages
from texthawk.train.parallel.split import is_cut
from texthawk.train.parts import choose, trained
from texthawk.train.plan import REPORTED, plan_stage, reported_utilisation
from texthawk.train.weighing import LiveBytes, weigh

TH2 = RECIPES["texthawk2"]()
PRE, FINE = TH2.paper_stages
ONE = ParallelLayout()
LAYOUTS = (ONE, ParallelLayout(dp=8), ParallelLayout(tp=4), ParallelLayout(pp=2))


@cache
def planned(stage):
    return plan_stage(TH2, stage, LAYOUTS)


@cache
def on_meta():
    with torch.device("meta"):
        return TextHawkForConditionalGeneration(TH2.model_config())


def test_a_layout_is_read_as_it_is_written():
    for text in ("dp2,tp2", "dp4,pp2", "tp2", "dp2,tp4,pp2"):
        assert str(ParallelLayout.from_text(text)) == text
    assert ParallelLayout.from_text("dp3,tp2,pp5").devices == 30 and str(ONE) == "dp1"


@pytest.mark.parametrize("text", ["", "dp", "dp2 tp2", "dp2,dp2", "cp2", "dp0", "tp-1"])
def test_a_layout_that_means_nothing_is_told(text):
    with pytest.raises(ValueError, match="dp"):
        ParallelLayout.from_text(text) if text != "tp-1" else ParallelLayout(dp=-1)


@pytest.mark.parametrize(("front", "back", "stages"), [(0, 0, 4), (7.5, 0, 2), (3.2, 1.4, 3), (40, 0, 2), (1, 30, 2)])
def test_the_slowest_stage_is_as_fast_as_any_split_allows(front, back, stages):
    layers = 12
    counts = layers_of_stages(front, 1.0, back, layers=layers, stages=stages)
    assert sum(counts) == layers and min(counts) >= 1 and first_layers(counts)[0] == 0

    def slowest(split):
        return max(split[0] + front, split[-1] + back, *split[1:-1], 0)

    best = min(slowest(split) for split in every_split(layers, stages))
    assert slowest(counts) == pytest.approx(best)


def every_split(layers, stages):
    if stages == 1:
        return [(layers,)]
    return [(n, *rest) for n in range(1, layers - stages + 2) for rest in every_split(layers - n, stages - 1)]


def test_texthawk2_puts_fewer_layers_behind_the_tower():
    with pytest.raises(ValueError, match="fewer stages"):
        layers_of_stages(0, 1, 0, layers=2, stages=3)
    plan = planned(FINE)
    front = plan.operations["tower"] + plan.operations["connector"]
    first, second = layers_of_stages(
        front, plan.operations["language"] / 28, plan.operations["heads"], layers=28, stages=2
    )
    assert first < second


def test_a_products_operations_and_bytes_are_counted_exactly():
    rows, wide, out = 64, 128, 32

    def part():
        layer = nn.Linear(wide, out, bias=False)
        given = torch.empty(rows, wide, requires_grad=True)
        return layer, lambda: torch.relu(layer(given))

    cost = weigh(part)
    assert cost.forward == 2 * rows * wide * out and cost.backward == 2 * cost.forward
    assert cost.boundary == 2 * rows * out and cost.kept == cost.boundary  # relu remembers its output
    assert cost.peak >= cost.kept + 2 * wide * out


def test_live_bytes_forget_what_is_gone():
    known = torch.zeros(10)
    with LiveBytes([known]) as live:
        a = known + 1
        b = a.view(2, 5)
        assert live.now == 40
        del a
        assert live.now == 40 and b.numel() == 10
        del b
        assert live.now == 0 and live.peak == 40


def test_full_training_of_the_language_model_is_six_operations_a_token_and_weight():
    plan = planned(FINE)
    model = on_meta()
    weights = sum(p.numel() for p in model.model.language_model.layers.parameters())
    assert plan.operations["language"] == pytest.approx(6 * weights * plan.tokens, rel=0.03)  # and scores on top
    assert plan.learned == sum(p.numel() for p in model.parameters()) and plan.frozen == 0


@pytest.mark.slow
def test_lora_spares_the_gradients_of_the_weights_and_a_frozen_tower_its_backward():
    full, lora = planned(FINE), planned(PRE)
    each = [plan.operations["language"] / plan.samples for plan in (lora, full)]
    assert each[0] / each[1] == pytest.approx(2 / 3, rel=0.02)
    th1 = RECIPES["texthawk"]()
    frozen = plan_stage(th1, th1.paper_stages[1], [ONE])
    each = [plan.operations["tower"] / plan.tiles for plan in (frozen, full)]
    assert each[0] / each[1] == pytest.approx(1 / 3, rel=0.02)


def test_what_a_plan_says_learns_is_what_learns():
    plan = planned(PRE)
    model = tiny.model()
    add_adapters(model, PRE)
    choose(model, PRE)
    names = {name for name in trained(model) if "lora_" in name}
    assert names and plan.learned > plan.frozen / 100
    ranks = (16, 27 - 1, 1152 + 1152, 2), (128, 28, 3584 + 3584, 1), (128, 28, 3584 + 512, 1)
    adapters = sum(rank * layers * sides * times for rank, layers, sides, times in ranks)
    whole = 133_000_000 < plan.learned - adapters < 200_000_000  # connector, detection head and rows of added tokens
    assert whole, plan.learned - adapters


def test_memory_is_shared_as_the_layout_says():
    one, data, matrices, depth = planned(FINE).layouts.values()
    assert one.weights == one.gradients == 4 * 8_168_478_849 and one.optimiser == 2 * one.weights
    assert data.weights == pytest.approx(one.weights / 8, rel=1e-6) and data.working < one.working
    assert one.weights / 4 < matrices.weights < one.weights / 3  # embeddings are whole
    assert one.weights / 2 < depth.weights < 0.7 * one.weights
    for kind in (one, data, matrices, depth):
        assert kind.recomputed < kind.activations
    assert matrices.activations < one.activations


@pytest.mark.parametrize("name", REPORTED)
def test_hours_that_authors_report_are_a_believable_share_of_their_devices(name):
    """Between 15% and 50%: what training in this manner reaches on these devices; a wrong count falls out of it."""
    share = reported_utilisation(RECIPES[name]())
    assert share is not None and 0.15 < share < 0.5, share


def test_more_devices_take_less_time_and_unknown_lengths_none():
    plan = planned(PRE)
    one, many = (plan.hours(DEVICES["910b"], count, 0.4) for count in (1, 128))
    assert one == pytest.approx(128 * many)
    assert planned(FINE).hours(DEVICES["a100"], 8, 0.4) is None
    known = plan_stage(TH2, FINE, [], samples=1_000_000)
    assert known.steps == math.ceil(2 * 1_000_000 / 256)


@pytest.mark.parametrize("text", ["mi300", "100", "0,80", "a,b", "inf,80"])
def test_a_device_that_nobody_knows_is_told(text):
    with pytest.raises(ValueError, match="device"):
        device_named(text)


def test_cut_layers_of_a_real_model_are_found_by_name():
    model = on_meta()
    cut = sum(p.numel() for name, p in model.named_parameters() if is_cut(name))
    assert cut > 0.9 * sum(p.numel() for name, p in model.named_parameters() if "embed" not in name)
    assert is_cut("model.language_model.layers.3.self_attn.q_proj.lora_B.stage.weight")
    assert not is_cut("model.language_model.layers.3.self_attn.q_proj.lora_A.stage.weight")
    assert is_cut("model.language_model.layers.3.self_attn.q_proj.base_layer.weight")
    assert is_cut("model.vision_tower.model.encoder.layers.0.mlp.fc2.weight")
    assert not is_cut("model.vision_tower.model.encoder.layers.0.mlp.fc2.bias")


def test_the_command_prints_a_table_and_the_same_as_json(capsys):
    argv = ["train", "texthawk2", "--plan", "--stage", "pre-training", "--device", "910b", "--parallel", "dp64,tp2"]
    assert main(argv) == 0
    said = capsys.readouterr().out
    assert "128 x 910b" in said and "45,000 steps" in said and "dp64,tp2" in said and "fits" in said
    assert main([*argv, "--json"]) == 0
    (stage,) = json.loads(capsys.readouterr().out)["stages"]
    assert stage["hours"] > 1 and stage["memory"][0]["total"] > stage["memory"][0]["total_recomputed"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        (["--device", "x"], "unknown"),
        (["--stage", "x"], "pre-training"),
        (["--utilisation", "2"], "share"),
        (["--page", "10"], "HEIGHT"),
        (["--page", "0x10"], "above 0"),
        (["--text-tokens", "5000"], "fit"),
        (["--devices", "0"], "1 or more"),
        (["--samples", "-5"], "1 or more"),
        (["--parallel", "dp2", "--devices", "4"], "agree"),
        (["--parallel", "tp32"], "heads"),
        (["--parallel", "pp29"], "fewer"),
    ],
)
def test_a_plan_of_nonsense_is_refused_in_one_line(capsys, extra, said):
    assert main(["train", "texthawk2", "--plan", *extra]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1
