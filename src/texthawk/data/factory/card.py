"""Cards that name a person: passes, library cards, memberships, with a drawn portrait and a few fields."""

from texthawk.data.factory import names
from texthawk.data.factory.canvas import WHITE, Canvas
from texthawk.data.factory.colours import colours, mixed, strong
from texthawk.data.factory.document import Asked, Document, Thing
from texthawk.data.factory.flow import Strip
from texthawk.data.factory.labelled import labelled, not_there
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import look_up, yes_no
from texthawk.types import Box

KINDS = (
    ("Library card", "读者证"), ("Student card", "学生证"), ("Staff pass", "工作证"), ("Member card", "会员卡"),
    ("Visitor pass", "访客证"), ("Press card", "采访证"), ("Sports club card", "健身卡"),
)  # fmt: skip


def make(order: Order) -> Document:
    """A card, lying."""
    dice = order.dice
    zh = int(order.speech == "zh")
    width = order.height
    height = round(width * dice.between(0.6, 0.66))
    paints = colours(dice, white=0.4, grey=0.2)
    canvas = Canvas(width, height, paints.paper, paints.ink)
    style = order.style()
    size = width * dice.between(0.028, 0.04)
    face, bold = style.face(size), style.face(size, "bold")
    band = strong(dice) if dice.chance(0.7) else None
    margin = 0.05 * width
    head = Strip(canvas, margin, width - margin, 0.04 * height, height)
    if band is not None:
        canvas.fill((0, 0, width, 0.19 * height), band)
    title, issuer = dice.pick(KINDS)[zh], names.firm(dice, order.speech)
    ink = WHITE if band is not None else paints.accent
    head.line(issuer, bold, ink, align=dice.pick(("left", "centre")))
    title_line = head.line(title, style.face(1.1 * size), ink, align=dice.pick(("left", "centre", "right")))
    assert title_line is not None
    on_left = dice.chance(0.5)
    photo_width = width * dice.between(0.2, 0.26)
    left = margin if on_left else width - margin - photo_width
    photo = Box(left, 0.27 * height, left + photo_width, 0.27 * height + 1.25 * photo_width)
    _portrait(canvas, photo, mixed(paints.paper, strong(dice), 0.4), mixed(paints.ink, paints.paper, 0.35))
    start = margin + photo_width + margin if on_left else margin
    strip = Strip(canvas, start, start + width - 3 * margin - photo_width, 0.27 * height, 0.96 * height, 1.75)
    values = _values(order)
    keys = names.different(dice, tuple(values), dice.integer(3, len(values)))
    keys.sort(key=list(values).index)
    at = max(face.width(key) for key in keys) + size if dice.chance(0.6) else 0.0
    colon = order.pick((":", ""), ("：", ""))
    fields: dict[str, str] = {"title": title, "issuer": issuer}
    asked: list[Asked] = [
        look_up(order.say("What kind of card is this?", "这是什么证件？"), title, title_line.box),
        look_up(order.say("Who issued the card?", "证件由谁签发？"), issuer, canvas.lines[0].box),
    ]
    for key in keys:
        box = strip.pair(key + colon, values[key], face, bold if dice.chance(0.3) else face, at=at)
        if box is not None:
            fields[key] = values[key]
            asked.append(labelled(order, key, values[key], box, order.say("card", "证件")))
    for key in values:
        if key not in fields:
            asked.append(not_there(order, key, order.say("card", "证件")))
    asked.append(yes_no(order, order.say("Is there a portrait on the card?", "证件上有照片吗？"), True))
    return Document(
        canvas.image,
        "card",
        order.lang,
        tuple(canvas.lines),
        "\n".join(line.text for line in canvas.lines),
        fields=fields,
        things=(Thing(order.say("portrait", "照片"), photo),),
        asked=tuple(asked),
        caption=order.say(f'A card titled "{title}", with a portrait.', f"一张带照片的“{title}”。"),
        info={"title": title},
    )


def _values(order: Order) -> dict[str, str]:
    dice, speech = order.dice, order.speech
    zh = int(speech == "zh")
    form = names.date_form(dice, speech)
    issued = names.day(dice)
    made = {
        ("Name", "姓名"): names.person(dice, speech),
        ("Number", "编号"): names.serial(dice),
        ("Born", "出生日期"): names.written_date(names.day(dice), form),
        ("Issued", "签发日期"): names.written_date(issued, form),
        ("Valid until", "有效期至"): names.written_date(
            issued.fromordinal(issued.toordinal() + 365 * dice.integer(1, 10)), form
        ),
        ("City", "城市"): names.city(dice, speech),
        ("Group", "组别"): order.pick(("A", "B", "Senior", "Junior"), ("甲组", "乙组", "成人", "学生")),
    }
    return {key[zh]: value for key, value in made.items()}


def _portrait(canvas: Canvas, box: Box, ground: tuple[int, int, int], figure: tuple[int, int, int]) -> None:
    """Head and shoulders, without a face."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    canvas.fill(box, ground)
    canvas.draw.ellipse(
        (left + 0.3 * width, top + 0.18 * height, right - 0.3 * width, top + 0.55 * height), fill=figure
    )
    canvas.draw.chord(
        (left + 0.08 * width, top + 0.6 * height, right - 0.08 * width, bottom + 0.45 * height), 180, 360, fill=figure
    )
    canvas.fill((left, bottom, right, bottom + 0.5 * height), canvas.paper)
    canvas.frame(box, canvas.ink)
