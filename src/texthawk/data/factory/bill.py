"""What stands on invoices and receipts: goods with prices that add up, and questions about them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from texthawk.data.factory import names
from texthawk.data.factory.document import Asked
from texthawk.data.factory.order import Order
from texthawk.data.synth.dice import Dice
from texthawk.model.transcript import NO, NOT_HERE, YES
from texthawk.model.working import count_of, extreme_of, is_more, list_of, sum_of


@dataclass(frozen=True)
class Item:
    """Some goods; `price` of one of them in hundredths."""

    name: str
    quantity: int
    price: int

    @property
    def amount(self) -> int:
        return self.quantity * self.price


@dataclass(frozen=True)
class Bill:
    """Goods and what they come to, in hundredths; tax in whole percent is added to the sum, rounded half up.

    mark: of the currency, as it is printed before a sum.
    """

    items: tuple[Item, ...]
    tax: int
    mark: str

    @property
    def subtotal(self) -> int:
        return sum(item.amount for item in self.items)

    @property
    def tax_amount(self) -> int:
        return (self.subtotal * self.tax + 50) // 100

    @property
    def total(self) -> int:
        return self.subtotal + self.tax_amount

    def money(self, cents: int) -> str:
        return names.money(cents, self.mark)

    def fields(self) -> list[dict[str, str]]:
        """The goods as key fields."""
        return [
            {
                "name": item.name,
                "quantity": str(item.quantity),
                "price": self.money(item.price),
                "amount": self.money(item.amount),
            }
            for item in self.items
        ]


def bill(order: Order, most: int, *, dear: bool) -> Bill:
    """One to `most` goods; `dear` ones are bought by firms."""
    dice = order.dice
    goods = names.goods(dice, order.speech, dice.integer(1, max(1, most)))
    items = tuple(Item(name, quantity(dice, dear=dear), price(dice, dear=dear)) for name in goods)
    marks = ("¥", "￥", "") if order.speech == "zh" else ("$", "€", "£", "")
    return Bill(items, dice.pick((0, 5, 6, 8, 10, 13, 19, 20)), dice.pick(marks))


def quantity(dice: Dice, *, dear: bool) -> int:
    return dice.integer(1, 60) if dear else dice.pick((1, 1, 1, 1, 2, 2, 3, 4, 6))


def price(dice: Dice, *, dear: bool) -> int:
    cents = round(100 * 1.5 ** dice.between(0, 16 if dear else 9))
    return max(5, cents // 10 * 10 + dice.pick((0, 5, 9)))


def goods_questions(
    order: Order, items: Sequence[Item], money: Callable[[int], str], *, quantities: bool, prices: bool
) -> list[Asked]:
    """Questions on the goods that are printed, sums by `money`; `basis` names the operation and the goods."""
    dice = order.dice
    question = order.pick(
        (
            "How many different items are listed?",
            "How many different items were bought?",
            "How many kinds of goods are listed?",
        ),
        ("列出了几种商品？", "一共有几种商品？"),
    )
    made = [_asked(question, str(len(items)), "count", "items", working=list_of([item.name for item in items]))]
    item = dice.pick(items)
    question = order.pick(
        (
            f"What is the amount for {item.name}?", f"How much was paid for {item.name}?", f"What does {item.name} come to?",
            f"What is the amount of {item.name}?", f"How much is charged for {item.name}?",
        ),
        (f"{item.name}的金额是多少？", f"{item.name}一共多少钱？"),
    )  # fmt: skip
    made.append(_asked(question, money(item.amount), "look-up", "amount", item.name))
    if quantities:
        question = order.pick(
            (f"How many units of {item.name} are there?", f"What is the quantity of {item.name}?"),
            (f"{item.name}的数量是多少？", f"买了多少{item.name}？"),
        )
        made.append(_asked(question, str(item.quantity), "look-up", "quantity", item.name))
        if len(items) > 1 and dice.chance(0.5):
            question = order.say("What do all quantities add up to?", "数量合计是多少？")
            working = sum_of([str(i.quantity) for i in items])
            made.append(_asked(question, str(sum(i.quantity for i in items)), "sum", "quantities", working=working))
    if prices:
        question = order.pick(
            (
                f"What is the unit price of {item.name}?",
                f"What does one {item.name} cost?",
                f"What is the price of {item.name}?",
            ),
            (f"{item.name}的单价是多少？", f"一件{item.name}多少钱？"),
        )
        made.append(_asked(question, money(item.price), "look-up", "price", item.name))
    if len(items) > 1:
        made.append(_asked(*_first_or_last(order, items)))
        made += _several(order, items, money)
    other = dice.pick(names.GOODS_ZH if order.speech == "zh" else names.GOODS)
    if all(other.casefold() not in i.name.casefold() for i in items):
        question = order.say(f"What is the amount for {other}?", f"{other}的金额是多少？")
        made.append(_asked(question, NOT_HERE[order.speech], "absent", "absent", other))
    return made


def _first_or_last(order: Order, items: Sequence[Item]) -> tuple[str, str, str, str]:
    if order.dice.chance(0.5):
        question = order.pick(("Which item is listed first?", "What is the first item?"), ("第一种商品是什么？",))
        return question, items[0].name, "look-up", "first"
    question = order.pick(("Which item is listed last?", "What is the last item?"), ("最后一种商品是什么？",))
    return question, items[-1].name, "look-up", "last"


def _several(order: Order, items: Sequence[Item], money: Callable[[int], str]) -> list[Asked]:
    dice = order.dice
    made = []
    amounts = [item.amount for item in items]
    if amounts.count(max(amounts)) == 1:
        dearest = items[amounts.index(max(amounts))]
        question = order.say("Which item has the largest amount?", "哪种商品的金额最大？")
        working = extreme_of([item.name for item in items], [money(amount) for amount in amounts], largest=True)
        made.append(_asked(question, dearest.name, "compare", "largest", working=working))
    first = dice.integer(0, len(items) - 1)
    a, b = items[first], items[(first + dice.integer(1, len(items) - 1)) % len(items)]
    question = order.say(f"What do {a.name} and {b.name} cost together?", f"{a.name}和{b.name}一共多少钱？")
    both = [money(a.amount), money(b.amount)]
    made.append(_asked(question, money(a.amount + b.amount), "sum", "sum", a.name, b.name, working=sum_of(both)))
    if a.amount != b.amount:
        question = order.say(f"Is the amount for {a.name} higher than for {b.name}?", f"{a.name}的金额比{b.name}高吗？")
        answer = (YES if a.amount > b.amount else NO)[order.speech]
        made.append(_asked(question, answer, "yes/no", "higher", a.name, b.name, working=is_more(*both)))
    limit = dice.pick(sorted(amounts))
    question = order.say(
        f"How many items have an amount above {money(limit)}?", f"金额高于{money(limit)}的商品有几种？"
    )
    working = count_of([money(amount) for amount in amounts], money(limit), above=True)
    made.append(
        _asked(question, str(sum(amount > limit for amount in amounts)), "count", "above", limit, working=working)
    )
    return made


def _asked(question: str, answer: str, kind: str, *basis: str | int, working: str = "") -> Asked:
    return Asked(question, answer, kind=kind, basis=basis, working=working)
