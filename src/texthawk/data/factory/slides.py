"""Slides: a title, bullet points and often a chart or a picture beside or below them."""

from dataclasses import dataclass
from itertools import pairwise

from texthawk.data.example import PLACE, TASKS
from texthawk.data.factory import charts
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.chart_board import PALETTES, look_of, readable_on
from texthawk.data.factory.chart_marks import draw
from texthawk.data.factory.document import Asked, Document, Line, Thing, beside
from texthawk.data.factory.figure import Colour
from texthawk.data.factory.grid import markdown_table
from texthawk.data.factory.ink import Unit, joined
from texthawk.data.factory.order import Order
from texthawk.data.factory.prose_questions import prose_questions
from texthawk.data.factory.questions import absent, count, look_up
from texthawk.data.factory.scene_objects import scene
from texthawk.data.factory.styles import Style
from texthawk.types import Box

MARKS = ("•", "-", "■", "►", "✓", "○")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


@dataclass
class Slide:
    """A slide in the making: where it is drawn, in what type and colours, and what it says so far."""

    order: Order
    canvas: Canvas
    style: Style
    size: float
    accent: Colour
    title: str = ""
    points: tuple[str, ...] = ()
    markdown: tuple[str, ...] = ()


def make(order: Order) -> Document:
    """A slide of one of the usual proportions."""
    dice = order.dice
    height = max(320, round(order.height * dice.between(0.55, 0.8)))
    width = round(height * dice.pick((4 / 3, 16 / 9, 16 / 9, 16 / 10)))
    dark = dice.chance(0.2)
    paper = (24, 30, 48) if dark else dice.pick(((255, 255, 255), (255, 255, 255), (247, 247, 242), (240, 244, 250)))
    accent = dice.pick(dice.pick(PALETTES))
    canvas = Canvas(width, height, paper, (236, 238, 244) if dark else dice.pick(((20, 20, 20), (50, 54, 66))))
    slide = Slide(order, canvas, order.style(), height / dice.between(20, 26), accent)
    top = _headed(slide)
    inner = Box(0.06 * width, top, 0.94 * width, 0.9 * height)
    extra = dice.weighted({"": 0.3, "chart": 0.42, "picture": 0.28})
    room, rest = _divided(slide, inner) if extra else (inner, inner)
    _listed(slide, room)
    asked, things, chart, seen = list[Asked](), tuple[Thing, ...](), None, ("", "")
    if extra == "chart" and not dark:
        kind = dice.pick(("bar", "line", "pie", "bar", "grouped"))
        look = look_of(dice, slide.style, max(charts.SMALLEST, 0.62 * slide.size, rest.height / 26), paper)
        drawn = charts.made(order, kind, look.face())
        places = draw(canvas, rest, drawn, look)
        asked, things = list(charts.asked(order, drawn, places, 3)), charts.things(drawn, places)
        chart, (english, chinese) = charts.known(drawn), charts.KIND_NAMES[kind]
        seen = (f" and a {english}", f"和一张{chinese}")
        slide.markdown += (f"## {drawn.title}", markdown_table(drawn.rows()))
    elif extra:
        image, _ = scene(dice, round(rest.width), round(rest.height), 4)
        canvas.image.paste(image, (round(rest.left), round(rest.top)))
        name = order.say("the picture", "图片")
        asked.append(Asked(TASKS["grounding"].format(name), PLACE, "grounding", (rest,), kind="place"))
        seen = (" and a picture", "和一张图片")
        things = (Thing(order.say("picture", "图片"), rest),)
    foot = _footed(slide)
    return Document(
        canvas.image,
        "slide",
        order.lang,
        tuple(canvas.lines),
        markdown="\n\n".join(slide.markdown),
        chart=chart,
        things=things,
        asked=(*_asked(slide), *_read_off(slide, foot), *asked),
        caption=_caption(slide, *seen),
        info={"points": list(slide.points)},
    )


def _headed(slide: Slide) -> float:
    """Write the title, on a band or above a rule; returns where the rest begins."""
    order, canvas, dice = slide.order, slide.canvas, slide.order.dice
    face = slide.style.face(1.7 * slide.size, "bold")
    side = 0.06 * canvas.width
    text = face.fit(order.phrase(34))
    slide.title = text[:1].upper() + text[1:] or order.say("Overview", "概述")
    rows = list(face.wrap(slide.title, canvas.width - 2 * side))[:2]
    slide.title = _flowed(rows)
    y, colour = 0.05 * canvas.height, canvas.ink
    foot = y + 1.35 * face.size * len(rows) + 0.35 * slide.size
    form = dice.pick(("band", "rule", "plain", "coloured"))
    if form == "band":
        canvas.fill((0, 0, canvas.width, foot + 0.3 * slide.size), slide.accent)
        colour = readable_on(slide.accent)
    elif form == "rule":
        canvas.fill((side, foot, canvas.width - side, foot + max(2.0, 0.12 * slide.size)), slide.accent)
    centred = dice.chance(0.3)
    for row in rows:
        y += 1.3 * face.size
        canvas.text(
            canvas.width / 2 if centred else side,
            y - 0.3 * face.size,
            row,
            face,
            colour,
            align="centre" if centred else "left",
        )
    slide.markdown = (f"# {slide.title}",)
    return foot + 0.9 * slide.size


def _flowed(rows: list[list[Unit]]) -> str:
    """Wrapped rows as the text they came from."""
    return joined([unit for row in rows for unit in row])


