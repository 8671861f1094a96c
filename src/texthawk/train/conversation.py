"""How questions and answers are written down for a language model, and which of it the loss counts.

One description serves training and generation: `segments` marks what is learned, `chat_template` is the same
conversation as the Jinja text that transformers' processors render.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from texthawk.model.processing import IMAGE

IMAGE_LINE = IMAGE + "\n"


class Segment(NamedTuple):
    """A piece of a conversation; `learned`: the loss counts its tokens."""

    text: str
    learned: bool


@dataclass(frozen=True)
class Conversation:
    """Texts around each question and answer, as pairs (before, after).

    reply: what stands before an answer when it is to be generated; it and the question are not learned, the answer and
    what follows it are. learned_tokens: tokens that the loss counts wherever they stand. question_kept: False where a
    question is replaced by the picture alone.
    """

    name: str
    system: str
    question: tuple[str, str]
    reply: str
    answer: tuple[str, str]
    learned_tokens: tuple[str, ...] = ()
    question_kept: bool = True

    def segments(self, turns: Sequence[tuple[str, str]]) -> list[Segment]:
        """The conversation of these (question, answer) pairs; the picture of a question is moved to its front."""
        pieces = [Segment(self.system, False)]
        for question, answer in turns:
            pieces.append(Segment(self.asked(question) + self.reply, False))
            pieces.append(Segment(self.answer[0] + answer + self.answer[1], True))
        return [piece for piece in pieces if piece.text]

    def asked(self, question: str) -> str:
        """A question with what stands around it."""
        if IMAGE in question:
            words = question.replace(IMAGE, "").strip()
            question = IMAGE_LINE + words if self.question_kept else IMAGE
        return self.question[0] + question + self.question[1]

    def chat_template(self) -> str:
        """The same as Jinja, for messages of plain text or of image and text parts; one picture starts a line."""
        system, reply = json.dumps(self.system), json.dumps(self.reply)
        before, after = map(json.dumps, self.question)
        first, last = map(json.dumps, self.answer)
        image = json.dumps(IMAGE_LINE if self.question_kept else IMAGE)
        text = "{{- part['text'] -}}" if self.question_kept else ""
        return (
            f"{{{{- {system} -}}}}{{%- for message in messages -%}}"
            f"{{%- if message['role'] == 'assistant' -%}}{{{{- {reply} + {first} -}}}}"
            f"{{%- elif message['role'] == 'user' -%}}{{{{- {before} -}}}}{{%- endif -%}}"
            "{%- if message['role'] != 'system' -%}"
            "{%- if message['content'] is string -%}{{- message['content'] -}}{%- else -%}"
            "{%- for part in message['content'] if part['type'] == 'image' -%}{{- " + image + " -}}{%- endfor -%}"
            "{%- for part in message['content'] if part['type'] == 'text' -%}" + text + "{%- endfor -%}"
            "{%- endif -%}{%- endif -%}"
            f"{{%- if message['role'] == 'assistant' -%}}{{{{- {last} -}}}}"
            f"{{%- elif message['role'] == 'user' -%}}{{{{- {after} -}}}}{{%- endif -%}}"
            f"{{%- endfor -%}}{{%- if add_generation_prompt -%}}{{{{- {reply} -}}}}{{%- endif -%}}"
        )


PLAIN = Conversation("plain", "", ("", ""), "", ("", "\n"), question_kept=False)
"""A picture and its caption on a line: LLaVA's first stage with Vicuna. Caption and line end are learned."""

VICUNA = Conversation(
    "vicuna_v1",
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions. ",
    ("USER: ", ""),
    " ASSISTANT:",
    (" ", "</s>"),
)
"""Vicuna v1.1's conversation, LLaVA's second stage and inference with Vicuna."""

CHATML = Conversation(
    "qwen_1_5",
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n",
    ("<|im_start|>user\n", "<|im_end|>\n"),
    "<|im_start|>assistant\n",
    ("", "<|im_end|>\n"),
    learned_tokens=("<|im_start|>", "<|im_end|>", "\n"),
)
"""Qwen's conversation, both stages with Qwen2; the tokens that frame turns are learned wherever they stand."""
