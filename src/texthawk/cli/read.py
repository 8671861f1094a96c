"""texthawk read: pages become text, or words with boxes and confidence."""

import argparse
import re
import sys
from pathlib import Path

from texthawk.image.selection import EVERY_PAGE, PageSelection, page_selection

FORMATS = ("text", "markdown", "json", "hocr", "alto", "pdf")
WHOLE_PAGE = (
    "show the model a page's lines in one prompt, on one tall grid of tiles, rather than eight at a time; nano gets a quarter "
    "of a dense page wrong so: it skips lines or reads them twice, and boxes are then those of other lines"
)
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


def main(argv: list[str]) -> int:
    """0; 1 when some page could not be read (the others are written); 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    from texthawk.cli.reading import read_files

    try:
        return read_files(arguments)
    except ValueError as error:
        print(f"texthawk read: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="texthawk read", description=__doc__)
    made.add_argument("files", nargs="+", metavar="FILE", help="PDF, PNG, JPEG, TIFF, WebP, GIF or BMP")
    made.add_argument("--format", choices=FORMATS, default="text", help="of the result (default: text)")
    made.add_argument("--pages", type=selection, default=EVERY_PAGE, metavar="1-3,7", help="only these pages")
    made.add_argument(
        "--boxes",
        action="store_true",
        help="each line of text starts with its box on the page (all other formats but Markdown have them anyhow)",
    )
    made.add_argument("--model", default="nano", help="nano, or a folder (default: nano)")
    made.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write NAME.txt, NAME.json, ... here, not to stdout; replaces older ones. Pages are kept in DIR/ledger as they "
        "are read: a reading that was broken off goes on, and another format of the same pages takes no reading",
    )
    made.add_argument(
        "--workers",
        type=positive,
        default=1,
        metavar="N",
        help="processes that read pages side by side, of one file or of many (default: 1)",
    )
    made.add_argument(
        "--text-layer",
        choices=("auto", "never", "always"),
        default="auto",
        help="take a PDF's own text: where it agrees with what is seen (auto, the default), never, or wherever there is any",
    )
    made.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help="ray: on the machines of a Ray cluster (default: local)",
    )
    made.add_argument("--device", help="cpu or cuda (default: what the machine has)")
    made.add_argument("--dpi", type=positive, default=200, metavar="N", help="of PDF pages (default: 200)")
    made.add_argument(
        "--max-visual-tokens", type=positive, metavar="N", help="a page never becomes more visual tokens than this"
    )
    made.add_argument("--max-pixels", type=positive, metavar="N", help="refuse larger pictures (default: 200 million)")
    made.add_argument(
        "--max-memory",
        type=amount,
        metavar="N",
        help="bytes that reading may take beside the model, for example 800M: PDF pages are drawn smaller, larger "
        "pictures refused, fewer lines read at once",
    )
    made.add_argument(
        "--rotate",
        type=rotation,
        default="auto",
        metavar="auto|0|90|180|270",
        help="turn pages clockwise before they are read (default: auto, as their text lies); boxes stay the page's own",
    )
    made.add_argument("--whole-page", action="store_true", help=WHOLE_PAGE)
    made.add_argument(
        "--draw",
        type=Path,
        metavar="OUT.png",
        help="draw the boxes on the page; later pages are OUT-2.png, OUT-3.png, ...",
    )
    return made


def selection(text: str) -> PageSelection:
    try:
        return page_selection(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from error
    if value < 1:
        raise argparse.ArgumentTypeError(f"{value} is not above 0")
    return value


def amount(text: str) -> int:
    match = re.fullmatch(r"(\d{1,18}(?:\.\d+)?)\s*([kmg]?)(?:i?b)?", text.strip().lower())
    if match is None or float(match[1]) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no amount of memory; write for example 800M or 2G")
    return int(float(match[1]) * _BYTES[match[2]])


def rotation(text: str) -> str | int:
    if text not in ("auto", "0", "90", "180", "270"):
        raise argparse.ArgumentTypeError(f"{text!r} is no quarter turn; write auto, 0, 90, 180 or 270")
    return "auto" if text == "auto" else int(text)
