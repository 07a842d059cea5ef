"""A server of our own for the load generator's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.load.fake_server import FakeServer, running


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """The fake server, running."""
    with running() as server:
        yield server
