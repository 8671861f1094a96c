"""texthawk plan: tiles, visual tokens, bytes and operations of each page, before anything runs."""

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from texthawk.cli.read import WHOLE_PAGE, amount, positive, rotation, selection
from texthawk.image.selection import EVERY_PAGE

if TYPE_CHECKING:
    from PIL.Image import Image

    from texthawk.decode.budgets import Budget
    from texthawk.image.budget import CacheShape, Plan
    from texthawk.image.raw import RawPage
    from texthawk.model.configuration import TextHawkConfig
    from texthawk.types import PageError

COLUMNS = (
    "file", "page", "pixels", "grid", "thumbnail", "tiles", "visual tokens", "pixel MiB", "cache MiB", "GFLOP",
    "windows", "read tokens", "read MiB",
)  # fmt: skip


def main(argv: list[str]) -> int:
    """0; 1 when some page has no plan (the others are printed); 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _plan(arguments)
    except ValueError as error:
        print(f"texthawk plan: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="texthawk plan",
        description=__doc__,
        epilog="Up to GFLOP, the page as one image of a prompt. pixel MiB: the tiles in float32. cache MiB: keys and values "
        "of the page's tokens in bfloat16. GFLOP: tower, connector and one pass of the language model over the page's "
        "tokens. windows, read tokens: what texthawk read spends on the page, which sets its lines on canvases of their "
        "own; canvases that must be read twice, and PDF pages whose own text it can take, differ. read MiB: memory that reading "
        "takes beside the model in float32, at most; --max-memory bounds it.",
    )
    made.add_argument("files", nargs="+", metavar="FILE", help="PDF, PNG, JPEG, TIFF, WebP, GIF or BMP")
    made.add_argument("--model", default="nano", help="nano, a folder, or the name of a recipe (default: nano)")
    made.add_argument("--max-visual-tokens", type=positive, metavar="N", help="a page never becomes more than this")
    made.add_argument("--pages", type=selection, default=EVERY_PAGE, metavar="1-3,7", help="only these pages")
    made.add_argument("--dpi", type=float, default=200, metavar="N", help="of PDF pages (default: 200)")
    made.add_argument(
        "--max-pixels", type=positive, metavar="N", help="refuse larger pictures (default: 200 million pixels)"
    )
    made.add_argument("--max-memory", type=amount, metavar="N", help="as of texthawk read, for example 800M")
    made.add_argument(
        "--rotate",
        type=rotation,
        default="auto",
        metavar="auto|0|90|180|270",
        help="as of texthawk read; auto leaves a page upright where its ink does not tell (default: auto)",
    )
    made.add_argument("--whole-page", action="store_true", help=f"as of texthawk read: {WHOLE_PAGE}")
    made.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    return made


@dataclass(frozen=True)
class PagePlan:
    """What a page (`width` x `height` pixels) costs as one image of a prompt, and in the windows in which it is read."""

    source: str
    number: int
    width: int
    height: int
    whole: "Plan"
    windows: int
    read_tokens: int
    read_bytes: int


def _plan(arguments: argparse.Namespace) -> int:
    from texthawk.cli.telling import message_of, tell
    from texthawk.decode.budgets import Budget
    from texthawk.image.pages import open_pages
    from texthawk.types import PageError

    budget = Budget(arguments.max_visual_tokens, arguments.max_pixels, arguments.max_memory)
    limits = budget.limits()
    planner = _Planner(arguments, budget)
    plans: list[PagePlan] = []
    errors: list[PageError] = []
    for file in arguments.files:
        for page in open_pages(file, dpi=arguments.dpi, limits=limits, selection=arguments.pages):
            made = page if isinstance(page, PageError) else planner.of(page)
            if isinstance(made, PagePlan):
                plans.append(made)
                continue
            tell(message_of(made))
            errors.append(made)
    if arguments.json:
        documents = {"plans": [_as_json(made) for made in plans], "errors": [asdict(e) for e in errors]}
        print(json.dumps({"model": arguments.model, **documents}, indent=1))
    elif plans:
        _print_table([_as_row(made) for made in plans])
    return 1 if errors else 0


class _Planner:
    """A model's prices, asked page by page."""

    def __init__(self, arguments: argparse.Namespace, budget: "Budget") -> None:
        from texthawk.model.cost import operations

        self._config = config_of(arguments.model)
        self._budget, self._most, self._rotate = budget, budget.max_visual_tokens, arguments.rotate
        self._whole_page = arguments.whole_page
        self._cache, self._flops = cache_shape(self._config), operations(self._config)

    def of(self, page: "RawPage") -> "PagePlan | PageError":
        """The plan of a page; an error where it cannot keep the bound, so that the other pages still have theirs."""
        from texthawk.decode.budgets import BYTES_PER_SEEN_PIXEL, bytes_of_a_window
        from texthawk.decode.upright import as_it_came, upright
        from texthawk.decode.windows import fitted
        from texthawk.image.budget import FLOAT32_BYTES, plan
        from texthawk.image.rows import row_setting
        from texthawk.types import PageError

        config, tiling = self._config, self._config.tiling_config

        def price(window: "Image") -> int:
            return config.visual_tokens(tiling.layout(window.height, window.width))

        try:
            whole = plan(
                page.height,
                page.width,
                tiling=tiling,
                visual_tokens=config.visual_tokens,
                max_visual_tokens=self._most,
                frame_tokens=config.frame_tokens,
                cache=self._cache,
                flops=self._flops,
            )
            seen = upright(page.image, self._rotate, as_it_came)
            windows = fitted(
                seen.image, seen.regions, row_setting(tiling.tile, whole_page=self._whole_page), price, self._most
            )
            taken = max(page.decoding, page.image.width * page.image.height * BYTES_PER_SEEN_PIXEL)
            if windows:
                first = windows[0].image
                layout = tiling.layout(first.height, first.width)
                each = bytes_of_a_window(windows, config, layout, price(first), FLOAT32_BYTES)
                taken += min(len(windows), self._budget.batch(each)) * each
        except ValueError as error:
            return PageError(page.source, page.number, str(error))
        tokens = sum(price(window.image) for window in windows)
        return PagePlan(page.source, page.number, page.width, page.height, whole, len(windows), tokens, taken)


