"""A chart's values as bars, lines, points and slices; every drawer says where each value stands."""

import math
from collections.abc import Sequence

from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.chart_board import Board, Look, fitted, readable_on
from texthawk.data.factory.chart_data import Chart
from texthawk.data.factory.chart_frame import VALUES, axes, crossed, legend, printed, title
from texthawk.data.factory.chart_questions import Mark
from texthawk.data.factory.figure import Colour
from texthawk.types import Box

Places = dict[Mark, Box]


def draw(canvas: Canvas, area: Box, chart: Chart, look: Look) -> Places:
    """Draw `chart` into an area of the canvas; returns the box of each value's bar, point or slice."""
    board = Board(canvas, area, look, 1 if chart.kind in ("bar", "grouped", "stacked") else 2)
    room = title(board, chart)
    places = {"bar": _bars, "grouped": _bars, "stacked": _stacks, "line": _lines, "pie": _pie, "scatter": _points}[
        chart.kind
    ](board, chart, room)
    board.finish()
    return places


def _colours(look: Look, count: int) -> tuple[Colour, ...]:
    return tuple(look.colours[number % len(look.colours)] for number in range(count))


def _bars(board: Board, chart: Chart, room: Box) -> Places:
    look, count = board.look, len(chart.series)
    colours = _colours(look, count)
    if count > 1:
        room = legend(board, chart.series, colours, room)
    across = look.across or _crowded(board, chart, room)
    plot = axes(board, chart, room, across=across, ticks=not chart.labelled or look.grid is not None)
    wide = plot.pitch * look.thin / count
    texts = [printed(chart, board, s, value) for s, values in enumerate(chart.values) for value in values]
    if across:
        face = fitted(look, [], wide, min(0.9, 0.85 * wide / look.size))
    else:
        face = fitted(look, texts, 0.94 * plot.pitch if count == 1 else 0.94 * wide, 0.9)
    places: Places = {}
    zero = plot.scale.at(max(0, chart.axes[0].low))
    for category, middle in enumerate(plot.middles):
        for series in range(count):
            value = chart.values[series][category]
            first, end = middle + wide * (series - count / 2), plot.scale.at(value)
            low, high = sorted((zero, end))
            box = Box(low, first, high, first + wide) if across else Box(first, low, first + wide, high)
            colour = look.colours[category % len(look.colours)] if look.varied and count == 1 else colours[series]
            box = Box(*(float(round(side)) for side in box))
            board.figure.rectangle(box, colour, look.ink if look.outlined else None, 1)
            places[Mark(series, category)] = box
            if chart.labelled:
                text, away = printed(chart, board, series, value), -1 if value < 0 else 1
                if across:
                    x = end + away * 0.3 * look.size
                    board.text(VALUES, x, first + wide / 2, text, face, align="left" if value >= 0 else "right")
                else:
                    y = end - away * (0.3 * look.size + face.ascent / 2)
                    board.text(VALUES, first + wide / 2, y, text, face)
    if chart.axes[0].low < 0:
        left, top, right, bottom = plot.inner
        board.figure.line([(zero, top), (zero, bottom)] if across else [(left, zero), (right, zero)], look.ink, 1)
    return places


def _crowded(board: Board, chart: Chart, room: Box) -> bool:
    """Whether names of categories, or values, would have to be much smaller to stand below and above upright bars."""
    look = board.look
    pitch = 0.88 * room.width / len(chart.categories)
    names = max(look.face(0.95).width(category) for category in chart.categories)
    if names > 1.5 * pitch:
        return True
    written = [printed(chart, board, s, value) for s, values in enumerate(chart.values) for value in values]
    values = max(look.face(0.9).width(text) for text in written) * len(chart.series)
    return chart.labelled and chart.kind != "stacked" and values > 1.3 * pitch * look.thin


