"""A model folder from public backbones: tower and language model compute in it what they computed before."""

import json
import shutil
import stat

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoProcessor,
    AutoTokenizer,
    CLIPConfig,
    CLIPModel,
    CLIPVisionConfig,
    CLIPVisionModel,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
    SiglipConfig,
    SiglipModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

import texthawk
from tests.model import tiny
from texthawk.cli.assemble import main
from texthawk.model.assembly import CLIP_MEAN
from texthawk.model.configuration import TextHawkConfig
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes.tiny import tiny as tiny_recipe

TOWER = {
    "hidden_size": 24,
    "intermediate_size": 32,
    "num_hidden_layers": 8,
    "num_attention_heads": 2,
    "image_size": 64,
    "patch_size": 4,
}
TEXT = {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 64}
LANGUAGE = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
TEMPLATE = (
    "{% for m in messages %}[{{ m['role'] }}]{{ m['content'] }}{% endfor %}"
    "{% if add_generation_prompt %}[me]{% endif %}"
)


def towers():
    clip, siglip = CLIPVisionConfig(**TOWER), SiglipVisionConfig(**TOWER)
    return {
        "siglip": lambda: SiglipVisionModel(siglip),
        "siglip-dual": lambda: SiglipModel(SiglipConfig(vision_config=siglip.to_dict(), text_config=TEXT)),
        "clip": lambda: CLIPVisionModel(clip),
        "clip-dual": lambda: CLIPModel(CLIPConfig(vision_config=clip.to_dict(), text_config=TEXT)),
    }


def plain_tokenizer(template=None):
    """A tokenizer as a language model has it: none of our tokens, 256 bytes and one end."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE({letter: index for index, letter in enumerate(letters)}, []))
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="</s>")
    fast.chat_template = template
    return fast


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of tiny random backbones, written by transformers."""
    base = tmp_path_factory.mktemp("backbones")
    torch.manual_seed(0)
    for name, build in towers().items():
        build().save_pretrained(base / name)
    (base / "siglip" / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.1] * 3, "image_std": [0.2] * 3})
    )
    languages = {
        "qwen2": (Qwen2ForCausalLM(Qwen2Config(vocab_size=300, tie_word_embeddings=True, **LANGUAGE)), TEMPLATE),
        "llama": (LlamaForCausalLM(LlamaConfig(vocab_size=257, attention_bias=True, **LANGUAGE)), None),
    }
    for name, (model, template) in languages.items():
        model.save_pretrained(base / name)
        plain_tokenizer(template).save_pretrained(base / name)
    return base


@pytest.fixture(scope="module")
def built(folders):
    """The model folder of a pair, built once."""

    def build(vision, language, *options):
        out = folders / "-".join([vision, language, *options])
        if not out.exists():
            places = ["--vision", str(folders / vision), "--language", str(folders / language), "--out", str(out)]
            recipe = [] if "--recipe" in options else ["--recipe", "tiny"]
            assert main([*places, *recipe, *options]) == 0
        return out

    return build


@pytest.mark.parametrize("vision", towers())
def test_the_tower_inside_computes_transformers_hidden_states(folders, built, vision):
    model = TextHawkForConditionalGeneration.from_pretrained(built(vision, "qwen2")).eval()
    kind = type(towers()[vision]())
    original = kind.from_pretrained(folders / vision).eval()
    original = original if vision in ("siglip", "clip") else original.vision_model
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = original(pixels, output_hidden_states=True).hidden_states
        levels = model.model.vision_tower(pixels)
    assert model.config.feature_layers == (2, 4, 6, 8)
    for level, layer in zip(levels, (2, 4, 6, 8), strict=True):
        torch.testing.assert_close(level, expected[layer][:, -256:])


@pytest.mark.parametrize("language", ["qwen2", "llama"])
def test_the_language_model_inside_computes_the_old_logits_for_old_tokens(folders, built, language):
    model = TextHawkForConditionalGeneration.from_pretrained(built("siglip", language)).eval()
    original = AutoModelForCausalLM.from_pretrained(folders / language).eval()
    ids = torch.randint(0, 256, (2, 9))
    with torch.no_grad():
        torch.testing.assert_close(model(ids).logits[..., :257], original(ids).logits[..., :257])


