"""A teacher for each test, and what its tests annotate."""

import io

import pytest
from PIL import Image

from tests.data.enrich.teacher import teaching
from texthawk.data.example import Example, Turn


@pytest.fixture
def teacher(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):  # loopback is reached directly
        monkeypatch.delenv(name, raising=False)
    with teaching() as running:
        yield running


def png(shade: int, size: tuple[int, int] = (40, 30)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(buffer, "PNG")
    return buffer.getvalue()


def example(number: int = 0, turns: tuple[Turn, ...] = ()) -> Example:
    return Example(f"page-{number}", "pages", png(number), turns, "en")


GIVEN = (
    Turn("What is the total?", "9.00", "docvqa", (), ("9.00", "9")),
    Turn("Who sells?", "Kim", "docvqa"),
)
