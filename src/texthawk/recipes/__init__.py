"""Recipes by name; each is a function that returns one frozen dataclass."""

from collections.abc import Callable

from texthawk.recipes.nano import nano
from texthawk.recipes.recipe import Recipe
from texthawk.recipes.texthawk import texthawk
from texthawk.recipes.texthawk2 import texthawk2
from texthawk.recipes.tiny import tiny
from texthawk.recipes.vdim import vdim, vdim_small
from texthawk.train.reconstruction_recipe import PyramidRecipe

RECIPES: dict[str, Callable[[], Recipe]] = {"texthawk": texthawk, "texthawk2": texthawk2, "nano": nano, "tiny": tiny}

PYRAMIDS: dict[str, Callable[[], PyramidRecipe]] = {"vdim": vdim, "vdim-small": vdim_small}
"""Recipes of pyramids, which are trained by themselves, before a model that has one."""
