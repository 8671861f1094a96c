"""The patches that a visual token draws on: by the connector's attention where it has one, else by gradient.

Shape letters:  h, w patches of a view   P = h*w   Q queries of a view   K windows   y, x rows and columns of tokens
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from texthawk.compress.hiwin import Hiwin
from texthawk.compress.per_view import windows
from texthawk.compress.perceiver import Perceiver
from texthawk.compress.resa import ReSA
from texthawk.compress.token_packer import TokenPacker
from texthawk.eval.show.looking import Call, Look
from texthawk.types import Box


@dataclass(frozen=True)
class LevelMap:
    """Weights of the patches of one level, (h, w) for each view of the page, and the level's name."""

    name: str
    views: list[Tensor]

    @property
    def total(self) -> float:
        return float(sum(view.sum() for view in self.views))


@dataclass(frozen=True)
class TokenMap:
    """What a token draws on, level by level, and in words how that was found.

    place: where on its main view the token's queries stand, in parts of the view's sides; None where no query has a place.
    """

    levels: tuple[LevelMap, ...]
    how: str
    place: Box | None = None

    @property
    def total(self) -> float:
        return sum(level.total for level in self.levels)

    @property
    def main_view(self) -> int:
        """The view that the token draws on most."""
        by_view = zip(*(level.views for level in self.levels), strict=True)
        weights = [sum(float(view.sum()) for view in views) for views in by_view]
        return max(range(len(weights)), key=weights.__getitem__)


def token_map(seen: Look, token: int) -> TokenMap:
    """What the connector's token of this number draws on; all zero for one that is the same on every page.

    Attention weights where the connector attends; elsewhere, and for tokens that no attention made, the gradient.
    """
    for kind, attended in _ATTENDED.items():
        if isinstance(seen.eyes.connector, kind):
            found = attended(seen, token)
            if found is not None:
                return found
    return gradient_map(seen, seen.tokens[token].float().norm(), "the token's length")


def gradient_map(seen: Look, value: Tensor, name: str) -> TokenMap:
    """Length of the gradient of a value of the graph at each patch; zero exactly where a patch has no part in it."""
    gradients = torch.autograd.grad(value, seen.levels, retain_graph=True, allow_unused=True)
    count = len(seen.groups[0].levels)
    levels = []
    for level in range(count):
        parts = gradients[level::count]
        if all(part is None for part in parts):
            continue  # a level that the connector does not read
        lengths = [
            torch.zeros_like(leaf[..., 0], dtype=torch.float32) if part is None else part.float().norm(dim=-1)
            for part, leaf in zip(parts, seen.levels[level::count], strict=True)
        ]
        views = [view for group in lengths for view in group]
        levels.append(LevelMap(_level_name(seen, level), [views[k] for k in seen.order]))
    return TokenMap(tuple(levels), f"gradient of {name} at each patch, zero where a patch has no part in it")


def combined(maps: Sequence[TokenMap], weights: Sequence[float]) -> TokenMap:
    """A weighted sum of what several tokens draw on; each token's own weights count as parts of one."""
    shares = [weight / each.total if each.total else 0.0 for weight, each in zip(weights, maps, strict=True)]
    levels = []
    for same in zip(*(each.levels for each in maps), strict=True):
        by_view = zip(*(level.views for level in same), strict=True)
        views = [sum(share * view for share, view in zip(shares, views, strict=True)) for views in by_view]
        levels.append(LevelMap(same[0].name, views))
    return TokenMap(tuple(levels), maps[0].how)


def _level_name(seen: Look, level: int) -> str:
    return f"layer {seen.eyes.tower.layers[level]} of the tower"


