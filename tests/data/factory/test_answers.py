"""Answers worked out again from what is printed, by other code than that which asked."""

import json
import re
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.data.factory.test_documents import document
from texthawk.data.factory.document import Asked, Document

YES = {"yes": True, "是": True, "no": False, "否": False}
INDEXES = range(24)


def number(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.\-]", "", text))


def body(page: Document) -> tuple[list[str], list[list[str]], list[str]]:
    """The last row of headings, the rows below, and the group that each row stands behind ("" for none)."""
    [grid] = page.grids
    aside = int(any(cell.column == 0 and cell.rows > 1 and cell.row >= grid.head for cell in grid.cells))
    texts = grid.texts()
    heads = [texts[grid.head - 1][c] or texts[0][c] for c in range(grid.columns)][aside:]
    groups, group = [], ""
    for row in texts[grid.head :]:
        group = row[0] or group if aside else ""
        groups.append(group)
    return heads, [row[aside:] for row in texts[grid.head :]], groups


def table_answer(page: Document, asked: Asked) -> str | None:
    """What a question of this operation must be answered, read off the printed table; None for "not there"."""
    _, rows, groups = body(page)
    what, *rest = asked.basis
    if what == "rows":
        return str(len(rows))
    if what == "group":
        return str(groups.count(rest[0]))
    if what == "absent":
        assert all(rest[0] not in cell for row in rows for cell in row)
        return None
    column = {row[0]: row[rest[0]] for row in rows}
    names = rest[1:]
    if what == "look-up":
        return column[names[0]]
    if what == "backwards":
        [name] = [name for name, value in column.items() if value == names[0]]
        return name
    if what in ("largest", "smallest"):
        return (max if what == "largest" else min)(column, key=lambda name: number(column[name]))
    if what == "larger":
        return max(names, key=lambda name: number(column[name]))
    if what == "equal":
        return str(list(column.values()).count(names[0]))
    if what == "above":
        return str(sum(number(value) > number(column[names[0]]) for value in column.values()))
    if what == "fact":
        return str(column[names[0]] == names[1])
    if what == "higher":
        return str(number(column[names[0]]) > number(column[names[1]]))
    values = [number(column[name]) for name in (names or column)]
    assert what in ("sum", "difference"), what
    return str(sum(values) if what == "sum" else abs(values[0] - values[1]))


def test_answers_about_tables_follow_from_the_printed_cells() -> None:
    kinds = set()
    for index in INDEXES:
        page = document("table", index)
        for asked in page.asked:
            expected = table_answer(page, asked)
            kinds.add(asked.basis[0])
            if expected is None:
                assert asked.kind == "absent"
            elif asked.basis[0] in ("sum", "difference"):
                assert number(asked.answer) == Decimal(expected), asked
            elif asked.kind == "yes/no":
                assert str(YES[asked.answer]) == expected, asked
            else:
                assert asked.answer == expected, asked
            for name in asked.basis[2:]:
                assert str(name) in asked.question or asked.basis[0] == "above", asked
    assert kinds >= {
        "look-up",
        "backwards",
        "larger",
        "sum",
        "difference",
        "rows",
        "above",
        "fact",
        "higher",
        "absent",
        "group",
    }


def rounded(value: Decimal) -> Decimal:
    return value.quantize(Decimal("0.01"), ROUND_HALF_UP)


def worked_out(page: Document) -> dict[str, Decimal]:
    """Every sum of a bill from its goods, percents and discount alone."""
    items, info = page.fields["items"], page.info
    amounts = sum(number(item["amount"]) for item in items)
    reduced = amounts - abs(number(page.fields.get("discount", "0")))
    charged = reduced + rounded(reduced * info["service"] / 100)
    tax = rounded(charged * info["tax"] / (100 + (info["tax"] if info["inclusive"] else 0)))
    gross = charged if info["inclusive"] else charged + tax
    known = {"subtotal": amounts, "net": gross - tax, "tax": tax, "gross": gross}
    known["service"] = charged - reduced
    known["item_count"] = Decimal(len(items))
    if all("quantity" in item for item in items):
        known["quantity_total"] = Decimal(sum(int(item["quantity"]) for item in items))
    known["total"] = gross + number(page.fields.get("rounding", "0"))
    return known


