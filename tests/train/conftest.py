"""What several files of this folder need."""

import pytest
import torch


@pytest.fixture
def one_thread():
    """Sums in one order: results are compared bit by bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
