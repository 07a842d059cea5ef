"""A data folder's market history, read beside the store that writes it, and without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.core.market_events import FeedStatus, VenueTime
from floorwire.core.market_history import StoredCandle
from floorwire.history.history_file import FILE, HistoryFileError
from floorwire.history.market_store import MarketStore
from floorwire.history.stored_history import StoredHistory
from tests.history.market import (
    SECOND_US,
    START_US,
    SYMBOL,
    all_trades,
    begin,
    instrument,
    opened,
    publish,
    trade,
)

TRADES = 2_500
"""More than two pages."""
OTHER = "v:ETH-USDT"


async def fill(store: MarketStore) -> None:
    """Publish trades, some of them late, with quiet times and a hole, and have them written."""
    begin(store, START_US, instrument(), instrument(symbol=OTHER))
    at_us = START_US + 2 * SECOND_US
    for number in range(1, TRADES + 1):
        at_us += SECOND_US // 2 if number % 10 else 20 * SECOND_US
        if number == 1_200:
            publish(store, FeedStatus(None, "stale", "link_lost", at_us))
        if number == 1_300:
            publish(store, FeedStatus(None, "live", "synced", at_us))
        publish(store, trade(at_us - 3 * SECOND_US * (number % 50 == 0), 1 + number % 90, number, number))
        publish(store, VenueTime(at_us))
    publish(store, trade(at_us, symbol=OTHER), VenueTime(at_us))
    await store.extent(SYMBOL)  # taken into memory
    store.writer.write()


@pytest.mark.parametrize("is_running", [True, False])
async def test_all_is_read_that_the_store_gives(tmp_path: Path, is_running: bool) -> None:
    store = opened(tmp_path / FILE)
    await fill(store)
    trades = await all_trades(store)
    candles: dict[str, list[StoredCandle]] = {}
    for interval in ("1s", "1m", "5m", "1h", "1M"):
        found = candles.setdefault(interval, [])
        while page := await store.candles(
            SYMBOL, interval, newest_first=False, from_us=found[-1].end_us if found else 0
        ):
            found += page
    if not is_running:
        store.close()
    history = StoredHistory(tmp_path)
    [symbol] = history.symbols("BTC-USDT")
    assert list(history.trades(symbol)) == trades
    assert len(trades) == TRADES
    for interval, expected in candles.items():
        assert list(history.candles(symbol, interval)) == expected
        middle_us = expected[len(expected) // 2].start_us
        earlier = list(history.candles(symbol, interval, to_us=middle_us))
        assert [*earlier, *history.candles(symbol, interval, from_us=middle_us)] == expected
    assert {candle.is_incomplete for candle in candles["1m"]} == {True, False}
    assert 0 < len(list(history.trades(symbol, trades[9].ts_us, trades[99].ts_us))) < 100
    history.close()
    store.close()


async def test_it_ends_where_the_file_ended_when_it_was_opened(tmp_path: Path) -> None:
    store = opened(tmp_path / FILE)
    await fill(store)
    history = StoredHistory(tmp_path)
    [symbol] = history.symbols(SYMBOL)
    before = list(history.candles(symbol, "1s"))
    reading = history.trades(symbol)
    found = [next(reading)]
    later_us = START_US + 100_000 * SECOND_US
    for number in range(2_000):
        publish(store, trade(later_us + number * SECOND_US))
    publish(store, VenueTime(later_us + 2_000 * SECOND_US))
    await store.extent(SYMBOL)
    store.writer.write()
    found += reading
    assert len(found) == TRADES
    assert list(history.candles(symbol, "1s")) == before
    history.close()
    store.close()


async def test_names(tmp_path: Path) -> None:
    store = opened(tmp_path / FILE)
    await fill(store)
    store.close()
    history = StoredHistory(tmp_path)
    assert [row.symbol for row in history.symbols(None)] == [SYMBOL, OTHER]
    assert [row.symbol for row in history.symbols("v:ETH-USDT")] == [OTHER]
    with pytest.raises(HistoryFileError, match=r"there is no history of BTC-USD; did you mean BTC-USDT\?"):
        history.symbols("BTC-USD")
    with pytest.raises(HistoryFileError, match=r"there is no history of x$"):
        history.symbols("x")
    history.close()


def test_what_is_no_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryFileError, match="there is no market history"):
        StoredHistory(tmp_path)
    assert not (tmp_path / FILE).exists()
    (tmp_path / FILE).touch()
    with pytest.raises(HistoryFileError, match="no market history in it yet"):
        StoredHistory(tmp_path)
    (tmp_path / FILE).write_bytes(b"notes" * 1_000)
    with pytest.raises(HistoryFileError, match="not a database"):
        StoredHistory(tmp_path)


async def test_another_version_is_refused(tmp_path: Path) -> None:
    store = opened(tmp_path / FILE)
    begin(store)
    await store.extent(SYMBOL)
    with store.writer.lock:
        store.writer.connections.writing.execute("ROLLBACK")
        store.writer.connections.writing.execute("PRAGMA user_version = 9")
    with pytest.raises(HistoryFileError, match="another version of Floorwire: 9"):
        StoredHistory(tmp_path)
    store.writer._is_stopping.set()
