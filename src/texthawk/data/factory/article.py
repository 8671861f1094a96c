"""Articles: a title, columns of paragraphs under headings, lists and footnotes."""

from dataclasses import dataclass, field, replace

from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.colours import Colours, colours
from texthawk.data.factory.document import Asked, Document, Line, beside
from texthawk.data.factory.flow import Strip, around_lines
from texthawk.data.factory.names import person
from texthawk.data.factory.order import Order
from texthawk.data.factory.prose_questions import prose_questions
from texthawk.data.factory.questions import absent, count, look_up, yes_no
from texthawk.data.factory.styles import Style
from texthawk.image.wide import is_wide

MARKS = "¹²³"
ORDINALS = ("first", "second", "third", "fourth", "fifth")


@dataclass
class _Section:
    """A heading and what was set below it."""

    heading: str
    line: Line
    first: str = ""
    items: int = 0


@dataclass
class _Set:
    """What was set so far: Markdown blocks, sections, footnotes with their lines."""

    markdown: list[str] = field(default_factory=list)
    sections: list[_Section] = field(default_factory=list)
    notes: list[tuple[str, Line]] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)


class _Article:
    """An article on its way onto the page."""

    def __init__(self, order: Order):
        dice = order.dice
        self.order, self.dice, self.style = order, dice, order.style()
        self.head_style: Style = self.style if dice.chance(0.6) else order.style()
        self.colours: Colours = colours(dice)
        height = order.height
        width = round(height * dice.pick((0.707, 0.707, 0.773, 0.65, 1.0, 1.3)))
        self.canvas = Canvas(width, height, self.colours.paper, self.colours.ink)
        across = width * dice.between(0.05, 0.11)
        self.size = max(9.0, height * dice.between(0.0135, 0.021))
        self.body = self.style.face(self.size)
        self.small = self.style.face(0.85 * self.size)
        self.left, self.right = across, width - across
        self.top, self.bottom = height * dice.between(0.035, 0.07), height * dice.between(0.93, 0.965)
        self.leading = dice.between(1.25, 1.7)
        self.align = "justified" if dice.chance(0.5) else "left"
        self.indent = dice.between(1, 2) * self.size if dice.chance(0.35) else 0.0
        self.gap = self.size * (dice.between(0.4, 0.9) if not self.indent else dice.between(0, 0.4))
        self.done = _Set()
        self.title = self.author = self.page_number = ""
        self.title_lines: list[Line] = []
        self.unused: list[str] = []

    def strip(self, left: float, right: float, top: float, bottom: float) -> Strip:
        return Strip(self.canvas, left, right, top, bottom, self.leading)

    def write(self) -> Document:
        whole = self.strip(self.left, self.right, self.top, self.bottom)
        if self.dice.chance(0.4):
            running = next(self.small.wrap(self.small.fit(self.order.phrase(30)), whole.width), None)
            if running is not None:
                whole.line(running, self.small)
                whole.skip(self.size)
        self._title(whole)
        bottom = self.bottom
        if self.dice.chance(0.6):
            bottom -= 2.2 * self.size
        marks = self._reserved()
        foot_top = bottom - sum(1.5 * self.size * rows for rows in marks)
        self._columns(whole.y, foot_top - (self.size if marks else 0), len(marks))
        self._footnotes(foot_top, bottom, marks)
        if bottom < self.bottom:
            self._number()
        return Document(
            self.canvas.image,
            "article",
            self.order.lang,
            tuple(self.canvas.lines),
            "\n\n".join(self.done.markdown),
            asked=tuple(self._questions()),
            caption=self.order.say(f'A page of an article titled "{self.title}".', f"一页文章，标题是“{self.title}”。"),
            info={"title": self.title, "author": self.author},
        )

    def _title(self, whole: Strip) -> None:
        order, dice = self.order, self.dice
        face = self.head_style.face(self.size * dice.between(1.5, 2.6), "bold")
        align = dice.pick(("left", "centre"))
        text = face.fit(order.sentence(70).rstrip(".。!?！？")) or face.fit(order.phrase(30)) or "1"
        lines, rest = whole.paragraph(text, face, self.colours.accent, align=align, most=3)
        self.title = text.removesuffix(rest).rstrip()
        self.title_lines = lines
        self.done.markdown.append("# " + self.title)
        if dice.chance(0.6):
            self.author = self.body.fit(
                order.pick(("By {}", "{}", "{}"), ("作者：{}", "文/{}", "{}")).format(person(dice, order.speech))
            )
            whole.skip(0.3 * self.size)
            whole.line(self.author, self.body, align=align)
            self.done.markdown.append(self.author)
        whole.skip(self.size * dice.between(0.6, 1.6))
        if dice.chance(0.2):
            self.canvas.fill(
                (whole.left, whole.y - 0.5 * self.size, whole.right, whole.y - 0.5 * self.size + 1), self.colours.line
            )

    def _reserved(self) -> list[int]:
        """Rows of each footnote there will be."""
        if self.order.height < 500 or not self.dice.chance(0.4):
            return []
        return [self.dice.integer(1, 2) for _ in range(self.dice.integer(1, len(MARKS)))]

    def _columns(self, top: float, bottom: float, notes: int) -> None:
        gutter = self.size * self.dice.between(1.4, 2.6)
        most = max(1, int((self.right - self.left) / (15 * self.size)))
        number = min(most, self.dice.weighted({1: 0.45, 2: 0.42, 3: 0.13}))
        width = (self.right - self.left - gutter * (number - 1)) / number
        lefts = [self.left + i * (width + gutter) for i in range(number)]
        strips = [self.strip(left, left + width, top, bottom) for left in lefts]
        if number > 1 and self.dice.chance(0.2):
            for left in lefts[1:]:
                self.canvas.fill((left - gutter / 2, top, left - gutter / 2 + 1, bottom), self.colours.line)
        self.unused = waiting = list(MARKS[:notes])
        while strips:
            kind = self.dice.weighted({"paragraph": 0.62, "heading": 0.23, "list": 0.15})
            if kind == "heading":
                self._heading(strips)
            elif kind == "list":
                self._list(strips)
            else:
                self._paragraph(strips, waiting)

    def _heading(self, strips: list[Strip]) -> None:
        """A heading never stands at the end of a column or twice in a row."""
        strip = strips[0]
        face = self.head_style.face(self.size * 1.2, "bold")
        if strip.rows(face) < 5:
            if strip.rows(face) < 2:
                strips.pop(0)
            return
        text = face.fit(self.order.phrase(28)).capitalize()
        units = next(face.wrap(text, strip.width), None)
        if not units or any(section.heading == text for section in self.done.sections):
            return
        strip.skip(0.6 * self.size)
        line = strip.line(units, face, self.colours.accent)
        assert line is not None
        self.done.sections.append(_Section(line.text, line))
        self.done.markdown.append("## " + line.text)
        strip.skip(0.2 * self.size)
        self._paragraph(strips, [])

    def _paragraph(self, strips: list[Strip], waiting: list[str]) -> None:
        text = self.body.fit(self.order.prose(self.dice.integer(120, 700)))
        if not text:
            return
        if waiting and self.dice.chance(0.5) and self.body.fit(waiting[0]) == waiting[0]:
            text += waiting.pop(0)
        indent = self.indent if self.done.markdown[-1][0] != "#" else 0.0
        if is_wide(text[0]) and self.indent:
            indent = 2 * self.size
        written, rest = "", text
        while rest and strips:
            lines, left = strips[0].paragraph(rest, self.body, align=self.align, indent=indent)
            written += rest.removesuffix(left) if lines else ""
            rest, indent = left, 0.0
            if rest:
                strips.pop(0)
        if strips:
            strips[0].skip(self.gap)
        if written:
            self.done.prose.append(written.strip())
            self.done.markdown.append(written.strip())
            if self.done.sections and not self.done.sections[-1].first:
                self.done.sections[-1].first = written.strip()

    def _list(self, strips: list[Strip]) -> None:
        dice, strip = self.dice, strips[0]
        numbered = dice.chance(0.5)
        bullet = next((mark for mark in dice.pick(("•-", "–-", "·-", "*")) if self.body.fit(mark)), "-")
        hang = 1.8 * self.size
        rows = []
        for n in range(1, dice.integer(2, 6) + 1):
            text = self.body.fit(self.order.sentence(60))
            needed = len(list(self.body.wrap(text, strip.width - hang)))
            if not needed or strip.rows(self.body) < needed:
                break
            mark = f"{n}." if numbered else bullet
            base = strip.baseline(self.body)
            lines, _ = strip.paragraph(text, self.body, hang=hang)
            at = self.canvas.lines.index(lines[0])
            marked = self.canvas.text(strip.left + 0.3 * self.size, base, mark, self.body, keep=False)
            self.canvas.lines[at] = beside(marked, lines[0])
            rows.append(f"{mark if numbered else '-'} {text}")
        if not rows:
            if strip.rows(self.body) < 3:
                strips.pop(0)
            return
        strip.skip(self.gap)
        self.done.markdown.append("\n".join(rows))
        if self.done.sections:
            self.done.sections[-1].items += len(rows)

    def _footnotes(self, top: float, bottom: float, marks: list[int]) -> None:
        used = [mark for mark in MARKS[: len(marks)] if mark not in self.unused]
        if not used:
            return
        strip = self.strip(self.left, self.right, top, bottom)
        self.canvas.fill(
            (self.left, top - 0.4 * self.size, self.left + 0.3 * strip.width, top - 0.4 * self.size + 1),
            self.colours.line,
        )
        for mark in used:
            text = self.small.fit(f"{mark} {self.order.sentence(90)}")
            lines, rest = strip.paragraph(text, self.small)
            if lines:
                text = text.removesuffix(rest).rstrip()
                self.done.notes.append((text[2:], lines[0]))
                self.done.markdown.append(text)

    def _number(self) -> None:
        self.page_number = str(self.dice.integer(2, 480))
        form = self.order.pick(("{}", "- {} -", "Page {}"), ("{}", "- {} -", "第{}页"))
        align = self.dice.pick(("left", "centre", "right"))
        strip = self.strip(self.left, self.right, self.bottom - 1.6 * self.size, self.bottom + self.size)
        strip.line(self.small.fit(form.format(self.page_number)), self.small, align=align)

    def _questions(self) -> list[Asked]:
        order, dice, done = self.order, self.dice, self.done
        lines = self.canvas.lines
        title = order.pick(
            (
                "What is the title?",
                "What is the headline?",
                "What is the title of the article?",
                "What is the article called?",
            ),
            ("标题是什么？", "文章的标题是什么？"),
        )
        made = [look_up(title, self.title, around_lines(self.title_lines))]
        made += prose_questions(order, done.prose, "\n".join(line.text for line in lines))
        if self.page_number:
            made.append(look_up(order.say("What is the page number?", "页码是多少？"), self.page_number, lines[-1].box))
        if self.author:
            made.append(yes_no(order, order.say("Is an author named?", "有作者署名吗？"), True))
        made.append(
            count(
                order.say("How many section headings are there?", "有几个小标题？"),
                [section.heading for section in done.sections],
            )
        )
        if done.sections:
            made.append(self._heading_by_number())
        if len(done.sections) > 1:
            i = dice.integer(1, len(done.sections) - 1)
            before, after = done.sections[i - 1], done.sections[i]
            made.append(
                look_up(
                    order.say(
                        f'Which heading comes right after "{before.heading}"?',
                        f"“{before.heading}”之后的小标题是什么？",
                    ),
                    after.heading,
                    after.line.box,
                )
            )
        if done.notes:
            i = dice.integer(0, len(done.notes) - 1)
            note, line = done.notes[i]
            made.append(
                look_up(order.say(f"What does footnote {i + 1} say?", f"脚注{i + 1}的内容是什么？"), note, line.box)
            )
        other = order.phrase(20)
        present = other.casefold() in "\n".join(line.text for line in lines).casefold()
        if not present:
            made.append(
                absent(order, order.say(f'What does the section "{other}" begin with?', f"“{other}”一节的开头是什么？"))
            )
            made.append(
                yes_no(order, order.say(f'Is there a section called "{other}"?', f"有名为“{other}”的小节吗？"), False)
            )
        if done.sections and dice.chance(0.5):
            name = dice.pick(done.sections).heading
            made.append(
                yes_no(order, order.say(f'Is there a section called "{name}"?', f"有名为“{name}”的小节吗？"), True)
            )
        return made

    def _heading_by_number(self) -> Asked:
        order, sections = self.order, self.done.sections
        place = order.dice.integer(0, min(len(sections), len(ORDINALS)) - 1)
        question = order.pick(
            (
                f"What is the {ORDINALS[place]} heading?", f"Which section heading comes {ORDINALS[place]}?",
                f"Which heading does the {ORDINALS[place]} section have?",
            ),
            (f"第{place + 1}个小标题是什么？",),
        )  # fmt: skip
        section = sections[place]
        return replace(look_up(question, section.heading, section.line.box), basis=("heading", place))


def make(order: Order) -> Document:
    """A page of an article."""
    return _Article(order).write()
