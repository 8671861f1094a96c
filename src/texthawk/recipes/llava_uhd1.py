"""llava_uhd1: LLaVA-UHD's first resampler (arXiv 2403.11703), as v2's ablation begins with it, and in its own recipe.

One level, one query a window, slice after slice. The ablation's baseline is this projector trained as v2 is, on the
ablation's data and with CLIP learning; the published 13B model was trained on LLaVA-1.5's data above a frozen CLIP.
"""

from dataclasses import replace

from texthawk.compress.uhd1 import Uhd1Config
from texthawk.model.backbones import VICUNA_VOCABULARY, vicuna_7b, vicuna_13b
from texthawk.model.configuration import TextHawkConfig
from texthawk.recipes.llava_uhd2 import (
    ABLATION_MIXTURE,
    ALIGNMENT,
    INSTRUCTION,
    MIX_665K,
    joined,
    llava_uhd2,
)
from texthawk.recipes.recipe import Recipe
from texthawk.train.schedule import Learner


def model_config() -> TextHawkConfig:
    return joined(vicuna_7b(), VICUNA_VOCABULARY, Uhd1Config())


def llava_uhd1() -> Recipe:
    """With Vicuna-7B in v2's recipe: the first row of v2's ablation."""
    learners = tuple(Learner(part, 2e-5) for part in ("tower", "connector", "language"))
    instruction = replace(INSTRUCTION, learners=learners, sources=ABLATION_MIXTURE)
    return replace(llava_uhd2(), name="llava_uhd1", model_config=model_config, paper_stages=(ALIGNMENT, instruction))


def llava_uhd1_13b() -> Recipe:
    """With Vicuna-13B in v1's own recipe."""
    alignment = replace(ALIGNMENT, length=2048)
    learners = tuple(Learner(part, 2e-5) for part in ("connector", "language"))
    instruction = replace(INSTRUCTION, learners=learners, sources=(MIX_665K,), length=2048)

    def model_config() -> TextHawkConfig:
        return joined(vicuna_13b(), VICUNA_VOCABULARY, Uhd1Config())

    return replace(
        llava_uhd2(), name="llava_uhd1_13b", model_config=model_config, paper_stages=(alignment, instruction)
    )
