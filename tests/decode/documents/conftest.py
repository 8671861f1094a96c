"""Models that these tests share."""

import shutil
from pathlib import Path

import pytest

from texthawk.decode.shipped import model_folder
from texthawk.model.answering import FILE


@pytest.fixture(scope="session")
def reads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a model that reads as the shipped one does, and has not learned to answer."""
    folder = tmp_path_factory.mktemp("reads") / "nano"
    return Path(shutil.copytree(model_folder("nano"), folder, ignore=shutil.ignore_patterns(FILE)))
