"""texthawk show: pictures of what a model sees in a page, for any connector."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from texthawk.cli.read import rotation

if TYPE_CHECKING:
    from texthawk.eval.show.run import Wishes


def main(argv: list[str]) -> int:
    """0; 1 when the page could not be had; 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _show(arguments)
    except ValueError as error:
        print(f"texthawk show: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="texthawk show",
        description=__doc__,
        epilog="Writes PNG files and index.html, which lists them, and prints the path of the latter.",
    )
    made.add_argument("file", metavar="PAGE", help="PDF, PNG, JPEG, TIFF, WebP, GIF or BMP")
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="the folder for the pictures")
    made.add_argument("--model", default="nano", help="nano, or a folder (default: nano)")
    made.add_argument("--page", type=int, default=1, metavar="N", help="of a file with several pages (default: 1)")
    made.add_argument(
        "--token",
        type=int,
        action="append",
        default=[],
        metavar="N",
        help="a visual token by its number in the page's sequence, from 0; may be given several times",
    )
    made.add_argument("--word", help="a word of the answer")
    made.add_argument("--question", metavar="TEXT", help="what is asked (default: for the page's text)")
    made.add_argument(
        "--send",
        choices=("rows", "page"),
        help="the page's lines on rows, as texthawk read does it, or the page as one picture "
        "(default: rows; page with --connector or --tiling)",
    )
    made.add_argument(
        "--rotate",
        type=rotation,
        metavar="TURN",
        help="turn the page clockwise first: auto, 0, 90, 180 or 270 (default: auto for rows, as texthawk read does it; "
        "a page that is sent as one picture stays as it came)",
    )
    made.add_argument("--picture", type=int, metavar="N", help="which of the pictures with rows (default: the word's)")
    made.add_argument("--connector", metavar="NAME", help="this connector with random weights, for its shapes")
    made.add_argument("--tiling", metavar="NAME", help="cut pages in this way: adaptive, uhd or native")
    made.add_argument("--device", help="cpu or cuda (default: what the machine has)")
    made.add_argument("--dpi", type=float, default=200, metavar="N", help="of PDF pages (default: 200)")
    return made


def _show(arguments: argparse.Namespace) -> int:
    wishes = _wishes(arguments)
    if arguments.page < 1:
        raise ValueError(f"page {arguments.page}: pages count from 1")

    import torch

    import texthawk
    from texthawk.eval.show.run import show
    from texthawk.image.pages import UnreadablePage, one_page
    from texthawk.model.loading import usable_device

    device = usable_device(arguments.device)
    try:
        page = one_page(arguments.file, arguments.page, dpi=arguments.dpi)
    except UnreadablePage as error:
        print(f"texthawk: {error}", file=sys.stderr)
        return 1
    # Gradients and weights of attention are compared here, for which bfloat16 is coarse.
    reader = texthawk.load(arguments.model, device=device, dtype=torch.float32)
    try:
        path = show(page.image, reader, arguments.out, wishes, _title(arguments, page.count))
    except OSError as error:
        raise ValueError(
            f"the pictures cannot be written to {arguments.out}; choose another folder ({error})"
        ) from error
    print(path)
    return 0


def _wishes(arguments: argparse.Namespace) -> "Wishes":
    from texthawk.eval.show.run import Wishes

    given = {"question": arguments.question} if arguments.question else {}
    other = arguments.connector is not None or arguments.tiling is not None
    return Wishes(
        send=arguments.send or ("page" if other else "rows"),
        rotate=arguments.rotate,
        tokens=tuple(dict.fromkeys(arguments.token)),
        word=arguments.word,
        picture=arguments.picture,
        connector=arguments.connector,
        tiling=arguments.tiling,
        **given,
    )


def _title(arguments: argparse.Namespace, pages: int) -> str:
    page = f", page {arguments.page}" if pages > 1 else ""
    connector = f", {arguments.connector} with random weights" if arguments.connector else ""
    return f"{Path(arguments.file).name}{page}: what {arguments.model} sees{connector}"
