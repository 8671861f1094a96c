"""How people ask for what a bill or a letter has to say: for each key field the wordings of a question, in two languages.

Every wording of a key asks for that key alone, whatever else is printed on the same page.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from texthawk.data.factory.document import Asked
from texthawk.data.factory.names import different
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import absent, look_up
from texthawk.types import Box

Wordings = tuple[tuple[str, ...], tuple[str, ...]]

SUMS: dict[str, Wordings] = {
    "total": (
        (
            "What is the total?", "What is the total amount?", "How much was paid in all?", "What is the grand total?",
            "What is the amount due?", "How much is the bill?", "How much is to be paid?", "What does it come to in total?",
            "What is the total to pay?", "What is the final amount?", "What is the total amount of the {sheet}?",
            "How much is the total?", "What is the sum total?", "What is the total cost?", "Total amount?",
        ),
        (
            "总计金额是多少？", "合计多少？", "总额是多少？", "应付多少钱？", "一共多少钱？", "总金额是多少？",
            "金额是多少？", "实付金额是多少？",
        ),
    ),
    "subtotal": (
        ("What is the subtotal?", "How much is the subtotal?", "What is the sub-total of the {sheet}?", "Subtotal?"),
        ("小计是多少？", "小计金额是多少？"),
    ),
    "net": (
        (
            "What is the total without tax?", "What is the amount before tax?", "How much is it excluding tax?",
            "What is the total excluding tax?",
        ),
        ("不含税金额是多少？", "税前金额是多少？"),
    ),
    "gross": (
        ("What is the total including tax before rounding?", "How much is it with tax, before it is rounded?"),
        ("取整前的含税总额是多少？", "抹零前的含税金额是多少？"),
    ),
    "tax": (
        (
            "How much is the tax?", "What is the tax amount?", "How much tax is charged?", "What is the amount of tax?",
            "How much tax was paid?", "What does the tax come to?",
        ),
        ("税额是多少？", "税金是多少？", "交了多少税？"),
    ),
    "rounding": (
        ("What is the rounding adjustment?", "By how much was the total rounded?", "How much is the rounding?"),
        ("抹零多少？", "取整调整是多少？"),
    ),
    "discount": (
        ("What is the discount?", "How much discount was given?", "How much was taken off?", "What is the discount amount?"),
        ("优惠了多少？", "折扣金额是多少？", "减免多少钱？"),
    ),
    "service": (
        ("What is the service charge?", "How much is the service charge?", "How much was charged for service?"),
        ("服务费是多少？", "收了多少服务费？"),
    ),
    "cash": (
        (
            "How much cash was paid?", "How much cash was given?", "What is the cash amount?",
            "How much did the customer hand over?",
        ),
        ("实收多少？", "付了多少现金？", "现金是多少？"),
    ),
    "card": (
        ("How much was charged to the card?", "How much was paid by card?", "What is the amount paid by card?"),
        ("刷卡支付了多少？", "刷卡金额是多少？"),
    ),
    "change": (
        (
            "How much change was given?", "What is the change?", "How much change did the customer get?",
            "What is the change amount?", "How much was given back?",
        ),
        ("找零多少？", "找零是多少？", "找回多少钱？"),
    ),
    "quantity_total": (
        ("What is the total quantity?", "How many pieces were bought in all?", "What is the total number of units?"),
        ("总数量是多少？", "一共买了多少件？", "数量合计是多少？"),
    ),
    "item_count": (
        ("What is the item count?", "What number of items does the {sheet} state?"),
        ("商品种数是多少？", "小票上写的品种数是多少？"),
    ),
}  # fmt: skip
"""Sums that a bill may print next to one another."""

KEYS: dict[str, Wordings] = {
    "company": (
        (
            "Which company issued the {sheet}?", "What is the name of the company?", "Who is the seller?",
            "What is the name of the company that issued this {sheet}?", "Which store is this from?", "Who is the vendor?",
            "What is the name of the shop?", "What is the name of the store?", "Who is the merchant?",
            "What is the name of the merchant?", "Which shop is this {sheet} from?", "Where was this bought?",
            "Who issued this {sheet}?", "What is the name of the seller?", "What is the company name?",
            "What is the name of the business?",
        ),
        (
            "开具小票的商家是哪家？", "商家名称是什么？", "是哪家店的小票？", "店名是什么？", "商户名称是什么？",
            "公司名称是什么？", "单位名称是什么？",
        ),
    ),
    "address": (
        (
            "What is the address?", "What is the address of the company?", "Where is the shop?", "Where is the store located?",
            "What is the address of the store?", "What address is printed on the {sheet}?", "What is the address of the shop?",
            "At which address is the company?", "What is the merchant's address?",
        ),
        ("地址是什么？", "商家的地址是什么？", "店在哪里？", "地址在哪里？"),
    ),
    "date": (
        (
            "What is the date of the {sheet}?", "What is the date on the {sheet}?", "What date is printed on this {sheet}?",
            "When was this {sheet} issued?", "When was this issued?", "What is the date?", "On which date was this bought?",
            "What is the date of purchase?", "When was the purchase made?", "What is the transaction date?",
            "On which day was the {sheet} printed?",
        ),
        ("小票的日期是什么？", "日期是哪天？", "是哪天买的？", "开票日期是哪天？", "日期是什么？", "交易日期是哪天？"),
    ),
    "time": (
        (
            "What time is printed on the {sheet}?", "At what time was this issued?",
            "What is the time on the {sheet}?", "What is the time?",
        ),
        ("时间是几点？", "是几点开的？", "小票上的时间是几点？"),
    ),
    "number": (
        (
            "What is the {sheet} number?", "What is the number of the {sheet}?", "What is the document number?",
            "Which number does the {sheet} have?", "What is the bill number?",
        ),
        ("小票的单号是多少？", "单号是多少？", "票号是多少？"),
    ),
    "phone": (
        (
            "What is the phone number?", "What is the telephone number?", "What is the telephone number of the shop?",
            "Which number can one call?", "What phone number is printed on the {sheet}?",
        ),
        ("电话号码是多少？", "电话是多少？", "商家的电话是多少？", "联系电话是多少？"),
    ),
    "fax": (("What is the fax number?", "Which fax number is given?"), ("传真是多少？", "传真号码是多少？")),
    "registration": (
        ("What is the registration number of the company?", "What is the company registration number?"),
        ("注册号是多少？", "公司的注册号是多少？"),
    ),
    "tax_number": (
        (
            "What is the tax number?", "What is the tax registration number?", "What is the tax ID?",
            "What is the seller's tax number?",
        ),
        ("税号是多少？", "纳税人识别号是多少？"),
    ),
    "cashier": (
        ("Who was the cashier?", "What is the name of the cashier?", "Who served the customer?", "Who is the cashier?"),
        ("收银员是谁？", "收银员叫什么？"),
    ),
    "table": (
        ("What is the table number?", "Which table was it?", "At which table was the customer?"),
        ("桌号是多少？", "是几号桌？"),
    ),
    "till": (
        ("What is the counter number?", "Which till was it?", "At which counter was it paid?"),
        ("收银台号是多少？", "是几号收银台？"),
    ),
    "member": (("What is the member number?", "Which member number is given?"), ("会员号是多少？", "会员卡号是多少？")),
    "heading": (
        ("What kind of document is this?", "What is the heading of the {sheet}?", "What does the heading say?"),
        ("这是什么单据？", "单据的标题是什么？"),
    ),
}  # fmt: skip
"""What a receipt has beside its sums."""

INVOICE: dict[str, Wordings] = {
    "number": (
        (
            "What is the invoice number?", "What is the number of the invoice?", "Which number does this invoice have?",
            "What is the number on the invoice?", "Invoice number?", "Invoice no.?",
        ),
        ("发票号码是多少？", "发票号是多少？", "发票编号是多少？"),
    ),
    "date": (
        (
            "What is the invoice date?", "What is the date of the invoice?", "What is the date on the invoice?",
            "When was the invoice issued?", "When was this invoice written?", "On which date was the invoice issued?",
        ),
        ("开票日期是哪天？", "发票的日期是哪天？", "发票日期是什么？"),
    ),
    "due": (
        (
            "When is the invoice due?", "What is the due date?",
            "By when must the invoice be paid?", "Until when can it be paid?",
            "What is the date of payment due?", "When does it have to be paid?",
        ),
        ("付款期限是哪天？", "最晚哪天付款？", "到期日是哪天？"),
    ),
    "order": (
        ("What is the order number?", "Which order is this invoice for?", "What is the number of the order?"),
        ("订单号是多少？", "订单编号是多少？"),
    ),
    "customer": (("What is the customer number?", "Which customer number is given?"), ("客户编号是多少？", "客户号是多少？")),
    "seller": (
        (
            "Who issued the invoice?", "Who is the seller?",
            "Which company sent this invoice?", "What is the name of the seller?",
            "Who is the supplier?", "Who is the vendor?", "Who is the invoice from?", "What is the name of the supplier?",
        ),
        ("开票方是谁？", "销售方是谁？", "卖方是谁？", "销售方名称是什么？"),
    ),
    "buyer": (
        (
            "Who is the invoice addressed to?", "Who is the buyer?", "Who is the customer?", "Who has to pay the invoice?",
            "What is the name of the customer?", "Who is billed?", "Who is the invoice for?",
        ),
        ("购买方是谁？", "买方是谁？", "客户是谁？", "购买方名称是什么？"),
    ),
    "seller_address": (
        (
            "What is the address of the seller?", "What is the seller's address?", "Where is the seller located?",
            "What is the supplier's address?",
        ),
        ("销售方的地址是什么？", "卖方地址是什么？"),
    ),
    "buyer_address": (
        (
            "What is the address of the buyer?", "What is the customer's address?", "What is the billing address?",
        ),
        ("购买方的地址是什么？", "买方地址是什么？"),
    ),
    "phone": (
        ("What is the phone number?", "What is the telephone number of the seller?", "Which phone number is given?"),
        ("电话号码是多少？", "销售方的电话是多少？"),
    ),
    "iban": (
        ("What is the IBAN?", "To which account is it to be paid?", "What is the account number?", "Which IBAN is given?"),
        ("银行账号是多少？", "账号是多少？"),
    ),
    "tax_number": (
        ("What is the VAT number?", "What is the tax number of the seller?", "What is the VAT ID?", "Which tax number is given?"),
        ("税号是多少？", "纳税人识别号是多少？"),
    ),
}  # fmt: skip

LETTER: dict[str, Wordings] = {
    "sender": (
        (
            "Who wrote the letter?", "Who is the letter from?", "Who sent this letter?", "Who is the sender?",
            "What is the name of the sender?", "Who signed the letter?",
        ),
        ("这封信是谁写的？", "寄信人是谁？", "写信人是谁？", "落款人是谁？"),
    ),
    "sender_address": (
        ("What is the address of the sender?", "What is the sender's address?", "From which address was the letter sent?"),
        ("寄信人的地址是什么？", "写信人的地址是什么？"),
    ),
    "recipient": (
        (
            "Who is the letter addressed to?", "To whom is the letter written?", "Who is the recipient?", "Who is the letter to?",
            "What is the name of the recipient?", "Who received the letter?",
        ),
        ("收信人是谁？", "信是写给谁的？", "收件人是谁？"),
    ),
    "recipient_firm": (
        (
            "Which company does the recipient work for?", "What is the company of the recipient?",
            "Which firm is the letter addressed to?",
        ),
        ("收信人的公司是哪家？", "收信人的单位名称是什么？"),
    ),
    "recipient_address": (
        ("What is the address of the recipient?", "What is the recipient's address?", "To which address was the letter sent?"),
        ("收信人的地址是什么？", "信寄到哪个地址？"),
    ),
    "date": (
        (
            "What is the date of the letter?", "What is the date on the letter?", "When was the letter written?",
            "What date is on the letter?", "When was it written?",
        ),
        ("信的日期是哪天？", "信是哪天写的？", "日期是什么？"),
    ),
    "subject": (
        (
            "What is the letter about?", "What is the subject of the letter?", "What does the subject line say?",
            "What is the subject?",
        ),
        ("信的主题是什么？", "主题是什么？"),
    ),
    "greeting": (
        ("How is the recipient greeted?", "What is the salutation?", "With which words does the letter greet?"),
        ("信的称呼是什么？", "称呼是什么？"),
    ),
    "closing": (
        ("With which words does the letter close?", "What is the closing formula?", "How does the letter close?"),
        ("信的结束语是什么？", "结束语是什么？"),
    ),
}  # fmt: skip


def put(order: Order, wordings: Wordings, sheet: str = "") -> str:
    """One of a key's wordings; `sheet` is what the document is called within it."""
    return order.pick(*wordings).format(sheet=sheet)


