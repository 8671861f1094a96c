"""Look-ups in running text that need no knowledge of the world: how a text goes on, what stands beside a few of its words.

What a question quotes is printed once on the page alone, so that one place answers it.
"""

import re
from collections.abc import Sequence

from texthawk.data.factory.document import Asked
from texthawk.data.factory.order import Order

_PIECES = re.compile(r"[\u3400-\u9fff，、]{12,}")
_SENTENCE = re.compile(r"(?:^|[.!?] )(?=[A-Z])")
_NUMBER = re.compile(r"\d[\d,.]*\d|\d")
_MARKS = frozenset('"“”{}\ufffc')
"""What a question cannot quote, since it would be taken for the quotation's own marks or for a place."""


def prose_questions(order: Order, paragraphs: Sequence[str], page: str, most: int = 3) -> list[Asked]:
    """At most `most` questions on those of the paragraphs that are printed whole on a page whose text is `page`."""
    dice, flat = order.dice, {True: " ".join(page.split()), False: "".join(page.split())}
    able = [text for text in paragraphs if len(text) >= 40 and flat[" " in text].count(text) == 1]
    makers = [_goes_on, _goes_on, _sentence, _neighbour, _neighbour, _number]
    made: list[Asked] = []
    while makers and able and len(made) < most:
        text = dice.pick(able)
        asked = makers.pop(int(dice.random() * len(makers)))(order, text, flat[" " in text])
        if asked is not None and all(asked.question != other.question for other in made):
            made.append(asked)
    return made


def _asked(question: str, answer: str, quoted: str, where: str, flat: str) -> Asked | None:
    """The question, where what it quotes can be quoted and is printed once."""
    if set(quoted + answer) & _MARKS or flat.count(quoted) != 1:
        return None
    return Asked(question, answer, basis=(where, quoted))


def _goes_on(order: Order, text: str, flat: str) -> Asked | None:
    """The next few words; characters in a script without spaces."""
    dice, number = order.dice, order.dice.integer(2, 6)
    if " " in text:
        words = text.split(" ")
        if len(words) < 4 + number:
            return None
        start = dice.integer(0, len(words) - 4 - number)
        quoted, answer = " ".join(words[start : start + 4]), " ".join(words[start + 4 : start + 4 + number])
        units = ("words", "个词")
    else:
        pieces = _PIECES.findall(text)
        if not pieces:
            return None
        piece = dice.pick(pieces)
        start = dice.integer(0, len(piece) - 6 - number)
        quoted, answer = piece[start : start + 6], piece[start + 6 : start + 6 + number]
        units = ("characters", "个字")
    question = order.pick(
        (
            f'How does the text go on after "{quoted}"? Give the next {number} {units[0]}.',
            f'Which {number} {units[0]} follow "{quoted}"?',
            f'What are the next {number} {units[0]} after "{quoted}"?',
            f'Continue "{quoted}" with the next {number} {units[0]} as printed.',
        ),
        (f"“{quoted}”后面的{number}{units[1]}是什么？", f"请写出“{quoted}”之后的{number}{units[1]}。"),
    )
    return _asked(question, answer, quoted, "after", flat)


def _sentence(order: Order, text: str, flat: str) -> Asked | None:
    """How a sentence goes on that begins with some words."""
    starts = [found.end() for found in _SENTENCE.finditer(text)]
    if not starts or " " not in text:
        return None
    words = text[order.dice.pick(starts) :].split(" ")
    number = order.dice.integer(3, 6)
    if len(words) < 3 + number or any(word[-1:] in ".!?" for word in words[: 2 + number]):
        return None
    quoted, answer = " ".join(words[:3]), " ".join(words[3 : 3 + number])
    question = order.pick(
        (
            f'How does the sentence go on that begins with "{quoted}"? Give {number} words.',
            f'A sentence begins with "{quoted}". Which {number} words come next?',
        ),
        (f"以“{quoted}”开头的句子接下来的{number}个词是什么？",),
    )
    return _asked(question, answer, quoted, "after", flat)


def _neighbour(order: Order, text: str, flat: str) -> Asked | None:
    """The word right before or right after three others."""
    dice, words = order.dice, text.split(" ")
    if len(words) < 8:
        return None
    start = dice.integer(1, len(words) - 4)
    quoted = " ".join(words[start : start + 3])
    if dice.chance(0.5):
        question = order.pick(
            (f'Which word stands right before "{quoted}"?', f'What is the word before "{quoted}"?'),
            (f"“{quoted}”前面的词是什么？",),
        )
        return _asked(question, words[start - 1], quoted, "before", flat)
    question = order.pick(
        (
            f'Which word comes after "{quoted}"?',
            f'What is the word after "{quoted}"?',
            f'Which word follows "{quoted}"?',
        ),
        (f"“{quoted}”后面的词是什么？",),
    )
    return _asked(question, words[start + 3], quoted, "after", flat)


def _number(order: Order, text: str, flat: str) -> Asked | None:
    """A number by the words before it."""
    words = text.split(" ")
    able = [i for i in range(3, len(words)) if _NUMBER.fullmatch(words[i].rstrip(".,;:"))]
    if not able:
        return None
    place = order.dice.pick(able)
    quoted, answer = " ".join(words[place - 3 : place]), words[place].rstrip(".,;:")
    question = order.pick(
        (f'Which number comes after "{quoted}"?', f'What number is given after "{quoted}"?'),
        (f"“{quoted}”后面的数字是多少？",),
    )
    return _asked(question, answer, quoted, "after", flat)
