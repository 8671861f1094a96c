"""texthawk: the model of TextHawk (arXiv 2404.09204), at its own size, 8.0 billion parameters.

SigLIP-SO400M reads tiles of 224 px at four depths, eight resampler layers look at them from the deepest to the
shallowest (R5 of the paper's table 3), tokens go tile by tile, and InternLM-7B as InternLM-XComposer trained it
answers.

`paper_stages` states the paper's three stages (section 4.1): LoRA inside the language model on 96 million captions and on
public data sets; `texthawk train texthawk --model DIR --data ...` runs them on what data there is.
"""

from texthawk.compress.resa import ReSAConfig
from texthawk.image.tiles import TilingConfig
from texthawk.model.backbones import INTERNLM_VOCABULARY, internlm_7b, siglip_so400m
from texthawk.model.configuration import TextHawkConfig
from texthawk.recipes.recipe import Recipe
from texthawk.train.schedule import Learner, PaperStage, Source

TOKENS = INTERNLM_VOCABULARY
"""Tokens of InternLM's tokenizer; frame, image, box and coordinate tokens follow in the order of `extend_tokenizer`."""


def model_config() -> TextHawkConfig:
    return TextHawkConfig(
        vision_config=siglip_so400m(),
        text_config=internlm_7b(vocabulary=104192),  # 103168 + 1005, rounded up to a multiple of 64
        feature_layers=(14, 18, 22, 26),
        tiling=TilingConfig(max_tiles=36),
        compressor=ReSAConfig(levels=(3, 3, 3, 2, 2, 2, 1, 0), scan="tile", heads=16, intermediate=4304),
        vision_start_token_id=TOKENS,
        vision_end_token_id=TOKENS + 1,
        image_token_id=TOKENS + 2,
        coordinate_token_start=TOKENS + 5,
    )


BETAS, DECAY = (0.9, 0.95), 0.05

FIXED_RESOLUTION = PaperStage(
    name="fixed-resolution",
    learners=(Learner("connector", 3e-4, 1e-5), Learner("language", 3e-4, 1e-5, lora=True)),
    sources=(Source("image captions, 224 px", thousands=96_000),),
    batch=96,
    batch_of="packs",
    length=4096,
    steps=12_000,
    max_tiles=1,
    betas=BETAS,
    weight_decay=DECAY,
)

MIXED_RESOLUTION = PaperStage(
    name="mixed-resolution",
    learners=(
        Learner("connector", 1.5e-4, 5e-6),
        Learner("language", 1.5e-4, 5e-6, lora=True),
        Learner("detection head", 1.5e-4, 5e-6),
    ),
    sources=(
        Source("GrIT, grounded captions", thousands=16_000),
        Source("IIT-CDIP, text", thousands=1_280),
        Source("arXiv, pages as Markdown", thousands=1_280),
    ),
    batch=1_500,
    steps=12_000,
    max_tiles=36,
    betas=BETAS,
    weight_decay=DECAY,
)

INSTRUCTIONS = (
    "LLaVA-1.5's mixture",
    "DocVQA",
    "ChartQA",
    "InfoVQA",
    "TabFact",
    "WTQ",
    "VG",
    "VisualMRC",
    "SlideVQA",
    "RefCOCO",
    "PointQA",
    "Flickr",
    "text of DocVQA, InfoVQA, VisualMRC and SlideVQA",
    "data tables of ChartQA",
    "Markdown of TabFact and WTQ",
    "DocGemini",
)
"""Sets of the last stage; all questions on one image become one conversation."""

FINE_TUNING = PaperStage(
    name="fine-tuning",
    learners=tuple(Learner(part, 2e-5) for part in ("connector", "language", "detection head")),
    sources=tuple(Source(name) for name in INSTRUCTIONS),
    batch=64,
    length=2048,
    epochs=1,
    max_tiles=36,
    betas=BETAS,
    weight_decay=DECAY,
)
"""LoRA is merged into the language model first."""


def texthawk() -> Recipe:
    stages = (FIXED_RESOLUTION, MIXED_RESOLUTION, FINE_TUNING)
    return Recipe(name="texthawk", model_config=model_config, paper_stages=stages)
