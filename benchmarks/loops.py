"""How many provoked loops the loop guard catches, how soon, and how often it takes a lawful repetition for one.

    python benchmarks/loops.py --count 400

Text is made of the project's own documents and of rows, leaders, rules and forms as pages have them, cut into tokens by
nano's tokenizer (or `--model`'s). Loops begin in the middle of prose, a table or a list and go on for 2048 tokens; some of them
with the hesitation that models show, a few copies that differ before the exact ones. Lawful repetitions are drawn up to
what a full page holds. The guard is not told what the ink of a page allows, which in reading bounds rows further.
"""

import argparse
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from transformers import AutoTokenizer

from texthawk.decode.guard import LoopGuard, without_loop
from texthawk.decode.reader import model_folder
from texthawk.model.register import register

ROOT = Path(__file__).parent.parent
TOKENS = 2048


def prose() -> list[str]:
    """Sentences of the project's documents, without their mark-up."""
    text = " ".join(path.read_text(encoding="utf-8") for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))])
    text = re.sub(r"```.*?```|[`*|#\[\]<>]|\(http\S*\)", " ", text, flags=re.DOTALL)
    return [" ".join(part.split()) for part in re.split(r"(?<=[.;:]) ", text) if 20 < len(part) < 200]


def words(rng: random.Random, count: int, sentences: Sequence[str]) -> str:
    found = " ".join(rng.sample(sentences, min(3, len(sentences)))).split()
    start = rng.randrange(max(1, len(found) - count))
    return " ".join(found[start : start + count])


Made = Callable[[random.Random, Sequence[str]], str]

LOOPS: dict[str, Made] = {
    "word": lambda rng, s: words(rng, 1, s) + " ",
    "phrase": lambda rng, s: words(rng, rng.randint(2, 6), s) + " ",
    "sentence": lambda rng, s: rng.choice(s) + " ",
    "two sentences": lambda rng, s: rng.choice(s) + " " + rng.choice(s) + " ",
    "line": lambda rng, s: words(rng, rng.randint(5, 14), s) + "\n",
    "short line": lambda rng, s: words(rng, rng.randint(1, 3), s) + "\n",
    "paragraph": lambda rng, s: "\n".join(words(rng, 9, s) for _ in range(rng.randint(3, 5))) + "\n\n",
    "table row": lambda rng, s: (
        "<tr>" + "".join(f"<td>{words(rng, 2, s)}</td>" for _ in range(rng.randint(2, 5))) + "</tr>\n"
    ),
    "letter": lambda rng, s: rng.choice("aeilmnot"),
    "number": lambda rng, s: f"{rng.randint(1, 99)} ",
    "cells": lambda rng, s: f"| {rng.randint(0, 9)} ",
    "dots": lambda rng, s: rng.choice([".", ". ", "-", "_", "0"]),
}
"""What a model repeats for ever."""


def _rows(rng: random.Random, row: str, low: int, high: int) -> str:
    return row * rng.randint(low, high)


