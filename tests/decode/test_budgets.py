"""A budget holds for pages of every size, and what cannot be kept is refused with the way out."""

import io
import struct
import subprocess
import sys
import zlib

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from texthawk.decode.budgets import (
    BATCH,
    BYTES_PER_SEEN_PIXEL,
    MOST_PIXELS,
    Budget,
    window_bytes,
)
from texthawk.decode.points import page_points
from texthawk.image.decoding import decoding_bytes
from texthawk.image.pages import open_pages
from texthawk.image.pdf import BYTES_PER_PIXEL
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


def header_only_png(width: int, height: int, kind: int) -> bytes:
    """A PNG of this size without its pixels; `kind` is the colour type of its 8 bits."""
    out = io.BytesIO()
    Image.new("L", (1, 1)).save(out, "PNG")
    content, header = out.getvalue(), b"IHDR" + struct.pack(">II5B", width, height, 8, kind, 0, 0, 0)
    return content[:12] + header + struct.pack(">I", zlib.crc32(header)) + content[33:]


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 60_000), st.integers(2, 60_000), st.integers(1, 4000), st.sampled_from([0, 2, 6]))
def test_no_size_of_page_costs_more_memory_than_allowed(width, height, megabytes, kind):
    """What is let through takes no more than half of the memory to decode, nor to be looked at."""
    allowed = megabytes * MEGABYTE
    limits = Budget(max_memory=allowed).limits()
    content = header_only_png(width, height, kind)
    needed = decoding_bytes(PngImagePlugin.PngImageFile(io.BytesIO(content)), width * height, limits.enough_side)
    assert needed >= width * height * {0: 1, 2: 4, 6: 4}[kind]
    (result,) = open_pages(content, limits=limits)
    assert isinstance(result, PageError)
    assert ("--max-memory" in result.message) == (needed > allowed // 2)  # else it is let through, and has no pixels
    reduced = max(1, max(width, height) // limits.enough_side)
    seen = -(-width // reduced) * -(-height // reduced)
    assert limits.enough_side == 64 or seen * BYTES_PER_SEEN_PIXEL <= 1.05 * allowed / 2 + 1000 * BYTES_PER_SEEN_PIXEL


def large_scan(width: int, height: int) -> bytes:
    """A white PNG of 1 bit."""
    rows = zlib.compress((b"\0" + b"\xff" * (width // 8)) * height, 1)
    parts = ((b"IHDR", struct.pack(">II5B", width, height, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    chunks = (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


MEASURED = """
import resource, sys
from texthawk.decode.budgets import Budget
from texthawk.image.pages import open_pages
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
(page,) = open_pages(sys.argv[1], limits=Budget(max_memory=int(sys.argv[2])).limits())
print(page.width, page.height, max(page.image.size), peak() - before)
"""


@pytest.mark.slow
def test_a_scan_of_30000_by_20000_is_decoded_within_its_half_of_the_memory(tmp_path):
    (tmp_path / "scan.png").write_bytes(large_scan(30_000, 20_000))
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "scan.png"), str(2**31)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    width, height, longer, took = map(int, printed)
    assert (width, height) == (30_000, 20_000)
    assert 2000 <= longer <= 8192 and took <= 2**30


def test_a_huge_scan_is_refused_from_its_header():
    content = header_only_png(30_000, 20_000, 0)
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
    both = Budget(max_pixels=10**12, max_memory=10**9).limits()
    assert (both.max_pixels, both.max_bytes) == (10**12, 10**9 // 2)


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
