"""An image of any mode becomes upright RGB with 8 bits a channel, as a person would see it on white paper."""

import struct

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin

_BLACK_IS_ZERO, _WHITE_IS_ZERO = 1, 0
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
ON_ITS_SIDE = frozenset({5, 6, 7, 8})
"""EXIF orientations that swap width and height."""
_SAY_ORIENTATION = ("exif", "xmp", "XML:com.adobe.xmp")
"""What Pillow reads an orientation from, in the order in which it looks."""


def to_rgb(image: Image.Image) -> Image.Image:
    """Grey, 1-bit, 16-bit, palette, CMYK and images with alpha become RGB; alpha is laid on white.

    16 bits are scaled to 8, not clipped. An integer or float image does not say how deep it is: the smallest of
    1 (floats only), 8, 16 and 32 bits that holds its largest value is taken.
    """
    if image.mode == "F" or image.mode.startswith("I"):
        image = _to_8_bits(image)
    if image.has_transparency_data:
        image = image.convert("LA" if image.mode == "La" else "RGBA").convert("RGBA")
        paper = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(paper, image).convert("RGB")
    return image.convert("RGB")


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 (upright) to 8; a block that cannot be parsed says nothing, so it counts as 1."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except (SyntaxError, struct.error, ValueError, TypeError, KeyError, IndexError):
        return 1
    return orientation if orientation in _TURNS else 1


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn a photograph the way its EXIF orientation says; what is turned no longer says so, or it would be turned twice."""
    turn = _TURNS.get(orientation)
    if turn is None:
        return image
    turned = image.transpose(turn)
    for name in _SAY_ORIENTATION:
        turned.info.pop(name, None)
    return turned


def _to_8_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;"):
        white, inverted = _declared_depth(image)
        grey = np.rint(np.linspace(0, 255 * 65535 / white, 65536).clip(0, 255)).astype(np.uint8)
        return Image.fromarray((255 - grey if inverted else grey)[np.asarray(image)])
    values = np.nan_to_num(np.asarray(image).astype(np.float32), posinf=0, neginf=0)
    largest = int(np.ceil(values.max(initial=0)))
    depths = (1, 255, 65535) if image.mode == "F" else (255, 65535)
    white = next((white for white in depths if largest <= white), max(largest, 2**31 - 1))
    return Image.fromarray(np.rint(np.clip(values / white, 0, 1) * 255).astype(np.uint8))


def _declared_depth(image: Image.Image) -> tuple[int, bool]:
    """The value of white in a 16-bit mode, and whether 0 stands for white: Pillow leaves both to TIFF's tags."""
    if not isinstance(image, TiffImagePlugin.TiffImageFile):
        return 65535, False
    bits = image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (16,))[0]
    photometric = image.tag_v2.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, _BLACK_IS_ZERO)
    return 2**bits - 1, photometric == _WHITE_IS_ZERO
