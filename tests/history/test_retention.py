"""Limits of age and size: the oldest rows go, of each kind by itself."""

from __future__ import annotations

import asyncio
from pathlib import Path

from floorwire.core.market_events import VenueTime
from floorwire.core.microseconds import DAY_US
from floorwire.history import history_file
from floorwire.history.market_store import MarketStore
from floorwire.history.retention import KINDS, Bound, Kind
from tests.history import market
from tests.history.market import START_US, SYMBOL, begin, opened, publish, trade


async def of_days(path: Path | None, bounds: dict[Kind, Bound], days: int) -> MarketStore:
    """Return a store with 600 trades a day, of which old ones were deleted."""
    store = opened(path, bounds=bounds)
    begin(store)
    for day in range(days):
        at_us = START_US + day * DAY_US
        publish(store, *(trade(at_us + n * 1_000_000, number=day * 600 + n + 1) for n in range(600)))
        publish(store, VenueTime(at_us + 600_000_000))
        await store.extent(SYMBOL)
        await asyncio.to_thread(store.writer.write)
    store.writer.recv_us = START_US + days * DAY_US
    await asyncio.to_thread(store.writer._remove_old)
    return store


async def test_what_is_too_old_goes(tmp_path: Path) -> None:
    bounds = {**market.ALL, "trades": Bound(2.5, 1 << 40)}
    store = await of_days(tmp_path / "market.db", bounds, 6)
    kept = await market.all_trades(store)
    assert START_US + 3 * DAY_US <= kept[0].ts_us < START_US + 4 * DAY_US
    assert kept[-1].trade_id == "3600"
    assert len(await store.candles(SYMBOL, "1d", limit=10)) == 6  # of another kind
    first = await store.trades(SYMBOL, limit=5, newest_first=False)
    assert first[0].row == kept[0].row
    store.close()


async def test_what_is_too_much_goes_the_oldest_first(tmp_path: Path) -> None:
    bounds = {**market.ALL, "trades": Bound(0, 40_000), "seconds": Bound(0, 20_000)}
    store = await of_days(tmp_path / "market.db", bounds, 40)
    kept = await market.all_trades(store)
    assert [int(one.trade_id) for one in kept] == list(range(24_001 - len(kept), 24_001))
    assert 0 < len(kept) < 24_000
    sizes = store.figures().bytes
    assert 0 < sizes["trades"] <= 40_000
    assert 0 < sizes["seconds"] <= 20_000
    assert history_file.bytes_of(store.writer.connections.writing, KINDS["longer"]) == sizes["longer"]
    store.close()


async def test_sizes_are_those_of_the_blocks(tmp_path: Path) -> None:
    store = await of_days(tmp_path / "market.db", market.ALL, 3)
    counted = dict(
        store.writer.connections.writing.execute("SELECT kind, sum(length(data)) FROM blocks GROUP BY kind")
    )
    assert counted == dict(store.writer.connections.writing.execute("SELECT kind, bytes FROM sizes"))
    store.close()
