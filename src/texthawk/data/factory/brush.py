"""A brush for simple pictures: shapes in a unit square, in a main colour, its shade and light, with a thin dark edge."""

import math

from texthawk.data.factory.figure import Colour, Figure, Point

DARK: Colour = (55, 50, 55)
PALE: Colour = (240, 238, 228)
WOOD: Colour = (120, 84, 50)


class Brush:
    """A figure seen as a square of side 1 at (`left`, `top`), `side` pixels long, with the main colour and its neighbours."""

    def __init__(self, figure: Figure, left: float, top: float, side: float, colour: Colour):
        self.figure, self.left, self.top, self.side = figure, left, top, side
        self.main = colour
        self.shade: Colour = mixed(colour, (0, 0, 0), 0.28)
        self.light: Colour = mixed(colour, (255, 255, 255), 0.45)
        self.edge: Colour = mixed(colour, (20, 20, 20), 0.62)
        self.stroke = max(1.0, side / 60)

    def points(self, *pairs: float) -> list[Point]:
        """Coordinates x0, y0, x1, y1, ... as places on the figure."""
        placed = zip(pairs[::2], pairs[1::2], strict=True)
        return [(self.left + x * self.side, self.top + y * self.side) for x, y in placed]

    def box(self, left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
        (x0, y0), (x1, y1) = self.points(left, top, right, bottom)
        return x0, y0, x1, y1

    def block(
        self, left: float, top: float, right: float, bottom: float, fill: Colour | None = None, round: float = 0
    ) -> None:
        self.figure.rectangle(
            self.box(left, top, right, bottom), fill or self.main, self.edge, self.stroke, round * self.side
        )

    def disc(self, x: float, y: float, across: float, down: float = 0.0, fill: Colour | None = None) -> None:
        """An ellipse about (x, y) with the half axes `across` and `down`, a circle where only one is given."""
        down = down or across
        box = self.box(x - across, y - down, x + across, y + down)
        self.figure.ellipse(box, fill or self.main, self.edge, self.stroke)

    def shape(self, *pairs: float, fill: Colour | None = None) -> None:
        self.figure.polygon(self.points(*pairs), fill or self.main, self.edge, self.stroke)

    def line(self, *pairs: float, fill: Colour | None = None, width: float = 0.03) -> None:
        self.figure.line(self.points(*pairs), fill or self.edge, width * self.side)

    def bow(
        self, left: float, top: float, right: float, bottom: float, first: float, last: float, width: float
    ) -> None:
        """Part of an ellipse's line, in the main colour between two thin edges."""
        box = self.box(left, top, right, bottom)
        self.figure.arc(box, first, last, self.edge, width * self.side)
        inset = self.stroke
        inner = (box[0] + inset, box[1] + inset, box[2] - inset, box[3] - inset)
        self.figure.arc(inner, first, last, self.main, width * self.side - 2 * inset)

    def ring(self, count: int, outer: float, inner: float, start: float = -90.0) -> list[float]:
        """Corners of a polygon or star about the middle, as coordinates; `inner` is the radius of every second corner."""
        pairs: list[float] = []
        for corner in range(count):
            angle = math.radians(start + 360 * corner / count)
            radius = inner if corner % 2 else outer
            pairs += [0.5 + radius * math.cos(angle), 0.5 + radius * math.sin(angle)]
        return pairs


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue
