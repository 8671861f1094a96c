"""A model folder made ready for a stage of a paper, and a folder again when the stage is done."""

from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from transformers import AutoTokenizer

from texthawk.data.packing import PackLimits
from texthawk.data.samples import SampleMaker
from texthawk.image.tiles import TilingConfig
from texthawk.image.tilings import Tiling, UhdTilingConfig
from texthawk.model.assembly import save_folder
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.loading import config_in, require_files
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import TextHawkProcessor
from texthawk.model.register import register
from texthawk.train.conversation import CHATML
from texthawk.train.engine import put_weights
from texthawk.train.lora import add_adapters
from texthawk.train.parts import choose
from texthawk.train.schedule import PaperStage
from texthawk.train.uhd_sizes import UhdSizes

ANSWERS = replace(CHATML, name="answers", learned_tokens=())
"""Where a paper names no conversation: Qwen's chat turns, of which answers alone are learned (TextHawk 4, TextHawk2 5)."""


class StageModel:
    """The model in `start` with what a stage puts into it, frozen where the stage does not train it.

    groups: what learns, and how fast. What the adapters start from follows from `seed`.
    """

    def __init__(self, start: Path, stage: PaperStage, *, seed: int) -> None:
        register()
        if not start.is_dir():
            raise ValueError(f"there is no folder {str(start)!r}; give one of a model (texthawk assemble makes one)")
        config = config_in(start)
        require_files(start)
        self.stage, self.conversation = stage, stage.conversation or ANSWERS
        self.model = TextHawkForConditionalGeneration.from_pretrained(
            start, config=config, dtype="auto", local_files_only=True
        )
        self.dtype = self.model.dtype
        self.tiling = config.tiling_config
        self.processor = TextHawkProcessor(
            TextHawkImageProcessor.from_pretrained(start, local_files_only=True),
            AutoTokenizer.from_pretrained(start, local_files_only=True),
            config.compressor_config,
            frame_images=config.frame_images,
            chat_template=self.conversation.chat_template(),
        )
        torch.manual_seed(seed)
        self.adapters = add_adapters(self.model, stage)
        self.groups = choose(self.model, stage)
        # A head that does not learn has nothing to say about boxes: its loss would bend what stands before it.
        self.config = config
        if all(learner.part != "detection head" for learner in stage.learners):
            self.config = type(config).from_dict({**config.to_dict(), "box_weight": 0.0})

    def maker(self, limits: PackLimits, *, resize: tuple[float, float] = (1.0, 1.0)) -> SampleMaker:
        """Writes samples as the stage wants them: its conversation, its number of tiles."""
        images = self.processor.image_processor
        tiling = _at_most(self.tiling, self.stage.max_tiles)
        processor = TextHawkProcessor(
            TextHawkImageProcessor(tiling, images.image_mean, images.image_std),
            self.processor.tokenizer,
            self.model.config.compressor_config,
            frame_images=self.model.config.frame_images,
        )
        return SampleMaker(
            processor,
            self.conversation.segments,
            limits,
            bins=self.model.config.coordinate_bins,
            resize=resize,
            learned_tokens=self.conversation.learned_tokens,
            sized=self._sizes,
        )

    @property
    def _sizes(self) -> UhdSizes | None:
        stage = self.stage
        if isinstance(self.tiling, UhdTilingConfig) and (stage.resliced or stage.long_side):
            return UhdSizes(stage.resliced, stage.long_side, self.tiling)
        return None

    def put(self, weights: dict[str, Tensor]) -> None:
        """Take over what a stage has learned so far, adapters and all."""
        put_weights(self.model, weights)

    def export(self, folder: Path) -> None:
        """Merge what was put in and write the plain model, in the type of numbers it came in; there is no going back."""
        self.adapters.merge()
        self.model.to(self.dtype)
        save_folder(folder, self.model, self.processor)


def _at_most(tiling: Tiling, tiles: int) -> Tiling:
    """A tiling of no more tiles than a stage sends; LLaVA-UHD's 0 is the overview alone."""
    if isinstance(tiling, TilingConfig):
        return replace(tiling, max_tiles=min(tiling.max_tiles, max(1, tiles)))
    if isinstance(tiling, UhdTilingConfig):
        return replace(tiling, max_slices=min(tiling.max_slices, max(1, tiles)))
    return tiling