def _stacks(board: Board, chart: Chart, room: Box) -> Places:
    look, count = board.look, len(chart.series)
    colours = _colours(look, count)
    room = legend(board, chart.series, colours, room)
    across = look.across or _crowded(board, chart, room)
    plot = axes(board, chart, room, across=across, ticks=not chart.labelled or look.grid is not None)
    wide = plot.pitch * look.thin
    smallest = min(min(values) for values in chart.values)
    thinnest = abs(plot.scale.at(smallest) - plot.scale.at(0))
    texts = [printed(chart, board, s, value) for s, values in enumerate(chart.values) for value in values]
    high = wide if across else thinnest
    face = fitted(look, texts, 0.94 * (thinnest if across else wide), min(0.9, 0.9 * high / look.size))
    places: Places = {}
    for category, middle in enumerate(plot.middles):
        foot = 0
        for series in range(count):
            value = chart.values[series][category]
            low, top = sorted((plot.scale.at(foot), plot.scale.at(foot + value)))
            first, last = middle - wide / 2, middle + wide / 2
            box = Box(low, first, top, last) if across else Box(first, low, last, top)
            box = Box(*(float(round(side)) for side in box))
            board.figure.rectangle(box, colours[series], look.ink if look.outlined else None, 1)
            places[Mark(series, category)] = box
            if chart.labelled:
                text, ink = printed(chart, board, series, value), readable_on(colours[series])
                board.text(VALUES, (box.left + box.right) / 2, (box.top + box.bottom) / 2, text, face, colour=ink)
            foot += value
    return places


def _lines(board: Board, chart: Chart, room: Box) -> Places:
    look, count = board.look, len(chart.series)
    colours = _colours(look, count)
    if count > 1:
        room = legend(board, chart.series, colours, room)
    plot = axes(board, chart, room, across=False, ticks=not chart.labelled or look.grid is not None)
    radius = 0.28 * look.size
    texts = [printed(chart, board, s, value) for s, values in enumerate(chart.values) for value in values]
    face = fitted(look, texts, 0.95 * plot.pitch, 0.9)
    places: Places = {}
    for series, (values, colour) in enumerate(zip(chart.values, colours, strict=True)):
        points = [(x, plot.scale.at(value)) for x, value in zip(plot.middles, values, strict=True)]
        board.figure.line(points, colour, max(2.0, 0.13 * look.size))
        for category, (x, y) in enumerate(points):
            box = Box(x - radius, y - radius, x + radius, y + radius)
            _marker(board, box, colour, series if look.varied else 0)
            places[Mark(series, category)] = box
            if chart.labelled:
                away = _side(values, category) * (0.45 * look.size + face.ascent / 2 + radius)
                away = away if y - away < plot.inner.bottom - face.ascent / 2 else -away
                board.text(VALUES, x, y - away, printed(chart, board, series, values[category]), face)
    return places


def _side(values: Sequence[int], place: int) -> int:
    """1 where a value's label stands above it, -1 below: where the line comes from below, or from above."""
    beside = [*values[max(0, place - 1) : place], *values[place + 1 : place + 2]]
    return 1 if values[place] * len(beside) >= sum(beside) else -1


def _marker(board: Board, box: Box, colour: Colour, form: int) -> None:
    left, top, right, bottom = box
    x, y = (left + right) / 2, (top + bottom) / 2
    if form % 4 == 1:
        board.figure.rectangle(box, colour)
    elif form % 4 == 2:
        board.figure.polygon([(x, top), (right, bottom), (left, bottom)], colour)
    elif form % 4 == 3:
        board.figure.polygon([(x, top), (right, y), (x, bottom), (left, y)], colour)
    else:
        board.figure.ellipse(box, colour)


