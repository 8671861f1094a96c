"""Ask about a page of a document, and find a phrase on it."""

import asyncio
import math
import re
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, Field

from texthawk.serve.asker import EngineAsker, ReadingCancelled, ReadingFailed
from texthawk.serve.chat import disconnected
from texthawk.serve.documents import job_of
from texthawk.serve.engine import EngineClosed
from texthawk.serve.errors import Refusal
from texthawk.serve.jobs import DPI, Job, picture_of
from texthawk.serve.parts import Parts, parts_of
from texthawk.types import Box, Page, PageError

ANSWER_TOKENS = 256
router = APIRouter(prefix="/v1/documents/{id}/pages/{index}")
Asked = Annotated[str, Field(min_length=1, max_length=2000)]


class Question(BaseModel):
    question: Asked


class Phrase(BaseModel):
    phrase: Asked


@router.post("/ask")
async def ask(id: str, index: int, asked: Question, request: Request) -> Response:
    """The model's answer to a question about the page as a picture, with its confidence."""
    parts = parts_of(request)
    job = job_of(id, parts)
    page_of(job, index)
    if "ask" not in parts.tasks:
        name = parts.settings.model_name
        raise Refusal(400, f"the model {name} has not learned to answer questions", code="not_learned")
    asker = EngineAsker(parts.reader, parts.engine, parts.prompts)
    gone = asyncio.create_task(disconnected(request))
    gone.add_done_callback(lambda _: asker.cancel())
    try:
        return JSONResponse(await run_in_threadpool(_answer, asker, job, index, asked.question, parts))
    except ReadingCancelled:
        return Response(status_code=499)
    finally:
        gone.cancel()


@router.post("/find")
async def find(id: str, index: int, asked: Phrase, request: Request) -> Response:
    """Boxes of a phrase among the words that were read, in pixels of the page, one for each line it runs over."""
    page = page_of(job_of(id, parts_of(request)), index)
    return JSONResponse({"boxes": [[round(side, 1) for side in box] for box in places_of(asked.phrase, page)]})


def page_of(job: Job, index: int) -> Page:
    if not 0 <= index < len(job.results):
        raise Refusal(404, f"there is no entry {index}; so far {len(job.results)} were read", code="no_page")
    page = job.results[index]
    if isinstance(page, PageError):
        raise Refusal(404, page.message, code="no_page")
    return page


def places_of(phrase: str, page: Page) -> list[Box]:
    """Where a phrase stands among the words of a page, whatever the case of its letters and the signs around them."""
    wanted = [plain for word in phrase.split() if (plain := _plain(word))]
    words = [(_plain(word.text), word.box, number) for number, line in enumerate(page.lines) for word in line.words]
    words = [entry for entry in words if entry[0]]
    found: list[Box] = []
    for start in range(len(words) - len(wanted) + 1) if wanted else ():
        run = words[start : start + len(wanted)]
        if [text for text, _, _ in run] == wanted:
            lines: dict[int, list[Box]] = {}
            for _, box, number in run:
                if box is not None:
                    lines.setdefault(number, []).append(box)
            found += [_around(boxes) for boxes in lines.values()]
    return found


def _plain(word: str) -> str:
    return re.sub(r"^\W+|\W+$", "", word.casefold())


def _around(boxes: list[Box]) -> Box:
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return Box(min(lefts), min(tops), max(rights), max(bottoms))


def _answer(asker: EngineAsker, job: Job, index: int, question: str, parts: Parts) -> dict[str, Any]:
    try:
        parts.prompts.check(question)
        picture = picture_of(job, job.places[index], parts.settings, DPI)
        if isinstance(picture, PageError):
            raise Refusal(404, picture.message, code="no_page")
        (answer,) = asker.ask([picture.image], question, [min(ANSWER_TOKENS, parts.settings.max_tokens)])
    except ValueError as error:
        raise Refusal(400, str(error), code="invalid_value", param="question") from error
    except EngineClosed:
        raise Refusal(503, "the server is shutting down", code="shutting_down", retry_after=10) from None
    except ReadingFailed as error:
        raise Refusal(500, str(error), code="generation_failed") from error
    text = parts.reader.processor.tokenizer.decode(answer.tokens, skip_special_tokens=True)
    confidence = math.exp(answer.likelihood) if answer.tokens else 0.0
    return {"text": text, "confidence": round(confidence, 4), "finish_reason": answer.finish_reason}
