"""What a till adds up: goods, discount, service, tax inside the prices or on top of them, rounding, and how it was paid."""

from dataclasses import dataclass

from texthawk.data.factory.bill import Item, price, quantity
from texthawk.data.factory.names import goods, money
from texthawk.data.factory.order import Order

TAXES = ("GST", "VAT", "Tax", "SST", "Sales Tax")
CARDS = ("VISA", "Master Card", "Debit Card", "Credit Card", "Card")


@dataclass(frozen=True)
class Till:
    """Goods and what they come to, in hundredths; percents are whole numbers, sums are rounded half up.

    inclusive: whether prices hold the tax already. rounds: whether the sum is rounded to a multiple of five.
    """

    items: tuple[Item, ...]
    tax: int = 0
    inclusive: bool = True
    discount: int = 0
    service: int = 0
    rounds: bool = False

    @property
    def subtotal(self) -> int:
        return sum(item.amount for item in self.items)

    @property
    def service_amount(self) -> int:
        return ((self.subtotal - self.discount) * self.service + 50) // 100

    @property
    def _charged(self) -> int:
        """Before a tax that comes on top."""
        return self.subtotal - self.discount + self.service_amount

    @property
    def tax_amount(self) -> int:
        whole = 100 + self.tax if self.inclusive else 100
        return (2 * self._charged * self.tax + whole) // (2 * whole)

    @property
    def net(self) -> int:
        return self._charged - self.tax_amount if self.inclusive else self._charged

    @property
    def gross(self) -> int:
        return self.net + self.tax_amount

    @property
    def total(self) -> int:
        return (self.gross + 2) // 5 * 5 if self.rounds else self.gross

    @property
    def rounding(self) -> int:
        return self.total - self.gross


@dataclass(frozen=True)
class Sum:
    """A line among the sums: key, label, value as printed; `weight` is 1 for the total and 0 for the rest."""

    key: str
    label: str
    value: str
    weight: int = 0


def ring_up(order: Order, most: int) -> Till:
    """One to `most` goods, rung up in any of the ways of a shop."""
    dice = order.dice
    named = goods(dice, order.speech, dice.integer(1, max(1, most)))
    items = tuple(Item(name, quantity(dice, dear=False), price(dice, dear=False)) for name in named)
    whole = sum(item.amount for item in items)
    discount = whole * dice.pick((5, 10, 20, 25)) // 100 if dice.chance(0.15) and whole > 100 else 0
    return Till(
        items,
        dice.pick((0, 0, 5, 6, 6, 7, 8, 10, 13, 19, 20)),
        dice.chance(0.6),
        discount,
        dice.pick((5, 10)) if dice.chance(0.15) else 0,
        dice.chance(0.35),
    )


def sums(order: Order, till: Till) -> list[Sum]:
    """What is printed below the goods, in order; the total is the only line whose weight is 1."""
    dice = order.dice
    name = dice.pick(TAXES) if order.speech == "en" else "税"
    named: list[tuple[str, str, int]] = []
    if till.discount or till.service or dice.chance(0.5):
        label = order.pick(("Subtotal", "Sub-total", "Sub Total", "Sub-Total"), ("小计",))
        named.append(("subtotal", label, till.subtotal))
    if till.discount or dice.chance(0.15):
        named.append(("discount", order.pick(("Discount", "Disc", "Total Discount"), ("优惠", "折扣")), -till.discount))
    if till.service:
        label = order.pick(("Service Charge {}%", "Serv. Charge ({}%)"), ("服务费 {}%",)).format(till.service)
        named.append(("service", label, till.service_amount))
    if till.tax:
        named += _taxed(order, till, name)
    rounded = till.rounds or dice.chance(0.1)
    if rounded:
        named.append(
            ("rounding", order.pick(("Rounding", "Rounding Adj", "Rounding Adjustment"), ("抹零",)), till.rounding)
        )
    made = _counts(order, till) + [Sum(key, label, money(cents)) for key, label, cents in named]
    made.append(Sum("total", _total_label(order, name if till.tax else "", rounded), money(till.total), 1))
    return made + _paid(order, till)


def _taxed(order: Order, till: Till, name: str) -> list[tuple[str, str, int]]:
    """The tax with its percents, and now and then what it comes to without and with it."""
    dice, made = order.dice, list[tuple[str, str, int]]()
    if dice.chance(0.5):
        label = order.pick(
            (
                f"Total (Excl. {name})",
                f"Total Excluding {name}",
                f"Total Sales (Excluding {name})",
                f"Net excl. {name}",
            ),
            ("不含税金额",),
        )
        made.append(("net", label, till.net))
    label = order.pick(
        (f"{name} {till.tax}%", f"{name} @ {till.tax}%", f"{name} ({till.tax}%)", f"Total {name} {till.tax}%"),
        (f"税额 {till.tax}%", f"增值税 {till.tax}%"),
    )
    made.append(("tax", label, till.tax_amount))
    if till.rounding:
        label = order.pick(
            (f"Total (Incl. {name})", f"Total Incl {name}", f"Total Sales (Inclusive {name})"), ("价税合计",)
        )
        made.append(("gross", label, till.gross))
    return made


def _counts(order: Order, till: Till) -> list[Sum]:
    dice, made = order.dice, list[Sum]()
    if dice.chance(0.25):
        label = order.pick(("Item(s)", "Item Count", "No. of Items", "Items"), ("品种数", "商品种数"))
        made.append(Sum("item_count", label, str(len(till.items))))
    if dice.chance(0.4):
        label = order.pick(("Total Qty", "Total Quantity", "Qty(s)", "Total Pcs"), ("总数量", "件数合计"))
        made.append(Sum("quantity_total", label, str(sum(item.quantity for item in till.items))))
    return made


def _total_label(order: Order, tax: str, rounded: bool) -> str:
    """The total's label, which says so where it is rounded or holds a tax."""
    plain: tuple[str, ...] = (
        "Total",
        "TOTAL",
        "Total Amount",
        "Grand Total",
        "TOTAL",
        "Amount Due",
        "Net Total",
        "Balance Due",
        "Total Sales",
    )
    if rounded:
        plain += ("Total Rounded", "Total Payable", "Nett Total", "Net Total Rounded", "Total Amt Payable")
    elif tax:
        plain += (f"Total Incl. {tax}", f"Total (Inclusive of {tax})", f"Total Amt Incl. {tax}")
    return order.pick(plain, ("合计", "总计", "应付金额", "实付", "总金额"))


def _paid(order: Order, till: Till) -> list[Sum]:
    """In cash with change, by card, or not told."""
    dice = order.dice
    how = dice.weighted({"cash": 0.5, "card": 0.25, "": 0.25})
    if how == "card":
        return [Sum("card", order.pick(CARDS, ("银行卡", "微信支付", "支付宝")), money(till.total))]
    if not how:
        return []
    note = dice.pick((100, 500, 1000, 5000))
    paid = till.total if dice.chance(0.2) else -(-till.total // note) * note
    cash = Sum("cash", order.pick(("Cash", "CASH", "Cash Tendered", "Paid Amount"), ("现金", "实收")), money(paid))
    if dice.chance(0.1):
        return [cash]
    return [
        cash,
        Sum(
            "change", order.pick(("Change", "CHANGE", "Change Due", "Change Amt"), ("找零",)), money(paid - till.total)
        ),
    ]
