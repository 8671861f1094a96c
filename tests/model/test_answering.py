"""The weights that answer, kept as how they differ from those that read."""

import copy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from texthawk.model.answering import FILE, STEP, answering_weights, answers_in, as_kept, packed, save_answers, unpacked
from texthawk.model.modeling import TextHawkForConditionalGeneration
from texthawk.recipes import RECIPES


@pytest.fixture(scope="module")
def reading() -> TextHawkForConditionalGeneration:
    torch.manual_seed(0)
    return TextHawkForConditionalGeneration(RECIPES["nano"]().model_config()).eval()


@pytest.fixture(scope="module")
def answering(reading: TextHawkForConditionalGeneration) -> TextHawkForConditionalGeneration:
    made = TextHawkForConditionalGeneration(reading.config).eval()
    made.load_state_dict(reading.state_dict())
    torch.manual_seed(1)
    with torch.no_grad():
        for part in (made.model.language_model, made.model.connector):
            for weight in part.parameters():
                weight += 0.01 * torch.randn_like(weight)
    return made


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(40, 200), st.floats(1e-4, 100.0), st.integers(0, 9))
def test_an_entry_is_off_by_half_a_step_of_its_row_at_most(rows: int, columns: int, size: float, seed: int) -> None:
    matrix = size * torch.randn(rows, columns, generator=torch.Generator().manual_seed(seed))
    coded, steps = packed(matrix)
    assert coded.dtype == torch.uint8 and len(coded) < 0.53 * matrix.numel() + 80
    assert steps.tolist() == pytest.approx((STEP * matrix.pow(2).mean(1).sqrt()).tolist(), rel=0.25, abs=1e-7)
    off = (unpacked(coded, steps, columns) - matrix).abs()
    assert (off <= 0.51 * steps.float()[:, None] + 7e-7).all()


def test_within_as_kept_weights_are_what_is_loaded_again_and_behind_it_as_before(reading, answering, tmp_path) -> None:
    reading.save_pretrained(tmp_path)
    save_answers(tmp_path, reading, answering)
    loaded = answers_in(tmp_path, reading)
    own, exact = answering_weights(reading), copy.deepcopy(answering.state_dict())
    weight = answering.model.language_model.layers[0].mlp.up_proj.weight
    with as_kept(answering, own):
        for name, value in loaded.state_dict().items():
            torch.testing.assert_close(answering.state_dict()[name], value, atol=1e-7, rtol=0, msg=name)
        (weight**2).sum().backward()
    kept = loaded.model.language_model.layers[0].mlp.up_proj.weight
    torch.testing.assert_close(weight.grad, 2 * kept, atol=1e-6, rtol=0)  # that of the rounded weight
    assert not weight.equal(kept) and all(value.equal(exact[name]) for name, value in answering.state_dict().items())
    weight.grad = None


def test_the_same_answers_are_the_same_bytes(reading, answering, tmp_path) -> None:
    files = []
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        save_answers(tmp_path / str(number), reading, answering, ("ask_text", "find"))
        files.append((tmp_path / str(number) / FILE).read_bytes())
    assert len(set(files)) == 1


def test_answers_that_are_no_numbers_are_not_written(reading, answering, tmp_path) -> None:
    broken = copy.deepcopy(answering)
    with torch.no_grad():
        broken.model.language_model.norm.weight[3] = torch.inf
    with pytest.raises(ValueError, match=r"norm\.weight holds what is no number"):
        save_answers(tmp_path, reading, broken)
    assert not (tmp_path / FILE).exists()


def test_what_is_nought_stays_nought_and_takes_no_room() -> None:
    coded, steps = packed(torch.zeros(200, 384))
    assert not unpacked(coded, steps, 384).any() and len(coded) < 200 * 384 / 7
    with_one = torch.zeros(200, 384)
    with_one[7] = torch.randn(384)
    made = unpacked(*packed(with_one), 384)
    assert not made[torch.arange(200) != 7].any() and (made - with_one).abs().max() < 0.6


def test_a_row_that_hardly_differs_beside_others_becomes_nought() -> None:
    matrix = torch.randn(200, 384, generator=torch.Generator().manual_seed(3))
    matrix[::2] *= 0.005
    coded, steps = packed(matrix)
    made = unpacked(coded, steps, 384)
    assert (made[::2] != 0).float().mean() < 0.05 and (made[1::2] != 0).float().mean() > 0.7
    assert len(coded) < 0.36 * matrix.numel(), "nought takes a bit"


def test_an_entry_far_beyond_the_others_is_brought_to_the_last_step() -> None:
    matrix = torch.full((1, 40000), 1e-3)
    matrix[0, 3] = 1000.0
    coded, steps = packed(matrix)
    assert unpacked(coded, steps, 40000)[0, 3] == 127 * steps[0].float()


