"""What is asked of a page: the requests, each with a key that changes when anything in it changes, and their bodies."""

import base64
import hashlib
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

from texthawk.data.enrich.completion import Completion
from texthawk.data.enrich.kinds import SYSTEM, Kind, Reply
from texthawk.data.enrich.schema import Malformed, check, outline
from texthawk.data.enrich.sources import PageOfFile
from texthawk.data.example import Example

QUALITY = 90
PIXELS_PER_TOKEN, CHARACTERS_PER_TOKEN = 750, 3
"""For the guess at what a request costs; servers tell afterwards."""
REPLY_FORMATS = ("schema", "object", "free")
TOKEN_FIELDS = ("max_tokens", "max_completion_tokens")

_FENCE = re.compile(r"```(?:json)?\s*\n(.*)\n\s*```", re.DOTALL)
_THINKING = re.compile(r"\s*<think>.*?</think>", re.DOTALL)


@dataclass(frozen=True)
class Asking:
    """How a teacher is asked.

    max_side: longest side of the picture that is sent, px. max_tokens: of a reply, sent under the name `token_field`.
    reply_format: what the server shall hold the reply to: the JSON schema, any JSON object, or nothing.
    """

    model: str
    max_side: int = 2048
    max_tokens: int = 4096
    token_field: str = "max_tokens"
    temperature: float | None = None
    reply_format: str = "schema"

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("the model has no name; give the one that the endpoint knows it by")
        for name, known in (("reply_format", REPLY_FORMATS), ("token_field", TOKEN_FIELDS)):
            value = vars(self)[name]
            if value not in known:
                raise ValueError(f"{name} {value!r} is unknown; there are: {', '.join(known)}")


@dataclass(frozen=True)
class Request:
    """One kind of annotation for one page. key: the same for the same picture, prompt and model only."""

    name: str
    kind: Kind
    prompt: str
    key: str


def requests_of(example: Example, kinds: Mapping[str, Kind], asking: Asking) -> list[Request]:
    """The requests that an example gives occasion for. Raises OSError where its file cannot be read."""
    found = []
    picture = fingerprint(example)
    for name, kind in kinds.items():
        prompt = kind.prompt(example)
        if prompt is not None:
            parts = [example.id, picture, name, asking.model, asking.max_side, SYSTEM, prompt]
            found.append(Request(name, kind, prompt, hashlib.sha256(json.dumps(parts).encode()).hexdigest()))
    return found


@dataclass(frozen=True)
class Picture:
    """A picture as it is sent: a data URL of a JPEG, without what its file said beside the pixels. pixels: their number."""

    url: str
    pixels: int


def picture_of(example: Example, max_side: int) -> Picture:
    """The example's picture, made smaller where it is larger. Raises ValueError or OSError where it cannot be had."""
    image = example.open()
    image.thumbnail((max_side, max_side), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return Picture("data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode(), image.width * image.height)


def body_of(
    request: Request, example: Example, picture: Picture, asking: Asking, complaint: str = ""
) -> dict[str, Any]:
    """The JSON of a request. The picture stands before the words, so that a server that keeps prefixes encodes it once.

    complaint: what was wrong with the reply before, for a model that would otherwise give the same again.
    """
    words = request.prompt
    if complaint:
        words += f"\n\nAn earlier reply could not be used, because {complaint}. Keep to the form exactly."
    content = [{"type": "image_url", "image_url": {"url": picture.url}}, {"type": "text", "text": words}]
    body: dict[str, Any] = {
        "model": asking.model,
        "messages": [{"role": "system", "content": SYSTEM}, {"role": "user", "content": content}],
        asking.token_field: asking.max_tokens,
    }
    if asking.temperature is not None:
        body["temperature"] = asking.temperature
    if asking.reply_format == "schema":
        schema = {"name": request.name, "strict": True, "schema": outline(request.kind.schema(example))}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    elif asking.reply_format == "object":
        body["response_format"] = {"type": "json_object"}
    return body


def prompt_tokens(request: Request, pixels: int) -> int:
    """A guess at what a request costs before it is answered."""
    return (len(SYSTEM) + len(request.prompt)) // CHARACTERS_PER_TOKEN + pixels // PIXELS_PER_TOKEN


def read_reply(completion: Completion, request: Request, example: Example) -> Reply:
    """The reply of a completion; raises Malformed unless all of it is as asked for.

    A fence of Markdown round the JSON and thoughts in <think> before it are taken off; nothing else is mended.
    """
    if completion.finish_reason == "length":
        raise Malformed("the reply was cut off at its most tokens")
    if completion.finish_reason == "content_filter":
        raise Malformed("the server's filter withheld the reply")
    text = _THINKING.sub("", completion.text or "", count=1).strip()
    if not text:
        raise Malformed("the reply is empty")
    fenced = _FENCE.fullmatch(text)
    try:
        reply = json.loads(fenced[1] if fenced else text)
    except (ValueError, RecursionError) as error:
        raise Malformed("the reply is no JSON") from error
    check(reply, request.kind.schema(example))
    request.kind.check(example, reply)
    return reply


def fingerprint(example: Example) -> str:
    """What tells a picture from another; pages of a file are not drawn for it."""
    image = example.image
    if isinstance(image, PageOfFile):
        return f"{_digest(image.path)} {image.number} {image.dpi}"
    if isinstance(image, Path):
        return _digest(image)
    return hashlib.sha256(example.encoded()).hexdigest()


@lru_cache(maxsize=64)  # the pages of a file follow each other
def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
