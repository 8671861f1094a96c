"""/v1/documents: upload a PDF or pictures, follow the reading page by page, fetch the result in any format."""

import io
import json
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.datastructures import UploadFile

from texthawk.decode.formats import FORMATS, Setting
from texthawk.image.selection import EVERY_PAGE, PageSelection, page_selection
from texthawk.serve.errors import Refusal, too_busy
from texthawk.serve.jobs import DONE, DPI, ENDED, Job, TooManyJobs, Upload, picture_of
from texthawk.serve.parts import Parts, parts_of
from texthawk.serve.uploads import stored
from texthawk.types import Document, PageError

RETRY_SECONDS = 10
SCREEN_DPI = 110
SCREEN_SIDE = 2000  # pixels; a page on the screen needs no more
FILES = 100
router = APIRouter(prefix="/v1/documents")


@router.post("")
async def upload(request: Request) -> Response:
    parts = parts_of(request)
    if parts.jobs.full():
        raise too_busy("too many documents wait already", RETRY_SECONDS)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Refusal(400, "send the document as multipart/form-data, in a field named file", code="invalid_form")
    async with request.form(max_files=FILES, max_fields=8) as form:
        files = [entry for name in ("file", "files") for entry in form.getlist(name) if isinstance(entry, UploadFile)]
        if not files:
            raise Refusal(
                400, "the form has no file; send one or more in a field named file", code="no_file", param="file"
            )
        wanted = form.get("pages")
        try:
            selection = page_selection(wanted) if isinstance(wanted, str) and wanted.strip() else EVERY_PAGE
        except ValueError as error:
            raise Refusal(400, str(error), code="invalid_value", param="pages") from error
        folder = parts.jobs.new_folder()
        job = None
        try:
            async with parts.pictures:
                uploads = await run_in_threadpool(stored, files, folder, parts.settings)
            _check_selection(selection, uploads)
            job = parts.jobs.add(uploads, selection, folder)
        except TooManyJobs:
            raise too_busy("too many documents wait already", RETRY_SECONDS) from None
        finally:
            if job is None:
                shutil.rmtree(folder, ignore_errors=True)
    return JSONResponse(_record(job), status_code=202, headers={"Location": f"/v1/documents/{job.id}"})


def _check_selection(selection: PageSelection, uploads: Sequence[Upload]) -> None:
    """Raises Refusal where a document has none of the pages that were asked for."""
    if not any(True for upload in uploads for _ in selection.of(upload.pages)):
        pages = max(upload.pages for upload in uploads)
        raise Refusal(
            400, f"none of these pages is there; the document has {pages}", code="invalid_value", param="pages"
        )


@router.get("/{id}")
async def state(id: str, request: Request) -> Response:
    return JSONResponse(_record(job_of(id, parts_of(request))))


@router.delete("/{id}")
async def delete(id: str, request: Request) -> Response:
    parts = parts_of(request)
    await run_in_threadpool(parts.jobs.remove, job_of(id, parts))
    return Response(status_code=204)


@router.get("/{id}/pages")
async def pages(id: str, request: Request, start: int = 0) -> Response:
    """What was read so far, from the entry numbered `start` on (the first is 0)."""
    parts = parts_of(request)
    job = job_of(id, parts)
    return StreamingResponse(_list(job, parts, max(0, start)), media_type="application/json")


@router.get("/{id}/stream")
async def stream(id: str, request: Request) -> Response:
    """Entries as they are read: server-sent events for those who ask for them, JSON lines for others."""
    parts = parts_of(request)
    job = job_of(id, parts)
    events = "text/event-stream" in request.headers.get("accept", "")
    media_type = "text/event-stream" if events else "application/x-ndjson"
    headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return StreamingResponse(_entries(job, parts, events), media_type=media_type, headers=headers)


