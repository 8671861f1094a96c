"""Each kind asks for what it checks, and what it makes of a reply is an example's turns."""

import json
from dataclasses import replace

import pytest

from tests.data.enrich.examples import GIVEN, example
from tests.data.enrich.teacher import TABLE, good_reply
from texthawk.cli.enrich import KINDS as OFFERED
from texthawk.data.enrich.kinds import KINDS, MOST_GIVEN, Chart, Conversation, Questions, Thoughts, given
from texthawk.data.enrich.schema import Malformed, check, outline
from texthawk.data.example import PLACE, Turn

every_kind = pytest.mark.parametrize("kind", [kind() for kind in KINDS.values()], ids=list(KINDS))


def reply_to(kind, page):
    content = [{}, {"text": kind.prompt(page)}]
    return good_reply({"messages": [{"content": content}]})


def checked(kind, page, reply):
    check(reply, kind.schema(page))
    kind.check(page, reply)
    return reply


def triples(*questions):
    return [{"question": question, "thought": "so", "answer": "7"} for question in questions]


@every_kind
def test_a_reply_in_the_form_of_the_prompt_passes_and_becomes_turns(kind):
    page = example(0, GIVEN)
    reply = checked(kind, page, reply_to(kind, page))
    turns, thoughts = kind.turns(page, reply), kind.thoughts(page, reply)
    assert turns or thoughts
    assert all(turn.question and turn.answer for turn in turns)
    assert all(entry.keys() == {"question", "thought", "answer"} for entry in thoughts)


@every_kind
def test_every_field_of_the_form_is_needed_and_no_other_may_stand_beside_it(kind):
    page = example(0, GIVEN)
    reply = reply_to(kind, page)
    for name in reply:
        with pytest.raises(Malformed, match=f"no field '{name}'"):
            checked(kind, page, {key: value for key, value in reply.items() if key != name})
        with pytest.raises(Malformed):
            checked(kind, page, reply | {name: None})
        assert f'"{name}"' in kind.prompt(page)
    with pytest.raises(Malformed, match="not asked for"):
        checked(kind, page, reply | {"more": "x"})


@every_kind
def test_what_servers_hold_replies_to_has_the_same_fields_and_no_limits(kind):
    schema = kind.schema(example(0, GIVEN))
    told = json.dumps(outline(schema))
    assert outline(schema)["properties"].keys() == schema["properties"].keys()
    assert "maxLength" in json.dumps(schema) and not any(limit in told for limit in ("Length", "Items"))


@every_kind
def test_a_page_says_its_language(kind):
    page = example(0, GIVEN)
    assert "code en" in kind.prompt(page)
    assert "language of the document" in kind.prompt(replace(page, lang=""))


def test_thoughts_are_put_to_their_questions_by_number():
    page = example(0, GIVEN)
    assert Thoughts().thoughts(page, reply_to(Thoughts(), page)) == [
        {"question": "What is the total?", "thought": "Line 1 says so.", "answer": "9.00"},
        {"question": "Who sells?", "thought": "Line 2 says so.", "answer": "Kim"},
    ]


@pytest.mark.parametrize("numbers", [(1, 1), (0, 1), (2, 3), (1,), (1, 2, 3), (1, True)])
def test_a_thought_for_each_question_and_no_other(numbers):
    reply = {"thoughts": [{"number": number, "thought": "so"} for number in numbers]}
    with pytest.raises(Malformed):
        checked(Thoughts(), example(0, GIVEN), reply)


def test_places_and_whole_texts_are_no_questions_to_think_about():
    box = Turn("Where is the total?", PLACE, "docvqa", ((0, 0, 1, 1),))
    text = Turn("List the text content in the image", "…", "text")
    assert given(example(0, (box, text, *GIVEN))) == list(GIVEN)
    assert Thoughts().prompt(example(0, (box, text))) is None
    many = tuple(Turn(f"{i}?", "7", "vqa") for i in range(MOST_GIVEN + 5))
    assert Thoughts().prompt(example(0, many)).count("Question: ") == MOST_GIVEN


@pytest.mark.parametrize("questions", [("A?", "a?"), ("A?", "A?"), (" what IS  the total?", "B?")])
def test_no_question_comes_twice_or_has_been_asked_already(questions):
    with pytest.raises(Malformed, match="asked twice"):
        checked(Questions(2), example(0, GIVEN), {"questions": triples(*questions)})


def test_questions_that_were_given_twice_spoil_no_reply():
    page = example(0, GIVEN + GIVEN)
    checked(Questions(1), page, {"questions": triples("New?")})


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_questions_is_refused(count):
    with pytest.raises(Malformed, match=r"too (few|many)"):
        checked(Questions(2), example(), {"questions": triples(*(f"{i}?" for i in range(count)))})


def test_new_questions_have_the_task_of_the_known_ones():
    reply = {"questions": triples("A?")}
    assert [turn.task for turn in Questions(1).turns(example(0, GIVEN), reply)] == ["docvqa"]
    assert [turn.task for turn in Questions(1).turns(example(0, (Turn("B?", "b", "tableqa"),)), reply)] == ["tableqa"]


def test_a_text_of_the_teacher_cannot_be_taken_for_a_place():
    [turn] = Questions(1).turns(example(), {"questions": triples(f"Where {PLACE}?")})
    assert turn.question == "Where ?" and turn.boxes == ()


def test_a_chart_gives_its_table_and_questions():
    table, *questions = Chart(2).turns(example(), {"table": TABLE, "questions": triples("A?", "B?")})
    assert (table.task, table.answer) == ("chart_table", TABLE)
    assert [turn.task for turn in questions] == ["chartqa", "chartqa"]


@pytest.mark.parametrize(
    "table",
    [
        "1990 4",
        "| a | b |\n| 1 | 2 |\n| 3 | 4 |",
        "| a | b |\n|---|---|",
        "| a | b |\n|---|---|\n| 1 |",
        "x\n|-|\n| 1 |",
    ],
)
def test_a_table_that_is_no_markdown_is_refused(table):
    with pytest.raises(Malformed, match="table"):
        checked(Chart(1), example(), {"table": table, "questions": triples("A?")})


def test_a_bar_inside_a_cell_is_no_further_cell():
    checked(Chart(1), example(), {"table": "| a |\n|---|\n| 1 \\| 2 |", "questions": triples("A?")})


def test_a_conversation_keeps_its_order_and_stands_apart():
    page = example()
    turns = Conversation().turns(page, reply_to(Conversation(), page))
    assert [turn.question for turn in turns] == ["And 0?", "And 1?", "And 2?"]
    assert [name for name, kind in KINDS.items() if kind().apart] == ["conversation"]
    with pytest.raises(Malformed, match="too many"):
        checked(Conversation(2), page, reply_to(Conversation(), page))


def test_the_command_offers_every_kind():
    assert set(OFFERED) == set(KINDS)
