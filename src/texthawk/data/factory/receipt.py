"""Receipts of shops: a narrow strip with a head, goods, several sums below each other and how they were paid."""

from collections.abc import Sequence
from dataclasses import replace

from texthawk.data.factory import names, shops
from texthawk.data.factory.bill import goods_questions
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.colours import Colours, colours
from texthawk.data.factory.document import Asked, Document, Line, around, beside
from texthawk.data.factory.flow import Strip, around_lines
from texthawk.data.factory.ink import Face, units
from texthawk.data.factory.key_questions import KEYS, SUMS, extraction, key_questions
from texthawk.data.factory.order import Order
from texthawk.data.factory.styles import Style
from texthawk.data.factory.till import Sum, Till, ring_up, sums
from texthawk.data.synth.tokens import clock
from texthawk.types import Box

RESERVE = 15
"""Rows that the head leaves for goods and sums."""
TITLES = (
    (
        "TAX INVOICE", "Tax Invoice", "CASH RECEIPT", "RECEIPT", "Receipt", "SALES RECEIPT", "SIMPLIFIED TAX INVOICE",
        "CASH BILL", "OFFICIAL RECEIPT", "-INVOICE-", "CASH SALES", "Guest Check",
    ),
    ("销售小票", "购物小票", "收据", "结账单", "收银小票"),
)  # fmt: skip
THANKS = (
    (
        "Thank you!", "Thank you for shopping with us", "Please keep your receipt", "Goods are not returnable",
        "Please come again", "THANK YOU", "*** Thank You ***", "No refund without receipt", "Exchange within 7 days only",
        "Have a nice day",
        "Opening hours 10:00 - 22:00", "Goods sold are not refundable", "Customer copy", "Follow us online",
    ),
    ("谢谢惠顾", "欢迎再次光临", "请保留小票", "商品售出概不退换", "如需发票请当日开具"),
)  # fmt: skip
ABSENT = ("phone", "fax", "cashier", "table", "time", "number", "member", "tax_number")
"""What a receipt is asked for where it does not say it."""
Piece = tuple[float, str, str, str]
"""Part of a row: where, "left" or "right" of it, its text, and the key that its text is known by, "" for none."""


