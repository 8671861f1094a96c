"""Every tower, tiling, connector and language model in a size that runs in milliseconds, and models made of them."""

from dataclasses import fields
from functools import cache

import numpy as np
import torch
from PIL import Image
from tokenizers import Tokenizer
from transformers import CLIPVisionConfig, LlamaConfig, PreTrainedTokenizerFast, Qwen2Config, SiglipVisionConfig

from texthawk.compress import COMPRESSORS
from texthawk.image.tiles import TilingConfig
from texthawk.image.tilings import TILINGS, NativeTilingConfig, UhdTilingConfig
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import IMAGE, TextHawkProcessor
from texthawk.model.tokens import extend_tokenizer, train_tokenizer

SIDE, PATCH, BINS = 32, 4, 8

TOWERS = {"siglip": SiglipVisionConfig, "clip": CLIPVisionConfig}
LANGUAGE_MODELS = {"qwen2": Qwen2Config, "llama": LlamaConfig}
SMALL_TILINGS = {
    "adaptive": TilingConfig(tile=SIDE, max_tiles=4, max_side=3),
    "uhd": UhdTilingConfig(scale=SIDE, patch=PATCH, max_slices=4),
    "native": NativeTilingConfig(patch=PATCH, min_pixels=SIDE * SIDE, max_pixels=4 * SIDE * SIDE, tile=SIDE),
}
SMALL = {
    "resa": {"heads": 2, "intermediate": 24, "expansion": 2, "patches": SIDE // PATCH, "max_side": 4},
    "hiwin": {"grid": 3},
    "uhd1": {"grid": 3},
    "c_abstractor": {"grid": (3, 2), "places": 6},
    "average_pool": {"grid": (3, 2)},
    "perceiver": {"queries": 5},
}
"""What makes a connector small; one that is not named here runs with its own defaults."""

assert set(SMALL_TILINGS) == set(TILINGS), "every tiling needs a small one here"

SIZES = [(40, 30), (70, 33), (20, 90)]
"""Heights and widths of pages that each tiling cuts differently."""


def connector(name):
    kind = COMPRESSORS[name]
    patch = {"patch": PATCH} if "patch" in {field.name for field in fields(kind)} else {}
    return kind(**patch, **SMALL.get(name, {}))


def tower_config(name):
    return TOWERS[name](
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=SIDE,
        patch_size=PATCH,
        **({"vision_use_head": False} if name == "siglip" else {}),
    )


@cache
def _vocabulary():
    return train_tokenizer(["What is the total of this page?"] * 4, 262).backend_tokenizer.to_str()


def tokenizer():
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(_vocabulary()),
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )


@cache
def config(connector_name="resa", tiling="adaptive", tower="siglip", language="qwen2", plain=False):
    """plain: without coordinate tokens, detection head and tokens around a page, as LLaVA-UHD."""
    ids = extend_tokenizer(tokenizer(), 0 if plain else BINS, frame=not plain)
    return TextHawkConfig(
        vision_config=tower_config(tower),
        text_config=LANGUAGE_MODELS[language](
            vocab_size=1280,
            hidden_size=32,  # heads 16 wide: ONNX Runtime knows multiples of 8
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=4096,
        ),
        feature_layers=(1, 2, 3, 4),
        tiling=SMALL_TILINGS[tiling],
        compressor=connector(connector_name),
        coordinate_bins=0 if plain else BINS,
        frame_images=not plain,
        **ids,
    )


@cache
def processor(*which):
    made = config(*which)
    return TextHawkProcessor(
        TextHawkImageProcessor(made.tiling_config), tokenizer(), made.compressor_config, frame_images=made.frame_images
    )


@cache
def model(*which):
    """Weights larger than at the start of training, so that whatever is wrong shows in the logits."""
    torch.manual_seed(0)
    built = TextHawkForConditionalGeneration(config(*which)).eval()
    with torch.no_grad():
        for parameter in built.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    return built


def picture(height, width, seed=0):
    return Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8))


def inputs_for(which, pages, text="What?"):
    """One prompt for each entry of `pages`, which is a list of pictures."""
    prompts = [IMAGE.join(["Page ", *[" and "] * (len(own) - 1), text]) for own in pages]
    return processor(*which)(text=prompts, images=pages, padding=True, return_tensors="pt")
