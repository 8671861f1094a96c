"""`texthawk assemble`: make a model folder from a public tower and a public language model."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

DTYPES = ("float32", "bfloat16", "float16")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="texthawk assemble",
        description="Join a vision tower (SigLIP or CLIP, dual encoders too) and a language model (Qwen2 or "
        "Llama-like) from local folders in transformers' format into one model folder. Connector and detection head "
        "start untrained.",
    )
    parser.add_argument("--vision", type=Path, required=True, metavar="DIR", help="folder of the tower")
    parser.add_argument("--language", type=Path, required=True, metavar="DIR", help="folder of the language model")
    parser.add_argument("--recipe", default="texthawk2", help="tiling, compressor and losses (default: texthawk2)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write; must not exist")
    parser.add_argument(
        "--feature-layers",
        type=_layers,
        metavar="N,N,...",
        help="layers of the tower to read, from 1; default: the recipe's, scaled to the tower's depth",
    )
    parser.add_argument("--dtype", choices=DTYPES, help="of the weights; default: the language model's")
    return parser


def main(argv: Sequence[str]) -> int:
    """Returns 0; 2 for folders that are not there or do not fit."""
    args = _parser().parse_args(argv)

    import torch

    from texthawk.model.assembly import assemble
    from texthawk.recipes import RECIPES

    try:
        if args.recipe not in RECIPES:
            raise ValueError(f"recipe {args.recipe!r} is unknown; choose one of {', '.join(RECIPES)}")
        recipe = RECIPES[args.recipe]()
        conversation = recipe.paper_stages[-1].conversation if recipe.paper_stages else None
        config = assemble(
            args.vision,
            args.language,
            args.out,
            recipe.model_config(),
            feature_layers=args.feature_layers,
            dtype=getattr(torch, args.dtype) if args.dtype else None,
            chat_template=conversation.chat_template() if conversation else None,
        )
    except ValueError as error:
        print(f"texthawk assemble: {error}", file=sys.stderr)
        return 2
    layers = ", ".join(map(str, config.feature_layers))
    untrained = "connector and detection head are" if config.coordinate_bins else "the connector is"
    print(f"{args.out}: tower of {config.vision_config.hidden_size} read after layers {layers};", end=" ")
    print(f"language model of {config.text_config.hidden_size}; {untrained} untrained")
    return 0


def _layers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of layers; write them as 14,18,22,26") from None
