"""texthawk ask: answers from a document, with page and place of what they rest on."""

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from texthawk.cli.consulting import add_options, consulted
from texthawk.cli.read import positive

if TYPE_CHECKING:
    from texthawk.decode.asked import Form
    from texthawk.decode.documents.answer import DocumentAnswer
    from texthawk.decode.reader import Reader


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
        epilog="Where the model answers from what was read, a flat schema is asked field by field ('What is the due date?'; "
        "a description that ends in a question mark is asked as it is), and so is 'Extract date and total as JSON'. "
        "A model that has not learned to answer questions leaves an open answer out: the passages that "
        "share most with the question are shown, best first. With --choices or --schema it answers in that form all "
        "the same, and says that it guesses.",
    )
    made.add_argument("file", metavar="FILE", help="PDF, PNG, JPEG, TIFF, WebP, GIF or BMP")
    made.add_argument("questions", nargs="+", metavar="QUESTION")
    made.add_argument("--json", action="store_true", help="answers with the boxes of their evidence in page pixels")
    form = made.add_mutually_exclusive_group()
    form.add_argument(
        "--choices", metavar="A,B,...", help='the answer is one of these; with commas in them: \'["a, b", "c"]\''
    )
    form.add_argument("--schema", metavar="FILE", help="the answer is JSON that keeps the JSON schema in this file")
    made.add_argument(
        "--max-tokens",
        type=positive,
        metavar="N",
        help="of an answer, or of each field of one (default: 256); one with --choices or --schema is complete within them",
    )
    add_options(made)
    return made


def _ask(arguments: argparse.Namespace) -> int:
    form = _form(arguments.choices, arguments.schema)
    from texthawk.decode.asked import ANSWER_TOKENS, check_question
    from texthawk.decode.documents.asking import answers

    limit = arguments.max_tokens or ANSWER_TOKENS

    def check(reader: "Reader") -> None:
        for question in arguments.questions:
            check_question(question, reader.processor.tokenizer)
        if form is not None:
            form.constraint(reader.schemas, limit)

    with consulted(arguments, check) as document:
        if document is None:
            return 1
        pages, reader = document.pages, document.reader()
        found = answers(pages, arguments.questions, document.picture, reader, form=form, limit=limit)
        failed = document.failed
    if arguments.json:
        records = [_record(answer, closed=form is not None) for answer in found]
        print(json.dumps(records, ensure_ascii=False, indent=1))
    else:
        _print(found)
    if form is not None and not all(answer.learned for answer in found):
        print("texthawk: the model has not learned to answer questions; these answers are guesses", file=sys.stderr)
    return int(failed > 0)


def _form(choices: str | None, schema: str | None) -> "Form | None":
    """What --choices and --schema ask for, before anything heavy is loaded; ValueError says what is wrong with them."""
    from texthawk.decode.asked import form_of

    return form_of(None if choices is None else _choices(choices), None if schema is None else _schema(schema))


def _choices(text: str) -> list[str]:
    if not text.lstrip().startswith("["):
        return [choice.strip() for choice in text.split(",")]
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"--choices {text[:40]!r} begins as a JSON list and is none ({error})") from error
    if not all(isinstance(choice, str) for choice in listed):
        raise ValueError("--choices holds what is no text; put each choice in quotation marks")
    return list(listed)


def _schema(file: str) -> Any:
    try:
        with open(file, encoding="utf-8") as stream:
            schema = json.load(stream)
    except OSError as error:
        raise ValueError(f"--schema {file}: it cannot be read ({error})") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"--schema {file}: it is no JSON ({error})") from error
    if schema is None:
        raise ValueError(f"--schema {file}: it is null, which is no schema")
    return schema


def _print(found: "list[DocumentAnswer]") -> None:
    from texthawk.decode.formats.characters import printable

    for number, answer in enumerate(found):
        if number:
            print()
        print(f"? {printable(answer.question)}")
        if answer.text is not None:
            page = "" if answer.page is None else f"page {answer.page}, "
            print(f"= {printable(answer.text)} ({page}confidence {answer.confidence:.2f})")
            if answer.working:
                print(f"  worked out from {printable(answer.working.removeprefix('='))}")
        elif answer.finish_reason == "not_learned":
            print("(the model has not learned to answer; the nearest passages)")
        for evidence in answer.evidence:
            place = "" if evidence.box is None else " at " + ",".join(str(round(side)) for side in evidence.box)
            print(f"- page {evidence.page}{place}: {printable(' '.join(evidence.text.split()))}")
        if not answer.evidence:
            print("(nothing that was read has anything to do with it)")


def _record(answer: "DocumentAnswer", *, closed: bool) -> dict[str, Any]:
    """`answer` is the text, of a closed answer the choice or the JSON itself; null where there is none."""
    return {
        "question": answer.question,
        "answer": answer.value if closed else answer.text,
        "working": answer.working,
        "confidence": round(answer.confidence, 4),
        "finish_reason": answer.finish_reason,
        "learned": answer.learned,
        "page": answer.page,
        "evidence": [
            {
                "page": one.page,
                "text": one.text,
                "box": None if one.box is None else [round(side, 1) for side in one.box],
                "words": [[round(side, 1) for side in box] for box in one.words],
                "score": round(one.score, 3),
                "quoted": one.quoted,
            }
            for one in answer.evidence
        ],
    }