@router.get("/{id}/pages/{index}/image")
async def image(id: str, index: int, request: Request) -> Response:
    """A page as a JPEG for the screen; boxes are in the page's own pixels, of which the entry tells width and height."""
    parts = parts_of(request)
    job = job_of(id, parts)
    if not 0 <= index < len(job.results):
        raise Refusal(404, f"there is no entry {index}; so far {len(job.results)} were read", code="no_page")
    async with parts.pictures:
        content = await run_in_threadpool(_screen, job, index, parts)
    return Response(content, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


@router.get("/{id}/result")
async def result(id: str, request: Request, format: str = "json") -> Response:
    """The whole document in one of the formats, once it was read."""
    parts = parts_of(request)
    job = job_of(id, parts)
    if format not in FORMATS:
        raise Refusal(
            400,
            f"the format {format!r} is unknown; there are {', '.join(FORMATS)}",
            code="invalid_value",
            param="format",
        )
    if job.status not in ENDED:
        done = f"{len(job.results)} of {job.total} pages were read"
        raise Refusal(409, f"{done}; ask again when the status is done", code="not_done", retry_after=RETRY_SECONDS)
    if job.status != DONE:
        raise Refusal(409, job.message, code=job.status)
    async with parts.pictures:
        path = await run_in_threadpool(_written, job, format, parts)
    _mark_collected(job, True)
    name = quote(Path(job.name).stem + FORMATS[format].suffix)
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    return FileResponse(path, media_type=FORMATS[format].media_type, headers=headers)


def job_of(id: str, parts: Parts) -> Job:
    job = parts.jobs.get(id)
    if job is None:
        raise Refusal(404, "there is no such document; it was deleted, or is too old", code="no_document")
    return job


def _record(job: Job) -> dict[str, Any]:
    return {
        "id": job.id,
        "object": "document",
        "status": job.status,
        "message": job.message,
        "files": [{"name": upload.name, "pages": upload.pages} for upload in job.uploads],
        "created": int(job.created),
        "pages": job.total,
        "read": len(job.results),
        "errors": len(job.results.errors),
        "formats": list(FORMATS),
        "url": f"/v1/documents/{job.id}",
    }


def _entry(job: Job, index: int, parts: Parts) -> dict[str, Any]:
    """A page as the JSON format tells it, or the error that came in its place."""
    read, (upload, number) = job.results[index], job.places[index]
    head = {"index": index, "file": upload, "number": number}
    if isinstance(read, PageError):
        return head | {"error": read.message}
    setting = Setting(source=job.uploads[upload].name, model=parts.settings.model_name)
    whole = json.loads(FORMATS["json"].write(Document((read,)), setting))
    return head | {"page": whole["documents"][0]["pages"][0]}


async def _list(job: Job, parts: Parts, start: int) -> AsyncIterator[str]:
    """All entries as one object of JSON, an entry at a time, for a long document has many."""
    status, count = job.status, len(job.results)
    yield f'{{"status": {json.dumps(status)}, "entries": ['
    for index in range(start, count):
        entry = await run_in_threadpool(_entry, job, index, parts)
        yield (", " if index > start else "") + json.dumps(entry, ensure_ascii=False)
    _mark_collected(job, start == 0 and status in ENDED)
    yield "]}"


async def _entries(job: Job, parts: Parts, events: bool) -> AsyncIterator[str]:
    index = 0
    with job.listening() as changed:
        while True:
            changed.clear()
            ended = job.status in ENDED
            while index < len(job.results):
                yield _line(await run_in_threadpool(_entry, job, index, parts), events)
                index += 1
            if ended:
                break
            await changed.wait()
    _mark_collected(job, True)
    yield _line({"status": job.status, "message": job.message}, events)


def _line(entry: dict[str, Any], events: bool) -> str:
    text = json.dumps(entry, ensure_ascii=False)
    return f"data: {text}\n\n" if events else f"{text}\n"


def _mark_collected(job: Job, whole: bool) -> None:
    """A result that somebody has: a server that shuts down need not wait for it to be fetched."""
    job.collected = job.collected or (whole and job.status in ENDED)


def _screen(job: Job, index: int, parts: Parts) -> bytes:
    page = picture_of(job, job.places[index], parts.settings, SCREEN_DPI)
    if isinstance(page, PageError):
        raise Refusal(404, page.message, code="no_page")
    page.image.thumbnail((SCREEN_SIDE, SCREEN_SIDE))
    out = io.BytesIO()
    page.image.save(out, "JPEG", quality=85)
    return out.getvalue()


def _written(job: Job, name: str, parts: Parts) -> Path:
    """The file of a result, written once; a page of it at a time is in memory."""
    path = job.folder / f"result{FORMATS[name].suffix}"
    with job.writing:  # of several who ask at once, one writes
        return path if path.exists() else _made(job, name, parts, path)


def _made(job: Job, name: str, parts: Parts, path: Path) -> Path:
    try:
        pictures: Sequence[bytes] = _Pictures(job, parts) if FORMATS[name].needs_pictures else ()
        setting = Setting(
            source=job.name, model=parts.settings.model_name, pictures=pictures, outline=parts.reader.outlined
        )
        with tempfile.NamedTemporaryFile(dir=job.folder, delete=False) as stream:
            stream.writelines(FORMATS[name].pieces(job.document, setting))
        Path(stream.name).replace(path)
    except ValueError as error:
        raise Refusal(409, str(error), code="not_writable", param="format") from error
    except FileNotFoundError as error:
        raise Refusal(404, "the document was deleted", code="no_document") from error
    return path


class _Pictures(Sequence[bytes]):
    """A JPEG of each page that was read, made beforehand and kept in files, so that a long document needs little memory."""

    def __init__(self, job: Job, parts: Parts) -> None:
        self._paths = []
        for number, place in enumerate(job.places):
            if not job.results.is_page(number):
                continue
            path = job.folder / f"page-{number:06d}.jpg"
            if not path.exists():
                page = picture_of(job, place, parts.settings, DPI)
                if isinstance(page, PageError):
                    raise Refusal(409, page.message, code="no_page")
                page.image.save(path, "JPEG", quality=80)
            self._paths.append(path)

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: Any) -> Any:
        return self._paths[number].read_bytes()
