"""Conversations are written as the language models know them, alike in training and in generation."""

import jinja2
import pytest

from texthawk.train.conversation import CHATML, PLAIN, VICUNA, Conversation

TURNS = [("<image>\nWhat is the total?", "12.50"), ('Why "so"?', "It says\nso.")]


def written(conversation, turns):
    return "".join(segment.text for segment in conversation.segments(turns))


def learned(conversation, turns):
    return [segment.text for segment in conversation.segments(turns) if segment.learned]


def rendered(conversation, messages, **settings):
    environment = jinja2.Environment(trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(conversation.chat_template()).render(messages=messages, **settings)


def test_plain_is_the_picture_and_its_caption_on_a_line():
    turns = [("<image>\nDescribe the picture.", "A red boat.")]
    assert written(PLAIN, turns) == "<image>A red boat.\n" and learned(PLAIN, turns) == ["A red boat.\n"]


def test_vicunas_words():
    assert written(VICUNA, TURNS) == (
        "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
        "and polite answers to the user's questions. USER: <image>\nWhat is the total? ASSISTANT: 12.50</s>"
        'USER: Why "so"? ASSISTANT: It says\nso.</s>'
    )
    assert learned(VICUNA, TURNS) == [" 12.50</s>", " It says\nso.</s>"]


def test_qwens_words():
    assert written(CHATML, TURNS[:1]) == (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n<image>\nWhat is the total?<|im_end|>\n"
        "<|im_start|>assistant\n12.50<|im_end|>\n"
    )
    assert learned(CHATML, TURNS[:1]) == ["12.50<|im_end|>\n"]
    assert CHATML.learned_tokens == ("<|im_start|>", "<|im_end|>", "\n")


@pytest.mark.parametrize("conversation", [VICUNA, CHATML])
def test_a_picture_is_moved_to_the_front_of_its_turn(conversation):
    assert "<image>\nWhat is this?" in written(conversation, [("What is this?\n<image>", "A boat.")])


@pytest.mark.parametrize("conversation", [PLAIN, VICUNA, CHATML], ids=lambda conversation: conversation.name)
def test_the_chat_template_writes_what_training_wrote(conversation: Conversation):
    turns = TURNS[:1] if conversation is PLAIN else TURNS
    messages = []
    for question, answer in turns:
        parts = [{"type": "text", "text": question.removeprefix("<image>\n")}]
        if question.startswith("<image>"):
            parts.append({"type": "image"})
        messages += [{"role": "user", "content": parts}, {"role": "assistant", "content": answer}]
    assert rendered(conversation, messages) == written(conversation, turns)
    asked = rendered(conversation, messages[:-1], add_generation_prompt=True)
    assert asked + conversation.answer[0] + turns[-1][1] + conversation.answer[1] == written(conversation, turns)
