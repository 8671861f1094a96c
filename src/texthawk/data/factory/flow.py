"""Blocks of text one below the other in a strip of a canvas, and the Markdown of what was set."""

from collections.abc import Sequence

from texthawk.data.factory.canvas import Canvas, Colour
from texthawk.data.factory.document import Line, beside
from texthawk.data.factory.ink import Face, Unit
from texthawk.types import Box


class Strip:
    """A column from `left` to `right` whose lines go down from `top` to at most `bottom`; `y` is where the next one begins.

    leading: distance of baselines as a factor on a face's size.
    """

    def __init__(self, canvas: Canvas, left: float, right: float, top: float, bottom: float, leading: float = 1.4):
        self.canvas, self.left, self.right, self.bottom, self.leading = canvas, left, right, bottom, leading
        self.y = top

    @property
    def width(self) -> float:
        return self.right - self.left

    def pitch(self, face: Face) -> float:
        """Distance between the baselines of lines in `face`."""
        return max(self.leading * face.size, face.ascent + face.descent + 2)

    def rows(self, face: Face) -> int:
        """How many lines in `face` there is still room for."""
        return max(0, int((self.bottom - self.y) / self.pitch(face)))

    def baseline(self, face: Face) -> float:
        """Where the next line's letters stand: its height and the gap between lines are shared above and below them."""
        return self.y + (self.pitch(face) + face.ascent - face.descent) / 2

    def skip(self, distance: float) -> None:
        self.y += distance

    def line(
        self,
        text: str | Sequence[Unit],
        face: Face,
        colour: Colour | None = None,
        *,
        align: str = "left",
        indent: float = 0.0,
        stretch: float = 0.0,
    ) -> Line | None:
        """Print one line, which must fit the width; None, and nothing printed, where there is no room below."""
        if self.rows(face) < 1:
            return None
        x = {"left": self.left + indent, "centre": (self.left + self.right) / 2, "right": self.right}[align]
        line = self.canvas.text(x, self.baseline(face), text, face, colour, align=align, stretch=stretch)
        self.y += self.pitch(face)
        return line

    def pair(
        self, label: str, value: str, face: Face, value_face: Face | None = None, *, at: float | None = None
    ) -> Box | None:
        """Print a label and its value on a line, the value at the right or from `at` on; below it where that is too narrow.

        Returns the value's box, None where there is no room below. The value must fit the width.
        """
        value_face = value_face or face
        way = value_face.width(value)
        x = self.right - way if at is None else max(self.left + at, self.left + face.width(label) + face.space)
        if x + way > self.right + 0.5 or self.left + face.width(label) + face.space > x:
            if self.rows(face) < 2 or self.line(label, face) is None:
                return None
            line = self.line(value, value_face, align="right" if at is None else "left")
            return line.box if line else None
        base = self.baseline(face)
        first = self.line(label, face)
        if first is None:
            return None
        second = self.canvas.text(x, base, value, value_face, keep=False)
        self.canvas.lines[-1] = beside(first, second)
        return second.box

    def paragraph(
        self,
        text: str,
        face: Face,
        colour: Colour | None = None,
        *,
        align: str = "left",
        indent: float = 0.0,
        hang: float = 0.0,
        most: int = 10_000,
    ) -> tuple[list[Line], str]:
        """Set `text` ("left", "centre", "right", "justified") and return its lines and what found no room.

        indent: of the first line, hang: of all lines, in pixels.
        """
        room, lines = min(self.rows(face), most), list[Line]()
        width = self.width - hang
        cut = list(face.wrap(face.fit(text), width, width - indent))
        for i, units in enumerate(cut[:room]):
            first = indent if i == 0 else 0.0
            stretch, how = 0.0, "left" if align == "justified" else align
            if align == "justified" and i < len(cut) - 1:
                stretch = _stretch(units, face, width - first)
            line = self.line(units, face, colour, align=how, indent=hang + first, stretch=stretch)
            assert line is not None
            lines.append(line)
        rest = "".join((" " if unit.spaced else "") + unit.text for units in cut[room:] for unit in units)
        return lines, rest.strip()


def _stretch(units: Sequence[Unit], face: Face, width: float) -> float:
    """Pixels for every gap of a line that is to be as wide as the strip; none where that would tear it apart."""
    gaps = sum(unit.spaced for unit in units[1:])
    way = sum(face.word(unit.text).advance for unit in units) + gaps * face.space
    spare = (width - way) / gaps if gaps else 0.0
    return max(0.0, spare) if spare < 1.5 * face.size else 0.0


def around_lines(lines: Sequence[Line]) -> Box:
    """Smallest box around lines."""
    boxes = [line.box for line in lines]
    return Box(
        min(box.left for box in boxes),
        min(box.top for box in boxes),
        max(box.right for box in boxes),
        max(box.bottom for box in boxes),
    )
