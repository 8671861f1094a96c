"""Pictures without labels to learn from: a folder of them, or pages printed here; the picture of a number is fixed."""

from collections import Counter
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from texthawk.image.pages import UnreadablePage, one_page
from texthawk.image.tiles import normalised

if TYPE_CHECKING:
    from texthawk.data.synth import PageMaker

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
HELD_OUT = 8
BAD = 0.01


class Pictures(Protocol):
    """What training asks of a source of pictures."""

    def training(self, number: int) -> Image.Image:
        """The number-th picture to learn from, RGB; the same one whenever it is asked for."""
        ...

    def held_out(self) -> list[Image.Image]:
        """Pictures that training never sees."""
        ...


class FolderPictures:
    """The pictures of a folder and of the folders in it, in a new order each time all have been seen.

    The first of every 20 (8 at most) is held out. A picture that cannot be read is left out and counted in `bad`, by
    reason; more than 1% of them stop the training.
    """

    def __init__(self, folder: Path, *, seed: int) -> None:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        if len(files) < 2:
            raise ValueError(
                f"folder {str(folder)!r} holds {len(files)} pictures ({', '.join(sorted(SUFFIXES))}); at least 2 are "
                "needed, one to learn from and one to be held out"
            )
        self.seed = seed
        self._held = files[::20][:HELD_OUT]
        kept = set(self._held)
        self.files = [file for file in files if file not in kept]
        self.bad: Counter[str] = Counter()
        self._read = 0
        self._order = lru_cache(maxsize=2)(self._shuffled)

    def _shuffled(self, epoch: int) -> np.ndarray:
        return np.random.default_rng((self.seed, epoch)).permutation(len(self.files))

    def training(self, number: int) -> Image.Image:
        """See Pictures; in place of one that cannot be read stands the next that can."""
        for later in range(number, number + len(self.files)):
            epoch, place = divmod(later, len(self.files))
            file = self.files[self._order(epoch)[place]]
            self._read += 1
            try:
                return one_page(file).image
            except UnreadablePage as error:
                self.bad[error.message] += 1
                if self.bad.total() > max(1, BAD * self._read):
                    break
        reasons = "; ".join(f"{count} x {reason}" for reason, count in self.bad.most_common(3))
        raise ValueError(
            f"{self.bad.total()} of {self._read} pictures could not be read, more than {BAD:.0%}: {reasons}; "
            "mend or remove them"
        )

    def held_out(self) -> list[Image.Image]:
        return [one_page(file).image for file in self._held]


class PrintedPictures:
    """Windows of printed pages of `side` x `side` pixels."""

    def __init__(self, maker: "PageMaker", side: int) -> None:
        self.maker, self.side = maker, side

    def training(self, number: int) -> Image.Image:
        return self._window(number + HELD_OUT)

    def held_out(self) -> list[Image.Image]:
        return [self._window(number) for number in range(HELD_OUT)]

    def _window(self, index: int) -> Image.Image:
        return self.maker.window(index, height=self.side, width=self.side).image


def square(image: Image.Image, side: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Tensor:
    """The middle of a picture (3, side, side), normalised: the shorter side becomes `side` by nearest neighbour.

    Nearest neighbour is the released code's choice; it leaves pixels as sharp as they are in the picture.
    """
    width, height = image.size
    short = min(width, height)
    width, height = width * side // short, height * side // short
    left, top = (width - side) // 2, (height - side) // 2
    resized = image.resize((width, height), Image.Resampling.NEAREST).crop((left, top, left + side, top + side))
    return normalised(torch.from_numpy(np.array(resized)).permute(2, 0, 1), mean, std)
