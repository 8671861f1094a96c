"""texthawk synth: print documents to learn from, with the exact text and place of every line."""

import argparse
import json
import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from texthawk.data.synth import PageMaker, SynthPage

SHEET_WIDTH, SHEET_HEIGHT = 1600, 1200
SHOWN = 48
LONGEST_SIDE = 16384
EPILOG = """\
With --family, texts are files named by language in the folder of --text (en_news.jsonl, zh.txt), and DIR gets images/ and
train.jsonl (with --split test: test.jsonl) with all questions on each document, which `folder` data sets are read from."""


def main(argv: list[str]) -> int:
    """0; 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _synth(arguments)
    except (ValueError, OSError) as error:
        print(f"texthawk synth: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="texthawk synth", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--out", type=Path, required=True, metavar="DIR", help="gets images/ and samples.jsonl")
    made.add_argument("--text", type=Path, metavar="FOLDER", help="folder of .txt, .md or .jsonl files to print")
    made.add_argument("--pattern", default="*", metavar="GLOB", help="only text files of these names (default: *)")
    made.add_argument(
        "--split",
        choices=("train", "test", "all"),
        default="train",
        help="95%% of the paragraphs, the other 5%%, or all",
    )
    made.add_argument("--count", type=int, default=16, metavar="N", help="number of images (default: 16)")
    made.add_argument("--seed", type=_seed, default=0, metavar="S", help="another seed, other pages (default: 0)")
    made.add_argument("--fonts", type=_names, default=[], metavar="A,B", help="only families with these in their name")
    made.add_argument("--hold-out", type=_names, default=[], metavar="A,B", help="no families with these in their name")
    made.add_argument("--family", metavar="NAME", help="documents that are asked about: a family, or all (see below)")
    made.add_argument(
        "--lang", type=_names, default=[], metavar="A,B", help="with --family: only these languages, or mixed"
    )
    made.add_argument(
        "--level", type=int, choices=range(4), metavar="0-3", help="with --family: damage; default: all levels"
    )
    made.add_argument("--shards", action="store_true", help="with --family: tar shards instead of a folder of images")
    made.add_argument("--kind", choices=("window", "page"), default="window", help="a crop, or a whole page")
    made.add_argument("--size", type=_size, metavar="HxW", help="pixels (default: 224x448, pages 1100x800)")
    made.add_argument("--height", type=int, default=1000, metavar="PX", help="with --family: of a page (default: 1000)")
    made.add_argument("--damage", type=_damage, default=1.0, metavar="D", help="0 is clean print, 1 usual (default: 1)")
    made.add_argument("--show", action="store_true", help="also write contact.png: the images with boxes drawn in")
    return made


def _names(value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def _seed(value: str) -> int:
    if not re.fullmatch(r"\d+", value):
        raise argparse.ArgumentTypeError(f"{value!r} is no seed; write a whole number, 0 or more")
    return int(value)


def _damage(value: str) -> float:
    try:
        level = float(value)
    except ValueError:
        level = -1.0
    if not 0 <= level < math.inf:
        raise argparse.ArgumentTypeError(f"{value!r} is no damage; write 0 for clean print, 1 for usual, or more")
    return level


def _size(value: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d+)x(\d+)", value)
    if match is None:
        raise argparse.ArgumentTypeError(f"{value!r} is no size; write height x width, as in 224x448")
    height, width = int(match[1]), int(match[2])
    if max(height, width) > LONGEST_SIDE:
        raise argparse.ArgumentTypeError(f"{value!r} has a side of more than {LONGEST_SIDE} pixels; make it shorter")
    return height, width


def _synth(arguments: argparse.Namespace) -> int:
    from texthawk.data.synth import Corpus, PageMaker, hold_out, system_fonts

    if arguments.text is None:
        raise ValueError("there is nothing to print; give a folder of .txt, .md or .jsonl files with --text")
    if arguments.count < 1:
        raise ValueError(f"--count {arguments.count} makes nothing; it must be 1 or more")
    fonts = system_fonts()
    if not fonts:
        raise ValueError("this system has no Latin text fonts; install some, for example Debian's fonts-dejavu-core")
    if arguments.fonts:
        fonts = hold_out(fonts, arguments.fonts)[1]
    fonts = hold_out(fonts, arguments.hold_out)[0]
    if not fonts:
        raise ValueError(
            f"no font is left with --fonts {','.join(arguments.fonts) or 'any'} and "
            f"--hold-out {','.join(arguments.hold_out) or 'none'}; name other families"
        )
    if arguments.family is not None:
        from texthawk.cli.synth_family import write_documents

        return write_documents(arguments, fonts)
    corpus = Corpus.from_folder(arguments.text, pattern=arguments.pattern, split=arguments.split)
    _write(PageMaker(corpus, fonts, seed=arguments.seed), arguments)
    return 0


def _write(maker: "PageMaker", arguments: argparse.Namespace) -> None:
    height, width = arguments.size or ((224, 448) if arguments.kind == "window" else (1100, 800))
    draw = maker.window if arguments.kind == "window" else maker.page
    images = arguments.out / "images"
    images.mkdir(parents=True, exist_ok=True)
    shown: list[SynthPage] = []
    with (arguments.out / "samples.jsonl").open("w", encoding="utf-8") as file:
        for index in range(arguments.count):
            page = draw(index, height=height, width=width, damage=arguments.damage)
            name = f"{arguments.kind}-{arguments.seed}-{index:06}"
            page.image.save(images / f"{name}.png")
            file.write(json.dumps(record(name, page), ensure_ascii=False) + "\n")
            if arguments.show and index < SHOWN:
                shown.append(page)
    if arguments.show:
        contact_sheet(shown).save(arguments.out / "contact.png")
    print(f"{arguments.count} images in {arguments.out}", file=sys.stderr)


def record(name: str, page: "SynthPage") -> dict[str, Any]:
    """A line of samples.jsonl: text and lines with boxes in 0 to 1 of the image."""
    width, height = page.image.size
    boxes = []
    for line in page.lines:
        left, top, right, bottom = line.box
        box = [round(value, 5) for value in (left / width, top / height, right / width, bottom / height)]
        boxes.append({"text": line.text, "box": box})
    return {"id": name, "image": f"images/{name}.png", "task": "ocr", "text": page.text, "boxes": boxes}


def contact_sheet(pages: "list[SynthPage]") -> Any:
    """One picture of all pages, as large as fits, with red boxes round lines and blue ones round words."""
    from PIL import Image, ImageDraw

    height, width = pages[0].image.height, pages[0].image.width
    columns = max(1, min(len(pages), round((len(pages) * height / width * SHEET_WIDTH / SHEET_HEIGHT) ** 0.5)))
    rows = -(-len(pages) // columns)
    sheet = Image.new("RGB", (columns * (width + 6), rows * (height + 6)), (90, 90, 90))
    for i, page in enumerate(pages):
        image = page.image.copy()
        draw = ImageDraw.Draw(image, "RGBA")
        for line in page.lines:
            for _, (left, top, right, bottom) in line.words:
                draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), outline=(0, 90, 255, 110))
            left, top, right, bottom = line.box
            draw.rectangle((left - 1, top - 1, right, bottom), outline=(255, 0, 0, 170))
        sheet.paste(image, (i % columns * (width + 6) + 3, i // columns * (height + 6) + 3))
    return sheet
