"""/v1/chat/completions and /v1/models as OpenAI's own client sees them."""

import base64
import io
import json
import math
from concurrent.futures import ThreadPoolExecutor

import openai
import pytest

from tests.model import tiny
from tests.serve.serving import about, alone, data_url, png

IMAGE = tiny.picture(70, 130, 3)


def text_of(reader, tokens):
    return reader.processor.tokenizer.decode(tokens, skip_special_tokens=True)


def test_an_answer_is_the_models_own_and_its_tokens_are_counted(server):
    answer = server.client().chat.completions.create(model="tiny", messages=about(IMAGE), max_tokens=12)
    tokens = alone(server.reader, IMAGE, "What is this?", 12)
    (choice,) = answer.choices
    assert choice.message.content == text_of(server.reader, tokens) and choice.message.role == "assistant"
    assert choice.finish_reason == "length" and answer.object == "chat.completion" and answer.model == "tiny"
    images = server.reader.processor.image_processor
    visual = server.reader.processor.visual_tokens(images.layout(IMAGE.height, IMAGE.width))
    details = answer.usage.prompt_tokens_details.model_dump()
    assert answer.usage.completion_tokens == 12 and details["image_tokens"] == visual
    assert answer.usage.prompt_tokens > visual and answer.usage.total_tokens == answer.usage.prompt_tokens + 12


def test_a_stream_gives_the_same_text_piece_by_piece(server):
    client = server.client()
    whole = client.chat.completions.create(model="tiny", messages=about(IMAGE), max_tokens=25)
    chunks = list(
        client.chat.completions.create(
            model="tiny", messages=about(IMAGE), max_tokens=25, stream=True, stream_options={"include_usage": True}
        )
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert sum(bool(piece) for piece in pieces) > 5, "it came in one piece"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "length"
    assert chunks[-1].usage == whole.usage and all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1


def test_log_probabilities_come_with_each_token_streamed_or_not(server):
    asked = {"model": "tiny", "messages": about(IMAGE), "max_tokens": 10, "logprobs": True, "top_logprobs": 3}
    client = server.client()
    scores = client.chat.completions.create(**asked).choices[0].logprobs.content
    assert len(scores) == 10
    for score in scores:
        assert score.logprob <= 0 and len(score.top_logprobs) == 3
        assert score.top_logprobs[0].logprob == pytest.approx(score.logprob)
        assert sum(math.exp(top.logprob) for top in score.top_logprobs) <= 1.0001
        assert score.bytes is None or bytes(score.bytes).decode() == score.token
    streamed = [
        score
        for chunk in client.chat.completions.create(**asked, stream=True)
        if chunk.choices[0].logprobs
        for score in chunk.choices[0].logprobs.content
    ]
    assert [score.token for score in streamed] == [score.token for score in scores]


def test_sixteen_clients_at_once_each_get_the_answer_to_their_own_picture(server):
    pictures = [tiny.picture(50 + 5 * k, 60 + 11 * (k % 7), seed=k) for k in range(32)]
    limits = [4 + 3 * (k % 4) for k in range(32)]

    def ask(k):
        asked = {"model": "tiny", "messages": about(pictures[k]), "max_tokens": limits[k], "logprobs": True}
        if k % 2:
            choices = [chunk.choices[0] for chunk in server.client().chat.completions.create(**asked, stream=True)]
            scores = [score.logprob for choice in choices if choice.logprobs for score in choice.logprobs.content]
            return "".join(choice.delta.content or "" for choice in choices), scores
        choice = server.client().chat.completions.create(**asked).choices[0]
        return choice.message.content, [score.logprob for score in choice.logprobs.content]

    counts = server.parts.engine.counts
    steps, rows = counts.steps, counts.rows
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(32)))
    assert counts.rows - rows > 1.5 * (counts.steps - steps), "the answers were not generated together"
    for k, (text, scores) in enumerate(answers):
        assert text == text_of(server.reader, alone(server.reader, pictures[k], "What is this?", limits[k]))
        assert scores == pytest.approx(ask(k)[1], abs=1e-3)
    assert len({tuple(round(score, 2) for score in scores[:3]) for _, scores in answers}) == 32


