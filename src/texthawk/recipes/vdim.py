"""vdim: LLaVA-UHD v2's pyramid learned by reconstruction, above a tower that stays as it is (arXiv 2412.13871, 3.2).

The released one saw 32,000 pictures of COCO-Stuff's train2017 list at 336 px: 2000 steps of 16 above CLIP ViT-L/14-336,
read after its last layer but one. Any tower and any pictures will do: `texthawk train vdim --tower DIR --pictures DIR`.
"""

from dataclasses import replace

from texthawk.train.reconstruction_recipe import PyramidRecipe


def vdim() -> PyramidRecipe:
    return PyramidRecipe("vdim")


def vdim_small() -> PyramidRecipe:
    """For a CPU and a small tower: fewer pictures, each with views of its own."""
    return replace(vdim(), name="vdim-small", steps=200, batch=2, together=1)
