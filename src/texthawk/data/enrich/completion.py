"""What a chat endpoint sent: the text of the first choice, why it ended, and what it cost."""

import json
from dataclasses import dataclass

from texthawk.data.enrich.schema import Malformed


@dataclass(frozen=True)
class Completion:
    """What came back. text: None where the model wrote none. finish_reason: "" where the server gives none.

    prompt_tokens, completion_tokens: as the server counts; None where it does not say.
    """

    text: str | None
    finish_reason: str
    prompt_tokens: int | None
    completion_tokens: int | None


def completion_of(content: bytes) -> Completion:
    """The first choice of a body that should be a chat completion; raises Malformed where it is none."""
    try:
        reply = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Malformed("what the server sent is no JSON") from error
    try:
        choice = reply["choices"][0]
        said = choice["message"].get("content")
        reason = choice.get("finish_reason")
        usage = reply.get("usage") or {}
        counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")]
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise Malformed("what the server sent is no chat completion") from error
    if not isinstance(said, str | None) or not isinstance(reason, str | None):
        raise Malformed("what the server sent is no chat completion")
    prompt_tokens, completion_tokens = (count if type(count) is int and count >= 0 else None for count in counts)
    return Completion(said, reason or "", prompt_tokens, completion_tokens)
