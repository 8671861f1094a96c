"""Questions about pages that are shown as text, while a reader learns to answer them."""

import numpy as np
import pytest
import torch

from tests.data.factory.orders import texts_and_fonts
from texthawk.data.factory.document import Asked
from texthawk.data.factory.texts import Texts
from texthawk.data.synth import system_fonts
from texthawk.image.wide import is_wide
from texthawk.model.image_processor import TextHawkImageProcessor
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.model.processing import TextHawkProcessor
from texthawk.model.tokens import extend_tokenizer, train_tokenizer
from texthawk.model.transcript import GAP, about, cited, marked, nearness, printed_rows, rows_about
from texthawk.model.working import worked_out
from texthawk.recipes import RECIPES
from texthawk.recipes.nano import ANSWER
from texthawk.train.batches import Batch
from texthawk.train.branched_attention import SHARED, Branches, attend_in_branches, masks_of
from texthawk.train.characters import HAN
from texthawk.train.questions import (
    FAMILIES,
    MISREAD_WIDE,
    OF_MARKS,
    TASKS,
    QuestionMaker,
    Sheet,
    Shown,
    misread,
    shown_of,
)
from texthawk.train.step import losses_of
from texthawk.train.supervision import Supervision

ENGLISH = {"en": 1.0}
TEXT = [
    "Seven boats came in at dusk, two of them red, and none of the crews would say where they had been since Monday."
]


@pytest.fixture(scope="module")
def questions() -> QuestionMaker:
    fonts = system_fonts()
    if not fonts:
        pytest.skip("no text font on this machine; scripts/fetch_fonts.sh installs some")
    tokenizer = train_tokenizer(TEXT, 262)
    extend_tokenizer(tokenizer)
    return QuestionMaker(TextHawkProcessor(TextHawkImageProcessor(), tokenizer), Texts({"en": TEXT}), fonts, 3)


@pytest.fixture(scope="module")
def batch(questions: QuestionMaker) -> Batch:
    return questions.batch((4,), 0, 2)


@pytest.fixture(scope="module")
def model(questions: QuestionMaker) -> TextHawkForConditionalGeneration:
    torch.manual_seed(0)
    config = RECIPES["nano"]().model_config()
    for name, value in extend_tokenizer(questions.tokenizer).items():
        setattr(config, name, value)
    return TextHawkForConditionalGeneration(config).eval()


def branches(batch: Batch, row: int) -> list[tuple[list[int], int, int]]:
    """Each question's own prompt with its answer, where the answer's first token stands in the row, and its length."""
    assert batch.sees is not None and batch.positions is not None
    found = []
    labels = batch.labels[row].tolist()
    starts = [k for k in range(1, len(labels)) if labels[k] != -100 and labels[k - 1] == -100]
    for start in starts:
        end = next((k for k in range(start, len(labels)) if labels[k] == -100), len(labels))
        seen = batch.sees[row, end - 1].nonzero()[:, 0]
        assert batch.positions[row, seen].tolist() == list(range(len(seen)))
        found.append((batch.input_ids[row, seen].tolist(), start, end - start))
    return found


def test_each_question_is_the_prompt_that_it_would_be_alone(questions: QuestionMaker) -> None:
    shown = questions._shown(questions.factory(FAMILIES, ENGLISH), np.random.default_rng(1))
    batch = questions.batch_of([questions._row(shown)])
    for (ids, _, _), (question, answer, _) in zip(branches(batch, 0), shown.asked, strict=True):
        message = [{"role": "user", "content": [{"type": "text", "text": about(shown.text, question)}]}]
        processor = TextHawkProcessor(TextHawkImageProcessor(), questions.tokenizer)
        prompt = processor.apply_chat_template(message, add_generation_prompt=True, tokenize=False)
        assert ids == questions.tokenizer(prompt + answer + "<|im_end|>", add_special_tokens=False)["input_ids"]


