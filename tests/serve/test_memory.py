"""What is free goes back to the system, and a server sees to it again and again."""

import os
import platform
import sys

import pytest

from tests.serve.serving import running
from texthawk.serve import app
from texthawk.serve.memory import give_back

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="the C library is not glibc"
)


def megabytes() -> float:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def gaps() -> tuple[list[bytearray], float]:
    """160 MB are taken and let go of, but for something here and there, so that the rest is held in gaps; what it was."""
    taken = [bytearray(b"x") * 80_000 for _ in range(2000)]
    return taken[::50], megabytes()


def test_what_is_free_between_things_that_live_goes_back_to_the_system():
    kept, _ = gaps()
    before = megabytes()
    give_back()
    assert before - megabytes() > 100 and all(part[0] == ord("x") for part in kept)


def test_a_server_gives_back_what_it_no_longer_uses(reader, monkeypatch):
    monkeypatch.setattr(app, "FORGET_SECONDS", 0.05)
    with running(reader) as server:
        kept, most = gaps()
        server.until(lambda: most - megabytes() > 100)
        assert kept
