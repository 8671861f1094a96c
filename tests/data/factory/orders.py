"""Orders for single documents, in a few fonts of this machine, for tests of families that are pictures."""

from functools import cache

import pytest

from texthawk.data.factory.order import Order
from texthawk.data.factory.styles import Fonts
from texthawk.data.factory.texts import Texts
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.fonts import font_folders, system_fonts

LATIN = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSerif.ttf",
    "LiberationSans-Regular.ttf",
)
CHINESE = ("wqy-microhei.ttc", "wqy-zenhei.ttc", "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf")
ENGLISH_TEXTS = (
    "The harbour office keeps a ledger of every ship that anchors here, with its tonnage, flag and the day it left again.",
    "Nobody had expected the bakery to open so early on a Sunday. Still, eleven people stood in line with umbrellas.",
    "Granite weathers slowly. Limestone dissolves in rain, which is why its caves are long, wet and full of odd echoes.",
    "Measure twice and cut once, said the joiner, after a summer in which he had spent more on rulers than on timber.",
)
CHINESE_TEXTS = (
    "港口办公室保存着一本账簿，记录每一艘在此停泊的船只、它的吨位、旗帜以及离开的日期。",
    "没有人想到面包店会在星期天这么早开门，可是仍有十一个人撑着雨伞在门口排队等候。",
    "花岗岩风化得很慢，石灰岩却会被雨水溶解，所以那里的山洞又长又湿，充满奇怪的回声。",
)


@cache
def texts_and_fonts(speech: str) -> tuple[Texts, Fonts]:
    """Texts in one language and the fonts for it; the test is skipped where this machine has none."""
    wanted = LATIN if speech == "en" else (*CHINESE, *LATIN)
    found = {file.name: str(file) for folder in font_folders() for file in folder.rglob("*") if file.name in wanted}
    paths = [found[name] for name in wanted if name in found]
    if not any(name in found for name in (LATIN if speech == "en" else CHINESE)):
        paths = system_fonts()
    texts = Texts({speech: ENGLISH_TEXTS if speech == "en" else CHINESE_TEXTS})
    try:
        return texts, Fonts(paths, texts)
    except ValueError as error:
        pytest.skip(f"this machine's fonts are too few: {error}")


def order(number: int, speech: str = "en", height: int = 700) -> Order:
    texts, fonts = texts_and_fonts(speech)
    return Order(Dice(7, number), texts, fonts, speech, speech, height)
