"""Lines of a page set on the rows of a canvas, one line to a row of visual tokens.

A visual token of TextHawk2 stands for a strip of 28 px; lines of a page lie across those strips anyhow. A small model
reads better when each line is cut out, brought to one height and set in the middle of a strip of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from texthawk.types import Box

FAINT = 24  # grey levels that differ less from the paper are no rule
TALLEST = 7
"""Tiles below each other on the grid of a whole page: the text on 56 rows fits into a context of 4096 bytes."""
INK = 235  # grey levels between paper and the print of a piece that is turned over
WIDEST_RULE = 6  # pixels of the canvas, with one on each side


@dataclass(frozen=True)
class RowSetting:
    """A canvas of `tiles` tiles side by side and `down` below each other, in rows of `row_height`.

    A full line's ink is made `ink` pixels high.

    Nothing is enlarged more than `most` times. Around the ink, `margin` pixels (of the canvas) of the page are kept.
    """

    tiles: int = 2
    tile: int = 224
    row_height: int = 28
    ink: float = 23.0
    margin: float = 2.0
    most: float = 3.0
    down: int = 1

    @property
    def width(self) -> int:
        return self.tiles * self.tile

    @property
    def height(self) -> int:
        return self.down * self.tile

    @property
    def rows(self) -> int:
        return self.height // self.row_height

    def of_rows(self, rows: int) -> "RowSetting":
        """No more tiles below each other than so many rows need, and no more than there are."""
        return replace(self, down=min(self.down, max(1, -(-rows * self.row_height // self.tile))))

    def scale(self, height: float, typical: float) -> float:
        """How much a line with ink `height` pixels high is enlarged, among lines that are typically `typical` high.

        A line without long letters has little ink but the type of its neighbours; one that is far from them in height
        has a type of its own.
        """
        reference = typical if 0.6 * typical <= height <= 1.25 * typical else height
        return min(self.ink / reference, (self.row_height - 2) / height, self.most)

    def room(self, scale: float) -> float:
        """The longest piece of a line, in pixels of the page, that fits on a row."""
        return (self.width - 4 * self.margin) / scale


def row_setting(tile: int, *, whole_page: bool = False) -> RowSetting:
    """The rows that a model with tiles of this side is shown: eight on a canvas, or as many of a page's as fit on one grid.

    Type is set as large as training showed it (`train/rows.py` sets it from three quarters to 1.1 times a setting's 23 px).
    """
    return RowSetting(tile=tile, row_height=tile // 8, ink=25 * tile / 224, down=TALLEST if whole_page else 1)


@dataclass(frozen=True)
class Placement:
    """Where a piece of the page lies on the canvas: page pixel (x, y) goes to (x - left, y - top) * scale + (x0, y0).

    foot: the page's height where the piece is read upwards; it holds for pixels of the page turned clockwise then.
    """

    left: float
    top: float
    scale: float
    x0: float
    y0: float
    foot: float | None = None

    def to_canvas(self, boxes: np.ndarray) -> np.ndarray:
        """(n, 4) boxes of the page on the canvas."""
        if self.foot is not None:
            left, top, right, bottom = boxes.T
            boxes = np.stack([self.foot - bottom, left, self.foot - top, right], axis=1)
        shift = np.array([self.left, self.top, self.left, self.top])
        offset = np.array([self.x0, self.y0, self.x0, self.y0])
        return (boxes - shift) * self.scale + offset

    def to_page(self, box: Sequence[float]) -> Box:
        """A box of the canvas on the page."""
        x = [value / self.scale + self.left for value in (box[0] - self.x0, box[2] - self.x0)]
        y = [value / self.scale + self.top for value in (box[1] - self.y0, box[3] - self.y0)]
        if self.foot is not None:
            return Box(y[0], self.foot - x[1], y[1], self.foot - x[0])
        return Box(x[0], y[0], x[1], y[1])


def set_rows(
    page: Image.Image,
    pieces: Sequence[tuple[Box, float]],
    setting: RowSetting,
    nudges: Sequence[tuple[float, float]] = (),
    leans: Sequence[float] = (),
    upward: Sequence[bool] = (),
) -> tuple[Image.Image, list[Placement]]:
    """Set pieces of lines (box of the ink, scale) on the rows of one canvas, top to bottom, and say where they lie.

    `nudges` moves each piece (right, down) from its usual place, in pixels. `leans` says by how many pixels each falls for
    each to the right; such a piece is made level, and its `Placement` is right for its middle. What is read `upward` is set
    as the page turned clockwise shows it. Light print on dark paper is turned over, dark on white.
    """
    if len(pieces) > setting.rows:
        raise ValueError(f"{len(pieces)} lines do not fit on {setting.rows} rows; set fewer on a canvas")
    canvas = Image.new("RGB", (setting.width, setting.height), "white")
    places = []
    paper = (255, 255, 255)
    for row, (box, scale) in enumerate(pieces):
        right, down = nudges[row] if nudges else (0.0, 0.0)
        pad = setting.margin / scale
        (across, along), foot = page.size, None
        if upward and upward[row]:
            (along, across), foot = page.size, float(page.height)
            box = Box(foot - box.bottom, box.left, foot - box.top, box.right)
        left, top = max(0.0, box.left - pad), max(0.0, box.top - pad)
        end, bottom = min(float(across), box.right + pad), min(float(along), box.bottom + pad)
        size = (max(1, round((end - left) * scale)), max(1, round((bottom - top) * scale)))
        if foot is None:
            piece = page.resize(size, Image.Resampling.BICUBIC, box=(left, top, end, bottom), reducing_gap=3.0)
        else:
            lying = (top, foot - end, bottom, foot - left)
            piece = page.resize(size[::-1], Image.Resampling.BICUBIC, box=lying, reducing_gap=3.0)
            piece = piece.transpose(Image.Transpose.ROTATE_270)
        within = top > 0 and bottom < along
        if within and leans and leans[row]:
            piece = _level(piece, leans[row])
        paper = _paper(piece)
        if within:  # else a letter may reach from edge to edge
            piece = _without_rules(piece, paper)
        piece, paper = _dark_on_light(piece, paper)
        canvas.paste(paper, (0, row * setting.row_height, setting.width, (row + 1) * setting.row_height))
        x0 = round(setting.margin + right)
        y0 = round(row * setting.row_height + (setting.row_height - piece.height) / 2 + down)
        canvas.paste(piece, (x0, y0))
        places.append(Placement(left, top, size[0] / (end - left), x0, y0 - (size[1] - piece.height) / 2, foot))
    canvas.paste(paper, (0, len(pieces) * setting.row_height, setting.width, setting.height))
    return canvas, places


def _dark_on_light(piece: Image.Image, paper: tuple[int, int, int]) -> tuple[Image.Image, tuple[int, int, int]]:
    """A piece and its paper; where its print is lighter than the paper, in grey and turned over, on white."""
    difference = np.asarray(piece.convert("L"), dtype=np.int16) - _grey(paper)
    darkest, lightest = np.percentile(difference, (2, 98))
    if lightest <= max(FAINT, -darkest):
        return piece, paper
    turned = 255 - difference.clip(0, lightest) * (INK / lightest)
    return Image.fromarray(turned.round().astype(np.uint8)).convert("RGB"), (255, 255, 255)


def _grey(colour: tuple[int, int, int]) -> int:
    red, green, blue = colour
    return round(0.299 * red + 0.587 * green + 0.114 * blue)


def _level(piece: Image.Image, lean: float) -> Image.Image:
    """A piece of a line that leans, its columns of pixels moved up and down until it does not."""
    height = max(1, round(piece.height - abs(lean) * piece.width))
    first = (piece.height - height - lean * piece.width) / 2  # row of the piece that its first column begins at
    data = (1, 0, 0, lean, 1, first)
    return piece.transform((piece.width, height), Image.Transform.AFFINE, data, Image.Resampling.BICUBIC)


def _without_rules(piece: Image.Image, paper: tuple[int, int, int]) -> Image.Image:
    """A piece without the upright rules between the cells of a table, which look like letters.

    A rule goes on above and below the line, so it crosses the margins too, and no ink touches it.
    """
    grey = np.asarray(piece.convert("L"), dtype=np.int16)
    difference = np.abs(grey - _grey(paper))
    ink = difference > max(FAINT, 0.4 * int(difference.max()))
    crossed = ink.copy()  # a rule may lean by a pixel
    crossed[:, 1:] |= ink[:, :-1]
    crossed[:, :-1] |= ink[:, 1:]
    edges = np.flatnonzero(np.diff(crossed.all(axis=0).astype(np.int8), prepend=0, append=0))
    rules = [
        (max(0, left - 1), right + 1)
        for left, right in edges.reshape(-1, 2).tolist()
        if right - left <= WIDEST_RULE
        and not ink[:, max(0, left - 2) : left].any()
        and not ink[:, right : right + 2].any()
    ]
    for left, right in rules:
        piece.paste(paper, (left, 0, right, piece.height))
    return piece


def _paper(piece: Image.Image) -> tuple[int, int, int]:
    """The colour of the paper: the median along the edge of a piece."""
    pixels = np.asarray(piece)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = np.median(edge, axis=0).astype(int).tolist()
    return red, green, blue
