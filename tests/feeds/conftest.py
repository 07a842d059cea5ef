"""Feeds that do not wait long."""

from __future__ import annotations

import pytest

from floorwire.feeds import venue_feed


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(venue_feed, "IDLE_S", 0.001)
    monkeypatch.setattr(venue_feed, "RESTART_S", 0.001)
