"""The model as transformers sees it: cache, batches, padding and saving change nothing about an answer."""

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, AutoProcessor, pipeline

import texthawk
from tests.model import tiny
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration, TextHawkModel
from texthawk.recipes.ablations import ablations
from texthawk.recipes.tiny import tiny as tiny_recipe

SHORT = tiny.prompt("", "What?")
LONG = tiny.prompt("Compare ", " with ", ": what is the total of this receipt?")
PICTURES = [tiny.picture(60, 120, 1), tiny.picture(130, 70, 2), tiny.picture(64, 64, 3)]


@pytest.fixture(scope="module")
def model():
    return tiny.model()


@pytest.fixture(scope="module")
def processor():
    return tiny.processor()


@pytest.fixture(scope="module")
def folder(model, processor, tmp_path_factory):
    place = tmp_path_factory.mktemp("model")
    model.save_pretrained(place)
    processor.save_pretrained(place)
    return place


def inputs_for(processor, prompts, pictures):
    return processor(text=prompts, images=pictures, padding=True, return_tensors="pt")


def logits(model, inputs, **kwargs):
    with torch.no_grad():
        return model(**inputs, **kwargs).logits


def continued(model, inputs, tokens=6, **kwargs):
    made = model.generate(**inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False, **kwargs)
    return made[:, inputs["input_ids"].shape[1] :]


def test_generation_with_a_cache_is_generation_without_one(model, processor):
    inputs = inputs_for(processor, [LONG], PICTURES[:2])
    assert torch.equal(continued(model, inputs), continued(model, inputs, use_cache=False))


def test_generation_looks_at_the_page(model, processor):
    answers = [logits(model, inputs_for(processor, [SHORT], [tiny.picture(64, 64, seed)]))[0, -1] for seed in (3, 4)]
    assert (answers[0] - answers[1]).abs().max() > 1e-3


def test_one_step_from_the_cache_gives_the_logits_of_the_whole_prompt(model, processor):
    inputs = inputs_for(processor, [SHORT], PICTURES[:1])
    whole = logits(model, inputs)
    first = {**inputs, "input_ids": inputs["input_ids"][:, :-1], "attention_mask": inputs["attention_mask"][:, :-1]}
    with torch.no_grad():
        seen = model(**first, use_cache=True)
        step = model(
            inputs["input_ids"][:, -1:], past_key_values=seen.past_key_values, attention_mask=inputs["attention_mask"]
        )
    torch.testing.assert_close(step.logits[:, 0], whole[:, -1], atol=1e-4, rtol=1e-4)


def test_a_left_padded_batch_answers_as_each_prompt_alone(model, processor):
    together = inputs_for(processor, [SHORT, LONG], [[PICTURES[2]], PICTURES[:2]])
    assert (together["attention_mask"][0] == 0).any() and together["attention_mask"][:, -1].all()
    alone = [inputs_for(processor, [SHORT], PICTURES[2:]), inputs_for(processor, [LONG], PICTURES[:2])]
    last = logits(model, together)[:, -1]
    for row, inputs in zip(last, alone, strict=True):
        torch.testing.assert_close(row, logits(model, inputs)[0, -1], atol=1e-4, rtol=1e-4)
    assert torch.equal(continued(model, together), torch.cat([continued(model, inputs) for inputs in alone]))


def test_beams_of_a_batch_look_at_the_pages_of_their_own_prompt(model, processor):
    together = inputs_for(processor, [SHORT, LONG], [[PICTURES[0]], PICTURES[1:]])
    alone = [inputs_for(processor, [SHORT], PICTURES[:1]), inputs_for(processor, [LONG], PICTURES[1:])]
    expected = torch.cat([continued(model, inputs, num_beams=3) for inputs in alone])
    assert torch.equal(continued(model, together, num_beams=3), expected)
    ids, expanded = model._expand_inputs_for_generation(2, input_ids=together["input_ids"], **_images(together))
    assert expanded["image_grids"].tolist() == [together["image_grids"].tolist()[k] for k in (0, 0, 1, 2, 1, 2)]
    with torch.no_grad():
        found = model(ids, attention_mask=together["attention_mask"].repeat_interleave(2, 0), **expanded).logits[:, -1]
    torch.testing.assert_close(found, logits(model, together)[:, -1].repeat_interleave(2, 0), atol=1e-4, rtol=1e-4)


