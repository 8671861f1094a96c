"""The application: routes, what they share, and the order in which it starts and stops."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from texthawk.decode.reader import Reader
from texthawk.serve import chat, documents, questions
from texthawk.serve.asker import EngineAsker
from texthawk.serve.engine import Engine
from texthawk.serve.errors import Refusal, answer_errors_alike
from texthawk.serve.gate import Gate
from texthawk.serve.jobs import Jobs
from texthawk.serve.memory import give_back
from texthawk.serve.metrics import CONTENT_TYPE, Metrics
from texthawk.serve.parts import Parts, parts_of
from texthawk.serve.prompts import Prompts
from texthawk.serve.settings import Settings

WEB = Path(__file__).parent / "web"
FORGET_SECONDS = 30


def make_parts(reader: Reader, settings: Settings) -> Parts:
    """Everything that the routes share; nothing runs yet. ValueError when the model cannot be served."""
    engine = Engine(reader, max_batch=settings.max_batch, queue=settings.queue, cache_tokens=settings.cache_tokens)
    answering = engine
    if reader.answers is not None:
        answering = Engine(
            reader.answers, max_batch=settings.max_batch, queue=settings.queue, cache_tokens=settings.cache_tokens
        )
    prompts = Prompts(reader)
    jobs = Jobs(settings, reader, lambda: EngineAsker(reader, engine, prompts))
    metrics = Metrics(lambda: parts.engines, jobs, lambda: parts.requests)
    parts = Parts(settings, reader, engine, answering, prompts, reader.schemas, jobs, metrics)
    return parts


def make_app(parts: Parts) -> FastAPI:
    """The ASGI application; it starts the engine when it is started and closes it when it is stopped."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        for engine in parts.engines:
            engine.start()
        parts.jobs.open(asyncio.get_running_loop())
        forgetting = asyncio.create_task(_forget(parts))
        try:
            yield
        finally:
            forgetting.cancel()
            # Whoever could wait for something has been waited for (texthawk.serve.run); what is left has no listener.
            for engine in parts.engines:
                await asyncio.to_thread(engine.close, 0.0)
            await asyncio.to_thread(parts.jobs.close)

    app = FastAPI(title="texthawk", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.parts = parts
    app.include_router(chat.router)
    app.include_router(documents.router)
    app.include_router(questions.router)
    answer_errors_alike(app)
    app.add_middleware(Gate, parts=parts)

    @app.api_route("/healthz", methods=["GET", "HEAD"], include_in_schema=False)
    async def healthz() -> Response:
        state = "draining" if parts.draining else "ok" if all(engine.alive for engine in parts.engines) else "failed"
        return JSONResponse({"status": state}, status_code=200 if state == "ok" else 503)

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(parts.metrics.text(), media_type=CONTENT_TYPE)

    @app.get("/v1/models")
    async def models() -> Response:
        return JSONResponse({"object": "list", "data": [_model(parts)]})

    @app.get("/v1/models/{id:path}")
    async def model(id: str, request: Request) -> Response:
        if id != parts_of(request).settings.model_name:
            raise Refusal(404, f"the model {id!r} is not here", code="model_not_found")
        return JSONResponse(_model(parts))

    @app.api_route("/", methods=["GET", "HEAD"], include_in_schema=False)
    async def page() -> Response:
        return FileResponse(WEB / "index.html", media_type="text/html; charset=utf-8")

    @app.get("/web/page.js")
    async def script() -> Response:
        return FileResponse(WEB / "page.js", media_type="text/javascript; charset=utf-8")

    @app.get("/web/style.css")
    async def style() -> Response:
        return FileResponse(WEB / "style.css", media_type="text/css; charset=utf-8")

    return app


def _model(parts: Parts) -> dict[str, Any]:
    """As OpenAI tells of a model, and what this one was trained for."""
    context = parts.engine.rows.context
    return {
        "id": parts.settings.model_name,
        "object": "model",
        "created": 0,
        "owned_by": "texthawk",
        "max_model_len": context,
        "tasks": parts.tasks,
    }


async def _forget(parts: Parts) -> None:
    while True:
        await asyncio.sleep(FORGET_SECONDS)
        await asyncio.to_thread(parts.jobs.forget_old)
        await asyncio.to_thread(give_back)
