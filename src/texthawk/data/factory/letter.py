"""Letters: who writes to whom, when and about what, and some paragraphs."""

from texthawk.data.factory import names, shops
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.colours import colours
from texthawk.data.factory.document import Asked, Document, Line
from texthawk.data.factory.flow import Strip, around_lines
from texthawk.data.factory.key_questions import LETTER, key_questions
from texthawk.data.factory.order import Order
from texthawk.data.factory.prose_questions import prose_questions
from texthawk.data.factory.questions import absent, count, yes_no
from texthawk.types import Box

CLOSINGS = (
    ("Yours sincerely,", "Kind regards,", "Best wishes,", "Yours faithfully,", "With best regards,"),
    ("此致敬礼", "顺祝商祺", "谨上", "祝好"),
)


class _Letter:
    """A letter on its way onto the page; `places` are the boxes of what is asked about."""

    def __init__(self, order: Order):
        dice = order.dice
        self.order, self.dice = order, dice
        self.colours = colours(dice)
        width = round(order.height * dice.pick((0.707, 0.707, 0.773)))
        self.canvas = Canvas(width, order.height, self.colours.paper, self.colours.ink)
        self.style = order.style(mono=dice.chance(0.12))
        self.size = max(9.0, order.height * dice.between(0.0145, 0.02))
        self.face, self.bold = self.style.face(self.size), self.style.face(self.size, "bold")
        margin = width * dice.between(0.08, 0.13)
        self.whole = Strip(
            self.canvas, margin, width - margin, 0.05 * order.height, 0.95 * order.height, dice.between(1.35, 1.7)
        )
        self.fields: dict[str, str] = {}
        self.places: dict[str, Box] = {}
        self.written: list[str] = []
        self.prose: list[str] = []

    def write(self) -> Document:
        order, dice, whole, size = self.order, self.dice, self.whole, self.size
        sender = names.person(dice, order.speech)
        align = dice.pick(("left", "right", "centre"))
        self._block([("sender", [sender]), ("sender_address", shops.address_lines(dice, order.speech))], align)
        whole.skip(size)
        date = names.written_date(names.day(dice), names.date_form(dice, order.speech))
        self._line("date", date, align=dice.pick(("left", "right")))
        whole.skip(size)
        recipient = names.person(dice, order.speech)
        firm, address = names.firm(dice, order.speech), shops.address_lines(dice, order.speech)
        self._block([("recipient", [recipient]), ("recipient_firm", [firm]), ("recipient_address", address)], "left")
        whole.skip(1.2 * size)
        if dice.chance(0.7):
            subject = self.bold.fit(order.sentence(44).rstrip(".。!?！？"))
            form = order.pick(("Subject: {}", "Re: {}", "{}"), ("主题：{}", "关于：{}", "{}"))
            text = self.bold.fit(form.format(subject))
            lines, rest = whole.paragraph(text, self.bold)
            if lines and not rest:
                self.fields["subject"], self.places["subject"] = subject, around_lines(lines)
            self.written.append(f"**{text.removesuffix(rest).rstrip()}**")
            whole.skip(0.8 * size)
        called = recipient.split(" ")[-1] if order.speech == "en" else recipient
        self._line(
            "greeting",
            order.pick(("Dear {},", "Dear Mr. {},", "Dear Ms. {},"), ("尊敬的{}：", "{}：", "亲爱的{}：")).format(
                called
            ),
        )
        whole.skip(0.5 * size)
        self._body()
        whole.skip(0.6 * size)
        closing = dice.pick(CLOSINGS[int(order.speech == "zh")])
        self._line("closing", closing)
        whole.skip(2 * size)
        self._line("", sender)
        return Document(
            self.canvas.image,
            "letter",
            order.lang,
            tuple(self.canvas.lines),
            "\n\n".join(self.written),
            fields={key: value for key, value in self.fields.items() if key not in ("closing", "greeting")},
            asked=tuple(self._questions()),
            caption=order.say(f"A letter from {sender} to {recipient}.", f"{sender}写给{recipient}的一封信。"),
            info={"paragraphs": len(self.prose)},
        )

    def _block(self, parts: list[tuple[str, list[str]]], align: str) -> None:
        """Lines below each other, of which each part is known by its key."""
        for key, texts in parts:
            lines = [line for text in texts if (line := self.whole.line(text, self.face, align=align))]
            self.fields[key], self.places[key] = shops.joined_address(texts, self.order.speech), around_lines(lines)
        self.written.append("\n".join(text for _, texts in parts for text in texts))

    def _line(self, key: str, text: str, *, align: str = "left") -> Line | None:
        line = self.whole.line(text, self.face, align=align)
        if line is not None:
            self.written.append(text)
            if key:
                self.fields[key], self.places[key] = text, line.box
        return line

    def _body(self) -> None:
        """Paragraphs while there is room for what comes after them."""
        whole, dice = self.whole, self.dice
        foot = 5 * whole.pitch(self.face) + 3 * self.size
        indent = 2 * self.size if self.order.speech == "zh" or dice.chance(0.2) else 0.0
        for _ in range(dice.integer(1, 5)):
            most = int((whole.bottom - whole.y - foot) / whole.pitch(self.face))
            if most < 1:
                return
            text = self.face.fit(self.order.prose(dice.integer(80, 450)))
            lines, rest = whole.paragraph(text, self.face, indent=indent, most=most)
            if lines:
                self.prose.append(text.removesuffix(rest).rstrip())
                self.written.append(self.prose[-1])
            whole.skip(0.7 * self.size)

    def _questions(self) -> list[Asked]:
        order = self.order
        made = key_questions(
            order, LETTER, self.fields, self.places, first=("sender", "recipient", "date"), most=7, sheet="letter"
        )  # fmt: skip
        made += prose_questions(order, self.prose, "\n".join(line.text for line in self.canvas.lines))
        if not any(text.startswith("**") for text in self.written):
            made.append(absent(order, order.say("What is the subject line?", "主题行写了什么？")))
        made.append(count(order.say("How many paragraphs does the body have?", "正文有几段？"), self.prose))
        other = names.person(self.dice, order.speech)
        if other not in (self.fields["sender"], self.fields["recipient"]):
            made.append(yes_no(order, order.say(f"Is the letter addressed to {other}?", f"收信人是{other}吗？"), False))
        name = self.fields["recipient"]
        made.append(yes_no(order, order.say(f"Is the letter addressed to {name}?", f"收信人是{name}吗？"), True))
        made.append(absent(order, order.say("What is the account number?", "账号是多少？")))
        return made


def make(order: Order) -> Document:
    """A letter on one page."""
    return _Letter(order).write()
