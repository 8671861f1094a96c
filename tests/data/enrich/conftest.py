"""A teacher for each test."""

import pytest

from tests.data.enrich.teacher import teaching


@pytest.fixture
def teacher(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with teaching() as running:
        yield running
