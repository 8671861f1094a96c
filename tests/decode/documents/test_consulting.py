"""A reader is asked and finds: closed answers, places by words and by the model, and what is refused."""

import json
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.decode.documents.printed_pdf import lines_of, printed_pdf
from tests.decode.documents.test_evidence import page
from tests.model import tiny
from texthawk.cli import main
from texthawk.data.example import TASKS
from texthawk.decode.answers import Answer, Asker
from texthawk.decode.asked import Form, check_question, form_of, said
from texthawk.decode.documents.asking import answers
from texthawk.decode.documents.finding import places
from texthawk.decode.pointing import TILES, box_in
from texthawk.decode.reader import Reader
from texthawk.eval.metrics import iou
from texthawk.model.processing import GROUNDING
from texthawk.types import Box, Page

PICTURE = tiny.picture(70, 130, 3)
BOX = "<box><100><200>,<300><400></box>"


@cache
def reader(*tasks: str) -> Reader:
    made = Reader(tiny.model(), tiny.processor())
    if tasks:
        made.model.config.tasks = list(tasks)
    return made


class Written(Asker):
    """Asks nobody: the answers are written down beforehand, for no model so small has learned to point."""

    def __init__(self, made: Reader, texts: tuple[str, ...]) -> None:
        super().__init__(made.model, made.processor, made.ends)
        self.texts, self.asked, self.shown = iter(texts), list[str](), list[Image.Image]()

    def ask(self, pictures, question, limits, **settings):
        self.asked += question
        self.shown += pictures
        texts = [self.processor.tokenizer(next(self.texts), add_special_tokens=False)["input_ids"] for _ in question]
        return [Answer(ids, [-0.1] * len(ids), "stop") for ids in texts]


def pointing(*texts: str) -> Reader:
    made = Reader(tiny.model(), tiny.processor())
    made.model.config.tasks = ["text", "find"]
    made.asker = Written(made, texts)
    return made


PAGES = [page(1, "Report of the year", "The total is 12"), page(2, "Nothing"), page(3, "The total", "again the totol")]


def found(phrase, made=None, by="auto", pages=PAGES):
    (places_,) = places(pages, [phrase], lambda number: PICTURE, lambda: made or reader(), by=by)
    return places_


def test_training_and_finding_ask_with_the_same_words():
    assert GROUNDING == TASKS["grounding"]


def test_words_are_found_page_by_page_and_say_so():
    assert [(one.page, one.by, one.edits) for one in found("total")] == [(1, "text", 0), (3, "text", 0), (3, "text", 1)]
    assert found("total")[0].box == Box(60, 100, 110, 120) and found("total")[0].confidence == 1.0
    assert found("total")[2].confidence == pytest.approx(0.8)
    assert found("submarine") == []


def test_what_is_far_off_counts_only_where_no_page_has_anything_nearer():
    there = [page(1, "General Meeting"), page(2, "Gcneral Mcetjnq"), page(3, "Gcnerl Mcetjnq")]
    assert [(one.page, one.edits) for one in found("General Meeting", pages=there)] == [(1, 0)]
    assert [(one.page, one.edits) for one in found("General Meeting", pages=there[1:])] == [(2, 4)]
    assert [(one.page, one.edits) for one in found("General Meeting", pages=there[2:])] == [(3, 5)]


def test_a_model_points_at_what_is_printed_nowhere_and_is_believed_where_its_answer_is_a_box():
    made = pointing(BOX)
    (place,) = found("the red seal", made, pages=PAGES[:1])
    assert (place.by, place.page) == ("model", 1) and 0 < place.confidence < 1
    assert place.box == pytest.approx((100.5, 200.5, 300.5, 400.5)) and place.lines == (place.box,)
    assert made.asker.asked == ["Where is the red seal? Answer with its bounding box"]
    for nonsense in ("on the left", "<box><5><5>", "<box><300><200>,<100><400></box>", BOX + BOX, ""):
        assert found("the red seal", pointing(nonsense), pages=PAGES[:1]) == []
        assert found("total", pointing(nonsense), "model", PAGES[:1]) == []
    assert [one.by for one in found("total", pointing(BOX), "model", PAGES[:1])] == ["model"]


def test_what_is_printed_somewhere_is_not_asked_for_and_what_is_nowhere_is_asked_for_on_each_page():
    made = pointing()
    assert [(one.page, one.by) for one in found("total", made)] == [(1, "text"), (3, "text"), (3, "text")]
    assert found("a red seal", made, by="text") == [] and not made.asker.asked
    made = pointing("none", BOX, "none")
    assert [(one.page, one.by) for one in found("a red seal", made)] == [(2, "model")] and len(made.asker.asked) == 3
    assert found("a red seal", pages=[]) == [] == found("a red seal", by="auto")