def _images(inputs):
    return {name: inputs[name] for name in ("pixel_values", "image_grids")}


def test_images_of_a_prompt_are_taken_in_their_order(model, processor):
    there = logits(model, inputs_for(processor, [LONG], PICTURES[:2]))
    swapped = logits(model, inputs_for(processor, [LONG], [PICTURES[1], PICTURES[0]]))
    assert (there[0, -1] - swapped[0, -1]).abs().max() > 1e-3


def test_tiles_of_all_images_in_one_call_are_those_of_each_image(model, processor):
    together = inputs_for(processor, [LONG], PICTURES[:2])
    with torch.no_grad():
        found = model.get_image_features(together["pixel_values"], together["image_grids"]).pooler_output
        for tokens, one in zip(found, PICTURES, strict=False):
            inputs = inputs_for(processor, [SHORT], [one])
            alone = model.get_image_features(inputs["pixel_values"], inputs["image_grids"]).pooler_output[0]
            torch.testing.assert_close(tokens, alone, atol=1e-5, rtol=1e-4)


def test_the_last_logits_alone_are_the_last_of_all(model, processor):
    inputs = inputs_for(processor, [SHORT], PICTURES[:1])
    torch.testing.assert_close(logits(model, inputs, logits_to_keep=2), logits(model, inputs)[:, -2:])


def test_a_prompt_with_too_few_image_tokens_is_refused(model, processor):
    inputs = inputs_for(processor, [SHORT], PICTURES[:1])
    with pytest.raises(ValueError, match="image tokens but the images give"):
        model(inputs["input_ids"][:, :10], pixel_values=inputs["pixel_values"], image_grids=inputs["image_grids"])


def test_pixels_without_grids_are_refused(model, processor):
    inputs = inputs_for(processor, [SHORT], PICTURES[:1])
    with pytest.raises(ValueError, match="image_grids"):
        model(inputs["input_ids"], pixel_values=inputs["pixel_values"])


def test_a_saved_model_computes_the_same(model, processor, folder):
    loaded = TextHawkForConditionalGeneration.from_pretrained(folder).eval()
    for (name, ours), (other, theirs) in zip(model.state_dict().items(), loaded.state_dict().items(), strict=True):
        assert name == other and torch.equal(ours, theirs), name
    buffers = dict(loaded.named_buffers())
    for name, buffer in model.named_buffers():
        assert torch.equal(buffer, buffers[name]), name
    inputs = inputs_for(processor, [LONG], PICTURES[:2])
    assert torch.equal(logits(model, inputs), logits(loaded, inputs))


def test_auto_classes_know_the_model_after_register(folder, processor):
    texthawk.register()
    texthawk.register()
    assert isinstance(AutoConfig.from_pretrained(folder), TextHawkConfig)
    assert isinstance(AutoModelForImageTextToText.from_pretrained(folder), TextHawkForConditionalGeneration)
    loaded = AutoProcessor.from_pretrained(folder)
    before, after = (inputs_for(each, [LONG], PICTURES[:2]) for each in (processor, loaded))
    assert set(before) == set(after) and all(torch.equal(before[name], after[name]) for name in before)
    assert loaded.tokenizer.padding_side == "left" and loaded.chat_template == processor.chat_template


def test_the_model_without_its_heads_is_loaded_from_the_same_folder(folder, model, processor):
    texthawk.register()
    core = AutoModel.from_pretrained(folder).eval()
    assert isinstance(core, TextHawkModel)
    inputs = inputs_for(processor, [SHORT], PICTURES[:1])
    with torch.no_grad():
        hidden = core(**inputs).last_hidden_state
        torch.testing.assert_close(model.lm_head(hidden), model(**inputs).logits)
        assert torch.equal(core(**inputs, return_dict=False)[0], hidden)


