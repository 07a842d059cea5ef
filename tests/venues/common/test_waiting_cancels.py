from __future__ import annotations

from msgspec.structs import replace

from floorwire.venues.common.waiting_cancels import MOST_WAITING, WaitingCancels
from tests.venues.order_driver import cancel


def test_one_cancel_of_an_order_waits_in_its_place() -> None:
    waiting = WaitingCancels()
    assert waiting.add(cancel("a"))
    assert waiting.add(cancel("b"))
    assert waiting.add(cancel("a", "88"))
    assert waiting.take(0) == [cancel("a", "88"), cancel("b")]
    assert waiting.take(0) == []


def test_one_that_is_tried_again_waits_and_delays_no_other() -> None:
    waiting = WaitingCancels()
    other = replace(cancel("c"), symbol="ETH-USDT")
    waiting.add(cancel("a"), 50)
    waiting.add(cancel("b"), 20)
    waiting.add(other)
    assert waiting.times() == {"BTC-USDT": 20, "ETH-USDT": 0}
    assert waiting.take(20) == [cancel("b"), other]
    assert waiting.times() == {"BTC-USDT": 50}
    assert waiting.take(50) == [cancel("a")]
    assert len(waiting) == 0


def test_too_many_are_not_kept() -> None:
    waiting = WaitingCancels()
    assert all(waiting.add(cancel(str(number))) for number in range(MOST_WAITING))
    assert not waiting.add(cancel("one more"))
    assert waiting.add(cancel("0"))
