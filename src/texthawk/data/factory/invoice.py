"""Invoices: two parties, numbers and dates, a table of goods and what they come to."""

from texthawk.data.factory import names, shops
from texthawk.data.factory.bill import Bill, bill, goods_questions
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.colours import Colours, colours
from texthawk.data.factory.document import Asked, Document
from texthawk.data.factory.flow import Strip, around_lines
from texthawk.data.factory.grid import Cell, Grid
from texthawk.data.factory.ink import Face
from texthawk.data.factory.key_questions import INVOICE, SUMS, extraction, key_questions
from texthawk.data.factory.order import Order
from texthawk.data.factory.styles import Style
from texthawk.data.factory.table_layout import Setting, column_widths, ruling, set_grid
from texthawk.types import Box

ABSENT = ("due", "order", "customer", "iban", "tax_number")
"""What an invoice is asked for where it does not say it."""


class _Invoice:
    """An invoice on its way onto the page; `places` are the boxes of its key fields."""

    def __init__(self, order: Order):
        dice = order.dice
        self.order, self.dice = order, dice
        self.colours: Colours = colours(dice)
        width = round(order.height * dice.pick((0.707, 0.707, 0.773)))
        self.canvas = Canvas(width, order.height, self.colours.paper, self.colours.ink)
        self.style: Style = order.style()
        self.size = max(9.0, order.height * dice.between(0.0135, 0.0175))
        self.face, self.bold = self.style.face(self.size), self.style.face(self.size, "bold")
        self.margin = width * dice.between(0.06, 0.1)
        self.left, self.right = self.margin, width - self.margin
        self.bottom = order.height * 0.95
        self.fields: dict[str, object] = {}
        self.places: dict[str, Box] = {}
        self.written: list[str] = []

    def strip(self, left: float, right: float, top: float) -> Strip:
        return Strip(self.canvas, left, right, top, self.bottom, 1.45)

    def write(self) -> Document:
        order, dice = self.order, self.dice
        top = self._parties(order.height * 0.05)
        self.bill: Bill = bill(order, max(1, int((self.bottom - top) / (2.2 * self.size)) - 10), dear=True)
        self.bill = Bill(self.bill.items[:14], self.bill.tax, self.bill.mark)
        grid = self._goods(top)
        end = self._sums(max(cell.box.bottom for cell in grid.cells) + self.size)
        if dice.chance(0.7):
            strip = self.strip(self.left, self.right, end + 1.5 * self.size)
            text = self.face.fit(order.prose(dice.integer(40, 160)))
            _, rest = strip.paragraph(text, self.face, most=3)
            self._add(text.removesuffix(rest).rstrip())
        self.fields["items"] = self.bill.fields()
        return Document(
            self.canvas.image,
            "invoice",
            order.lang,
            tuple(self.canvas.lines),
            "\n\n".join(self.written),
            grids=(grid,),
            fields=self.fields,
            asked=tuple(self._questions()),
            caption=order.say(
                f"An invoice from {self.fields['seller']} to {self.fields['buyer']} over {self.fields['total']}.",
                f"{self.fields['seller']}开给{self.fields['buyer']}的发票，金额为{self.fields['total']}。",
            ),
            info={"tax": self.bill.tax, "inclusive": False, "service": 0},
        )

    def _add(self, text: str) -> None:
        if text:
            self.written.append(text)

    def _known(self, key: str, value: str, box: Box) -> None:
        self.fields[key], self.places[key] = value, box

    def _parties(self, top: float) -> float:
        """Seller, title, numbers and buyer; returns where they end."""
        order, dice = self.order, self.dice
        middle = (self.left + self.right) / 2
        seller = names.firm(dice, order.speech)
        title = order.pick(("INVOICE", "Invoice", "Tax Invoice"), ("发票", "销售发票", "账单"))
        large = self.style.face(self.size * dice.between(1.7, 2.4), "bold")
        strip = self.strip(self.left, self.right, top)
        beside_title = dice.chance(0.5)
        if not beside_title:
            strip.line(title, large, self.colours.accent, align=dice.pick(("left", "centre")))
            self._add("# " + title)
            strip.skip(self.size)
        block = self.strip(self.left, middle - self.size, strip.y)
        self._known("seller", seller, around_lines(block.paragraph(seller, self.bold)[0]))
        address = self._address(block, "seller_address")
        self._add("\n".join([seller, *address]))
        self._contact(block)
        if beside_title:
            other = self.strip(middle, self.right, strip.y)
            other.line(title, large, self.colours.accent, align="right")
            self._add("# " + title)
        numbers = self._numbers(
            self.strip(middle + self.size, self.right, strip.y + (3.4 * self.size if beside_title else 0))
        )
        buyer = self.strip(self.left, self.right, max(block.y, numbers) + 1.5 * self.size)
        self._buyer(buyer)
        return buyer.y + 1.5 * self.size

    def _numbers(self, strip: Strip) -> float:
        order, dice = self.order, self.dice
        form = (
            dice.pick(names.TILL_DATES)
            if order.speech == "en" and dice.chance(0.5)
            else names.date_form(dice, order.speech)
        )
        day = names.day(dice)
        pairs = [
            ("number", order.pick(("Invoice No.", "Invoice #", "No."), ("发票号码", "编号")), names.serial(dice)),
            (
                "date",
                order.pick(("Date", "Invoice date", "Issued"), ("日期", "开票日期")),
                names.written_date(day, form),
            ),
        ]
        if dice.chance(0.6):
            due = day.fromordinal(day.toordinal() + dice.pick((7, 14, 30, 60)))
            pairs.append(
                ("due", order.pick(("Due date", "Payable by"), ("付款期限", "到期日")), names.written_date(due, form))
            )
        if dice.chance(0.4):
            pairs.append(("order", order.pick(("Order No.", "Your order"), ("订单号", "订单编号")), names.serial(dice)))
        if dice.chance(0.3):
            label = order.pick(("Customer No.", "Client ID"), ("客户编号",))
            pairs.append(("customer", label, names.digits(dice, dice.integer(4, 7))))
        at = None if dice.chance(0.5) else 0.45 * strip.width
        colon = order.pick((":", ""), ("：", ""))
        for key, label, value in pairs:
            self._pair(strip, key, label + colon, value, self.face, at)
        return strip.y

    def _buyer(self, strip: Strip) -> None:
        order, dice = self.order, self.dice
        heading = order.pick(("Bill to", "Sold to", "Customer"), ("客户", "购买方", "买方"))
        strip.line(heading, self.bold, self.colours.accent)
        buyer = names.firm(dice, order.speech) if dice.chance(0.6) else names.person(dice, order.speech)
        line = strip.line(buyer, self.face)
        assert line is not None
        self._known("buyer", buyer, line.box)
        address = self._address(strip, "buyer_address")
        self._add(f"**{heading}**")
        self._add("\n".join([buyer, *address]))

    def _address(self, strip: Strip, key: str) -> list[str]:
        """Print an address and return its lines."""
        given = shops.address_lines(self.dice, self.order.speech)
        printed = [line for text in given for line in strip.paragraph(text, self.face)[0]]
        self._known(key, shops.joined_address(given, self.order.speech), around_lines(printed))
        return given

    def _contact(self, strip: Strip) -> None:
        """Telephone and number for taxes of the seller, with labels or without."""
        order, dice = self.order, self.dice
        phone = names.phone(dice, order.speech)
        if strip.width > self.face.width("Tel.: " + phone):
            line = strip.line(order.pick(("{}", "Tel. {}", "Phone: {}"), ("{}", "电话 {}")).format(phone), self.face)
            if line is not None:
                self._known("phone", phone, line.box)
                self._add(line.text)
        if dice.chance(0.45):
            value = (
                dice.pick(("GB", "DE", "FR", "NL")) + names.digits(dice, 9)
                if order.speech == "en"
                else names.digits(dice, 15)
            )
            label = order.pick(("VAT No.:", "VAT ID:", "Tax ID:"), ("税号：",))
            self._pair(strip, "tax_number", label, value, self.face, 0.0)

    def _pair(self, strip: Strip, key: str, label: str, value: str, face: Face, at: float | None) -> None:
        if max(face.width(label), face.width(value)) > strip.width:
            return
        box = strip.pair(label, value, face, at=at)
        if box is not None:
            self._known(key, value, box)
            self._add(f"{label} {value}")

    def _bank(self, top: float) -> float:
        """Where to pay to; returns where that ends."""
        order, dice = self.order, self.dice
        strip = self.strip(self.left, self.right, top)
        if dice.chance(0.5):
            digits = names.digits(dice, 20) if order.speech == "en" else names.digits(dice, 19)
            iban = dice.pick(("DE", "GB", "FR", "ES")) + digits if order.speech == "en" else digits
            if order.speech == "en" and dice.chance(0.6):
                iban = " ".join(iban[i : i + 4] for i in range(0, len(iban), 4))
            self._pair(
                strip, "iban", order.pick(("IBAN:", "Pay to IBAN"), ("银行账号：", "账号")), iban, self.face, 0.0
            )
        return strip.y

    def _goods(self, top: float) -> Grid:
        order, dice, made = self.order, self.dice, self.bill
        head = (
            order.pick(("Description", "Item"), ("商品名称", "名称")), order.pick(("Qty", "Quantity"), ("数量",)),
            order.pick(("Unit price", "Price"), ("单价",)), order.pick(("Amount", "Total"), ("金额",)),
        )  # fmt: skip
        texts = [head, *((i.name, str(i.quantity), made.money(i.price), made.money(i.amount)) for i in made.items)]
        cells = tuple(Cell(r, c, text) for r, row in enumerate(texts) for c, text in enumerate(row))
        grid = Grid(len(texts), 4, 1, cells)
        rows = (self.bottom - top) / (self.size * (len(texts) + 7))
        setting = Setting(
            self.face,
            self.bold,
            ("left", "right", "right", "right"),
            ruling(dice),
            0.6 * self.size,
            min(rows, dice.between(1.5, 2.1)),
        )
        widths = column_widths(grid, setting, self.right - self.left)
        widths[0] += max(0.0, self.right - self.left - sum(widths))
        done = set_grid(self.canvas, grid, setting, self.colours, Box(self.left, top, self.right, self.bottom), widths)
        assert done is not None, f"{len(texts)} rows do not fit below {top} on {self.canvas.height}"
        self._add(done.markdown())
        return done

    def _sums(self, top: float) -> float:
        order, made = self.order, self.bill
        strip = self.strip(self.left + 0.5 * (self.right - self.left), self.right, top)
        pairs = []
        if made.tax:
            pairs.append(
                ("subtotal", order.pick(("Subtotal", "Net amount", "Sum"), ("小计", "合计金额")), made.subtotal)
            )
            label = order.pick(("Tax ({}%)", "VAT {}%"), ("税额（{}%）", "增值税 {}%")).format(made.tax)
            pairs.append(("tax", label, made.tax_amount))
        pairs.append(
            (
                "total",
                order.pick(
                    ("Total", "Amount due", "TOTAL", "Total due", "Grand total", "Invoice total", "Balance due"),
                    ("总计", "应付金额", "价税合计"),
                ),
                made.total,
            )
        )
        for key, label, cents in pairs:
            self._pair(strip, key, label, made.money(cents), self.bold if key == "total" else self.face, None)
        return self._bank(strip.y + 0.5 * self.size)

    def _questions(self) -> list[Asked]:
        order = self.order
        made = key_questions(
            order, INVOICE, self.fields, self.places, first=("number", "date"), most=8, missing=ABSENT, sheet="invoice"
        )  # fmt: skip
        made += key_questions(order, SUMS, self.fields, self.places, first=("total",), most=3, sheet="invoice")
        made.append(extraction(order, self.fields, ("seller", "number", "date", "total")))
        return made + goods_questions(order, self.bill.items, self.bill.money, quantities=True, prices=True)


def make(order: Order) -> Document:
    """An invoice on one page."""
    return _Invoice(order).write()
