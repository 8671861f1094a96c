"""nano: TextHawk2 at a size that ships with the package and trains on a laptop's CPU: print, and questions on it."""

from dataclasses import replace

from transformers import Qwen2Config, SiglipVisionConfig

from texthawk.compress.resa import ReSAConfig
from texthawk.image.tiles import TilingConfig
from texthawk.model.configuration import TextHawkConfig
from texthawk.recipes.recipe import Recipe
from texthawk.train.stage import Grid, Losses, Stage

VOCABULARY = 262  # single bytes and the six special tokens: letters are what a reader this small can learn to find
ADDED = 2 + 1000
ENCODER, LANGUAGE = 192, 384


def model_config() -> TextHawkConfig:
    return TextHawkConfig(
        vision_config=SiglipVisionConfig(
            hidden_size=ENCODER,
            intermediate_size=3 * ENCODER,
            num_hidden_layers=6,
            num_attention_heads=3,
            image_size=224,
            patch_size=14,
            vision_use_head=False,
        ),
        text_config=Qwen2Config(
            vocab_size=VOCABULARY + ADDED,
            hidden_size=LANGUAGE,
            intermediate_size=2 * LANGUAGE,
            num_hidden_layers=5,
            num_attention_heads=6,
            num_key_value_heads=6,
            max_position_embeddings=4096,
            rope_theta=10000.0,
            tie_word_embeddings=True,
        ),
        feature_layers=(3, 4, 5, 6),
        tiling=TilingConfig(thumbnail_above=8),
        compressor=ReSAConfig(heads=3, intermediate=2 * ENCODER, expansion=2, output_positions=True),
        initializer_range=0.02,
    )


GLYPHS = Stage(
    name="glyphs",
    steps=1000,
    losses=Losses(glyph_patch=1.0, glyph_query=1.0, glyph_token=1.0),
    parts={"tower": 1.0, "connector": 1.0},
    grids=(Grid(1, 1), Grid(1, 2)),
    tiles=16,
    type_px=(9.0, 24.0),
    damage=0.5,
    learning_rate=2e-3,
    final=0.3,
)

LETTERS = replace(GLYPHS, name="letters", steps=1300, damage=0.3, type_px=(11.0, 22.0), final=0.2)

PLAIN = Stage(
    name="plain",
    steps=100,
    losses=Losses(language=1.0),
    parts={"language": 1.0},
    tasks={"plain": 1.0},
    texts=16,
    text_tokens=256,
    learning_rate=2e-3,
    final=0.5,
)

HINTS = Losses(language=1.0, glyph_query=0.2, glyph_token=0.4, guide=0.5, place=1.0, spell=0.3)

ROWS = Stage(
    name="rows",
    steps=900,
    losses=HINTS,
    parts={"connector": 1.0, "language": 1.0},
    grids=(Grid(1, 2, 2.0, set_rows=True), Grid(1, 2, lines=3, set_rows=True)),
    tiles=16,
    type_px=(12.0, 22.0),
    damage=0.3,
    learning_rate=2e-3,
    final=0.5,
)

READ = replace(
    ROWS,
    name="read",
    steps=560,
    losses=replace(HINTS, place=0.5),
    grids=(Grid(1, 2, set_rows=True),),
    learning_rate=1.3e-3,
    warmup=0.02,
    final=0.02,
)

TOGETHER = replace(
    READ,
    name="together",
    steps=294,
    losses=replace(READ.losses, glyph_query=0.3, box=0.5),
    parts={"tower": 0.5, "connector": 1.0, "language": 1.0},
    tasks={"text": 0.8, "boxes": 0.2},
    learning_rate=1.5e-3,
    final=0.6,
)

SETTLE = replace(TOGETHER, name="settle", steps=1400, tiles=24, learning_rate=1e-3, final=0.01)

PAGES = replace(
    SETTLE,
    name="pages",
    grids=(Grid(1, 2, 5.0, set_rows=True), Grid(1, 2, 2.0), Grid(2, 2, 1.0, characters=900), Grid(3, 3, 0.5)),
    steps=1250,
    type_px=(12.0, 26.0),
    learning_rate=8e-4,
)

WHOLE = replace(
    PAGES,
    name="whole",
    grids=(Grid(1, 2, 2.0, set_rows=True), Grid(1, 2, 3.0), Grid(2, 2, 1.5, characters=900), Grid(3, 3, 0.7)),
    steps=560,
    final=0.3,
    mean_with="pages",
)

