"""Strings that running text seldom holds: numbers, sums of money, dates, codes, addresses and all sorts of punctuation."""

import re

from texthawk.data.synth.corpus import ACCENTED, CHARACTERS
from texthawk.data.synth.dice import Dice

LOWER = "abcdefghijklmnopqrstuvwxyz"
UPPER = LOWER.upper()
DIGITS = "0123456789"
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
BRACKETS = ("()", "[]", "{}", "“”", "‘’", '""', "''", "«»", "**", "__", "<>", "//", "„“", "||", "--")
LOOSE = "!?.,;:#$%&*+-/=<>@^_~|\\`\"'()[]{}§©®™°±×÷½¼¾²³¹•·–—…€£¥¢¿¡¶†µ"
JOINS = (
    " - ",
    " – ",
    " — ",
    " / ",
    " & ",
    " + ",
    " = ",
    " | ",
    " > ",
    " < ",
    ": ",
    "; ",
    ", ",
    " * ",
    " ~ ",
    " @ ",
    " # ",
    " ± ",
    " × ",
    " • ",
    "... ",
)
ENDINGS = ("com", "org", "net", "edu", "gov", "de", "co.uk", "io", "fr", "eu", "info")


def letters(dice: Dice, alphabet: str, low: int, high: int) -> str:
    return "".join(dice.pick(alphabet) for _ in range(dice.integer(low, high)))


def name(dice: Dice) -> str:
    """A pronounceable made-up word in small letters."""
    return "".join(
        dice.pick("bcdfghjklmnprstvwz") + dice.pick("aeiouy") for _ in range(dice.integer(1, 3))
    ) + dice.pick("nrstlmx")


def invented(dice: Dice, word: str) -> str:
    """A made-up word in the case of `word`."""
    made = name(dice)
    return made.upper() if word.isupper() else made.capitalize() if word[:1].isupper() else made


def capitals(text: str) -> str:
    """`text` without small letters, but for those whose capital no page can show."""
    return "".join(upper if (upper := c.upper()) in CHARACTERS else c for c in text)


def number(dice: Dice) -> str:
    value = dice.rng.integers(0, 10 ** dice.integer(1, 8))
    kind = dice.integer(0, 5)
    if kind == 0:
        return f"{value:,}"
    if kind == 1:
        return f"{value / 100:,.2f}"
    if kind == 2:
        return f"{value / 1000:.{dice.integer(1, 4)}f}"
    if kind == 3:
        return dice.pick("-+±~<>") + str(value)
    return str(value)


def money(dice: Dice) -> str:
    value = dice.rng.integers(1, 10 ** dice.integer(2, 7)) / 100
    amount = f"{value:,.2f}" if dice.chance(0.8) else f"{value:,.2f}".replace(",", "'").replace(".", ",")
    form = dice.integer(0, 6)
    if form < 3:
        return amount
    if form < 5:
        return dice.pick("$$$£€¥") + amount
    return f"({amount})" if dice.chance(0.2) else amount + dice.pick((" €", " USD", "-", " EUR", " A", " kr", " RM"))


def percent(dice: Dice) -> str:
    return f"{dice.between(0, 100):.{dice.integer(0, 2)}f}" + dice.pick(("%", "%", " %"))


def date(dice: Dice) -> str:
    day, month, year = dice.integer(1, 28), dice.integer(1, 12), dice.integer(1890, 2029)
    text = MONTHS[month - 1]
    forms = (
        f"{day:02}/{month:02}/{year}",
        f"{year}-{month:02}-{day:02}",
        f"{day}.{month}.{year}",
        f"{day:02}.{month:02}.{year % 100:02}",
        f"{text} {day}, {year}",
        f"{day} {text} {year}",
        f"{text[:3]}. {day}, {year}",
        f"{day:02}-{text[:3].upper()}-{year}",
        f"{month}/{day}/{year % 100:02}",
    )
    return dice.pick(forms)


def clock(dice: Dice) -> str:
    hour, minute = dice.integer(0, 23), dice.integer(0, 59)
    forms = (
        f"{hour:02}:{minute:02}",
        f"{hour % 12 + 1}:{minute:02} {dice.pick(('AM', 'PM', 'a.m.', 'p.m.'))}",
        f"{hour:02}:{minute:02}:{dice.integer(0, 59):02}",
    )
    return dice.pick(forms)


