"""The ways in which people put one and the same question: rules that reword it and leave its answer as it was.

A rule changes how a question begins and ends. What it asks about, names and quoted print among it, stays as it was written.
"""

import re
from dataclasses import replace

from texthawk.data.factory.document import Asked
from texthawk.data.synth.dice import Dice
from texthawk.image.wide import is_wide

AS_IT_IS = 0.45
"""Share of questions that keep the family's own wording."""
REWORDED = frozenset(("docvqa", "tableqa", "chartqa"))
"""Tasks whose questions are put in many ways; those of the others are the papers' own prompts."""

_SHEET = (
    r"(receipt|invoice|bill|letter|slide|form|card|ticket|page|chart|article|document|report|table|statement|notice)"
)
_RULES: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), ways)
    for pattern, ways in (
        (
            rf"What is the (.+) (?:of|on|in) (?:the|this) {_SHEET}\?",
            (
                "What is the {0} on the {1}?", "What is the {0} on this {1}?", "What is the {0} of this {1}?",
                "What is the {0} of the {1}?", "What {0} is printed on this {1}?", "What {0} does the {1} show?",
                "Which {0} is on the {1}?", "Which {0} does this {1} have?", "Give the {0} of the {1}.",
                "Tell me the {0} on this {1}.", "What is this {1}'s {0}?", "Find the {0} on the {1}.", "What is the {0}?",
            ),
        ),
        (
            r"What is the ([a-z-]+(?: [a-z-]+)?)\?",
            (
                "What's the {0}?", "Give the {0}.", "Tell me the {0}.", "Which {0} is given?", "What {0} is shown?",
                "What is the {0} here?", "What is the {0} given here?", "The {0}?", "{0}?", "State the {0}.",
                "Find the {0}.", "Can you tell me the {0}?", "Please give me the {0}.", "Which {0} is printed here?",
                "What {0} can be read here?", "I need the {0}.", "{0}:",
            ),
        ),
        (
            r"What is the value of ((?:(?! for ).)+) for ((?:(?! for ).)+)\?",
            (
                "What is {0} for {1}?", "Look up {0} for {1}.", "What value does {1} have for {0}?", "Give {0} for {1}.",
                "Find the value of {0} for {1}.", "What value of {0} is given for {1}?",
            ),
        ),
        (
            r"What does ((?:(?! say ).)+) say for (.+)\?",
            ("What is {0} for {1}?", "What is given as {0} for {1}?", "Give {0} for {1}.", "What stands under {0} for {1}?"),
        ),
        (
            r"What is (the .+)\?",
            (
                "What's {0}?", "Give {0}.", "Tell me {0}.", "State {0}.", "Find {0}.", "Can you tell me {0}?",
                "Please give me {0}.", "{0}?", "I would like to know {0}.",
            ),
        ),
        (r"Who (?:is|was) (the .+)\?", ("Who's {0}?", "Name {0}.", "Tell me who {0} is.", "Give the name of {0}.", "{0}?")),
        (
            r"How many (.+) are there\?",
            (
                "What is the number of {0}?", "Count the {0}.", "Tell me how many {0} there are.",
                "State the number of {0}.", "How many {0} do you see?", "How many {0} can you find?", "Number of {0}?",
            ),
        ),
        (
            r"How many (.+) are (listed|shown|defined|named|printed)\?",
            (
                "Count the {0} that are {1}.", "Tell me how many {0} are {1}.", "What is the number of {0} {1}?",
                "How many {0} have been {1}?", "Number of {0} {1}?",
            ),
        ),
        (
            r"How many (.+) does the (.+) have\?",
            (
                "Tell me how many {0} the {1} has.", "Count the {0} of the {1}.", "How many {0} are on the {1}?",
                "What is the number of {0} of the {1}?",
            ),
        ),
        (r"How many (.+ (?:have|belong|were) .+)\?", ("Tell me how many {0}.", "State how many {0}.", "Count how many {0}.")),
        (
            r"How much is (the .+)\?",
            ("What is {0}?", "Give {0}.", "Tell me how much {0} is.", "What does {0} come to?", "{0}?"),
        ),
        (
            r"Which ([a-z][a-z ]*?) (has|comes|follows) (.+)\?",
            (
                "Tell me which {0} {1} {2}.", "Name the {0} that {1} {2}.", "What {0} {1} {2}?", "Find the {0} that {1} {2}.",
                "What is the {0} that {1} {2}?",
            ),
        ),
        (
            r"What do (.+) (cost together)\?",
            ("How much do {0} {1}?", "What is the cost of {0} taken together?", "{0} together cost how much?"),
        ),
        (
            r"((?:Is|Are|Does|Do|Was|Has) .+\?)",
            ("{0} Answer yes or no.", "{0} Answer with yes or no.", "{0} (yes/no)", "{0} Yes or no?", "Tell me, yes or no: {0}"),
        ),
    )
)  # fmt: skip
_CHINESE: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (re.compile(pattern), ways)
    for pattern, ways in (
        (r"(.+[^的])是多少？", ("{0}为多少？", "请给出{0}。", "{0}？", "请问{0}是多少？", "告诉我{0}。", "{0}")),
        (r"(.+[^的])是什么？", ("请给出{0}。", "{0}？", "请问{0}是什么？", "写出{0}。", "告诉我{0}是什么。", "{0}")),
        (r"(.+[^的])是谁？", ("请问{0}是谁？", "{0}是哪位？", "{0}？", "告诉我{0}是谁。")),
        (r"(.+[^的])是哪天？", ("{0}是什么时候？", "{0}是几号？", "{0}？", "请给出{0}。", "{0}是哪一天？")),
        (r"(.+吗？)", ("{0}请回答是或否。", "请问{0}", "{0}（是/否）")),
        (r"(.*有几.+？)", ("请问{0}", "数一数，{0}")),
    )
)
_LOWERED = frozenset(
    "What What's Which Who Who's How When Where Is Are Does Do Was Has Give Tell State Find Can Please Name Count The By".split()
)
"""First words that may be written small; any other may be a name, which stays as it is printed."""


def in_many_words(asked: tuple[Asked, ...], dice: Dice) -> tuple[Asked, ...]:
    """The questions of a document, each in a wording that the dice choose; answers and all else stay as they were."""
    return tuple(replace(one, question=reworded(one.question, dice)) if one.task in REWORDED else one for one in asked)


def reworded(question: str, dice: Dice) -> str:
    """A question in its own or in another wording, now and then written small or without its mark at the end."""
    wide = is_wide(question[0]) or question[-1] in "？。"
    if not dice.chance(AS_IT_IS):
        question = _by_rule(question, _CHINESE if wide else _RULES, dice)
    mark = dice.random()
    if mark < 0.12 and question[-1] in "?？":
        question = question[:-1]
    elif mark < 0.2 and question[-1] == "？":
        question = question[:-1] + "?"
    if dice.chance(0.12) and question.split(" ", 1)[0] in _LOWERED:
        question = question[0].lower() + question[1:]
    return question


def _by_rule(question: str, rules: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...], dice: Dice) -> str:
    """A question in another wording of the first rule that it fits; as it is where it fits none."""
    for pattern, ways in rules:
        found = pattern.fullmatch(question)
        if found:
            made = dice.pick(ways).format(*found.groups())
            return made[0].upper() + made[1:]
    return question