PRINTS = replace(
    WHOLE,
    name="prints",
    grids=(
        Grid(1, 2, 8.0, set_rows=True, slack=0.12, junk=0.04),
        Grid(1, 2, 0.8),
        *(Grid(rows, 2, weight, set_rows=True, junk=0.02) for rows, weight in ((2, 1.0), (3, 0.6), (5, 0.7), (8, 0.7))),
    ),
    tasks={"text": 0.85, "boxes": 0.15},
    steps=1300,
    type_px=(11.0, 30.0),
    damage=0.6,
    looks={
        "records": 0.55,
        "capitals": 0.3,
        "dotted": 0.1,
        "typed": 0.15,
        "invented": 0.4,
        "resampled": 0.6,
        "stretch": 0.4,
    },
    final=0.02,
    mean_with=None,
)

TALL = replace(
    PRINTS,
    name="tall",
    parts={"connector": 0.5, "language": 1.0},
    grids=(
        Grid(1, 2, 3.0, set_rows=True, slack=0.12, junk=0.04),
        *(Grid(rows, 2, weight, set_rows=True, junk=0.02) for rows, weight in ((2, 2.0), (3, 2.0), (4, 2.0), (5, 2.0))),
        *(Grid(rows, 2, 1.5, set_rows=True, junk=0.02) for rows in (6, 7)),
    ),
    tasks={"text": 0.9, "boxes": 0.1},
    steps=1300,
)

DENSE = replace(
    TALL,
    name="dense",
    grids=(
        Grid(1, 2, 3.0, set_rows=True, slack=0.12, junk=0.04),
        *(Grid(rows, 2, weight, set_rows=True, junk=0.02) for rows, weight in ((3, 1.5), (5, 2.5), (6, 2.5), (7, 3.0))),
    ),
    tiles=32,
    steps=900,
    looks=PRINTS.looks | {"records": 0.25},
)

HANZI = replace(
    LETTERS,
    name="hanzi",
    documents=0.65,
    grids=(Grid(1, 2, set_rows=True, slack=0.12, junk=0.04),),
    steps=1700,
    type_px=(11.0, 30.0),
    damage=0.6,
    looks=DENSE.looks,
    learning_rate=1.5e-3,
    final=0.3,
)

CHINESE = replace(
    DENSE,
    name="chinese",
    documents=0.5,
    parts={"tower": 0.5, "connector": 1.0, "language": 1.0},
    grids=(
        Grid(1, 2, 8.0, set_rows=True, slack=0.12, junk=0.04),
        *(Grid(rows, 2, weight, set_rows=True, junk=0.02) for rows, weight in ((3, 0.5), (5, 0.5), (7, 1.0))),
    ),
    tiles=24,
    steps=1650,
    learning_rate=1e-3,
    final=0.01,
)

HEADS = replace(
    CHINESE, name="heads", parts={}, losses=replace(CHINESE.losses, box=0.0), steps=160, learning_rate=2e-3, final=0.5
)

TOKENS = replace(
    HANZI,
    name="tokens",
    losses=Losses(glyph_patch=0.3, glyph_query=0.6, glyph_token=1.0),
    parts={"tower": 0.7, "connector": 1.0},
    tiles=24,
    steps=700,
    learning_rate=1.2e-3,
    final=0.1,
)

MORE = replace(
    CHINESE,
    name="more",
    documents=0.55,
    grids=(
        Grid(1, 2, 7.0, set_rows=True, slack=0.12, junk=0.04),
        *(Grid(rows, 2, weight, set_rows=True, junk=0.02) for rows, weight in ((3, 0.6), (5, 1.2), (7, 2.2))),
    ),
    tasks={"text": 0.8, "boxes": 0.2},
    steps=900,
)

FIND = Stage(
    name="find",
    steps=240,
    losses=Losses(language=1.0, guide=0.5),
    parts={"language": 1.0},
    asked=1.0,
    families={"card": 1.5, "ticket": 1.5, "form": 1.5, "pie_chart": 0.6, "receipt": 0.4}
    | dict.fromkeys(("bar_chart", "stacked_chart", "line_chart", "scatter_chart"), 0.4),
    texts=12,
    learning_rate=1.5e-3,
    final=0.9,
)

