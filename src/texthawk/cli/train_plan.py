"""`texthawk train RECIPE --plan`: what the stages of a paper take, before anything runs and without any memory.

Memory is that of the fullest device, in GB (10^9 bytes), with one pack at a time on it; "again" computes layers a second time
in the backward. Hours are operations through the device's peak times --utilisation; what is computed again is work on
top and not counted, as is usual for model FLOPs. A sample is one picture of --page pixels and --text-tokens tokens.
"""

import argparse
import dataclasses
import json
import sys
from typing import Any


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="texthawk train", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe", help="name of a recipe of a paper: texthawk, texthawk2, llava_uhd2, ...")
    parser.add_argument("--plan", action="store_true", required=True, help="print this instead of training")
    parser.add_argument("--stage", action="append", help="this stage only (may be given several times)")
    parser.add_argument("--device", default="h200", help="a100, h100, h800, h200, 910b, or TFLOPS,GB; default: h200")
    parser.add_argument("--devices", type=int, default=None, help="how many; default: those of --parallel, or 8")
    parser.add_argument("--utilisation", type=float, default=0.4, help="share of the device's peak that is reached")
    parser.add_argument("--parallel", action="append", help="a layout, as dp4,tp2 (may be given several times)")
    parser.add_argument("--page", default=None, help="mean picture, as HEIGHTxWIDTH pixels; default: 896x672")
    parser.add_argument("--text-tokens", type=int, default=None, help="tokens of questions and answers; default: 256")
    parser.add_argument("--samples", type=int, default=None, help="samples of an epoch, where the paper does not say")
    parser.add_argument("--json", action="store_true", help="the same as JSON")
    args = parser.parse_args(argv)
    try:
        table = _planned(args)
    except ValueError as error:
        print(f"texthawk train: {error}", file=sys.stderr)
        return 2
    print(json.dumps(table, indent=2) if args.json else _text(table))
    return 0


def _planned(args: argparse.Namespace) -> dict[str, Any]:
    """Everything that is printed, as JSON has it."""
    from texthawk.recipes import RECIPES
    from texthawk.train.devices import device_named
    from texthawk.train.parallel.layout import ParallelLayout
    from texthawk.train.plan import REPORTED, plan_stage, reported_utilisation, usual_layouts

    if args.recipe not in RECIPES or not (stages := RECIPES[args.recipe]().paper_stages):
        known = [name for name in RECIPES if RECIPES[name]().paper_stages]
        raise ValueError(f"recipe {args.recipe!r} states no paper's stages; choose one of {', '.join(known)}")
    if unknown := sorted(set(args.stage or ()) - {stage.name for stage in stages}):
        raise ValueError(f"stage {unknown[0]!r} is unknown; {args.recipe} has {', '.join(s.name for s in stages)}")
    if not 0 < args.utilisation <= 1:
        raise ValueError(f"utilisation {args.utilisation} is no share of the peak; give a number above 0 and up to 1")
    if args.samples is not None and args.samples < 1:
        raise ValueError(f"an epoch of {args.samples} samples; give 1 or more")
    recipe, device = RECIPES[args.recipe](), device_named(args.device)
    layouts = [ParallelLayout.from_text(text) for text in args.parallel or ()]
    devices = args.devices if args.devices is not None else (layouts[0].devices if layouts else 8)
    if devices < 1:
        raise ValueError(f"{devices} devices; give 1 or more")
    for layout in layouts:
        if layout.devices != devices:
            raise ValueError(f"layout {layout} takes {layout.devices} devices, not {devices}; let both agree")
    layouts = layouts or usual_layouts(recipe.model_config(), devices)
    sample = _sample(args)
    planned = []
    for stage in stages:
        if args.stage and stage.name not in args.stage:
            continue
        plan = plan_stage(recipe, stage, layouts, sample=sample, samples=args.samples)
        row = {name: value for name, value in vars(plan).items() if name != "layouts"}
        row["step_operations"] = plan.step_operations
        row["hours"] = plan.hours(device, devices, args.utilisation)
        row["memory"] = [
            dataclasses.asdict(memory)
            | {
                "layout": str(layout),
                "total": memory.total(recompute=False),
                "total_recomputed": memory.total(recompute=True),
            }
            for layout, memory in plan.layouts.items()
        ]
        planned.append(row)
    settings = {"device": dataclasses.asdict(device), "devices": devices, "utilisation": args.utilisation}
    reported = REPORTED.get(recipe.name)
    return {
        "recipe": recipe.name,
        **settings,
        "sample": dataclasses.asdict(sample),
        "stages": planned,
        "reported": None
        if reported is None
        else dataclasses.asdict(reported) | {"utilisation": reported_utilisation(recipe)},
    }


