"""What reading may cost: pixels, visual tokens, bytes of memory; and what follows from it.

The bytes are an estimate from above of what reading adds to the loaded model: the decoded page with the copies that
looking for ink makes of it, and the windows that go through the model together.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from texthawk.image.raw import Limits
from texthawk.types import TileLayout

if TYPE_CHECKING:
    from texthawk.decode.windows import Window
    from texthawk.model.configuration import TextHawkConfig

MOST_PIXELS = Limits().max_pixels
BATCH = 16  # windows that are read together where memory allows it
BYTES_PER_SEEN_PIXEL = 24  # of the page as it is looked at: grey, paper, differences, marks of rules
_PROMPT = 32  # tokens around an image, at most
_MEGABYTE = 2**20
_COPIES = 8  # of hidden states that a layer holds at once
_LOGITS = 6  # of the vocabulary's size: logits, probabilities, dice


@dataclass(frozen=True)
class Budget:
    """Bounds on one page; None leaves one open. max_memory: bytes that reading may take beside the model itself."""

    max_visual_tokens: int | None = None
    max_pixels: int | None = None
    max_memory: int | None = None

    def __post_init__(self) -> None:
        for name in ("max_visual_tokens", "max_pixels", "max_memory"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is {value}; a page needs at least 1")

    def limits(self, most_pages: int | None = None) -> Limits:
        """The limits under which files are opened.

        Half of the memory may go to the decoded page. A picture that needs more is refused, a PDF's page is drawn
        smaller. Pages are looked at with fewer pixels, too, where memory is scarce. Where it is bounded, it alone
        says how many pixels are too many, unless they are bounded as well.
        """
        if self.max_memory is None:
            return Limits(max_pixels=MOST_PIXELS if self.max_pixels is None else self.max_pixels, max_pages=most_pages)
        room = self.max_memory // 2
        if room < BYTES_PER_SEEN_PIXEL:
            raise ValueError(f"max_memory is {self.max_memory} bytes, which holds no page; allow some megabytes")
        side = int((room / (4 * BYTES_PER_SEEN_PIXEL)) ** 0.5)  # an image may have twice this along its longer side
        return Limits(
            max_pixels=sys.maxsize if self.max_pixels is None else self.max_pixels,
            enough_side=max(64, min(Limits().enough_side, side)),
            max_pages=most_pages,
            max_bytes=room,
        )

    def batch(self, bytes_per_window: int) -> int:
        """Windows that may be read together; ValueError when there is no room for one."""
        if self.max_memory is None:
            return BATCH
        count = (self.max_memory // 2) // bytes_per_window
        if count < 1:
            raise ValueError(
                f"max_memory is {self.max_memory // _MEGABYTE} MiB, and reading one window of a page takes "
                f"{-(-2 * bytes_per_window // _MEGABYTE)} MiB; allow that much"
            )
        return min(BATCH, count)


def window_bytes(config: "TextHawkConfig", layout: TileLayout, tokens: int, bytes_per_value: int) -> int:
    """What one window takes while it is read, at most: pixels, activations of tower and language model, cache, logits.

    tokens: of its prompt and its answer together.
    """
    vision, text = config.vision_config, config.text_config
    patches = sum(-(-height // vision.patch_size) * -(-width // vision.patch_size) for height, width in layout.views)
    pixels = sum(3 * height * width for height, width in layout.views)
    kept = patches * vision.hidden_size * (len(config.feature_layers) + _COPIES) + patches * vision.intermediate_size
    attention = vision.num_attention_heads * sum(
        ((height // vision.patch_size) * (width // vision.patch_size)) ** 2 for height, width in layout.views
    )
    head = text.hidden_size // text.num_attention_heads
    cache = 2 * text.num_hidden_layers * text.num_key_value_heads * head * tokens
    running = tokens * (_COPIES * text.hidden_size + 2 * text.intermediate_size)
    logits = _LOGITS * text.vocab_size
    return bytes_per_value * (pixels + kept + attention + cache + running) + 4 * logits


def most_tokens(window: "Window") -> int:
    """Tokens that a window can hold at most: small letters side by side along each of its lines."""
    letters = sum(piece.length / max(1.0, 0.3 * piece.height) for piece in window.pieces)
    return min(128 * max(8, len(window.pieces)), 16 + round(letters) + 2 * len(window.pieces))


def bytes_of_a_window(
    windows: "Sequence[Window]",
    config: "TextHawkConfig",
    layout: TileLayout,
    visual_tokens: int,
    bytes_per_value: int,
) -> int:
    """What any of a page's windows takes at most, all of which have this layout and so many visual tokens."""
    tokens = visual_tokens + _PROMPT + max(map(most_tokens, windows))
    return window_bytes(config, layout, tokens, bytes_per_value)
