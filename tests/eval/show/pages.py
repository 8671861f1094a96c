"""Eyes of the tests' tiny model behind any connector, and pages of noise, in which every patch differs."""

from functools import cache

import torch
from tests.model.tiny import model, picture, processor

from texthawk.eval.show.looking import Look, look, untrained_eyes


@cache
def seen(connector: str, tiling: str = "adaptive", height: int = 128, width: int = 160) -> Look:
    """A page of noise, seen by the tiny model's tower and a connector with random weights."""
    eyes = untrained_eyes(model().requires_grad_(False), processor().image_processor, connector, tiling)
    return look(eyes, picture(height, width))


def changed_views(one: Look, token: int, view: int, spoil: tuple[slice, slice]) -> float:
    """How far a token moves when some patches of a view, at every level, become noise."""
    generator = torch.Generator().manual_seed(1)
    groups = []
    for group in one.groups:
        levels = [level.detach().clone() for level in group.levels]
        places = group.index.tolist()
        if view in places:
            for level in levels:
                part = level[places.index(view)][spoil]
                part.copy_(torch.randn(part.shape, generator=generator))
        groups.append(type(group)(group.index, levels, group.pixels))
    with torch.no_grad():
        (tokens,) = one.eyes.connector(groups, [one.layout])
    return float((tokens[token] - one.tokens[token].detach()).abs().max())