def _resa(seen: Look, token: int) -> TokenMap | None:
    """Weights of the token's own queries in each MLCA layer, the mean over them and over layers that read one level."""
    connector = seen.eyes.connector
    assert isinstance(connector, ReSA)
    levels, stride, (a, b) = connector.config.levels, connector.config.resample, connector.config.window
    found = _answering(seen, token, len(levels))
    if found is None:
        return None
    group, calls, own_nQ = found
    (view,) = own_nQ.any(1).nonzero().flatten().tolist()
    _, h, w, _ = seen.groups[group].levels[0].shape
    rows, columns = (
        size * extent * stride for size, extent in zip(windows(h, w, a * stride, b * stride), (a, b), strict=True)
    )
    by_level: dict[int, list[Tensor]] = {}
    for level, call in zip(levels, calls, strict=True):
        weights_P = call.weights[view, own_nQ[view]].mean(0)
        by_level.setdefault(level, []).append(_unpadded(weights_P.unflatten(0, (rows, columns)), h, w))
    maps = {level: torch.stack(parts).mean(0) for level, parts in sorted(by_level.items())}
    count = int(own_nQ.sum())
    how = f"attention weights of the resampler, the mean over heads and over the token's {count} queries"
    if connector.config.queries == "proposed":
        how += "; the queries themselves are made of the token's own patches of the deepest level"
    down, across = own_nQ[view].unflatten(0, (rows // stride, columns // stride)).nonzero().unbind(1)
    top, left = (int(at.min()) * stride for at in (down, across))
    bottom, right = ((int(at.max()) + 1) * stride for at in (down, across))
    place = Box(left / w, top / h, min(1.0, right / w), min(1.0, bottom / h))
    return replace(_placed(seen, int(seen.groups[group].index[view]), maps, how), place=place)


def _perceiver(seen: Look, token: int) -> TokenMap | None:
    """Weights of the token's query over all patches of its view."""
    found = _answering(seen, token, 1)
    if found is None:
        return None
    group, (call,), own_nQ = found
    ((view, query),) = own_nQ.nonzero().tolist()
    _, h, w, _ = seen.groups[group].levels[-1].shape
    maps = {len(seen.groups[group].levels) - 1: call.weights[view, query].unflatten(0, (h, w))}
    how = "attention weights of the resampler, the mean over heads"
    return _placed(seen, int(seen.groups[group].index[view]), maps, how)


def _token_packer(seen: Look, token: int) -> TokenMap | None:
    """Weights of the token's point over its own region, the same for all levels that make its keys."""
    connector = seen.eyes.connector
    assert isinstance(connector, TokenPacker)
    found = _answering(seen, token, 1)
    if found is None:
        return None
    group, (call,), own_r1 = found
    (region,) = own_r1[:, 0].nonzero().flatten().tolist()
    _, h, w, _ = seen.groups[group].levels[-1].shape
    side = connector.config.scale
    rows, columns = windows(h, w, side, side)
    view, place = divmod(region, rows * columns)
    y, x = (side * at for at in divmod(place, columns))
    laid = call.weights.new_zeros(rows * side, columns * side)
    laid[y : y + side, x : x + side] = call.weights[region, 0].unflatten(0, (side, side))
    count = len(seen.groups[group].levels)
    maps = {level: _unpadded(laid, h, w) for level in range(count - connector.config.levels, count)}
    how = "attention weights of the token's point in its region, the mean over heads; a key is made of all levels"
    return _placed(seen, int(seen.groups[group].index[view]), maps, how)


def _hiwin(seen: Look, token: int) -> TokenMap | None:
    """Weights of the token's window over the samples of each level, laid back on the cells they were taken from."""
    connector = seen.eyes.connector
    assert isinstance(connector, Hiwin)
    number, window = divmod(token, connector.config.grid**2)
    group, place = seen.view(number)
    with torch.no_grad():
        maps = connector.maps(group.levels[-1][place : place + 1].detach(), group.pixels[place : place + 1])
        attended = [level_1Khw[0, window] for level_1Khw in connector.attended(maps)]
    levels = []
    for scale, own in zip(connector.config.levels, attended, strict=True):
        views = [own.new_zeros(scale * height, scale * width) for height, width in _patches(seen)]
        views[number] = own
        levels.append(LevelMap(f"pyramid level {scale}x", views))
    return TokenMap(tuple(levels), "attention weights of the token's window, the mean over heads and sets of queries")


_ATTENDED: dict[type[nn.Module], Callable[[Look, int], TokenMap | None]] = {
    ReSA: _resa,
    Perceiver: _perceiver,
    TokenPacker: _token_packer,
    Hiwin: _hiwin,
}


def _answering(seen: Look, token: int, count: int) -> tuple[int, list[Call], Tensor] | None:
    """The group whose attention made a token, its `count` calls there, and which of its queries are the token's (n, Q).

    Those are the queries whose last answers the token's gradient reaches; None where it reaches none.
    """
    last = [seen.calls[(k + 1) * count - 1].answers for k in range(len(seen.groups))]
    gradients = torch.autograd.grad(
        seen.tokens[token].float().norm(), last, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    for group, gradient in enumerate(gradients):
        own_nQ = gradient.abs().amax(-1) > 0
        if own_nQ.any():
            return group, seen.calls[group * count : (group + 1) * count], own_nQ
    return None


def _patches(seen: Look) -> list[tuple[int, int]]:
    """Rows and columns of patches of each view of the page."""
    patch = seen.eyes.tower.patch
    return [(height // patch, width // patch) for height, width in seen.layout.views]


def _placed(seen: Look, number: int, maps: dict[int, Tensor], how: str) -> TokenMap:
    """The maps (h, w) of one view by level, with zeros for the page's other views."""
    levels = []
    for level, own in maps.items():
        views = [own.new_zeros(size) for size in _patches(seen)]
        views[number] = own
        levels.append(LevelMap(_level_name(seen, level), views))
    return TokenMap(tuple(levels), how)


def _unpadded(weights: Tensor, h: int, w: int) -> Tensor:
    """Weights of a map whose last row and column were repeated, given to the row and column that were."""
    kept = weights[:h].clone()
    kept[-1] += weights[h:].sum(0)
    result = kept[:, :w].clone()
    result[:, -1] += kept[:, w:].sum(1)
    return result
