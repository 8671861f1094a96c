"""PNG, JPEG, TIFF, WebP, GIF and BMP files as pages."""

import contextlib
import struct
import zlib
from typing import BinaryIO

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from texthawk.image.decoding import decoding_bytes, rgb_of_enough
from texthawk.image.raw import Limits, RawPage, UnreadablePage
from texthawk.image.rgb import ON_ITS_SIDE, orientation_of, upright


class _Tiff(TiffImagePlugin.TiffImageFile):
    """A TIFF that may be larger than Pillow's own limit; ours are asked before anything is decoded."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size, None).im
        super().load_prepare()


FORMATS: tuple[tuple[tuple[bytes, ...], type[ImageFile.ImageFile]], ...] = (
    ((b"\x89PNG\r\n\x1a\n",), PngImagePlugin.PngImageFile),
    ((b"\xff\xd8\xff",), JpegImagePlugin.JpegImageFile),
    ((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), _Tiff),
    ((b"RIFF",), WebPImagePlugin.WebPImageFile),
    ((b"GIF87a", b"GIF89a"), GifImagePlugin.GifImageFile),
    ((b"BM",), BmpImagePlugin.BmpImageFile),
)
"""First bytes and reader of each format. `Image.open` would hold every picture to its own limit."""

DECODING_FAILURES = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    struct.error,
    zlib.error,
    IndexError,
    KeyError,
    TypeError,
    MemoryError,
    Image.DecompressionBombError,
)
"""What Pillow raises for damaged files."""

_LARGE = 2**24  # pixels of a page that are not kept for the next one to be decoded over


def format_of(head: bytes) -> type[ImageFile.ImageFile] | None:
    """The reader for a file that starts like this, whatever it is called."""
    return next((reader for starts, reader in FORMATS if head.startswith(starts)), None)


class PictureFile:
    """The pages of a picture: every page of a TIFF; of an animated GIF, WebP or PNG the first frame alone.

    A frame of an animation is no page: its frames show one thing in motion, and many of them hold only what changed.
    """

    def __init__(self, stream: BinaryIO, reader: type[ImageFile.ImageFile], source: str, limits: Limits) -> None:
        self._stream, self._reader, self._source, self._limits = stream, reader, source, limits
        self._image = self._open(None)
        self.count = self._frames() if isinstance(self._image, TiffImagePlugin.TiffImageFile) else 1

    def page(self, number: int) -> RawPage:
        """Decode a page; raises UnreadablePage, after which the other pages can still be had."""
        try:
            if isinstance(self._image, TiffImagePlugin.TiffImageFile):
                self._image.seek(number - 1)
            page = decoded(self._image, number, self._source, self._limits, count=self.count)
        except UnreadablePage:
            self._image = self._open(number)  # it may have been told already to skip pixels
            raise
        except DECODING_FAILURES as error:
            self._image = self._open(number)  # a decoder that failed may be left in any state
            raise self._damaged(number if self.count > 1 else None, error) from error
        if self.count == 1 or page.width * page.height >= _LARGE:
            self._image = self._open(None)  # lets the pixels go, and forgets which of them were skipped
        return page

    def close(self) -> None:
        self._image.close()
        self._stream.close()

    def _open(self, number: int | None) -> ImageFile.ImageFile:
        self._stream.seek(0)
        try:
            return self._reader(self._stream)
        except DECODING_FAILURES as error:
            raise self._damaged(number, error) from error

    def _frames(self) -> int:
        """Count the pages by their directories; one that cannot be followed counts as a last, unreadable page."""
        frames = 0
        with contextlib.suppress(EOFError):
            while True:
                try:
                    self._image.seek(frames)
                except EOFError:
                    raise
                except DECODING_FAILURES:
                    self._image = self._open(None)
                    return frames + 1
                frames += 1
        return frames

    def _damaged(self, number: int | None, error: BaseException) -> UnreadablePage:
        if isinstance(error, MemoryError):
            reason = "the picture does not fit in memory; lower the limit max_pixels or make the picture smaller"
        elif isinstance(error, Image.DecompressionBombError):
            reason = f"the picture is larger than Pillow allows for {self._reader.format}; make it smaller ({error})"
        else:
            reason = f"the {self._reader.format} file is damaged or cut short; copy or save it again ({error})"
        return UnreadablePage(self._source, number, reason)


def decoded(
    image: Image.Image, number: int, source: str, limits: Limits, *, count: int = 1, ours: bool = True
) -> RawPage:
    """Decode, turn upright and convert to RGB; raises UnreadablePage when the picture breaks a limit.

    An image that is not `ours` keeps its size: a JPEG decoder told to skip pixels cannot be told otherwise later.
    """
    width, height = image.size
    place = number if count > 1 else None
    if width * height > limits.max_pixels:
        raise UnreadablePage(
            source,
            place,
            f"{width} x {height} pixels are more than the limit of {limits.max_pixels}; "
            "make the picture smaller or raise the limit (max_pixels, on the command line --max-pixels)",
        )
    if width * height == 0:
        raise UnreadablePage(source, place, "the picture has no pixels; save it again")
    drafted = ours and isinstance(image, JpegImagePlugin.JpegImageFile) and _draft(image, limits.enough_side)
    needed = decoding_bytes(image, width * height, limits.enough_side)
    if limits.max_bytes is not None and needed > limits.max_bytes:
        raise UnreadablePage(
            source,
            place,
            f"{width} x {height} pixels of this kind of picture take {_mebibytes(needed)} to decode, and the limit is "
            f"{_mebibytes(limits.max_bytes)}; make the picture smaller or allow more memory (--max-memory, half of "
            "which is for this)",
        )
    image.load()
    if not drafted:
        width, height = image.size  # a TIFF turns itself upright while it loads
    orientation = orientation_of(image)
    if orientation in ON_ITS_SIDE:
        width, height = height, width
    image = upright(rgb_of_enough(image, limits.enough_side), orientation)
    return RawPage(number, image, width, height, source, count, needed)


def _mebibytes(count: int) -> str:
    return f"{-(-count // 2**20)} MiB"


def _draft(image: JpegImagePlugin.JpegImageFile, enough: int) -> bool:
    """Let the JPEG decoder skip pixels nobody needs; it can halve, quarter and take an eighth."""
    longer = max(image.size)
    if longer < 2 * enough:
        return False
    least = [max(1, -(-side * enough // longer)) for side in image.size]
    image.draft(None, (least[0], least[1]))
    return True