def test_questions_that_share_a_page_have_the_logits_that_they_have_alone(
    batch: Batch, model: TextHawkForConditionalGeneration
) -> None:
    language = model.model.language_model
    embed = model.model.get_input_embeddings()
    with torch.no_grad():
        attend_in_branches(model)
        together = language(
            inputs_embeds=embed(batch.input_ids),
            branches=masks_of(batch.branches, batch.input_ids.device),
            position_ids=batch.positions,
            use_cache=False,
        ).last_hidden_state
        language.set_attn_implementation("sdpa")
        for ids, start, length in branches(batch, 0):
            alone = language(inputs_embeds=embed(torch.tensor([ids])), use_cache=False).last_hidden_state[0]
            torch.testing.assert_close(together[0, start : start + length], alone[-length:], atol=1e-4, rtol=1e-4)


def test_what_a_question_sees_is_told_alike_to_attention_and_guide(batch: Batch) -> None:
    assert batch.sees is not None
    for row, (text, parts) in enumerate(masks_of(batch.branches, batch.input_ids.device)):
        assert parts[0].begin == text and parts[-1].end == batch.branches[row].ends[-1]
        for begin, end, mask in parts:
            sees = torch.cat([batch.sees[row, begin:end, :text], batch.sees[row, begin:end, begin:end]], dim=1)
            assert torch.equal(sees, mask == 0)
            assert batch.sees[row, begin:end].sum() == sees.sum()  # and it sees nothing else


def test_short_questions_are_worked_through_together() -> None:
    page = Branches(50, (100, 150, 150 + SHARED, 400 + SHARED, 410 + SHARED))
    assert page.together() == [
        (50, 150 + SHARED),
        (150 + SHARED, 400 + SHARED),
        (400 + SHARED, 410 + SHARED),
    ]


def test_the_letters_that_are_pointed_at_are_those_of_the_answer(questions: QuestionMaker) -> None:
    found = 0
    for seed in range(6):
        shown = questions._shown(questions.factory(FAMILIES, ENGLISH), np.random.default_rng(seed))
        batch = questions.batch_of([questions._row(shown)])
        assert batch.guide is not None
        if stands_as_it_is(shown):
            for token in batch.guide[0].any(-1).nonzero()[:, 0].tolist():
                pointed = batch.guide[0, token].nonzero()[:, 0]
                assert (batch.input_ids[0, pointed] == batch.input_ids[0, token]).all()
                found += 1
    assert found > 20


def stands_as_it_is(shown: Shown) -> bool:
    """Whether every letter that is pointed at is in the text the answer's own, and none of them misread."""
    return all(
        shown.text[place] == letter
        for _, answer, letters in shown.asked
        for letter, places in zip(answer, letters, strict=True)
        for place in places
    )


ITEMS = [f"Pears{GAP}12.50", f"Figs{GAP}3.20", f"Total{GAP}12.50", "No 60, Jalan Seroja,", "80100 Johor"]


def told(answer: str, question: str = "?", kind: str = "look-up", working: str = "") -> str:
    return Sheet(ITEMS, 5).told(Asked(question, answer, kind=kind, working=working))[0]


def test_an_answer_names_the_row_that_is_nearest_to_the_question_of_those_that_hold_it() -> None:
    assert told("12.50", "How much are the pears?") == "<5>12.50"
    assert told("12.50", "What is the total?") == "<7>12.50"


def test_an_answer_over_several_rows_names_each() -> None:
    assert told("No 60, Jalan Seroja, 80100 Johor") == "<8>No 60, Jalan Seroja, <9>80100 Johor"
    assert told("Pears, Figs") == "<5>Pears, <6>Figs"


CHINESE = ["收信人：陈芳", "青岛市", "胜利路340号", f"合计{GAP}12.50"]


def told_in_chinese(answer: str, question: str = "？") -> tuple[str, list[list[int]]]:
    return Sheet(CHINESE, 5).told(Asked(question, answer))