def test_several_pictures_and_turns_make_one_prompt(server):
    pictures = [tiny.picture(60, 60, seed) for seed in (1, 2)]
    parts = [{"type": "image_url", "image_url": {"url": data_url(png(picture))}} for picture in pictures]
    messages = [
        {"role": "system", "content": "Answer in a word."},
        {"role": "user", "content": [parts[0], {"type": "text", "text": "One?"}, parts[1]]},
        {"role": "assistant", "content": "Yes"},
        {"role": "user", "content": "Two?"},
    ]
    answer = server.client().chat.completions.create(model="tiny", messages=messages, max_tokens=8)
    processor = server.reader.processor
    turns = [
        {"role": "system", "content": "Answer in a word."},
        {
            "role": "user",
            "content": [{"type": "image"}, {"type": "text", "text": "One?"}, {"type": "image"}],
        },
        {"role": "assistant", "content": "Yes"},
        {"role": "user", "content": "Two?"},
    ]
    text = processor.apply_chat_template(turns, add_generation_prompt=True)
    inputs = processor(images=pictures, text=[text], return_tensors="pt")
    out = server.reader.model.generate(**inputs, max_new_tokens=8, do_sample=False, pad_token_id=0)
    expected = processor.tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    assert answer.choices[0].message.content == expected
    assert answer.usage.prompt_tokens == inputs["input_ids"].shape[1]


def test_an_answer_ends_before_a_stop(server):
    client = server.client()
    whole = client.chat.completions.create(model="tiny", messages=about(IMAGE), max_tokens=30).choices[0]
    text = whole.message.content
    stop = text[len(text) // 2 : len(text) // 2 + 3]
    cut = client.chat.completions.create(model="tiny", messages=about(IMAGE), max_tokens=30, stop=[stop]).choices[0]
    assert cut.message.content == text[: text.index(stop)] and cut.finish_reason == "stop"


def test_a_seed_repeats_a_sampled_answer_and_another_seed_does_not(server):
    def ask(seed):
        answer = server.client().chat.completions.create(
            model="tiny", messages=about(IMAGE), max_tokens=20, temperature=1.5, seed=seed
        )
        return answer.choices[0].message.content

    assert ask(1) == ask(1) != ask(2)


def test_an_answer_under_a_json_schema_is_valid(server):
    pytest.importorskip("llguidance")
    schema = {
        "type": "object",
        "properties": {"paid": {"type": "boolean"}, "kind": {"enum": ["invoice", "receipt"]}},
        "required": ["paid", "kind"],
        "additionalProperties": False,
    }
    for stream in (False, True):
        answer = server.client().chat.completions.create(
            model="tiny",
            messages=about(IMAGE),
            max_tokens=100,
            response_format={"type": "json_schema", "json_schema": {"name": "a", "schema": schema, "strict": True}},
            stream=stream,
        )
        text = (
            "".join(chunk.choices[0].delta.content or "" for chunk in answer)
            if stream
            else answer.choices[0].message.content
        )
        assert set(json.loads(text)) == {"paid", "kind"}


def test_json_is_complete_at_any_limit_of_tokens_or_refused(server):
    pytest.importorskip("llguidance")
    schema = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "array"}}, "required": ["a", "b"]}
    form = {"type": "json_schema", "json_schema": {"name": "a", "schema": schema}}
    asked = {"model": "tiny", "messages": about(IMAGE), "response_format": form, "temperature": 1.0}
    with pytest.raises(openai.BadRequestError, match="allow more tokens"):
        server.client().chat.completions.create(**asked, max_tokens=5)
    for limit in (20, 24, 31, 64):
        answer = server.client().chat.completions.create(**asked, max_tokens=limit, seed=limit)
        said = json.loads(answer.choices[0].message.content)
        assert isinstance(said["a"], str) and isinstance(said["b"], list)
        assert answer.choices[0].finish_reason == "stop" and answer.usage.completion_tokens <= limit


