"""What is drawn must be the data, and what is asked must follow from the data alone."""

import math
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from itertools import product

import numpy as np
import pytest

from tests.data.factory.orders import order
from texthawk.data.factory import charts
from texthawk.data.factory.chart_data import CHART_KINDS, invent
from texthawk.data.factory.chart_marks import spread
from texthawk.data.factory.document import Document
from texthawk.data.synth.dice import Dice

MAKERS = (charts.bars, charts.stacked, charts.lines, charts.pie, charts.scatter)
SAID_YES = {"yes": True, "是": True, "no": False, "否": False}


@cache
def document(maker: Callable, number: int, speech: str = "en") -> Document:
    return maker(order(number, speech))


def every(count: int, speech: str = "en", makers: tuple = MAKERS) -> list[Document]:
    return [document(maker, number, speech) for maker in makers for number in range(count)]


def table(page: Document) -> tuple[str, list[str], list[str], dict[tuple[str, str], Decimal]]:
    """Heading, series without units, categories and values, read from the Markdown that is the answer to the table."""
    [written] = [asked.answer for asked in page.asked if asked.task == "chart_table"]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in written.split("\n")]
    names = [re.sub(r"\s*[(（][^)）]*[)）]$", "", name) for name in rows[0][1:]]
    values = {(name, row[0]): Decimal(cell) for row in rows[2:] for name, cell in zip(names, row[1:], strict=True)}
    return rows[0][0], names, [row[0] for row in rows[2:]], values


def plural(heading: str) -> str:
    return {"city": "cities", "country": "countries"}.get(heading.lower(), heading.lower() + "s")


def worked_out(page: Document) -> dict[str, set[str]]:
    """Every question in English that the data answers, with its answers; facts go by their statement."""
    heading, names, categories, values = table(page)
    many, known = plural(heading), {}
    before = {"Day": "on", "Year": "in", "Month": "in", "Quarter": "in"}.get(heading, "for")
    things = {f"{name} {before} {category}": values[name, category] for name, category in values}

    def put(question: str, answer: object) -> None:
        known.setdefault(question, set()).add(str(answer))

    for thing, value in things.items():
        for form in ("What is the value of {}?", "How much is {}?", "What is {}?"):
            put(form.format(thing), value)
    for (a, x), (b, y) in product(things.items(), repeat=2):
        put(f"What is the sum of {a} and {b}?", x + y)
        put(f"What is the difference between {a} and {b}?", abs(x - y))
        put(f"{a} is higher than {b}", "yes" if x > y else "no")
        put(f"{a} is lower than {b}", "yes" if x < y else "no")
    for name in names:
        row = {category: values[name, category] for category in categories}
        for best, word in ((max(row.values()), "highest"), (min(row.values()), "lowest")):
            winners = [category for category in row if row[category] == best]
            if len(winners) == 1:
                put(f"Which {heading.lower()} has the {word} value of {name}?", winners[0])
            for category in categories:
                put(f"{name} {before} {category} is the {word} of all {many}", "yes" if winners == [category] else "no")
        for a, b in product(categories, repeat=2):
            for word, best in (("larger", max), ("smaller", min)):
                put(f"Which has the {word} value of {name}, {a} or {b}?", best((a, b), key=row.__getitem__))
    for category, (a, b) in product(categories, product(names, repeat=2)):
        for word, best in (("larger", max), ("smaller", min)):
            winner = best((a, b), key=lambda name, category=category: values[name, category])
            put(f"Which has the {word} value {before} {category}, {a} or {b}?", winner)
    put(f"How many {many} are shown?", len(categories))
    put("How many entries does the legend have?", len(names))
    put("What is the title of the chart?", page.chart["title"])
    return known


def check(page: Document, question: str, answer: str) -> None:
    known = worked_out(page)
    _, _, categories, values = table(page)
    beyond = re.fullmatch(r"How many .+ have a value of (.+) (above|below) ([-\d.]+)\?", question)
    fact = re.search(r"Statement: (.+)$", question)
    value = re.fullmatch(r"(.+) is (-?[\d.]+)%?", fact[1]) if fact else None
    if beyond:
        name, side, limit = beyond[1], beyond[2], Decimal(beyond[3])
        row = [values[name, category] for category in categories]
        assert limit not in row
        assert answer == str(sum(v > limit if side == "above" else v < limit for v in row))
    elif value:
        [stands] = [v for (name, c), v in values.items() if value[1].startswith(name) and value[1].endswith(f" {c}")]
        assert answer == ("yes" if stands == Decimal(value[2]) else "no")
    else:
        assert known[fact[1] if fact else question] == {answer}, question


def test_answers_follow_from_the_table():
    kinds: Counter[str] = Counter()
    for page in every(6):
        for asked in page.asked:
            if asked.task == "chartqa":
                check(page, asked.question, asked.answer)
                assert not asked.accepted or asked.answer in asked.accepted
                kinds[asked.kind] += 1
    assert set(kinds) == {"look-up", "extreme", "compare", "sum", "difference", "count", "yes/no", "title"}


