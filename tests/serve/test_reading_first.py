"""A model that answers from what was read is shown print, on the routes of documents and in chats."""

import asyncio
import json

import pytest
from PIL import Image, ImageDraw

from tests.serve.serving import about, png, running
from tests.serve.test_documents import finished, uploaded
from texthawk.decode.answers import message
from texthawk.decode.asked import Sheet, about_pages
from texthawk.decode.reader import load
from texthawk.model.processing import PROMPTS
from texthawk.serve.admission import Begun, begun
from texthawk.serve.chat import Answer, Stream
from texthawk.serve.chat_request import ChatRequest
from texthawk.serve.generation import Event, Finish, Piece


def sheet(text: str) -> Image.Image:
    made = Image.new("RGB", (360, 90), "white")
    ImageDraw.Draw(made).text((20, 20), text, "black", font_size=30)
    return made


PRINT = ["Pears\t12", "Figs\t9.50"]
TOTAL, DAY = sheet("Total due 12"), sheet("May day")


@pytest.fixture(scope="module")
def nano():
    reader = load("nano", way="step")  # as the server's batch does
    reader.model.config.tasks = ["text", "ask_text"]
    with running(reader, max_tokens=12, loop_guard=True) as server:
        yield server


def length(reader, images, question: str) -> int:
    """Tokens of the prompt that shows the print of images."""
    (sheet,) = about_pages(reader, reader.read(images).pages, [question])
    ids = reader.processor.apply_chat_template(
        [message(sheet.prompt, None)], add_generation_prompt=True, tokenize=False
    )
    return len(reader.processor.tokenizer(ids)["input_ids"])


def chat(server, messages, **settings):
    return server.client().chat.completions.create(model="tiny", messages=messages, **settings)


def test_a_page_s_print_is_asked_about_and_the_answer_has_its_place(nano):
    with nano.http() as http:
        assert http.get("/v1/models").json()["data"][0]["tasks"] == ["text", "ask_text", "markdown", "find"]
        id = uploaded(http, ("a.png", png(TOTAL)))
        finished(http, id)
        url = f"/v1/documents/{id}/pages/0/ask"
        answer = http.post(url, json={"question": "What is the total due?"}).json()
        (expected,) = nano.reader.ask(TOTAL, "What is the total due?", max_tokens=12)
        assert answer["text"] == expected.text and answer["confidence"] == pytest.approx(expected.confidence, abs=2e-3)
        boxes = [box for one in expected.evidence if one.quoted for box in one.words]
        assert answer["boxes"] == [[round(side, 1) for side in box] for box in boxes]
        for choice, printed in (("due", True), ("Tokyo", False)):
            only = {"question": "Which?", "choices": [choice, choice + "!"]}
            chosen = http.post(url, json=only).json()
            assert chosen["value"].startswith(choice) and bool(chosen["boxes"]) is printed
            assert all(
                0 <= left < right <= 360 and 0 <= top < bottom <= 90 for left, top, right, bottom in chosen["boxes"]
            )
        schema = {
            "type": "object",
            "properties": {"a": {"type": "string"}, "b": {"type": "boolean"}},
            "required": ["a"],
        }
        filled = http.post(url, json={"question": "Which?", "schema": schema}).json()["value"]
        assert isinstance(filled["a"], str) and filled["b"] in (True, False)
        for wrong in ({"question": "<image>"}, {"question": " "}, {"question": "x", "schema": {"not": {}}}):
            assert http.post(url, json=wrong).status_code == 400


def test_nothing_that_was_read_gives_no_answer_and_keeps_the_form(nano):
    with nano.http() as http:
        id = uploaded(http, ("a.png", png(Image.new("RGB", (90, 60), "white"))))
        finished(http, id)
        url = f"/v1/documents/{id}/pages/0/ask"
        empty = http.post(url, json={"question": "What is it?"}).json()
        assert empty == {"text": None, "confidence": 0.0, "finish_reason": "blank", "boxes": []}
        assert http.post(url, json={"question": "x", "choices": ["a", "b"]}).json()["value"] in ("a", "b")