def test_the_answering_model_comes_back_and_shares_what_sees(
    reading: TextHawkForConditionalGeneration, answering: TextHawkForConditionalGeneration, tmp_path: Path
) -> None:
    save_answers(tmp_path, reading, answering)
    own = [reading.model.language_model, reading.model.connector]
    assert (tmp_path / FILE).stat().st_size < 0.27 * 2 * sum(w.numel() for part in own for w in part.parameters())
    before = {name: weight.clone() for name, weight in reading.state_dict().items()}
    made = answers_in(tmp_path, reading)
    assert made is not None
    assert made.model.vision_tower is reading.model.vision_tower
    assert made.lm_head.weight is made.model.language_model.embed_tokens.weight  # still tied
    assert all(weight.equal(before[name]) for name, weight in reading.state_dict().items())
    for part, wanted_part in (
        (made.model.language_model, answering.model.language_model),
        (made.model.connector, answering.model.connector),
    ):
        for name, weight in part.named_parameters():
            assert (weight - wanted_part.get_parameter(name)).abs().max() < 0.005
    ids = torch.arange(20, 60)[None]
    with torch.no_grad():
        told = [model(input_ids=ids).logits.softmax(-1) for model in (made, answering, reading)]
    assert (told[0] - told[1]).abs().sum() < 0.25 * (told[2] - told[1]).abs().sum()


def test_a_folder_without_answers_has_no_answering_model(
    reading: TextHawkForConditionalGeneration, tmp_path: Path
) -> None:
    assert answers_in(tmp_path, reading) is None


def test_a_file_that_does_not_fit_says_which_and_what_to_do(
    reading: TextHawkForConditionalGeneration, answering: TextHawkForConditionalGeneration, tmp_path: Path
) -> None:
    save_answers(tmp_path, reading, answering)
    file = tmp_path / FILE
    whole = load_file(file)
    with safe_open(file, "pt") as stored:
        told = stored.metadata()
    up = "layers.0.mlp.up_proj.weight"
    coded, steps = whole[f"{up}.coded"], whole[f"{up}.steps"]
    wrong = {
        "other weights": {name: weight for name, weight in whole.items() if "norm" not in name},
        "norm.weight .* shape": whole | {"norm.weight": torch.zeros(5, dtype=torch.bfloat16)},
        "lacks .*steps": {name: weight for name, weight in whole.items() if name != f"{up}.steps"},
        r"steps .* shape \(5,\)": whole | {f"{up}.steps": steps[:5].clone()},
        r"steps .* shape \(768, 2\)": whole | {f"{up}.steps": steps[:, None].repeat(1, 2)},
        "coded is torch.float32": whole | {f"{up}.coded": coded.float()},
        "coded is damaged.*decompressed": whole | {f"{up}.coded": coded.flip(0)},
        "coded is damaged.*bytes are not those of": whole | {f"{up}.coded": coded[:500].clone()},
        "gate_proj.weight.coded is damaged.*bytes are not those of": whole
        | {"layers.0.mlp.gate_proj.weight.coded": whole["layers.0.self_attn.q_proj.weight.coded"].clone()},
        "coded is damaged": whole | {f"{up}.coded": torch.cat([coded, coded[:3]])},
        "lacks norm.weight": {name: weight for name, weight in whole.items() if name != "norm.weight"}
        | {"norm.weight.coded": coded.clone()},
        "an earlier texthawk": whole | {f"{up}.packed": coded.clone()},
        "no number": whole | {f"{up}.steps": torch.full_like(steps, torch.nan)},
    }
    for why, weights in wrong.items():
        save_file(weights, file, told)
        with pytest.raises(ValueError, match=rf"{FILE} does not fit .*{why}.*remove the file"):
            answers_in(tmp_path, reading)
    file.write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=f"{FILE} does not fit"):
        answers_in(tmp_path, reading)


def test_answers_of_another_model_are_refused(
    reading: TextHawkForConditionalGeneration, answering: TextHawkForConditionalGeneration, tmp_path: Path
) -> None:
    save_answers(tmp_path, answering, reading)
    with pytest.raises(
        ValueError, match=rf"{FILE} does not fit .*made for a model with other weights.*train the answers again"
    ):
        answers_in(tmp_path, reading)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_the_model_may_be_loaded_in_any_type(
    reading: TextHawkForConditionalGeneration,
    answering: TextHawkForConditionalGeneration,
    tmp_path: Path,
    dtype: torch.dtype,
) -> None:
    save_answers(tmp_path, reading, answering)
    made = answers_in(tmp_path, copy.deepcopy(reading).to(dtype))
    assert made is not None and made.dtype == dtype
