"""Tickets: for trains, planes, concerts and museums, with a code of bars and sometimes a part to tear off."""

from texthawk.data.factory import names
from texthawk.data.factory.canvas import WHITE, Canvas
from texthawk.data.factory.colours import Colours, colours, strong
from texthawk.data.factory.document import Asked, Document, Thing
from texthawk.data.factory.ink import Face
from texthawk.data.factory.labelled import labelled, not_there
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import look_up
from texthawk.data.factory.styles import Style
from texthawk.data.synth.tokens import clock
from texthawk.types import Box

ROWS, COLUMNS = 3, 3
"""Places for fields; the code of bars takes the last one."""


class _Ticket:
    """A ticket on its way onto paper; `places` are the boxes of its fields."""

    def __init__(self, order: Order):
        dice = order.dice
        self.order, self.dice = order, dice
        self.width = order.height
        self.height = round(self.width * dice.between(0.38, 0.48))
        self.colours: Colours = colours(dice, white=0.4, grey=0.2)
        self.canvas = Canvas(self.width, self.height, self.colours.paper, self.colours.ink)
        self.style: Style = order.style()
        self.size = self.width * dice.between(0.02, 0.026)
        self.label: Face = self.style.face(0.85 * self.size)
        self.margin = 0.045 * self.width
        self.end = round(self.width * dice.between(0.72, 0.78)) if dice.chance(0.6) else self.width
        self.fields: dict[str, str] = {}
        self.places: dict[str, Box] = {}

    def write(self) -> Document:
        order, dice, canvas = self.order, self.dice, self.canvas
        title, values = _journey(order) if dice.chance(0.6) else _entry(order)
        band = strong(dice) if dice.chance(0.6) else None
        if band is not None:
            canvas.fill((0, 0, self.width, 0.2 * self.height), band)
        face = self.style.face(1.5 * self.size, "bold")
        line = canvas.text(
            self.margin, 0.14 * self.height, title, face, WHITE if band is not None else self.colours.accent
        )
        self.places["title"] = line.box
        left_out = self._grid(values)
        bars = self._bars()
        if self.end < self.width:
            self._stub(title)
        return Document(
            canvas.image,
            "ticket",
            order.lang,
            tuple(canvas.lines),
            "\n".join(line.text for line in canvas.lines),
            fields={"title": title, **self.fields},
            things=(Thing(order.say("barcode", "条形码"), bars),),
            asked=tuple(self._questions(title, left_out)),
            caption=order.say(f'A ticket titled "{title}", with a barcode.', f"一张带条形码的“{title}”。"),
            info={"title": title},
        )

    @property
    def _cell(self) -> tuple[float, float]:
        return (self.end - 2 * self.margin) / COLUMNS, 0.72 * self.height / ROWS

    def _grid(self, values: dict[str, str]) -> list[str]:
        """Fields side by side, each below its label; returns those that found no place."""
        wide, high = self._cell
        kind = "bold" if self.dice.chance(0.6) else "regular"
        left_out, place = [], 0
        for key, text in values.items():
            face = next(
                (
                    f
                    for f in (self.style.face(s * self.size, kind) for s in (1.15, 0.95))
                    if f.width(text) < wide - self.size
                ),
                None,
            )
            if face is None or place == ROWS * COLUMNS - 1:
                left_out.append(key)
                continue
            x = self.margin + place % COLUMNS * wide
            y = 0.25 * self.height + place // COLUMNS * high
            self.canvas.text(x, y + 1.1 * self.size, key, self.label)
            line = self.canvas.text(x, y + 2.9 * self.size, text, face)
            self.fields[key], self.places[key] = text, line.box
            place += 1
        return left_out

    def _bars(self) -> Box:
        """A code of bars with its number below."""
        wide, high = self._cell
        left, top = self.margin + (COLUMNS - 1) * wide, 0.25 * self.height + (ROWS - 1) * high
        box = Box(left, top, left + wide - self.size, top + high - 2.2 * self.size)
        number = names.digits(self.dice, 10)
        x, module = float(box.left), max(1, int(box.width / 75))
        while x < box.right - 4 * module:
            bar = module * self.dice.integer(1, 3)
            self.canvas.fill((x, box.top, x + bar, box.bottom), self.colours.ink)
            x += bar + module * self.dice.integer(1, 3)
        line = self.canvas.text(
            (box.left + box.right) / 2, box.bottom + 1.1 * self.size, number, self.label, align="centre"
        )
        key = self.order.say("Code", "条码")
        self.fields[key], self.places[key] = number, line.box
        return box

    def _stub(self, title: str) -> None:
        """The part to tear off, with some fields again."""
        for y in range(0, self.height, 12):
            self.canvas.fill((self.end, y, self.end + 2, y + 6), self.colours.line)
        room = self.width - self.end - self.margin
        down = 0.25 * self.height + 1.1 * self.size
        for text in (title, *self.fields.values()):
            if self.label.width(text) <= room and down < 0.96 * self.height:
                self.canvas.text(self.end + self.margin / 2, down, text, self.label)
                down += 2.1 * self.size

    def _questions(self, title: str, left_out: list[str]) -> list[Asked]:
        order = self.order
        made = [look_up(order.say("What kind of ticket is this?", "这是什么票？"), title, self.places["title"])]
        for key, value in self.fields.items():
            made.append(labelled(order, key, value, self.places[key], order.say("ticket", "票")))
        for key in (*left_out, order.say("Baggage", "行李")):
            made.append(not_there(order, key, order.say("ticket", "票")))
        return made


