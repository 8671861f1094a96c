"""texthawk ask: answers from a document, with page and place of what they rest on."""

import argparse
import sys
from typing import TYPE_CHECKING, Any

from texthawk.cli.read import positive, selection
from texthawk.image.selection import EVERY_PAGE

if TYPE_CHECKING:
    from texthawk.decode.documents.asking import DocumentAnswer


def main(argv: list[str]) -> int:
    """0; 1 when some page could not be read; 2 for wrong usage."""
    arguments = parser().parse_args(argv)
    try:
        return _ask(arguments)
    except ValueError as error:
        print(f"texthawk ask: {error}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="texthawk ask",
        description=__doc__,
        epilog="A model that has not learned to answer questions, as nano, leaves the answer out: the passages that share "
        "most with the question are shown, best first.",
    )
    made.add_argument("file", metavar="FILE", help="PDF, PNG, JPEG, TIFF, WebP, GIF or BMP")
    made.add_argument("questions", nargs="+", metavar="QUESTION")
    made.add_argument("--json", action="store_true", help="answers with the boxes of their evidence in page pixels")
    made.add_argument("--pages", type=selection, default=EVERY_PAGE, metavar="1-3,7", help="only these pages")
    made.add_argument("--model", default="nano", help="nano, or a folder (default: nano)")
    made.add_argument("--device", help="cpu or cuda (default: what the machine has)")
    made.add_argument("--dpi", type=positive, default=200, metavar="N", help="of PDF pages (default: 200)")
    made.add_argument("--workers", type=positive, default=1, metavar="N", help="processes that read pages (default: 1)")
    made.add_argument(
        "--text-layer",
        choices=("auto", "never", "always"),
        default="auto",
        help="take a PDF's own text: where it agrees with what is seen (auto, the default), never, or wherever there is any",
    )
    return made


def _ask(arguments: argparse.Namespace) -> int:
    import tempfile
    from contextlib import closing
    from pathlib import Path

    from texthawk.cli.reading import Pictures, message_of
    from texthawk.decode.documents.asking import answers
    from texthawk.decode.documents.ledger import LedgerPages
    from texthawk.decode.documents.reading import ledger_of, opened, pages_in_order
    from texthawk.decode.documents.settings import ReadingSettings
    from texthawk.decode.documents.workers import OwnProcess, Workers
    from texthawk.image.raw import UnreadablePage
    from texthawk.types import Page

    settings = ReadingSettings(arguments.model, arguments.device, arguments.dpi, text_layer=arguments.text_layer)
    settings.record()
    own = OwnProcess(settings)
    engine = own if arguments.workers == 1 else Workers(settings, arguments.workers)
    failed, numbers = False, []
    with tempfile.TemporaryDirectory(prefix="texthawk-") as folder, closing(engine):
        try:
            file = opened(arguments.file, settings, arguments.pages, Path(folder))
            ledger = ledger_of(file, settings, Path(folder))
        except UnreadablePage as error:
            print(f"texthawk: {message_of(error.as_value())}", file=sys.stderr)
            return 1
        with closing(ledger), closing(Pictures(file, settings)) as pictures:
            for result in pages_in_order(file, ledger, engine):
                if isinstance(result, Page):
                    numbers.append(result.number)
                else:
                    failed = True
                    print(f"texthawk: {message_of(result)}", file=sys.stderr)
            found = answers(LedgerPages(ledger, numbers), arguments.questions, pictures.of, own.reader)
    _print(found, arguments.json)
    return int(failed)


def _print(found: "list[DocumentAnswer]", as_json: bool) -> None:
    if as_json:
        import json

        print(json.dumps([_record(answer) for answer in found], ensure_ascii=False, indent=1))
        return
    from texthawk.decode.formats.characters import printable

    for number, answer in enumerate(found):
        if number:
            print()
        print(f"? {printable(answer.question)}")
        if answer.text is not None:
            print(f"= {printable(answer.text)} (page {answer.page}, confidence {answer.confidence:.2f})")
        elif answer.finish_reason == "not_learned":
            print("(the model has not learned to answer; the nearest passages)")
        for evidence in answer.evidence:
            place = "" if evidence.box is None else " at " + ",".join(str(round(side)) for side in evidence.box)
            print(f"- page {evidence.page}{place}: {printable(' '.join(evidence.text.split()))}")
        if not answer.evidence:
            print("(nothing that was read has anything to do with it)")


def _record(answer: "DocumentAnswer") -> dict[str, Any]:
    return {
        "question": answer.question,
        "answer": answer.text,
        "confidence": round(answer.confidence, 4),
        "finish_reason": answer.finish_reason,
        "page": answer.page,
        "evidence": [
            {
                "page": one.page,
                "text": one.text,
                "box": None if one.box is None else [round(side, 1) for side in one.box],
                "words": [[round(side, 1) for side in box] for box in one.words],
                "score": round(one.score, 3),
            }
            for one in answer.evidence
        ],
    }
