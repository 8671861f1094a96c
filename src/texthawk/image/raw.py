"""A page in pixels, the limits it had to keep, and the one error of pages that could not be had."""

from dataclasses import dataclass

from PIL import Image

from texthawk.types import PageError


@dataclass(frozen=True)
class RawPage:
    """A page in RGB, upright, before anything is read from it; `number` counts from 1, `count` pages are in the file.

    `width` and `height` are the page's own size in pixels, in which boxes are given. The image may have fewer pixels
    where the page has far more than any tiling uses (see `Limits.enough_side`); its shape is the same. `decoding` is
    what it took of memory to make the image, at most, in bytes.
    """

    number: int
    image: Image.Image
    width: int
    height: int
    source: str
    count: int = 1
    decoding: int = 0


@dataclass(frozen=True)
class Limits:
    """What one page or file may cost.

    A picture of more than `max_pixels` is refused from its header, before it is decoded; a PDF page that large is
    drawn at a smaller scale instead, for its size is only a choice of resolution. `max_bytes` does the same for the
    memory that decoding a page takes, which also depends on the file's format. `max_pages` bounds the pages of one
    file. A page with at least twice `enough_side` pixels along its longer side is halved (or quartered, ...) while
    it is decoded: the longest grid of the papers has 12 tiles of 224 pixels, which is 2688.
    """

    max_pixels: int = 200_000_000
    max_pages: int | None = None
    enough_side: int = 4096
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        bounds = (self.max_pixels, self.enough_side, self.max_pages, self.max_bytes)
        if any(bound is not None and bound < 1 for bound in bounds):
            raise ValueError(f"{self} cannot let any page through; each limit must be at least 1")


class UnreadablePage(ValueError):
    """A page or a whole file (`number` None) that cannot be had; `message` says why and what to do about it."""

    def __init__(self, source: str, number: int | None, message: str) -> None:
        place = source if number is None else f"{source}: page {number}"
        super().__init__(f"{place}: {message}")
        self.source = source
        self.number = number
        self.message = message

    def as_value(self) -> PageError:
        return PageError(self.source, self.number, self.message)
