"""The tile encoder: a SigLIP or CLIP tower from transformers that hands out the feature levels asked for.

Shape letters:  T views of one size   P patches of a view   h, w its rows and columns of patches   W encoder width
"""

from collections.abc import Sequence

from einops import rearrange
from torch import Tensor, nn
from transformers import AutoModel, PretrainedConfig

from texthawk.types import TileLayout
from texthawk.vision.views import ViewGroup, view_pixels


class Tower(nn.Module):
    """A vision transformer read at several depths (TextHawk section 3.1: after layers 14, 18, 22 and 26 of SigLIP-SO).

    `layers` counts from 1; level i of the result is what layer `layers[i]` puts out. Layers past the deepest level and
    the tower's pooling are dropped when it is built: nothing reads them.
    """

    def __init__(self, config: PretrainedConfig, layers: tuple[int, ...]) -> None:
        super().__init__()
        if not layers or min(layers) < 1 or max(layers) > config.num_hidden_layers:
            raise ValueError(
                f"feature layers {tuple(layers)} do not fit a tower of {config.num_hidden_layers} layers; "
                f"count from 1 to {config.num_hidden_layers}"
            )
        self.layers = tuple(layers)
        self.image, self.patch = config.image_size, config.patch_size
        self.side = config.image_size // config.patch_size
        model = AutoModel.from_config(config)
        model = getattr(model, "vision_model", model)
        model.encoder.layers = model.encoder.layers[: max(layers)]
        model.post_layernorm = nn.Identity()
        self.model = model

    def forward(self, pixels_T3HW: Tensor) -> list[Tensor]:
        """Encode views of one size (T, 3, H, W), normalised; one (T, P, W) per level, a class token dropped.

        Where the size is not the one the tower was made for, its position embeddings are resized bicubically to the
        view's grid of patches.
        """
        height, width = pixels_T3HW.shape[-2:]
        patches = (height // self.patch) * (width // self.patch)
        resized = (height, width) != (self.image, self.image)
        hidden = self.model(pixels_T3HW, output_hidden_states=True, interpolate_pos_encoding=resized).hidden_states
        return [hidden[layer][:, -patches:] for layer in self.layers]

    def encode(self, pixels: Tensor, layouts: Sequence[TileLayout]) -> list[ViewGroup]:
        """The feature levels of a batch's views, those of one size in one call.

        pixels: normalised; (views, 3, H, W) where all have one size, else the patches (all, 3, p, p) of all views.
        """
        groups = []
        for index, pixels_T3HW in view_pixels(pixels, layouts, self.patch):
            rows = pixels_T3HW.shape[-2] // self.patch
            levels = [rearrange(level, "T (h w) W -> T h w W", h=rows) for level in self(pixels_T3HW)]
            groups.append(ViewGroup(index, levels, pixels_T3HW))
        return groups
