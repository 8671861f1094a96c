"""Times and memory of real passes through small parts."""

import subprocess
import sys

import pytest
import torch
from transformers import Qwen2Config, SiglipVisionConfig

from texthawk.compress.average_pool import AveragePoolConfig
from texthawk.compress.hiwin import HiwinConfig
from texthawk.compress.token_packer import TokenPackerConfig
from texthawk.eval.comparison import timing
from texthawk.eval.comparison.rows import Setup
from texthawk.eval.comparison.shapes import TowerShape
from texthawk.image.tilings import UhdTilingConfig
from texthawk.types import TileLayout

SHAPE = TowerShape(
    SiglipVisionConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=4, num_attention_heads=2, image_size=56, patch_size=14
    ),
    (1, 2, 3, 4),
)
LANGUAGE = Qwen2Config(
    vocab_size=50,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
)
TILES = TileLayout(2, 3, True, 112, 168, 56)


def small(name, connector):
    return Setup(name, SHAPE, connector, LANGUAGE)


def reader(setup, layout):
    return timing.Reader(setup, layout, timing._tower(SHAPE, 4, "cpu"), timing._language(LANGUAGE, "cpu"), "cpu")


def test_setups_take_turns_and_each_has_its_medians(monkeypatch):
    turns = []
    monkeypatch.setattr(timing, "_memory", lambda *_: (7, 3))  # measured below; processes are slow to start
    run = timing.Reader.pass_over

    def noted(self):
        turns.append(self.setup.name)
        return run(self)

    monkeypatch.setattr(timing.Reader, "pass_over", noted)
    pairs = [(small("pool", AveragePoolConfig(grid=(2, 2))), TILES), (small("packer", TokenPackerConfig()), TILES)]
    pool, packer = timing.measure(pairs, rounds=2)
    assert turns == ["pool", "packer", "packer", "pool", "pool", "packer"]
    assert (pool.name, pool.tokens, pool.rounds) == ("pool", 7 * 4, 2)
    assert (packer.tokens, packer.peak_bytes, packer.working_bytes) == (7 * 4, 7, 3)
    for seconds in (pool.seconds, packer.seconds):
        assert min(seconds.tower, seconds.connector, seconds.prefill) > 0
        assert seconds.first_token > max(seconds.tower, seconds.connector, seconds.prefill)


def test_the_parts_of_a_pass_make_up_the_whole():
    lap = reader(small("pool", AveragePoolConfig(grid=(2, 2))), TILES).pass_over()
    assert lap.tower + lap.connector + lap.prefill < lap.first_token


def test_the_language_model_gets_a_place_for_every_token_that_a_method_promises():
    layout = UhdTilingConfig(scale=56, max_slices=6).layout(112, 168)
    setup = small("hiwin", HiwinConfig(grid=2, heads=2))
    made = reader(setup, layout)
    lengths = []
    made.language.register_forward_pre_hook(
        lambda module, args, named: lengths.append(named["inputs_embeds"].shape[1]), with_kwargs=True
    )
    made.pass_over()
    assert lengths == [setup.connector.visual_tokens(layout)]
    assert lengths[0] > layout.tiles * 4  # separators too


def test_a_connector_gets_the_deepest_levels_of_a_shared_tower():
    made = reader(small("pool", AveragePoolConfig(grid=(2, 2))), TILES)
    with torch.inference_mode():
        [group] = made.look()
        levels = made.tower(made.pixels[56, 56])
    assert len(levels) == 4 and len(group.levels) == 1
    torch.testing.assert_close(group.levels[0].flatten(1, 2), levels[-1])


def test_a_connectors_share_of_the_towers_time_is_positive():
    assert 0 < timing.connector_share(small("packer", TokenPackerConfig()), TILES, rounds=1) < 100


@pytest.mark.skipif(not timing.RESET.exists(), reason="this system does not tell a process's peak memory")
def test_memory_of_a_pass_is_its_own_and_grows_with_what_it_holds():
    script = (  # in a fresh process: this one may hold freed memory that is handed out again
        "import torch; from texthawk.eval.comparison import timing; before = timing.resident('VmRSS'); "
        "held = torch.ones(32, 2**20); grown = timing.resident('VmRSS') - before; del held; "
        "timing.RESET.write_text('5'); print(grown, timing.resident('VmHWM') - before)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    grown, left = map(int, told.split())
    assert grown >= 100 * 2**20 > left


@pytest.mark.slow
@pytest.mark.skipif(not timing.RESET.exists(), reason="this system does not tell a process's peak memory")
def test_memory_is_measured_in_a_process_of_its_own():
    peak, working = timing._memory(small("pool", AveragePoolConfig(grid=(2, 2))), TILES, "cpu")
    assert 100 * 2**20 < peak < 3 * 2**30
    assert 0 < working < peak
