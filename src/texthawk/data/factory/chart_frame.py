"""What stands around a chart's values: title, legend, axes with ticks and names; and the room left for the values."""

from collections.abc import Sequence
from dataclasses import dataclass

from texthawk.data.factory.chart_board import Board, fitted
from texthawk.data.factory.chart_data import Axis, Chart
from texthawk.data.factory.figure import Colour
from texthawk.data.factory.ink import joined
from texthawk.types import Box

TITLE, LEGEND, NAME, TICKS, VALUES, CATEGORIES, FOOT = range(7)
"""Ranks of text: the order in which a chart is read."""


@dataclass(frozen=True)
class Scale:
    """Values of an axis as places in pixels: `start` is the axis' low end, `end` its high one."""

    axis: Axis
    start: float
    end: float

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.axis.low) / (self.axis.high - self.axis.low)


def printed(chart: Chart, board: Board, series: int, value: int) -> str:
    """A value as it stands in the picture."""
    axis = chart.axis(series)
    return axis.written(value, thousands=board.look.thousands) + axis.sign


def title(board: Board, chart: Chart) -> Box:
    """Write the title; returns the room below it."""
    left, top, right, bottom = board.area
    pad = board.look.size * 0.9
    face = board.look.face(1.35, "bold")
    y = top + pad
    for line in list(face.wrap(chart.title, right - left - 2 * pad))[:3]:
        board.text(TITLE, (left + right) / 2, y + face.ascent / 2, joined(line), face)
        y += 1.35 * face.size
    return Box(left + pad, y + 0.3 * face.size, right - pad, bottom - pad)


def legend(board: Board, names: Sequence[str], colours: Sequence[Colour], room: Box) -> Box:
    """Write the legend at its side of `room`; returns the room beside it."""
    look = board.look
    face = look.face(0.92)
    swatch, gap = 0.8 * look.size, 0.45 * look.size
    widths = [swatch + gap + face.width(name) for name in names]
    step = 1.7 * look.size
    if look.legend == "right" and max(widths) < 0.3 * room.width:
        left = room.right - max(widths)
        top = (room.top + room.bottom - step * len(names)) / 2
        for number, (name, colour) in enumerate(zip(names, colours, strict=True)):
            _entry(board, left, top + step * (number + 0.5), name, colour)
        return Box(room.left, room.top, left - 1.2 * look.size, room.bottom)
    rows: list[list[int]] = [[]]
    for number, width in enumerate(widths):
        used = sum(widths[i] + 1.6 * look.size for i in rows[-1])
        if rows[-1] and used + width > room.width:
            rows.append([])
        rows[-1].append(number)
    height = step * len(rows)
    y = (room.bottom - height if look.legend == "bottom" else room.top) + step / 2
    for row in rows:
        x = (room.left + room.right - sum(widths[i] for i in row) - 1.6 * look.size * (len(row) - 1)) / 2
        for number in row:
            _entry(board, x, y, names[number], colours[number])
            x += widths[number] + 1.6 * look.size
        y += step
    if look.legend == "bottom":
        return Box(room.left, room.top, room.right, room.bottom - height - 0.6 * look.size)
    return Box(room.left, room.top + height + 0.5 * look.size, room.right, room.bottom)


def _entry(board: Board, x: float, middle: float, name: str, colour: Colour) -> None:
    swatch = 0.8 * board.look.size
    board.figure.rectangle((x, middle - swatch / 2, x + swatch, middle + swatch / 2), colour)
    rank = FOOT if board.look.legend == "bottom" else LEGEND
    board.text(rank, x + swatch + 0.45 * board.look.size, middle, name, board.look.face(0.92), align="left")


@dataclass(frozen=True)
class Plot:
    """The room of the values, the scale along which they grow, and the middle and width of each category's place."""

    inner: Box
    scale: Scale
    middles: tuple[float, ...]
    pitch: float


def axes(board: Board, chart: Chart, room: Box, *, across: bool, ticks: bool) -> Plot:
    """Draw a value axis and a category axis into `room`; `ticks`: with numbers on the value axis."""
    return _lying(board, chart, room, ticks) if across else _standing(board, chart, room, ticks)


def _standing(board: Board, chart: Chart, room: Box, ticks: bool) -> Plot:
    look, size = board.look, board.look.size
    axis, bottom, top = chart.axes[0], room.bottom - 3.4 * size, room.top + 1.3 * size
    face = look.face(min(0.9, 0.9 * (bottom - top) / len(axis.ticks) / size))
    written = [printed(chart, board, 0, tick) for tick in axis.ticks] if ticks else []
    left = room.left + 1.6 * size + max((face.width(text) for text in written), default=0.0) + 0.7 * size
    right = room.right - 0.4 * size
    pitch = (right - left) / len(chart.categories)
    below = fitted(look, chart.categories, 0.94 * pitch, 0.95)
    inner = Box(left, top, right, bottom)
    scale = Scale(axis, bottom, top)
    _ground(board, inner, scale, ticks, upright=True)
    _name(board, axis.name, room.left + 0.6 * size, (inner.top + bottom) / 2, inner.height)
    for tick in reversed(axis.ticks) if ticks else ():
        board.text(TICKS, left - 0.6 * size, scale.at(tick), printed(chart, board, 0, tick), face, align="right")
    middles = tuple(left + pitch * (number + 0.5) for number in range(len(chart.categories)))
    for middle, category in zip(middles, chart.categories, strict=True):
        board.text(CATEGORIES, middle, bottom + size, category, below)
    board.text(CATEGORIES, (left + right) / 2, room.bottom - 0.8 * size, chart.heading, look.face(0.95))
    return Plot(inner, scale, middles, pitch)