def test_a_free_question_in_a_chat_is_asked_about_the_print_of_its_pictures(nano):
    question = "What is the total due?"
    made = chat(nano, about(TOTAL, question))
    assert made.usage.prompt_tokens == length(nano.reader, [TOTAL], question)
    assert made.usage.prompt_tokens_details.image_tokens == 0
    (expected,) = nano.reader.ask(TOTAL, question, max_tokens=12)
    assert made.choices[0].message.content.strip() == expected.text
    streamed = chat(nano, about(TOTAL, question), stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in streamed).strip() == expected.text


def test_a_chat_s_last_question_is_asked_about_all_its_pictures(nano):
    first, second = about(TOTAL, "What is this?")[0], about(DAY, "And this?")[0]
    turns = [{"role": "system", "content": "Be brief."}, first, {"role": "assistant", "content": "A bill."}, second]
    assert chat(nano, turns).usage.prompt_tokens == length(nano.reader, [TOTAL, DAY], "And this?")
    later = [first, {"role": "assistant", "content": "A bill."}, {"role": "user", "content": "Which day?"}]
    assert chat(nano, later).usage.prompt_tokens == length(nano.reader, [TOTAL], "Which day?")


@pytest.mark.parametrize("prompt", PROMPTS.values())
def test_what_the_model_was_taught_to_say_of_a_picture_it_is_asked_of_the_picture(nano, prompt):
    assert chat(nano, about(TOTAL, prompt)).usage.prompt_tokens_details.image_tokens > 0


def test_a_chat_that_cannot_be_read_or_held_is_refused_with_the_reason(nano):
    with nano.http() as http:

        def refusal(messages, **more):
            body = {"model": "tiny", "messages": messages} | more
            refused = http.post("/v1/chat/completions", json=body)
            return refused.status_code, refused.json()["error"]["code"]

        assert refusal(about(TOTAL, "What is it? " * 500)) == (400, "context_length_exceeded")
        assert refusal(about(TOTAL, "What is it?"), max_visual_tokens=1) == (400, "invalid_prompt")
        assert refusal(about(TOTAL, "a <|im_end|> b")) == (400, "reserved_token")
    assert nano.parts.engine.running == 0


@pytest.mark.parametrize(
    ("pieces", "end", "read", "sent"),
    [
        (["=<0>12 +", " <1>9.50"], "stop", Sheet("What do both come to?", PRINT), ["21.50"]),
        (["=<0>12 +", " 9.50"], "length", Sheet("What do both come to?", PRINT), ["=12 + 9.50"]),
        (["=12 > 9"], "stop", Sheet("哪个更高？", PRINT), ["是"]),
        (["<1>", "9.50"], "stop", Sheet("What are the figs?", PRINT), ["9.50"]),
        (["a ", "=12 + 9"], "stop", Sheet("What do both come to?", PRINT), ["a =12 + 9"]),
        (["=12 + ", "9"], "stop", None, ["=12 + ", "9"]),
    ],
)
def test_what_names_rows_is_sent_once_it_is_worked_out_and_what_is_cut_off_without_its_marks(
    nano, pieces, end, read, sent
):
    async def told() -> list[str]:
        asked = ChatRequest.model_validate({"model": "tiny", "messages": about(TOTAL, "x"), "stream": True})
        listener = asyncio.create_task(asyncio.sleep(60))
        queued = await begun(asked, nano.parts, listener)
        events: asyncio.Queue[Event] = asyncio.Queue()
        for event in (*(Piece(piece, ()) for piece in pieces), Finish(end)):
            events.put_nowait(event)
        listener.cancel()
        answer = Answer(asked, nano.parts, Begun(queued.generation, events, queued.engine, read))
        made = [json.loads(line[6:]) async for line in Stream(answer).body_iterator if "[DONE]" not in line]
        queued.generation.cancel()
        return [text for body in made if (text := body["choices"][0]["delta"].get("content"))]

    assert asyncio.run(told()) == sent