def _journey(order: Order) -> tuple[str, dict[str, str]]:
    """A kind of ticket and its fields, in an order that changes."""
    dice, speech = order.dice, order.speech
    title = order.pick(
        ("Train ticket", "Boarding pass", "Bus ticket", "Ferry ticket"), ("火车票", "登机牌", "汽车票", "船票")
    )
    start, end = names.different(dice, names.CITY_ZH if speech == "zh" else names.CITY, 2)
    values = {
        order.say("From", "出发地"): start,
        order.say("To", "目的地"): end,
        **_common(order),
        order.say("Departure", "开车时间"): clock(dice),
        order.say("Gate", "登机口"): f"{dice.pick('ABCDE')}{dice.integer(1, 40)}",
    }
    return title, _thinned(order, values)


def _entry(order: Order) -> tuple[str, dict[str, str]]:
    dice, speech = order.dice, order.speech
    title = order.pick(
        ("Concert ticket", "Museum ticket", "Cinema ticket", "Match ticket"),
        ("演唱会门票", "博物馆门票", "电影票", "球赛门票"),
    )
    values = {
        order.say("Place", "地点"): names.city(dice, speech),
        **_common(order),
        order.say("Doors open", "入场时间"): clock(dice),
        order.say("Row", "排"): str(dice.integer(1, 40)),
    }
    return title, _thinned(order, values)


def _common(order: Order) -> dict[str, str]:
    dice, speech = order.dice, order.speech
    marks = "¥" if speech == "zh" else dice.pick(("$", "€", "£"))
    return {
        order.say("Date", "日期"): names.written_date(names.day(dice), names.date_form(dice, speech)),
        order.say("Name", "姓名"): names.person(dice, speech),
        order.say("Seat", "座位"): f"{dice.integer(1, 60)}{dice.pick('ABCDEF')}",
        order.say("Price", "票价"): names.money(dice.integer(300, 90000), marks),
        order.say("Number", "编号"): names.serial(dice),
    }


def _thinned(order: Order, values: dict[str, str]) -> dict[str, str]:
    """Most of the fields, shuffled."""
    keys = names.different(order.dice, tuple(values), order.dice.integer(4, len(values)))
    return {key: values[key] for key in keys}


def make(order: Order) -> Document:
    """A ticket, lying."""
    return _Ticket(order).write()