def test_a_chinese_answer_is_found_inside_a_line_and_over_several() -> None:
    read = marked(CHINESE, 5)
    for answer, written in (("陈芳", "<5>陈芳"), ("青岛市胜利路340号", "<6>青岛市<7>胜利路340号")):
        said, letters = told_in_chinese(answer)
        assert said == written and len(letters) == len(said)
        assert cited(said, [""] * 5 + CHINESE).text == answer
        for letter, places in zip(said, letters, strict=True):
            assert [read[place] for place in places] in ([], [letter])
    assert told_in_chinese("2.50")[0] == "2.50" and told_in_chinese("李明")[0] == "李明"
    assert told_in_chinese("陈合计")[0] == "陈合计"  # one character alone stands anywhere
    split = Sheet(["2023年5月", "6日"], 0).told(Asked("2023年5月6日？", "2023年5月6日"))[0]
    assert split == "<0>2023年5月<1>6日"


def test_chinese_rows_are_near_by_two_characters() -> None:
    question = "这张票的合计金额是多少？"
    near = nearness([*CHINESE, "公里数"], question)
    assert near[3] > 0 and [score for place, score in enumerate(near) if place != 3] == [0, 0, 0, 0]


def test_misread_chinese_stays_chinese_and_is_as_long() -> None:
    text = "合计金额高于三种商品，12.50 Figs" * 20
    read = misread(text, 1.0, np.random.default_rng(2))
    assert len(read) == len(text)
    pairs = list(zip(text, read, strict=True))
    assert all(is_wide(after) for before, after in pairs if before in HAN)
    wrong = sum(before != after for before, after in pairs if before in HAN) / sum(letter in HAN for letter in text)
    assert abs(wrong - MISREAD_WIDE) < 0.08
    assert misread(text, 0.0, np.random.default_rng(2)) == text


def test_chinese_documents_are_asked_about_in_chinese(questions: QuestionMaker) -> None:
    texts, _ = texts_and_fonts("zh")
    maker = QuestionMaker(
        TextHawkProcessor(TextHawkImageProcessor(), questions.tokenizer), texts, questions._fonts, seed=3
    )
    batch = maker.batch((4,), 0, 3, languages={"zh": 1.0})
    read = questions.tokenizer.batch_decode(batch.input_ids)
    assert all(sum(is_wide(letter) for letter in page) > 20 for page in read)
    assert batch.guide is not None
    pointed = batch.guide.any(-1)
    assert (batch.labels[pointed] != -100).all() and pointed.any()


def test_what_is_not_printed_names_no_row() -> None:
    assert told("JavaScript") == "JavaScript" and told("12.5") == "12.5"
    assert told("2", kind="count") == "2" and told("no", kind="yes/no") == "no"


def test_formulas_name_the_row_of_each_piece_once_and_of_a_list_nothing_but_the_rows() -> None:
    assert told("15.70", "Pears and figs?", "sum", "=12.50 + 3.20") == "=<5>12.50 + <6>3.20"
    assert told("Pears", kind="compare", working="=max(Pears 12.50; Figs 3.20)") == "=max(<5>Pears 12.50; <6>Figs 3.20)"
    assert told("2", kind="count", working="=count(Pears; Figs)") == "=count(<5>; <6>)"
    assert told("2", kind="count", working="=count(Jalan; Seroja)") == "=count(<8>Jalan; Seroja)"


def test_answers_are_learned_and_nothing_else(questions: QuestionMaker, batch: Batch) -> None:
    for row in range(len(batch.input_ids)):
        for ids, start, length in branches(batch, row):
            assert batch.labels[row, start : start + length].tolist() == ids[-length:]
            assert ids[-1] == questions.tokenizer.convert_tokens_to_ids("<|im_end|>")


