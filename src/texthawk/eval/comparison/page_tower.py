"""Qwen2-VL's own tower, read like ours: attention over the whole page, rotary positions (arXiv 2409.12191, section 2.1).

Shape letters:  n pages of one size   H, W pixels   h, w patches   m side of a merged block (2)   E encoder width
                p the side of a patch   t frames that share a patch (2)
"""

import torch
from einops import rearrange, repeat
from torch import Tensor, nn
from transformers import Qwen2VLVisionConfig
from transformers.models.qwen2_vl.modeling_qwen2_vl import Qwen2VisionTransformerPretrainedModel


class WholePageTower(nn.Module):
    """transformers' vision model of Qwen2-VL without its merger, which is a connector and stands beside the others here.

    layers: which blocks are read, counted from 1. Pages' sides must be multiples of `m` patches.
    """

    def __init__(self, config: Qwen2VLVisionConfig, layers: tuple[int, ...]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self.patch, self.merge, self.frames = config.patch_size, config.spatial_merge_size, config.temporal_patch_size
        model = Qwen2VisionTransformerPretrainedModel._from_config(config)
        model.blocks = model.blocks[: max(layers)]
        model.merger = nn.Identity()
        self.model = model

    def forward(self, pixels_n3HW: Tensor) -> list[Tensor]:
        """Encode pages (n, 3, H, W) -> one (n, h*w, E) per layer, patches row by row."""
        n, _, height, width = pixels_n3HW.shape
        m, p = self.merge, self.patch
        h, w = height // p, width // p
        if h % m or w % m:
            raise ValueError(f"a page of {width}x{height} px came; its sides must be multiples of {m * p} px")
        blocks = {"h": h // m, "w": w // m, "m": m, "k": m}
        # The model takes the patches of a merged block one after another, and a picture as two equal frames.
        patches = repeat(pixels_n3HW, "n c (h m p) (w k q) -> (n h w m k) (c t p q)", **blocks, p=p, q=p, t=self.frames)
        grid = torch.tensor([[1, h, w]] * n, device="cpu")  # lengths are read from it even where tensors hold nothing
        hidden = self.model(
            patches,
            grid_thw=grid,
            position_ids=self.places(h, w, pixels_n3HW.device).repeat(n, 1),
            output_hidden_states=True,
        ).hidden_states
        return [rearrange(hidden[layer], "(n h w m k) E -> n (h m w k) E", n=n, **blocks) for layer in self.layers]

    def places(self, h: int, w: int, device: torch.device) -> Tensor:
        """(h*w, 2) row and column of each patch, in the model's order."""
        rows, columns = torch.meshgrid(torch.arange(h, device=device), torch.arange(w, device=device), indexing="ij")
        m = self.merge
        return torch.stack([rearrange(side, "(h m) (w k) -> (h w m k)", m=m, k=m) for side in (rows, columns)], dim=-1)
