"""What the tests annotate."""

import io

from PIL import Image

from texthawk.data.example import Example, Turn


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
