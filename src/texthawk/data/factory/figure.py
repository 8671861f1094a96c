"""Smooth drawing with PIL: lines, polygons and discs are drawn enlarged and brought to size at the end."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

Colour = tuple[int, int, int]
Point = tuple[float, float]
Corners = tuple[float, float, float, float]


class Figure:
    """A picture of width x height pixels that is drawn `fineness` times as large; all coordinates are those of the result.

    Its top left corner is at `origin`. Places are edges between pixels, so a rectangle from 0 to 2 covers two pixels.
    ground: None for a picture that is clear where nothing is drawn.
    """

    def __init__(
        self, width: int, height: int, ground: Colour | None, fineness: int = 2, origin: tuple[int, int] = (0, 0)
    ):
        self.width, self.height, self.fineness, self.origin = width, height, fineness, origin
        mode, fill = ("RGBA", (0, 0, 0, 0)) if ground is None else ("RGB", ground)
        self._large = Image.new(mode, (width * fineness, height * fineness), fill)
        self._pen = ImageDraw.Draw(self._large)

    def finished(self) -> Image.Image:
        """The picture in its own size: RGB, or RGBA where there is no ground."""
        return self._large if self.fineness == 1 else self._large.reduce(self.fineness)

    def rectangle(
        self,
        box: Sequence[float],
        fill: Colour | None,
        outline: Colour | None = None,
        width: float = 0.0,
        round: float = 0,
    ) -> None:
        """A filled rectangle; its outline lies inside."""
        left, top, right, bottom = self._corners(box)
        if right < left or bottom < top:
            return
        line = self._width(width)
        if round:
            self._pen.rounded_rectangle(
                (left, top, right, bottom), self._width(round), fill, outline if line else None, line
            )
        else:
            self._pen.rectangle((left, top, right, bottom), fill, outline if line else None, max(1, line))

    def ellipse(
        self, box: Sequence[float], fill: Colour | None, outline: Colour | None = None, width: float = 0.0
    ) -> None:
        """A filled ellipse that touches the four sides of `box`."""
        line = self._width(width)
        self._pen.ellipse(self._corners(box), fill, outline if line else None, line or 1)

    def slice(
        self, box: Sequence[float], first: float, last: float, fill: Colour, outline: Colour | None, width: float
    ) -> None:
        """The part of an ellipse between two angles in degrees, clockwise from three o'clock."""
        line = self._width(width)
        self._pen.pieslice(self._corners(box), first, last, fill, outline if line else None, line or 1)

    def arc(self, box: Sequence[float], first: float, last: float, fill: Colour, width: float) -> None:
        """The part of an ellipse's line between two angles; the line lies inside `box`."""
        self._pen.arc(self._corners(box), first, last, fill, max(1, self._width(width)))

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """A line through `points` with round joints and ends."""
        wide = max(1, self._width(width))
        scaled = self._points(points)
        self._pen.line(scaled, fill, wide, joint="curve")
        if wide > 3:
            half = wide / 2 - 0.5
            for x, y in (scaled[0], scaled[-1]):
                self._pen.ellipse((x - half, y - half, x + half, y + half), fill)

    def polygon(self, points: Sequence[Point], fill: Colour, outline: Colour | None = None, width: float = 0.0) -> None:
        """A filled polygon; its outline lies half outside."""
        self._pen.polygon(self._points(points), fill)
        if outline and width:
            self.line([*points, points[0], points[1]], outline, width)

    def _width(self, width: float) -> int:
        return round(width * self.fineness)

    def _points(self, points: Sequence[Point]) -> list[Point]:
        (left, top), fineness = self.origin, self.fineness
        return [((x - left) * fineness, (y - top) * fineness) for x, y in points]

    def _corners(self, box: Sequence[float]) -> tuple[int, int, int, int]:
        """First and last pixel of a box, as PIL counts them."""
        (x, y), fineness = self.origin, self.fineness
        left, top, right, bottom = box
        return (
            round((left - x) * fineness),
            round((top - y) * fineness),
            round((right - x) * fineness) - 1,
            round((bottom - y) * fineness) - 1,
        )