def _divided(slide: Slide, inner: Box) -> tuple[Box, Box]:
    """The room of the bullet points and the room beside or below them."""
    share, gap = slide.order.dice.between(0.36, 0.46), slide.size
    middle = inner.left + share * inner.width
    return inner._replace(right=middle - gap), inner._replace(left=middle)


def _listed(slide: Slide, room: Box) -> None:
    """Write bullet points until the room is full, at most six."""
    order, canvas, size, dice = slide.order, slide.canvas, slide.size, slide.order.dice
    face = slide.style.face(size)
    mark = next((m for m in (dice.pick(MARKS), "-") if face.fit(m) == m), "-")
    numbered, inset = dice.chance(0.2), 1.4 * size
    lead, gap = 1.4 * size, dice.between(0.3, 1.0) * size
    y, points = room.top, list[str]()
    for _ in range(dice.integer(2, 6)):
        text = face.fit(order.phrase(30) if dice.chance(0.5) else order.sentence(70)).strip()
        rows = list(face.wrap(text[:1].upper() + text[1:], room.width - inset)) if text else []
        if not rows or y + lead * len(rows) > room.bottom or _flowed(rows) in points:
            continue
        points.append(_flowed(rows))
        head = f"{len(points)}." if numbered else mark
        first = [Unit(head, False), Unit(rows[0][0].text, True), *rows[0][1:]]
        for place, row in enumerate(rows):
            y += lead
            if place:
                canvas.text(room.left + inset, y, row, face)
            else:
                _bulleted(slide, room.left, y, inset, first)
        y += gap
    slide.points = tuple(points)
    heads = (f"{number}." if numbered else "-" for number in range(1, len(points) + 1))
    slide.markdown += (
        ("\n".join(f"{head} {point}" for head, point in zip(heads, points, strict=True)),) if points else ()
    )


def _bulleted(slide: Slide, x: float, y: float, inset: float, parts: list[Unit]) -> None:
    """A line that begins with a mark, its text `inset` from the mark, as one line."""
    canvas, face = slide.canvas, slide.style.face(slide.size)
    head = canvas.text(x, y, parts[:1], face, keep=False)
    body = canvas.text(x + inset, y, [parts[1]._replace(spaced=False), *parts[2:]], face, keep=False)
    canvas.lines.append(beside(head, body))


def _footed(slide: Slide) -> dict[str, Line]:
    """Now and then a page number or a few words at the foot, by "number" and "foot"."""
    order, canvas, dice = slide.order, slide.canvas, slide.order.dice
    face = slide.style.face(0.6 * slide.size)
    y, made = 0.965 * canvas.height, dict[str, Line]()
    if dice.chance(0.5):
        made["number"] = canvas.text(0.94 * canvas.width, y, str(dice.integer(1, 80)), face, align="right")
    if dice.chance(0.4):
        text = face.fit(order.phrase(24))
        if text:
            made["foot"] = canvas.text(0.06 * canvas.width, y, text, face)
    return made


def _caption(slide: Slide, english: str, chinese: str) -> str:
    """What is on the slide, in a sentence; `english` and `chinese` say what stands beside its points."""
    count = len(slide.points)
    return slide.order.say(
        f'A slide titled "{slide.title}" with {count} bullet point{"" if count == 1 else "s"}{english}.',
        f"一张标题为“{slide.title}”的幻灯片，有{count}个要点{chinese}。",
    )


def _asked(slide: Slide) -> list[Asked]:
    """The title, the number of bullet points, one of them by its number, what follows another."""
    order, points, dice = slide.order, slide.points, slide.order.dice
    made = [Asked(order.say("What is the title of the slide?", "这张幻灯片的标题是什么？"), slide.title, kind="title")]
    if points:
        question = order.say("How many bullet points does the slide have?", "幻灯片上有几个要点？")
        made.append(count(question, points))
        place = dice.integer(0, len(points) - 1)
        question = order.say(f"What does the {ORDINALS[place]} bullet point say?", f"第{place + 1}个要点是什么？")
        made.append(Asked(question, points[place]))
    following = list(pairwise(points))
    if following and dice.chance(0.4):
        before, after = dice.pick(following)
        question = order.say(f'Which bullet point follows "{before}"?', f"“{before}”的下一个要点是什么？")
        made.append(Asked(question, after))
    return made


def _read_off(slide: Slide, foot: dict[str, Line]) -> list[Asked]:
    """The last bullet point, what is printed at the foot, and how the points go on."""
    order, points = slide.order, slide.points
    made = []
    if points and order.dice.chance(0.5):
        question = order.say("What does the last bullet point say?", "最后一个要点写了什么？")
        made.append(Asked(question, points[-1], basis=("last",)))
    question = order.pick(
        ("What is the slide number?", "What is the page number?", "Which number does the slide have?"),
        ("页码是多少？",),
    )
    if "number" in foot:
        made.append(look_up(question, foot["number"].text, foot["number"].box))
    elif order.dice.chance(0.4):
        made.append(absent(order, question))
    if "foot" in foot:
        question = order.pick(("What does the footer say?", "What is written at the bottom left?"), ("页脚写了什么？",))
        made.append(look_up(question, foot["foot"].text, foot["foot"].box))
    page = "\n".join(line.text for line in slide.canvas.lines)
    return made + prose_questions(order, points, page, 2)
