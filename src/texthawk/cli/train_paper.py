"""`texthawk train RECIPE --model DIR --data MIXTURE.json|DIR ... --out RUN`: the stages of the recipe's paper.

DIR of --data holds shards, or pictures with train.jsonl; MIXTURE.json names several with weights. One example in fifty is held
out of each and looked at while training, unless --held-out names other data. A run that was stopped or killed goes on when
the same command is given again. RUN/STAGE/model is what a stage ends with.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from texthawk.cli import train_parallel
from texthawk.cli.options import above_zero, count

if TYPE_CHECKING:
    from texthawk.train.engine import Engine
    from texthawk.train.paper_run import PaperRun

OPTIONS = ("--data", "--model", "--replay")
"""Any of these among the arguments means that a paper's stages are wanted."""


def wanted(argv: list[str]) -> bool:
    return any(argument.split("=")[0] in OPTIONS for argument in argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="texthawk train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", help="name of a recipe with a paper's stages: texthawk, texthawk2, llava_uhd2, ...")
    parser.add_argument(
        "--model", type=Path, required=True, help="folder of the model to begin from (texthawk assemble)"
    )
    parser.add_argument("--data", type=Path, nargs="+", required=True, metavar="PATH", help="what to learn from")
    parser.add_argument("--out", type=Path, required=True, help="folder of the run; an existing run is continued")
    parser.add_argument("--held-out", type=Path, nargs="+", metavar="PATH", help="what to look at while training")
    parser.add_argument("--stage", action="append", default=[], help="this stage only (may be given several times)")
    parser.add_argument("--export", type=Path, metavar="DIR", help="write the model here when the run ends or stops")
    parser.add_argument("--best", action="store_true", help="export it as it was when held-out data was predicted best")
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="tell what each sample of a kept step costs; no training"
    )
    paper = parser.add_argument_group("in place of what the paper says")
    paper.add_argument("--steps", type=int, help="steps of a stage; the learning rate falls over them")
    paper.add_argument("--packs", type=int, help="packs in a global step")
    paper.add_argument("--tokens", type=int, help="tokens of a pack")
    paper.add_argument("--tiles", type=int, default=108, help="tiles of a pack at most (default: 108)")
    paper.add_argument(
        "--resize",
        type=float,
        nargs=2,
        default=(1.0, 1.0),
        metavar=("LOW", "HIGH"),
        help="bounds of a random factor on the size of pictures (default: 1 1)",
    )
    way = parser.add_argument_group("how it is carried out")
    way.add_argument("--seed", type=int, default=1)
    way.add_argument("--device", help="cpu or cuda; default: cuda when there is one")
    way.add_argument("--dtype", choices=("float32", "bfloat16"), help="of products; default: bfloat16 on cuda alone")
    way.add_argument(
        "--parallel",
        metavar="LAYOUT",
        help="share the run: dp2,tp2,pp2 (data, matrices, depth); start it with torchrun --no-python texthawk train ...",
    )
    way.add_argument("--threads", type=count, help="threads of the training process")
    way.add_argument("--workers", type=int, default=1, help="processes that write texts down, and as many for pictures")
    way.add_argument("--minutes", type=above_zero, help="stop after so long, with a checkpoint")
    way.add_argument("--save-seconds", type=float, default=240.0, help="between checkpoints (default: 240)")
    way.add_argument("--evaluate-every", type=int, default=250, help="steps between looks at held-out packs")
    way.add_argument("--evaluate-packs", type=int, default=8, help="held-out packs looked at")
    way.add_argument("--keep-activations", action="store_true", help="faster, for more memory: compute no layer twice")
    way.add_argument("--compile", action="store_true", help="compile layers, and pad packs to one length")
    way.add_argument("--tensorboard", action="store_true", help="write RUN/STAGE/tensorboard too")
    return parser


def main(argv: list[str]) -> int:
    """Returns 0; 2 for what cannot be done, and where a loss was not finite."""
    parser = _parser()
    wants_help = {"-h", "--help"} & set(argv)  # behind --data, too, which else wants a path
    args = parser.parse_args(["--help"] if wants_help else argv)

    import torch

    from texthawk.recipes import RECIPES

    papers = [name for name, recipe in RECIPES.items() if recipe().paper_stages]
    if args.recipe not in papers:
        what = "has no paper's stages" if args.recipe in RECIPES else "is unknown"
        parser.error(f"recipe {args.recipe!r} {what}; choose one of {', '.join(papers)}")
    if args.threads:
        torch.set_num_threads(args.threads)
    if args.export and args.export.exists():  # or a run of days would end with this
        parser.error(f"{args.export} is there already; name a folder that is not")
    try:
        run = _run(args)
        if args.replay:
            return _replay(run, args)
        finished = run.train(args.stage, minutes=args.minutes)
        if args.export and run.engine.main:
            run.export(args.export, best=args.best)
    except ValueError as error:
        print(f"texthawk train: {error}", file=sys.stderr)
        return 2
    finally:
        train_parallel.parted()
    if not run.engine.main:
        return 0
    for told in run.left_out:
        print(f"texthawk train: left out of {told}", file=sys.stderr)
    for stage in run.recipe.paper_stages:
        if run.model_of(stage).exists():
            print(f"{stage.name}: {run.model_of(stage)}")
    if not finished:
        print("stopped before the end; the same command goes on")
    return 0


def _run(args: argparse.Namespace) -> "PaperRun":
    from texthawk.data.mixture_file import hold_out, read_data
    from texthawk.recipes import RECIPES
    from texthawk.train.paper_run import PaperRun
    from texthawk.train.stage_plan import Settings

    settings = Settings(
        seed=args.seed,
        steps=args.steps,
        packs=args.packs,
        tokens=args.tokens,
        tiles=args.tiles,
        resize=tuple(args.resize),
        workers=args.workers,
        checkpointing=not args.keep_activations,
        compiled=args.compile,
        evaluate_every=args.evaluate_every,
        evaluate_packs=args.evaluate_packs,
        save_seconds=args.save_seconds,
        tensorboard=args.tensorboard,
    )
    training = read_data(args.data)
    if args.held_out:
        held_out = read_data(args.held_out)
    else:
        training, held_out = hold_out(training)
    return PaperRun(
        RECIPES[args.recipe](),
        args.model,
        args.out,
        training=training,
        held_out=held_out,
        settings=settings,
        engine=_engine(args),
    )


def _engine(args: argparse.Namespace) -> "Engine":
    from texthawk.model.loading import usable_device
    from texthawk.train.engine import OneProcess

    device = usable_device(args.device)
    bf16 = args.dtype == "bfloat16" or (args.dtype is None and device != "cpu")
    if args.parallel or train_parallel.processes() > 1:
        return train_parallel.joined(args.parallel, device, bf16=bf16)
    return OneProcess(device, bf16=bf16, masked=args.compile)


def _replay(run: "PaperRun", args: argparse.Namespace) -> int:
    stages = {stage.name: stage for stage in run.recipe.paper_stages}
    name = args.replay.resolve().parent.name
    if name not in stages:
        raise ValueError(f"{args.replay} is in no stage's folder; give a bad-step file where the run has put it")
    stage = run.stage_run(stages[name])
    for sample in stage.replay(args.replay):
        place = stage.mixture.place(sample.number)
        example = f"{stage.mixture.sources[place.source].name}/{place.item}"
        print(f"sample {sample.number} ({example}): loss {sample.loss:.4g}, boxes {sample.box:.4g}")
    return 0
