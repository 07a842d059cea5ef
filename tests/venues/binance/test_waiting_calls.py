"""Requests that wait: cancels first, in order, and not more than fit."""

from __future__ import annotations

from floorwire.venues.binance.order_requests import cancel, look
from floorwire.venues.binance.waiting_calls import MOST_WAITING, WaitingCalls
from tests.venues import order_driver

READ = look(order_driver.query(), "BTCUSDT")
CANCEL = cancel(order_driver.cancel("a"), "BTCUSDT")
OTHER_CANCEL = cancel(order_driver.cancel("b"), "BTCUSDT")


def test_cancels_go_first_and_keep_their_order() -> None:
    waiting = WaitingCalls()
    for call in (READ, CANCEL, OTHER_CANCEL):
        assert waiting.add(call, 0)
    taken = [waiting.take(0, lambda _: True) for _ in range(4)]
    assert taken == [CANCEL, OTHER_CANCEL, READ, None]


def test_a_request_waits_for_its_time_and_for_the_budget() -> None:
    waiting = WaitingCalls()
    waiting.add(CANCEL, 10)
    waiting.add(READ, 0)
    assert waiting.take(5, lambda _: False) is None
    assert waiting.take(5, lambda _: True) == READ
    assert waiting.take(10, lambda call: call != CANCEL) is None
    assert waiting.take(10, lambda _: True) == CANCEL


def test_a_full_queue_refuses_one_more() -> None:
    waiting = WaitingCalls()
    assert all(waiting.add(READ, 0) for _ in range(MOST_WAITING))
    assert not waiting.add(READ, 0)
    assert waiting.add(CANCEL, 0)
    assert len(waiting) == MOST_WAITING + 1
