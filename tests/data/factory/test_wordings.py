"""A question is put in many ways, and each of them asks for the same."""

import re
from dataclasses import replace

from tests.data.factory.test_documents import document, factory
from texthawk.data.factory.document import Asked
from texthawk.data.factory.wordings import in_many_words, reworded
from texthawk.data.synth.dice import Dice


def ways(question: str, count: int = 300) -> set[str]:
    return {reworded(question, Dice(5, n)) for n in range(count)}


def test_a_question_has_many_wordings_and_its_own_is_the_most_frequent() -> None:
    made = [reworded("What is the title of the slide?", Dice(5, n)) for n in range(400)]
    assert len(set(made)) >= 15
    assert max(set(made), key=made.count) == "What is the title of the slide?"
    assert any(not one.endswith("?") for one in made) and any(one[0].islower() for one in made)
    assert len(ways("总计金额是多少？")) >= 6


def test_what_is_asked_about_stays_in_every_wording_as_it_is_printed() -> None:
    for question, names in (
        ('What does the card say for "Valid until"?', ('"Valid until"',)),
        ("What do MILK 1 l and Olive oil cost together?", ("MILK 1 l", "Olive oil")),
        ("Which city has the highest Price {net}?", ("city", "highest", "Price {net}")),
        ("What is the value of iPod for eBay?", ("iPod", "eBay")),
        ("Is the amount for Vase higher than for Hammer?", ("Vase higher than for Hammer",)),
        ("How many Units are there?", ("Units",)),
        ("“联系 人”一栏填写的是什么？", ("“联系 人”",)),
        ("苹果汁的单价是多少？", ("苹果汁的单价",)),
    ):
        for way in ways(question):
            assert all(name in way for name in names), way
            assert way.strip() == way and way


def test_a_name_that_begins_a_question_is_never_written_small() -> None:
    assert all(way.startswith("Berlin has 5 for Price") for way in ways("Berlin has 5 for Price. Is that true?"))


def test_answers_and_the_prompts_of_other_tasks_stay_as_they_were() -> None:
    asked = (
        Asked("What is the total?", "5.00", basis=("total",)),
        Asked("Where is Total? Answer with its bounding box", "x", "grounding"),
    )
    for n in range(60):
        first, second = in_many_words(asked, Dice(n))
        assert replace(first, question=asked[0].question) == asked[0] and second == asked[1]


def test_documents_are_asked_in_other_words_than_their_family_has() -> None:
    source = factory("card")
    changed = 0
    for index in range(8):
        page = document("card", index)
        assert page.asked == source.document(index).asked
        changed += sum(not re.match(r"(What|Who|Is) .*\?$|.*？$", one.question) for one in page.asked)
    assert changed > 5
