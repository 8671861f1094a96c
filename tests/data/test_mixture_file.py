"""What a run learns from is named by folders or one file, and part of it is kept apart."""

import json

import pytest

from tests.data.training import example, write_shards
from texthawk.data.factory.factory import HELD_OUT_SEEDS
from texthawk.data.mixture_file import Listed, Stretch, hold_out, read_data, with_suffixes
from texthawk.data.shards import ShardFolder
from texthawk.data.synth import system_fonts
from texthawk.data.synth.dice import Dice
from texthawk.data.synth.fonts import describe


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Shards in a and b, pictures with JSON lines in own."""
    made = tmp_path_factory.mktemp("data")
    write_shards(made)
    (made / "own").mkdir()
    lines = []
    for number in range(3):
        (made / "own" / f"{number}.png").write_bytes(example(number).encoded())
        lines.append(json.dumps({"image": f"{number}.png", "question": "How much?", "answers": [str(number)]}))
    (made / "own" / "train.jsonl").write_text("\n".join(lines))
    return made


def mixed(folder, *sources):
    file = folder / "mixture.json"
    file.write_text(json.dumps({"sources": list(sources)}))
    return file


def test_folders_are_read_for_what_they_hold_and_weigh_what_they_hold(folder):
    found = read_data([folder / "a", folder / "own"])
    assert [(source.name, sum(source.runs), weight) for source, weight in found] == [("a", 40, 40.0), ("own", 3, 3.0)]
    assert found[1][0].example(2).turns[0].answer == "2"


def test_a_file_gives_names_weights_and_sets(folder):
    file = mixed(
        folder, {"path": "b", "name": "receipts", "weight": 2}, {"path": "own", "set": "folder", "split": "train"}
    )
    (b, heavy), (own, light) = read_data([file])
    assert (b.name, heavy, own.name, light) == ("receipts", 2.0, "own", 3.0)
    assert sum(b.runs) == 25 and b.example(0).id == ShardFolder(folder / "b").example(0).id


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", "has no list of sources"),
        ('{"sources": []}', "has no list of sources"),
        ('{"sources": [{"wieght": 1, "path": "a"}]}', "source 1 does not know wieght"),
        ('{"sources": [{"name": "a"}]}', "source 1 has no path"),
        ('{"sources": [{"path": "a"}, {"path": "nowhere"}]}', "source 2: there is no folder"),
        ('{"sources": [{"path": "a", "weight": "much"}]}', "the weight is 'much'"),
        ('{"sources": [{"path": "own", "set": "docvka"}]}', "nearest: docvqa"),
        ('{"sources": [{"path": "own", "set": "factory"}]}', "source 1: no texts in"),
        ('{"sources": [{"path": "own", "set": "factory", "settings": {"sed": 1}}]}', "are not a factory's"),
        (
            '{"sources": [{"path": "own", "set": "factory", "settings": {"families": ["table"]}}]}',
            "give shares by name",
        ),
        ('{"sources": [{"path": "a"}], "seed": 2}', "does not know seed"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_a_file_that_cannot_be_meant_is_told(folder, content, told):
    (folder / "wrong.json").write_text(content)
    with pytest.raises(ValueError, match=told):
        read_data([folder / "wrong.json"])


def test_documents_of_the_factory_can_be_mixed_in(folder):
    (folder / "texts").mkdir(exist_ok=True)
    words = " ".join(["A letter was sent to the harbour on Monday, and nobody answered it."] * 3)
    (folder / "texts" / "en.txt").write_text("\n\n".join(f"Number {n}: {words}" for n in range(60)))
    settings = {"seed": 4, "families": {"letter": 1}, "documents": 512, "height": [400, 500]}
    file = mixed(folder, {"path": "texts", "set": "factory", "settings": settings}, {"path": "a"})
    (made, weight), _ = read_data([file])
    assert (made.name, weight) == ("texts", 512.0)
    [(kept, _)], _ = hold_out([(made, weight)])
    assert kept.example(3).encoded() == made.example(3).encoded() and kept.example(3).turns
    for wrong, told in (
        ({"seed": HELD_OUT_SEEDS}, "kept for evaluation"),
        ({"hold_out": "Lato"}, "hold_out is 'Lato'"),
    ):
        file = mixed(folder, {"path": "texts", "set": "factory", "settings": settings | wrong}, {"path": "a"})
        with pytest.raises(ValueError, match=told):
            read_data([file])


def test_families_of_fonts_that_are_held_out_print_no_document_to_learn_from(folder):
    (folder / "texts").mkdir(exist_ok=True)
    (folder / "texts" / "en.txt").write_text(
        "\n\n".join(f"Number {n}: a letter was sent to the harbour." for n in range(60))
    )
    names = sorted({describe(path).family for path in system_fonts()})
    settings = {"families": {"letter": 1}, "documents": 512, "hold_out": names[1:]}
    (made, _), _ = read_data([mixed(folder, {"path": "texts", "set": "factory", "settings": settings}, {"path": "a"})])
    printed_in = {made.fonts.style(Dice(n), "en").name for n in range(20)}
    assert printed_in == {names[0]}


def test_what_is_held_out_is_never_learned_from_and_nothing_is_lost():
    sources = [(Listed("many", tuple(example(n) for n in range(120))), 1.0), (Listed("one", (example(500),)), 1.0)]
    kept, held = hold_out(sources)
    ids = [[source.example(n).id for source, _ in part for n in range(sum(source.runs))] for part in (kept, held)]
    assert len(ids[1]) == 2 and not set(ids[0]) & set(ids[1])
    assert sorted(ids[0] + ids[1], key=int) == [str(n) for n in [*range(120), 500]]


@pytest.mark.parametrize(("start", "end"), [(0, 40), (0, 39), (5, 37), (16, 32), (20, 24), (33, 40)])
def test_a_stretch_has_the_runs_that_lie_in_it(folder, start, end):
    source = ShardFolder(folder / "a")  # shards of 16, 16 and 8
    part = Stretch(source, start, end)
    inside = [len(set(range(start, end)) & set(run)) for run in (range(16), range(16, 32), range(32, 40))]
    assert list(part.runs) == [count for count in inside if count]
    assert [part.example(n).id for n in (0, end - start - 1)] == [source.example(n).id for n in (start, end - 1)]


def test_a_suffix_ends_the_questions_of_its_source_alone():
    both = [(Listed("a", (example(1),)), 1.0), (Listed("b", (example(1),)), 1.0)]
    a, b = (source.example(0) for source, _ in with_suffixes(both, {"a": "In one word.", "b": ""}))
    assert [turn.question for turn in a.turns] == [f"{turn.question}\nIn one word." for turn in b.turns]
    assert [turn.answer for turn in a.turns] == [turn.answer for turn in b.turns] and a.image == b.image
