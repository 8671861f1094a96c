"""A slide says what it shows: title, points, chart."""

import re
from functools import cache

from tests.data.factory.orders import order
from texthawk.data.factory import slides
from texthawk.data.factory.document import Document


@cache
def document(number: int, speech: str) -> Document:
    return slides.make(order(number, speech))


def pages() -> list[Document]:
    return [document(number, speech) for speech in ("en", "zh") for number in range(10)]


def squeezed(text: str) -> str:
    return re.sub(r"\s+", "", text)


def test_points_are_printed_in_their_order_and_asked_for_by_number():
    ordinals = ["first", "second", "third", "fourth", "fifth", "sixth"]
    asked_for = 0
    for page in pages():
        points, text = page.info["points"], squeezed(page.text)
        places = [text.find(squeezed(point), len(squeezed(page.text.split("\n")[0]))) for point in points]
        assert -1 not in places and len(set(points)) == len(points)
        for asked in page.asked:
            number = re.search(rf"the ({'|'.join(ordinals)}) bullet|第(\d)个要点", asked.question)
            if number:
                place = ordinals.index(number[1]) if number[1] else int(number[2]) - 1
                assert asked.answer == points[place]
                asked_for += 1
            elif asked.basis == ("last",):
                assert asked.answer == points[-1]
            elif asked.basis:
                first, second = (asked.basis[1], asked.answer)[:: 1 if asked.basis[0] == "after" else -1]
                assert squeezed(first + second) in text
            elif re.search(r"How many bullet points|几个要点", asked.question):
                assert asked.answer == str(len(points))
            elif following := re.search(r"follows \"(.+)\"\?$|^“(.+)”的下一个要点", asked.question):
                assert asked.answer == points[points.index(following[1] or following[2]) + 1]
    assert asked_for >= 10


def test_title_and_chart_are_in_text_and_markdown():
    charts = 0
    for page in pages():
        [title] = [
            asked.answer for asked in page.asked if re.search("title of the slide|这张幻灯片的标题", asked.question)
        ]
        assert page.markdown.startswith(f"# {title}") and squeezed(page.text).startswith(squeezed(title))
        if page.chart:
            charts += 1
            assert f"## {page.chart['title']}" in page.markdown
            assert all(category in page.markdown for category, *_ in page.chart["rows"])
            assert squeezed(page.chart["title"]) in squeezed(page.text)
    assert charts >= 3


def test_nothing_leaves_the_slide_or_lies_on_other_print():
    for page in pages():
        width, height = page.image.size
        boxes = [line.box for line in page.lines]
        for i, (left, top, right, bottom) in enumerate(boxes):
            assert 0 <= left < right <= width and 0 <= top < bottom <= height
            for other in boxes[:i]:
                across = min(right, other.right) - max(left, other.left)
                down = min(bottom, other.bottom) - max(top, other.top)
                assert across <= 1 or down <= 0.3 * min(bottom - top, other.height), page.lines[i].text


def test_a_slide_depends_on_its_dice_alone():
    first, second = slides.make(order(6)), slides.make(order(6))
    assert first.image.tobytes() == second.image.tobytes() and first.asked == second.asked
