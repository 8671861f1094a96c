"""What runs and what stands on paper must come to the same, for every part and every connector."""

import pytest
import torch
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    CLIPVisionConfig,
    LlamaConfig,
    Qwen2Config,
    Qwen2VLVisionConfig,
    SiglipVisionConfig,
)

from texthawk.compress import COMPRESSORS
from texthawk.compress.hiwin import HiwinConfig
from texthawk.compress.resa import ReSAConfig
from texthawk.compress.views import ViewGroup, group_sizes
from texthawk.eval.comparison.as_released import ReleasedHiwinConfig
from texthawk.eval.comparison.cost import cache_shape, language_flops, tower_flops
from texthawk.eval.comparison.counting import Counter
from texthawk.eval.comparison.entries import ENTRIES, setup
from texthawk.eval.comparison.rows import Setup, compare, price
from texthawk.eval.comparison.shapes import LANGUAGES, TOWERS, TowerShape
from texthawk.image.tilings import NativeTilingConfig, UhdTilingConfig
from texthawk.types import TileLayout

WIDTHS = {"intermediate_size": 72, "num_hidden_layers": 5, "num_attention_heads": 4}
SMALL_TOWERS = {
    "siglip": TowerShape(
        SiglipVisionConfig(hidden_size=48, image_size=56, patch_size=14, vision_use_head=False, **WIDTHS), (1, 2, 3, 4)
    ),
    "clip": TowerShape(CLIPVisionConfig(hidden_size=48, image_size=56, patch_size=14, **WIDTHS), (2, 3, 4, 5)),
    "qwen2-vl": TowerShape(Qwen2VLVisionConfig(depth=4, embed_dim=48, num_heads=2, hidden_size=24), (1, 2, 3, 4)),
}
SMALL = {"vocab_size": 90, "hidden_size": 32, "intermediate_size": 56, "num_hidden_layers": 4}
SMALL_LANGUAGES = {
    "qwen2": Qwen2Config(num_attention_heads=4, num_key_value_heads=2, **SMALL),
    "llama": LlamaConfig(num_attention_heads=4, tie_word_embeddings=False, **SMALL),
}
PAGE = TileLayout(2, 3, True, 112, 168, tile=56, whole=(28, 84), thumbnail_last=True)


@pytest.mark.parametrize("name", SMALL_TOWERS)
def test_a_tower_runs_what_its_formula_says_in_every_layer(name):
    shape, counter = SMALL_TOWERS[name], Counter()
    with torch.device("meta"):
        tower = shape.build()
    every_layer = sum(sum(counter._run(tower, torch.empty(1, 3, *view, device="meta")).values()) for view in PAGE.views)
    assert counter.tower(shape, PAGE.views) == every_layer == tower_flops(shape, PAGE.views)


@pytest.mark.parametrize("name", SMALL_LANGUAGES)
def test_a_language_model_counted_by_one_layer_and_two_is_the_whole_one(name):
    config, counter = SMALL_LANGUAGES[name], Counter()
    with torch.device("meta"):
        model = AutoModel.from_config(config)
    mask = torch.empty(1, 1, 30, 30, device="meta", dtype=torch.bool)
    embeddings = torch.empty(1, 30, 32, device="meta")
    every_layer = counter._run(model, inputs_embeds=embeddings, attention_mask=mask, use_cache=False)
    weights, attention, head = counter.language(config, 30)
    assert weights + attention == sum(every_layer.values())
    assert head == 2 * 30 * 32 * 90
    assert (weights, attention) == pytest.approx(language_flops(config, 30)[:2], rel=1e-3)


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_model_of_full_size_runs_what_its_formula_says(name):
    config = LANGUAGES[name]()
    assert Counter().language(config, 300) == pytest.approx(language_flops(config, 300), rel=1e-5)


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("page", [(700, 450), (300, 1200)], ids=["portrait", "strip"])
def test_every_entry_runs_what_its_formulas_say(name, page):
    towers = {**TOWERS, "small": lambda: SMALL_TOWERS["qwen2-vl" if name == "merge2x2" else "clip"]}
    made = setup(name, towers, SMALL_LANGUAGES["qwen2"], "small")
    row = price(made, page, ENTRIES[name].tiling.layout(*page), Counter())
    assert row.disagreements() == []
    assert row.counted.parts() == pytest.approx(row.formula.parts(), rel=0.01)
    assert min(row.counted.parts().values()) > 0


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"queries": "learned"},
        {"levels": (3, 3, 3, 2, 2, 2, 1, 0), "scan": "tile"},
        {"resample": 4, "window": (1, 1)},
        {"window": (1, 8), "row_separators": True},
        {"intermediate": 20, "expansion": 2, "heads": 3},
    ],
)
def test_resa_runs_what_its_formula_says_on_tiles_and_on_views_of_any_size(changes):
    shape, config = SMALL_TOWERS["siglip"], ReSAConfig(**changes)
    for layout in (TileLayout(2, 3, True, 448, 672), NativeTilingConfig().layout(300, 500)):
        counted = Counter().connector(config, shape, 32, layout)
        assert counted == config.flops(layout, encoder_width=48, language_width=32) > 0


