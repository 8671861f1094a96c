"""A small model's work on a CPU, dealt out in shares that run side by side, each on a thread of its own.

Products this small gain little from a second thread, and lose much while another program holds its core: with nano on two
cores that were both busy, two threads within each product took 52 s for a page and one took 2 s. Answers need nothing of
each other, so threads that each write some of them never wait for each other.
"""

import contextlib
import operator
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from texthawk.model.modeling import TextHawkForConditionalGeneration

SMALL = 100_000_000
"""Parameters up to which a model on a CPU is run by one thread."""
MOST = 4  # shares: Python itself runs in one thread at a time, and more would wait for it

Made = TypeVar("Made")


@contextlib.contextmanager
def on_one_thread(model: TextHawkForConditionalGeneration) -> Iterator[int]:
    """Within it a small model's products take one thread each; gives how many of them may run side by side."""
    threads = torch.get_num_threads()
    if threads == 1 or model.device.type != "cpu" or model.num_parameters() > SMALL:
        yield 1
        return
    torch.set_num_threads(1)
    try:
        yield threads
    finally:
        torch.set_num_threads(threads)


def dealt_out(count: int, threads: int, job_of: Callable[[list[int]], Callable[[], list[Made]]]) -> list[Made]:
    """What becomes of `count` things, in their order, done in as many shares as there are threads.

    job_of: gets the places of a share and gives what makes its results. It is called here, share after share; the jobs
    run side by side.
    """
    number = max(1, min(count, threads, MOST))
    shares = [list(range(first, count, number)) for first in range(number)]
    made: dict[int, Made] = {}
    for share, results in zip(shares, _side_by_side([job_of(share) for share in shares]), strict=True):
        made.update(zip(share, results, strict=True))
    return [made[place] for place in range(count)]


def _side_by_side(jobs: list[Callable[[], Made]]) -> list[Made]:
    if len(jobs) == 1:
        return [jobs[0]()]
    # How many threads torch takes is known to each thread by itself.
    with ThreadPoolExecutor(len(jobs), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(operator.call, jobs))
