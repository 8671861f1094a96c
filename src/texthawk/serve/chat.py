"""/v1/chat/completions: a conversation with pictures, answered whole or as it comes."""

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response, StreamingResponse
from PIL import Image

from texthawk.decode.guard import LoopGuard
from texthawk.serve.chat_request import ChatRequest, ImagePart, Message
from texthawk.serve.engine import EngineClosed, QueueFull
from texthawk.serve.errors import Refusal, error_body, too_busy
from texthawk.serve.forward import Prompt
from texthawk.serve.generation import Event, Failure, Finish, Generation, Piece
from texthawk.serve.images import image_of
from texthawk.serve.parts import Parts, parts_of
from texthawk.serve.sampling import Sampling, Token

RETRY_SECONDS = 2
router = APIRouter()


class _Answer:
    """An answer on its way: its events, and the fields that every chunk of it repeats."""

    def __init__(self, asked: ChatRequest, parts: Parts, generation: Generation, events: asyncio.Queue[Event]) -> None:
        self.asked, self.parts, self.generation, self.events = asked, parts, generation, events
        self.id, self.created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())

    def body(self, kind: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        model = self.parts.settings.model_name
        return {"id": self.id, "object": kind, "created": self.created, "model": model, "choices": choices, **more}

    def usage(self) -> dict[str, Any]:
        prompt, completion = len(self.generation.prompt.ids), self.generation.tokens
        return {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
            "prompt_tokens_details": {"cached_tokens": 0, "image_tokens": self.generation.prompt.image_tokens},
        }

    def scores(self, tokens: tuple[Token, ...]) -> dict[str, Any] | None:
        """Log-probabilities of tokens, if they were asked for."""
        if not self.asked.logprobs:
            return None
        return {"content": [self._score(token) for token in tokens], "refusal": None}

    def _score(self, token: Token) -> dict[str, Any]:
        return self._named(token.id, token.log_probability) | {
            "top_logprobs": [self._named(id, value) for id, value in token.top]
        }

    def _named(self, id: int, value: float) -> dict[str, Any]:
        text = self.parts.engine.text_of(id)
        # A token may be part of a character only; which bytes those are is the tokenizer's own affair.
        return {"token": text, "logprob": value, "bytes": None if "\ufffd" in text else list(text.encode())}


@router.post("/v1/chat/completions")
async def chat_completions(asked: ChatRequest, request: Request) -> Response:
    parts = parts_of(request)
    prompt = await run_in_threadpool(_prompt, asked, parts)
    answer = await run_in_threadpool(_submitted, asked, prompt, parts, asyncio.get_running_loop())
    if asked.stream:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        return StreamingResponse(_chunks(answer), media_type="text/event-stream", headers=headers)
    gone = asyncio.create_task(disconnected(request))
    whole = asyncio.create_task(_whole(answer))
    try:
        await asyncio.wait((gone, whole), return_when=asyncio.FIRST_COMPLETED)
        # The client of a cancelled answer hears nothing; the log does.
        return whole.result() if whole.done() else Response(status_code=499)
    finally:
        _give_up(answer)
        gone.cancel()
        whole.cancel()


def _prompt(asked: ChatRequest, parts: Parts) -> Prompt:
    """Decode the pictures and set the conversation; raises Refusal."""
    if asked.model != parts.settings.model_name:
        raise Refusal(
            404,
            f"the model {asked.model!r} is not here; there is {parts.settings.model_name}",
            code="model_not_found",
            param="model",
        )
    pictures = sum(isinstance(part, ImagePart) for message in asked.messages for part in _parts_of(message))
    if pictures > parts.settings.max_images:
        raise Refusal(
            413, f"{pictures} pictures are more than the limit of {parts.settings.max_images}", code="too_many_images"
        )
    images: list[Image.Image] = []
    messages = []
    for number, message in enumerate(asked.messages):
        content: list[dict[str, str]] = []
        for place, part in enumerate(_parts_of(message)):
            param = f"messages.{number}.content.{place}"
            if isinstance(part, ImagePart):
                images.append(image_of(part.image_url.url, parts.settings, param))
                content.append({"type": "image"})
                continue
            try:
                parts.prompts.check(part.text)
            except ValueError as error:
                raise Refusal(400, str(error), code="reserved_token", param=param) from error
            content.append({"type": "text", "text": part.text})
        messages.append({"role": "system" if message.role == "developer" else message.role, "content": content})
    try:
        return parts.prompts.chat(messages, images, asked.max_visual_tokens)
    except ValueError as error:
        raise Refusal(400, str(error), code="invalid_prompt", param="messages") from error


def _parts_of(message: Message) -> list[Any]:
    from texthawk.serve.chat_request import TextPart

    return [TextPart(type="text", text=message.content)] if isinstance(message.content, str) else message.content


def _submitted(asked: ChatRequest, prompt: Prompt, parts: Parts, loop: asyncio.AbstractEventLoop) -> _Answer:
    """Hand the request to the engine; raises Refusal."""
    engine = parts.engine
    wanted = asked.max_completion_tokens or asked.max_tokens
    room = min(engine.rows.context, engine.cache_tokens) - len(prompt.ids)
    limit = min(wanted or parts.settings.max_tokens, parts.settings.max_tokens, room if wanted is None else wanted)
    try:
        engine.check(len(prompt.ids), max(1, limit))
    except ValueError as error:
        raise Refusal(400, str(error), code="context_length_exceeded", param="messages") from error
    schema = None if asked.response_format is None else asked.response_format.schema_of_answer
    try:
        constraint = None if schema is None else parts.schemas.of_schema(schema, limit)
        sampling = Sampling(
            limit,
            temperature=asked.temperature or 0.0,
            top_p=1.0 if asked.top_p is None else asked.top_p,
            seed=asked.seed,
            stop=asked.stops,
            top_scores=asked.top_logprobs or 0,
        )
    except ValueError as error:
        raise Refusal(400, str(error), code="invalid_value") from error
    events: asyncio.Queue[Event] = asyncio.Queue()

    def deliver(event: Event) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(events.put_nowait, event)

    guard = LoopGuard(engine.text_of) if parts.settings.loop_guard and constraint is None else None
    wording = engine.wording(sampling.stop)
    generation = Generation(prompt, sampling, wording, deliver, constraint=constraint, guard=guard)
    try:
        engine.submit(generation)
    except QueueFull:
        raise too_busy(f"{engine.waiting} requests wait already", RETRY_SECONDS) from None
    except EngineClosed:
        raise Refusal(503, "the server is shutting down", code="shutting_down", retry_after=RETRY_SECONDS) from None
    return _Answer(asked, parts, generation, events)


def _give_up(answer: _Answer) -> None:
    """Nothing to an answer that is complete; the end of one that is not."""
    answer.generation.cancel()
    answer.parts.engine.wake()


async def disconnected(request: Request) -> None:
    """Returns when the client has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _whole(answer: _Answer) -> Response:
    text: list[str] = []
    tokens: list[Token] = []
    while isinstance(event := await answer.events.get(), Piece):
        text.append(event.text)
        tokens += event.tokens
    if isinstance(event, Failure):
        if answer.parts.draining:
            return Refusal(503, event.message, code="shutting_down", retry_after=RETRY_SECONDS).response()
        return Refusal(500, event.message, code="generation_failed").response()
    message = {"role": "assistant", "content": "".join(text), "refusal": None}
    scores = answer.scores(tuple(tokens))
    choice = {"index": 0, "message": message, "logprobs": scores, "finish_reason": event.reason}
    return JSONResponse(answer.body("chat.completion", [choice], usage=answer.usage()))


async def _chunks(answer: _Answer) -> AsyncIterator[str]:
    counted = answer.asked.stream_options is not None and answer.asked.stream_options.include_usage
    empty = {"usage": None} if counted else {}

    def chunk(delta: dict[str, Any], tokens: tuple[Token, ...] = (), reason: str | None = None) -> str:
        scores = answer.scores(tokens) if tokens else None
        choice = {"index": 0, "delta": delta, "logprobs": scores, "finish_reason": reason}
        return _line(answer.body("chat.completion.chunk", [choice], **empty))

    try:
        yield chunk({"role": "assistant", "content": ""})
        while isinstance(event := await answer.events.get(), Piece):
            yield chunk({"content": event.text}, event.tokens)
        if isinstance(event, Finish):
            yield chunk({}, reason=event.reason)
            if counted:
                yield _line(answer.body("chat.completion.chunk", [], usage=answer.usage()))
        else:
            yield _line(error_body(500, event.message, "generation_failed"))
        yield "data: [DONE]\n\n"
    finally:
        _give_up(answer)


def _line(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