LAWFUL: dict[str, Made] = {
    "prose": lambda rng, s: " ".join(rng.choice(s) for _ in range(30)),
    "contents with leaders": lambda rng, s: "".join(
        f"{words(rng, 3, s)} {rng.choice(['.', '. ']) * rng.randint(5, 90)} {k}\n" for k in range(20)
    ),
    "form with blanks": lambda rng, s: "".join(
        f"{words(rng, 2, s)} {'_' * rng.randint(10, 90)}\n" for _ in range(rng.randint(3, 20))
    ),
    "rules": lambda rng, s: (words(rng, 6, s) + "\n" + rng.choice("-=*_~") * rng.randint(40, 200) + "\n") * 3,
    "spaces": lambda rng, s: "".join(f"{words(rng, 1, s)}{' ' * rng.randint(8, 80)}{k}.00\n" for k in range(12)),
    "zeros": lambda rng, s: f"{rng.randint(1, 9)}{'0' * rng.randint(6, 60)} {words(rng, 4, s)}",
    "rows of zeros": lambda rng, s: _rows(rng, "0 0 0 0 0\n", 5, 50),
    "rows of dashes": lambda rng, s: _rows(rng, "- - - -\n", 5, 50),
    "empty cells": lambda rng, s: _rows(rng, "<tr>" + "<td></td>" * rng.randint(2, 8) + "</tr>\n", 5, 45),
    "equal rows": lambda rng, s: _rows(rng, f"{words(rng, 1, s)} {rng.randint(1, 9)} {rng.randint(1, 9)}\n", 4, 50),
    "not available": lambda rng, s: _rows(rng, rng.choice(["N/A\n", "NA NA NA\n", "n. a.\n", "nil\n"]), 5, 55),
    "yes and no": lambda rng, s: "".join(f"{words(rng, 4, s)}\nYes\nNo\n" for _ in range(25)),
    "ticks": lambda rng, s: _rows(rng, "[ ] Yes [ ] No\n", 5, 40),
    "refrain": lambda rng, s: "".join(
        words(rng, 30, s) + "\n" + ("row, row, row your boat\n" * rng.randint(1, 3)) for _ in range(4)
    ),
    "stammer": lambda rng, s: f"{words(rng, 8, s)} {'ha ' * rng.randint(3, 7)} {words(rng, 8, s)}",
    "grid of figures": lambda rng, s: "".join(
        " ".join(str(rng.choice([0, 0, 0, 1])) for _ in range(12)) + "\n" for _ in range(30)
    ),
}
"""What pages repeat, up to what a full page holds."""


def measure(count: int, model: str, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """By kind: the share caught and tokens generated after a loop began (median, worst); the share of false alarms."""
    register()
    tokenizer = AutoTokenizer.from_pretrained(model_folder(model), local_files_only=True)
    sentences, rng = prose(), random.Random(seed)
    loops: dict[str, dict[str, float]] = {}
    for name, made in LOOPS.items():
        spent: list[int] = []
        damage = 0
        for _ in range(count):
            before = words(rng, rng.randint(0, 40), sentences) + rng.choice([" ", "\n"])
            hesitation = "".join(made(rng, sentences) for _ in range(rng.randint(0, 3)))
            start = tokenizer(before + hesitation)["input_ids"]
            block = made(rng, sentences)
            body = tokenizer(block * (TOKENS // max(1, len(tokenizer(block)["input_ids"])) + 2))["input_ids"][:TOKENS]
            guard, said = LoopGuard(lambda token: tokenizer.decode([token])), [*start, *body]
            for place, token in enumerate(said):
                if (loop := guard.add(token)) is not None:
                    spent.append(place + 1 - len(start))
                    damage += without_loop(said[: place + 1], loop) < len(start)
                    break
        spent.sort()
        loops[name] = {
            "caught": len(spent) / count,
            "median tokens": spent[len(spent) // 2] if spent else float("nan"),
            "most tokens": spent[-1] if spent else float("nan"),
            "cut into what came before": damage / count,
        }
    lawful: dict[str, dict[str, float]] = {}
    for name, made in LAWFUL.items():
        alarms: Counter[bool] = Counter()
        for _ in range(count):
            guard = LoopGuard(lambda token: tokenizer.decode([token]))
            alarms[guard.extend(tokenizer(made(rng, sentences))["input_ids"]) is not None] += 1
        lawful[name] = {"false alarms": alarms[True] / count}
    return {"loops": loops, "lawful": lawful}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=200, metavar="N", help="of each kind (default: 200)")
    parser.add_argument("--model", default="nano", help="whose tokenizer (default: nano)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    found = measure(given.count, given.model, given.seed)
    if given.json:
        print(json.dumps(found, indent=1))
        return
    for title, rows in found.items():
        print(title)
        for name, row in rows.items():
            print(f"  {name:24}" + "  ".join(f"{key} {value:g}" for key, value in row.items()))
    for title, key in (("loops", "caught"), ("lawful", "false alarms")):
        rates = [row[key] for row in found[title].values()]
        print(f"{key} over all {title}: {sum(rates) / len(rates):.4f} of {given.count * len(rates)}")


if __name__ == "__main__":
    main()
