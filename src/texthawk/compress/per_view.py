"""What the configs of connectors that compress each view by itself have in common: counting from the sizes of views.

Shape letters:  h, w patches of a view   W encoder width   D language width
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from texthawk.image.settings import check_settings
from texthawk.types import TileLayout


@dataclass(frozen=True, kw_only=True)
class PerViewConfig(ABC):
    """Counts tokens and operations of a page as the sum over its views; a method says both for one view.

    patch: side in pixels of the tower's patches, needed because a layout is in pixels; the tower's own.
    """

    patch: int = 14

    def __post_init__(self) -> None:
        check_settings(self)

    @property
    def levels_needed(self) -> int:
        """Feature levels the module reads at least; one, the deepest, for most methods."""
        return 1

    @abstractmethod
    def token_grid(self, h: int, w: int) -> tuple[int, int]:
        """Rows and columns of the tokens that a view of h x w patches becomes; one row where tokens have no place."""

    @abstractmethod
    def view_flops(self, h: int, w: int, encoder_width: int, language_width: int) -> int:
        """Operations for one view of h x w patches, see `flops`."""

    def visual_tokens(self, layout: TileLayout) -> int:
        """Visual tokens of a page: those of its views, no separators."""
        grids = [self.token_grid(height // self.patch, width // self.patch) for height, width in layout.views]
        return sum(rows * columns for rows, columns in grids)

    def separators(self, layout: TileLayout) -> list[int] | None:
        """None: nothing stands between the tokens."""
        return None

    def flops(self, layout: TileLayout, *, encoder_width: int, language_width: int) -> int:
        """Operations of matrix products, convolutions and attention for a page; a multiply and an add are two."""
        return sum(
            self.view_flops(height // self.patch, width // self.patch, encoder_width, language_width)
            for height, width in layout.views
        )


def windows(h: int, w: int, rows: int, columns: int) -> tuple[int, int]:
    """How many windows of rows x columns cover h x w patches down and across, the last ones filled up."""
    return -(-h // rows), -(-w // columns)


def heads_for(width: int) -> int:
    """Heads of 128 for an attention of this width; of a little more where that would not divide it."""
    return next(heads for heads in range(max(1, width // 128), 0, -1) if width % heads == 0)
