"""One gateway for all tests over real sockets that need no settings of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import Server, scripted


@pytest.fixture(scope="session")
def market() -> Iterator[Server]:
    """A gateway over the scripted venue: a hundred quotes, trades and changes a second of each symbol."""
    with scripted("echo=true") as server:
        yield server
