import pytest

from tests.serve import serving
from texthawk.decode.reader import Reader


@pytest.fixture(scope="session")
def reader() -> Reader:
    return serving.make_reader()


@pytest.fixture(scope="module")
def server(reader):
    """One server for the tests of a file that leave it as they found it."""
    with serving.running(reader) as made:
        yield made