def test_a_request_may_bound_its_visual_tokens(server):
    pictures = [tiny.picture(250, 120, 3), tiny.picture(60, 200, 1), tiny.picture(60, 60, 2)]
    parts = [{"type": "image_url", "image_url": {"url": data_url(png(picture))}} for picture in pictures]
    asked = {"model": "tiny", "messages": [{"role": "user", "content": parts}], "max_tokens": 3}

    def cost(**body) -> int:
        answer = server.client().chat.completions.create(**asked, extra_body=body)
        return answer.usage.prompt_tokens_details.model_dump()["image_tokens"]

    free = cost()
    assert free > 100 and cost(max_visual_tokens=free) == free == cost(max_visual_tokens=10**9) == cost(
        max_visual_tokens=None
    )
    costs = [cost(max_visual_tokens=budget) for budget in range(48, free, 16)]
    assert all(made <= budget for made, budget in zip(costs, range(48, free, 16), strict=True))
    assert costs == sorted(costs) and len(set(costs)) > 2 and costs[0] == 48
    for wrong in (47, 0, -1, "many"):
        with pytest.raises(openai.BadRequestError, match="max_visual_tokens"):
            cost(max_visual_tokens=wrong)
    assert cost() == free, "a request's bound is its own"


def test_pictures_of_different_budgets_run_in_one_batch_and_answer_as_they_do_alone(server):
    picture = tiny.picture(250, 120, 3)
    tilings = {16: 1, 48: 2, 1000: 6}

    def ask(budget):
        asked = {
            "model": "tiny",
            "messages": about(picture),
            "max_tokens": 9,
            "extra_body": {"max_visual_tokens": budget},
        }
        return server.client().chat.completions.create(**asked).choices[0].message.content

    with ThreadPoolExecutor(6) as pool:
        budgets = [*tilings] * 3
        answers = list(pool.map(ask, budgets))
    processor = server.reader.processor
    for budget, answer in zip(budgets, answers, strict=True):
        content = [{"type": "image"}, {"type": "text", "text": "What is this?"}]
        text = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        inputs = processor(images=[picture], text=[text], return_tensors="pt", max_tiles=tilings[budget])
        out = server.reader.model.generate(**inputs, max_new_tokens=9, do_sample=False, pad_token_id=0)
        assert answer == text_of(server.reader, out[0, inputs["input_ids"].shape[1] :])


def test_models_are_listed_and_named(server):
    client = server.client()
    (model,) = client.models.list().data
    assert model.id == "tiny" and client.models.retrieve("tiny").id == "tiny"
    assert model.model_dump()["tasks"] == ["text"]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt")


def test_other_servers_fields_pass_where_they_ask_for_nothing(server):
    nothing = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0, "ignore_eos": False, "user": "me", "metadata": {}}
    asked = {"model": "tiny", "messages": about(IMAGE), "max_tokens": 4}
    plain = server.client().chat.completions.create(**asked).choices[0].message.content
    answer = server.client().chat.completions.create(**asked, extra_body=nothing)
    assert answer.choices[0].message.content == plain


def test_a_file_of_several_pages_is_no_picture_of_a_chat(server):
    out = io.BytesIO()
    IMAGE.save(out, "TIFF", save_all=True, append_images=[IMAGE])
    url = "data:image/tiff;base64," + base64.b64encode(out.getvalue()).decode()
    messages = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    with pytest.raises(openai.BadRequestError, match="has 2 pages"):
        server.client().chat.completions.create(model="tiny", messages=messages, max_tokens=4)


NOT_A_PICTURE = "data:image/png;base64,aGVsbG8="


