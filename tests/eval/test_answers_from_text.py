"""A reader that answers from what was read is evaluated as one that answers."""

import copy
import json

import pytest
from PIL import Image, ImageDraw

from texthawk.decode.answers import Asker
from texthawk.decode.reader import load
from texthawk.eval.answering import with_answers
from texthawk.eval.systems import reader_system


class Counting(Asker):
    """Counts pictures that the model looks at and texts that it is asked about."""

    def __init__(self, made: Asker) -> None:
        super().__init__(made.model, made.processor, made.ends)
        self.seen = self.texts = 0

    def ask(self, pictures, question, limits, **settings):
        self.seen += sum(picture is not None for picture in pictures)
        self.texts += sum(picture is None for picture in pictures)
        return super().ask(pictures, question, limits, **settings)


@pytest.fixture
def image(tmp_path):
    sheet = Image.new("RGB", (360, 90), "white")
    ImageDraw.Draw(sheet).text((20, 20), "Total due 12", "black", font_size=30)
    sheet.save(tmp_path / "sheet.png")
    return tmp_path / "sheet.png"


def test_questions_and_key_fields_of_one_picture_read_it_once_and_are_answered_as_texts(image):
    reader = load("nano")
    bare = reader_system(reader.read, reader.outlined, "nano", {})
    reads = copy.copy(reader)
    reads.answers = None
    assert with_answers(bare, reads).lacks("ask") is not None, "a model that only reads is not asked"
    system = with_answers(bare, reader)
    assert reader.answers is not None
    reader.asker = counting = Counting(reader.asker)
    reader.answers.asker = answering = Counting(reader.answers.asker)
    reader.read(str(image))
    alone = counting.seen
    assert system.lacks("ask") is None and system.ask is not None
    texts = system.ask(image, ["What is the total due?", "Extract total and date as JSON.", "Is it paid?"])
    assert counting.seen == 2 * alone and counting.texts == 0 and answering.texts == 4, (
        "two questions, and two fields of the third"
    )
    assert len(texts) == 3 and json.loads(texts[1]).keys() <= {"total", "date"}
