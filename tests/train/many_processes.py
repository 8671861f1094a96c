"""A small training that several processes share, for tests: each process is what torchrun would start."""

import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from tests.data.training import LIMITS, loader
from tests.model import tiny
from texthawk.data.packing import PackState
from texthawk.data.packs import Pack
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes.texthawk2 import FINE_TUNING, PRE_TRAINING
from texthawk.train.engine import Engine, OneProcess
from texthawk.train.lora import add_adapters
from texthawk.train.parallel.engine import ManyDevices
from texthawk.train.parallel.layout import ParallelLayout
from texthawk.train.parts import adamw, choose, divided, set_rates

EPSILON = 1e-5
"""Of Adam: gradients that are nothing but rounding, which differs from process to process, are not made large by it."""
FULL = replace(
    FINE_TUNING, name="full", epsilon=EPSILON, learners=tuple(replace(one, rate=1e-3) for one in FINE_TUNING.learners)
)
LORA = replace(
    PRE_TRAINING,
    name="lora",
    epsilon=EPSILON,
    learners=tuple(replace(one, rate=1e-3, late=False) for one in PRE_TRAINING.learners),
)
STAGES = {"full": FULL, "lora": LORA}
SECONDS = 1200.0


def config(*, tied: bool = True) -> TextHawkConfig:
    """tiny with three layers, so that two stages of a pipeline are uneven, and less before them."""
    made = tiny.config().to_dict() | {"feature_layers": [1, 2]}
    made["compressor"] |= {"levels": [1, 0]}
    made["vision_config"] |= {"num_hidden_layers": 2}
    made["text_config"] |= {"num_hidden_layers": 3, "layer_types": None, "tie_word_embeddings": tied}
    made["tie_word_embeddings"] = tied
    return TextHawkConfig.from_dict(made)


def curve(
    engine: Engine,
    folder: Path,
    *,
    stage: str,
    steps: int,
    packs: int = 4,
    tied: bool = True,
    kept: Path | None = None,
    keep: Path | None = None,
) -> list[tuple[float, float, float]]:
    """(loss, gradient's norm, loss of held-out packs before it) of each step up to `steps`, from checkpoint `kept` on."""
    paper, made = STAGES[stage], config(tied=tied)
    torch.manual_seed(1)
    model = TextHawkForConditionalGeneration(made)
    if stage == "lora":
        add_adapters(model, paper)
        model.gradient_checkpointing_enable({"use_reentrant": False})
    groups = choose(model, paper)
    placed = engine.place(model)
    placed.train()
    groups = divided(groups, placed)
    optimiser = adamw(placed, groups, paper)
    state = PackState()
    if kept is not None:
        state = PackState.from_json(engine.load(kept, placed, optimiser)["state"])
    found = []
    for step in loader(folder, rank=engine.rank, ranks=engine.ranks, packs=packs, limits=LIMITS).steps(
        state, end=steps
    ):
        set_rates(optimiser, groups, paper, step.number, 20)
        looked = engine.evaluate(placed, held_out(folder, engine), made) if step.number == 1 else None
        losses = engine.step(placed, step.packs, made)
        norm = engine.clip(placed, 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        found.append((losses.loss, norm, looked.loss if looked else 0.0))
        state = step.after
    if keep is not None:
        engine.save(keep, placed, optimiser, {"state": state.to_json()})
    weights = engine.weights(placed)
    if engine.main:
        torch.save(weights, folder / "weights.pt")
    return found


def held_out(folder: Path, engine: Engine) -> list[Pack]:
    """This process's share of three packs: with two groups of data, one has more than the other."""
    steps = loader(folder, seed=7, packs=1).steps(end=3)
    return [step.packs[0] for step in steps if step.number % engine.ranks == engine.rank]


def one_process(folder: Path, **settings: Any) -> list[tuple[float, float, float]]:
    return curve(OneProcess(), folder, **settings)


def many_processes(layout: str, folder: Path, **settings: Any) -> list[tuple[float, float, float]]:
    """The curve by so many processes, each of which must have seen the same one."""
    devices = ParallelLayout.from_text(layout).devices
    return together(_curve, devices, folder, layout, folder, settings)


def _curve(layout: str, folder: Path, settings: dict[str, Any]) -> list[tuple[float, float, float]]:
    return curve(ManyDevices(ParallelLayout.from_text(layout)), folder, **settings)


def together(function: Callable, devices: int, folder: Path, *arguments: Any) -> Any:
    """Call a function in so many processes of one group; returns what the first says, and all must say the same."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.train.many_processes"])
    meeting = folder / f"meeting-{len(list(folder.glob('meeting-*')))}"
    answers = context.Queue()
    processes = [
        context.Process(target=_call, args=(answers, meeting, rank, devices, function, arguments), daemon=True)
        for rank in range(devices)
    ]
    for process in processes:
        process.start()
    try:
        said = dict(answers.get(timeout=SECONDS) for _ in processes)
    finally:
        for process in processes:
            process.join(5)
            process.terminate()
    assert not (failed := [text for text in said.values() if isinstance(text, str)]), failed[0]
    assert all(answer == said[0] for answer in said.values())
    return said[0]


def _call(answers: Any, meeting: Path, rank: int, devices: int, function: Callable, arguments: tuple) -> None:
    import traceback

    torch.set_num_threads(1)
    try:
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=devices)
        answers.put((rank, function(*arguments)))
        dist.barrier()
        dist.destroy_process_group()
    except Exception:  # noqa: BLE001  what went wrong is told by the process that asked
        answers.put((rank, traceback.format_exc()))