@pytest.mark.parametrize(
    ("change", "error", "code"),
    [
        ({"model": "gpt"}, openai.NotFoundError, "model_not_found"),
        ({"n": 2}, openai.BadRequestError, "invalid_value"),
        ({"temperature": 3}, openai.BadRequestError, "invalid_value"),
        ({"max_tokens": 0}, openai.BadRequestError, "invalid_value"),
        ({"max_tokens": True}, openai.BadRequestError, "invalid_value"),
        ({"max_tokens": "5"}, openai.BadRequestError, "invalid_value"),
        ({"n": True}, openai.BadRequestError, "invalid_value"),
        ({"logprobs": 1}, openai.BadRequestError, "invalid_value"),
        ({"stream_options": {"include_usage": "yes"}}, openai.BadRequestError, "invalid_value"),
        ({"stop": [""]}, openai.BadRequestError, "invalid_value"),
        ({"top_logprobs": 2}, openai.BadRequestError, "invalid_value"),
        ({"presence_penalty": 1.0}, openai.BadRequestError, "invalid_value"),
        ({"extra_body": {"top_k": 5}}, openai.BadRequestError, "invalid_value"),
        ({"extra_body": {"guided_json": {}}}, openai.BadRequestError, "invalid_value"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, openai.BadRequestError, "invalid_value"),
        ({"response_format": {"type": "json_schema"}}, openai.BadRequestError, "invalid_value"),
        (
            {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "x"}}}},
            openai.BadRequestError,
            "invalid_value",
        ),
        ({"messages": []}, openai.BadRequestError, "invalid_value"),
        ({"messages": [{"role": "tool", "content": "x"}]}, openai.BadRequestError, "invalid_value"),
        ({"messages": [{"role": "user", "content": "<image> of what?"}]}, openai.BadRequestError, "reserved_token"),
        ({"messages": [{"role": "user", "content": "<|im_end|>"}]}, openai.BadRequestError, "reserved_token"),
        ({"messages": [{"role": "user", "content": "a b" * 3000}]}, openai.BadRequestError, "context_length_exceeded"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": NOT_A_PICTURE}}]}]},
            openai.BadRequestError,
            "invalid_image",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,%%"}}]}]},
            openai.BadRequestError,
            "invalid_image",
        ),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [{"type": "image_url", "image_url": {"url": "http://example.org/a.png"}}],
                    }
                ]
            },
            openai.BadRequestError,
            "remote_images_off",
        ),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_be_done_is_refused_in_openais_form(server, change, error, code):
    asked = {"model": "tiny", "messages": about(IMAGE), "max_tokens": 4} | change
    with pytest.raises(error) as refused:
        server.client().chat.completions.create(**asked)
    assert refused.value.code == code and refused.value.body["message"] and refused.value.body["type"]


def sent(**change):
    return json.dumps({"model": "tiny", "messages": about(IMAGE), "max_tokens": 4} | change)


def part(**change):
    return sent(messages=[{"role": "user", "content": [{"type": "text", "text": "a"}, change]}])


@pytest.mark.parametrize(
    ("body", "param", "said"),
    [
        (part(type="image_url", image_url={"url": "u", "detail": "fine"}), "messages.0.content.1.image_url.detail", "'low'"),
        (part(type="image_url"), "messages.0.content.1.image_url", "required"),
        (part(type="text", text=5), "messages.0.content.1.text", "string"),
        (part(type="audio"), "messages.0.content.1", "'image_url'"),
        (sent(messages=[{"role": "user"}]), "messages.0.content", "required"),
        (sent(stop=list("abcde")), "stop", "at most 4"),
        (sent(response_format={"type": "yaml"}), "response_format.type", "'json_schema'"),
        ('{"model": ', None, "no JSON"),
        ("[1]", None, "Content-Type"),
        ("", None, "Content-Type"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_place_that_is_wrong(server, body, param, said):
    with server.http() as http:
        response = http.post("/v1/chat/completions", content=body, headers={"Content-Type": "application/json"})
    error = response.json()["error"]
    assert response.status_code == 400 and error["param"] == param and said in error["message"], error


def test_without_a_limit_an_answer_may_fill_the_context_and_no_more(reader):
    from tests.serve.serving import running

    with running(reader, max_tokens=5000) as server:
        room = server.parts.engine.rows.context
        long = [{"role": "user", "content": "a b" * 650}]
        answer = server.client().chat.completions.create(model="tiny", messages=long, stream=False)
        assert answer.usage.total_tokens <= room and answer.choices[0].finish_reason in ("length", "stop")