def test_answers_in_chinese_follow_from_the_table_too():
    checked = 0
    for page in every(4, "zh"):
        heading, _, categories, values = table(page)
        things = {f"{category}的{name}": value for (name, category), value in values.items()}
        for asked in page.asked:
            pair = re.fullmatch(r"(.+)与(.+)(之和是|相差)多少？", asked.question)
            single = re.fullmatch(r"(?:图中)?(.+?)(?:的数值)?是多少？", asked.question)
            beyond = re.fullmatch(rf"有多少个{heading}的(.+)(高于|低于)([-\d.]+)？", asked.question)
            if pair and pair[1] in things and pair[2] in things:
                x, y = things[pair[1]], things[pair[2]]
                assert asked.answer == str(x + y if pair[3] == "之和是" else abs(x - y))
            elif single and single[1] in things:
                assert asked.answer == str(things[single[1]])
            elif beyond:
                row = [value for (name, _), value in values.items() if name == beyond[1]]
                limit = Decimal(beyond[3])
                assert asked.answer == str(sum(v > limit if beyond[2] == "高于" else v < limit for v in row))
            elif asked.question == f"图中一共有多少个{heading}？":
                assert asked.answer == str(len(categories))
            else:
                continue
            checked += 1
    assert checked > 20


def test_statements_hold_about_as_often_as_not():
    said = [
        SAID_YES[asked.answer]
        for number in range(40)
        for page in (document(charts.bars, number),)
        for asked in page.asked
        if asked.kind == "yes/no"
    ]
    assert 0.25 < np.mean(said) < 0.75 and len(said) > 20


def lengths(page: Document) -> list[tuple[float, float, np.ndarray]]:
    """For each bar its value, and the length and colour of the patch of one colour in its box, measured in the picture."""
    pixels = np.asarray(page.image).astype(int)
    _, _, _, values = table(page)
    boxes = [thing.box for thing in page.things]
    assert len(boxes) == len(values)
    across = np.ptp([b.height for b in boxes]) <= 2
    assert across or np.ptp([b.width for b in boxes]) <= 2
    found = []
    for thing in page.things:
        box = thing.box
        value = named_value(page, thing.name)
        x = int(box.left + box.right) // 2 if across else int(box.left) + 3
        y = int(box.top) + 3 if across else int(box.top + box.bottom) // 2
        line, at = (pixels[y], x) if across else (pixels[:, x], y)
        same = np.abs(line - line[at]).max(axis=1) <= 2
        first = at - np.argmin(same[at::-1]) + 1
        last = at + np.argmin(same[at:]) - 1
        found.append((float(value), float(last - first + 1), line[at]))
    return found


def named_value(page: Document, name: str) -> Decimal:
    _, names, _, values = table(page)
    for (series, category), value in values.items():
        several = len(names) > 1
        for part in ("bar", "segment"):
            if name == (f"the {part} of {series} for {category}" if several else f"the {part} for {category}"):
                return value
    raise AssertionError(name)


@pytest.mark.parametrize("maker", [charts.bars, charts.stacked])
def test_bars_are_as_long_as_their_values(maker):
    for number in range(10):
        measured = [entry for entry in lengths(document(maker, number)) if abs(entry[1]) >= 8]
        values, pixels = np.array([abs(v) for v, *_ in measured]), np.array([p for _, p, _ in measured])
        scale = (values * pixels).sum() / (values * values).sum()
        # An outline of one pixel may take one from each end.
        assert np.abs(pixels - scale * values).max() <= 3, (number, list(zip(values, pixels, strict=True)))


def test_slices_cover_as_much_as_their_values():
    for number in range(6):
        page = document(charts.pie, number)
        pixels = np.asarray(page.image).astype(np.int64) @ np.array([1, 256, 65536])
        boxes = np.array([thing.box for thing in page.things])
        left, top, right, bottom = (*boxes[:, :2].min(axis=0).astype(int), *boxes[:, 2:].max(axis=0).astype(int))
        ground = pixels[2, 2]
        counts = dict(zip(*np.unique(pixels[top:bottom, left:right], return_counts=True), strict=True))
        areas = sorted(int(count) for colour, count in counts.items() if colour != ground)[-len(boxes) :]
        values = sorted(float(value) for value in table(page)[3].values())
        shares = np.array(values) / sum(values)
        assert np.abs(np.array(areas) / sum(areas) - shares).max() < 0.015, number


