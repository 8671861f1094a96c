"""What decoding a picture takes of memory, and how a large one becomes a small one without large copies."""

from PIL import Image, JpegImagePlugin, TiffImagePlugin, WebPImagePlugin

from texthawk.image.rgb import to_rgb

_WIDE = 4  # bytes of a pixel as Pillow holds it, in most modes
_NARROW = {"1": 1, "L": 1, "P": 1}
_DEEP = 20  # of a pixel with 16 or 32 bits: Pillow's, an array's, that as 8 bits
_COEFFICIENTS = 2  # of each sample of the whole picture, where a JPEG comes in several scans
_CANVASES = 4  # pictures that the WebP decoder holds: this frame, the one before, and what it hands over
_RGB = 8  # of a pixel that is kept: RGB, and that turned upright
_CLEAR = 16  # the same where alpha is laid on white
_BAND = 2**18  # pixels that become RGB together where a picture is reduced


def decoding_bytes(image: Image.Image, pixels: int, enough: int) -> int:
    """What it takes at most to decode a picture and to make it upright RGB; `enough` as in `Limits`.

    image: opened, need not be loaded; a JPEG may have been told to skip pixels. pixels: of the picture as it is stored.
    """
    kept, factor = image.width * image.height, _factor(image, enough)
    made = _CLEAR if image.has_transparency_data else _RGB
    if _is_deep(image):
        return kept * (_DEEP + made)
    held = kept * _NARROW.get(image.mode, _WIDE)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        held += (
            held if image.mode != "1" else -(-kept // 8)
        )  # a strip is decoded by itself, and may be the whole picture
    elif isinstance(image, WebPImagePlugin.WebPImageFile):
        held = _CANVASES * _WIDE * kept
    elif isinstance(image, JpegImagePlugin.JpegImageFile) and image.info.get("progressive"):
        held += _COEFFICIENTS * image.layers * pixels
    if factor == 1:
        return held + made * kept
    band = min(image.height, _rows(image, factor)) * image.width
    return held + (made + _WIDE) * band + _RGB * (-(-image.width // factor) * -(-image.height // factor))


def rgb_of_enough(image: Image.Image, enough: int) -> Image.Image:
    """A loaded picture in RGB, reduced where its longer side has at least twice `enough` pixels.

    A picture that is reduced becomes RGB in bands, so that no copy of all its pixels is made.
    """
    factor = _factor(image, enough)
    if factor == 1:
        return to_rgb(image)
    if _is_deep(image):
        return to_rgb(image).reduce(factor)  # how deep it is shows in all of its pixels together
    made = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    rows = _rows(image, factor)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(image.height, top + rows)))
        made.paste(to_rgb(band).reduce(factor), (0, top // factor))
    return made


def _factor(image: Image.Image, enough: int) -> int:
    return max(1, max(image.size) // enough)


def _rows(image: Image.Image, factor: int) -> int:
    """Rows of a band: a multiple of the factor, so that no pixel of the result lies in two bands."""
    return max(1, _BAND // (image.width * factor)) * factor


def _is_deep(image: Image.Image) -> bool:
    return image.mode in ("I", "F") or image.mode.startswith("I;")