@pytest.mark.parametrize("language", ["qwen2", "llama"])
def test_new_tokens_start_at_the_mean_of_the_old_ones(folders, built, language):
    model = TextHawkForConditionalGeneration.from_pretrained(built("siglip", language))
    original = AutoModelForCausalLM.from_pretrained(folders / language)
    known = max(AutoTokenizer.from_pretrained(folders / language).get_vocab().values()) + 1
    for ours, theirs in (
        (model.get_input_embeddings(), original.get_input_embeddings()),
        (model.get_output_embeddings(), original.get_output_embeddings()),
    ):
        torch.testing.assert_close(ours.weight[:known], theirs.weight[:known])
        mean = theirs.weight[:known].mean(0)  # rows past the tokenizer's own were never trained
        torch.testing.assert_close(ours.weight[known:], mean.expand(len(ours.weight) - known, -1))
    assert len(ours.weight) % 64 == 0 and model.config.text_config.vocab_size == len(ours.weight)
    assert (ours.weight is model.get_input_embeddings().weight) == (language == "qwen2")


def test_the_folder_answers_about_a_page(built):
    texthawk.register()
    place = built("clip", "llama")
    model, processor = (
        TextHawkForConditionalGeneration.from_pretrained(place).eval(),
        AutoProcessor.from_pretrained(place),
    )
    prompt = processor.apply_chat_template(_question(), add_generation_prompt=True)
    inputs = processor(text=prompt, images=tiny.picture(64, 128), return_tensors="pt")
    made = model.generate(**inputs, max_new_tokens=3)
    assert made.shape[1] <= inputs["input_ids"].shape[1] + 3
    tokens = processor.tokenizer
    assert model.config.image_token_id == tokens.convert_tokens_to_ids("<image>") == processor.image_token_id
    assert tokens.convert_ids_to_tokens(model.config.coordinate_token_start + 999) == "<999>"
    ends = tokens.convert_tokens_to_ids(["</s>", "<|im_end|>"])
    assert set(ends) <= set(model.generation_config.eos_token_id)


def _question():
    return [
        {"role": "user", "content": [{"type": "text", "text": "A"}, {"type": "image"}, {"type": "text", "text": "B"}]}
    ]


@pytest.mark.parametrize("language", ["qwen2", "llama"])
def test_prompts_of_a_batch_are_padded_in_front_and_answered_as_alone(built, language):
    texthawk.register()
    processor = AutoProcessor.from_pretrained(built("siglip", language))
    model = TextHawkForConditionalGeneration.from_pretrained(built("siglip", language)).eval()
    prompts, pages = ["<image>Total?", "<image>And what is the date of <image>?"], [tiny.picture(64, 64)] * 3
    both = processor(text=prompts, images=pages, padding=True, return_tensors="pt")
    assert both["attention_mask"][:, -1].all() and not both["attention_mask"][0, 0]
    alone = processor(text=prompts[0], images=pages[0], return_tensors="pt")
    with torch.no_grad():
        torch.testing.assert_close(model(**both).logits[0, -1], model(**alone).logits[0, -1], atol=1e-4, rtol=1e-4)


def test_a_chat_template_is_kept_and_takes_images(built):
    processor = AutoProcessor.from_pretrained(built("siglip", "qwen2"))
    assert processor.apply_chat_template(_question(), add_generation_prompt=True) == "[user]A<image>B[me]"
    plain = [{"role": "system", "content": "S"}, {"role": "user", "content": "Q"}]
    assert processor.apply_chat_template(plain) == "[system]S[user]Q"


def test_without_a_chat_template_ours_is_used_with_its_turn_tokens(built):
    processor = AutoProcessor.from_pretrained(built("siglip", "llama"))
    prompt = processor.apply_chat_template(_question())
    assert prompt.startswith("<|im_start|>user") and "A<image>B<|im_end|>" in prompt
    assert len(processor.tokenizer("<|im_start|><|im_end|>")["input_ids"]) == 2


def test_pixels_are_normalised_as_the_tower_was_trained(built):
    given, silent = (AutoProcessor.from_pretrained(built(name, "qwen2")).image_processor for name in ("siglip", "clip"))
    assert (given.image_mean, given.image_std) == ([0.1] * 3, [0.2] * 3)
    assert silent.image_mean == CLIP_MEAN


