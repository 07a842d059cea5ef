"""Tests whose both sides are in this process need not wait: ``pytestmark = pytest.mark.skipping``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from tests.skipping_loop import SkippingLoop


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "skipping: the event loop skips what is waited for")


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Return the one kind of loop that the test runs in."""
    if item.get_closest_marker("skipping"):
        return {"skipping": SkippingLoop}
    return {"asyncio": asyncio.new_event_loop}
