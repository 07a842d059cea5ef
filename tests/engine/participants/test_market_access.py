from __future__ import annotations

import pytest

from floorwire.core.market_events import BookChange, Quote, Trade
from floorwire.engine.matching_events import TradeMatched
from tests.engine.participants.stand import Stand


class Listener:
    """Owns and watches."""

    def __init__(self) -> None:
        self.fills: list[TradeMatched] = []
        self.prints: list[tuple[int, int]] = []

    def filled(self, match: TradeMatched) -> None:
        self.fills.append(match)

    def saw(self, price_ticks: int, now_us: int) -> None:
        self.prints.append((price_ticks, now_us))


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_it_opens_at_the_profiles_price(stand: Stand) -> None:
    assert stand.market_access.opening_ticks == stand.market_access.last_ticks == 2000
    assert stand.market_access.touch() == (1999, 2001)


def test_an_empty_side_is_thought_next_to_the_other(stand: Stand) -> None:
    bid = stand.buy(1, 1990)
    assert stand.market_access.touch() == (1990, 1991)
    stand.sell(1, 1995)
    assert stand.market_access.touch() == (1990, 1995)
    stand.market_access.pull(bid, 0)
    assert stand.market_access.touch() == (1994, 1995)


def test_an_emptied_market_is_thought_around_the_last_price(stand: Stand) -> None:
    stand.buy(1, 1500)
    stand.sell(1, None)
    assert stand.market_access.touch() == (1499, 1501)


def test_orders_rest_move_and_are_pulled(stand: Stand) -> None:
    order_id = stand.market_access.rest(-5, "buy", 3, 1990, 0)
    assert stand.market.bids.sizes() == [(1990, 3)]
    assert stand.market.orders[order_id].owner == -5
    assert stand.market_access.move(order_id, 1991, 0)
    assert stand.market.bids.sizes() == [(1991, 3)]
    stand.market_access.pull(order_id, 0)
    assert stand.market.bids.sizes() == []


def test_what_would_take_does_not_rest(stand: Stand) -> None:
    stand.sell(1, 2000)
    assert stand.market_access.rest(-5, "buy", 3, 2000, 0) == 0
    order_id = stand.market_access.rest(-5, "buy", 3, 1999, 0)
    assert not stand.market_access.move(order_id, 2000, 0)


def test_taking_tells_how_much(stand: Stand) -> None:
    stand.sell(2, 2000)
    stand.sell(2, 2001)
    assert stand.market_access.take(-5, "buy", 3, 2000, 0) == 2
    assert stand.market_access.take(-5, "buy", 3, 2001, 0, "fok") == 0
    assert stand.market_access.take(-5, "buy", 9, None, 0) == 2


def test_owners_hear_of_their_makers_and_watchers_of_the_last_print(stand: Stand) -> None:
    owner, watcher = Listener(), Listener()
    stand.market_access.owners[-5] = owner
    stand.market_access.watchers.append(watcher)
    stand.market_access.rest(-5, "sell", 1, 2000, 0)
    stand.sell(1, 2001)
    stand.market_access.take(-6, "buy", 2, None, 44)
    assert [(match.maker_owner, match.price_ticks) for match in owner.fills] == [(-5, 2000)]
    assert watcher.prints == [(2001, 44)]
    assert stand.market_access.last_ticks == 2001


def test_the_tape_shows_everybodys_commands(stand: Stand) -> None:
    stand.market_access.rest(-5, "sell", 2, 2000, 10)
    stand.market_access.take(-6, "buy", 1, None, 44)
    assert stand.shown == [
        BookChange("BTC-USDT", (), ((2000, 2),), 10),
        Quote("BTC-USDT", 0, 0, 2000, 2, 10),
        Trade("BTC-USDT", "1", 2000, 1, "buy", 44),
        BookChange("BTC-USDT", (), ((2000, 1),), 44),
        Quote("BTC-USDT", 0, 0, 2000, 1, 44),
    ]