def _points(board: Board, chart: Chart, room: Box) -> Places:
    look = board.look
    inner, across, upward = crossed(board, chart, room)
    face = fitted(look, chart.categories, 0.17 * inner.width, 0.85)
    radius = 0.36 * look.size
    places: Places = {}
    for category, name in enumerate(chart.categories):
        x, y = across.at(chart.values[0][category]), upward.at(chart.values[1][category])
        box = Box(x - radius, y - radius, x + radius, y + radius)
        _marker(board, box, look.colours[category % len(look.colours)] if look.varied else look.colours[0], 0)
        places[Mark(0, category)] = places[Mark(1, category)] = box
        half = face.width(name) / 2
        beside = min(max(x, inner.left + half + 3), board.area.right - half - 3)
        board.text(VALUES, beside, y - radius - 0.3 * look.size - face.ascent / 2, name, face)
    return places


def _pie(board: Board, chart: Chart, room: Box) -> Places:
    look, values = board.look, chart.values[0]
    colours = _colours(look, len(values))
    named = not look.varied
    if not named:
        room = legend(board, chart.categories, colours, room)
    if not chart.axes[0].sign:
        face = look.face(0.95)
        board.text(VALUES, (room.left + room.right) / 2, room.top + 0.5 * face.size, chart.axes[0].name, face)
        room = room._replace(top=room.top + 1.6 * look.size)
    written = [printed(chart, board, 0, value) for value in values]
    texts = [f"{name} {text}" if named else text for name, text in zip(chart.categories, written, strict=True)]
    face = fitted(look, texts, 0.24 * room.width, 0.9)
    beside = max(face.width(text) for text in texts) + 1.4 * look.size
    radius = max(2.0 * look.size, min(room.height / 2 - 1.8 * look.size, room.width / 2 - beside))
    x, y = (room.left + room.right) / 2, (room.top + room.bottom) / 2
    disc = (x - radius, y - radius, x + radius, y + radius)
    angle, whole, middles = -90.0, sum(values), list[float]()
    places: Places = {}
    for category, (value, colour) in enumerate(zip(values, colours, strict=True)):
        last = angle + 360 * value / whole
        board.figure.slice(disc, angle, last, colour, look.ground, max(1.0, 0.08 * look.size))
        places[Mark(0, category)] = _around_slice(x, y, radius, angle, last, look.hole)
        middles.append(math.radians((angle + last) / 2))
        angle = last
    if look.hole:
        inside = radius * look.hole
        board.figure.ellipse((x - inside, y - inside, x + inside, y + inside), look.ground)
    reach, step = radius + 0.5 * look.size, 1.25 * max(face.ascent, 0.6 * face.size)
    for text, middle, down in zip(texts, middles, spread(middles, reach + 0.5 * face.ascent, step), strict=True):
        align = "left" if math.cos(middle) > 0 else "right"
        board.text(VALUES, x + reach * math.cos(middle), y + down, text, face, align=align)
    return places


def spread(angles: Sequence[float], radius: float, step: float) -> list[float]:
    """How far below the middle of a disc the labels at these angles stand, those of a side `step` or more apart.

    Each goes away from the level of the middle as far as it must.
    """
    downs = [radius * math.sin(angle) for angle in angles]
    for right in (True, False):
        for sign in (1, -1):
            quarter = [n for n, angle in enumerate(angles) if (math.cos(angle) > 0) == right and sign * downs[n] >= 0]
            edge = -0.5 * step
            for number in sorted(quarter, key=lambda number: abs(downs[number])):
                downs[number] = sign * max(abs(downs[number]), edge + step)
                edge = abs(downs[number])
    return downs


def _around_slice(x: float, y: float, radius: float, first: float, last: float, hole: float) -> Box:
    """The box of a slice between two angles, of a ring where there is a `hole` (part of the radius)."""
    angles = [first, last, *(quarter for quarter in range(-90, 361, 90) if first < quarter < last)]
    points = [(math.cos(math.radians(a)), math.sin(math.radians(a))) for a in angles]
    points += [(hole * a, hole * b) for a, b in points]
    across, down = [a for a, _ in points], [b for _, b in points]
    return Box(x + radius * min(across), y + radius * min(down), x + radius * max(across), y + radius * max(down))
