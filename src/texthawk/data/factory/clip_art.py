"""Things that can be drawn in one main colour: geometric shapes and simple pictures of objects.

Each is drawn in a square from (0, 0) to (1, 1), y downwards.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from texthawk.data.factory.brush import DARK, PALE, WOOD, Brush
from texthawk.data.factory.figure import Colour, Figure


def _regular(corners: int) -> Callable[[Brush], None]:
    return lambda brush: brush.shape(*brush.ring(corners, 0.47, 0.47))


def _circle(brush: Brush) -> None:
    brush.disc(0.5, 0.5, 0.47)


def _square(brush: Brush) -> None:
    brush.block(0.06, 0.06, 0.94, 0.94)


def _oval(brush: Brush) -> None:
    brush.disc(0.5, 0.5, 0.48, 0.27)


def _triangle(brush: Brush) -> None:
    brush.shape(0.5, 0.06, 0.96, 0.92, 0.04, 0.92)


def _diamond(brush: Brush) -> None:
    brush.shape(0.5, 0.03, 0.86, 0.5, 0.5, 0.97, 0.14, 0.5)


def _star(brush: Brush) -> None:
    brush.shape(*brush.ring(10, 0.48, 0.2))


def _heart(brush: Brush) -> None:
    pairs: list[float] = []
    for step in range(40):
        t = math.tau * step / 40
        x = 16 * math.sin(t) ** 3
        y = 13 * math.cos(t) - 5 * math.cos(2 * t) - 2 * math.cos(3 * t) - math.cos(4 * t)
        pairs += [0.5 + x / 35, 0.46 - y / 35]
    brush.shape(*pairs)


def _cross(brush: Brush) -> None:
    a, b, c, d = 0.06, 0.36, 0.64, 0.94
    brush.shape(b, a, c, a, c, b, d, b, d, c, c, c, c, d, b, d, b, c, a, c, a, b, b, b)


def _arrow(brush: Brush) -> None:
    brush.shape(0.04, 0.38, 0.56, 0.38, 0.56, 0.16, 0.96, 0.5, 0.56, 0.84, 0.56, 0.62, 0.04, 0.62)


def _ring(brush: Brush) -> None:
    brush.bow(0.03, 0.03, 0.97, 0.97, 0, 360, 0.2)


def _moon(brush: Brush) -> None:
    outer = [(math.radians(d), 0.46, 0.5) for d in range(60, 301, 12)]
    inner = [(math.radians(d), 0.38, 0.66) for d in range(282, 77, -12)]
    pairs = [
        c
        for angle, radius, x in (*outer, *inner)
        for c in (x + radius * math.cos(angle), 0.5 + radius * math.sin(angle))
    ]
    brush.shape(*pairs)


def _house(brush: Brush) -> None:
    brush.block(0.7, 0.1, 0.8, 0.4, fill=WOOD)
    brush.block(0.14, 0.44, 0.86, 0.96)
    brush.shape(0.5, 0.06, 0.98, 0.48, 0.02, 0.48, fill=brush.shade)
    brush.block(0.42, 0.64, 0.58, 0.96, fill=WOOD)
    brush.block(0.22, 0.58, 0.34, 0.72, fill=PALE)
    brush.block(0.66, 0.58, 0.78, 0.72, fill=PALE)


def _tree(brush: Brush) -> None:
    brush.block(0.44, 0.6, 0.56, 0.97, fill=WOOD)
    brush.disc(0.32, 0.48, 0.2)
    brush.disc(0.68, 0.48, 0.2)
    brush.disc(0.5, 0.3, 0.27)
    brush.figure.ellipse(brush.box(0.3, 0.34, 0.7, 0.64), brush.main)


def _car(brush: Brush) -> None:
    brush.shape(0.2, 0.5, 0.32, 0.3, 0.68, 0.3, 0.82, 0.5, fill=brush.main)
    brush.shape(0.27, 0.48, 0.35, 0.35, 0.48, 0.35, 0.48, 0.48, fill=PALE)
    brush.shape(0.53, 0.48, 0.53, 0.35, 0.65, 0.35, 0.74, 0.48, fill=PALE)
    brush.block(0.03, 0.48, 0.97, 0.7, round=0.06)
    for x in (0.25, 0.75):
        brush.disc(x, 0.7, 0.11, fill=DARK)
        brush.disc(x, 0.7, 0.045, fill=PALE)


def _bus(brush: Brush) -> None:
    brush.block(0.02, 0.24, 0.98, 0.76, round=0.06)
    for x in (0.08, 0.3, 0.52, 0.74):
        brush.block(x, 0.32, x + 0.17, 0.5, fill=PALE)
    brush.figure.rectangle(brush.box(0.03, 0.58, 0.97, 0.63), brush.shade)
    for x in (0.25, 0.75):
        brush.disc(x, 0.76, 0.1, fill=DARK)
        brush.disc(x, 0.76, 0.04, fill=PALE)


def _cup(brush: Brush) -> None:
    brush.bow(0.56, 0.3, 0.96, 0.7, 0, 360, 0.09)
    brush.shape(0.1, 0.2, 0.76, 0.2, 0.7, 0.86, 0.16, 0.86)
    brush.disc(0.43, 0.2, 0.33, 0.07, fill=brush.light)


def _book(brush: Brush) -> None:
    brush.block(0.1, 0.08, 0.9, 0.94, round=0.04)
    brush.figure.rectangle(brush.box(0.12, 0.84, 0.87, 0.92), PALE)
    brush.line(0.22, 0.1, 0.22, 0.82, width=0.02)
    brush.block(0.36, 0.24, 0.78, 0.4, fill=brush.light)


def _lamp(brush: Brush) -> None:
    brush.block(0.46, 0.5, 0.54, 0.9, fill=DARK)
    brush.disc(0.5, 0.91, 0.24, 0.06, fill=DARK)
    brush.shape(0.32, 0.06, 0.68, 0.06, 0.9, 0.54, 0.1, 0.54)


def _fish(brush: Brush) -> None:
    brush.shape(0.66, 0.5, 0.97, 0.26, 0.97, 0.74, fill=brush.shade)
    brush.disc(0.42, 0.5, 0.39, 0.25)
    brush.disc(0.2, 0.43, 0.045, fill=PALE)
    brush.figure.ellipse(brush.box(0.18, 0.41, 0.22, 0.45), DARK)
    brush.line(0.32, 0.36, 0.36, 0.5, 0.32, 0.64, width=0.02)


def _flower(brush: Brush) -> None:
    brush.line(0.5, 0.5, 0.5, 0.97, fill=(50, 120, 60), width=0.05)
    brush.figure.ellipse(brush.box(0.52, 0.7, 0.8, 0.84), (60, 140, 70))
    for petal in range(6):
        angle = math.tau * petal / 6
        brush.disc(0.5 + 0.22 * math.cos(angle), 0.36 + 0.22 * math.sin(angle), 0.14)
    centre = (70, 50, 40) if sum(brush.main) > 420 and brush.main[2] < 120 else (246, 205, 60)
    brush.disc(0.5, 0.36, 0.12, fill=centre)


def _cloud(brush: Brush) -> None:
    for x, y, radius in ((0.24, 0.58, 0.2), (0.46, 0.42, 0.24), (0.74, 0.55, 0.22)):
        brush.disc(x, y, radius)
    brush.figure.rectangle(brush.box(0.22, 0.5, 0.76, 0.765), brush.main)
    brush.line(0.24, 0.775, 0.74, 0.765, width=0.018)


def _boat(brush: Brush) -> None:
    brush.line(0.48, 0.06, 0.48, 0.68, fill=WOOD, width=0.035)
    brush.shape(0.53, 0.1, 0.9, 0.6, 0.53, 0.6, fill=PALE)
    brush.shape(0.43, 0.2, 0.43, 0.6, 0.16, 0.6, fill=PALE)
    brush.shape(0.04, 0.68, 0.96, 0.68, 0.8, 0.92, 0.2, 0.92)


def _umbrella(brush: Brush) -> None:
    brush.line(0.5, 0.1, 0.5, 0.86, fill=DARK, width=0.035)
    brush.figure.arc(brush.box(0.32, 0.74, 0.52, 0.96), 0, 180, DARK, 0.035 * brush.side)
    dome = [
        c
        for d in range(180, 361, 10)
        for c in (0.5 + 0.46 * math.cos(math.radians(d)), 0.52 + 0.42 * math.sin(math.radians(d)))
    ]
    brush.shape(*dome)
    brush.line(0.5, 0.1, 0.34, 0.52, width=0.018)
    brush.line(0.5, 0.1, 0.66, 0.52, width=0.018)


def _chair(brush: Brush) -> None:
    for x in (0.24, 0.7):
        brush.block(x, 0.62, x + 0.08, 0.97, fill=brush.shade)
    brush.block(0.22, 0.05, 0.34, 0.6)
    brush.block(0.22, 0.52, 0.8, 0.65)


def _table(brush: Brush) -> None:
    for x in (0.12, 0.78):
        brush.block(x, 0.38, x + 0.1, 0.88, fill=brush.shade)
    brush.block(0.02, 0.26, 0.98, 0.4)


def _balloon(brush: Brush) -> None:
    brush.line(0.5, 0.66, 0.46, 0.78, 0.54, 0.88, 0.5, 0.98, fill=DARK, width=0.02)
    brush.shape(0.5, 0.62, 0.56, 0.72, 0.44, 0.72, fill=brush.shade)
    brush.disc(0.5, 0.34, 0.26, 0.32)
    brush.figure.ellipse(brush.box(0.36, 0.12, 0.46, 0.26), brush.light)


def _apple(brush: Brush) -> None:
    brush.disc(0.36, 0.58, 0.26, 0.32)
    brush.disc(0.64, 0.58, 0.26, 0.32)
    brush.figure.ellipse(brush.box(0.26, 0.3, 0.74, 0.86), brush.main)
    brush.line(0.5, 0.34, 0.54, 0.1, fill=WOOD, width=0.05)
    brush.figure.ellipse(brush.box(0.56, 0.1, 0.82, 0.24), (70, 150, 70))


def _clock(brush: Brush) -> None:
    brush.disc(0.5, 0.5, 0.46)
    brush.disc(0.5, 0.5, 0.34, fill=PALE)
    brush.line(0.5, 0.5, 0.5, 0.24, fill=DARK, width=0.035)
    brush.line(0.5, 0.5, 0.68, 0.58, fill=DARK, width=0.035)


def _envelope(brush: Brush) -> None:
    brush.block(0.03, 0.22, 0.97, 0.8)
    brush.line(0.05, 0.24, 0.5, 0.56, 0.95, 0.24, width=0.03)


def _mushroom(brush: Brush) -> None:
    brush.block(0.38, 0.48, 0.62, 0.94, fill=PALE, round=0.06)
    cap = [
        c
        for d in range(180, 361, 10)
        for c in (0.5 + 0.46 * math.cos(math.radians(d)), 0.54 + 0.44 * math.sin(math.radians(d)))
    ]
    brush.shape(*cap)
    for x, y in ((0.3, 0.4), (0.52, 0.26), (0.72, 0.42)):
        brush.figure.ellipse(brush.box(x - 0.06, y - 0.06, x + 0.06, y + 0.06), brush.light)


def _candle(brush: Brush) -> None:
    brush.block(0.34, 0.36, 0.66, 0.96)
    brush.line(0.5, 0.36, 0.5, 0.24, fill=DARK, width=0.025)
    brush.shape(0.5, 0.03, 0.58, 0.18, 0.5, 0.28, 0.42, 0.18, fill=(250, 190, 60))


def _bottle(brush: Brush) -> None:
    brush.shape(0.42, 0.16, 0.58, 0.16, 0.58, 0.34, 0.7, 0.46, 0.7, 0.97, 0.3, 0.97, 0.3, 0.46, 0.42, 0.34)
    brush.block(0.4, 0.04, 0.6, 0.16, fill=WOOD)
    brush.block(0.31, 0.6, 0.69, 0.82, fill=PALE)


def _pencil(brush: Brush) -> None:
    brush.shape(0.04, 0.96, 0.1, 0.74, 0.26, 0.9, fill=PALE)
    brush.shape(0.1, 0.74, 0.72, 0.12, 0.88, 0.28, 0.26, 0.9)
    brush.shape(0.72, 0.12, 0.78, 0.06, 0.94, 0.22, 0.88, 0.28, fill=(214, 140, 150))
    brush.shape(0.04, 0.96, 0.06, 0.88, 0.12, 0.94, fill=DARK)


def _key(brush: Brush) -> None:
    brush.bow(0.02, 0.3, 0.42, 0.7, 0, 360, 0.1)
    brush.block(0.4, 0.45, 0.98, 0.55)
    brush.block(0.78, 0.55, 0.85, 0.68)
    brush.block(0.9, 0.55, 0.97, 0.72)


def _bag(brush: Brush) -> None:
    brush.bow(0.3, 0.06, 0.7, 0.54, 180, 360, 0.07)
    brush.shape(0.16, 0.3, 0.84, 0.3, 0.94, 0.96, 0.06, 0.96)


def _flag(brush: Brush) -> None:
    brush.block(0.12, 0.03, 0.19, 0.97, fill=DARK)
    brush.shape(0.19, 0.08, 0.95, 0.08, 0.8, 0.29, 0.95, 0.5, 0.19, 0.5)


def _rocket(brush: Brush) -> None:
    brush.shape(0.4, 0.78, 0.6, 0.78, 0.5, 0.98, fill=(250, 170, 50))
    brush.shape(0.36, 0.52, 0.16, 0.82, 0.36, 0.76, fill=brush.shade)
    brush.shape(0.64, 0.52, 0.84, 0.82, 0.64, 0.76, fill=brush.shade)
    brush.shape(0.5, 0.02, 0.6, 0.16, 0.66, 0.36, 0.64, 0.78, 0.36, 0.78, 0.34, 0.36, 0.4, 0.16)
    brush.disc(0.5, 0.38, 0.08, fill=PALE)


def _bird(brush: Brush) -> None:
    brush.shape(0.06, 0.34, 0.22, 0.28, 0.2, 0.42, fill=(240, 160, 50))
    brush.shape(0.7, 0.5, 0.98, 0.44, 0.9, 0.66, fill=brush.shade)
    brush.disc(0.5, 0.56, 0.3, 0.22)
    brush.disc(0.3, 0.36, 0.15)
    brush.shape(0.42, 0.54, 0.7, 0.5, 0.58, 0.7, fill=brush.shade)
    brush.disc(0.26, 0.33, 0.025, fill=DARK)
    for x in (0.44, 0.56):
        brush.line(x, 0.77, x, 0.92, fill=(240, 160, 50), width=0.025)


@dataclass(frozen=True)
class Motif:
    """A kind of thing: names in English (one, many) and Chinese, its Chinese measure word, and how it is drawn."""

    one: str
    many: str
    chinese: str
    measure: str
    draw: Callable[[Brush], None]


MOTIFS: Sequence[Motif] = (
    Motif("circle", "circles", "圆形", "个", _circle),
    Motif("square", "squares", "正方形", "个", _square),
    Motif("oval", "ovals", "椭圆", "个", _oval),
    Motif("triangle", "triangles", "三角形", "个", _triangle),
    Motif("diamond", "diamonds", "菱形", "个", _diamond),
    Motif("pentagon", "pentagons", "五边形", "个", _regular(5)),
    Motif("hexagon", "hexagons", "六边形", "个", _regular(6)),
    Motif("star", "stars", "五角星", "颗", _star),
    Motif("heart", "hearts", "爱心", "颗", _heart),
    Motif("cross", "crosses", "十字", "个", _cross),
    Motif("arrow", "arrows", "箭头", "个", _arrow),
    Motif("ring", "rings", "圆环", "个", _ring),
    Motif("moon", "moons", "月亮", "个", _moon),
    Motif("house", "houses", "房子", "座", _house),
    Motif("tree", "trees", "树", "棵", _tree),
    Motif("car", "cars", "汽车", "辆", _car),
    Motif("bus", "buses", "公共汽车", "辆", _bus),
    Motif("cup", "cups", "杯子", "个", _cup),
    Motif("book", "books", "书", "本", _book),
    Motif("lamp", "lamps", "台灯", "盏", _lamp),
    Motif("fish", "fish", "鱼", "条", _fish),
    Motif("flower", "flowers", "花", "朵", _flower),
    Motif("cloud", "clouds", "云", "朵", _cloud),
    Motif("boat", "boats", "船", "艘", _boat),
    Motif("umbrella", "umbrellas", "雨伞", "把", _umbrella),
    Motif("chair", "chairs", "椅子", "把", _chair),
    Motif("table", "tables", "桌子", "张", _table),
    Motif("balloon", "balloons", "气球", "个", _balloon),
    Motif("apple", "apples", "苹果", "个", _apple),
    Motif("clock", "clocks", "钟", "个", _clock),
    Motif("envelope", "envelopes", "信封", "个", _envelope),
    Motif("mushroom", "mushrooms", "蘑菇", "个", _mushroom),
    Motif("candle", "candles", "蜡烛", "支", _candle),
    Motif("bottle", "bottles", "瓶子", "个", _bottle),
    Motif("pencil", "pencils", "铅笔", "支", _pencil),
    Motif("key", "keys", "钥匙", "把", _key),
    Motif("bag", "bags", "袋子", "个", _bag),
    Motif("flag", "flags", "旗子", "面", _flag),
    Motif("rocket", "rockets", "火箭", "枚", _rocket),
    Motif("bird", "birds", "鸟", "只", _bird),
)


def drawn(motif: Motif, colour: Colour, side: int) -> Image.Image:
    """A motif in RGBA, cut to its ink; the square that it was drawn in had `side` pixels."""
    margin = 2
    figure = Figure(side + 2 * margin, side + 2 * margin, None)
    motif.draw(Brush(figure, margin, margin, side, colour))
    image = figure.finished()
    box = image.getchannel("A").point(lambda alpha: 255 * (alpha > 127)).getbbox()
    assert box is not None
    return image.crop(box)
