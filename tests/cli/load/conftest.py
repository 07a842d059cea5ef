"""A server of our own for the load generator's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.load.small_server import Tiny, running


@pytest.fixture
def tiny() -> Iterator[Tiny]:
    """The tiny server, running."""
    with running() as server:
        yield server