def test_llava_uhd_is_assembled_with_its_slices_and_its_conversation(folders, built):
    """No frame tokens, no coordinates, the last layer but one, Vicuna's words around the question."""
    out = built("clip", "llama", "--recipe", "llava_uhd2")
    model = TextHawkForConditionalGeneration.from_pretrained(out).eval()
    processor = AutoProcessor.from_pretrained(out)
    assert model.config.feature_layers == (TOWER["num_hidden_layers"] - 1,)
    assert model.detection_head is None
    content = [{"type": "image"}, {"type": "text", "text": "What is it?"}]
    prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
    assert prompt.endswith("USER: <image>\nWhat is it? ASSISTANT:")
    page = Image.new("RGB", (160, 100), "white")
    inputs = processor(images=[page], text=[prompt], return_tensors="pt")
    layout = processor.image_processor.layout(page.height, page.width)
    promised = model.config.visual_tokens(layout)
    assert promised > 144
    assert int((inputs["input_ids"] == model.config.image_token_id).sum()) == promised
    written = model.generate(**inputs, max_new_tokens=3, min_new_tokens=3, do_sample=False)
    assert written.shape[1] == inputs["input_ids"].shape[1] + 3


def test_layers_that_are_not_read_are_not_written(built):
    place = built("siglip", "qwen2", "--feature-layers", "1,2,3,5")
    model = TextHawkForConditionalGeneration.from_pretrained(place)
    assert model.config.feature_layers == (1, 2, 3, 5) and len(model.model.vision_tower.model.encoder.layers) == 5


def test_weights_take_the_dtype_asked_for(built):
    place = built("siglip", "qwen2", "--dtype", "bfloat16")
    assert {p.dtype for p in TextHawkForConditionalGeneration.from_pretrained(place).parameters()} == {torch.bfloat16}


def test_files_can_be_read_by_everyone(built):
    for file in built("siglip", "qwen2").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o644, file


def test_heads_follow_a_tower_of_another_width(built):
    config = TextHawkConfig.from_pretrained(built("siglip", "qwen2"))
    assert (config.compressor_config.heads, config.compressor_config.intermediate) == (2, 32)
    assert config.compressor_config.expansion == tiny_recipe().model_config().compressor_config.expansion


def refused(capsys, folders, out, *options, vision="siglip", language="qwen2"):
    places = ["--vision", str(folders / vision), "--language", str(folders / language), "--out", str(out)]
    assert main([*places, "--recipe", "tiny", *options]) == 2
    error = capsys.readouterr().err
    error = error[error.index("texthawk assemble: ") :]  # transformers' progress may stand before it
    assert error.count("\n") == 1
    assert not out.exists() or out == folders / "siglip"
    assert not list(out.parent.glob(".*"))  # nothing half done beside it
    return error


@pytest.mark.parametrize("layers", ["1,2,3", "1,2,3,9", "0,1,2,3", "4,3,2,1"])
def test_feature_layers_that_do_not_fit_are_refused(capsys, folders, tmp_path, layers):
    error = refused(capsys, folders, tmp_path / "out", "--feature-layers", layers)
    assert "needs 4 layers" in error and "from 1 to 8" in error


@pytest.mark.parametrize(
    ("depth", "layers"), [(3, [2, 2, 2, 3]), (4, [1, 2, 3, 4]), (5, [2, 3, 4, 5]), (12, [6, 8, 10, 12])]
)
def test_a_tower_of_any_depth_is_read_from_its_middle_to_its_end(folders, tmp_path, depth, layers):
    SiglipVisionModel(SiglipVisionConfig(**{**TOWER, "num_hidden_layers": depth})).save_pretrained(tmp_path / "tower")
    places = ["--vision", str(tmp_path / "tower"), "--language", str(folders / "qwen2"), "--out", str(tmp_path / "out")]
    assert main([*places, "--recipe", "texthawk2"]) == 0
    assert TextHawkConfig.from_pretrained(tmp_path / "out").feature_layers == tuple(layers)


def test_a_folder_that_is_missing_is_named(capsys, folders, tmp_path):
    assert "vision folder" in refused(capsys, folders, tmp_path / "out", vision="nowhere")
    assert "language folder" in refused(capsys, folders, tmp_path / "out", language="nowhere")


def test_a_folder_that_lacks_a_file_is_refused_with_the_way_out(capsys, folders, tmp_path):
    for missing, message in (("config.json", "no config.json"), ("model.safetensors", "no weights")):
        broken = tmp_path / f"no-{missing}"
        shutil.copytree(folders / "siglip", broken)
        (broken / missing).unlink()
        assert message in refused(capsys, folders, tmp_path / "out", vision=broken)
    (tmp_path / "mute").mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folders / "qwen2" / name, tmp_path / "mute" / name)
    assert "has no tokenizer" in refused(capsys, folders, tmp_path / "out", language=tmp_path / "mute")