def key_questions(
    order: Order,
    wordings: Mapping[str, Wordings],
    fields: Mapping[str, Any],
    places: Mapping[str, Box],
    *,
    first: Sequence[str],
    most: int,
    missing: Sequence[str] = (),
    sheet: str = "",
) -> list[Asked]:
    """Questions for key fields: all of `first` that are printed, others up to `most` in all, and one or two that are not.

    missing: keys of which it is certain that they are not on the page where they are not among `places`. `basis` of a
    question for one that is printed is "key" and its name.
    """
    sure = [key for key in first if key in places]
    rest = [key for key in wordings if key in places and key not in sure]
    chosen = [*sure, *different(order.dice, tuple(rest), most - len(sure))]
    made = [
        replace(look_up(put(order, wordings[key], sheet), str(fields[key]), places[key]), basis=("key", key))
        for key in chosen
    ]
    gone = tuple(key for key in missing if key not in places)
    for key in different(order.dice, gone, order.dice.integer(1, 2)):
        made.append(absent(order, put(order, wordings[key], sheet)))
    return made


def extraction(order: Order, fields: Mapping[str, Any], keys: Sequence[str]) -> Asked:
    """Some of the key fields that are printed as JSON, asked for by name: `keys` or, as often, a few of any."""
    dice = order.dice
    flat = tuple(key for key, value in fields.items() if isinstance(value, str))
    chosen = [key for key in keys if key in flat]
    if dice.chance(0.5) or not chosen:
        chosen = different(dice, flat, dice.integer(1, 5))
    listed = order.say(" and ", "和").join(filter(None, (order.say(", ", "、").join(chosen[:-1]), chosen[-1])))
    question = order.pick(
        ("Extract {} as JSON.", "Give {} as JSON.", "Write {} of the document as JSON.", "Return {} in JSON."),
        ("以JSON提取{}。", "请用JSON给出{}。"),
    )
    written = json.dumps({key: fields[key] for key in chosen}, ensure_ascii=False)
    return Asked(question.format(listed), written, "fields", kind="fields")