@pytest.mark.parametrize("family", ["receipt", "invoice"])
def test_sums_on_bills_add_up_and_answers_follow_from_them(family: str) -> None:
    kinds, keys = set(), set()
    for index in INDEXES:
        page = document(family, index)
        items, fields, known = page.fields["items"], page.fields, worked_out(page)
        amounts = {item["name"]: number(item["amount"]) for item in items}
        for item in items:
            if "price" in item:
                assert number(item["price"]) * int(item["quantity"]) == number(item["amount"])
        for key in known.keys() & fields.keys():
            assert number(fields[key]) == known[key], (key, page.text)
        if "rounding" in fields:
            assert abs(number(fields["rounding"])) <= Decimal("0.02")
        if "change" in fields:
            assert number(fields["cash"]) - number(fields["total"]) == number(fields["change"]) >= 0
        if "card" in fields:
            assert number(fields["card"]) == number(fields["total"])
        for asked in page.asked:
            if asked.basis and asked.basis[0] == "key":
                assert asked.answer == fields[asked.basis[1]]
                keys.add(asked.basis[1])
            elif asked.basis:
                kinds.add(asked.basis[0])
                check_goods(asked, items, amounts)
            elif asked.task == "fields":
                assert json.loads(asked.answer).items() <= fields.items()
    assert kinds >= {"items", "amount", "quantity", "first", "last", "largest", "sum", "higher", "above", "absent"}
    assert keys >= {"total", "tax", "date", "number"} | (
        {"company", "address", "cash", "change", "rounding"} if family == "receipt" else {"seller", "buyer"}
    )


def check_goods(asked: Asked, items: list[dict], amounts: dict[str, Decimal]) -> None:
    what, *names = asked.basis
    by_name = {item["name"]: item for item in items}
    if what == "absent":
        assert all(names[0].casefold() not in name.casefold() for name in amounts)
    elif what == "higher":
        assert YES[asked.answer] == (amounts[names[0]] > amounts[names[1]])
    elif what == "largest":
        assert amounts[asked.answer] == max(amounts.values())
    elif what in ("first", "last"):
        assert asked.answer == items[0 if what == "first" else -1]["name"]
    elif what in ("price", "quantity"):
        assert asked.answer == by_name[names[0]].get(what, asked.answer)
    else:
        expected = {
            "items": lambda: len(items),
            "amount": lambda: amounts[names[0]],
            "sum": lambda: amounts[names[0]] + amounts[names[1]],
            "quantities": lambda: sum(int(item["quantity"]) for item in items),
            "above": lambda: sum(100 * amount > names[0] for amount in amounts.values()),
        }[what]()
        assert number(asked.answer) == expected, asked


def test_headings_and_sections_of_articles_are_counted_and_ordered_right() -> None:
    facts = 0
    for index in INDEXES[:12]:
        page = document("article", index)
        headings = [line[3:] for line in page.markdown.split("\n") if line.startswith("## ")]
        for asked in page.asked:
            quoted = re.findall(r"[\"“](.+)[\"”]", asked.question)
            if asked.kind == "count":
                assert asked.answer == str(len(headings))
            elif asked.basis and asked.basis[0] == "heading":
                assert asked.answer == headings[asked.basis[1]]
            elif asked.basis:
                assert asked.basis[0] in ("after", "before")
            elif quoted and asked.kind == "yes/no":
                assert YES[asked.answer] == (quoted[0] in headings)
                facts += 1
            elif quoted and asked.kind == "look-up":
                assert headings[headings.index(quoted[0]) + 1] == asked.answer
    assert facts