def test_weights_that_are_missing_are_named(capsys, folders, tmp_path):
    from safetensors.torch import load_file, save_file

    broken = tmp_path / "broken"
    shutil.copytree(folders / "qwen2", broken)
    state = load_file(broken / "model.safetensors")
    del state["model.layers.1.mlp.up_proj.weight"]
    save_file(state, broken / "model.safetensors", metadata={"format": "pt"})
    assert "layers.1.mlp.up_proj.weight" in refused(capsys, folders, tmp_path / "out", language=broken)


@pytest.mark.parametrize(("name", "part"), [("siglip", "vision"), ("llama", "language")])
def test_a_weight_of_another_shape_is_named_with_both_shapes(capsys, folders, tmp_path, name, part):
    broken = tmp_path / name
    shutil.copytree(folders / name, broken)
    weights = load_file(broken / "model.safetensors")
    key = next(key for key in weights if key.endswith("layers.0.self_attn.q_proj.weight"))
    weights[key] = weights[key][:3].clone()
    save_file(weights, broken / "model.safetensors", {"format": "pt"})
    error = refused(capsys, folders, tmp_path / "out", **{part: broken})
    assert part in error and key in error and f"(3, {weights[key].shape[1]})" in error


@pytest.mark.parametrize(
    ("name", "file", "content", "message"),
    [
        ("siglip", "model.safetensors", "nothing", "the vision model in"),
        ("qwen2", "model.safetensors", "nothing", "the language model in"),
        ("siglip", "config.json", '{"model_type": "none"}', "config.json in vision folder"),
        ("qwen2", "config.json", "{", "config.json in language folder"),
        ("qwen2", "tokenizer.json", "{", "the tokenizer in"),
        ("siglip", "preprocessor_config.json", "[1]", "preprocessor_config.json cannot be read"),
    ],
)
def test_a_damaged_file_is_named(capsys, folders, tmp_path, name, file, content, message):
    broken = tmp_path / name
    shutil.copytree(folders / name, broken)
    (broken / file).write_text(content)
    part = "vision" if name == "siglip" else "language"
    assert message in refused(capsys, folders, tmp_path / "out", **{part: broken})


def test_a_language_model_of_another_make_is_refused(capsys, folders, tmp_path):
    GPT2LMHeadModel(GPT2Config(vocab_size=300, n_embd=16, n_layer=1, n_head=2)).save_pretrained(tmp_path / "gpt2")
    plain_tokenizer().save_pretrained(tmp_path / "gpt2")
    assert "is a gpt2; take" in refused(capsys, folders, tmp_path / "out", language=tmp_path / "gpt2")


def test_a_tower_whose_width_takes_no_sines_is_refused(capsys, folders, tmp_path):
    SiglipVisionModel(SiglipVisionConfig(**{**TOWER, "hidden_size": 22})).save_pretrained(tmp_path / "tower")
    assert "22 is not divisible by 4" in refused(capsys, folders, tmp_path / "out", vision=tmp_path / "tower")


def test_backbones_in_each_others_place_are_refused(capsys, folders, tmp_path):
    assert "must be a SigLIP or a CLIP" in refused(capsys, folders, tmp_path / "out", vision="llama")
    assert "is a siglip_vision_model" in refused(capsys, folders, tmp_path / "out", language="siglip")


def test_a_tower_whose_patches_do_not_suit_is_refused(capsys, folders, tmp_path):
    SiglipVisionModel(SiglipVisionConfig(**{**TOWER, "image_size": 56})).save_pretrained(tmp_path / "tower")
    assert "14x14 patches" in refused(capsys, folders, tmp_path / "out", vision=tmp_path / "tower")


def test_a_folder_with_something_in_it_is_left_alone(capsys, folders):
    before = sorted((folders / "siglip").iterdir())
    assert "is not an empty folder" in refused(capsys, folders, folders / "siglip")
    assert sorted((folders / "siglip").iterdir()) == before


def test_an_unknown_recipe_is_refused(capsys, tmp_path):
    assert main(["--vision", "a", "--language", "b", "--out", str(tmp_path / "c"), "--recipe", "huge"]) == 2
    assert "choose one of" in capsys.readouterr().err