def config_of(model: str) -> "TextHawkConfig":
    """The config of a model in a folder, of one that ships with the package, or of a recipe that nobody trained yet."""
    from texthawk.decode.shipped import model_folder
    from texthawk.model.loading import config_in
    from texthawk.recipes import RECIPES

    try:
        folder = model_folder(model)
    except ValueError as error:
        if model in RECIPES:
            return RECIPES[model]().model_config()
        raise ValueError(f"{error}, or the name of a recipe ({', '.join(RECIPES)})") from error
    return config_in(folder)


def cache_shape(config: "TextHawkConfig") -> "CacheShape":
    """The size of what the language model keeps of a token."""
    from texthawk.image.budget import CacheShape

    text = config.text_config
    head_width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return CacheShape(text.num_hidden_layers, text.num_key_value_heads, head_width)


def _as_json(planned: PagePlan) -> dict[str, Any]:
    made = planned.whole
    return {
        "source": planned.source,
        "page": planned.number,
        "width": planned.width,
        "height": planned.height,
        "rows": made.rows,
        "columns": made.columns,
        "thumbnail": made.thumbnail,
        "tiles": made.tiles,
        "visual_tokens": made.visual_tokens,
        "tokens": made.tokens,
        "pixel_bytes": made.pixel_bytes,
        "cache_bytes": made.cache_bytes,
        "flops": made.flops,
        "windows": planned.windows,
        "read_visual_tokens": planned.read_tokens,
        "read_bytes": planned.read_bytes,
    }


def _as_row(planned: PagePlan) -> tuple[str, ...]:
    from texthawk.decode.formats.characters import printable_name

    made = planned.whole
    return (
        printable_name(planned.source),
        str(planned.number),
        f"{planned.width}x{planned.height}",
        f"{made.rows}x{made.columns}",
        "yes" if made.thumbnail else "no",
        str(made.tiles),
        str(made.visual_tokens),
        f"{made.pixel_bytes / 2**20:.1f}",
        "-" if made.cache_bytes is None else f"{made.cache_bytes / 2**20:.2f}",
        "-" if made.flops is None else f"{made.flops / 1e9:.2f}",
        str(planned.windows),
        str(planned.read_tokens),
        f"{planned.read_bytes / 2**20:.1f}",
    )


def _print_table(rows: list[tuple[str, ...]]) -> None:
    """Columns divided by two spaces: the file's name to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
