"""Batches of questions about pages that are shown as text, with where each letter of an answer is printed.

All questions about a page share its text: each sees the text and itself, and none sees another. So a page is worked
through once for all of them, and each question's logits are those that it has alone.

Shape letters:  B pages   L tokens   V tokens of the longest text
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from texthawk.data.factory.document import Asked, Document
from texthawk.data.factory.factory import Factory
from texthawk.data.factory.texts import Texts
from texthawk.image.wide import is_wide
from texthawk.model.processing import TextHawkProcessor
from texthawk.model.transcript import about, mark, marked, nearness, printed_rows, rows_about
from texthawk.model.working import copied, is_list
from texthawk.train.batches import TOGETHER, Batch
from texthawk.train.branched_attention import Branches
from texthawk.train.characters import HAN

TASKS = ("docvqa", "tableqa", "chartqa")
ASKED = 12
"""Questions about one page, at most."""
LONGEST_ANSWER = 150
"""Bytes (UTF-8) of an answer with its marks, at most: a few longer lists would cost more than all else on a page."""
OF_KIND = 6
"""Questions of one kind among them, at most."""
MISREAD = 0.06
"""Share of letters, at most, that are shown as others on half of the pages, as a reader may have read them."""
MISREAD_WIDE = 0.25
"""The same of Chinese characters, which a reader takes for others much oftener."""
ALIKE = ("oO0DQ", "l1I|i!", "S5s$", "B8", "Z2z", "G6", "g9q", ".,", ":;", "-–", "ceo", "un", "vwy", "T7", "'’")
LIKE = {
    letter: "".join(group.replace(letter, "") for group in ALIKE if letter in group) for letter in set("".join(ALIKE))
}
"""What a letter is mostly misread as, one of these, for they look alike."""
STRAY = "abcdefghijklmnopqrstuvwxyz0123456789.,'"
"""What any letter may be misread as."""
ORDERED = "".join(sorted(HAN))
PLACE_OF = {character: place for place, character in enumerate(ORDERED)}
NEIGHBOURS = 8
"""Chinese characters before and behind one in Unicode's order that it is misread as: most share its radical with it."""
FAMILIES = {
    "receipt": 2.0,
    "invoice": 1.0,
    "form": 0.6,
    "table": 1.8,
    "letter": 0.8,
    "card": 0.5,
    "ticket": 0.5,
    "article": 0.6,
    "slide": 0.5,
    "readme": 0.7,
    "code": 0.8,
    "bar_chart": 0.8,
    "pie_chart": 0.9,
    "stacked_chart": 0.8,
    "line_chart": 0.8,
    "scatter_chart": 0.4,
}
"""Whose documents are shown, and how often: their questions can be answered from their print."""
KINDS = {"sum": 8.0, "difference": 8.0, "compare": 6.0, "extreme": 4.0, "count": 2.0, "yes/no": 3.0, "absent": 1.5}
"""How much likelier a question of a kind is asked than one that only looks something up, of which documents have most."""
OF_MARKS = frozenset({"look-up", "sum", "difference"})
"""Kinds of questions on a chart whose answers are numbers: where they are not printed, a reader of text has none to give."""
SHORTEST_PART = 2
"""Characters of a part of an answer that stands on a row of its own, where no spaces part it: one alone stands anywhere."""
POINTED = 4
"""Letters at the beginning of an answer, or of a piece of it, that are pointed at: what follows is copied in the same way."""
PLACES = 2
"""What is printed oftener than this on its row is found by its place, which letters do not tell: nothing is pointed at."""
MARKED = 4.0
"""How much more than a letter a mark weighs in the loss: a row that is found is most of an answer."""
FIRST = 80
"""Half of the pages begin with another mark than the first, one of so many: all marks are learned."""
UNPRINTED = frozenset({"absent", "yes/no", "count", "sum", "difference"})
"""Kinds of questions whose answers are copied from no row where no formula is."""


class Shown(NamedTuple):
    """A page as text and what is asked about it: question, answer, and for each letter of the answer its places in the text."""

    text: str
    asked: list[tuple[str, str, list[list[int]]]]


def _length(shown: Shown) -> int:
    """Bytes of a page and of all that is asked about it, each question with some twelve tokens of its frame."""
    return _bytes(shown.text) + sum(_bytes(question + answer) + 12 for question, answer, _ in shown.asked)


def _bytes(text: str) -> int:
    return len(text.encode())


