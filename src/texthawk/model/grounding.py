"""Places as tokens: the one coordinate convention, the detection head and its loss (TextHawk section 3.3).

Coordinates are parts of the page in [0, 1], origin top left. A box is `<box><x0><y0>,<x1><y1></box>`.

Shape letters:  B batch   L tokens   D language width
"""

import math
import re
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from texthawk.image.tiles import UnitBox

BOX_START, BOX_END = "<box>", "</box>"


def coordinate_bin(value: float, bins: int = 1000) -> int:
    """The bin of a coordinate in [0, 1]: min(bins - 1, floor(bins * v))."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"coordinate {value} lies outside the page; clip boxes to [0, 1] first")
    return min(bins - 1, math.floor(bins * value))


def coordinate_centre(index: int, bins: int = 1000) -> float:
    """The middle of a bin, in [0, 1]."""
    return (index + 0.5) / bins


def box_text(box: Sequence[float], bins: int = 1000) -> str:
    """A box (left, top, right, bottom in [0, 1]) as its tokens' text."""
    left, top, right, bottom = (coordinate_bin(value, bins) for value in box)
    return f"{BOX_START}<{left}><{top}>,<{right}><{bottom}>{BOX_END}"


BOX = re.compile(r"<box><(\d{1,4})><(\d{1,4})>,<(\d{1,4})><(\d{1,4})></box>")
"""A box as it is written."""


def parse_lines_with_boxes(text: str, values: Sequence[float], bins: int = 1000) -> list[tuple[str, UnitBox | None]]:
    """Split generated `<box>...</box>text` lines into (text, box); `values` are all coordinates of `text` in order.

    `values` holds one number in [0, 1] per coordinate token, whether bin centres or the detection head's. A line
    without a well-formed box keeps its text and has no box.
    """
    lines: list[tuple[str, UnitBox | None]] = []
    seen = 0
    for raw in text.split("\n"):
        match = BOX.search(raw)
        count = len(re.findall(r"<\d{1,4}>", raw))
        box: UnitBox | None = None
        if match and count == 4 and seen + 4 <= len(values):
            x0, y0, x1, y1 = values[seen : seen + 4]
            box = (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        seen += count
        clean = re.sub(r"</?box>|<\d{1,4}>,?", "", raw).strip()
        if clean or box:
            lines.append((clean, box))
    return lines


class DetectionHead(nn.Module):
    """One coordinate in [0, 1] from each hidden state: 2-layer MLP with ReLU, linear, sigmoid (TextHawk eq. 3)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, width)
        self.fc2 = nn.Linear(width, width)
        self.out = nn.Linear(width, 1)

    def forward(self, hidden_BLD: Tensor) -> Tensor:
        """(..., D) -> (...): the coordinate that follows each position, were it a coordinate token."""
        hidden = torch.relu(self.fc2(torch.relu(self.fc1(hidden_BLD))))
        return torch.sigmoid(self.out(hidden)).squeeze(-1)


def weighted_language_loss(
    logits_BLV: Tensor, labels_BL: Tensor, *, coordinate_start: int, bins: int, coordinate_weight: float
) -> Tensor:
    """Weighted mean of the next-token losses, weight α on coordinate tokens (TextHawk eq. 4); labels -100 are left out.

    Logits and labels are aligned as transformers does it: position i predicts label i + 1.
    """
    targets = labels_BL[:, 1:].flatten()
    kept = targets != -100
    losses = nn.functional.cross_entropy(
        logits_BLV[:, :-1].flatten(0, 1)[kept].float(), targets[kept], reduction="none"
    )
    is_coordinate = (targets[kept] >= coordinate_start) & (targets[kept] < coordinate_start + bins)
    weights = torch.where(is_coordinate, coordinate_weight, 1.0).to(losses)
    return (losses * weights).sum() / weights.sum().clamp_min(1e-6)


def box_loss(predicted_BL: Tensor, coordinates_BL: Tensor) -> Tensor:
    """Mean |b - b*| over coordinate positions (TextHawk eq. 5); `coordinates` is NaN where the token is none."""
    targets = coordinates_BL[:, 1:]
    kept = ~torch.isnan(targets)
    if not kept.any():
        return predicted_BL.sum() * 0.0
    return (predicted_BL[:, :-1][kept].float() - targets[kept].float()).abs().mean()
