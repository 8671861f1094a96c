"""How often a model points at what a phrase names, and how often at something where it names nothing.

    python benchmarks/pointing.py --scenes 40
    python benchmarks/pointing.py --scenes 40 --lang zh --model DIR

Scenes are the factory's, clean to photographed, of a seed that training has none of. Phrases that name nothing there have the
same forms as those that do: another kind, or one that is there in another colour. Right is a box that overlaps the thing's
with an IoU of 0.5 or more; of what is not there, no box.
"""

import argparse
from collections import Counter

import texthawk
from texthawk.data.factory.scene_phrases import SIDES
from texthawk.data.synth.dice import Dice
from texthawk.eval.metrics import iou
from texthawk.train.pointing import asked_scene

PLACED = tuple(side[2] for side in SIDES.values())
BESIDE = tuple(f" {side[0]} " for side in SIDES.values())


def form_of(english: str) -> str:
    """What kind of phrase it is."""
    if any(word in english for word in BESIDE):
        return "beside another"
    if any(word in english for word in PLACED):
        return "outermost"
    return "with its size" if english.startswith(("the small ", "the large ")) else "kind and colour"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="nano")
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--lang", choices=("en", "zh"), default="en")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    reader = texthawk.load(arguments.model)
    counts: Counter[tuple[str, str]] = Counter()
    for number in range(arguments.scenes):
        document, named, absent, _ = asked_scene(Dice(86028157, arguments.seed, number))
        phrases = [*named, *absent]
        said = [phrase.chinese if arguments.lang == "zh" else phrase.english for phrase in phrases]
        found = reader.places(document.image, said, by="model")
        for k, (phrase, places) in enumerate(zip(phrases, found, strict=True)):
            form = form_of(phrase.english)
            if k < len(named):
                counts[form, "there"] += 1
                counts[form, "found"] += bool(places) and iou(places[0].box, document.asked[k].boxes[0]) >= 0.5
            else:
                counts[form, "not there"] += 1
                counts[form, "pointed at"] += bool(places)
    print(f"{arguments.model}, {arguments.scenes} scenes, seed {arguments.seed}, {arguments.lang}\n")
    print("| phrases | name something | found | name nothing | pointed at all the same |\n|---|--:|--:|--:|--:|")
    forms = sorted({form for form, _ in counts})
    for form in forms:
        _print(form, *(counts[form, what] for what in ("there", "found", "not there", "pointed at")))
    sums = [sum(counts[form, what] for form in forms) for what in ("there", "found", "not there", "pointed at")]
    _print("all", *sums)


def _print(form: str, there: int, found: int, missing: int, pointed: int) -> None:
    right, wrong = (f"{count / of:.0%}" if of else "-" for count, of in ((found, there), (pointed, missing)))
    print(f"| {form} | {there} | {right} | {missing} | {wrong} |")


if __name__ == "__main__":
    main()
