"""What the machine or a damaged model does to a verb is one line on stderr and a status, never a traceback."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

from tests.cli.test_read import model  # noqa: F401  (a fixture: a folder with a tiny model)
from texthawk.cli import SOME_FAILED, WRONG_USAGE, _reason, main
from texthawk.model.loading import config_in, require_files, usable_device


@pytest.fixture
def folder(model, tmp_path) -> Path:  # noqa: F811
    return Path(shutil.copytree(model, tmp_path / "model"))


@pytest.fixture
def page(tmp_path) -> str:
    image = Image.new("RGB", (200, 80), "white")
    ImageDraw.Draw(image).text((10, 20), "fox dog", fill="black", font_size=18)
    image.save(tmp_path / "page.png")
    return str(tmp_path / "page.png")


def told(capsys) -> str:
    """The one line on stderr (transformers' own warnings aside)."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("texthawk ")]
    assert len(lines) == 1
    return lines[0]


def cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:5000])


def noise(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\xff" * 5000)


def other_shapes(folder: Path) -> None:
    tensors = load_file(folder / "model.safetensors")
    save_file(
        {name: value[:1].clone() for name, value in tensors.items()}, folder / "model.safetensors", {"format": "pt"}
    )


def gone(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


@pytest.mark.parametrize("damage", [cut_short, noise, other_shapes, gone])
def test_damaged_weights_are_one_line(folder, page, capsys, damage):
    damage(folder)
    assert main(["read", page, "--model", str(folder)]) in (SOME_FAILED, WRONG_USAGE)
    assert "model" in told(capsys)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "cannot be read as JSON"),
        ("[1]", "nameless model"),
        ('{"model_type": "bert"}', "config of a bert model"),
        ('{"model_type": "texthawk", "vision_config": 3}', "is damaged"),
    ],
)
def test_a_config_that_is_none_of_ours_is_refused_by_name(folder, page, capsys, content, reason):
    (folder / "config.json").write_text(content)
    assert main(["plan", page, "--model", str(folder)]) == WRONG_USAGE
    line = told(capsys)
    assert reason in line and str(folder / "config.json") in line


def test_a_folder_says_which_of_its_files_is_missing(folder):
    require_files(folder)
    (folder / "tokenizer.json").unlink()
    (folder / "model.safetensors").unlink()
    with pytest.raises(ValueError, match=r"no tokenizer.json and no model.safetensors"):
        require_files(folder)


def test_a_good_config_is_taken_as_it_was_saved(folder):
    saved = json.loads((folder / "config.json").read_text())
    config = config_in(folder)
    assert config.text_config.hidden_size == saved["text_config"]["hidden_size"]
    assert config.vision_config.num_hidden_layers == saved["vision_config"]["num_hidden_layers"]


def test_a_device_is_one_that_torch_can_use():
    assert usable_device("cpu") == "cpu"
    assert usable_device(None) == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="'gpu' is unknown; write cpu"):
        usable_device("gpu")
    with pytest.raises(ValueError, match="cannot be used"):
        usable_device(f"cuda:{torch.cuda.device_count()}")
    for name in ("meta", "xla", "mps", "xpu"):
        with pytest.raises(ValueError, match=f"device '{name}' is none that texthawk runs on; write cpu"):
            usable_device(name)
    assert usable_device("cpu:1") == "cpu", "a CPU has no numbers"


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out of memory"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore"), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "out of memory"),
        (OSError(28, "No space left on device"), "No space left on device"),
        (ModuleNotFoundError("No module named 'rapidfuzz'"), "pip install"),
    ],
)
def test_what_the_machine_does_is_one_line(error, reason):
    line = _reason(error)
    assert line is not None and reason in line and "\n" not in line


def test_a_bug_keeps_its_traceback():
    assert _reason(RuntimeError("shape mismatch in matmul")) is None
