"""`texthawk train RECIPE --text FOLDER --out RUN`: train a model, or go on where a killed run stopped.

The stages of a paper: `texthawk train RECIPE --model DIR --data PATH ... --out RUN` (`texthawk train --data --help`).

`texthawk train RECIPE --plan` says what a paper's stages would take (`texthawk train --plan --help`).

A pyramid (vdim, vdim-small) stands above a finished tower: `texthawk train vdim --tower DIR --pictures DIR --out RUN`.
"""

import argparse
import sys
from pathlib import Path

from texthawk.cli.options import above_zero, count


def main(argv: list[str]) -> int:
    if "--plan" in argv:
        from texthawk.cli.train_plan import main as plan

        return plan(argv)
    from texthawk.cli import train_paper

    if train_paper.wanted(argv):
        return train_paper.main(argv)
    parser = argparse.ArgumentParser(
        prog="texthawk train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "recipe",
        help="name of a recipe that has stages: nano, nano_chinese, nano_further, nano_answers, "
        "nano_answers_further, nano_outline, nano_pointing, tiny; or of a pyramid: vdim, vdim-small",
    )
    parser.add_argument("--text", type=Path, help="folder of text files to print and learn from")
    parser.add_argument("--pattern", default="*", help="which files of that folder (en_*, for example)")
    parser.add_argument("--fonts", type=Path, help="folder of fonts to print in beside this machine's")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an existing run is continued")
    parser.add_argument("--only", action="append", help="run this stage only (may be given several times)")
    parser.add_argument("--start", type=Path, help="folder of a saved model of the recipe to begin from")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default=None, help="cpu or cuda; default: cuda when there is one")
    parser.add_argument("--threads", type=count, default=None, help="threads of the training process")
    parser.add_argument("--workers", type=int, default=1, help="processes that render pages")
    parser.add_argument("--minutes", type=above_zero, default=None, help="stop after so long, with a checkpoint")
    parser.add_argument(
        "--export",
        type=Path,
        default=None,
        help="write the model here as it is when the run ends or stops; of a pyramid, a file of safetensors",
    )
    parser.add_argument("--tensorboard", action="store_true", help="of a model: write RUN/tensorboard/STAGE too")
    pyramid = parser.add_argument_group("for a pyramid")
    pyramid.add_argument("--tower", type=Path, help="folder of the SigLIP or CLIP that it stands above")
    pyramid.add_argument("--pictures", type=Path, help="folder of pictures to learn from; default: print --text")
    pyramid.add_argument("--steps", type=int, help="steps of the whole run; default: the recipe's")
    pyramid.add_argument("--batch", type=int, help="pictures in a step; default: the recipe's")
    args = parser.parse_args(argv)

    import torch

    from texthawk.model.loading import usable_device
    from texthawk.recipes import PYRAMIDS, RECIPES

    if args.recipe not in RECIPES and args.recipe not in PYRAMIDS:
        parser.error(f"recipe {args.recipe!r} is unknown; choose one of {', '.join([*RECIPES, *PYRAMIDS])}")
    if args.recipe in RECIPES and args.export and args.export.is_file():
        parser.error(f"--export {args.export} is a file; name a folder for the model")
    if args.out.is_file():
        parser.error(f"--out {args.out} is a file; name a folder for the run")
    if args.fonts and not args.fonts.is_dir():
        parser.error(f"--fonts {args.fonts} is no folder; give one with font files")
    if args.threads:
        torch.set_num_threads(args.threads)
    try:
        args.device = usable_device(args.device)
    except ValueError as error:
        parser.error(str(error))
    if args.recipe in RECIPES:
        if not RECIPES[args.recipe]().stages:
            parser.error(
                f"recipe {args.recipe!r} is trained on stored examples; name a model and data with --model and --data"
            )
        if not args.text:
            parser.error("there is nothing to print; give a folder of text files with --text")
    elif not args.tower or not (args.pictures or args.text):
        parser.error(f"{args.recipe} needs --tower, and --pictures or text to print (--text)")
    try:
        return _model(args) if args.recipe in RECIPES else _pyramid(args)
    except ValueError as error:
        print(f"texthawk train: {error}", file=sys.stderr)
        return 2


def _model(args: argparse.Namespace) -> int:
    from texthawk.data.factory.texts import Texts
    from texthawk.data.synth import Corpus
    from texthawk.recipes import RECIPES
    from texthawk.train.run import Run

    corpus = Corpus.from_folder(args.text, pattern=args.pattern, split="train")
    fonts = _fonts(args.fonts) if args.fonts else None
    recipe = RECIPES[args.recipe]()
    texts = Texts.from_folder(args.text) if any(stage.needs_texts for stage in recipe.stages) else None
    run = Run(
        recipe,
        args.out,
        corpus=corpus,
        texts=texts,
        fonts=fonts,
        seed=args.seed,
        device=args.device,
        start=args.start,
        tensorboard=args.tensorboard,
    )
    run.train(set(args.only) if args.only else None, workers=args.workers, minutes=args.minutes)
    if args.export:
        run.export(args.export)
    return 0


def _fonts(folder: Path) -> list[str]:
    """This machine's fonts and those in a folder; ValueError where none is in it. One that both have is taken once."""
    from texthawk.data.synth import system_fonts

    found = system_fonts([folder])
    inside = {file.name for file in folder.rglob("*")}
    if not any(Path(font).name in inside for font in found):
        raise ValueError(
            f"--fonts {folder} holds no font of text that can be read; give a folder of TrueType or OpenType files"
        )
    return found


def _pyramid(args: argparse.Namespace) -> int:
    from dataclasses import replace

    from texthawk.model.assembly import load_tower
    from texthawk.recipes import PYRAMIDS
    from texthawk.train.pictures import FolderPictures, Pictures, PrintedPictures
    from texthawk.train.reconstruction_run import PyramidRun

    recipe = PYRAMIDS[args.recipe]()
    recipe = replace(
        recipe, **{name: value for name in ("steps", "batch") if (value := getattr(args, name)) is not None}
    )
    tower = load_tower(args.tower)
    pictures: Pictures
    if args.pictures:
        pictures = FolderPictures(args.pictures, seed=args.seed)
    else:
        from texthawk.data.synth import Corpus, PageMaker, system_fonts

        fonts = _fonts(args.fonts) if args.fonts else system_fonts()
        corpus = Corpus.from_folder(args.text, pattern=args.pattern, split="train")
        pictures = PrintedPictures(PageMaker(corpus, fonts, seed=args.seed), tower.image)
    run = PyramidRun(recipe, args.out, tower=tower, pictures=pictures, seed=args.seed, device=args.device)
    run.train(minutes=args.minutes)
    if args.export:
        run.export(args.export)
    return 0
