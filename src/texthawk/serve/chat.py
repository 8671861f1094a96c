"""/v1/chat/completions: a conversation with pictures, answered whole or as it comes."""

import json
import secrets
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from texthawk.decode.asked import Sheet
from texthawk.serve.admission import RETRY_SECONDS, Begun, begun
from texthawk.serve.chat_request import ChatRequest
from texthawk.serve.errors import Refusal, error_body
from texthawk.serve.generation import Event, Failure, Finish, Piece
from texthawk.serve.listening import listening, unless
from texthawk.serve.parts import Parts, parts_of
from texthawk.serve.sampling import Token

LEAST_SCORE = -9999.0  # stands for a log-probability of minus infinity, which JSON cannot tell
router = APIRouter()


class Answer:
    """An answer on its way: its events, and the fields that every chunk of it repeats."""

    def __init__(self, asked: ChatRequest, parts: Parts, begun: Begun) -> None:
        self.asked, self.parts, self.begun = asked, parts, begun
        self.generation, self.events = begun.generation, begun.events
        self.id, self.created = f"chatcmpl-{secrets.token_hex(12)}", int(time.time())

    def body(self, kind: str, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        model = self.parts.settings.model_name
        return {"id": self.id, "object": kind, "created": self.created, "model": model, "choices": choices, **more}

    @property
    def sheet(self) -> Sheet | None:
        """What the model was shown of what was read, whose rows its answer names, unless a form was asked for."""
        return self.begun.read if self.asked.response_format is None else None

    def told(self, text: str, end: Event) -> str:
        """What the model wrote, or what it says with its rows and its formula."""
        if self.sheet is None:
            return text
        return self.sheet.told(text, whole=isinstance(end, Finish) and end.reason == "stop").text

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
        text = self.begun.engine.text_of([id])
        score = max(value, LEAST_SCORE)
        # A token may be part of a character only; which bytes those are is the tokenizer's own affair.
        return {"token": text, "logprob": score, "bytes": None if "\ufffd" in text else list(text.encode())}


@router.post("/v1/chat/completions")
async def chat_completions(asked: ChatRequest, request: Request) -> Response:
    parts = parts_of(request)
    async with listening(request) as gone:
        queued = await begun(asked, parts, gone)
        answer = Answer(asked, parts, queued)
        if asked.stream:
            return Stream(answer)
        try:
            return await unless(gone, _whole(answer))
        finally:
            _give_up(answer)


class Stream(StreamingResponse):
    """An answer as it comes; it is given up with its client, even one that goes before its first word."""

    def __init__(self, answer: Answer) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(_chunks(answer), media_type="text/event-stream", headers=headers)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            _give_up(self._answer)


def _give_up(answer: Answer) -> None:
    """Nothing to an answer that is complete; the end of one that is not."""
    answer.generation.cancel()
    answer.begun.engine.wake()


async def _whole(answer: Answer) -> Response:
    text: list[str] = []
    tokens: list[Token] = []
    while isinstance(event := await answer.events.get(), Piece):
        text.append(event.text)
        tokens += event.tokens
    if isinstance(event, Failure):
        if answer.parts.draining:
            return Refusal(503, event.message, code="shutting_down", retry_after=RETRY_SECONDS).response()
        return Refusal(500, event.message, code="generation_failed").response()
    message = {"role": "assistant", "content": answer.told("".join(text), event), "refusal": None}
    scores = answer.scores(tuple(tokens))
    choice = {"index": 0, "message": message, "logprobs": scores, "finish_reason": event.reason}
    return JSONResponse(answer.body("chat.completion", [choice], usage=answer.usage()))


async def _chunks(answer: Answer) -> AsyncIterator[str]:
    counted = answer.asked.stream_options is not None and answer.asked.stream_options.include_usage
    empty = {"usage": None} if counted else {}

    def chunk(delta: dict[str, Any], tokens: tuple[Token, ...] = (), reason: str | None = None) -> str:
        scores = answer.scores(tokens) if tokens else None
        choice = {"index": 0, "delta": delta, "logprobs": scores, "finish_reason": reason}
        return _line(answer.body("chat.completion.chunk", [choice], **empty))

    yield chunk({"role": "assistant", "content": ""})
    held = list[Piece]()
    while isinstance(event := await answer.events.get(), Piece):
        if answer.sheet is not None:
            held.append(event)  # what it comes to is known at its end
        else:
            yield chunk({"content": event.text}, event.tokens)
    if held:
        text = answer.told("".join(piece.text for piece in held), event)
        yield chunk({"content": text}, tuple(token for piece in held for token in piece.tokens))
    if isinstance(event, Finish):
        yield chunk({}, reason=event.reason)
        if counted:
            yield _line(answer.body("chat.completion.chunk", [], usage=answer.usage()))
    else:
        yield _line(error_body(500, event.message, "generation_failed"))
    yield "data: [DONE]\n\n"


def _line(body: dict[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
