"""A chat with a model that answers from what was read: its pictures are read first, and it is shown what they say.

Such a model was taught one question at a time, so it is asked the last one of a conversation about all its pictures, and is
told nothing of what was said before.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from texthawk.decode.answers import message
from texthawk.decode.asked import Sheet, about_pages, answers_from_text
from texthawk.decode.budgets import Budget
from texthawk.decode.reader import Reader
from texthawk.model.processing import PROMPTS
from texthawk.serve.chat_request import ChatRequest, ImagePart, TextPart
from texthawk.serve.forward import Prompt
from texthawk.serve.parts import Parts


@dataclass(frozen=True)
class ReadFirst:
    """A question about pictures, and who reads them: until nobody listens any more."""

    question: str
    reader: Reader

    def prompt(
        self, images: Sequence[Image.Image], parts: Parts, max_visual_tokens: int | None
    ) -> tuple[Prompt, Sheet]:
        """Read the pictures, each within its share of the tokens, and ask about their print, which is given too.

        ValueError for one that cannot be read; ReadingCancelled, ReadingFailed, EngineClosed. Blocks.
        """
        share = None if max_visual_tokens is None else max(1, max_visual_tokens // len(images))
        document = self.reader.read(list(images), budget=Budget(max_visual_tokens=share))
        if document.errors:
            raise ValueError("; ".join(error.message for error in document.errors))
        (sheet,) = about_pages(self.reader, document.pages, [self.question])
        return parts.prompts.chat([message(sheet.prompt, None)], []), sheet


def read_first(asked: ChatRequest, parts: Parts, gone: "asyncio.Task[None]") -> ReadFirst | None:
    """What is to be read for a chat; None where the model looks at the pictures itself, or there are none.

    A model that answers from text looks at them where it is asked for their text in the words that it was taught.
    """
    contents = [message.content for message in asked.messages if not isinstance(message.content, str)]
    if not answers_from_text(parts.reader) or not any(isinstance(p, ImagePart) for own in contents for p in own):
        return None
    *_, last = asked.messages
    texts = [last.content] if isinstance(last.content, str) else _texts(last.content)
    question = "\n".join(texts).strip()
    if last.role != "user" or not question or question in PROMPTS.values():
        return None
    return ReadFirst(question, parts.consulted(gone))


def _texts(content: Sequence[TextPart | ImagePart]) -> list[str]:
    return [part.text for part in content if isinstance(part, TextPart)]