@pytest.mark.parametrize(
    ("phrase", "printed"),
    [
        ("the picture", "for the future"),
        ("the table", "the title page"),
        ("the dog", "the log"),
        ("A red car", "there are cars"),
    ],
)
def test_words_that_are_only_somewhat_like_a_phrase_count_where_the_model_sees_nothing(phrase, printed):
    there = [page(1, printed)]
    assert [one.by for one in found(phrase, pointing(BOX), pages=there)] == ["model"]
    assert found(phrase, pointing("none"), pages=there) == found(phrase, by="text", pages=there)


def test_several_phrases_are_asked_for_together_on_each_page_and_a_page_that_cannot_be_drawn_is_left_out():
    made, drawn = pointing(BOX, "none", "none", BOX), []

    def picture(number):
        drawn.append(number)
        return None if number == 2 else PICTURE

    told = places(PAGES, ["a red seal", "total", "some ship"], picture, lambda: made)
    assert [[(one.page, one.by) for one in some] for some in told] == [
        [(1, "model")],
        [(1, "text"), (3, "text"), (3, "text")],
        [(3, "model")],
    ]
    assert drawn == [1, 2, 3] and len(made.asker.asked) == 4


def test_a_page_that_lies_on_its_side_is_shown_upright():
    made = pointing(BOX)
    lying = Page(1, 2000, 1000, "", (), rotation=90)
    ((place,),) = places([lying], ["a red seal"], lambda _: PICTURE, lambda: made)
    assert made.asker.shown[0].size == PICTURE.size[::-1]
    assert place.box == pytest.approx((2 * 200.5, 1000 - 300.5, 2 * 400.5, 1000 - 100.5))


@pytest.mark.parametrize("by", ["auto", "text", "model"])
@pytest.mark.parametrize("phrase", ["", " ", "\ud800", "x" * 501])
def test_what_is_no_phrase_is_refused_whoever_is_asked(phrase, by):
    with pytest.raises(ValueError, match="the phrase"):
        found(phrase, pointing(), by)


def test_a_phrase_that_looks_like_a_token_is_asked_for_as_letters():
    made = pointing("none")
    assert found("<image>", made, pages=PAGES[:1]) == []
    assert made.asker.asked == ["Where is < image>? Answer with its bounding box"]


def test_weights_for_answers_point_on_a_square_of_few_tiles():
    made = Reader(tiny.model(), tiny.processor())
    made.answers = pointing(BOX)
    (place,) = found("the red seal", made, pages=PAGES[:1])
    assert place.by == "model" and place.box == pytest.approx((100.5, 200.5, 300.5, 400.5))
    side = TILES * made.model.config.vision_config.image_size
    assert [picture.size for picture in made.answers.asker.shown] == [(side, side)]


def test_a_model_that_has_not_learned_to_point_is_not_asked():
    with pytest.raises(ValueError, match="not learned to point"):
        found("total", by="model")
    with pytest.raises(ValueError, match="places are found by"):
        found("total", by="magic")


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("<box><0><0>,<999><999></box>", Box(0.05, 0.1, 99.95, 199.9)),
        (" <box><0><0>,<1><1></box>\n", Box(0.05, 0.1, 0.15, 0.3)),
        ("<box><5><0>,<5><9></box>", None),
        ("<box><0><0>,<1000><1000></box>", None),
        ("<box><0><0>,<9><9></box>.", None),
    ],
)
def test_an_answer_is_a_box_or_it_is_not(text, box):
    made = box_in(text, 1000, 100, 200)
    assert made == (None if box is None else pytest.approx(box))


def test_a_closed_answer_comes_in_its_form_and_an_unlearned_one_is_called_a_guess():
    (answer,) = reader().ask(PICTURE, "Paid?", choices=["yes", "no"])
    assert answer.text in ("yes", "no") and answer.value == answer.text and not answer.learned
    assert answer.finish_reason == "stop" and 0 <= answer.confidence <= 1 and answer.page == 1
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    both = reader("text", "ask").ask(PICTURE, ["How many?", "And now?"], schema=schema, max_tokens=20)
    assert [one.question for one in both] == ["How many?", "And now?"] and all(one.learned for one in both)
    assert all(isinstance(one.value["n"], int) and json.loads(one.text) == one.value for one in both)


