"""Ask about a page of a document, and find a phrase on it."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from PIL import Image
from pydantic import BaseModel, Field

from texthawk.decode.asked import ANSWER_TOKENS, Said, answers_from_text, can_answer, form_of, said
from texthawk.decode.documents.answer import DocumentAnswer
from texthawk.decode.documents.finding import Place, places
from texthawk.decode.documents.text_answers import text_answers
from texthawk.decode.reader import Reader
from texthawk.serve.asker import ReadingCancelled, ReadingFailed
from texthawk.serve.documents import job_of
from texthawk.serve.engine import EngineClosed
from texthawk.serve.errors import Refusal, too_busy
from texthawk.serve.jobs import DPI, Job, picture_of
from texthawk.serve.listening import Gone, listening, turn
from texthawk.serve.parts import CONSULTING, Parts, parts_of
from texthawk.types import Box, Page, PageError

RETRY_SECONDS = 2
router = APIRouter(prefix="/v1/documents/{id}/pages/{index}")
Asked = Annotated[str, Field(min_length=1, max_length=2000)]


class Question(BaseModel):
    """choices, schema: the answer is one of these texts, or JSON that keeps this schema."""

    question: Asked
    choices: Annotated[list[str], Field(max_length=1000)] | None = None
    schema_: dict[str, Any] | None = Field(alias="schema", default=None)


class Phrase(BaseModel):
    phrase: Annotated[str, Field(min_length=1, max_length=500)]


@router.post("/ask")
async def ask(id: str, index: int, asked: Question, request: Request) -> Response:
    """The model's answer to a question about the page, with its confidence.

    A model that answers from what was read also tells in `boxes` where its answer stands, and has none (null) where nothing
    was read.
    """
    parts = parts_of(request)
    job = job_of(id, parts)
    page = page_of(job, index)
    if not can_answer(parts.reader):
        name = parts.settings.model_name
        raise Refusal(400, f"the model {name} has not learned to answer questions", code="not_learned")

    def answer(reader: Reader) -> dict[str, Any]:
        form = form_of(asked.choices, asked.schema_)
        limit = min(ANSWER_TOKENS, parts.settings.max_tokens)
        boxes: list[Box] = []
        made: Said | DocumentAnswer
        if answers_from_text(reader):
            (made,) = text_answers([page], [asked.question], reader, form=form, limit=limit)
            boxes = [box for one in made.evidence if one.quoted for box in one.words]
        else:
            (made,) = said(reader, _picture(job, index, parts), [asked.question], form, limit)
        value = {} if form is None else {"value": made.value}
        confidence = round(made.confidence, 4)
        told = {"text": made.text, "confidence": confidence, "finish_reason": made.finish_reason}
        return told | {"boxes": [_sides(box) for box in boxes]} | value

    return await _consulted(answer, request, "question")


@router.post("/find")
async def find(id: str, index: int, asked: Phrase, request: Request) -> Response:
    """The places of a phrase, in pixels of the page, nearest first; `boxes` has one for each line that they run over."""
    parts = parts_of(request)
    job = job_of(id, parts)
    page = page_of(job, index)

    def answer(reader: Reader) -> dict[str, Any]:
        (found,) = places([page], [asked.phrase], lambda _: _picture(job, index, parts), lambda: reader)
        boxes = [_sides(box) for place in found for box in place.lines]
        return {"boxes": boxes, "places": [_record(place) for place in found]}

    return await _consulted(answer, request, "phrase")


def page_of(job: Job, index: int) -> Page:
    if not 0 <= index < len(job.results):
        raise Refusal(404, f"there is no entry {index}; so far {len(job.results)} were read", code="no_page")
    page = job.results[index]
    if isinstance(page, PageError):
        raise Refusal(404, page.message, code="no_page")
    return page


async def _consulted(answer: Callable[[Reader], dict[str, Any]], request: Request, param: str) -> Response:
    """Run something that may ask the model, in a thread, until it is done or nobody listens any more."""
    parts = parts_of(request)
    if parts.consultations >= CONSULTING + parts.settings.queue:
        raise too_busy("too many questions wait already", RETRY_SECONDS)
    parts.consultations += 1
    try:
        async with listening(request) as gone, turn(parts.consulting, gone):
            return JSONResponse(await run_in_threadpool(answer, parts.consulted(gone)))
    except ReadingCancelled:
        raise Gone from None
    except ValueError as error:
        raise Refusal(400, str(error), code="invalid_value", param=param) from error
    except EngineClosed:
        raise Refusal(503, "the server is shutting down", code="shutting_down", retry_after=10) from None
    except ReadingFailed as error:
        raise Refusal(500, str(error), code="generation_failed") from error
    finally:
        parts.consultations -= 1


def _picture(job: Job, index: int, parts: Parts) -> Image.Image:
    drawn = picture_of(job, job.places[index], parts.settings, DPI)
    if isinstance(drawn, PageError):
        raise Refusal(404, drawn.message, code="no_page")
    return drawn.image


def _sides(box: Box) -> list[float]:
    return [round(side, 1) for side in box]


def _record(place: Place) -> dict[str, Any]:
    return {
        "box": _sides(place.box),
        "text": place.text,
        "by": place.by,
        "edits": place.edits,
        "confidence": round(place.confidence, 4),
    }
