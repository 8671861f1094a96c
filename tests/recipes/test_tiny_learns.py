"""The tiny model must learn: pages by heart, text and boxes, and boxes of pages that it never saw."""

import random

import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from tests.model.tiny import config, processor
from texthawk.model.grounding import box_text, coordinate_centre, parse_lines_with_boxes
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes.tiny import STAGE, tiny
from texthawk.train.optimiser import Optimiser

TASK = "List the text content along with their bounding boxes in the image"
QUESTION = f"<|im_start|>user\n<image>{TASK}<|im_end|>\n<|im_start|>assistant\n"
LINES = [
    ["Total 42.10", "fox & dog"],
    ["No. 7, May", "paid cash"],
    ["Read me", "again 1984"],
    ["Dear Ann,", "yours Bob"],
]


def printed(lines, rng):
    """A page of 64x128 px with lines of text, and their boxes as parts of the page."""
    page, font = Image.new("RGB", (128, 64), "white"), ImageFont.load_default(14)
    draw, boxes = ImageDraw.Draw(page), []
    for number, line in enumerate(lines):
        corner = (rng.uniform(1, 20), 4 + 30 * number + rng.uniform(0, 6))
        draw.text(corner, line, "black", font)
        left, top, right, bottom = draw.textbbox(corner, line, font)
        boxes.append((left / 128, top / 64, min(1.0, right / 128), min(1.0, bottom / 64)))
    return page, boxes


def answer_of(lines, boxes):
    return "\n".join(box_text(box) + line for line, box in zip(lines, boxes, strict=True)) + "<|im_end|>"


def batch_of(made, model_config, pages, answers, boxes):
    """Inputs with labels on the answers alone and the exact coordinates at the coordinate tokens."""
    inputs = made(text=[QUESTION + answer for answer in answers], images=pages, padding=True, return_tensors="pt")
    asked = made(text=QUESTION, images=pages[0])["input_ids"][0]
    labels = inputs["input_ids"].clone()
    for row, mask in zip(labels, inputs["attention_mask"], strict=True):
        row[: int((mask == 0).sum()) + len(asked)] = -100
    start = model_config.coordinate_token_start
    coordinates = torch.full(labels.shape, torch.nan)
    coordinates[(labels >= start) & (labels < start + 1000)] = torch.tensor(
        [v for page in boxes for box in page for v in box]
    )
    return {**inputs, "labels": labels, "coordinates": coordinates}


def fresh():
    torch.manual_seed(0)
    model = TextHawkForConditionalGeneration(config()).train()
    return model, Optimiser({"all": ([model], 1.0)}, weight_decay=STAGE.weight_decay)


@pytest.mark.slow
def test_the_tiny_model_overfits_a_few_pages_to_exact_text_and_boxes():
    rng, made = random.Random(0), processor()
    pages, boxes = zip(*[printed(lines, rng) for lines in LINES], strict=True)
    answers = [answer_of(lines, page) for lines, page in zip(LINES, boxes, strict=True)]
    model, optimiser = fresh()
    batch = batch_of(made, model.config, list(pages), answers, boxes)
    for step in range(STAGE.steps):
        optimiser.rate(STAGE.rate(step))
        loss = model(**batch).loss
        loss.backward()
        optimiser.clip(STAGE.clip)
        optimiser.step()
        if loss < 0.02:
            break
    model.eval()
    asked = made(text=[QUESTION] * len(pages), images=list(pages), padding=True, return_tensors="pt")
    ids = model.generate(**asked, max_new_tokens=64, do_sample=False, eos_token_id=made.tokenizer.eos_token_id)
    for lines, page, expected, row in zip(LINES, boxes, answers, ids[:, asked["input_ids"].shape[1] :], strict=True):
        text = made.tokenizer.decode(row, skip_special_tokens=True)
        assert text == expected.removesuffix("<|im_end|>")
        values = [coordinate_centre(int(token) - model.config.coordinate_token_start) for token in row]
        read = parse_lines_with_boxes(text, [value for value in values if 0 <= value <= 1])
        assert [line for line, _ in read] == lines
        for (_, found), exact in zip(read, page, strict=True):
            assert found == pytest.approx(exact, abs=0.5 / 1000 + 1e-6)


def marked(rng):
    """A page of 64x64 px with one dark rectangle, and its box."""
    left, top = rng.randint(0, 40), rng.randint(0, 40)
    right, bottom = left + rng.randint(8, 63 - left), top + rng.randint(8, 63 - top)
    page = Image.new("RGB", (64, 64), "white")
    page.paste("black", (left, top, right, bottom))
    return page, [(left / 64, top / 64, right / 64, bottom / 64)]


@pytest.mark.slow
def test_the_detection_head_beats_the_bins_it_replaces_on_pages_never_seen():
    made, steps = processor(), 300
    model, optimiser = fresh()

    def batch(size, rng):
        pages, boxes = zip(*[marked(rng) for _ in range(size)], strict=True)
        return batch_of(made, model.config, list(pages), [answer_of([""], page) for page in boxes], boxes)

    train, test = random.Random(0), random.Random(7)
    for step in range(steps):
        optimiser.rate(STAGE.learning_rate * min(1.0, 0.1 * step + 0.1, 2 * (1 - step / steps)))
        model(**batch(8, train)).loss.backward()
        optimiser.clip(STAGE.clip)
        optimiser.step()
    held_out = batch(64, test)
    with torch.no_grad():
        seen = model.eval()(**held_out)
    exact = held_out["coordinates"][:, 1:]
    places = ~torch.isnan(exact)
    start = model.config.coordinate_token_start
    bins = (seen.logits[:, :-1, start : start + 1000].argmax(-1) + 0.5) / 1000
    by_bins = (bins - exact)[places].abs().mean()
    by_head = (seen.coordinates[:, :-1] - exact)[places].abs().mean()
    blind = (exact[places].mean() - exact[places]).abs().mean()
    assert by_head < by_bins and by_head < 0.5 * blind, f"{by_head:.4f} {by_bins:.4f} {blind:.4f}"


def test_the_tiny_recipe_trains_all_parts_on_text_and_boxes():
    (stage,) = tiny().stages
    assert set(stage.parts) == {"tower", "connector", "language"} and stage.losses.language and stage.losses.box
