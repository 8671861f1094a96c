"""A chat request becomes a generation in the engine: its place in the queue, its pictures, its prompt.

The place comes first: nothing is fetched, decoded or counted for a request that there is no room for, and what is
prepared at a time has a bound of its own, because a picture needs far more memory than the request that brings it.
"""

import asyncio
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool
from PIL import Image

from texthawk.decode.asked import Sheet
from texthawk.decode.guard import LoopGuard
from texthawk.serve.asker import ReadingCancelled, ReadingFailed
from texthawk.serve.chat_request import ChatRequest, ImagePart, Message, TextPart
from texthawk.serve.engine import Engine, EngineClosed, Place, QueueFull
from texthawk.serve.errors import Refusal, too_busy
from texthawk.serve.forward import Prompt
from texthawk.serve.generation import Event, Generation
from texthawk.serve.images import content_of, is_remote, picture_of_content
from texthawk.serve.listening import Gone, turn
from texthawk.serve.parts import Parts
from texthawk.serve.reading_first import ReadFirst, read_first
from texthawk.serve.sampling import Sampling

RETRY_SECONDS = 2


@dataclass(frozen=True)
class Begun:
    """A generation that the engine has, and what it says.

    engine: who has it. read: the question that is answered from what was read, with that, whose answer names rows and may be a
    formula; None where a picture is looked at.
    """

    generation: Generation
    events: asyncio.Queue[Event]
    engine: Engine
    read: Sheet | None = None


async def begun(asked: ChatRequest, parts: Parts, gone: "asyncio.Task[None]") -> Begun:
    """Queue the request; raises Refusal, and Gone where the client goes before anything of it was prepared."""
    _check_asked(asked, parts)
    loop = asyncio.get_running_loop()
    try:
        reading = read_first(asked, parts, gone)
        engine = parts.engine if reading is None else parts.answering
        with engine.place() as place:
            fetched: dict[str, bytes] = {}
            for param, url in _remote_pictures(asked):
                async with turn(parts.fetching, gone):
                    fetched[url] = await run_in_threadpool(content_of, url, parts.settings, param)
            async with turn(parts.preparing if reading is None else parts.consulting, gone):
                return await run_in_threadpool(_submitted, asked, fetched, parts, engine, loop, place, reading)
    except QueueFull:
        raise too_busy(f"{engine.waiting} requests wait already", RETRY_SECONDS) from None
    except EngineClosed:
        raise Refusal(503, "the server is shutting down", code="shutting_down", retry_after=RETRY_SECONDS) from None
    except ReadingCancelled:
        raise Gone from None
    except ReadingFailed as error:
        raise Refusal(500, str(error), code="generation_failed") from error


def _check_asked(asked: ChatRequest, parts: Parts) -> None:
    """What can be told without a picture."""
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


def _remote_pictures(asked: ChatRequest) -> list[tuple[str, str]]:
    """Where in the request an address stands, and the address."""
    return [
        (f"messages.{number}.content.{place}", part.image_url.url)
        for number, message in enumerate(asked.messages)
        for place, part in enumerate(_parts_of(message))
        if isinstance(part, ImagePart) and is_remote(part.image_url.url)
    ]


def _submitted(
    asked: ChatRequest,
    fetched: dict[str, bytes],
    parts: Parts,
    engine: Engine,
    loop: asyncio.AbstractEventLoop,
    place: Place,
    reading: ReadFirst | None,
) -> Begun:
    """Make the prompt and hand it to the engine; raises Refusal. Blocks."""
    prompt, read = _prompt(asked, fetched, parts, reading)
    generation, events = _generation(asked, prompt, parts, engine, loop)
    engine.submit(generation, place)
    return Begun(generation, events, engine, read)


def _prompt(
    asked: ChatRequest, fetched: dict[str, bytes], parts: Parts, reading: ReadFirst | None
) -> tuple[Prompt, Sheet | None]:
    """Decode the pictures and set the conversation, or what was read in its place; raises Refusal."""
    images: list[Image.Image] = []
    messages = []
    pixels = 0
    for number, message in enumerate(asked.messages):
        content: list[dict[str, str]] = []
        for place, part in enumerate(_parts_of(message)):
            param = f"messages.{number}.content.{place}"
            if isinstance(part, ImagePart):
                url = part.image_url.url
                encoded = fetched[url] if url in fetched else content_of(url, parts.settings, param)
                images.append(picture_of_content(encoded, parts.settings, param, before=pixels))
                pixels += images[-1].width * images[-1].height
                content.append({"type": "image"})
                continue
            try:
                parts.prompts.check(part.text)
            except ValueError as error:
                raise Refusal(400, str(error), code="reserved_token", param=param) from error
            content.append({"type": "text", "text": part.text})
        messages.append({"role": "system" if message.role == "developer" else message.role, "content": content})
    try:
        if reading is not None:
            return reading.prompt(images, parts, asked.max_visual_tokens)
        return parts.prompts.chat(messages, images, asked.max_visual_tokens), None
    except ValueError as error:
        raise Refusal(400, str(error), code="invalid_prompt", param="messages") from error


def _parts_of(message: Message) -> list[Any]:
    return [TextPart(type="text", text=message.content)] if isinstance(message.content, str) else message.content


def _generation(
    asked: ChatRequest, prompt: Prompt, parts: Parts, engine: Engine, loop: asyncio.AbstractEventLoop
) -> tuple[Generation, asyncio.Queue[Event]]:
    """The request as the engine takes it, and the queue of what it will say; raises Refusal."""
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
    return Generation(prompt, sampling, wording, deliver, constraint=constraint, guard=guard), events
