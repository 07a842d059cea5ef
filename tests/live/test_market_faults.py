"""Faults of prices at each face: books end right, losses are told, other markets are not disturbed."""

from __future__ import annotations

import pytest

from tests.live.market_faces import FACES, MarketFace
from tests.live.market_faults import session

pytestmark = [pytest.mark.slow, pytest.mark.skipping]


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_every_book_is_right_after_faults(face: MarketFace) -> None:
    done = await session(face, 50, "11")
    assert not done.problems
    assert done.faults.total() >= 50


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_every_book_of_a_client_is_right_after_faults(face: MarketFace) -> None:
    """500 faults over the five faces, over a WebSocket of a whole gateway."""
    done = await session(face, 100, "12", by_socket=True)
    assert not done.problems
    assert done.faults.total() >= 100
