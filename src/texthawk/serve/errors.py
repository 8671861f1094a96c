"""Refusals, in the shape that OpenAI's clients know."""

import http
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException as AnyHttpException

from texthawk.serve.listening import Gone

CLIENT_GONE = 499  # what others log for it, too
_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}


class Refusal(HTTPException):
    """What a client asked cannot be done: the status, a message for a person, a code for a program.

    An HTTPException, because FastAPI makes 400 of any other that comes up while a body arrives.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(status, message)
        self.status, self.message, self.code, self.param, self.retry_after = status, message, code, param, retry_after

    def response(self) -> JSONResponse:
        headers = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        body = error_body(self.status, self.message, self.code, self.param)
        return JSONResponse(body, status_code=self.status, headers=headers)


def error_body(status: int, message: str, code: str | None = None, param: str | None = None) -> dict[str, Any]:
    kind = _KINDS.get(status, "invalid_request_error" if status < 500 else "server_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


def too_busy(message: str, seconds: int) -> Refusal:
    return Refusal(429, f"{message}; try again in {seconds} s", code="queue_full", retry_after=seconds)


def answer_errors_alike(app: FastAPI) -> None:
    """Whatever goes wrong is told in the one shape; what went wrong inside is not told to the client at all."""

    @app.exception_handler(Refusal)
    async def refused(_: Request, error: Refusal) -> JSONResponse:
        return error.response()

    @app.exception_handler(Gone)
    async def gone(_: Request, error: Gone) -> Response:
        return Response(status_code=CLIENT_GONE)

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        place, said = _told(error.errors())
        message = f"{place}: {said}" if place else said
        return Refusal(400, message, code="invalid_value", param=place or None).response()

    @app.exception_handler(AnyHttpException)
    async def other(_: Request, error: AnyHttpException) -> JSONResponse:
        message = str(error.detail) or http.HTTPStatus(error.status_code).phrase
        response = Refusal(error.status_code, message).response()
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> JSONResponse:
        return Refusal(500, "the server failed; its log says why", code="internal_error").response()


def _told(errors: Sequence[Any]) -> tuple[str, str]:
    """Where the body is wrong, and how: of all that pydantic found, what says the most.

    Where a value may be of several kinds, it says of each what is wrong; that which came furthest was meant.
    """
    error = max(errors, key=lambda one: (len(one["loc"]), one["type"] not in ("string_type", "list_type")))
    if error["type"] == "json_invalid":
        return "", f"the body is no JSON ({error['ctx']['error']}, at character {error['loc'][-1]})"
    if tuple(error["loc"]) == ("body",) and error["type"] != "value_error":
        return "", "the body is no object of JSON; send one, with the Content-Type application/json"
    return _place(error["loc"][1:]), str(error["msg"]).removeprefix("Value error, ")


def _place(path: Sequence[str | int]) -> str:
    """As the body writes it: without the kinds that were tried, and without the type of a part, which stands after its number."""
    tried = [part for part in path if isinstance(part, int) or (part != "str" and "[" not in part)]
    kept = [
        part
        for number, part in enumerate(tried)
        if not (part in tried[number + 1 : number + 2] and isinstance(tried[number - 1], int))
    ]
    return ".".join(map(str, kept))
