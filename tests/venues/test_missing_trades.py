"""A trade that cannot be told in ticks and lots is missing: the candles of its time say so."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from floorwire.channels.candles import CHANNEL
from floorwire.core.market_events import VenueTime
from floorwire.protocol.channel_events import AnyEvent, Candles
from floorwire.venues.common.market_data_adapter import MarketDataAdapter
from tests.channels.stream_driver import Drive
from tests.venues.binance import test_market_data as binance
from tests.venues.coinbase import test_market_data as coinbase
from tests.venues.driver import SECOND, START, Driver, events

MINUTE_US = 60_000_000
NEXT_US = START - START % MINUTE_US + MINUTE_US
"""The start of the minute after the one in which the driver starts."""
Json = dict[str, object]
Shown = tuple[int, int, bool, bool]


def binance_trade(trade_id: int, second: int, more: Json | None = None) -> Json:
    at_ms = NEXT_US // 1000 + second * 1000
    trade = {"e": "trade", "s": "ABCUSDT", "t": trade_id, "p": "10.01", "q": "1", "T": at_ms, "m": True}
    return trade | (more or {})


def coinbase_trade(trade_id: int, second: int, more: Json | None = None) -> Json:
    at = f"2023-11-14T22:{14 + second // 60}:{second % 60:02}.000000Z"
    return coinbase.match(trade_id) | {"time": at} | (more or {})


def shown(driver: Driver, candles: Drive, frame: Json) -> list[Shown]:
    """Return (start in seconds, trades, closed, incomplete) of each candle that follows from the frame."""
    return rows(candles.feed(*events(driver.frame(frame))))


def rows(messages: Iterable[AnyEvent]) -> list[Shown]:
    return [
        ((message.start - NEXT_US) // SECOND, message.trades, message.closed, message.incomplete is True)
        for message in messages
        if isinstance(message, Candles)
    ]


@pytest.mark.parametrize(
    ("synced", "trade", "bad"),
    [
        (binance.synced, binance_trade, {"p": "10.015"}),
        (binance.synced, binance_trade, {"q": "0.01"}),
        (binance.synced, binance_trade, {"p": "ten"}),
        (coinbase.synced, coinbase_trade, {"price": "10.015"}),
        (coinbase.synced, coinbase_trade, {"size": "0.01"}),
        (coinbase.synced, coinbase_trade, {"price": "ten"}),
        (coinbase.synced, coinbase_trade, {"price": None}),
    ],
)
def test_the_minute_of_a_trade_that_is_left_out_is_incomplete(
    synced: Callable[[], Driver], trade: Callable[[int, int, Json], Json], bad: Json
) -> None:
    driver, candles = synced(), Drive(CHANNEL, "1m")
    driver.now_us = NEXT_US + SECOND
    assert shown(driver, candles, trade(1, 1, {})) == [(0, 1, False, False)]
    driver.now_us += 64 * SECOND
    assert shown(driver, candles, trade(2, 65, bad)) == [(0, 1, True, False)]
    flat = candles.feed(VenueTime(NEXT_US + 2 * MINUTE_US), VenueTime(NEXT_US + 3 * MINUTE_US))
    assert flat == [], "no flat candle: the price may have moved"
    driver.now_us += 120 * SECOND
    assert shown(driver, candles, trade(3, 185, {})) == [(180, 1, False, False)]
    assert shown(driver, candles, trade(4, 186, bad)) == [(180, 1, False, True)]
    assert rows(candles.feed(VenueTime(NEXT_US + 4 * MINUTE_US))) == [(180, 1, True, True)]


@pytest.mark.parametrize(
    ("synced", "bad"),
    [
        (binance.synced, binance_trade(7, 1, {"p": "10.015"})),
        (coinbase.synced, coinbase_trade(7, 1, {"price": "10.015"})),
    ],
)
def test_a_trade_that_is_left_out_and_comes_again_is_missing_once(
    synced: Callable[[], Driver], bad: Json
) -> None:
    driver = synced()
    assert len(events(driver.frame(bad))) == 1
    assert events(driver.frame(bad)) == []
    assert isinstance(driver.venue, MarketDataAdapter)
    assert driver.venue.skipped["repeated"] == 1
