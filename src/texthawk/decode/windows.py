"""Regions of a page become windows: canvases with one line of text on each row, as a small model was trained to read.

Long lines are cut at gaps between words (between letters where no word ends nearby, as in Chinese) and go on in the next row;
short regions share a window.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from PIL import Image

from texthawk.decode.regions import InkLine, Region
from texthawk.decode.rotation import box_before
from texthawk.image.rows import Placement, RowSetting, set_rows
from texthawk.types import Box


@dataclass(frozen=True)
class Piece:
    """A line of a page, or a part of one; `line` numbers the lines of the page from 0.

    `continued` says that it goes on with the line of the piece before it, `spaced` that a gap stands between the two; a word
    too long for a row is cut without one. gaps: of its ink, (left, right), that are wide enough to part words. lean: pixels
    by which it falls for each to the right. upward: it is read from the foot of the page upwards; its gaps are those on the
    page turned clockwise.
    """

    box: Box
    scale: float
    continued: bool
    spaced: bool
    line: int
    gaps: tuple[tuple[float, float], ...] = ()
    lean: float = 0.0
    upward: bool = False

    @property
    def length(self) -> float:
        """How long it is in the direction of reading."""
        return self.box.height if self.upward else self.box.width

    @property
    def height(self) -> float:
        """How high it is, across that."""
        return self.box.width if self.upward else self.box.height

    def gap_behind(self, before: "Piece") -> float:
        """Heights of the line between the end of the piece before it and its own beginning."""
        gap = before.box.top - self.box.bottom if self.upward else self.box.left - before.box.right
        return gap / max(1.0, self.height)


@dataclass(frozen=True)
class Window:
    """A canvas to be read, its pieces from top to bottom and where on the canvas each of them lies."""

    image: Image.Image
    pieces: tuple[Piece, ...]
    places: tuple[Placement, ...]


def windows_of(page: Image.Image, regions: Sequence[Region], setting: RowSetting) -> list[Window]:
    """The windows of a page's regions, in reading order; `regions` are in pixels of `page`."""
    lines = [(line, region) for region in regions for line in region.lines]
    pieces = [
        _on_page(piece, page.height) if region.upward else piece
        for k, (line, region) in enumerate(lines)
        for piece in _pieces(line, k, region, setting)
    ]
    windows = []
    for start in range(0, len(pieces), setting.rows):
        chosen = tuple(pieces[start : start + setting.rows])
        canvas, places = set_rows(
            page,
            [(piece.box, piece.scale) for piece in chosen],
            setting.of_rows(len(chosen)),
            leans=[piece.lean for piece in chosen],
            upward=[piece.upward for piece in chosen],
        )
        windows.append(Window(canvas, chosen, tuple(places)))
    return windows


def fitted(
    page: Image.Image,
    regions: Sequence[Region],
    setting: RowSetting,
    price: Callable[[Image.Image], int],
    most: int | None = None,
) -> list[Window]:
    """The windows that a page is read in: type is made smaller until they cost at most `most` visual tokens.

    `price` is that of one window's canvas. Raises ValueError where the page does not fit even with its type half as high.
    """
    smaller = setting
    while True:
        windows = windows_of(page, regions, smaller)
        cost = sum(price(window.image) for window in windows)
        if most is None or cost <= most:
            return windows
        smaller = replace(smaller, ink=0.9 * smaller.ink)
        if smaller.ink < 0.5 * setting.ink:
            raise ValueError(
                f"the page needs {cost} visual tokens even with its type made as small as can be read, the bound is "
                f"{most}; raise max_visual_tokens"
            )


def _pieces(line: InkLine, number: int, region: Region, setting: RowSetting) -> Iterator[Piece]:
    """A line in as few pieces as fit on rows, of about equal length, cut in gaps where there are any nearby."""
    box = line.box
    scale = setting.scale(line.height, region.line_height)
    room = setting.room(scale)
    left, continued, spaced = box.left, False, True
    while box.right - left > room:
        share = (box.right - left) / math.ceil((box.right - left) / room)
        # A gap between a label and its value may be wider than a piece: it counts wherever it ends.
        fitting = [
            gap for gap in line.gaps if left < gap[0] <= left + room and left + 0.5 * share <= gap[1] < box.right
        ]
        widest = max((gap[1] - gap[0] for gap in fitting), default=0.0)
        fitting = [gap for gap in fitting if gap[1] - gap[0] >= 0.6 * widest]  # between words, not letters
        cut = min(fitting, key=lambda gap: max(gap[0] - left - share, left + share - gap[1], 0), default=None)
        end, after = cut or _crack(line, left, share, room) or (left + share, left + share)
        yield _piece(line, left, end, scale, continued, spaced, number)
        left, continued, spaced = after, True, cut is not None
    yield _piece(line, left, box.right, scale, continued, spaced, number)


def _crack(line: InkLine, left: float, share: float, room: float) -> tuple[float, float] | None:
    """The widest gap between letters that ends a piece from `left` on, about `share` long and at most `room`."""
    near, reach = left + share, min(line.box.height, 0.5 * share)
    fitting = [gap for gap in line.cracks if near - reach <= gap[1] and gap[0] <= min(near + reach, left + room)]
    return max(fitting, key=lambda gap: (gap[1] - gap[0], -abs(gap[0] - near)), default=None)


def _on_page(piece: Piece, height: int) -> Piece:
    """A piece of the page turned clockwise, as one of the page, which is so high."""
    return replace(piece, box=box_before(piece.box, 90, 0.0, height), upward=True)


def _piece(line: InkLine, left: float, right: float, scale: float, continued: bool, spaced: bool, number: int) -> Piece:
    gaps = tuple(gap for gap in line.gaps if left < gap[0] and gap[1] < right)
    return Piece(line.between(left, right), scale, continued, spaced, number, gaps, line.lean)
