"""A budget holds for pages of every size, and what cannot be kept is refused with the way out."""

import io
import struct
import zlib

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from texthawk.decode.budgets import (
    BATCH,
    BYTES_PER_PIXEL,
    BYTES_PER_SEEN_PIXEL,
    MOST_PIXELS,
    Budget,
    window_bytes,
)
from texthawk.decode.points import page_points
from texthawk.image.pages import open_pages
from texthawk.image.raw import RawPage
from texthawk.recipes.tiny import tiny
from texthawk.types import PageError, TileLayout

MEGABYTE = 2**20


def drawing(points: tuple[float, float]) -> bytes:
    """A PDF page of this size."""
    made, out = pypdfium2.PdfDocument.new(), io.BytesIO()
    made.new_page(*points)
    made.save(out)
    return out.getvalue()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 60_000), st.integers(1, 60_000), st.integers(1, 4000))
def test_no_size_of_page_costs_more_memory_than_allowed(width, height, megabytes):
    """What `Limits` let through: the decoder's picture is within max_pixels, the page looked at within its sides."""
    allowed = megabytes * MEGABYTE
    limits = Budget(max_memory=allowed).limits()
    if width * height > limits.max_pixels:
        return  # refused from its header
    reduced = max(1, max(width, height) // limits.enough_side)
    seen = -(-width // reduced) * -(-height // reduced)
    assert limits.max_pixels * BYTES_PER_PIXEL <= allowed / 2
    assert limits.enough_side == 64 or seen * BYTES_PER_SEEN_PIXEL <= 1.05 * allowed / 2 + 1000 * BYTES_PER_SEEN_PIXEL


def test_a_huge_scan_is_refused_from_its_header():
    out = io.BytesIO()
    Image.new("L", (1, 1)).save(out, "PNG")
    content, header = out.getvalue(), b"IHDR" + struct.pack(">II5B", 30_000, 20_000, 8, 0, 0, 0, 0)
    content = content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]
    (result,) = open_pages(content, limits=Budget().limits())
    assert isinstance(result, PageError) and "30000 x 20000" in result.message and "--max-pixels" in result.message


def test_a_plan_of_a0_at_300_dpi_is_drawn_small_enough():
    a0 = drawing((2384, 3370))
    for budget, most in ((Budget(), 8192**2), (Budget(max_memory=100 * MEGABYTE), 50 * MEGABYTE / BYTES_PER_PIXEL)):
        (page,) = open_pages(a0, dpi=300, limits=budget.limits())
        assert isinstance(page, RawPage)
        assert (page.width, page.height) == (9934, 14042)
        assert page.image.width * page.image.height <= most


def test_max_pixels_and_memory_both_bind():
    assert Budget().limits().max_pixels == MOST_PIXELS
    assert Budget(max_pixels=1000, max_memory=10**9).limits().max_pixels == 1000
    assert Budget(max_pixels=10**12, max_memory=10**9).limits().max_pixels == 10**9 // 2 // BYTES_PER_PIXEL


def test_a_window_costs_more_with_more_tokens_tiles_and_words_to_choose_from():
    config = tiny().model_config()
    layout, larger = TileLayout(1, 2, True, 64, 128, 64), TileLayout(2, 2, True, 128, 128, 64)
    least = window_bytes(config, layout, 100, 4)
    assert least < window_bytes(config, layout, 200, 4) and least < window_bytes(config, larger, 100, 4)
    assert window_bytes(config, layout, 100, 2) < least
    config.text_config.vocab_size *= 100
    assert least < window_bytes(config, layout, 100, 4)


def test_scarce_memory_reads_fewer_windows_at_once_and_too_little_is_refused():
    assert Budget().batch(10**12) == BATCH
    assert Budget(max_memory=64 * MEGABYTE).batch(8 * MEGABYTE) == 4
    with pytest.raises(ValueError, match="allow that much"):
        Budget(max_memory=4 * MEGABYTE).batch(8 * MEGABYTE)
    for wrong in ({"max_memory": 0}, {"max_pixels": -1}, {"max_visual_tokens": 0}):
        with pytest.raises(ValueError, match="at least 1"):
            Budget(**wrong)


def test_points_are_known_for_a_pdf_alone(tmp_path):
    path = tmp_path / "a.pdf"
    path.write_bytes(drawing((300, 200)))
    assert page_points(path) == page_points(path.read_bytes()) == [(300, 200)]
    assert page_points(b"%PDF-1.7 broken") == page_points(tmp_path / "none") == page_points(tmp_path) == []
    assert page_points(Image.new("RGB", (3, 3))) == []
