"""Recipes by name; each is a function that returns one frozen dataclass."""

from collections.abc import Callable

from texthawk.recipes.llava_uhd1 import llava_uhd1, llava_uhd1_13b
from texthawk.recipes.llava_uhd2 import llava_uhd2, llava_uhd2_13b, llava_uhd2_qwen2
from texthawk.recipes.nano import (
    nano,
    nano_answers,
    nano_answers_further,
    nano_chinese,
    nano_further,
    nano_outline,
    nano_pointing,
)
from texthawk.recipes.recipe import Recipe
from texthawk.recipes.texthawk import texthawk
from texthawk.recipes.texthawk2 import texthawk2
from texthawk.recipes.tiny import tiny
from texthawk.recipes.vdim import vdim, vdim_small
from texthawk.train.reconstruction_recipe import PyramidRecipe

RECIPES: dict[str, Callable[[], Recipe]] = {
    "texthawk": texthawk,
    "texthawk2": texthawk2,
    "llava_uhd2": llava_uhd2,
    "llava_uhd2_13b": llava_uhd2_13b,
    "llava_uhd2_qwen2": llava_uhd2_qwen2,
    "llava_uhd1": llava_uhd1,
    "llava_uhd1_13b": llava_uhd1_13b,
    "nano": nano,
    "nano_answers": nano_answers,
    "nano_answers_further": nano_answers_further,
    "nano_outline": nano_outline,
    "nano_pointing": nano_pointing,
    "nano_chinese": nano_chinese,
    "nano_further": nano_further,
    "tiny": tiny,
}

PYRAMIDS: dict[str, Callable[[], PyramidRecipe]] = {"vdim": vdim, "vdim-small": vdim_small}
"""Recipes of pyramids, which are trained by themselves, before a model that has one."""