def _sample(args: argparse.Namespace) -> Any:
    from texthawk.train.plan import Sample

    given: dict[str, Any] = {}
    if args.page is not None:
        try:
            height, width = (int(side) for side in args.page.lower().split("x"))
        except ValueError:
            raise ValueError(f"page {args.page!r} is no size; give HEIGHTxWIDTH in pixels, as 896x672") from None
        given["page"] = (height, width)
    if args.text_tokens is not None:
        given["text_tokens"] = args.text_tokens
    return Sample(**given)


def _text(table: dict[str, Any]) -> str:
    device = table["device"]
    lines = [
        f"{table['recipe']} on {table['devices']} x {device['name']} ({device['teraflops']:g} TFLOPs, "
        f"{device['gigabytes']:g} GB) at {table['utilisation']:.0%} of the peak",
        f"a sample: {table['sample']['page'][0]} x {table['sample']['page'][1]} px, "
        f"{table['sample']['text_tokens']} tokens of text",
    ]
    for stage in table["stages"]:
        lines += ["", *_stage_lines(stage, device["gigabytes"])]
    if table["reported"]:
        told = table["reported"]
        lines += [
            "",
            f"reported: {told['hours']:g} h on {told['devices']} x {told['device']} for {' and '.join(told['stages'])} "
            f"({told['where']}), by this count {told['utilisation']:.0%} of the peak",
        ]
    return "\n".join(lines)


def _stage_lines(stage: dict[str, Any], room: float) -> list[str]:
    parts = ", ".join(f"{part} {count / 1e15:.3g}" for part, count in stage["operations"].items())
    steps = "steps not known: give --samples" if stage["steps"] is None else f"{stage['steps']:,} steps"
    lines = [
        f"{stage['stage']}: {stage['learned'] / 1e6:,.0f}M parameters learn, {stage['frozen'] / 1e6:,.0f}M are frozen",
        f"  a step: {stage['packs']:,} packs, {stage['samples']:,.0f} samples, {stage['tokens']:,} tokens, "
        f"{stage['tiles']:,.0f} views, {stage['step_operations'] / 1e15:.4g} PFLOPs ({parts})",
        f"  {steps}" + ("" if stage["hours"] is None else f", {stage['hours']:,.1f} hours"),
        f"  {'layout':12}{'weights':>9}{'gradients':>10}{'optimiser':>10}{'copies':>8}"
        f"{'activations':>13}{'again':>7}{'total':>8}{'again':>8}",
    ]
    for row in stage["memory"]:
        shown = [
            row[name] / 1e9 for name in ("weights", "gradients", "optimiser", "working", "activations", "recomputed")
        ]
        full, again = row["total"] / 1e9, row["total_recomputed"] / 1e9
        widths = (9, 10, 10, 8, 13, 7)
        fits = "fits" if full <= room else "fits where layers are computed again" if again <= room else "does not fit"
        cells = "".join(f"{value:>{width}.1f}" for value, width in zip(shown, widths, strict=True))
        lines.append(f"  {row['layout']:12}{cells}{full:>8.1f}{again:>8.1f}  {fits}")
    return lines