def code(dice: Dice) -> str:
    """A serial number, an order code, a hash or a version."""
    kind = dice.integer(0, 5)
    if kind == 0:
        return "-".join(letters(dice, UPPER + DIGITS, 2, 5) for _ in range(dice.integer(1, 4)))
    if kind == 1:
        return letters(dice, UPPER, 1, 3) + letters(dice, DIGITS, 3, 8)
    if kind == 2:
        return letters(dice, "0123456789abcdef", 6, 16)
    if kind == 3:
        return f"v{dice.integer(0, 9)}.{dice.integer(0, 20)}.{dice.integer(0, 99)}"
    if kind == 4:
        return dice.pick(("#", "No. ", "ISBN ", "Ref. ", "ID:")) + letters(dice, DIGITS, 4, 10)
    return letters(dice, UPPER + LOWER + DIGITS, 4, 12)


def phone(dice: Dice) -> str:
    a, b, c = letters(dice, DIGITS, 3, 3), letters(dice, DIGITS, 3, 4), letters(dice, DIGITS, 4, 4)
    return dice.pick(
        (f"({a}) {b}-{c}", f"+{dice.integer(1, 99)} {a} {b} {c}", f"{a}-{b}-{c}", f"{a}.{b}.{c}", f"0{a}/{b}{c}")
    )


def email(dice: Dice) -> str:
    return name(dice) + dice.pick((".", "_", "-", "", "")) + name(dice) + "@" + name(dice) + "." + dice.pick(ENDINGS)


def url(dice: Dice) -> str:
    path = "/".join(name(dice) for _ in range(dice.integer(0, 3)))
    tail = dice.pick(("", "", "/", ".html", "?id=" + letters(dice, DIGITS, 1, 5), "#" + name(dice)))
    return (
        dice.pick(("http://", "https://", "https://www.", "www.", ""))
        + name(dice)
        + "."
        + dice.pick(ENDINGS)
        + "/"
        + path
        + tail
    )


def formula(dice: Dice) -> str:
    """Something with operators, as in a caption or a listing."""
    a, b, c = (dice.pick((dice.pick(LOWER), str(dice.integer(0, 99)), name(dice))) for _ in range(3))
    relation = dice.pick((" = ", "=", " < ", " > ", " ± ", " == ", " += "))
    operation = dice.pick((" + ", "*", "/", " - ", "^", " × ", " ÷ ", " % ", " | "))
    return f"{a}{relation}{b}{operation}{c}"


MAKERS = (number, number, money, percent, date, clock, code, code, phone, email, url, formula)


def token(dice: Dice) -> str:
    return dice.pick(MAKERS)(dice)


def accented(dice: Dice, word: str) -> str:
    """`word` with some of its letters changed for accented ones."""
    return "".join(dice.pick(ACCENTED) if dice.chance(0.3) and c.isalpha() else c for c in word)


def decorated(dice: Dice, word: str) -> str:
    """`word` in another guise: capitals, brackets, quotes, accents, a mark at its end, or something else in its place."""
    kind = dice.integer(0, 9)
    if kind <= 1:
        return word.upper()
    if kind <= 3:
        pair = dice.pick(BRACKETS)
        return pair[0] + word + pair[1]
    if kind == 4:
        return accented(dice, word)
    if kind == 5:
        return word + dice.pick(LOOSE)
    if kind == 6:
        return word + dice.pick(JOINS).rstrip() + " " + name(dice).title()
    if kind == 7:
        return dice.pick(LOOSE) + word
    return token(dice)


def seasoned(dice: Dice, text: str, share: float) -> str:
    """`text` with a `share` of its words decorated."""
    return " ".join(decorated(dice, word) if dice.chance(share) else word for word in text.split(" "))


def requoted(dice: Dice, text: str) -> str:
    """`text` with all its quotation marks and dashes in one style: straight, or curly."""
    if dice.chance(0.5):
        return text.translate({ord("“"): '"', ord("”"): '"', ord("‘"): "'", ord("’"): "'"})
    text = re.sub(r'(^|[\s(\[])"', r"\1“", text).replace('"', "”")
    text = re.sub(r"(^|[\s(\[“])'", r"\1‘", text).replace("'", "’")
    return text.replace(" - ", dice.pick((" – ", " — ", "—")))