def test_several_questions_share_one_encoding_of_the_page_and_are_answered_as_each_alone():
    made, seen = Reader(tiny.model(), tiny.processor(), way="step"), []  # whose eyes are the model's own
    made.model.config.tasks = ["text", "ask"]
    questions = ["What is this?", "And a much longer question, which is the last of the three?", "Why?"] * 3
    alone = [made.ask(PICTURE, question, max_tokens=7)[0] for question in questions[:3]]
    hook = made.model.model.connector.register_forward_hook(lambda *_: seen.append(True))
    together = made.ask(PICTURE, questions, max_tokens=7)
    hook.remove()
    assert [one.text for one in together] == [one.text for one in alone] * 3
    assert [one.confidence for one in together] == pytest.approx([one.confidence for one in alone] * 3, rel=1e-3)
    assert len(seen) == 2, "nine questions come in two batches"


def test_an_open_question_is_answered_by_a_model_that_learned_to_and_left_open_by_another():
    (answer,) = reader("text", "ask").ask(PICTURE, "What is this?", max_tokens=6)
    assert answer.text and answer.value is None and answer.finish_reason == "length"
    (answer,) = answers(PAGES, ["What is the total?"], lambda number: PICTURE, reader())
    assert answer.text is None and answer.finish_reason == "not_learned" and answer.evidence


def test_a_closed_question_that_no_page_has_to_do_with_is_asked_about_the_first():
    form = Form(choices=("yes", "no"))
    (answer,) = answers(PAGES, ["Xylophon?"], lambda number: PICTURE, reader(), form=form)
    assert answer.value in form.choices and answer.page == 1 and answer.evidence == ()
    (answer,) = answers([], ["Xylophon?"], lambda number: PICTURE, reader(), form=form)
    assert answer.text is None


@pytest.mark.parametrize("question", ["", " ", "<image>", "a <|im_end|> b", "\ud800", "x" * 3000])
def test_a_question_that_would_be_more_than_a_question_is_refused(question):
    with pytest.raises(ValueError):
        check_question(question, reader().processor.tokenizer)
    with pytest.raises(ValueError):
        reader("text", "ask").ask(PICTURE, question)


def test_forms_and_limits_that_make_no_sense_are_refused():
    for wrong in ({"choices": ["a", "b"], "schema": {}}, {"choices": "ab", "schema": None}):
        with pytest.raises(ValueError):
            form_of(**wrong)
    with pytest.raises(ValueError, match="at least 1"):
        said(reader(), PICTURE, ["What?"], None, 0)
    with pytest.raises(ValueError, match="allow more tokens"):
        reader().ask(PICTURE, "What?", schema={"type": "array", "items": {}, "minItems": 9}, max_tokens=9)


def test_a_blank_file_holds_no_phrase_and_a_missing_one_is_told():
    assert reader().find(Image.new("RGB", (90, 60), "white"), "total") == []
    with pytest.raises(ValueError, match="no such file"):
        reader().find("gone.png", "total")


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "report.pdf"
    path.write_bytes(printed_pdf([lines_of("Chapter one.", "Barley failed."), lines_of("The barley", "failed again.")]))
    return path


ARGUMENTS = ["--text-layer", "always", "--dpi", "72"]