def test_every_connector_of_the_table_is_compared():
    used = {type(entry.connector(SMALL_TOWERS["clip"])) for entry in ENTRIES.values()}
    assert used == set(COMPRESSORS.values())


def test_a_formula_that_is_wrong_is_told():
    made = setup("mlp", TOWERS, SMALL_LANGUAGES["qwen2"])
    layout = TileLayout(1, 1, False, 336, 336, 336)
    row = price(made, (336, 336), layout, Counter())
    assert row.disagreements() == []
    halved = Setup(made.name, made.tower, made.connector, SMALL_LANGUAGES["llama"]).formula(layout)
    wrong = type(row)(row.name, row.page, row.layout, row.counted, halved, row.cache_bytes, row.parameters)
    [line] = wrong.disagreements()  # the llama has keys for every head, all else is alike
    assert "mlp, page 336x336: language" in line


def test_the_first_token_needs_half_the_attention_and_one_row_of_logits():
    counted = price(
        setup("mlp", TOWERS, SMALL_LANGUAGES["qwen2"]), (9, 9), TileLayout(1, 1, False, 9, 9, 336), Counter()
    )
    full, first = counted.counted, counted.counted.first_token()
    assert (first.tower, first.connector, first.language) == (full.tower, full.connector, full.language)
    assert first.head == 2 * 32 * 90
    pairs = sum(range(1, full.tokens + 1))  # token t looks at t tokens
    assert first.attention == full.attention * pairs // full.tokens**2


def test_keys_and_values_take_two_bytes_each_for_every_layer_and_key_head():
    row = price(
        setup("mlp", TOWERS, LANGUAGES["qwen2-7b"]()), (336, 336), TileLayout(1, 1, False, 9, 9, 336), Counter()
    )
    assert row.cache_bytes == row.tokens * 28 * 2 * 4 * 128 * 2
    assert cache_shape(SMALL_LANGUAGES["llama"]).bytes_per_token == 4 * 2 * 4 * 8 * 2


def test_parameters_are_those_of_the_modules_that_run():
    counter = Counter()
    made = setup("merge2x2", TOWERS, LANGUAGES["qwen2-7b"]())
    sizes = counter.parameters(made.tower, made.connector, made.language)
    assert sizes["tower"] + sizes["connector"] == pytest.approx(675.8e6, rel=1e-3)  # Qwen2-VL's own figure: 675M
    assert sizes["language"] == 7_615_616_512  # Qwen2-7B
    for config in SMALL_LANGUAGES.values():
        counted = counter.parameters(made.tower, made.connector, config)["language"]
        assert counted == AutoModelForCausalLM.from_config(config).num_parameters()


def test_rows_come_page_after_page_in_the_order_asked_for():
    names = ("average_pool", "mlp")
    setups = [(setup(name, TOWERS, SMALL_LANGUAGES["qwen2"]), ENTRIES[name].tiling) for name in names]
    rows = compare(setups, [(336, 336), (100, 900)], Counter())
    assert [(row.name, row.page) for row in rows] == [(n, p) for p in ((336, 336), (100, 900)) for n in names]


def test_the_released_order_of_work_gives_our_tokens():
    layout = UhdTilingConfig(max_slices=7).layout(672, 1008)
    torch.manual_seed(0)
    ours, released = (
        config(heads=2).build(encoder_width=12, language_width=16).eval()
        for config in (HiwinConfig, ReleasedHiwinConfig)
    )
    for parameter in ours.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    released.load_state_dict(ours.state_dict())
    groups = [
        ViewGroup(torch.tensor(index), [torch.randn(len(index), h // 14, w // 14, 12)], torch.rand(len(index), 3, h, w))
        for (h, w), index in group_sizes([layout]).items()
    ]
    with torch.no_grad():
        [mine], [theirs] = ours(groups, [layout]), released(groups, [layout])
    torch.testing.assert_close(theirs, mine, rtol=1e-4, atol=1e-5)
