"""Faults of prices at each face: books end right, losses are told, other markets are not disturbed."""

from __future__ import annotations

import pytest

from tests.live.market_faces import FACES, MarketFace
from tests.live.market_faults import run, table

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_every_book_is_right_after_faults(face: MarketFace) -> None:
    done = await run(face, 50, seed=11)
    assert not done.problems, table(done, 0)
    assert done.faults.total() >= 50


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_every_book_of_a_client_is_right_after_faults(face: MarketFace) -> None:
    """500 faults over the five faces, over a WebSocket of a whole gateway."""
    done = await run(face, 100, seed=12, by_socket=True)
    assert not done.problems, table(done, 0)
    assert done.faults.total() >= 100
