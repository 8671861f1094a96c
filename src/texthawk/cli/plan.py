"""texthawk plan: tiles, visual tokens, bytes and operations of each page, before anything runs."""

import argparse
import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from texthawk.image.selection import EVERY_PAGE, PageSelection, page_selection

if TYPE_CHECKING:
    from texthawk.image.budget import CacheShape, Plan
    from texthawk.image.raw import RawPage
    from texthawk.model.configuration import TextHawkConfig

COLUMNS = ("file", "page", "pixels", "grid", "thumbnail", "tiles", "visual tokens", "pixel MiB", "cache MiB", "GFLOP")
_ENOUGH = 64  # only the size of a page matters here, so it is decoded as small as it can be


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
        epilog="pixel MiB: the tiles in float32. cache MiB: keys and values of the page's tokens in bfloat16. "
        "GFLOP: tower, connector and one pass of the language model over the page's tokens.",
    )
    made.add_argument("files", nargs="+", metavar="FILE", help="PDF, PNG, JPEG, TIFF, WebP, GIF or BMP")
    made.add_argument("--model", default="nano", help="nano, a folder, or the name of a recipe (default: nano)")
    made.add_argument("--max-visual-tokens", type=int, metavar="N", help="a page never becomes more than this")
    made.add_argument("--pages", type=_selection, default=EVERY_PAGE, metavar="1-3,7", help="only these pages")
    made.add_argument("--dpi", type=float, default=200, metavar="N", help="of PDF pages (default: 200)")
    made.add_argument(
        "--max-pixels", type=int, metavar="N", help="refuse larger pictures (default: 200 million pixels)"
    )
    made.add_argument("--json", action="store_true", help="print one JSON document instead of a table")
    return made


def _selection(text: str) -> PageSelection:
    try:
        return page_selection(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _plan(arguments: argparse.Namespace) -> int:
    from texthawk.image.budget import plan
    from texthawk.image.pages import Limits, open_pages
    from texthawk.model.cost import operations
    from texthawk.types import PageError

    settings = {} if arguments.max_pixels is None else {"max_pixels": arguments.max_pixels}
    limits = Limits(enough_side=_ENOUGH, **settings)
    config = config_of(arguments.model)
    tiling, cache, flops = config.tiling_config, cache_shape(config), operations(config)
    plans: list[tuple[RawPage, Plan]] = []
    errors: list[PageError] = []
    for file in arguments.files:
        for page in open_pages(file, dpi=arguments.dpi, limits=limits, selection=arguments.pages):
            if isinstance(page, PageError):
                place = "" if page.number is None else f"page {page.number}: "
                print(f"texthawk: {page.source}: {place}{page.message}", file=sys.stderr, flush=True)
                errors.append(page)
                continue
            made = plan(
                page.height,
                page.width,
                tiling=tiling,
                visual_tokens=config.visual_tokens,
                max_visual_tokens=arguments.max_visual_tokens,
                frame_tokens=config.frame_tokens,
                cache=cache,
                flops=flops,
            )
            plans.append((page, made))
    if arguments.json:
        documents = {"plans": [_as_json(page, made) for page, made in plans], "errors": [asdict(e) for e in errors]}
        print(json.dumps({"model": arguments.model, **documents}, indent=1))
    elif plans:
        _print_table([_as_row(page, made) for page, made in plans])
    return 1 if errors else 0


def config_of(model: str) -> "TextHawkConfig":
    """The config of a model in a folder, of one that ships with the package, or of a recipe that nobody trained yet."""
    from texthawk.decode.reader import model_folder
    from texthawk.model.configuration import TextHawkConfig
    from texthawk.recipes import RECIPES

    try:
        return TextHawkConfig.from_pretrained(model_folder(model))
    except ValueError as error:
        if model in RECIPES:
            return RECIPES[model]().model_config()
        raise ValueError(f"{error}, or the name of a recipe ({', '.join(RECIPES)})") from error


def cache_shape(config: "TextHawkConfig") -> "CacheShape":
    """The size of what the language model keeps of a token."""
    from texthawk.image.budget import CacheShape

    text = config.text_config
    head_width = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    return CacheShape(text.num_hidden_layers, text.num_key_value_heads, head_width)


def _as_json(page: "RawPage", made: "Plan") -> dict[str, Any]:
    return {
        "source": page.source,
        "page": page.number,
        "width": page.width,
        "height": page.height,
        "rows": made.rows,
        "columns": made.columns,
        "thumbnail": made.thumbnail,
        "tiles": made.tiles,
        "visual_tokens": made.visual_tokens,
        "tokens": made.tokens,
        "pixel_bytes": made.pixel_bytes,
        "cache_bytes": made.cache_bytes,
        "flops": made.flops,
    }


def _as_row(page: "RawPage", made: "Plan") -> tuple[str, ...]:
    return (
        page.source.encode("utf-8", "backslashreplace").decode("utf-8"),
        str(page.number),
        f"{page.width}x{page.height}",
        f"{made.rows}x{made.columns}",
        "yes" if made.thumbnail else "no",
        str(made.tiles),
        str(made.visual_tokens),
        f"{made.pixel_bytes / 2**20:.1f}",
        "-" if made.cache_bytes is None else f"{made.cache_bytes / 2**20:.2f}",
        "-" if made.flops is None else f"{made.flops / 1e9:.2f}",
    )


def _print_table(rows: list[tuple[str, ...]]) -> None:
    """Columns divided by two spaces: the file's name to the left, all others to the right."""
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]))