class QuestionMaker:
    """Makes batches of questions about a factory's documents, of which only the text is shown."""

    def __init__(self, processor: TextHawkProcessor, texts: Texts, fonts: Sequence[str], seed: int) -> None:
        self.processor, self.tokenizer = processor, processor.tokenizer
        self._texts, self._fonts, self._seed = texts, fonts, seed
        self._factories: dict[tuple[tuple[tuple[str, float], ...], ...], Factory] = {}
        frame = [{"role": "user", "content": [{"type": "text", "text": "\0"}]}]
        framed = processor.apply_chat_template(frame, add_generation_prompt=True, tokenize=False)
        self.before, self.behind = framed.split("\0")
        self._drawn: tuple[tuple[int, ...], list[Shown]] | None = None
        self.end = self.tokenizer.convert_tokens_to_ids("<|im_end|>")

    def factory(self, families: Mapping[str, float], languages: Mapping[str, float]) -> Factory:
        """Documents of these families and languages, undamaged, for none of it would be seen."""
        key = (tuple(families.items()), tuple(languages.items()))
        if key not in self._factories:
            self._factories[key] = Factory(
                self._texts,
                self._fonts,
                seed=self._seed,
                families=families,
                languages=languages,
                damage=(1, 0, 0, 0),
                height=(600, 1000),
            )
        return self._factories[key]

    def batch(
        self,
        dice: tuple[int, ...],
        step: int,
        pages: int,
        families: Mapping[str, float] | None = None,
        languages: Mapping[str, float] | None = None,
    ) -> Batch:
        """The batch of a step, from 0, of `pages` pages: `TOGETHER` steps share a draw, dealt out by length.

        families, languages: of the documents asked about, and how often each; FAMILIES where no family is named, English where
        no language is. The same dice are for the same families and languages.
        """
        group, turn = divmod(step, TOGETHER)
        key = (*dice, group, pages)
        if self._drawn is None or self._drawn[0] != key:
            rng = np.random.default_rng((49979687, *key))
            factory = self.factory(families or FAMILIES, languages or {"en": 1.0})
            drawn = sorted((self._shown(factory, rng) for _ in range(pages * TOGETHER)), key=_length)
            self._drawn = (key, drawn)
        part = np.random.default_rng((104729, *key)).permutation(TOGETHER)[turn] * pages
        return self.batch_of([self._row(page) for page in self._drawn[1][part : part + pages]])

    @staticmethod
    def _shown(factory: Factory, rng: np.random.Generator) -> Shown:
        while True:
            document = factory.document(int(rng.integers(2**40)))
            shown = shown_of(document, rng)
            if shown.asked:
                return shown

    def batch_of(self, rows: "Sequence[Row]") -> Batch:
        """Rows of tokens as one batch."""
        length = -(-max(len(row.ids) for row in rows) // 32) * 32
        texts = max(row.text for row in rows)
        count = len(rows)
        batch = Batch(
            torch.full((count, length), self.tokenizer.pad_token_id),
            torch.full((count, length), -100),
            torch.full((count, length), torch.nan),
            guide=torch.zeros(count, length, texts, dtype=torch.bool),
            sees=torch.eye(length, dtype=torch.bool).repeat(count, 1, 1),
            positions=torch.zeros(count, length, dtype=torch.long),
            branches=tuple(Branches(row.text, row.ends) for row in rows),
            coordinate_weight=MARKED,
        )
        assert batch.guide is not None and batch.sees is not None and batch.positions is not None
        for b, row in enumerate(rows):
            end = len(row.ids)
            batch.input_ids[b, :end] = torch.tensor(row.ids)
            batch.labels[b, :end] = torch.tensor(row.labels)
            batch.positions[b, :end] = torch.tensor(row.positions)
            own = torch.tensor(row.branches)
            same = (own[:, None] == own) | (own == 0)
            batch.sees[b, :end, :end] = same.tril()
            for token, places in row.guide:
                batch.guide[b, token, places] = True
        return batch

    def _row(self, page: Shown) -> "Row":
        first, starts = self.ids(self.before + about(page.text, ""))
        token_of: dict[int, list[int]] = {}
        for token, start in enumerate(starts):
            token_of.setdefault(start - len(self.before), []).append(token)
        row = Row.begun(first)
        for question, answer, letters in page.asked:
            asked, _ = self.ids(question + self.behind)
            told, of_letters = self.ids(answer)
            begin = row.add(asked, [*told, self.end])
            parts: dict[int, int] = {}
            for k, letter in enumerate(of_letters):
                part = parts[letter] = parts.get(letter, -1) + 1  # of a letter of several tokens
                pieces = [token_of[place] for place in letters[letter] if place in token_of]
                places = [piece[min(part, len(piece) - 1)] for piece in pieces]
                if places:
                    row.guide.append((begin + k, places))
        return row

    def ids(self, text: str) -> tuple[list[int], list[int]]:
        """Tokens of a text, and the character with which each begins."""
        made = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return made["input_ids"], [start for start, _ in made["offset_mapping"]]


class Row(NamedTuple):
    """A page's tokens: the text's or picture's, of which there are `text`, then every question with its answer.

    branches: 0 of the text, else the question's number. guide: tokens of answers, each with the tokens of the text that
    show the same letter.
    """

    ids: list[int]
    labels: list[int]
    positions: list[int]
    branches: list[int]
    text: int
    guide: list[tuple[int, list[int]]]

    @classmethod
    def begun(cls, text: Sequence[int]) -> "Row":
        """A page of which nothing is asked yet."""
        count = len(text)
        return cls(list(text), [-100] * count, list(range(count)), [0] * count, count, [])

    def add(self, question: Sequence[int], answer: Sequence[int]) -> int:
        """Ask one more question; tells at which token its answer begins."""
        begin, count = len(self.ids) + len(question), len(question) + len(answer)
        self.ids.extend([*question, *answer])
        self.labels.extend([*[-100] * len(question), *answer])
        self.positions.extend(range(self.text, self.text + count))
        self.branches.extend([self.branches[-1] + 1] * count)
        return begin

    @property
    def ends(self) -> tuple[int, ...]:
        """Where each question ends with its answer."""
        last = [k for k, (own, other) in enumerate(pairwise(self.branches), 1) if own and own != other]
        return (*last, len(self.ids))


def shown_of(document: Document, rng: np.random.Generator) -> Shown:
    """A document as a reader would show it, some letters misread, and some of its questions.

    Of a page that is too long to be shown whole, only the questions are asked for which the same rows are shown.
    """
    asked = [one for one in document.asked if one.task in TASKS and not one.boxes]
    if document.chart is not None and not document.chart["labelled"]:
        asked = [one for one in asked if one.task != "chartqa" or one.kind not in OF_MARKS]
    rows = printed_rows([line.words for line in document.lines])
    if not asked or not rows:
        return Shown("", [])
    weights = [KINDS.get(one.kind, 1.0) for one in asked]
    order = np.argsort(-np.log(weights) - rng.gumbel(size=len(asked)))  # drawn without putting back
    kept = rows_about(rows, asked[order[0]].question)
    chosen: list[Asked] = []
    counted = Counter[str]()
    for one in (asked[k] for k in order if rows_about(rows, asked[k].question) == kept):
        counted[one.kind] += 1
        if counted[one.kind] <= OF_KIND and len(chosen) < ASKED:
            chosen.append(one)
    first = int(rng.integers(FIRST)) if rng.random() < 0.5 else 0
    sheet = Sheet([rows[row] for row in kept], first)
    rate = float(rng.random()) if rng.random() < 0.5 else 0.0
    told = [
        (one.question, *sheet.told(one))
        for one in chosen
        if kept and all(sheet.places(piece) for _, piece in copied(one.working))
    ]
    told = [one for one in told if _bytes(one[1]) <= LONGEST_ANSWER]
    return Shown(marked([misread(row, rate, rng) for row in sheet.rows], first), told)


class Sheet:
    """Rows of print as a model is shown them, the first with mark `first`, and where answers stand on them."""

    def __init__(self, rows: Sequence[str], first: int) -> None:
        self.rows, self.first = list(rows), first
        self._begins: list[int] = []
        end = 0
        for number, row in enumerate(rows, first):
            self._begins.append(end + len(mark(number)))
            end = self._begins[-1] + len(row) + len(mark(number)) + 1

    def places(self, piece: str) -> dict[int, list[int]]:
        """The rows that hold a piece of text, not inside a word, each with the columns where it begins."""
        found: dict[int, list[int]] = {}
        for number, row in enumerate(self.rows):
            column = row.find(piece)
            while piece and column >= 0:
                before, behind = row[column - 1 : column], row[column + len(piece) : column + len(piece) + 1]
                if not _one_word(before, piece[0]) and not _one_word(piece[-1], behind):
                    found.setdefault(number, []).append(column)
                column = row.find(piece, column + 1)
        return found

    def told(self, asked: Asked) -> tuple[str, list[list[int]]]:
        """The answer (the formula where it is worked out) with the marks of the rows that it is copied from, and for each of its
        letters that is pointed at the places in the marked text."""
        answer, letters, at = "", list[list[int]](), -1
        for said, row in self._said(asked):
            if row is not None and row != at:
                number = mark(row + self.first)
                answer += number
                letters += [[self._begins[row] + len(self.rows[row])], *([] for _ in number[1:])]
            at = at if row is None else row
            columns = [] if row is None else self.places(said).get(row, [])
            answer += said
            for k in range(len(said)):
                pointed = k < POINTED and 0 < len(columns) <= PLACES
                letters.append(
                    [self._begins[row] + column + k for column in columns] if pointed and row is not None else []
                )
        return answer, letters

    def _said(self, asked: Asked) -> list[tuple[str, int | None]]:
        """The answer in parts, each with the row that it is copied from, None for what is not copied."""
        near = nearness(self.rows, asked.question)
        if not asked.working:
            return [(asked.answer, None)] if asked.kind in UNPRINTED else self._quoted(asked.answer, near)
        pieces, rows = copied(asked.working), list[int]()
        for k, (begin, piece) in enumerate(pieces):
            held = self.places(piece)
            beside = k > 0 and asked.working[pieces[k - 1][0] + len(pieces[k - 1][1]) : begin] == " "  # a name's number
            if beside and rows[-1] in held:
                rows.append(rows[-1])
            elif len(pieces) > 2 and not beside:  # a list goes down the page, or along a row
                last = rows[-1] if rows else -1
                rows.append(next((row for row in held if row > last), last if last in held else min(held)))
            else:
                rows.append(max(held, key=lambda row: (near[row], -row)))
        told = is_list(asked.working) and len(set(rows)) == len(rows)  # the marks say all
        texts = ["" if told else piece for _, piece in pieces]
        parts: list[tuple[str, int | None]] = []
        end = 0
        for (begin, piece), row, text in zip(pieces, rows, texts, strict=True):
            parts += [(asked.working[end:begin], None), (text, row)]
            end = begin + len(piece)
        return [*parts, (asked.working[end:], None)]

    def _quoted(self, answer: str, near: Sequence[float]) -> list[tuple[str, int | None]]:
        """An answer in parts that stand on one row each; one part without a row where some of it is printed nowhere.

        One whose script has no spaces is parted anywhere, into parts of at least `SHORTEST_PART` characters.
        """
        for sign in (" ", ", ", *([""] if any(map(is_wide, answer)) else [])):
            words, parts, begin = answer.split(sign) if sign else [*answer], list[tuple[str, int | None]](), 0
            while begin < len(words):
                held: dict[int, list[int]] = {}
                end = next(
                    (
                        end
                        for end in range(len(words), begin + (0 if sign else SHORTEST_PART - 1), -1)
                        if (held := self.places(sign.join(words[begin:end])))
                    ),
                    begin,
                )
                if end == begin:
                    break
                last = next((row for _, row in reversed(parts) if row is not None), None)
                row = (
                    last + 1 if last is not None and last + 1 in held else max(held, key=lambda row: (near[row], -row))
                )
                parts += [(sign, None)] if parts and sign else []
                parts.append((sign.join(words[begin:end]), row))
                begin = end
            else:
                return parts
        return [(answer, None)]


def _one_word(letter: str, other: str) -> bool:
    """Whether two letters beside each other belong to one word, as far as spaces part words in their script."""
    return letter.isalnum() and other.isalnum() and not (is_wide(letter) or is_wide(other))


def misread(text: str, rate: float, rng: np.random.Generator) -> str:
    """The text with some letters for others, none lost and none added. rate: of what is misread at most, a share."""
    if not rate:
        return text
    made = list(text)
    rates = [rate * (MISREAD_WIDE if letter in PLACE_OF else MISREAD) for letter in text]
    for k in np.nonzero(rng.random(len(text)) < rates)[0]:
        if made[k] in PLACE_OF:
            near = PLACE_OF[made[k]] + int(rng.integers(1, NEIGHBOURS + 1)) * (1 if rng.random() < 0.5 else -1)
            made[k] = ORDERED[near % len(ORDERED)]
        elif made[k] not in "\n\t ":
            like = LIKE.get(made[k])
            letters = like if like and rng.random() < 0.7 else STRAY
            made[k] = letters[int(rng.integers(len(letters)))]
    return "".join(made)
