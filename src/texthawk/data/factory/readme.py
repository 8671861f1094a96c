"""README pages as a browser shows them: headings, code in shaded boxes, lists, a table of options."""

from texthawk.data.factory import names
from texthawk.data.factory.canvas import Canvas
from texthawk.data.factory.code import NOUNS, VERBS, print_code, program
from texthawk.data.factory.colours import Colours, colours, mixed
from texthawk.data.factory.document import Asked, Document, beside
from texthawk.data.factory.flow import Strip
from texthawk.data.factory.grid import Cell, Grid
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import absent, count, look_up, yes_no
from texthawk.data.factory.table_layout import Ruling, Setting, column_widths, set_grid
from texthawk.types import Box

LICENCES = ("MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0", "MPL-2.0")
INSTALL = (
    "pip install {}",
    "npm install {}",
    "cargo add {}",
    "brew install {}",
    "go get example.org/{}",
    "apt install {}",
)


class _Readme:
    """A README on its way onto the page."""

    def __init__(self, order: Order):
        dice = order.dice
        self.order, self.dice = order, dice
        self.colours: Colours = colours(dice, white=0.8, grey=0.7)
        width = round(order.height * dice.pick((0.75, 0.9, 1.2)))
        self.canvas = Canvas(width, order.height, self.colours.paper, self.colours.ink)
        self.style = order.style()
        self.size = max(9.0, order.height * dice.between(0.0145, 0.02))
        self.face, self.bold = self.style.face(self.size), self.style.face(self.size, "bold")
        self.mono = order.style(mono=True).face(0.92 * self.size)
        margin = width * dice.between(0.04, 0.09)
        self.strip = Strip(self.canvas, margin, width - margin, 0.035 * order.height, 0.97 * order.height, 1.55)
        self.name = f"{dice.pick(VERBS)}-{dice.pick(NOUNS)}"
        self.written: list[str] = []
        self.sections: list[str] = []
        self.features: list[str] = []
        self.facts: dict[str, str] = {}
        self.grids: list[Grid] = []

    def write(self) -> Document:
        order, dice, strip = self.order, self.dice, self.strip
        strip.line(self.name, self.style.face(1.9 * self.size, "bold"))
        self.written.append("# " + self.name)
        self._under(1)
        self._text(60)
        sections = [self._install, self._options, self._features, self._usage]
        while sections:
            sections.pop(int(dice.random() * len(sections)))()
        self._licence()
        bottom = min(order.height, round(strip.y + self.size))
        return Document(
            self.canvas.image.crop((0, 0, self.canvas.width, bottom)) if dice.chance(0.5) else self.canvas.image,
            "readme",
            order.lang,
            tuple(self.canvas.lines),
            "\n\n".join(self.written),
            grids=tuple(self.grids),
            asked=tuple(self._questions()),
            caption=order.say(f"The README of a project called {self.name}.", f"项目{self.name}的README页面。"),
            info={"sections": self.sections, "facts": self.facts},
        )

    def _under(self, thickness: int) -> None:
        self.canvas.fill((self.strip.left, self.strip.y, self.strip.right, self.strip.y + thickness), self.colours.tint)
        self.strip.skip(0.7 * self.size)

    def _heading(self, english: str, chinese: str, needed: float) -> bool:
        """A section's heading, unless there is no room for it and `needed` rows of text."""
        strip = self.strip
        text = self.order.say(english, chinese)
        face = self.style.face(1.35 * self.size, "bold")
        if strip.y + 2 * strip.pitch(face) + needed * strip.pitch(self.face) > strip.bottom:
            return False
        strip.skip(0.8 * self.size)
        strip.line(text, face, self.colours.accent)
        self._under(1)
        self.written.append("## " + text)
        self.sections.append(text)
        return True

    def _text(self, length: int) -> None:
        text = self.face.fit(self.order.prose(length))
        lines, rest = self.strip.paragraph(text, self.face, most=3)
        if lines:
            self.written.append(text.removesuffix(rest).rstrip())
        self.strip.skip(0.6 * self.size)

    def _code(self, rows: list[tuple[int, str]], name: str) -> None:
        """Code in a shaded box; there must be room for it."""
        strip, pitch, pad = self.strip, 1.45 * self.size, 0.7 * self.size
        height = len(rows) * pitch + 2 * pad
        self.canvas.fill(
            (strip.left, strip.y, strip.right, strip.y + height), mixed(self.colours.paper, self.colours.ink, 0.06)
        )
        step = 4 * self.mono.space
        quiet = mixed(self.colours.paper, self.colours.ink, 0.55)
        place = (strip.left + pad, strip.y + pad, pitch)
        print_code(self.canvas, rows, self.mono, place, step, (self.colours.ink, quiet))
        strip.skip(height + 0.6 * self.size)
        source = "\n".join(" " * 4 * depth + text for depth, text in rows)
        self.written.append(f"```{name}\n{source}\n```")

    def _install(self) -> None:
        command = self.dice.pick(INSTALL).format(self.name)
        if self.mono.width(command) < self.strip.width - 2 * self.size and self._heading("Installation", "安装", 4):
            self._code([(0, command)], "sh")
            self.facts["install"] = command

    def _usage(self) -> None:
        made = program(self.dice, 12, "")
        rows = list(made.rows)
        room = max(self.mono.width(text) + depth * 4 * self.mono.space for depth, text in rows)
        if room < self.strip.width - 2 * self.size and self._heading("Usage", "用法", len(rows) + 3):
            self._code(rows, made.language.name.lower())
            self.facts["language"] = made.language.name

    def _features(self) -> None:
        if not self._heading("Features", "特性", 7):
            return
        rows = []
        hang = 1.6 * self.size
        for _ in range(self.dice.integer(2, 6)):
            text = self.face.fit(self.order.sentence(60))
            if self.strip.rows(self.face) < len(list(self.face.wrap(text, self.strip.width - hang))):
                break
            base = self.strip.baseline(self.face)
            lines, _ = self.strip.paragraph(text, self.face, hang=hang)
            if not lines:
                continue
            bullet = "•" if self.face.fit("•") else "-"
            at = self.canvas.lines.index(lines[0])
            mark = self.canvas.text(self.strip.left + 0.4 * self.size, base, bullet, self.face, keep=False)
            self.canvas.lines[at] = beside(mark, lines[0])
            rows.append("- " + text)
        self.written.append("\n".join(rows))
        self.features, self.facts["features"] = rows, str(len(rows))

    def _options(self) -> None:
        dice, order = self.dice, self.order
        options = names.different(dice, NOUNS, dice.integer(2, 5))
        if not self._heading("Options", "选项", 2 * len(options) + 4):
            return
        texts = [(order.say("Option", "选项"), order.say("Default", "默认值"))]
        for option in options:
            value = dice.pick((str(dice.integer(1, 512)), "true", "false", "auto", "none"))
            texts.append((f"--{option}", value))
            self.facts[f"--{option}"] = value
        grid = Grid(
            len(texts), 2, 1, tuple(Cell(r, c, text) for r, row in enumerate(texts) for c, text in enumerate(row))
        )
        setting = Setting(
            self.face, self.bold, ("left", "left"), Ruling(dice.pick(("grid", "rows"))), 0.6 * self.size, 1.7
        )
        widths = column_widths(grid, setting, self.strip.width)
        box = Box(self.strip.left, self.strip.y, self.strip.right, self.strip.bottom)
        done = set_grid(self.canvas, grid, setting, self.colours, box, widths)
        assert done is not None, f"{len(texts)} rows do not fit below {self.strip.y}"
        self.grids.append(done)
        self.written.append(done.markdown())
        self.strip.y = max(cell.box.bottom for cell in done.cells) + 0.8 * self.size

    def _licence(self) -> None:
        if self._heading("License", "许可证", 2):
            licence = self.dice.pick(LICENCES)
            self.strip.line(licence, self.face)
            self.written.append(licence)
            self.facts["licence"] = licence

    def _questions(self) -> list[Asked]:
        order, dice = self.order, self.dice
        made = [look_up(order.say("What is the name of the project?", "项目的名称是什么？"), self.name)]
        asked = {
            "install": order.say("Which command installs it?", "用什么命令安装？"),
            "licence": order.say("Under which licence is it?", "采用什么许可证？"),
        }
        language = order.say("In which programming language is the example?", "示例使用什么编程语言？")
        if "language" in self.facts:
            made.append(Asked(language, self.facts["language"], basis=("language",)))
        else:
            made.append(absent(order, language))
        for key, question in asked.items():
            made.append(look_up(question, self.facts[key]) if key in self.facts else absent(order, question))
        if "features" in self.facts:
            question = order.say("How many features are listed?", "列出了几条特性？")
            made.append(count(question, [row.removeprefix("- ") for row in self.features]))
        options = [key for key in self.facts if key.startswith("--")]
        if options:
            key = dice.pick(options)
            made.append(look_up(order.say(f"What is the default of {key}?", f"{key}的默认值是什么？"), self.facts[key]))
        other = "--" + dice.pick(NOUNS)
        if other not in options:
            made.append(absent(order, order.say(f"What is the default of {other}?", f"{other}的默认值是什么？")))
            made.append(yes_no(order, order.say(f"Is there an option {other}?", f"有{other}这个选项吗？"), False))
        made.append(count(order.say("How many sections does the page have?", "页面有几个小节？"), self.sections))
        return made


def make(order: Order) -> Document:
    """A README with some of the usual sections."""
    return _Readme(order).write()