def test_points_lie_where_their_values_say():
    for number in range(6):
        for maker in (charts.lines, charts.scatter):
            page = document(maker, number)
            _, names, categories, values = table(page)
            boxes = {thing.name: thing.box for thing in page.things}
            if maker is charts.scatter:
                pairs = [(boxes[f"the point for {c}"], values[names[0], c], values[names[1], c]) for c in categories]
                xs, wide = [(b.left + b.right) / 2 for b, *_ in pairs], [float(x) for _, x, _ in pairs]
                assert np.abs(np.polyval(np.polyfit(wide, xs, 1), wide) - xs).max() < 0.01
                points = [(box, y) for box, _, y in pairs]
            else:
                several = len(names) > 1
                points = [
                    (boxes[f"the point of {n} for {c}" if several else f"the point for {c}"], v)
                    for (n, c), v in values.items()
                ]
            ys, high = [(b.top + b.bottom) / 2 for b, _ in points], [float(v) for _, v in points]
            if len(set(high)) > 1:
                slope, foot = np.polyfit(high, ys, 1)
                assert slope < 0 and np.abs(slope * np.array(high) + foot - ys).max() < 0.01
            pixels = np.asarray(page.image).astype(int)
            corner = pixels[2, 2]
            for box, _ in points:
                middle = pixels[int((box.top + box.bottom) / 2), int((box.left + box.right) / 2)]
                assert np.abs(middle - corner).max() > 25


def test_what_is_not_printed_can_be_read_off_between_ticks():
    for kind in CHART_KINDS:
        for number in range(30):
            chart = invent(Dice(3, number), kind, "en", lambda: "Elsewhere")
            for series, values in enumerate(chart.values):
                axis = chart.axis(series)
                assert all(axis.low <= value <= axis.high for value in values)
                if not chart.labelled:
                    assert all(value * 5 % axis.step == 0 or value * 4 % axis.step == 0 for value in values)


def test_labels_print_the_values():
    for page in every(6, makers=(charts.bars, charts.stacked, charts.pie)):
        if page.chart["labelled"]:
            printed = Counter(word.strip("%").replace(",", "") for word in re.split(r"[\s]+", page.text))
            wanted = Counter(str(value) for value in table(page)[3].values())
            assert not wanted - printed


def test_evidence_lies_on_what_the_question_names():
    for page in every(4, makers=(charts.bars, charts.pie)):
        boxes = {thing.name: thing.box for thing in page.things}
        for asked in page.asked:
            assert all(box in boxes.values() for box in asked.evidence)
            if asked.task == "grounding":
                name = asked.question.removeprefix("Where is ").removesuffix("? Answer with its bounding box")
                assert asked.boxes == (boxes[name],)


def test_everything_stays_on_the_page():
    for speech in ("en", "zh"):
        for page in every(5, speech):
            width, height = page.image.size
            boxes = [*(line.box for line in page.lines), *(thing.box for thing in page.things)]
            for left, top, right, bottom in boxes:
                assert -1e-3 <= left < right <= width + 1e-3 and -1e-3 <= top < bottom <= height + 1e-3


def test_no_print_lies_on_other_print():
    for speech in ("en", "zh"):
        small = [maker(order(number, speech, 400)) for maker in MAKERS for number in range(3)]
        for page in (*every(8, speech), *small):
            boxes = [line.box for line in page.lines]
            for i, a in enumerate(boxes):
                for b in boxes[:i]:
                    across, down = (
                        min(a.right, b.right) - max(a.left, b.left),
                        min(a.bottom, b.bottom) - max(a.top, b.top),
                    )
                    assert across <= 1 or down <= 0.25 * min(a.height, b.height), page.lines[i].text


def test_labels_around_a_pie_keep_apart():
    angles = [math.radians(degrees) for degrees in (-88, -85, -80, 10, 88, 95, 100, 262, 265)]
    downs = spread(angles, 100.0, 20.0)
    for right in (True, False):
        side = sorted(down for down, angle in zip(downs, angles, strict=True) if (math.cos(angle) > 0) == right)
        assert np.diff(side).min() >= 20 - 1e-9
    assert all(abs(down) >= abs(100 * math.sin(angle)) - 1e-9 for down, angle in zip(downs, angles, strict=True))


def test_names_of_upright_axes_have_boxes_around_their_turned_ink():
    found = 0
    for page in every(5, makers=(charts.bars, charts.lines)):
        pixels = np.asarray(page.image.convert("L")).astype(int)
        for line in page.lines:
            left, top, right, bottom = (round(side) for side in line.box)
            if len(line.text) < 4 or bottom - top < 2 * (right - left):
                continue
            ink = np.abs(pixels[top:bottom, left:right] - pixels[top - 2, left - 2]) > 8
            # The faintest edge of a letter may be lost.
            assert ink[:2].any() and ink[-2:].any() and ink[:, :2].any() and ink[:, -2:].any()
            first, last = line.boxes[0], line.boxes[-1]
            assert len(line.boxes) == 1 or first[1] > last[3] - 1
            found += 1
    assert found >= 5


def test_a_chart_depends_on_its_dice_alone():
    for maker in MAKERS:
        first, second = maker(order(3)), maker(order(3))
        assert first.image.tobytes() == second.image.tobytes()
        assert (first.asked, first.text, first.markdown) == (second.asked, second.text, second.markdown)
        assert first.image.tobytes() != maker(order(4)).image.tobytes()