def _lying(board: Board, chart: Chart, room: Box, ticks: bool) -> Plot:
    look, size = board.look, board.look.size
    axis, face = chart.axes[0], look.face(0.9)
    bottom = room.bottom - (3.4 if ticks else 2.0) * size
    pitch = (bottom - room.top - 0.3 * size) / len(chart.categories)
    beside = fitted(look, chart.categories, 0.3 * room.width, min(0.95, 0.9 * pitch / size))
    left = room.left + 1.8 * size + max(beside.width(text) for text in chart.categories) + 0.8 * size
    last = printed(chart, board, 0, axis.high)
    printed_beside = chart.labelled and chart.kind != "stacked"
    right = room.right - (face.width(last) + 0.4 * size if printed_beside else max(0.5 * face.width(last), 0.4 * size))
    inner = Box(left, room.top + 0.3 * size, right, bottom)
    scale = Scale(axis, left, right)
    _ground(board, inner, scale, ticks, upright=False)
    middles = tuple(inner.top + pitch * (number + 0.5) for number in range(len(chart.categories)))
    _name(board, chart.heading, room.left + 0.6 * size, (inner.top + bottom) / 2, inner.height)
    for middle, category in zip(middles, chart.categories, strict=True):
        board.text(TICKS, left - 0.6 * size, middle, category, beside, align="right")
    if ticks:
        written = [printed(chart, board, 0, tick) for tick in axis.ticks]
        face = fitted(look, written, 0.85 * (right - left) / (len(written) - 1), 0.9)
        for tick, text in zip(axis.ticks, written, strict=True):
            board.text(CATEGORIES, scale.at(tick), bottom + size, text, face)
    board.text(CATEGORIES, (left + right) / 2, room.bottom - 0.8 * size, axis.name, look.face(0.95))
    return Plot(inner, scale, middles, pitch)


def crossed(board: Board, chart: Chart, room: Box) -> tuple[Box, Scale, Scale]:
    """Draw two value axes; returns the room of the points and the scales of x and y."""
    look, size, face = board.look, board.look.size, board.look.face(0.9)
    x_axis, y_axis = chart.axes
    up = [printed(chart, board, 1, tick) for tick in y_axis.ticks]
    left = room.left + 1.6 * size + max(face.width(text) for text in up) + 0.7 * size
    right = room.right - 1.5 * size
    inner = Box(left, room.top + 1.4 * size, right, room.bottom - 3.4 * size)
    across, upward = Scale(x_axis, left, right), Scale(y_axis, inner.bottom, inner.top)
    _ground(board, inner, upward, True, upright=True)
    for tick in x_axis.ticks:
        x = across.at(tick)
        if look.grid:
            board.figure.line([(x, inner.top), (x, inner.bottom)], look.grid, 1)
        board.text(CATEGORIES, x, inner.bottom + size, printed(chart, board, 0, tick), face)
    for tick, text in zip(reversed(y_axis.ticks), reversed(up), strict=True):
        board.text(TICKS, left - 0.6 * size, upward.at(tick), text, face, align="right")
    _name(board, y_axis.name, room.left + 0.6 * size, (inner.top + inner.bottom) / 2, inner.height)
    board.text(CATEGORIES, (left + right) / 2, room.bottom - 0.8 * size, x_axis.name, look.face(0.95))
    return inner, across, upward


def _name(board: Board, name: str, x: float, middle: float, room: float) -> None:
    """The name of an upright axis, read from bottom to top."""
    board.text(NAME, x, middle, name, fitted(board.look, [name], room, 0.95), turned=True)


def _ground(board: Board, inner: Box, scale: Scale, ticks: bool, *, upright: bool) -> None:
    """Ground, grid lines, marks of ticks and frame."""
    look, figure = board.look, board.figure
    figure.rectangle(inner, look.plot)
    short = 0.3 * look.size
    for tick in scale.axis.ticks if ticks else ():
        place = scale.at(tick)
        if look.grid:
            ends = (
                ((inner.left, place), (inner.right, place)) if upright else ((place, inner.top), (place, inner.bottom))
            )
            figure.line(ends, look.grid, 1)
        mark = ((inner.left - short, place), (inner.left, place))
        if not upright:
            mark = ((place, inner.bottom), (place, inner.bottom + short))
        figure.line(mark, look.ink, 1)
    left, top, right, bottom = inner
    corners = [(left, top), (left, bottom), (right, bottom), (right, top)]
    if look.frame == "box":
        figure.line([*corners, corners[0]], look.ink, 1)
    elif look.frame == "open":
        figure.line(corners[:3], look.ink, 1)
    else:
        figure.line(corners[1:3] if upright else corners[:2], look.ink, 1)
