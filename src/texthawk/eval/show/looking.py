"""One picture through a tower and a connector, watched: the features it read, the tokens, the attention between them.

Shape letters:  n views of one size   Q queries   P keys   A heads   W width of an attention   N tokens   D language width
"""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, fields
from typing import Any

import torch
from einops import rearrange
from PIL import Image
from torch import Tensor, nn

from texthawk.compress import COMPRESSORS, CompressorConfig
from texthawk.compress.order import COMMA, NEWLINE
from texthawk.compress.resa import Attention, ReSAConfig
from texthawk.image.settings import known
from texthawk.image.tiles import TilingConfig
from texthawk.image.tilings import TILINGS, NativeTilingConfig, Tiling, UhdTilingConfig, layout_from_row
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.types import TileLayout
from texthawk.vision.tower import Tower
from texthawk.vision.views import ViewGroup


@dataclass(frozen=True)
class Eyes:
    """What looks at a picture: an image processor, a tower, and a connector with its config."""

    images: TextHawkImageProcessor
    tower: Tower
    connector: nn.Module
    config: CompressorConfig


def eyes_of(model: TextHawkForConditionalGeneration, images: TextHawkImageProcessor) -> Eyes:
    """The model's own."""
    return Eyes(images, model.model.vision_tower, model.model.connector, model.config.compressor_config)


def untrained_eyes(
    model: TextHawkForConditionalGeneration,
    images: TextHawkImageProcessor,
    name: str | None = None,
    tiling: str | None = None,
) -> Eyes:
    """The model's tower behind another connector, with random weights, or with another way to cut; None keeps the model's.

    The connector has its default settings; the weights are the same every time. ValueError for a name that no table
    has, and for parts that do not go together.
    """
    config = model.config
    cut = config.tiling_config if tiling is None else _tiling(tiling, model.model.vision_tower)
    chosen = config.compressor_config if name is None else _connector(name, cut, model.model.vision_tower)
    parts = (deepcopy(config.vision_config), deepcopy(config.text_config))  # a config changes the parts it is given
    TextHawkConfig(*parts, config.feature_layers, tiling=cut, compressor=chosen)
    connector = model.model.connector
    if name is not None:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            connector = chosen.build(
                encoder_width=config.vision_config.hidden_size, language_width=config.text_config.hidden_size
            )
        connector = connector.to(model.device, model.dtype).eval().requires_grad_(False)
    pixels = TextHawkImageProcessor(cut, images.image_mean, images.image_std)
    return Eyes(pixels, model.model.vision_tower, connector, chosen)


def _connector(name: str, tiling: Tiling, tower: Tower) -> CompressorConfig:
    kind: Any = COMPRESSORS[known("connector", name, COMPRESSORS)]
    if kind is ReSAConfig:
        return ReSAConfig(patches=tiling.tile // tower.patch)
    return kind(patch=tower.patch) if "patch" in {entry.name for entry in fields(kind)} else kind()


def _tiling(name: str, tower: Tower) -> Tiling:
    made: dict[str, Tiling] = {
        "adaptive": TilingConfig(tile=tower.image),
        "uhd": UhdTilingConfig(scale=tower.image, patch=tower.patch),
        "native": NativeTilingConfig(patch=tower.patch, tile=tower.image),
    }
    assert made.keys() == TILINGS.keys(), "a tiling was added without saying here how it fits a tower"
    return made[known("tiling", name, made)]


@dataclass(frozen=True)
class Call:
    """A cross-attention that was run: `weights` (n, Q, P), the mean over heads, and `answers` (n, Q, W) in the graph."""

    weights: Tensor
    answers: Tensor


@contextmanager
def recorded(module: nn.Module) -> Iterator[list[Call]]:
    """The cross-attentions of our own `Attention` that run within a module, in order; self-attention is left out.

    Their weights are computed a second time, from what went in, so that the code that runs knows nothing of this.
    """
    calls: list[Call] = []

    def keep(attention: nn.Module, inputs: tuple[Tensor, Tensor, Tensor], answers: Tensor) -> None:
        assert isinstance(attention, Attention)
        queries, keys, _ = inputs
        if queries is not keys:
            calls.append(Call(attention_weights(attention, queries, keys).mean(1), answers))

    handles = [each.register_forward_hook(keep) for each in module.modules() if isinstance(each, Attention)]
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def attention_weights(attention: Attention, queries: Tensor, keys: Tensor) -> Tensor:
    """How much each query looks at each key: (n, Q, W), (n, P, W) -> (n, A, Q, P); a query's weights sum to one."""
    q, k = (
        rearrange(projected, "n m (A d) -> n A m d", A=attention.heads)
        for projected in (attention.q(queries), attention.k(keys))
    )
    return (q @ k.mT * q.shape[-1] ** -0.5).float().softmax(-1)


@dataclass(frozen=True)
class Look:
    """What was seen in a picture. The levels of `groups` are leaves of a graph that ends in `tokens` (N, D).

    calls: the connector's cross-attentions, group after group.
    """

    eyes: Eyes
    layout: TileLayout
    groups: list[ViewGroup]
    tokens: Tensor
    calls: list[Call]

    @property
    def levels(self) -> list[Tensor]:
        """All leaves, group after group."""
        return [level for group in self.groups for level in group.levels]

    @property
    def order(self) -> list[int]:
        """For each view of the page, in order, its place among the views of all groups."""
        index = torch.cat([group.index for group in self.groups]).tolist()
        return sorted(range(len(index)), key=index.__getitem__)

    @property
    def sequence(self) -> list[int]:
        """What the language model gets for the page: the connector's k-th token, or a separator (below 0)."""
        order = self.eyes.config.separators(self.layout)
        return list(range(len(self.tokens))) if order is None else order

    def token(self, number: int) -> int:
        """The connector's token at this place of the page's sequence; ValueError outside of it, and for a separator."""
        sequence = self.sequence
        if not 0 <= number < len(sequence):
            raise ValueError(
                f"token {number} is not among the page's visual tokens; choose a number from 0 to {len(sequence) - 1}"
            )
        if sequence[number] < 0:
            name = {NEWLINE: "newline", COMMA: "comma"}[sequence[number]]
            raise ValueError(f"token {number} is a {name} between visual tokens and draws on no patch; choose another")
        return sequence[number]

    def view(self, number: int) -> tuple[ViewGroup, int]:
        """The group of one of the page's views, and its place there."""
        for group in self.groups:
            places = group.index.tolist()
            if number in places:
                return group, places.index(number)
        raise AssertionError(f"view {number} is in no group")


def look(eyes: Eyes, image: Image.Image) -> Look:
    """Let a picture pass through tower and connector."""
    parameter = next(eyes.tower.parameters())
    inputs = eyes.images(image, return_tensors="pt")
    (row,) = inputs["image_grids"].tolist()
    layout = layout_from_row(row, eyes.images.tiling_for())
    with torch.no_grad():
        encoded = eyes.tower.encode(inputs["pixel_values"].to(parameter.device, parameter.dtype), [layout])
    groups = [
        ViewGroup(group.index, [level.detach().requires_grad_() for level in group.levels], group.pixels)
        for group in encoded
    ]
    with torch.enable_grad(), recorded(eyes.connector) as calls:
        (tokens,) = eyes.connector(groups, [layout])
    return Look(eyes, layout, groups, tokens, calls)
