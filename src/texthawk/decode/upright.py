"""A page as it is read: turned until its text stands upright, made level, its regions found; and the way back.

Reading and planning both ask here, so that a plan is of the very lines that will be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PIL import Image

from texthawk.decode.orientation import Reading, rotation_of
from texthawk.decode.regions import Region, find_regions
from texthawk.decode.rotation import ROTATIONS, box_before, turned
from texthawk.decode.skew import Straight, straightened
from texthawk.types import Box

Rotate = Literal["auto"] | int
"""Degrees by which pages are turned clockwise before they are read, or "auto" to find out for each."""


@dataclass(frozen=True)
class Upright:
    """`page` turned clockwise by `rotation` degrees and then made level; `regions` are in pixels of `image`."""

    page: Image.Image
    rotation: int
    straight: Straight
    regions: tuple[Region, ...]

    @property
    def image(self) -> Image.Image:
        return self.straight.image

    def box_before(self, box: Box) -> Box:
        """A box of `image` on the page as it came."""
        return box_before(self.straight.box_before(box), self.rotation, self.page.width, self.page.height)


def upright(page: Image.Image, rotate: Rotate, reading: Reading) -> Upright:
    """The page as it is read; `reading` is asked only where `rotate` is "auto" and the ink leaves a doubt."""
    if rotate != "auto" and rotate not in ROTATIONS:
        raise ValueError(f"rotate is {rotate!r}; pages are turned by 0, 90, 180 or 270 degrees, or 'auto'")
    regions: Sequence[Region] | None = None
    if rotate == "auto":
        rotation, regions = rotation_of(page, reading)
    else:
        rotation = int(rotate)
    straight = straightened(turned(page, rotation))
    if regions is None or straight.degrees:
        regions = find_regions(straight.image)
    return Upright(page, rotation, straight, tuple(regions))


def as_it_came(image: Image.Image, regions: Sequence[Region]) -> float:
    """A `Reading` for those who have no model: nothing is ever likelier, so a page in doubt stays as it came."""
    return 0.0
