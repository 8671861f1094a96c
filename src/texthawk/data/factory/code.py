"""Program code as editors show it: functions with constants and loops, with line numbers or without."""

from collections.abc import Sequence
from dataclasses import dataclass

from texthawk.data.factory import names
from texthawk.data.factory.canvas import Canvas, Colour
from texthawk.data.factory.colours import mixed, strong
from texthawk.data.factory.document import Asked, Document, beside
from texthawk.data.factory.ink import Face
from texthawk.data.factory.order import Order
from texthawk.data.factory.questions import absent, count, look_up, yes_no
from texthawk.data.synth.dice import Dice

VERBS = ("load", "count", "merge", "split", "check", "build", "parse", "find", "sort", "update", "read", "draw")
NOUNS = ("rows", "words", "pages", "users", "items", "tokens", "files", "nodes", "prices", "dates", "boxes", "keys")


@dataclass(frozen=True)
class Language:
    """How a language writes what the generator makes; "{}" stand for names and values."""

    name: str
    comment: str
    constant: str
    function: str
    assign: str
    loop: str
    condition: str
    call: str
    result: str
    end: str


LANGUAGES = (
    Language(
        "Python", "# {}", "{} = {}", "def {}({}):", "{} = {}", "for {} in {}:", "if {} > {}:", "{}({})", "return {}", ""
    ),
    Language(
        "JavaScript", "// {}", "const {} = {};", "function {}({}) {{", "let {} = {};", "for (const {} of {}) {{",
        "if ({} > {}) {{", "{}({});", "return {};", "}",
    ),
    Language(
        "C", "/* {} */", "#define {} {}", "int {}(int {}) {{", "int {} = {};", "while ({} < {}) {{",
        "if ({} > {}) {{", "{}({});", "return {};", "}",
    ),
    Language(
        "Go", "// {}", "const {} = {}", "func {}({} int) int {{", "{} := {}", "for {} := range {} {{",
        "if {} > {} {{", "{}({})", "return {}", "}",
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Program:
    """Rows of (depth, text), "" for empty ones; constants and what functions return by name, in order."""

    language: Language
    rows: tuple[tuple[int, str], ...]
    constants: dict[str, str]
    functions: dict[str, str]

    def source(self, indent: int) -> str:
        return "\n".join(" " * (indent * depth) + text for depth, text in self.rows)


def program(dice: Dice, most: int, comment: str) -> Program:
    """A program of at most `most` rows, of which there are at least 6; `comment` stands at its top."""
    language = dice.pick(LANGUAGES)
    rows: list[tuple[int, str]] = [(0, language.comment.format(comment))] if comment else []
    constants = {name.upper(): _value(dice) for name in names.different(dice, NOUNS, dice.integer(1, 3))}
    rows += [(0, language.constant.format(f"MAX_{name}", value)) for name, value in constants.items()]
    constants = {f"MAX_{name}": value for name, value in constants.items()}
    functions: dict[str, str] = {}
    while len(functions) < 8:
        name = f"{dice.pick(VERBS)}_{dice.pick(NOUNS)}"
        made, result = _function(dice, language, name)
        if name in functions or len(rows) + 1 + len(made) > most:
            break
        rows += [(0, ""), *made]
        functions[name] = result
    return Program(language, tuple(rows), constants, functions)


def _value(dice: Dice) -> str:
    return str(dice.pick((dice.integer(2, 99), dice.integer(100, 9999), 2 ** dice.integer(4, 12))))


def _function(dice: Dice, language: Language, name: str) -> tuple[list[tuple[int, str]], str]:
    argument, local = names.different(dice, NOUNS, 2)
    rows = [(0, language.function.format(name, argument)), (1, language.assign.format(local, _value(dice)))]
    if dice.chance(0.7):
        rows.append((1, language.loop.format(dice.pick(("i", "n", "x")), argument)))
        depth = 2
        if dice.chance(0.5):
            rows.append((2, language.condition.format(local, _value(dice))))
            depth = 3
        call = f"{dice.pick(VERBS)}_{dice.pick(NOUNS)}"
        rows.append((depth, language.call.format(call, local)))
        rows += [(d, language.end) for d in range(depth - 1, 0, -1) if language.end]
    result = dice.pick((local, _value(dice), f"{local} + {dice.integer(1, 9)}", f"{argument} * {dice.integer(2, 9)}"))
    rows.append((1, language.result.format(result)))
    return rows + ([(0, language.end)] if language.end else []), result


def print_code(
    canvas: Canvas,
    rows: Sequence[tuple[int, str]],
    face: Face,
    place: tuple[float, float, float],
    step: float,
    colours: tuple[Colour, Colour],
    numbers: float = 0.0,
) -> None:
    """Print rows below each other: place is left, top and their distance, step the pixels of a level of depth.

    colours: of code, and of comments and numbers. numbers: width of a column with the rows' numbers, 0 for none.
    """
    left, top, pitch = place
    ink, quiet = colours
    for n, (depth, text) in enumerate(rows):
        base = top + (n + 0.75) * pitch
        if numbers:
            canvas.text(left + numbers - 2 * face.space, base, str(n + 1), face, quiet, align="right")
        if text:
            colour = quiet if text.startswith(("# ", "/")) else ink
            line = canvas.text(left + numbers + depth * step, base, text, face, colour, keep=False)
            if numbers:
                canvas.lines[-1] = beside(canvas.lines[-1], line)
            else:
                canvas.lines.append(line)


def make(order: Order) -> Document:
    """A page of code, with line numbers or without, on light or dark ground."""
    dice = order.dice
    dark = dice.chance(0.4)
    level = dice.integer(20, 50) if dark else dice.integer(240, 255)
    paper: Colour = (level, level, min(255, level + dice.integer(0, 12)))
    ink: Colour = (225, 225, 220) if dark else (30, 30, 40)
    quiet: Colour = (140, 150, 140) if dark else (110, 125, 110)
    size = max(9.0, order.height * dice.between(0.0145, 0.021))
    width = round(order.height * dice.pick((0.707, 0.85, 1.1)))
    style = order.style(mono=True)
    face = style.face(size)
    pitch = size * dice.between(1.35, 1.7)
    comment = face.fit(order.phrase(24)) if dice.chance(0.7) else ""
    made = program(dice, int((order.height - 2 * size) / pitch) - 1, comment)
    canvas = Canvas(width, order.height, paper, ink)
    indent = dice.pick((2, 4))
    numbered = face.width("000") + size if dice.chance(0.6) else 0.0
    rows, left = list(made.rows), size
    while left + numbered + max(face.width(t) + depth * indent * face.space for depth, t in rows) > width - size:
        face = style.face(0.92 * face.size)
    if numbered and dice.chance(0.5):
        canvas.fill((0, 0, left + numbered, order.height), mixed(paper, ink, 0.1))
    accent = ink if dice.chance(0.5) else strong(dice)
    print_code(canvas, rows, face, (left, size, pitch), indent * face.space, (ink if dark else accent, quiet), numbered)
    bottom = min(order.height, round(size + len(rows) * pitch + size))
    return Document(
        canvas.image.crop((0, 0, width, bottom)) if dice.chance(0.5) else canvas.image,
        "code",
        order.lang,
        tuple(canvas.lines),
        f"```{made.language.name.lower()}\n{made.source(indent)}\n```",
        asked=tuple(code_questions(order, made)),
        caption=order.say(
            f"A listing of {made.language.name} code with {len(made.functions)} functions.",
            f"一段{made.language.name}代码，定义了{len(made.functions)}个函数。",
        ),
        info={"language": made.language.name, "constants": made.constants, "functions": made.functions},
    )


def code_questions(order: Order, made: Program) -> list[Asked]:
    """Questions about constants, functions and what they return."""
    dice, functions = order.dice, list(made.functions)
    task = "docvqa"
    asked = [count(order.say("How many functions are defined?", "定义了几个函数？"), functions)]
    for name, value in made.constants.items():
        asked.append(look_up(order.say(f"What is the value of {name}?", f"{name}的值是多少？"), value))
    if functions:
        name = dice.pick(functions)
        asked.append(look_up(order.say(f"What does {name} return?", f"{name}返回什么？"), made.functions[name]))
        asked.append(look_up(order.say("Which function is defined first?", "最先定义的函数是哪个？"), functions[0]))
        asked.append(
            yes_no(order, order.say(f"Is a function called {name} defined?", f"定义了名为{name}的函数吗？"), True)
        )
    asked.append(
        Asked(
            order.say("Which programming language is this?", "这是什么编程语言？"),
            made.language.name,
            task,
            basis=("language",),
        )
    )
    other = f"{dice.pick(VERBS)}_{dice.pick(NOUNS)}"
    if all(other not in text for _, text in made.rows):
        asked.append(absent(order, order.say(f"What does {other} return?", f"{other}返回什么？")))
        asked.append(
            yes_no(order, order.say(f"Is a function called {other} defined?", f"定义了名为{other}的函数吗？"), False)
        )
    return asked
