"""texthawk2: the model of TextHawk2 (arXiv 2410.05261), at its own size, 8.2 billion parameters.

SigLIP-SO400M reads tiles of 224 px at four depths, one resampler layer looks at each, tokens go line by line over the
whole page, and Qwen2-7B-Instruct answers. `texthawk assemble` makes its folder from the public backbones.

`paper_stages` states the paper's one pass over 100 million samples with LoRA in tower and language model, and its
fine-tuning (sections 4 and 5); `texthawk train texthawk2 --model DIR --data ...` runs them on what data there is.
"""

from texthawk.compress.resa import ReSAConfig
from texthawk.image.tiles import TilingConfig
from texthawk.model.backbones import QWEN2_TOKENS, qwen2_7b, siglip_so400m
from texthawk.model.configuration import TextHawkConfig
from texthawk.recipes.recipe import Recipe
from texthawk.recipes.texthawk import BETAS, DECAY, INSTRUCTIONS
from texthawk.train.schedule import Learner, PaperStage, Source

TOKENS = QWEN2_TOKENS
"""Tokens of Qwen2's tokenizer; frame, image, box and coordinate tokens follow in the order of `extend_tokenizer`."""


def model_config() -> TextHawkConfig:
    """The model as fine-tuned: pages of up to 72 tiles, where pre-training had 36."""
    return TextHawkConfig(
        vision_config=siglip_so400m(),
        # 151646 + 1005, rounded up to a multiple of 64; Qwen2 itself has 152064 rows
        text_config=qwen2_7b(vocabulary=152704),
        feature_layers=(14, 18, 22, 26),
        tiling=TilingConfig(max_tiles=72),
        compressor=ReSAConfig(levels=(3, 2, 1, 0), scan="page", heads=16, intermediate=4304),
        vision_start_token_id=TOKENS,
        vision_end_token_id=TOKENS + 1,
        image_token_id=TOKENS + 2,
        coordinate_token_start=TOKENS + 5,
    )


PRE_TRAINING = PaperStage(
    name="pre-training",
    learners=(
        Learner("tower", 2e-4, lora=True, rank=16, targets=("q_proj", "v_proj"), late=True),
        Learner("connector", 2e-4),
        Learner("language", 2e-4, lora=True, rank=128, targets=("q_proj", "v_proj"), late=True),
        Learner("detection head", 2e-4),  # the paper's list leaves it out, but nothing else could have taught it
    ),
    sources=(
        Source("grounding: GrIT, UMG-41M", share=0.41),
        Source("general: CapsFusion, Wanjuan interleaved", share=0.36),
        Source(
            "text: Wukong, IIT-CDIP, PDFs of Common Crawl, RenderedText, end-to-end OCR sets; Markdown of arXiv, READMEs "
            "and docx; PubTables; MMC and ChartSFT",
            share=0.23,
        ),
    ),
    batch=384,
    batch_of="packs",
    length=4096,
    steps=45_000,
    epochs=1,
    max_tiles=36,
    betas=BETAS,
    weight_decay=DECAY,
)

FURTHER = ("FUNSD", "XFUND", "SROIE", "POIE", "ST-VQA", "ESTVQA", "HME100K")

FINE_TUNING = PaperStage(
    name="fine-tuning",
    learners=(
        Learner("tower", 5e-5),
        Learner("connector", 5e-5),
        Learner("language", 2e-5),
        Learner("detection head", 2e-5),
    ),
    sources=(
        *(Source(name) for name in (*INSTRUCTIONS, *FURTHER)),
        Source("text, kept from pre-training", thousands=80),
        Source("Markdown, kept from pre-training", thousands=60),
        Source("tables, kept from pre-training", thousands=20),
        Source("charts, kept from pre-training", thousands=300),
    ),
    batch=256,
    epochs=2,
    max_tiles=72,
    betas=BETAS,
    weight_decay=DECAY,
)


def texthawk2() -> Recipe:
    return Recipe(name="texthawk2", model_config=model_config, paper_stages=(PRE_TRAINING, FINE_TUNING))
