"""Images of a request: data URLs, and remote ones where they are allowed, decoded within the limits."""

import base64
import binascii
import io
import re
from urllib.parse import unquote_to_bytes

from PIL import Image

from texthawk.image.pages import Limits, UnreadablePage, one_page
from texthawk.image.pictures import DECODING_FAILURES, format_of
from texthawk.serve.errors import Refusal
from texthawk.serve.remote import Unfetchable, fetch
from texthawk.serve.settings import Settings

_DATA = re.compile(r"data:(?P<type>[\w.+/-]*)(?P<settings>(?:;[\w.+=-]+)*),", re.IGNORECASE)
_HEAD = 64


def is_remote(url: str) -> bool:
    """Whether a picture stands elsewhere and not in its URL."""
    return url[:5].lower() != "data:"


def content_of(url: str, settings: Settings, param: str) -> bytes:
    """The file behind an `image_url`; raises Refusal. Blocks, so it is for a thread."""
    if not is_remote(url):
        return _of_data_url(url, param)
    if not settings.remote_images:
        raise Refusal(
            400,
            "this server fetches no images; send the picture as a data URL (data:image/png;base64,...)",
            code="remote_images_off",
            param=param,
        )
    try:
        return fetch(url, limit=settings.max_upload, seconds=settings.remote_seconds)
    except Unfetchable as error:
        status, code = (413, "image_too_large") if error.too_large else (400, "invalid_image_url")
        raise Refusal(status, str(error), code=code, param=param) from error


def picture_of_content(content: bytes, settings: Settings, param: str, *, before: int = 0) -> Image.Image:
    """The picture in a file of one page; raises Refusal. Blocks.

    before: pixels of the pictures that the request has had already, for one limit holds them all.
    """
    check_pixels(content, settings.max_pixels, param, before=before)
    try:
        page = one_page(content, name="image", limits=Limits(max_pixels=settings.max_pixels, max_pages=1))
    except UnreadablePage as error:
        raise Refusal(400, f"the image cannot be read: {error.message}", code="invalid_image", param=param) from error
    if page.count > 1:
        raise Refusal(
            400,
            f"the file has {page.count} pages, and a picture of a chat is one; upload it to /v1/documents, or send a "
            "picture of each page",
            code="invalid_image",
            param=param,
        )
    _check_size(page.image.width, page.image.height, settings.max_pixels, param, before)
    return page.image


def check_pixels(content: bytes, most: int, param: str, *, before: int = 0) -> None:
    """Refuse a picture by its header alone; what has no readable header is left to those who decode it."""
    reader = format_of(content[:_HEAD])
    if reader is None:
        return
    try:
        with reader(io.BytesIO(content)) as image:
            width, height = image.size
    except DECODING_FAILURES:
        return
    _check_size(width, height, most, param, before)


def _check_size(width: int, height: int, most: int, param: str, before: int) -> None:
    if width * height + before > most:
        others = f" and the pictures before it {before}" if before else ""
        raise Refusal(
            413,
            f"the picture has {width} x {height} pixels{others}, more than the limit of {most}; make it smaller",
            code="image_too_large",
            param=param,
        )


def _of_data_url(url: str, param: str) -> bytes:
    head = _DATA.match(url[:200])
    if head is None:
        raise Refusal(
            400, "the data URL has no comma after its type; see RFC 2397", code="invalid_image_url", param=param
        )
    payload = url[head.end() :]
    if ";base64" not in head["settings"].lower():
        return unquote_to_bytes(payload)
    try:
        return base64.b64decode(unquote_to_bytes(payload) if "%" in payload else payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refusal(400, f"the data URL is no base64 ({error})", code="invalid_image_url", param=param) from error
