from __future__ import annotations

from collections.abc import Mapping

import pytest

from floorwire.connectors.waiting_links import WaitingLinks
from floorwire.core.ports import Open
from floorwire.venues.binance import limits as binance
from floorwire.venues.bybit import limits as bybit
from floorwire.venues.coinbase import limits as coinbase
from floorwire.venues.common.rate_limits import CONNECTIONS, Allowance, RateLimits
from floorwire.venues.kraken import limits as kraken
from floorwire.venues.okx import limits as okx

SECOND = 1_000_000
PRIVATE, OTHER = Open("private", "ws://here"), Open("other", "ws://here")


def test_links_are_opened_as_the_exchange_allows_them_the_oldest_first() -> None:
    links = WaitingLinks(RateLimits({CONNECTIONS: Allowance(1, SECOND)}))
    assert links.due_us(0) is None
    links.add(PRIVATE)
    links.add(OTHER)
    assert links.take(0) == [PRIVATE]
    assert links.due_us(0) == SECOND
    assert links.take(SECOND - 1) == []
    assert links.take(SECOND) == [OTHER]
    assert links.due_us(SECOND) is None


def test_a_link_that_is_not_wanted_any_more_is_not_opened() -> None:
    links = WaitingLinks(RateLimits({CONNECTIONS: Allowance(1, SECOND)}))
    links.add(PRIVATE)
    links.add(OTHER)
    links.drop("private")
    assert links.take(0) == [OTHER]
    links.add(PRIVATE)
    links.clear()
    assert links.take(SECOND) == []


def test_links_that_are_not_counted_do_not_wait() -> None:
    links = WaitingLinks(None)
    links.add(PRIVATE)
    assert links.take(0) == [PRIVATE]


@pytest.mark.parametrize(
    ("allowances", "wait_us"),
    [
        (binance.ALLOWANCES, 0),
        (bybit.ALLOWANCES, 0),
        (coinbase.ALLOWANCES, SECOND),
        (kraken.ALLOWANCES, 0),
        (okx.ALLOWANCES, SECOND),
    ],
    ids=["binance", "bybit", "coinbase", "kraken", "okx"],
)
def test_the_link_of_orders_is_next_where_prices_took_all_that_they_may(
    allowances: Mapping[str, Allowance], wait_us: int
) -> None:
    limits = RateLimits(allowances)
    while limits.allow(CONNECTIONS, 1, 0):
        pass
    links = WaitingLinks(limits)
    links.add(PRIVATE)
    opened = links.take(0)
    assert (links.due_us(0) or 0) == wait_us
    assert not limits.allow(CONNECTIONS, 1, wait_us)
    assert opened + links.take(wait_us) == [PRIVATE]