def test_what_a_text_goes_on_with_is_what_its_markdown_goes_on_with() -> None:
    ways = set()
    for family in ("article", "letter"):
        for index in INDEXES[:12]:
            page = document(family, index)
            for asked in page.asked:
                where, *quoted = asked.basis or ("",)
                if where not in ("after", "before"):
                    continue
                ways.add(where)
                first, second = (quoted[0], asked.answer) if where == "after" else (asked.answer, quoted[0])
                joined = [first + second, f"{first} {second}"]
                text = " ".join(page.markdown.split())
                assert quoted[0] in asked.question and sum(text.count(both) for both in joined) >= 1, asked
                numbers = re.findall(r"next (\d)|Which (\d)|Give (\d)|的(\d)个", asked.question)
                if numbers:
                    count = int("".join(numbers[0]))
                    assert len(asked.answer.split()) == count or len(asked.answer) == count, asked
    assert ways == {"after", "before"}


def test_forms_are_filled_in_as_the_answers_say() -> None:
    kinds = set()
    for index in INDEXES[:12]:
        page = document("form", index)
        blocks = page.markdown.split("\n\n")
        ticked = {option: mark == "x" for block in blocks for mark, option in re.findall(r"\[([ x])\] (\S+)", block)}
        filled = page.fields
        empty = [block.rstrip(":：") for block in blocks if block.rstrip(":：") in page.info["empty"]]
        assert len(empty) == len(page.info["empty"])
        for asked in page.asked:
            quoted = re.findall(r"[\"“](.+)[\"”]", asked.question)
            kinds.add(asked.kind)
            if asked.kind == "count":
                assert asked.answer == str(len(empty))
            elif asked.kind == "absent":
                assert asked.basis[1] not in filled and asked.basis[1] not in page.text
            elif asked.kind == "yes/no":
                asks_for_tick = "ticked" in asked.question or "勾选" in asked.question
                assert YES[asked.answer] == (ticked[quoted[0]] if asks_for_tick else quoted[0] in filled)
            elif asked.basis and asked.basis[0] == "ticked":
                assert ticked[asked.answer]
            elif asked.basis:
                assert asked.basis[0] == "field" and filled[asked.basis[1]] == asked.answer
    assert kinds >= {"count", "absent", "yes/no", "look-up"}


@pytest.mark.parametrize("family", ["card", "ticket"])
def test_what_cards_and_tickets_say_beside_a_label_answers_the_question_for_it(family: str) -> None:
    ways = set()
    for index in INDEXES[:12]:
        page = document(family, index)
        for asked in page.asked:
            what, label = asked.basis or ("", "")
            ways.add(what)
            if what == "field":
                assert page.fields[label] == asked.answer and asked.answer in page.text
            elif what == "no field":
                assert label not in page.fields and asked.kind == "absent"
    assert ways == {"", "field", "no field"}


def test_answers_about_code_follow_from_the_source() -> None:
    for index in INDEXES[:12]:
        page = document("code", index)
        fence, source = page.markdown.removesuffix("\n```").split("\n", 1)
        functions = re.findall(r"^(?:def|function|func|int) (\w+)\(", source, re.MULTILINE)
        returned = dict(zip(functions, re.findall(r"^ +return (.+?);?$", source, re.MULTILINE), strict=True))
        printed = [
            re.sub(r"^\d+ ?", "", line.text) if re.match(r"\d", page.lines[0].text) else line.text
            for line in page.lines
        ]
        assert [line.strip() for line in source.split("\n") if line.strip()] == [line for line in printed if line]
        for asked in page.asked:
            [name] = re.findall(r"[a-z]+_[a-z]+|MAX_[A-Z]+", asked.question) or [""]
            if asked.kind == "count":
                assert asked.answer == str(len(functions))
            elif asked.kind == "yes/no":
                assert YES[asked.answer] == (name in functions)
            elif asked.kind == "absent":
                assert name not in source
            elif asked.basis:
                assert fence == "```" + asked.answer.lower()
            elif name.startswith("MAX_"):
                assert re.search(rf"{name} (?:= )?{asked.answer};?$", source, re.MULTILINE)
            else:
                assert asked.answer == (returned[name] if name else functions[0])
