"""Pages with nothing to read: blank, with hardly anything on them, or with print that nobody could read."""

from PIL import Image, ImageFilter

from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.colours import colours, mixed
from texthawk.data.factory.document import Document, Line
from texthawk.data.factory.flow import Strip
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import absent, count, look_up, yes_no
from texthawk.model.transcript import NOT_HERE


def make(order: Order) -> Document:
    """A page that is blank, nearly blank or illegible; `info["page"]` says which."""
    dice = order.dice
    paints = colours(dice)
    width = round(order.height * dice.pick((0.707, 0.773, 1.0, 1.41)))
    canvas = Canvas(width, order.height, paints.paper, paints.ink)
    kind = dice.weighted({"blank": 0.3, "nearly blank": 0.4, "illegible": 0.3})
    number = ""
    image = canvas.image
    if kind == "nearly blank":
        number = _traces(order, canvas, mixed(paints.paper, paints.ink, dice.between(0.1, 0.6)))
    if kind == "illegible":
        image = _unreadable(order, canvas)
    lines: tuple[Line, ...] = tuple(canvas.lines) if kind != "illegible" else ()
    readable = bool(lines)
    asked = [
        yes_no(order, order.say("Is there any text that can be read?", "有可以辨认的文字吗？"), readable),
        absent(order, order.say("What is the title?", "标题是什么？")),
        absent(order, order.say("Who wrote this?", "作者是谁？")),
    ]
    if number:
        asked.append(look_up(order.say("What is the page number?", "页码是多少？"), number, canvas.lines[-1].box))
    else:
        asked.append(absent(order, order.say("What is the page number?", "页码是多少？")))
    if kind != "illegible":
        asked.append(
            count(order.say("How many lines of text are there?", "有几行文字？"), [line.text for line in lines])
        )
    assert all(one.answer == NOT_HERE[order.speech] for one in asked if one.kind == "absent")
    what = {
        "blank": ("An empty page.", "一张空白页。"),
        "nearly blank": ("A page that is almost empty.", "一张几乎空白的页。"),
        "illegible": ("A page of print that cannot be read.", "一页无法辨认的文字。"),
    }
    return Document(
        image,
        "blank",
        order.lang,
        lines,
        lines[0].text if lines else "",
        asked=tuple(asked),
        caption=order.say(*what[kind]),
        info={"page": kind},
    )


def _traces(order: Order, canvas: Canvas, colour: tuple[int, int, int]) -> str:
    """A few marks that are no writing, or a page number alone, which is returned."""
    dice = order.dice
    width, height = canvas.width, canvas.height
    number = ""
    for kind in ("rule", "specks", "frame", "number"):
        if not dice.chance(0.4):
            continue
        if kind == "rule":
            y = height * dice.random()
            canvas.fill((0.1 * width, y, width * dice.between(0.3, 0.9), y + dice.integer(1, 3)), colour)
        elif kind == "specks":
            for _ in range(dice.integer(3, 40)):
                x, y, r = width * dice.random(), height * dice.random(), dice.between(0.5, 2.5)
                canvas.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
        elif kind == "frame":
            canvas.frame((0.05 * width, 0.05 * height, 0.95 * width, 0.95 * height), colour, dice.integer(1, 3))
        else:
            number = str(dice.integer(1, 400))
            face = order.style().face(max(10.0, 0.02 * height))
            canvas.text(width * dice.pick((0.12, 0.5, 0.85)), height * dice.pick((0.08, 0.93)), number, face)
    return number


def _unreadable(order: Order, canvas: Canvas) -> Image.Image:
    """Print under a heavy blur, or far too small and enlarged again."""
    dice = order.dice
    size = max(9.0, canvas.height * dice.between(0.012, 0.02))
    face = order.style().face(size)
    strip = Strip(canvas, 0.1 * canvas.width, 0.9 * canvas.width, 0.08 * canvas.height, 0.92 * canvas.height)
    for _ in range(dice.integer(2, 8)):
        strip.paragraph(order.prose(dice.integer(100, 500)), face)
        strip.skip(size)
    if dice.chance(0.5):
        return canvas.image.filter(ImageFilter.GaussianBlur(dice.between(0.5, 1.0) * size))
    less = 3.0 / size
    small = canvas.image.resize(
        (max(8, round(canvas.width * less)), max(8, round(canvas.height * less))), Image.Resampling.BOX
    )
    return small.resize(canvas.image.size, Image.Resampling.BICUBIC)
