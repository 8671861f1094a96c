"""Documents that training cannot have had: the same each time, questions of every kind, and right answers that score as right."""

import json
from collections import Counter

import pytest
from tests.data.factory.test_documents import both

from texthawk.cli.eval import main
from texthawk.data.factory.factory import HELD_OUT_SEEDS, Factory
from texthawk.eval import runs, unseen
from texthawk.eval.benchmarks import BENCHMARKS
from texthawk.eval.systems import HTML, MARKDOWN, System

FAMILIES = ("letter", "table", "bar_chart", "scene", "receipt")
COUNT = 12


def factory(seed: int = HELD_OUT_SEEDS, families=FAMILIES) -> Factory:
    texts, fonts = both()
    return Factory(
        texts, fonts, seed=seed, families=dict.fromkeys(families, 1.0), languages={"en": 1.0}, damage=(1, 0, 0, 1), height=420
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return unseen.samples(factory(), tmp_path_factory.mktemp("documents"), list(unseen.OFFERS), COUNT)


def test_there_are_as_many_samples_as_wanted_on_pictures_that_are_there(made):
    assert {name: len(samples) for name, samples in made.items()} == dict.fromkeys(unseen.OFFERS, COUNT)
    for samples in made.values():
        assert all(sample.image.is_file() for sample in samples)
        assert len({sample.reference.id for sample in samples}) == COUNT


def test_the_same_factory_gives_the_same_samples_and_another_seed_gives_others(made, tmp_path):
    again, other = (unseen.samples(factory(HELD_OUT_SEEDS + n), tmp_path, ["questions"], COUNT) for n in (0, 1))
    assert [s.reference for s in again["questions"]] != [s.reference for s in other["questions"]]
    # Fewer benchmarks may need fewer documents, so that the choice among questions differs; what is asked does not.
    by_id = {s.reference.id: s.reference for s in made["questions"]}
    common = [s.reference for s in again["questions"] if s.reference.id in by_id]
    assert common and all(by_id[reference.id] == reference for reference in common)


def test_questions_are_of_every_kind_alike(made):
    kinds = Counter(sample.reference.kind for sample in made["questions"])
    assert kinds.keys() == set(unseen.KINDS.values())
    assert max(kinds.values()) - min(kinds.values()) <= 1


def test_documents_take_turns(made):
    documents = Counter(sample.image for sample in made["grounding"])
    assert max(documents.values()) == 1


def test_what_is_to_be_found_is_the_phrase_alone(made):
    for sample in made["grounding"]:
        assert "bounding box" not in sample.reference.question and sample.reference.question.strip()
        left, top, right, bottom = runs.box_of(sample.reference.text)
        assert 0 <= left < right <= 1 and 0 <= top < bottom <= 1


def run(name, samples, out, system) -> list[dict]:
    runs.run(out / name, name, samples, [system], ["test"], lambda line: None)
    _, references, predictions = runs.load(out / name)
    return BENCHMARKS[name].score(references, predictions)


@pytest.mark.parametrize("name", unseen.OFFERS)
def test_right_answers_score_as_right_in_the_whole_and_by_kind(name, made, tmp_path):
    known = {(s.image, s.reference.question): s.reference.text for s in made[name]}

    def write(image, lang):
        return next(text for (path, _), text in known.items() if path == image), "stop"

    system = System(
        "perfect",
        write,
        ask=lambda image, questions: [known[image, question] for question in questions],
        find=lambda image, phrases, lang: [runs.box_of(known[image, phrase]) for phrase in phrases],
        writes={MARKDOWN: write, HTML: write},
    )
    rows = run(name, made[name], tmp_path, system)
    assert rows[0]["kind"] == "" and rows[0]["pages"] == sum(row["pages"] for row in rows[1:]) == COUNT
    measures = {"read": ("cer", 0), "questions": ("exact", 1), "grounding": ("accuracy", 1), "fields": ("f1", 1),
                "tables": ("teds", 1), "markdown": ("distance", 0)}  # fmt: skip
    key, best = measures[name]
    assert all(row[key] == pytest.approx(best) for row in rows)


def test_no_answer_is_right_where_the_page_has_none_unless_the_page_could_not_be_read(made, tmp_path):
    def fails(image, questions):
        raise ValueError("too dark")

    silent = System("silent", lambda image, lang: ("", "stop"), ask=lambda image, questions: [""] * len(questions))
    broken = System("broken", lambda image, lang: ("", "stop"), ask=fails)
    exact = {row["kind"]: row["exact"] for row in run("questions", made["questions"], tmp_path / "a", silent)}
    assert exact.pop("absent") == 1
    assert not any(value for kind, value in exact.items() if kind)
    assert not any(row["exact"] for row in run("questions", made["questions"], tmp_path / "b", broken))


@pytest.mark.parametrize(
    ("seed", "families", "benchmarks", "told"),
    [
        (7, FAMILIES, ["read"], "seed 7 may have been trained on"),
        (HELD_OUT_SEEDS, FAMILIES, ["facts"], "nothing for facts; there are: read"),
        (HELD_OUT_SEEDS, ["letter"], ["read", "tables"], "documents of letter have nothing for tables"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(seed, families, benchmarks, told, tmp_path):
    with pytest.raises(ValueError, match=told):
        unseen.samples(factory(seed, families), tmp_path, benchmarks, 1)


def write_texts(folder):
    folder.mkdir()
    lines = [json.dumps({"text": f"Paragraph number {n} says that {n * n} is a square."}) for n in range(300)]
    (folder / "en.jsonl").write_text("\n".join(lines))
    return folder


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        (["--tasks", "facts"], "nothing for facts"),
        (["--families", "letters"], "nearest: letter"),
        (["--lang", "fr"], "no texts in 'fr'"),
        (["--fonts-held-out", "no such family"], "no family is called 'no such family'"),
        (["--tasks", "fields", "--families", "receipt", "--count", "1", "--height", "420"], "no system"),
        (["--height", "20"], "400 to 7000 pixels"),
    ],
)
def test_the_command_says_what_is_wrong(extra, told, tmp_path, capsys):
    from texthawk.data.synth.fonts import describe, system_fonts

    family = describe(system_fonts()[0]).family
    out = tmp_path / "run"
    arguments = [
        "factory",
        "--text",
        str(write_texts(tmp_path / "texts")),
        "--fonts-held-out",
        family,
        "--out",
        str(out),
    ]
    assert main([*arguments, "--no-model", *extra]) == 2
    error = capsys.readouterr().err
    assert told in error or (told == "no system" and "nothing to evaluate" in error)
    assert not (out / "run.json").exists()
