"""texthawk eval calibration: the map from a model's probabilities to confidence is fitted, or measured on real pages."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from texthawk.cli.eval_run import families_of, fonts_of, tell

if TYPE_CHECKING:
    from texthawk.decode.calibration import Calibration
    from texthawk.decode.reader import Reader
    from texthawk.types import PageError


def calibration(arguments: argparse.Namespace, argv: Sequence[str]) -> int:
    from texthawk.eval import reliability
    from texthawk.eval.runs import write_json

    made, record, errors = (_map_on_pages if arguments.pages else _fitted_map)(arguments)
    for error in errors:
        tell(f"not read: {error.source}: {error.message}")
    arguments.out.mkdir(parents=True, exist_ok=True)
    write_json(arguments.out / "reliability.json", {"command": ["texthawk", "eval", *argv], **record})
    reliability.draw(record, [arguments.out / "reliability.png", arguments.out / "reliability.svg"])
    made.save(arguments.out)
    if arguments.save:
        from texthawk.decode.shipped import model_folder

        tell(f"written: {made.save(model_folder(arguments.model))}")
    before, after = record["before"]["error"], record["after"]["error"]
    print(f"expected calibration error: {before:.4f} before, {after:.4f} after, on {record['words']['measured']} words")
    return 1 if errors else 0


def _fitted_map(arguments: argparse.Namespace) -> "tuple[Calibration, dict[str, Any], list[PageError]]":
    """A map fitted on half of the sheets that are printed, and how it holds on the others."""
    from texthawk.data.synth.corpus import Corpus
    from texthawk.eval import printed as benchmark
    from texthawk.eval import reliability

    if arguments.text is None or not arguments.fonts_held_out:
        raise ValueError("give --text and --fonts-held-out to fit a map, or --pages to measure the model's own")
    fonts = fonts_of([], arguments.fonts_held_out)
    corpus = Corpus.from_folder(arguments.text, split="test")
    samples = benchmark.samples(corpus, fonts, arguments.out / "images", sheets=arguments.count, seed=arguments.seed)
    reader = _reader_of_own_mind(arguments)
    verdicts, errors = reliability.judged(samples, lambda image: reader.read(image, rotate=0))
    made, record = reliability.calibrated(verdicts)
    return made, {"families": families_of(fonts), **record}, errors


def _map_on_pages(arguments: argparse.Namespace) -> "tuple[Calibration, dict[str, Any], list[PageError]]":
    """The map that lies beside the model, and how it holds on pages of sets."""
    from texthawk.decode.calibration import calibration_of
    from texthawk.decode.shipped import model_folder
    from texthawk.eval import reliability
    from texthawk.eval.benchmarks import read

    made = calibration_of(model_folder(arguments.model))
    if made is None or arguments.save:
        raise ValueError(
            f"--pages measures the map of {arguments.model}: it must have one, and there is none to --save"
        )
    samples, remarks = read.find(arguments.pages, "dev", [], arguments.limit)
    for remark in remarks:
        tell(remark)
    verdicts, errors = reliability.judged(samples, _reader_of_own_mind(arguments).read, moved=True)
    return made, reliability.held(verdicts, made), errors


def _reader_of_own_mind(arguments: argparse.Namespace) -> "Reader":
    """A reader whose confidences are the model's own probabilities."""
    import torch

    import texthawk

    torch.set_num_threads(arguments.threads)
    reader = texthawk.load(arguments.model, device=arguments.device)
    reader.calibration = None
    return reader
