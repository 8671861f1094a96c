"""texthawk find: the boxes of a phrase, or of a thing that is described, in the page's own pixels."""

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from texthawk.cli.consulting import Consulted, add_options, consulted

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image

    from texthawk.decode.documents.finding import Place
    from texthawk.decode.reader import Reader


def main(argv: list[str]) -> int:
    """0, also where a phrase is nowhere; 1 when some page could not be read or drawn; 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _find(arguments)
    except ValueError as error:
        print(f"texthawk find: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="texthawk find",
        description=__doc__,
        epilog="The phrase is looked up among the words that were read, some misread letters allowed. Where none are near "
        "to it, a model that has learned to point is shown each page and says where what the phrase describes is drawn, as in "
        "'the red car'. Each place tells which of the two it was. "
        "Exit status: 0, also where a phrase is nowhere, which is said (an empty list in JSON); 1 when some page "
        "could not be read or drawn; 2 for wrong usage.",
    )
    made.add_argument("file", metavar="FILE", help="PDF, PNG, JPEG, TIFF, WebP, GIF or BMP")
    made.add_argument("phrases", nargs="+", metavar="PHRASE")
    made.add_argument("--json", action="store_true", help="all that is known of each place")
    made.add_argument(
        "--by",
        choices=("auto", "text", "model"),
        default="auto",
        help="look among the words that were read, or ask the model (default: auto, the words, then the model)",
    )
    made.add_argument(
        "--draw",
        type=Path,
        metavar="OUT.png",
        help="draw the boxes on each page that has some; later pages are OUT-2.png, OUT-3.png, ...",
    )
    add_options(made)
    return made


def _find(arguments: argparse.Namespace) -> int:
    from texthawk.cli.telling import check_drawing, tell
    from texthawk.decode.documents.finding import check_asked, places
    from texthawk.image.raw import UnreadablePage

    check_asked(arguments.phrases, arguments.by)
    if arguments.draw is not None:
        check_drawing(arguments.draw, [arguments.file])
    with consulted(arguments, _check(arguments)) as document:
        if document is None:
            return 1
        undrawn: list[int] = []

        def picture(number: int) -> "Image.Image | None":
            try:
                return document.picture(number)
            except UnreadablePage as error:
                tell(f"page {number} cannot be drawn and is not pointed at: {error.message}")
                undrawn.append(number)
                return None

        found = places(document.pages, arguments.phrases, picture, document.reader, by=arguments.by)
        if arguments.json:
            print(json.dumps(_records(arguments.phrases, found), ensure_ascii=False, indent=1))
        else:
            _print(arguments.phrases, found, len(document.pages))
        drawn = arguments.draw is None or _draw(arguments.draw, document, [one for some in found for one in some])
    return int(document.failed > 0 or bool(undrawn) or not drawn)


def _check(arguments: argparse.Namespace) -> "Callable[[Reader], None] | None":
    """What refuses a model that cannot point, before pages are read for it; None where no model must."""
    from texthawk.decode.documents.finding import check_pointing

    return check_pointing if arguments.by == "model" else None


def _print(phrases: list[str], found: "list[list[Place]]", pages: int) -> None:
    from texthawk.decode.formats.characters import printable

    for number, (phrase, places) in enumerate(zip(phrases, found, strict=True)):
        if number:
            print()
        print(f"? {printable(' '.join(phrase.split()))}")
        for place in places:
            said = f": {printable(place.text)}" if place.text else ""
            print(
                f"- page {place.page} at {_sides(place.box)}{said} (by {place.by}, confidence {place.confidence:.2f})"
            )
        if not places:
            print(f"(not found on {pages} {'page' if pages == 1 else 'pages'})")


def _sides(box: Any) -> str:
    return ",".join(str(round(side)) for side in box)


def _records(phrases: list[str], found: "list[list[Place]]") -> list[dict[str, Any]]:
    return [
        {"phrase": phrase, "places": [_record(place) for place in places]}
        for phrase, places in zip(phrases, found, strict=True)
    ]


def _record(place: "Place") -> dict[str, Any]:
    return {
        "page": place.page,
        "box": [round(side, 1) for side in place.box],
        "lines": [[round(side, 1) for side in box] for box in place.lines],
        "text": place.text,
        "by": place.by,
        "edits": place.edits,
        "confidence": round(place.confidence, 4),
    }


def _draw(path: Path, document: Consulted, places: "list[Place]") -> bool:
    """Whether the pages with places were drawn; what went wrong has been told on stderr."""
    from texthawk.cli.telling import tell
    from texthawk.decode.overlay import framed
    from texthawk.image.raw import UnreadablePage

    marked = [page for page in document.pages if any(place.page == page.number for place in places)]
    for count, page in enumerate(marked, start=1):
        out = path if count == 1 else path.with_name(f"{path.stem}-{count}{path.suffix}")
        boxes = [box for place in places if place.page == page.number for box in place.lines]
        try:
            framed(document.picture(page.number), page, boxes).save(out)
        except UnreadablePage as error:
            tell(f"page {page.number} cannot be drawn: {error.message}")
            return False
        except OSError as error:
            tell(f"--draw {out} cannot be written; choose another place ({error})")
            return False
    if not marked:
        tell("nothing was found, so nothing is drawn")
    return True
