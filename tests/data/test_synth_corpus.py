"""Text that is printed: normalised, split the same way everywhere."""

import json
from pathlib import Path

import pytest

from texthawk.data.synth import CHARACTERS, Corpus
from texthawk.data.synth.corpus import normalise

REAL = Path(__file__).parents[3] / "shared" / "data" / "corpora"


def test_text_becomes_printable_characters_with_single_spaces():
    assert (
        normalise("An e\u0301clair,\u00a0two\n lines \ufb01t\u2026 \u2212 3\u2033") == 'An éclair, two lines fit… - 3"'
    )
    assert set(normalise("ő ș Ž 中 ½ ① ﬀ")) <= set(CHARACTERS)


def test_a_sentence_with_a_character_that_cannot_be_printed_is_dropped_alone():
    assert normalise("One stays. This 中文 goes. Two stays!") == "One stays. Two stays!"


def test_characters_are_distinct():
    assert len(set(CHARACTERS)) == len(CHARACTERS)


def test_training_and_test_text_are_disjoint_and_together_everything():
    texts = [f"Paragraph number {i} speaks about {i * 7} things." for i in range(600)]
    train, test, whole = (Corpus.from_texts(texts, split=split).paragraphs for split in ("train", "test", "all"))
    assert not set(train) & set(test)
    assert sorted(train + test) == sorted(whole) == sorted(texts)
    assert 10 <= len(test) <= 60


def test_the_split_of_a_paragraph_does_not_depend_on_its_neighbours():
    texts = [f"Paragraph number {i}." for i in range(300)]
    assert set(Corpus.from_texts(texts[::3], split="test").paragraphs) <= set(
        Corpus.from_texts(texts, split="test").paragraphs
    )


def test_a_folder_gives_the_paragraphs_of_its_text_files(tmp_path):
    (tmp_path / "a.md").write_text("# A heading\n\nSome words\nin two lines.\n", encoding="utf-8")
    (tmp_path / "b.jsonl").write_text(
        json.dumps({"text": "First.\n\nSecond."})
        + "\n\n"
        + json.dumps({"paragraphs": ["Third one.", "Fourth one."]})
        + "\n",
        encoding="utf-8",
    )
    (tmp_path / "c.bin").write_bytes(b"\x00\x01")
    found = Corpus.from_folder(tmp_path, split="all").paragraphs
    assert found == ("A heading", "Some words in two lines.", "First.", "Second.", "Third one.", "Fourth one.")
    assert Corpus.from_folder(tmp_path, pattern="*.md", split="all").paragraphs == found[:2]


def test_a_line_that_is_none_is_named_and_any_character_may_stand_in_one(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(json.dumps({"text": "One line\u2028of a poem\x85and more."}, ensure_ascii=False), encoding="utf-8")
    assert Corpus.from_folder(tmp_path, split="all").paragraphs == ("One line of a poem and more.",)
    for line, told in (
        ('{"text": "cut', "line 2 is no JSON"),
        ("[1]", "no JSON object"),
        ('{"text": 7}', "text is neither"),
    ):
        file.write_text('{"text": "Good."}\n' + line + "\n", encoding="utf-8")
        with pytest.raises(ValueError, match=told):
            Corpus.from_folder(tmp_path, split="all")


def test_a_folder_without_text_and_an_unknown_split_are_told(tmp_path):
    with pytest.raises(ValueError, match="no paragraphs"):
        Corpus.from_folder(tmp_path)
    with pytest.raises(ValueError, match="'train', 'test' or 'all'"):
        Corpus.from_texts(["A text."], split="dev")


def test_real_paragraphs_are_printable():
    if not REAL.is_dir():
        pytest.skip("no shared corpora beside this checkout (../shared/data/corpora)")
    corpus = Corpus.from_folder(REAL, pattern="en_*", split="test")
    assert len(corpus.paragraphs) > 100
    assert all(set(paragraph) <= set(CHARACTERS) for paragraph in corpus.paragraphs)
