import pytest

from tests.serve import serving
from texthawk.decode.reader import Reader, load


@pytest.fixture(scope="session")
def reader() -> Reader:
    return serving.make_reader()


@pytest.fixture(scope="module")
def server(reader):
    """One server for the tests of a file that leave it as they found it."""
    with serving.running(reader) as made:
        yield made


@pytest.fixture(scope="session")
def nano() -> Reader:
    """The shipped model, for what needs words that were read; run as the server's batch runs it, to the token."""
    return load("nano", way="step")


@pytest.fixture(scope="module")
def nano_server(nano):
    with serving.running(nano, model_name="nano") as made:
        yield made
