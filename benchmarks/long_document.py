"""Memory and speed of a reading of many pages: is memory flat after the first pages, and do several processes help?

    python benchmarks/long_document.py                                  1000 pages of which the text layer is taken
    python benchmarks/long_document.py --pages 300 --lines 1 --text-layer never    pages that the model reads
    python benchmarks/long_document.py --workers 1 2 --format markdown

Makes a PDF of its own, reads it with `texthawk read` in a process of its own, and looks at the resident memory of that
process and of those that it started (what they share is counted in each) when each page is done. Prints a table; flat
means that the most of the last 100 pages is at most 5% above the most of the 100 pages after page 20, for within a page memory
goes up and down. Of a document of less than 220 pages, the two halves of what comes after page 20 are compared.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

MEGABYTE = 2**20
FIRST = 20  # pages after which memory must be flat
COMPARED = 100  # pages at each end, or half of them where there are less
WORDS = (
    "the committee met on a Tuesday to discuss what schools in each district will receive for paper and heating".split()
)
COMMAND = "import sys; from texthawk.cli import main; sys.exit(main())"


def pdf_of(pages: int, lines: int) -> bytes:
    """Pages in Courier, each with other words and a picture of its own."""
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "", "<</Type/Font/Subtype/Type1/BaseFont/Courier>>"]
    kids = []
    for number in range(1, pages + 1):
        drawn = [f"q 200 0 0 100 72 40 cm BI /W 64 /H 32 /CS /G /BPC 8 /F /AHx ID {_picture(number)}> EI Q"]
        for row in range(lines):
            text = " ".join(WORDS[(number * 7 + row * 5 + k * (1 + number % 5)) % len(WORDS)] for k in range(9))
            drawn.append(f"BT /F 11 Tf 60 {740 - 18 * row} Td ({number}.{row} {text}) Tj ET")
        content = "\n".join(drawn)
        objects.append(f"<</Length {len(content)}>>stream\n{content}\nendstream ")
        page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Resources<</Font<</F 3 0 R>>>>"
        objects.append(f"{page}/Contents {len(objects)} 0 R>>")
        kids.append(f"{len(objects)} 0 R")
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {pages}>>"
    parts, offsets, length = ["%PDF-1.4\n"], [], 9
    for number, content in enumerate(objects, start=1):
        offsets.append(length)
        parts.append(f"{number} 0 obj{content}endobj\n")
        length += len(parts[-1])
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    parts.append(
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Root 1 0 R/Size {size}>>\nstartxref\n{length}\n%%EOF\n"
    )
    return "".join(parts).encode("ascii")


def _picture(number: int) -> str:
    """A faint pattern, which is no ink."""
    return "".join(f"{250 + (number * k) % 5:02x}" for k in range(64 * 32))


def measured(document: Path, out: Path, arguments: argparse.Namespace, workers: int) -> tuple[list[float], float, int]:
    """Resident megabytes when each page was done (those seen in between), seconds in all, exit status."""
    command = [sys.executable, "-c", COMMAND, "read", str(document), "--out", str(out), "--workers", str(workers)]
    command += ["--format", arguments.format, "--text-layer", arguments.text_layer, "--model", arguments.model]
    began = time.perf_counter()
    running = psutil.Popen(command, stderr=subprocess.PIPE)
    memory, done = dict[int, float](), 0
    while running.poll() is None:
        ledgers = list(out.glob("ledger/*.jsonl"))
        if ledgers:
            with ledgers[0].open("rb") as lines:
                done = max(0, sum(1 for _ in lines) - 1)
        memory[done] = max(memory.get(done, 0.0), _resident(running))
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    if running.returncode:
        print(running.stderr.read().decode(), file=sys.stderr)
    values, last = [], 0.0
    for page in range(arguments.pages + 1):
        last = memory.get(page, last)
        values.append(last)
    return values, seconds, running.returncode


def _resident(process: psutil.Process) -> float:
    try:
        family = [process, *process.children(recursive=True)]
        return sum(member.memory_info().rss for member in family) / MEGABYTE
    except psutil.NoSuchProcess:  # one of them has just ended
        return 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pages", type=int, default=1000)
    parser.add_argument("--lines", type=int, default=36)
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--format", default="json")
    parser.add_argument("--text-layer", default="always")
    parser.add_argument("--model", default="nano")
    arguments = parser.parse_args()
    compared = min(COMPARED, (arguments.pages - FIRST) // 2)
    if compared < 1:
        parser.error(
            f"--pages {arguments.pages} tells nothing of memory after page {FIRST}; it is at least {FIRST + 2}"
        )
    most = f"MiB at page 1 | at {FIRST} | most of the next {compared} | most | most of the last {compared}"
    print(f"| workers | pages/min | {most} | flat |")
    print("|---|---|---|---|---|---|---|---|")
    flat = True
    for workers in arguments.workers:
        with tempfile.TemporaryDirectory() as folder:
            document = Path(folder) / "long.pdf"
            document.write_bytes(pdf_of(arguments.pages, arguments.lines))
            values, seconds, status = measured(document, Path(folder) / "out", arguments, workers)
        if status:
            print(f"the reading ended with status {status}", file=sys.stderr)
            return 1
        early, last = max(values[FIRST : FIRST + compared]), max(values[-compared:])
        holds = last <= 1.05 * early
        flat &= holds
        numbers = (60 * arguments.pages / seconds, values[1], values[FIRST], early, max(values), last)
        print(
            f"| {workers} | " + " | ".join(f"{number:.0f}" for number in numbers) + f" | {'yes' if holds else 'no'} |"
        )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
