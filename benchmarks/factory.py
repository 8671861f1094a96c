"""How many documents of each family a core makes in a second, at 1000 pixels height.

    python benchmarks/factory.py --text FOLDER
    python benchmarks/factory.py --text FOLDER --families article,table --documents 400 --fonts Liberation,DejaVu

FOLDER has text files named by language (en_news.jsonl, zh.txt). A family's documents are made in one process one after
another, as a run of a mixture makes them; seconds are those of the processor, so other work on the machine slows the
figures less than its clock. The first quarter of them warms up and is told apart. "clean" is the document alone, "file"
also encodes its picture and writes the conversation, "photograph" is damage of level 3 alone. Exit status 1 where text
pages (article, letter) come slower than 100 a second, or tables and charts slower than 10.
"""

import argparse
import sys
import time
from pathlib import Path

from texthawk.data.factory.factory import Factory
from texthawk.data.factory.families import FAMILIES
from texthawk.data.factory.texts import Texts
from texthawk.data.synth.fonts import hold_out, system_fonts

TARGETS = {"article": 100.0, "letter": 100.0, "table": 10.0}
CHARTS = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--text", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--families", default=",".join(FAMILIES), metavar="A,B")
    parser.add_argument("--lang", default="", metavar="A,B", help="only these languages")
    parser.add_argument("--documents", type=int, default=200, metavar="N")
    parser.add_argument("--height", type=int, default=1000, metavar="PX")
    parser.add_argument("--fonts", default="", metavar="A,B", help="only families with these in their name")
    arguments = parser.parse_args()
    fonts = system_fonts()
    if arguments.fonts:
        fonts = hold_out(fonts, arguments.fonts.split(","))[1]
    texts = Texts.from_folder(arguments.text)
    if arguments.lang:
        texts = texts.only(arguments.lang.split(","))
    print(
        f"{arguments.height} px high, {len(fonts)} fonts, texts in {', '.join(texts.languages)}; documents a second and core"
    )
    print("| family | warming up | clean | slowest language | file | photograph |\n|---|---|---|---|---|---|")
    reached = True
    for family in arguments.families.split(","):
        makers = {
            level: Factory(
                texts,
                fonts,
                seed=1,
                families={family: 1.0},
                damage=[float(n == level) for n in range(4)],
                height=arguments.height,
            )
            for level in (0, 3)
        }
        count, warm = arguments.documents, max(1, arguments.documents // 4)
        cold = _rate(makers[0].document, range(warm))
        clean = _rate(makers[0].document, range(warm, count))
        slowest = min(
            _rate(_only(makers[0], lang).document, range(warm, warm + warm), warm=range(warm))
            for lang in texts.languages
        )
        file = _rate(makers[0].example, range(warm))
        photograph = _rate(makers[3].document, range(min(warm, 30)))
        print(f"| {family} | {cold:.0f} | {clean:.0f} | {slowest:.0f} | {file:.0f} | {photograph:.0f} |", flush=True)
        reached &= clean >= TARGETS.get(family, CHARTS if family.endswith("chart") else 0.0)
    return 0 if reached else 1


def _only(factory: Factory, lang: str) -> Factory:
    """The same factory for documents in one language."""
    one = Factory.__new__(Factory)
    one.__setstate__({**factory.__getstate__(), "languages": {lang: 1.0}})
    return one


def _rate(make, indexes, warm=()) -> float:  # type: ignore[no-untyped-def]
    for index in warm:
        make(index)
    began = time.process_time()
    for index in indexes:
        make(index)
    return len(indexes) / (time.process_time() - began)


if __name__ == "__main__":
    sys.exit(main())
