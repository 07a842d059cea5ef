from __future__ import annotations

from floorwire.venues.common.waiting_cancels import MOST_WAITING, WaitingCancels
from tests.venues.order_driver import cancel


def test_one_cancel_of_an_order_waits_in_its_place() -> None:
    waiting = WaitingCancels()
    assert waiting.add(cancel("a"))
    assert waiting.add(cancel("b"))
    assert waiting.add(cancel("a", "88"))
    assert waiting.symbols() == {"BTC-USDT"}
    assert waiting.take_all() == [cancel("a", "88"), cancel("b")]
    assert waiting.take_all() == []


def test_too_many_are_not_kept() -> None:
    waiting = WaitingCancels()
    assert all(waiting.add(cancel(str(number))) for number in range(MOST_WAITING))
    assert not waiting.add(cancel("one more"))
    assert waiting.add(cancel("0"))