ANSWER = replace(FIND, name="answer", families={}, texts=10, steps=1350, warmup=0.0, final=0.01)

SURE = replace(ANSWER, name="sure", steps=380, learning_rate=9e-4, warmup=0.05)

BOTH = {"zh": 0.5, "en": 0.42, "mixed": 0.08}

FIND_BOTH = replace(FIND, name="find_both", languages=BOTH, steps=120, warmup=0.1)

ANSWER_BOTH = replace(ANSWER, name="answer_both", languages=BOTH, steps=1200)

OUTLINE = replace(
    ANSWER_BOTH, name="outline", asked=0.35, outlined=0.65, texts=8, steps=1700, learning_rate=1.2e-3, warmup=0.05
)

BALANCE = replace(
    OUTLINE, name="balance", asked=0.75, outlined=0.25, steps=400, learning_rate=6e-4, mean_with="outline"
)

POINT = replace(
    OUTLINE,
    name="point",
    losses=Losses(language=1.0, guide=0.5, box=2.0),
    parts={"connector": 1.0, "language": 1.0},
    asked=0.0,
    outlined=0.0,
    pointed=1.0,
    steps=450,
    final=0.6,
)

SIGHT = replace(
    POINT, name="sight", losses=Losses(thing=1.0), parts={"connector": 1.0}, steps=400, texts=24, warmup=0.05, final=0.1
)

CLEARER = replace(SIGHT, name="clearer", steps=520, learning_rate=1.1e-3, warmup=0.02, final=0.05)

MATCH = replace(
    POINT,
    name="match",
    losses=replace(POINT.losses, named=0.5),
    parts={"language": 1.0},
    steps=600,
    learning_rate=1.4e-3,
    warmup=0.03,
    final=0.5,
)

POINT_TOO = replace(
    MATCH,
    name="point_too",
    asked=0.5,
    outlined=0.15,
    pointed=0.35,
    steps=2400,
    learning_rate=9e-4,
    warmup=0.0,
    final=0.01,
)

KEEP = replace(
    POINT_TOO,
    name="keep",
    asked=0.5,
    outlined=0.15,
    pointed=0.35,
    steps=900,
    learning_rate=5e-4,
    warmup=0.03,
    rounded=True,
)


def nano() -> Recipe:
    return Recipe(
        name="nano",
        model_config=model_config,
        stages=(GLYPHS, PLAIN, LETTERS, ROWS, READ, TOGETHER, SETTLE, PAGES, WHOLE, PRINTS, TALL, DENSE),
        vocabulary=VOCABULARY,
        guided_layers=(1, 2, 3),
        hold_out=("Lato", "Charis", "Hack", "Caladea"),
    )


def nano_chinese() -> Recipe:
    """How nano learns to read Chinese beside English: begun from nano."""
    english = nano()
    return replace(
        english,
        name="nano_chinese",
        stages=(HANZI, CHINESE),
        hold_out=(*english.hold_out, "SungtiL"),
        further=True,
        keep=0.1,
    )


def nano_further() -> Recipe:
    """How nano goes on reading both languages, as often as wanted: begun from one that does, its heads learned anew."""
    return replace(nano_chinese(), name="nano_further", stages=(HEADS, TOKENS, MORE), keep=0.65)


def nano_answers() -> Recipe:
    """How nano learns to answer questions about what it has read: begun from nano, whose language model alone it trains."""
    return replace(nano(), name="nano_answers", stages=(FIND, ANSWER, SURE), further=True, answers=True)


def nano_answers_further() -> Recipe:
    """How nano goes on answering, questions in Chinese too: begun from one that reads both and answers in English."""
    return replace(
        nano_answers(),
        name="nano_answers_further",
        stages=(FIND_BOTH, ANSWER_BOTH),
        hold_out=nano_chinese().hold_out,
        answered=True,
    )


def nano_outline() -> Recipe:
    """How nano learns the parts that lines play on a page, and goes on answering: begun from one that answers."""
    return replace(nano_answers_further(), name="nano_outline", stages=(OUTLINE, BALANCE))


def nano_pointing() -> Recipe:
    """How nano learns to point at what is described, connector and all, and goes on answering: begun from one that answers."""
    return replace(nano_outline(), name="nano_pointing", stages=(POINT, SIGHT, CLEARER, MATCH, POINT_TOO, KEEP))