def test_transformers_pipeline_answers(folder):
    texthawk.register()
    ask = pipeline("image-text-to-text", model=str(folder), device="cpu")
    parts = [{"type": "image", "image": PICTURES[0]}, {"type": "text", "text": "What?"}]
    answers = ask(text=[{"role": "user", "content": parts}], max_new_tokens=3, return_full_text=False)
    assert isinstance(answers[0]["generated_text"], str)


def test_lora_trains_and_merges_into_the_same_answers(processor):
    peft = pytest.importorskip("peft")
    inputs = inputs_for(processor, [SHORT], PICTURES[:1])
    base = tiny.model()
    before = logits(base, inputs)
    lora = peft.get_peft_model(base, peft.LoraConfig(r=2, target_modules=["q_proj", "v_proj"], lora_dropout=0.0))
    torch.testing.assert_close(logits(lora, inputs), before)
    optimiser = torch.optim.SGD([p for p in lora.parameters() if p.requires_grad], lr=0.5)
    for _ in range(2):  # the first step moves only the half that starts at zero
        lora(**inputs, labels=inputs["input_ids"]).loss.backward()
        optimiser.step()
        optimiser.zero_grad()
    trained = logits(lora.eval(), inputs)
    assert (trained - before).abs().max() > 1e-3
    torch.testing.assert_close(logits(lora.merge_and_unload(), inputs), trained, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("name", ablations(tiny_recipe()))
def test_gradients_reach_every_parameter_of_every_ablation(name):
    made = ablations(tiny_recipe())[name].model_config()
    processor = tiny.processor(made)
    for field, value in vars(tiny.config()).items():
        if field.endswith("token_id") or field == "coordinate_token_start":
            setattr(made, field, value)
    torch.manual_seed(0)
    model = TextHawkForConditionalGeneration(made)
    inputs = inputs_for(processor, [tiny.prompt("", "What?") + "<box><1><2>,<30><40></box>ab"], [tiny.picture(64, 128)])
    coordinates = torch.where(inputs["input_ids"] >= made.coordinate_token_start, 0.3, torch.nan)
    model(**inputs, labels=inputs["input_ids"], coordinates=coordinates).loss.backward()
    without = [key for key, p in model.named_parameters() if p.grad is None or not torch.isfinite(p.grad).all()]
    assert not without
    still = [
        key for key, p in model.named_parameters() if not p.grad.any() and not key.endswith(("k_proj.bias", ".k.bias"))
    ]
    assert not still  # a constant added to all keys leaves a softmax as it is


def test_a_config_survives_json(tmp_path):
    made = ablations(tiny_recipe())["row-separators"].model_config()
    made.save_pretrained(tmp_path)
    loaded = TextHawkConfig.from_pretrained(tmp_path)
    assert loaded.compressor_config == made.compressor_config and loaded.tiling_config == made.tiling_config
    assert loaded.feature_layers == made.feature_layers
    assert loaded.to_json_string() == made.to_json_string()
    for part in ("compressor", "tiling", "feature_layers", "separator_token_ids"):
        assert loaded.to_dict()[part] == made.to_dict()[part]
    assert made.to_dict()["compressor"]["levels"] == [3, 2, 1, 0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feature_layers": (1, 2)}, "reads level 3 but feature_layers"),
        ({"tiling": {"tile": 128}}, "tiles of 128 px do not fit a tower for 64 px"),
        ({"compressor": {"type": "resa", "patches": 8}}, "expects 8 patches a side, the tower gives 16"),
        ({"vision_config": {"model_type": "resnet"}}, "tower 'resnet' is not supported"),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_the_rule(changes, message):
    made = tiny_recipe().model_config()
    parts = {
        name: getattr(made, name) for name in ("vision_config", "text_config", "feature_layers", "tiling", "compressor")
    }
    with pytest.raises(ValueError, match=message):
        TextHawkConfig(**{**parts, **changes})
