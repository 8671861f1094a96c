"""Which visual tokens are worth a look where nobody says: those that print moves most, some way apart.

Shape letters:  n views of one size   h, w patches of a view   H, W pixels of a view   N tokens
"""

import torch
from einops import rearrange
from torch import Tensor

from texthawk.eval.show.looking import Look
from texthawk.vision.views import ViewGroup

_PRINT = 0.3  # of the page's range from dark to light, that a patch must span to have print on it
_APART = 12  # parts of the sequence, of which two tokens lie at least one apart


def chosen(seen: Look, most: int) -> list[int]:
    """Up to so many numbers in the page's sequence, in its order; on a page without print, any that are spread over it."""
    own = [number for number, token in enumerate(seen.sequence) if token >= 0]
    moved = moved_by_print(seen)
    ranked = sorted(own, key=lambda number: -float(moved[seen.sequence[number]]))
    kept: list[int] = []
    for number in ranked:
        if len(kept) < most and all(abs(number - other) * _APART >= len(own) for other in kept):
            kept.append(number)
    return sorted(kept)


@torch.no_grad()
def moved_by_print(seen: Look) -> Tensor:
    """How far each token (N,) moves, as a part of its length, when patches with print take the mean of those without."""
    bare = []
    for group in seen.groups:
        printed_nhw1 = printed(group.pixels, *group.levels[0].shape[1:3])[..., None]
        levels = []
        for level in group.levels:
            plain = (~printed_nhw1).to(level.dtype)
            mean = (level * plain).sum((0, 1, 2)) / plain.sum().clamp_min(1)
            levels.append(torch.where(printed_nhw1, mean, level))
        bare.append(ViewGroup(group.index, levels, group.pixels))
    (without,) = seen.eyes.connector(bare, [seen.layout])
    return (without - seen.tokens).float().norm(dim=-1) / seen.tokens.float().norm(dim=-1).clamp_min(1e-12)


def printed(pixels_n3HW: Tensor, h: int, w: int) -> Tensor:
    """Which patches (n, h, w) have something on them: their pixels are not all alike."""
    patches = rearrange(pixels_n3HW.float(), "n c (h p) (w q) -> n h w (c p q)", h=h, w=w)
    span = float(pixels_n3HW.max() - pixels_n3HW.min())
    return patches.amax(-1) - patches.amin(-1) > max(_PRINT * span, 1e-6)
