"""The weights that answer, kept as how they differ from those that read."""

import copy
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from texthawk.model.answering import FILE, GROUP, answers_in, packed, save_answers, unpacked
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
        for weight in made.model.language_model.parameters():
            weight += 0.01 * torch.randn_like(weight)
    return made


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 3), st.floats(1e-4, 100.0), st.integers(0, 9))
def test_an_entry_is_off_by_half_a_step_of_its_group_at_most(rows: int, groups: int, size: float, seed: int) -> None:
    matrix = size * torch.randn(rows, groups * GROUP, generator=torch.Generator().manual_seed(seed))
    small, scales = packed(matrix)
    assert small.dtype == torch.uint8 and small.shape == (rows, groups * GROUP // 2)
    most = matrix.unflatten(1, (-1, GROUP)).abs().amax(-1, keepdim=True) / 7
    off = (unpacked(small, scales) - matrix).unflatten(1, (-1, GROUP)).abs()
    assert (off <= 0.505 * most + 7e-7).all()


def test_what_is_nought_stays_nought() -> None:
    assert not unpacked(*packed(torch.zeros(2, GROUP))).any()


def test_the_answering_model_comes_back_and_shares_what_sees(
    reading: TextHawkForConditionalGeneration, answering: TextHawkForConditionalGeneration, tmp_path: Path
) -> None:
    save_answers(tmp_path, reading, answering)
    assert (tmp_path / FILE).stat().st_size < 0.3 * 2 * sum(
        weight.numel() for weight in reading.model.language_model.parameters()
    )
    before = {name: weight.clone() for name, weight in reading.state_dict().items()}
    made = answers_in(tmp_path, reading)
    assert made is not None
    assert made.model.vision_tower is reading.model.vision_tower and made.model.connector is reading.model.connector
    assert made.lm_head.weight is made.model.language_model.embed_tokens.weight  # still tied
    assert all(weight.equal(before[name]) for name, weight in reading.state_dict().items())
    for name, weight in made.model.language_model.named_parameters():
        wanted = answering.model.language_model.get_parameter(name)
        assert (weight - wanted).abs().max() < 0.005
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
    small, scales = whole[f"{up}.packed"], whole[f"{up}.scales"]
    wrong = {
        "other weights": {name: weight for name, weight in whole.items() if "norm" not in name},
        "norm.weight .* shape": whole | {"norm.weight": torch.zeros(5, dtype=torch.bfloat16)},
        "lacks .*scales": {name: weight for name, weight in whole.items() if name != f"{up}.scales"},
        "scales .* shape": whole | {f"{up}.scales": scales[:, :1].repeat(1, 5)},
        r"scales .* shape \(768,\)": whole | {f"{up}.scales": scales[:, 0].clone()},
        "packed is torch.float32": whole | {f"{up}.packed": small.float()},
        "packed .* shape": whole | {f"{up}.packed": small[:5].clone()},
        "no number": whole | {f"{up}.scales": torch.full_like(scales, torch.nan)},
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
