"""llava_uhd2: LLaVA-UHD v2 (arXiv 2412.13871) at its own size, 7.2 billion parameters, as its authors' code has it.

CLIP ViT-L/14-336 sees slices and overview at their own shapes and is read after its last layer but one; a pyramid
enlarges what it saw to 2x and 4x; Hiwin attention makes 144 tokens of each view; Vicuna answers. Where paper and code
differ this is the code of December 2024, which made the released 7B model: three levels, four query sets, slices as one
map, at most 7 slices while training (their evaluation allows 9, the paper says 6). The pyramid is learned before, by the
recipe `vdim`.

`paper_stages` states the two stages after that; `texthawk train llava_uhd2 --model DIR --data ...` runs them on what data
there is. The authors leave the dropout of the frozen pyramid on in both; here it is off unless `vdim_dropout_in_mllm`
of the connector's config says otherwise.
"""

from dataclasses import replace

from transformers import PretrainedConfig

from texthawk.compress import CompressorConfig
from texthawk.compress.hiwin import HiwinConfig
from texthawk.image.tilings import UhdTilingConfig
from texthawk.model.backbones import QWEN2_TOKENS, VICUNA_VOCABULARY, clip_vit_large, qwen2_7b, vicuna_7b, vicuna_13b
from texthawk.model.configuration import TextHawkConfig
from texthawk.recipes.recipe import Recipe
from texthawk.train.conversation import CHATML, PLAIN, VICUNA
from texthawk.train.schedule import Learner, PaperStage, Source

SEPARATORS = 13, 29892
"""Newline and comma of LLaMA's tokenizer. The authors use these ids with Qwen2 as well, where they are other tokens."""

ONE_WORD = "Answer the question using a single word or phrase."
LETTER = "Answer directly with the option's letter from the given choices."
SENTENCE = "Provide a one-sentence caption for the provided image."
REGION = "Provide a short description for this region."
PLACE = "Provide the bounding box coordinate of the region this sentence describes."

CAPTIONS = (Source("LLaVA-Pretrain (LAION-CC-SBU with BLIP captions)", thousands=558),)

MIXTURE = (
    Source("LLaVA", 158),
    Source("ShareGPT", 40),
    Source("VQAv2", 83, suffix=ONE_WORD),
    Source("GQA", 72, suffix=ONE_WORD),
    Source("OKVQA", 9, suffix=ONE_WORD),
    Source("OCRVQA", 80, suffix=ONE_WORD),
    Source("DocVQA", 15, suffix=ONE_WORD),
    Source("ChartQA", 20, suffix=ONE_WORD),
    Source("A-OKVQA", 66, suffix=LETTER),
    Source("DVQA", 20, suffix=LETTER),
    Source("TextCaps", 22, suffix=SENTENCE),
    Source("ShareGPT4V", 55),
    Source("AI2D", 3),
    Source("LAION-GPT4V", 11),
    Source("SynthDog-EN", 40),
    Source("LRV-Instruct", 30),
    Source("RefCOCO, captions of regions", 48, suffix=REGION),
    Source("VG, grounding", 86, suffix=PLACE),
)
"""The 858 thousand samples of the main table; how the paper's table groups DVQA and LRV-Instruct can be read two ways."""

MIX_665K = Source("LLaVA-1.5's mix665k", 665)
ABLATION_MIXTURE = (MIX_665K, Source("UReader", 160))

ALIGNMENT = PaperStage(
    name="alignment",
    learners=(Learner("connector", 1e-3), Learner("window positions", 1e-3)),
    sources=CAPTIONS,
    batch=256,
    length=3072,
    epochs=1,
    max_tiles=0,
    conversation=PLAIN,
    resliced=0.1,
    long_side=(("TextVQA", 1024),),
)

TRAINED = "tower", "connector", "pyramid output", "language"
"""As the authors' code has it. The paper freezes all of the pyramid: `PAPER_INSTRUCTION` leaves its output out."""

INSTRUCTION = PaperStage(
    name="instruction",
    learners=tuple(Learner(part, 2e-5) for part in TRAINED),
    sources=MIXTURE,
    batch=128,
    length=4096,
    epochs=1,
    max_tiles=7,
    conversation=VICUNA,
    resliced=0.1,
    long_side=(("TextVQA", 1024),),
)

PAPER_INSTRUCTION = replace(
    INSTRUCTION, learners=tuple(learner for learner in INSTRUCTION.learners if learner.part != "pyramid output")
)
"""The stage as the paper words it: the pyramid's last convolution (`fixup_proj` in the authors' files) stays as it was."""


def joined(language: PretrainedConfig, tokens: int, connector: CompressorConfig) -> TextHawkConfig:
    """CLIP, connector and a language model; the image token follows the `tokens` of its tokenizer."""
    return TextHawkConfig(
        vision_config=clip_vit_large(),  # the tower drops its 24th layer, which the authors run and throw away
        text_config=language,
        feature_layers=(23,),
        tiling=UhdTilingConfig(max_slices=7),
        compressor=connector,
        image_token_id=tokens,
        coordinate_bins=0,
        separator_token_ids=SEPARATORS,
        frame_images=False,
    )


def model_config() -> TextHawkConfig:
    return joined(vicuna_7b(), VICUNA_VOCABULARY, HiwinConfig())


def llava_uhd2() -> Recipe:
    return Recipe(name="llava_uhd2", model_config=model_config, paper_stages=(ALIGNMENT, INSTRUCTION))


APRIL = HiwinConfig(levels=(1, 4), token_layout="1d")
"""The code of April 2025, which made the other two models: its scripts read two levels and send slice after slice."""


def llava_uhd2_13b() -> Recipe:
    """With Vicuna-13B; the code of April 2025 trains the positions of windows in both stages."""
    learners = tuple(Learner(part, 2e-4) for part in ("connector", "window positions"))
    alignment = replace(ALIGNMENT, learners=learners, length=4096)
    instruction = replace(INSTRUCTION, learners=tuple(Learner(part, 2e-5) for part in (*TRAINED, "window positions")))

    def model_config() -> TextHawkConfig:
        return joined(vicuna_13b(), VICUNA_VOCABULARY, APRIL)

    return replace(
        llava_uhd2(), name="llava_uhd2_13b", model_config=model_config, paper_stages=(alignment, instruction)
    )


def llava_uhd2_qwen2() -> Recipe:
    """With Qwen2-7B, whose conversation both stages use."""
    alignment, instruction = (replace(stage, conversation=CHATML) for stage in llava_uhd2_13b().paper_stages)

    def model_config() -> TextHawkConfig:
        return joined(qwen2_7b(), QWEN2_TOKENS, APRIL)

    return replace(
        llava_uhd2(), name="llava_uhd2_qwen2", model_config=model_config, paper_stages=(alignment, instruction)
    )