class _Receipt:
    """A receipt on its way onto paper; `places` are the boxes of its key fields."""

    def __init__(self, order: Order):
        dice = order.dice
        self.order, self.dice = order, dice
        self.colours: Colours = colours(dice, grey=1.0)
        width = round(order.height * dice.between(0.36, 0.56))
        self.canvas = Canvas(width, order.height, self.colours.paper, self.colours.ink)
        self.style: Style = order.style(mono=dice.chance(0.6))
        self.size = max(9.0, width * dice.between(0.03, 0.043))
        self.face, self.bold = self.style.face(self.size), self.style.face(self.size, "bold")
        margin = width * dice.between(0.04, 0.1)
        self.strip = Strip(
            self.canvas, margin, width - margin, 1.2 * self.size, order.height - self.size, dice.between(1.2, 1.6)
        )
        self.capitals = order.speech == "en" and dice.chance(0.4)
        self.align = "centre" if dice.chance(0.8) else "left"
        marks = ("¥", "￥", "", "") if order.speech == "zh" else ("", "", "RM ", "RM", "$", "€", "£")
        self.mark = dice.pick(marks)
        self.item_mark = self.mark if self.mark[-1:] != " " and dice.chance(0.5) else ""
        self.colon = order.pick((":", " :", "", ":"), ("：", "：", ""))
        self.rule = dice.pick(("line", "dashes", "dots", "double"))
        self.fields: dict[str, object] = {}
        self.places: dict[str, Box] = {}

    def write(self) -> Document:
        order, dice, strip = self.order, self.dice, self.strip
        self._head()
        late = self._meta()
        layout = dice.pick(("plain", "counted", "double", "columns", "columns", "front"))
        step = 2 if layout in ("double", "columns") else 1
        till = ring_up(order, max(1, min(12, (strip.rows(self.face) - RESERVE + 3) // step)))
        self.till: Till = replace(till, items=tuple(replace(i, name=self._good(i.name)) for i in till.items))
        listed = self._fitting(sums(order, self.till), strip.rows(self.face) - step * len(till.items) - 5)
        self._rule()
        self._goods(layout)
        self._rule()
        self._sums(listed)
        self._summary()
        if late:
            self._inline("", late)
        self._foot()
        bottom = min(order.height, round(strip.y + self.size))
        self.fields["items"] = [
            {
                "name": item.name,
                **({"quantity": str(item.quantity)} if layout != "plain" else {}),
                **({"price": self._money(item.price)} if step == 2 else {}),
                "amount": self._money(item.amount),
            }
            for item in self.till.items
        ]
        return Document(
            self.canvas.image.crop((0, 0, self.canvas.width, bottom)),
            "receipt",
            order.lang,
            tuple(self.canvas.lines),
            "\n".join(line.text for line in self.canvas.lines),
            fields=self.fields,
            asked=tuple(self._questions(quantities=layout != "plain", prices=step == 2)),
            caption=order.say(
                f"A receipt of {self.fields['company']} with a total of {self.fields['total']}.",
                f"{self.fields['company']}的一张小票，合计{self.fields['total']}。",
            ),
            info={"tax": till.tax, "inclusive": till.inclusive, "service": till.service},
        )

    def _cased(self, text: str) -> str:
        return text.upper() if self.capitals else text

    def _money(self, cents: int) -> str:
        return names.money(cents, self.item_mark)

    def _good(self, name: str) -> str:
        """A good's name as it is printed, often with a size."""
        detail = self.dice.pick(
            ("", "", "500g", "1.5L", "(10 pcs)", "A4", "XL", "40W", "2 kg", "No. 3", "25 cm", "- M")
        )
        longer = f"{name} {detail}" if detail and not any(c.isdigit() for c in name) else name
        fits = self.face.width(self._cased(longer)) < 0.6 * self.strip.width
        return self._cased(longer if fits and self.order.speech == "en" else name)

    def _known(self, key: str, value: str, box: Box) -> None:
        self.fields[key], self.places[key] = value, box

    def _spare(self, rows: int = 1) -> bool:
        return self.strip.rows(self.face) >= RESERVE + rows

    def _centred(self, text: str, face: Face | None = None, *, key: str = "", value: str = "") -> None:
        """A text of the head or foot, in as many lines as it needs; `value` within it is known by `key`."""
        lines, rest = self.strip.paragraph(text, face or self.face, align=self.align)
        if key and lines and not rest:
            last, count = lines[-1], len(units(value))
            own = len(lines) == 1 and "".join(last.units[-count:]) == value.replace(" ", "")
            self._known(key, value, around(last.boxes[-count:]) if own else around_lines(lines))

    def _head(self) -> None:
        order, dice, cased = self.order, self.dice, self._cased
        name = shops.shop(dice, order.speech)
        shown = name.upper() if self.capitals or (order.speech == "en" and dice.chance(0.4)) else name
        self._centred(shown, self.style.face(self.size * dice.between(1.0, 1.4), "bold"), key="company", value=shown)
        if dice.chance(0.5) and self._spare():
            number = shops.registration(dice)
            form = order.pick(("({})", "({})", "(CO. REG: {})", "Co. No: {}", "Reg. No. {}"), ("注册号：{}",))
            self._centred(cased(form.format(number)), key="registration", value=number)
        if dice.chance(0.85) and self._spare(4):
            self._address()
        if dice.chance(0.55) and self._spare(2):
            self._contact()
        if dice.chance(0.5) and self._spare():
            number = shops.tax_number(dice)
            label = order.pick(
                ("GST ID: {}", "GST Reg No: {}", "VAT No. {}", "Tax ID: {}", "GST No : {}"), ("税号：{}",)
            )
            self._centred(cased(label).format(number), key="tax_number", value=number)
        if dice.chance(0.6) and self._spare():
            title = dice.pick(TITLES[int(order.speech == "zh")])
            self.strip.skip(0.4 * self.size)
            self._centred(title, self.bold, key="heading", value=title)
        self.strip.skip(0.5 * self.size)

    def _address(self) -> None:
        given = [self._cased(text) for text in shops.address_lines(self.dice, self.order.speech)]
        printed = list[Line]()
        for text in given:
            lines, rest = self.strip.paragraph(text, self.face, align=self.align)
            assert not rest, "the head keeps room for an address"
            printed += lines
        self._known("address", shops.joined_address(given, self.order.speech), around_lines(printed))

    def _contact(self) -> None:
        order, dice = self.order, self.dice
        label = order.pick(("Tel: {}", "Tel {}", "Tel No: {}", "Phone: {}", "{}"), ("电话：{}", "电话 {}"))
        phone = names.phone(dice, order.speech)
        if order.speech == "en" and dice.chance(0.6):
            phone = f"0{dice.integer(1, 9)}-{names.digits(dice, dice.integer(7, 8))}"
        self._centred(self._cased(label).format(phone), key="phone", value=phone)
        if dice.chance(0.4):
            fax = f"0{dice.integer(1, 9)}-{names.digits(dice, 7)}"
            self._centred(self._cased(order.say("Fax: {}", "传真：{}")).format(fax), key="fax", value=fax)

    def _meta(self) -> list[tuple[str, str]]:
        """Date, number and who served; a date that is only printed at the foot is returned with its time."""
        order, dice = self.order, self.dice
        form = dice.pick(names.TILL_DATES) if order.speech == "en" else names.date_form(dice, "zh")
        date = [("date", names.written_date(names.day(dice), form))]
        if dice.chance(0.55):
            date.append(
                ("time", clock(dice) if order.speech == "en" else f"{dice.integer(7, 22):02}:{dice.integer(0, 59):02}")
            )
        late = date if dice.chance(0.15) else []
        rows: list[tuple[str, list[tuple[str, str]]]] = []
        if not late and len(date) > 1 and dice.chance(0.3):
            rows += [(order.say("Date", "日期"), date[:1]), (order.say("Time", "时间"), date[1:])]
        elif not late:
            rows.append((order.pick(("Date", "DATE", "Inv Date", "Date/Time", ""), ("日期", "时间", "开票日期")), date))
        for share, key, label, value in self._others():
            if dice.chance(share) and self._spare(len(rows) + 1):
                rows.insert(dice.integer(0, len(rows)), (label, [(key, value)]))
        how, at = dice.pick(("inline", "inline", "inline", "right", "column")), None
        if how == "column":
            at = (
                max(self.face.width(self._cased(label) + self.colon) for label, _ in rows or [("", date)])
                + 1.5 * self.size
            )
        for label, values in rows:
            if how == "inline" or not label or len(values) > 1:
                self._inline(label, values)
            else:
                [(key, value)] = values
                box = self.strip.pair(self._cased(label) + self.colon, value, self.face, at=at)
                assert box is not None, "the head leaves room for it"
                self._known(key, value, box)
        return late

    def _others(self) -> list[tuple[float, str, str, str]]:
        order, dice = self.order, self.dice
        who = self._cased(names.person(dice, order.speech).split(" ")[0])
        return [
            (
                0.6,
                "number",
                order.pick(
                    ("Receipt No", "Receipt", "Doc No.", "Invoice No.", "Bill #", "Inv No", "Receipt #"),
                    ("单号", "小票号"),
                ),
                names.serial(dice),
            ),
            (0.5, "cashier", order.pick(("Cashier", "Served by", "Operator", "Server"), ("收银员",)), who),
            (0.2, "table", order.pick(("Table", "Table No"), ("桌号",)), str(dice.integer(1, 60))),
            (0.15, "till", order.pick(("Counter", "Till", "Reg"), ("收银台",)), f"{dice.integer(1, 12):02}"),
            (0.12, "member", order.pick(("Member No", "Member"), ("会员号",)), names.digits(dice, 8)),
        ]

    def _inline(self, label: str, values: Sequence[tuple[str, str]]) -> None:
        """A label with what follows it on one row, or below each other where that is too wide."""
        texts = [(self._cased(label) + self.colon, "")] if label else []
        texts += [(value, key) for key, value in values]
        face, pieces, x = self.face, list[Piece](), self.strip.left
        for text, key in texts:
            if pieces and x + face.width(text) > self.strip.right:
                self._row(pieces)
                pieces, x = [], self.strip.left
            pieces.append((x, "left", text, key))
            x += face.width(text) + face.space
        self._row(pieces)

    def _row(self, pieces: Sequence[Piece], face: Face | None = None) -> None:
        """Print pieces beside each other as one line; nothing where there is no room below."""
        face, strip = face or self.face, self.strip
        if strip.rows(face) < 1:
            return
        base, whole = strip.baseline(face), None
        for x, align, text, key in pieces:
            line = self.canvas.text(x, base, text, face, align=align, keep=False)
            whole = beside(whole, line) if whole else line
            if key:
                self._known(key, text, line.box)
        assert whole is not None
        self.canvas.lines.append(whole)
        strip.skip(strip.pitch(face))

    def _rule(self) -> None:
        strip, size, ink = self.strip, self.size, self.colours.ink
        strip.skip(0.35 * size)
        if self.rule in ("line", "double"):
            self.canvas.fill((strip.left, strip.y, strip.right, strip.y + 1), self.colours.line)
            if self.rule == "double":
                self.canvas.fill((strip.left, strip.y + 3, strip.right, strip.y + 4), self.colours.line)
        else:
            wide, step = (
                (0.36, max(4, round(0.6 * size))) if self.rule == "dashes" else (0.1, max(3, round(0.3 * size)))
            )
            self.canvas.dashes((strip.left, strip.y, strip.right, strip.y + 1), step, wide * size, ink)
        strip.skip(0.45 * size)

    def _goods(self, layout: str) -> None:
        strip, face, cased = self.strip, self.face, self._cased
        middle, late = strip.left + 0.44 * strip.width, strip.left + 0.72 * strip.width
        if layout == "columns":
            head = self.order.pick(
                ("Item|Qty|Price|Amount", "Description|Qty|U.Price|Total", "Code|Qty|U/P|Amt"), ("商品|数量|单价|金额",)
            ).split("|")
            self._row([(x, a, cased(t), "") for x, a, t in zip(
                (strip.left, middle, late, strip.right), ("left", "right", "right", "right"), head, strict=True)])  # fmt: skip
        coded = self.dice.chance(0.5)
        for item in self.till.items:
            amount, each = self._money(item.amount), self._money(item.price)
            if layout == "columns":
                strip.line(item.name, face)
                code = names.digits(self.dice, 6)
                narrow = strip.left + face.width(code + str(item.quantity)) + face.space < middle
                pieces: list[Piece] = [(strip.left, "left", code, "")] if coded and narrow else []
                pieces += [
                    (middle, "right", str(item.quantity), ""),
                    (late, "right", each, ""),
                    (strip.right, "right", amount, ""),
                ]
                self._row(pieces)
            elif layout == "double":
                strip.line(item.name, face)
                strip.pair(f"{item.quantity} {cased('x')} {each}", amount, face)
            elif layout == "front":
                strip.pair(f"{item.quantity} {item.name}", amount, face)
            else:
                strip.pair((f"{item.quantity} x " if layout == "counted" else "") + item.name, amount, face)

    def _fitting(self, listed: Sequence[Sum], room: int) -> list[Sum]:
        """The sums that there is room for; what the total is made of is never left out."""
        kept, rows = list(listed), {one.key: 1 + self._wide(one) for one in listed}
        for key in ("item_count", "quantity_total", "change", "cash", "card", "subtotal", "net", "gross"):
            if sum(rows[one.key] for one in kept) > room:
                kept = [one for one in kept if one.key != key]
        return kept

    def _wide(self, one: Sum) -> bool:
        face = self.bold
        return face.width(self._cased(one.label) + " :" + self._printed(one)) + 2 * face.space > self.strip.width

    def _printed(self, one: Sum) -> str:
        if not self.mark or one.key in ("item_count", "quantity_total"):
            return one.value
        sign = "-" if one.value.startswith("-") else ""
        return sign + self.mark + one.value.lstrip("-")

    def _sums(self, listed: Sequence[Sum]) -> None:
        inner = self.dice.chance(0.25)
        for one in listed:
            face = self.bold if one.weight and self.dice.chance(0.7) else self.face
            label, value = self._cased(one.label) + self.colon, self._printed(one)
            edge = self.strip.left + 0.68 * self.strip.width
            if inner and face.width(label) < 0.68 * self.strip.width and face.width(value) < 0.3 * self.strip.width:
                self._row([(edge, "right", label, ""), (self.strip.right, "right", value, one.key)], face)
            elif face.width(label) > self.strip.width:
                self.strip.paragraph(label, face)
                self._row([(self.strip.right, "right", value, one.key)], face)
            else:
                box = self.strip.pair(label, value, face)
                if box is not None:
                    self._known(one.key, value, box)
            if one.key in self.fields and self.mark.endswith(" "):
                self.fields[one.key] = str(self.fields[one.key]).removeprefix(self.mark)

    def _summary(self) -> None:
        """A small table of what is taxed and how much the tax is."""
        till, strip = self.till, self.strip
        if not till.tax or strip.rows(self.face) < 5 or not self.dice.chance(0.4):
            return
        middle = strip.left + 0.7 * strip.width
        self._rule()
        head = self.order.say("Tax Summary|Amount|Tax", "税率|金额|税额").split("|")
        rows = [head, [f"SR @ {till.tax}%", names.money(till.net), names.money(till.tax_amount)]]
        for first, second, third in rows:
            self._row([(strip.left, "left", self._cased(first), ""), (middle, "right", self._cased(second), ""),
                       (strip.right, "right", self._cased(third), "")])  # fmt: skip

    def _foot(self) -> None:
        self.strip.skip(0.6 * self.size)
        texts = THANKS[int(self.order.speech == "zh")]
        for text in names.different(self.dice, texts, self.dice.integer(0, 3)):
            if self.strip.rows(self.face) >= 2:
                self._centred(self._cased(text))

    def _questions(self, *, quantities: bool, prices: bool) -> list[Asked]:
        order = self.order
        made = key_questions(
            order, KEYS, self.fields, self.places, first=("company", "address", "date"), most=6, missing=ABSENT, sheet="receipt"
        )  # fmt: skip
        gone = ("change", "discount", "service") if self.dice.chance(0.4) else ()
        made += key_questions(
            order, SUMS, self.fields, self.places, first=("total",), most=4, missing=gone, sheet="receipt"
        )  # fmt: skip
        made.append(extraction(order, self.fields, ("company", "date", "address", "total")))
        return made + goods_questions(order, self.till.items, self._money, quantities=quantities, prices=prices)


def make(order: Order) -> Document:
    """A receipt, as long as what was bought."""
    return _Receipt(order).write()