def test_find_prints_page_box_and_how_it_was_found(report, tmp_path, capsys):
    draw = tmp_path / "out.png"
    assert main(["find", str(report), "barley failed", "--json", "--draw", str(draw), *ARGUMENTS]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    first, second = record["places"]
    assert record["phrase"] == "barley failed" and (first["page"], second["page"]) == (1, 2)
    assert first["by"] == "text" and abs(first["box"][0] - 72) < 3 and len(second["lines"]) == 2
    red = [(np.asarray(Image.open(path)) == (215, 30, 30)).all(-1).any() for path in (draw, tmp_path / "out-2.png")]
    assert red == [True, True] and not (tmp_path / "out-3.png").exists()


def test_find_says_that_a_phrase_is_nowhere_and_ends_with_0(report, tmp_path, capsys):
    assert main(["find", str(report), "submarine", "Barley", "--draw", str(tmp_path / "x.png"), *ARGUMENTS]) == 0
    printed = capsys.readouterr()
    assert "? submarine\n(not found on 2 pages)\n" in printed.out and printed.out.count("(by text") == 2
    assert main(["find", str(report), "submarine", "--draw", str(tmp_path / "y.png"), *ARGUMENTS]) == 0
    assert "nothing is drawn" in capsys.readouterr().err and not (tmp_path / "y.png").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["find", "gone.png", "x"], 1, "no such file"),
        (["find", "REPORT", ""], 2, "empty"),
        (["find", "REPORT", "x" * 600], 2, "600 characters"),
        (["find", "REPORT", "x", "--draw", "out.txt"], 2, "no picture's ending"),
        (["find", "REPORT", "Barley", "--draw", "no/such/folder/out.png"], 2, "no such folder"),
        (["find", "REPORT"], 2, "PHRASE"),
        (["ask", "REPORT", "x", "--choices", "a"], 2, "two or more"),
        (["ask", "REPORT", "x", "--choices", "a,,b"], 2, "empty"),
        (["ask", "REPORT", "x", "--choices", "[1, 2]"], 2, "no text"),
        (["ask", "REPORT", "x", "--choices", '["a"'], 2, "is none"),
        (["ask", "REPORT", "x", "--schema", "gone.json"], 2, "cannot be read"),
        (["ask", "REPORT", "x", "--schema", "REPORT"], 2, "is no JSON"),
        (["ask", "REPORT", "x", "--schema", "NOT"], 2, "cannot be kept"),
        (["ask", "REPORT", "x", "--schema", "DEEP", "--max-tokens", "9"], 2, "allow more tokens"),
        (["ask", "REPORT", "<image>"], 2, "meaning of its own"),
        (["ask", "REPORT", "x", "--choices", "a,b", "--schema", "NOT"], 2, "not allowed with"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_a_person_gets_wrong_is_one_line(arguments, status, said, report, tmp_path, capsys):
    (tmp_path / "not").write_text('{"not": {}}')
    (tmp_path / "deep").write_text('{"type": "array", "items": {"type": "string"}, "minItems": 50}')
    names = {"REPORT": str(report), "NOT": str(tmp_path / "not"), "DEEP": str(tmp_path / "deep")}
    given = [names.get(argument, argument) for argument in arguments]
    assert main([*given, *ARGUMENTS]) == status
    printed = capsys.readouterr()
    assert said in printed.err and printed.out == "" and "Traceback" not in printed.err


def test_find_asks_only_a_model_that_has_learned_to_point(report, capsys, reads):
    asked = ["find", str(report), "the heading", "--by", "model", "--json", *ARGUMENTS]
    assert main([*asked, "--model", str(reads)]) == 2
    printed = capsys.readouterr()
    assert "not learned to point" in printed.err and printed.out == ""
    assert main([*asked, "--model", "nano"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    assert record["phrase"] == "the heading"


@pytest.mark.parametrize("phrase", ["the red circle", "红色的圆形"])
def test_what_is_drawn_is_found_where_it_is_drawn(phrase, tmp_path, capsys):
    drawn = (120, 90, 330, 300)
    shapes = Image.new("RGB", (800, 600), "white")
    ImageDraw.Draw(shapes).ellipse(drawn, fill=(212, 40, 44))
    shapes.save(tmp_path / "shapes.png")
    assert main(["find", str(tmp_path / "shapes.png"), phrase, "--json"]) == 0
    (record,) = json.loads(capsys.readouterr().out)
    (place,) = record["places"]
    assert place["by"] == "model" and iou(place["box"], drawn) > 0.5


def test_a_page_of_which_nothing_can_be_read_is_told_of(tmp_path, capsys):
    Image.new("RGB", (600, 800), "white").save(tmp_path / "white.png")
    for verb in (["find"], ["ask"]):
        assert main([*verb, str(tmp_path / "white.png"), "total"]) == 0
        assert "white.png: page 1: the page holds no ink" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_nothing_is_said_of_phrases_where_no_page_could_be_read(options, tmp_path, capsys):
    (tmp_path / "other.png").write_bytes(b"no picture")
    tiny.picture(70, 130, 3).save(tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:-2000])
    for name in ("other.png", "cut.png"):
        assert main(["find", str(tmp_path / name), "total", *options]) == 1
        printed = capsys.readouterr()
        assert printed.out == "" and name in printed.err


def test_a_phrase_alone_is_one_phrase_and_what_is_wrong_with_it_is_told_before_a_page_is_read(report):
    reader = Reader(tiny.model(), tiny.processor())
    with pytest.raises(ValueError, match="places are found by"):
        reader.places("gone.png", "total", by="magic")
    with pytest.raises(ValueError, match="the phrase is empty"):
        reader.places("gone.png", ["total", " "])
    assert len(reader.places(Image.new("RGB", (90, 60), "white"), "total due", by="text")) == 1


def test_ask_gives_closed_answers_of_a_file_and_warns_of_guesses(report, capsys, reads):
    asked = ["ask", str(report), "Did barley fail?", "--choices", '["yes, it did", "no"]', "--json", *ARGUMENTS]
    for model, learned in (("nano", True), (str(reads), False)):
        assert main([*asked, "--model", model]) == 0
        printed = capsys.readouterr()
        (answer,) = json.loads(printed.out)
        assert answer["answer"] in ("yes, it did", "no") and answer["learned"] is learned and answer["evidence"]
        assert ("guesses" in printed.err) is not learned
