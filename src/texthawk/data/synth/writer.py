"""Running text as rows: paragraphs, headings, lists and code; what a column is set in."""

from dataclasses import dataclass, replace
from itertools import islice

from texthawk.data.synth import tokens
from texthawk.data.synth.corpus import Corpus
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.fonts import Family
from texthawk.data.synth.glyphs import Face, face, rung, substitutes
from texthawk.data.synth.layout import Row, Run, align, set_words, wrap

BULLETS = "•••·–-*+>°§†"


@dataclass(frozen=True)
class Type:
    """What a column is set in: families, body size and line distance in pixels of the canvas, and habits of the setter.

    `size` is twice the height of "x", so that letters of different fonts are equally easy to read.
    """

    family: Family
    head: Family
    size: float
    leading: float
    align: str = "left"
    indent: float = 0.0
    gap: float = 0.0
    tracking: float = 0.0
    hyphens: bool = False
    emphasis: float = 0.0
    accent: bool = False
    ornaments: float = 1.0
    """How often rules, boxes and underlines are drawn, as a factor."""
    capitals: bool = False
    invented: float = 0.0
    """Share of phrases whose words are made up."""


class Writer:
    """Writes blocks for a column of `width` pixels; words come from `corpus`, choices from `dice`."""

    def __init__(self, corpus: Corpus, dice: Dice, style: Type, width: float):
        self.corpus, self.dice, self.style, self.width = corpus, dice, style, width

    def face(self, kind: str = "regular", scale: float = 1.0, head: bool = False) -> Face:
        family = self.style.head if head else self.style.family
        path = {"regular": family.regular, "bold": family.bold, "italic": family.italic}[kind]
        return face(path, rung(path, self.style.size * scale))

    def fit(self, text: str, used: Face) -> str:
        """`text` in characters that the font has, and in capitals where all of the column is."""
        if self.style.capitals:
            text = tokens.capitals(text)
        return " ".join(text.translate(substitutes(used.path)).split())

    def lead(self, used: Face) -> float:
        return max(self.style.leading * self.style.size, (used.ascent + used.descent) * 1.12)

    def ornament(self, probability: float) -> bool:
        return self.dice.chance(probability * self.style.ornaments)

    def prose(self, characters: int) -> str:
        """About `characters` of running text; starts at a paragraph's beginning or anywhere in it."""
        dice = self.dice
        paragraph = dice.pick(self.corpus.paragraphs)
        if dice.chance(0.6):
            start = paragraph.find(" ", int(dice.random() * len(paragraph) * 0.8)) + 1
            paragraph = paragraph[start:]
        if len(paragraph) > characters:
            end = paragraph.find(" ", characters)
            paragraph = paragraph[:end] if end > 0 else paragraph
        if dice.chance(0.3):
            paragraph = tokens.seasoned(dice, paragraph, dice.pick((0.03, 0.1, 0.3)))
        return tokens.requoted(dice, paragraph) if dice.chance(0.3) else paragraph

    def phrase(self, low: int = 1, high: int = 5) -> str:
        """A few words in a row out of the corpus."""
        paragraph = self.dice.pick(self.corpus.paragraphs)
        start = paragraph.find(" ", int(self.dice.random() * max(1, len(paragraph) - 40))) + 1
        words = paragraph[start : start + 16 * high].split(" ")[: self.dice.integer(low, high)]
        if self.style.invented and self.dice.chance(self.style.invented):
            words = [tokens.invented(self.dice, word) for word in words]
        return " ".join(words)

    def clipped(self, text: str, used: Face, width: float) -> str:
        """The longest head of `text`, cut between words where possible, that is no wider than `width`; may be empty."""
        text = self.fit(text, used)
        return next((line for line, _, _ in wrap(text, used, width)), "") if text else ""

    def paragraph(self, limit: int, *, text: str = "", left: float = 0.0, used: Face | None = None) -> list[Row]:
        """At most `limit` rows of running text, `left` pixels from the column's edge."""
        style, dice = self.style, self.dice
        used = used or self.face("italic" if dice.chance(0.04) else "bold" if dice.chance(0.04) else "regular")
        width = self.width - left
        wanted = min(limit, dice.integer(1, 14))
        text = self.fit(text or self.prose(int(wanted * width / used.width("e") * 1.05)), used)
        if dice.chance(0.02):
            text = self.fit(text.upper(), used)  # a font may have a small letter and lack its capital
        rows: list[Row] = []
        emphasis = style.emphasis if dice.chance(0.5) else 0.0
        indent = min(style.indent, width / 3) if not left else 0.0
        lines = wrap(text, used, width, indent=indent, tracking=style.tracking, hyphens=style.hyphens)
        for line, natural, last in islice(lines, limit):
            x = left + (indent if not rows else 0.0)
            rows.append(Row(self._line(line, used, x, left + width - x, natural, last, emphasis), self.lead(used)))
        if style.align in ("centre", "right"):
            align(rows, self.width, style.align)
        if rows:
            rows[-1].after = style.gap
        return rows

    def _line(
        self, line: str, used: Face, x: float, room: float, natural: float, last: bool, emphasis: float
    ) -> list[Run]:
        style, dice = self.style, self.dice
        spread = style.align == "justified" and not last and room - natural < 0.25 * room and not style.tracking
        if not spread and not dice.chance(emphasis):
            return [Run(line, used, x, tracking=style.tracking)]
        words = [(word, used) for word in line.split(" ")]
        accent = False
        if dice.chance(emphasis):
            first, count = dice.integer(0, len(words) - 1), dice.integer(1, 4)
            other = self.face(dice.pick(("bold", "italic")), head=dice.chance(0.1))
            changed = [(self.fit(word, other) or "x", other) for word, _ in words[first : first + count]]
            runs = set_words(words[:first] + changed + words[first + count :], x, tracking=style.tracking)
            if runs[-1].end <= x + room:
                words = words[:first] + changed + words[first + count :]
                accent = style.accent and dice.chance(0.4)
        spare = room - sum(used.width(w, style.tracking) for w, used in words) - used.space * (len(words) - 1)
        runs = set_words(
            words, x, extra=max(0.0, spare / max(1, len(words) - 1) - 0.01) if spread else 0.0, tracking=style.tracking
        )
        for run in runs:
            if run.face is not used:
                run.accent = accent
                run.underlined = self.ornament(0.15)
        return runs

    def heading(self, limit: int, *, scale: float = 0.0, text: str = "") -> list[Row]:
        """One to three larger or bold rows."""
        dice, style = self.dice, self.style
        scale = scale or dice.pick((1.0, 1.15, 1.3, 1.6, 2.0, 2.6))
        used = self.face(dice.pick(("bold", "bold", "bold", "regular", "italic")), scale, head=True)
        text = text or self.phrase(1, 7).strip(",;:-–").capitalize() or "Contents"
        if dice.chance(0.25):
            text = text.upper()
        elif dice.chance(0.3):
            text = text.title()
        if dice.chance(0.25):
            text = (
                dice.pick(("{}", "{}.", "{}.{}", "{}.{}.", "Chapter {}:", "§ {}", "({})")).format(
                    *(dice.integer(1, 12),) * 2
                )
                + " "
                + text
            )
        tracking = dice.between(0, 0.15) * used.size if dice.chance(0.08) else 0.0
        accent, underlined = style.accent and dice.chance(0.5), self.ornament(0.08)
        rows = [
            Row([Run(line, used, 0.0, accent=accent, tracking=tracking, underlined=underlined)], self.lead(used) * 1.02)
            for line, _, _ in islice(wrap(self.fit(text, used), used, self.width, tracking=tracking), min(limit, 3))
        ]
        if style.align == "centre" or dice.chance(0.2):
            align(rows, self.width, "centre")
        if rows:
            rows[-1].after = dice.between(0, 0.8) * style.size
            rows[-1].rule = dice.pick(("thin", "thick")) if self.ornament(0.1) else ""
            rows[0].lead += dice.between(0, 0.5) * style.size
        return rows

    def items(self, limit: int) -> list[Row]:
        """A list with bullets, numbers or letters."""
        dice = self.dice
        used = self.face()
        form = dice.pick(("bullet", "bullet", "{n}.", "{n})", "({n})", "{a}.", "{a})", "({a})", "[{n}]"))
        bullet = self.fit(dice.pick(BULLETS), used) or "-"
        inset = dice.between(0, 2) * used.size
        rows: list[Row] = []
        for n in range(dice.integer(1, 9), 40):
            mark = bullet if form == "bullet" else self.fit(form.format(n=n, a=chr(97 + n % 26)), used)
            left = inset + max(used.width(mark) + used.space, used.width("8") * dice.pick((1.6, 2.2)))
            if len(rows) >= limit or left > self.width * 0.5:
                break
            text = self.prose(dice.integer(10, 120)) if dice.chance(0.8) else tokens.token(dice)
            body = self.paragraph(min(limit - len(rows), 4), text=text, left=left, used=used)
            if not body:
                break
            body[0].runs.insert(0, Run(mark, used, min(inset, body[0].runs[0].x - used.width(mark) - 1)))
            rows.extend(body)
            if dice.chance(0.15):
                break
        return rows

    def listing(self, limit: int) -> list[Row]:
        """Lines of something like program code."""
        dice = self.dice
        used = self.face()
        depth, rows = 0, []
        for _ in range(min(limit, dice.integer(2, 12))):
            a, b = tokens.name(dice), tokens.name(dice)
            forms = (
                f"{a} = {b}({tokens.number(dice)})",
                f"if ({a} != {b}) {{",
                "}",
                f"def {a}_{b}(self, {tokens.name(dice)}):",
                f"return {tokens.formula(dice)};",
                f"# {self.phrase(2, 5)}",
                f"// {self.phrase(1, 4)}",
                f"{a}[{dice.integer(0, 99)}] += {b} * {dice.integer(2, 64)};",
                f'print("{self.phrase(1, 3)}")',
                f"$ {a} --{b}={tokens.code(dice)}",
                f"<{a} class='{b}'>",
                f"{a}.{b}(**{{'{a}': {dice.integer(0, 9)}}})",
                f"#define {a.upper()} 0x{tokens.letters(dice, '0123456789ABCDEF', 2, 6)}",
                f"{a} | {b} > /{a}/{b}.txt",
                f"@{a} ~{b} && !{a}",
            )
            text = dice.pick(forms)
            x = depth * 2 * used.width("x")
            line = self.clipped(text, used, self.width - x)
            if line:
                rows.append(Row([Run(line, used, x)], self.lead(used)))
            depth = max(0, min(4, depth + dice.integer(-1, 1)))
        return rows


def restyled(writer: Writer, **changes: object) -> Writer:
    """The same writer with some of its type changed."""
    return Writer(writer.corpus, writer.dice, replace(writer.style, **changes), writer.width)  # type: ignore[arg-type]
