"""The ground that a chart is drawn on: its look, shapes first and text on top of them."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.document import Line
from texthawk.data.factory.figure import Colour, Figure
from texthawk.data.factory.ink import Face
from texthawk.data.factory.styles import Style
from texthawk.data.synth.dice import Dice
from texthawk.types import Box

PALETTES: tuple[tuple[Colour, ...], ...] = (
    ((31, 119, 180), (255, 127, 14), (44, 160, 44), (214, 39, 40), (148, 103, 189), (140, 86, 75), (227, 119, 194)),
    ((66, 103, 172), (221, 132, 82), (85, 168, 104), (196, 78, 82), (129, 114, 179), (147, 120, 96), (218, 139, 195)),
    ((0, 63, 92), (188, 80, 144), (255, 166, 0), (88, 80, 141), (255, 99, 97), (60, 140, 130), (150, 170, 60)),
    ((38, 70, 83), (42, 157, 143), (233, 196, 106), (244, 162, 97), (231, 111, 81), (120, 90, 150), (90, 160, 210)),
    ((90, 90, 90), (150, 40, 50), (200, 160, 60), (60, 110, 160), (110, 150, 80), (170, 120, 170), (30, 30, 30)),
    ((20, 110, 190), (120, 190, 240), (250, 170, 70), (240, 100, 60), (110, 180, 110), (40, 130, 90), (170, 90, 160)),
)
DARK_PALETTE: tuple[Colour, ...] = (
    (110, 180, 250), (250, 170, 90), (130, 220, 140), (250, 120, 120), (200, 160, 250), (240, 220, 110), (120, 220, 220),
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What a chart looks like.

    size: of its text in pixels. across: bars lie on their side. frame: lines around the plot ("box", "open", "foot").
    legend: where it stands ("top", "right", "bottom"). thousands: what parts thousands in print. thin: part of a bar's
    place that the bar fills.
    """

    style: Style
    size: float
    ground: Colour
    plot: Colour
    ink: Colour
    grid: Colour | None
    colours: tuple[Colour, ...]
    across: bool
    frame: str
    legend: str
    thousands: str
    thin: float
    outlined: bool
    varied: bool
    hole: float

    def face(self, scale: float = 1.0, kind: str = "regular") -> Face:
        return self.style.face(self.size * scale, kind)


def look_of(dice: Dice, style: Style, size: float, ground: Colour | None = None) -> Look:
    """A look by dice, on a ground of its own unless one is given."""
    dark = ground is None and dice.chance(0.1)
    if ground is None:
        tint = dice.integer(236, 250)
        ground = (
            (28, 32, 44) if dark else dice.pick(((255, 255, 255), (255, 255, 255), (tint, tint, 252), (252, 250, tint)))
        )
    palette = DARK_PALETTE if dark else dice.pick(PALETTES)
    turned = dice.integer(0, len(palette) - 1)
    line: Colour = (70, 76, 90) if dark else dice.pick(((225, 225, 225), (208, 212, 220), (190, 190, 190)))
    shade = dice.pick((ground, ground, (20, 23, 33) if dark else (244, 245, 249)))
    return Look(
        style=style,
        size=size,
        ground=ground,
        plot=shade,
        ink=(230, 232, 238) if dark else dice.pick(((0, 0, 0), (40, 40, 40), (50, 55, 75))),
        grid=line if dice.chance(0.7) else None,
        colours=palette[turned:] + palette[:turned],
        across=dice.chance(0.3),
        frame=dice.pick(("box", "open", "open", "foot")),
        legend=dice.pick(("top", "right", "bottom")),
        thousands=dice.pick(("", "", ",")),
        thin=dice.between(0.5, 0.88),
        outlined=dice.chance(0.25),
        varied=dice.chance(0.2),
        hole=dice.between(0.4, 0.62) if dice.chance(0.3) else 0.0,
    )


class Board:
    """An area of a canvas: shapes are drawn at once, text when `finish` is called, in the order of its `rank`."""

    def __init__(self, canvas: Canvas, area: Box, look: Look, fineness: int):
        self.canvas, self.area, self.look = canvas, area, look
        self._corner = (round(area.left), round(area.top))
        width, height = round(area.right) - self._corner[0], round(area.bottom) - self._corner[1]
        self.figure = Figure(width, height, look.ground, fineness, self._corner)
        self._texts: list[tuple[int, int, float, float, str, Face, Colour, str, bool]] = []
        self._number = itertools.count()

    def text(
        self,
        rank: int,
        x: float,
        middle: float,
        text: str,
        face: Face,
        *,
        align: str = "centre",
        colour: Colour | None = None,
        turned: bool = False,
    ) -> None:
        """Print `text` later, its capitals about the height `middle`; turned by a quarter it is centred there."""
        entry = (rank, next(self._number), x, middle, text, face, colour or self.look.ink, align, turned)
        self._texts.append(entry)

    def finish(self) -> None:
        """Put shapes and text on the canvas."""
        self.canvas.image.paste(self.figure.finished(), self._corner)
        for _, _, x, middle, text, face, colour, align, turned in sorted(self._texts):
            if turned:
                self._turned(x, middle, text, face, colour)
            else:
                self.canvas.text(x, middle + face.ascent / 2, text, face, colour, align=align)

    def _turned(self, x: float, middle: float, text: str, face: Face, colour: Colour) -> None:
        """Print from bottom to top."""
        strip = Canvas(round(face.width(text)) + 12, round(2 * face.size) + 4, self.look.ground)
        line = strip.text(6, strip.height * 0.72, text, face, colour)
        box = tuple(round(side) for side in line.box)
        piece = strip.image.crop((box[0], box[1], box[2], box[3])).transpose(Image.Transpose.ROTATE_90)
        left, top = round(x - piece.width / 2), round(middle - piece.height / 2)
        self.canvas.image.paste(piece, (left, top))
        x0, y0, x1, y1 = (line.boxes[:, side] for side in range(4))
        boxes = np.stack([left + y0 - box[1], top + box[2] - x1, left + y1 - box[1], top + box[2] - x0], axis=1)
        self.canvas.lines.append(Line(line.units, line.spaced, boxes.astype(np.float32)))


def fitted(look: Look, texts: Sequence[str], room: float, scale: float = 1.0, kind: str = "regular") -> Face:
    """The largest face of at most `scale` in which every text is no wider than `room`; it goes no lower than 40%."""
    while True:
        face = look.face(scale, kind)
        widest = max((face.width(text) for text in texts), default=0.0)
        if widest <= room or scale < 0.45:
            return face
        scale *= max(0.8, min(0.95, room / widest))


def readable_on(fill: Colour) -> Colour:
    """Black or white, whichever stands out from `fill`."""
    return (0, 0, 0) if 0.299 * fill[0] + 0.587 * fill[1] + 0.114 * fill[2] > 140 else (255, 255, 255)
