"""What a server may spend and whom it lets in."""

import math
import re
from dataclasses import asdict, dataclass

MIB = 2**20


@dataclass(frozen=True)
class Settings:
    """Limits of a server; all sizes in bytes, all times in seconds.

    Generation: `max_batch` requests run together, `queue` more wait, the next is told to come back (429).
    `cache_tokens` bounds the keys and values held at once, in tokens over all rows (None: a full context in each row).
    A model with weights of its own for answering (nano) is two, one that reads and one that answers, each with these limits.
    Bodies: `max_upload`, `max_pixels` of a page and of all pictures of a chat together, `max_pages` of a document;
    beyond them 413. A body must have arrived after `body_seconds`, what stands before it after `header_seconds`;
    `answer_seconds` is how long a client may take nothing of its answer; `connections` are open at a time. Documents:
    `document_workers` are read at a time, `document_queue` wait, `max_documents` are kept, none longer than
    `document_seconds` after it was read.
    `shutdown_seconds` is how long what was accepted may take to finish after a signal. `api_key`: what clients must send
    as a bearer token; None lets everyone in. `origins`: addresses at which browsers show this server's page, where it
    is reached by a name or through a proxy (https://read.example.org).
    """

    model_name: str = "nano"
    max_batch: int = 16
    queue: int = 64
    cache_tokens: int | None = None
    max_tokens: int = 1024
    max_upload: int = 64 * MIB
    max_pixels: int = 100_000_000
    max_images: int = 16
    max_pages: int = 1000
    body_seconds: float = 60.0
    header_seconds: float = 20.0
    answer_seconds: float = 60.0
    connections: int = 1000
    document_workers: int = 2
    document_queue: int = 16
    max_documents: int = 64
    document_seconds: float = 3600.0
    shutdown_seconds: float = 60.0
    loop_guard: bool = True
    remote_images: bool = False
    remote_seconds: float = 10.0
    api_key: str | None = None
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                continue
            least = 0 if name in ("queue", "document_queue") or name.endswith("seconds") else 1
            if not least <= value < math.inf:
                raise ValueError(f"{name} is {value}; it must be at least {least} and finite")
            if value == 0 and name in ("header_seconds", "answer_seconds"):
                raise ValueError(f"{name} is 0, in which no client can say or take anything; allow some seconds")
        for origin in self.origins:
            if not re.fullmatch(r"https?://[^/\s]+", origin):
                raise ValueError(
                    f"the origin {origin!r} is no address of a site; write for example https://read.example.org"
                )
        if self.api_key is not None and len(self.api_key) < 8:
            raise ValueError("the API key has fewer than 8 characters; take a longer one, or none")
        if self.api_key is not None and not re.fullmatch("[!-~][ -~]*[!-~]", self.api_key):
            raise ValueError(
                "the API key holds what no header carries (letters beyond ASCII, a line break, spaces at an end); take another"
            )
