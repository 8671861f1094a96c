"""Multi-level reconstruction: how LLaVA-UHD v2's pyramid learns detail without labels (arXiv 2412.13871, section 3.2).

The tower sees a picture, the pyramid enlarges what it saw. A random view of the enlarged levels, brought back to the
tower's grid, must be what the tower sees when the view is taken of the picture itself: only detail that is really there
survives every view. The released code differs from the paper's equation (random views, random directions, a learned
scale of the error, a smoothness term), and this is the released code's objective. Exact autograd throughout: the CUDA
kernel that the authors trained with lost the gradients of most taps, which is no part of the method.

Shape letters:  B pictures   C encoder width   H, W pixels   h, w cells of a level   m, n patches   D random directions
                S sampled pixels
"""

import math
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from texthawk.train.reconstruction_recipe import Reconstruction
from texthawk.vision.pyramid import Pyramid

BLUR = 5, 1.0
"""Pixels and standard deviation of the Gaussian that smooths a level before it is down-sampled."""

LOWEST_SCALE = 1e-4
ATTENTION_DROPOUT = 0.2
LOGIT_DROP = 0.2


@dataclass(frozen=True)
class View:
    """A window of a mirrored and perhaps enlarged picture, `row` and `column` its first pixel, perhaps flipped."""

    zoom: float
    row: int
    column: int
    flip: bool
    pad: int

    def __call__(self, picture_BCHW: Tensor) -> Tensor:
        """The window, as large as the picture."""
        height, width = picture_BCHW.shape[-2:]
        padded = F.pad(picture_BCHW, [self.pad] * 4, mode="reflect")
        if self.zoom > 1:
            padded = F.interpolate(padded, scale_factor=self.zoom, mode="bilinear")
        window = padded[..., self.row : self.row + height, self.column : self.column + width]
        return window.flip(-1) if self.flip else window

    def of_level(self, size: tuple[int, int], picture: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """The view of a level of this size, enlarged bilinearly to the picture's, as matrices (H, h) and (W, w).

        Enlarging, mirroring, zooming, cutting and flipping are linear, alike in all channels and separable, so that
        `rows @ level @ columns.T` does all of it at once, where each by itself would make a map at the picture's size.
        """
        return (
            self._axis(size[0], picture[0], self.row, flip=False),
            self._axis(size[1], picture[1], self.column, flip=self.flip),
        )

    def _axis(self, cells: int, pixels: int, first: int, *, flip: bool) -> Tensor:
        """What every pixel of the window takes from every cell, found by sending one cell after another through."""
        lines = F.interpolate(torch.eye(cells)[None], size=pixels, mode="linear", align_corners=False)
        lines = F.pad(lines, [self.pad] * 2, mode="reflect")
        if self.zoom > 1:
            lines = F.interpolate(lines, scale_factor=self.zoom, mode="linear")
        window = lines[0, :, first : first + pixels].T
        return window.flip(0) if flip else window


@dataclass(frozen=True)
class Draws:
    """All that is random about one view of a batch, but for the dropout layers.

    directions: (B, C, D) from a normal distribution. kept: per level (B, h, w), False where an output cell of the
    down-sampler forgets its logits. pixels: per level (2, S) rows and columns that the smoothness compares; None: none.
    """

    view: View
    directions: Tensor
    kept: tuple[Tensor, ...]
    pixels: tuple[Tensor, ...] | None


def draw(
    settings: Reconstruction, image_B3HW: Tensor, features_BChw: Tensor, levels: int, *, first: bool, dice: Generator
) -> Draws:
    """Throw the dice for one view (on the CPU, so that every device sees the same); only the `first` is smoothed."""
    height, width = image_B3HW.shape[-2:]
    batch, channels, rows, columns = features_BChw.shape
    device = image_B3HW.device
    enlarged, along, flip = torch.rand(3, generator=dice).tolist()
    zoom = 1 + along * (settings.max_zoom - 1) if enlarged > 0.5 else 1.0

    def place(side: int) -> int:
        room = int((side + 2 * settings.pad) * zoom) - side + 1
        return int(torch.randint(room, (), generator=dice))

    view = View(zoom, place(height), place(width), flip > 0.5, settings.pad)
    directions = torch.randn(batch, channels, settings.directions, generator=dice)
    kept = tuple(torch.rand(batch, rows, columns, generator=dice) > LOGIT_DROP for _ in range(levels))
    pixels = None
    if first:
        pixels = tuple(
            torch.stack([torch.randint(side, (settings.samples,), generator=dice) for side in (height, width)]).to(
                device
            )
            for _ in range(levels)
        )
    return Draws(view, directions.to(device), tuple(cells.to(device) for cells in kept), pixels)


class AttentionDownsampler(nn.Module):
    """Brings a view of a level to one feature per patch of the picture: a softmax over the pixels of each patch.

    Logits are linear in the (blurred) feature, then scaled and shifted by the pixel's place in its patch.
    """

    def __init__(self, width: int, patch: int) -> None:
        super().__init__()
        self.patch = patch
        self.dropout = nn.Dropout(ATTENTION_DROPOUT)
        self.logit = nn.Linear(width, 1)
        self.place_scale = nn.Parameter(1 + 0.01 * torch.randn(patch, patch))
        self.place_shift = nn.Parameter(0.01 * torch.randn(patch, patch))

    def forward(self, level_BChw: Tensor, rows_Hh: Tensor, columns_Ww: Tensor, kept_Bnn: Tensor) -> Tensor:
        """A level (B, C, h, w), seen through the matrices of a view -> (B, C, H / patch, W / patch).

        Where `kept` is False the feature has no say in the weights of that cell, at evaluation too.
        """
        columns_BhWC = torch.einsum("bchw,Ww->bhWc", level_BChw, blurred(columns_Ww))
        pixels_BHWC = torch.einsum("bhWc,Hh->bHWc", columns_BhWC, blurred(rows_Hh))
        patches = rearrange(pixels_BHWC, "B (m i) (n j) C -> B m n i j C", i=self.patch, j=self.patch)
        logits = self.logit(self.dropout(patches))[..., 0] * kept_Bnn[..., None, None]
        logits = logits * self.place_scale + self.place_shift
        weights = logits.flatten(-2).softmax(-1).unflatten(-1, (self.patch, self.patch))
        return torch.einsum("bmnij,bmnijc->bcmn", weights, patches)


class ErrorScale(nn.Module):
    """The expected size of the reconstruction error at each patch, told from the feature that is to be reconstructed."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, 1, 1)
        with torch.no_grad():
            self.conv.weight.mul_(0.1)
            assert self.conv.bias is not None
            self.conv.bias.mul_(0.1)

    def forward(self, features_BChw: Tensor) -> Tensor:
        """(B, 1, h, w), positive."""
        return (self.conv(features_BChw) + 0.1).exp().clamp(min=LOWEST_SCALE)


class Reconstructor(nn.Module):
    """The pyramid with what exists in training only: a down-sampler and an error scale for each level."""

    def __init__(self, pyramid: Pyramid, width: int, patch: int, settings: Reconstruction) -> None:
        super().__init__()
        self.pyramid, self.settings = pyramid, settings
        levels = len(pyramid.stages)
        self.downsamplers = nn.ModuleList(AttentionDownsampler(width, patch) for _ in range(levels))
        self.scales = nn.ModuleList(ErrorScale(width) for _ in range(levels))

    def forward(self, image_B3HW: Tensor, features_BChw: Tensor, seen_BChw: Tensor, draws: Draws) -> dict[str, Tensor]:
        """Losses of one view by name: `reconstruction_N` and, if pixels are drawn, `smoothness_N`, for level N from 1.

        features: the tower's of the image; seen: the tower's of the view of the image. A level's losses train that
        level's part of the pyramid only.
        """
        directions = F.normalize(draws.directions, dim=1)
        losses: dict[str, Tensor] = {}
        for number, level in enumerate(self.pyramid(features_BChw, image_B3HW, detached=True)):
            rows, columns = self.matrices(draws.view, level, image_B3HW)
            down = self.downsamplers[number](level, rows, columns, draws.kept[number])
            error = torch.einsum("bchw,bcd->bdhw", down - seen_BChw, directions).square()
            scale = self.scales[number](seen_BChw)
            losses[f"reconstruction_{number + 1}"] = (error / (2 * scale.square()) + scale.log()).mean()
            if draws.pixels is not None:
                y, x = draws.pixels[number]
                along = torch.einsum("bchw,bcd->bdhw", level, directions)
                features = torch.einsum("bdhw,sh,sw->bds", along, rows[y], columns[x])
                losses[f"smoothness_{number + 1}"] = smoothness(image_B3HW, features, y, x)
        return losses

    @staticmethod
    def matrices(view: View, level_BChw: Tensor, image_B3HW: Tensor) -> tuple[Tensor, Tensor]:
        """`View.of_level`, where the level is."""
        (h, w), (height, width) = level_BChw.shape[-2:], image_B3HW.shape[-2:]
        rows, columns = view.of_level((h, w), (height, width))
        return rows.to(level_BChw.device), columns.to(level_BChw.device)

    def total(self, losses: dict[str, Tensor]) -> Tensor:
        """What one of the step's views adds to the loss."""
        weights = {"reconstruction": 1 / self.settings.views, "smoothness": self.settings.smoothness}
        return torch.stack([weights[name.split("_")[0]] * loss for name, loss in losses.items()]).sum()


def smoothness(image_B3HW: Tensor, features_BDS: Tensor, rows_S: Tensor, columns_S: Tensor) -> Tensor:
    """Mean over all pairs of sampled pixels of how far their features lie apart, weighted by how alike the pixels are.

    Near pixels of like colour count most; very near ones count whatever their colour. As released, the colours are the
    picture's and the features the view's.
    """
    height, width = image_B3HW.shape[-2:]
    places = torch.stack([rows_S / height, columns_S / width])[None]
    distance = _pairwise(places)
    colour = _pairwise(image_B3HW[..., rows_S, columns_S])
    alike = 10 * torch.exp(-distance / 0.2 - colour / 0.3) + 3 * torch.exp(-distance / 0.01)
    return (_pairwise(features_BDS) * alike).mean()


def _pairwise(values_BDS: Tensor) -> Tensor:
    """Squared distances (B, S, S) of all pairs, from their products: the differences would fill D such tables."""
    products = values_BDS.mT @ values_BDS
    squares = products.diagonal(dim1=-2, dim2=-1)
    return (squares[..., :, None] + squares[..., None, :] - 2 * products).clamp(min=0)


def blurred(matrix_Hh: Tensor) -> Tensor:
    """A Gaussian blur along the pixels of one axis, mirrored at the border."""
    side, sigma = BLUR
    taps = [math.exp(-0.5 * ((tap - side // 2) / sigma) ** 2) for tap in range(side)]
    kernel = matrix_Hh.new_tensor(taps) / sum(taps)
    lines = F.pad(matrix_Hh.T[:, None], [side // 2] * 2, mode="reflect")
    return F.conv1d(lines, kernel[None, None])[:, 0].T