def test_the_page_is_shown_as_a_reader_shows_it(questions: QuestionMaker) -> None:
    seen = 0
    for index in range(12):
        document = questions.factory(FAMILIES, ENGLISH).document(index)
        rng = np.random.default_rng(index)
        shown = shown_of(document, rng)
        if shown.asked:
            rows = printed_rows([line.words for line in document.lines])
            kept = [rows[row] for row in rows_about(rows, shown.asked[0][0])]
            first = int(shown.text[1 : shown.text.index(">")])
            read = marked(kept, first)
            assert len(shown.text) == len(read)
            assert sum(a != b for a, b in zip(shown.text, read, strict=True)) <= 0.2 * len(read)
            asked = {one.question: one for one in document.asked if one.task in TASKS}
            for question, answer, letters in shown.asked:
                assert len(letters) == len(answer)
                told = cited(answer, [""] * first + kept)
                if not asked[question].working:
                    assert told.text == asked[question].answer
                elif worked_out(asked[question].working) == asked[question].answer:
                    assert worked_out(told.text) == asked[question].answer
            seen += 1
    assert seen > 5


def test_a_batch_is_a_function_of_dice_and_step_whatever_was_made_before(questions: QuestionMaker) -> None:
    one = questions.batch((7,), 1, 2)
    questions.batch((8,), 5, 2)
    other, third = questions.batch((7,), 1, 2), questions.batch((7,), 2, 2)
    assert torch.equal(one.input_ids, other.input_ids)
    assert one.input_ids.shape != third.input_ids.shape or not torch.equal(one.input_ids, third.input_ids)


def test_a_stage_chooses_the_families_that_are_asked_about(questions: QuestionMaker) -> None:
    charts = questions.batch((9,), 0, 2, {"pie_chart": 1.0})
    tickets = questions.batch((9, 1), 0, 2, {"ticket": 1.0})
    read = [text for batch in (charts, tickets) for text in questions.tokenizer.batch_decode(batch.input_ids)]
    assert all("%" in page or "chart" in page or "value" in page for page in read[:2])
    assert not any("chart" in page for page in read[2:])


def test_no_values_are_asked_of_a_chart_that_does_not_print_them(questions: QuestionMaker) -> None:
    factory = questions.factory({"bar_chart": 1.0}, ENGLISH)
    documents = [factory.document(index) for index in range(24)]
    kinds: dict[bool, set[str]] = {True: set(), False: set()}
    for index, document in enumerate(documents):
        assert document.chart is not None
        told = {one.question: one.kind for one in document.asked}
        shown = shown_of(document, np.random.default_rng(index))
        kinds[document.chart["labelled"]] |= {told[question] for question, _, _ in shown.asked}
    assert not kinds[False] & OF_MARKS and kinds[True] & OF_MARKS


def test_a_step_on_questions_has_finite_losses_that_reach_the_language_model_alone(
    batch: Batch, model: TextHawkForConditionalGeneration
) -> None:
    config = model.config
    supervision = Supervision(config.vision_config.hidden_size, config.text_config.hidden_size, (1, 2, 3))
    loss, seen = losses_of(model, supervision, batch, ANSWER.losses)
    loss.backward()
    assert torch.isfinite(loss) and {"language", "guide", "guide_hit"} <= set(seen)
    assert "place" not in seen and "spell" not in seen  # they are about pixels
    gradients = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    assert all(gradient.isfinite().all() for gradient in gradients.values())
    reached = [name for name, gradient in gradients.items() if gradient.any()]
    assert reached and all("language_model" in name or "lm_head" in name for name in reached)
    model.zero_grad(set_to_none=True)


def test_questions_whose_answers_are_printed_nowhere_have_finite_losses(
    questions: QuestionMaker, model: TextHawkForConditionalGeneration
) -> None:
    text = "Total\t12.50\nThank you"
    asked = [
        (question, answer, [[] for _ in answer]) for question, answer in (("Was it paid?", "no"), ("By whom?", ""))
    ]
    batch = questions.batch_of([questions._row(page) for page in (Shown(text, asked), Shown(text * 9, asked[:1]))])
    supervision = Supervision(model.config.vision_config.hidden_size, model.config.text_config.hidden_size, (1, 2, 3))
    with torch.no_grad():
        loss, seen = losses_of(model, supervision, batch, ANSWER.losses)
    assert torch.isfinite(loss) and all(torch.isfinite(value) for value in seen.values())
    assert "guide" not in seen
