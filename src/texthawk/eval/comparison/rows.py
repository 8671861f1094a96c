"""The comparison itself: every connector on every size of page, counted twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from transformers import PretrainedConfig

from texthawk.compress import CompressorConfig
from texthawk.eval.comparison.cost import Flops, cache_shape, language_flops, tower_flops
from texthawk.eval.comparison.counting import Counter
from texthawk.eval.comparison.shapes import TowerShape
from texthawk.image.tilings import Tiling
from texthawk.types import TileLayout

TOLERANCE = 0.01
"""How far a part's count may lie from its formula, as a part of the larger one."""


@dataclass(frozen=True)
class Setup:
    """One way from a page to an answer, ready to be priced: a name and the four parts."""

    name: str
    tower: TowerShape
    connector: CompressorConfig
    language: PretrainedConfig

    def formula(self, layout: TileLayout, seen: Sequence[tuple[int, int]] | None = None) -> Flops:
        """Operations of a page by formula; `seen` are the tower's views where they are not the layout's."""
        tokens = self.connector.visual_tokens(layout)
        language, attention, head = language_flops(self.language, tokens)
        return Flops(
            tower=tower_flops(self.tower, seen or layout.views),
            connector=self.connector.flops(
                layout, encoder_width=self.tower.width, language_width=self.language.hidden_size
            ),
            language=language,
            attention=attention,
            head=head,
            tokens=tokens,
        )


def check_views(pairs: Sequence[tuple[Setup, Tiling]], pages: Sequence[tuple[int, int]]) -> None:
    """Raise ValueError where a tiling cuts pages into views that the tower before the connector cannot take."""
    refused = {}
    for setup, tiling in pairs:
        for page in pages:
            for height, width in tiling.layout(*page).views:
                if height % setup.tower.step or width % setup.tower.step:
                    refused[setup.name] = (
                        f"{setup.name} (a view of {width}x{height} px, sides must be multiples of {setup.tower.step})"
                    )
    if refused:
        able = [setup.name for setup, _ in pairs if setup.name not in refused]
        out = f"take --connectors {','.join(able)}" if able else "choose others with --connectors"
        raise ValueError(
            f"this tower cannot see the views of {', '.join(refused.values())}; {out}, or another tower with --tower"
        )


@dataclass(frozen=True)
class Row:
    """What one page costs one setup. Tokens, operations and cache are those of the page alone, without a prompt."""

    name: str
    page: tuple[int, int]
    layout: TileLayout
    counted: Flops
    formula: Flops
    cache_bytes: int
    parameters: dict[str, int]

    @property
    def tokens(self) -> int:
        return self.counted.tokens

    def disagreements(self, tolerance: float = TOLERANCE) -> list[str]:
        """Parts whose count and formula lie further apart than the tolerance, in words."""
        found = []
        for part, counted in self.counted.parts().items():
            written = self.formula.parts()[part]
            if abs(counted - written) > tolerance * max(counted, written):
                found.append(
                    f"{self.name}, page {self.page[1]}x{self.page[0]}: {part} was counted as {counted:,} operations, "
                    f"its formula says {written:,}"
                )
        return found

    def as_json(self) -> dict[str, Any]:
        """Plain data; a page is width x height, views are (height, width)."""
        first = self.counted.first_token()
        return {
            "connector": self.name,
            "width": self.page[1],
            "height": self.page[0],
            "views": [list(view) for view in self.layout.views],
            "visual_tokens": self.tokens,
            "parameters": self.parameters,
            "flops": {**self.counted.parts(), "total": self.counted.total},
            "flops_to_first_token": {**first.parts(), "total": first.total},
            "flops_by_formula": {**self.formula.parts(), "total": self.formula.total},
            "cache_bytes": self.cache_bytes,
        }


def price(
    setup: Setup,
    page: tuple[int, int],
    layout: TileLayout,
    counter: Counter,
    *,
    seen: Sequence[tuple[int, int]] | None = None,
) -> Row:
    """The row of one setup and one page of (height, width) pixels; `seen` as in `Setup.formula`."""
    counted = counter.flops(setup.tower, setup.connector, setup.language, layout, seen)
    return Row(
        name=setup.name,
        page=page,
        layout=layout,
        counted=counted,
        formula=setup.formula(layout, seen),
        cache_bytes=counted.tokens * cache_shape(setup.language).bytes_per_token,
        parameters=counter.parameters(setup.tower, setup.connector, setup.language),
    )


def compare(setups: Sequence[tuple[Setup, Tiling]], pages: Sequence[tuple[int, int]], counter: Counter) -> list[Row]:
    """Every page of (height, width) pixels with every setup, page after page."""
    return [price(setup, page, tiling.layout(*page), counter) for page in pages for setup, tiling in setups]
