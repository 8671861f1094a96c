"""The characters that training-only heads name: those of Latin pages, and the common ones of Chinese."""

from texthawk.data.synth import CHARACTERS

HAN = "".join(
    bytes((row, cell)).decode("gb2312")
    for row in range(0xB0, 0xD8)
    for cell in range(0xA1, 0xFF)
    if (row, cell) < (0xD7, 0xFA)
)
"""The 3,755 common characters of simplified Chinese: level 1 of GB 2312-80, by their sound."""
MARKS = "，。、；：？！（）《》〈〉【】「」『』〔〕—～％￥"
NAMED = CHARACTERS + HAN + "".join(mark for mark in MARKS if mark not in CHARACTERS)
BLANK = len(NAMED)
CLASSES = BLANK + 1
UNNAMED = -100
"""Class of a character that no head names: torch's cross-entropy leaves it out."""
CLASS = {character: index for index, character in enumerate(NAMED)}
