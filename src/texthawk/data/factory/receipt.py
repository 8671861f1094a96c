"""Receipts of shops: a narrow strip with goods, sums and how they were paid."""

from texthawk.data.factory import names
from texthawk.data.factory.bill import Bill, bill, bill_questions
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.colours import Colours, colours
from texthawk.data.factory.document import Asked, Document
from texthawk.data.factory.flow import Strip
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import looked_up
from texthawk.data.factory.styles import Style
from texthawk.types import Box


class _Receipt:
    """A receipt on its way onto paper; `places` are the boxes of its key fields."""

    def __init__(self, order: Order):
        dice = order.dice
        self.order, self.dice = order, dice
        self.colours: Colours = colours(dice, grey=1.0)
        width = round(order.height * dice.between(0.36, 0.56))
        self.canvas = Canvas(width, order.height, self.colours.paper, self.colours.ink)
        self.style: Style = order.style(mono=dice.chance(0.6))
        self.size = max(9.0, width * dice.between(0.034, 0.046))
        self.face, self.bold = self.style.face(self.size), self.style.face(self.size, "bold")
        margin = width * dice.between(0.05, 0.1)
        self.strip = Strip(
            self.canvas, margin, width - margin, 1.2 * self.size, order.height - self.size, dice.between(1.2, 1.6)
        )
        self.fields: dict[str, object] = {}
        self.places: dict[str, Box] = {}

    def write(self) -> Document:
        order, dice, strip, face = self.order, self.dice, self.strip, self.face
        self._head()
        room = strip.rows(face) - 9
        double = dice.chance(0.3)
        self.bill: Bill = bill(order, min(12, room // (2 if double else 1)), dear=False)
        self._rule()
        quantities = double or dice.chance(0.5)
        for item in self.bill.items:
            amount = self.bill.money(item.amount)
            if double:
                strip.line(item.name, face)
                strip.pair(f"  {item.quantity} x {self.bill.money(item.price)}".strip(), amount, face)
            else:
                count = f"{item.quantity} x " if quantities else ""
                strip.pair(count + item.name, amount, face)
        self._rule()
        self._sums()
        self._foot()
        bottom = min(order.height, round(strip.y + self.size))
        self.fields["items"] = (
            self.bill.fields()
            if double
            else [
                {
                    "name": item.name,
                    **({"quantity": str(item.quantity)} if quantities else {}),
                    "amount": self.bill.money(item.amount),
                }
                for item in self.bill.items
            ]
        )
        return Document(
            self.canvas.image.crop((0, 0, self.canvas.width, bottom)),
            "receipt",
            order.lang,
            tuple(self.canvas.lines),
            "\n".join(line.text for line in self.canvas.lines),
            fields=self.fields,
            asked=tuple(self._questions(quantities, double)),
            caption=order.say(
                f"A receipt of {self.fields['company']} with a total of {self.fields['total']}.",
                f"{self.fields['company']}的一张小票，合计{self.fields['total']}。",
            ),
        )

    def _head(self) -> None:
        order, dice, strip = self.order, self.dice, self.strip
        name = names.firm(dice, order.speech)
        large = self.style.face(self.size * dice.between(1.0, 1.4), "bold")
        shown = name.upper() if order.speech == "en" and dice.chance(0.4) else name
        lines, _ = strip.paragraph(shown, large, align="centre")
        self._known("company", shown, lines[0].box)
        street, town = names.address(dice, order.speech)
        if dice.chance(0.8):
            for text in (street, town):
                strip.line(text, self.face, align="centre")
            self.fields["address"] = f"{street}, {town}" if order.speech == "en" else town + street
        if dice.chance(0.5):
            phone = names.phone(dice, order.speech)
            line = strip.line(
                order.pick(("Tel: {}", "Tel {}", "{}"), ("电话：{}", "电话 {}")).format(phone),
                self.face,
                align="centre",
            )
            if line:
                self._known("phone", phone, line.box)
        strip.skip(0.5 * self.size)
        at = 0.5 * strip.width if dice.chance(0.3) else None
        date = names.written_date(names.day(dice), names.date_form(dice, order.speech))
        self._pair("date", order.pick(("Date", "Date:"), ("日期", "日期：")), date, at)
        if dice.chance(0.6):
            self._pair(
                "number", order.pick(("Receipt", "Receipt No:", "Bill #"), ("单号", "小票号：")), names.serial(dice), at
            )
        if dice.chance(0.5):
            who = names.person(dice, order.speech).split(" ")[0]
            self._pair("cashier", order.pick(("Cashier", "Served by:"), ("收银员", "收银员：")), who, at)

    def _pair(self, key: str, label: str, value: str, at: float | None, *, bold: bool = False) -> None:
        box = self.strip.pair(label, value, self.bold if bold else self.face, at=at)
        if box is not None:
            self._known(key, value, box)

    def _known(self, key: str, value: str, box: Box) -> None:
        self.fields[key], self.places[key] = value, box

    def _rule(self) -> None:
        strip = self.strip
        if self.dice.chance(0.5):
            strip.skip(0.4 * self.size)
            self.canvas.fill((strip.left, strip.y, strip.right, strip.y + 1), self.colours.line)
            strip.skip(0.4 * self.size)
            return
        strip.skip(0.3 * self.size)
        step = max(4, round(0.6 * self.size))
        for x in range(round(strip.left), round(strip.right) - step, step):
            self.canvas.fill((x, strip.y, x + step * 0.6, strip.y + 1), self.colours.ink)
        strip.skip(0.5 * self.size)

    def _sums(self) -> None:
        order, made = self.order, self.bill
        if made.tax:
            self._pair(
                "subtotal",
                order.pick(("Subtotal", "SUBTOTAL", "Sub-total"), ("小计", "小计：")),
                made.money(made.subtotal),
                None,
            )
            label = order.pick(("Tax {}%", "VAT {}%", "GST {}%"), ("税额 {}%", "增值税 {}%")).format(made.tax)
            self._pair("tax", label, made.money(made.tax_amount), None)
        self._pair(
            "total",
            order.pick(("TOTAL", "Total", "Total:"), ("合计", "总计", "合计：")),
            made.money(made.total),
            None,
            bold=True,
        )
        self.paid = 0
        if self.dice.chance(0.5):
            self.paid = -(-made.total // 500) * 500
            self._pair("cash", order.pick(("Cash", "CASH"), ("现金", "实收")), made.money(self.paid), None)
            self._pair(
                "change", order.pick(("Change", "CHANGE"), ("找零", "找零：")), made.money(self.paid - made.total), None
            )

    def _foot(self) -> None:
        if self.dice.chance(0.7):
            self.strip.skip(0.6 * self.size)
            text = self.order.pick(
                (
                    "Thank you!",
                    "Thank you for shopping with us",
                    "Please keep your receipt",
                    "Goods are not returnable",
                ),
                ("谢谢惠顾", "欢迎再次光临", "请保留小票", "商品售出概不退换"),
            )
            self.strip.line(text, self.face, align="centre")

    def _questions(self, quantities: bool, prices: bool) -> list[Asked]:
        order = self.order
        asked = {
            "company": order.say("Which company issued the receipt?", "开具小票的商家是哪家？"),
            "date": order.say("What is the date of the receipt?", "小票的日期是什么？"),
            "number": order.say("What is the number of the receipt?", "小票的单号是多少？"),
            "phone": order.say("What is the phone number?", "电话号码是多少？"),
            "cashier": order.say("Who was the cashier?", "收银员是谁？"),
            "change": order.say("How much change was given?", "找零多少？"),
        }
        made = looked_up(order, asked, self.fields, self.places, missing=0.3)
        return made + bill_questions(order, self.bill, quantities=quantities, prices=prices, taxed=True)


def make(order: Order) -> Document:
    """A receipt, as long as what was bought."""
    return _Receipt(order).write()
