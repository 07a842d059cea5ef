"""The store over real files: what is read is what was published, once, before and after it is written."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
from contextlib import suppress
from pathlib import Path
from threading import Event

import pytest

from floorwire.core.market_events import FeedStatus, Listing, MissingTrade, Quote, StreamsEnded, VenueTime
from floorwire.core.market_history import HistoryUnavailableError, StoredTrade
from floorwire.history import history_writer, retries
from floorwire.history.market_store import MarketStore
from tests.history import market
from tests.history.market import SECOND_US, START_US, SYMBOL, begin, opened, publish, trade

MINUTE_US = 60 * SECOND_US
BASE_US = START_US - START_US % (24 * 60 * MINUTE_US)


@pytest.fixture(params=["disk", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path / "market.db" if request.param == "disk" else None


async def test_a_trade_is_read_before_it_is_written(place: Path | None) -> None:
    store = opened(place)
    begin(store)
    publish(store, trade(START_US + 5, price=7, size=3, number=11))
    (read,) = await store.trades(SYMBOL)
    assert (read.ts_us, read.trade_id, read.price, read.size, read.side) == (
        START_US + 5, "11", "3.5", "0.003", "buy",
    )  # fmt: skip
    store.close()


async def test_a_read_has_what_was_published_before_it_and_nothing_later(place: Path | None) -> None:
    store = opened(place)
    begin(store)
    publish(store, trade(START_US + 1))
    reading = asyncio.ensure_future(store.trades(SYMBOL))
    await asyncio.sleep(0)  # it is called, and its thread has not come to it or just has
    publish(store, trade(START_US + 2))
    assert [one.ts_us for one in await reading] == [START_US + 1]
    assert len(await store.trades(SYMBOL)) == 2
    store.close()


async def test_pages_go_both_ways_over_file_and_memory(tmp_path: Path) -> None:
    store = opened(tmp_path / "market.db")
    begin(store)
    for first in range(0, 1_500, 100):
        publish(store, *(trade(START_US + n // 3, number=n + 1) for n in range(first, first + 100)))
        if first in (400, 1_000):
            await asyncio.to_thread(store.writer.write)
    up = await market.all_trades(store, limit=97)
    assert [one.trade_id for one in up] == [str(n + 1) for n in range(1_500)]
    assert len({one.row for one in up}) == 1_500
    down: list[StoredTrade] = []
    before = 1 << 62
    while page := await store.trades(SYMBOL, before_row=before, limit=89):
        down += page
        before = page[-1].row
    assert down == up[::-1]
    some = await store.trades(SYMBOL, from_us=START_US + 100, to_us=START_US + 103)
    assert [one.ts_us - START_US for one in some] == [102] * 3 + [101] * 3 + [100] * 3
    store.close()


async def test_a_trade_that_comes_late_is_found_by_its_time(tmp_path: Path) -> None:
    store = opened(tmp_path / "market.db")
    begin(store)
    late = trade(START_US + 5 * SECOND_US, price=1)
    publish(store, *(trade(START_US + n * SECOND_US) for n in range(400)), late)
    found = await store.trades(SYMBOL, from_us=START_US + 5 * SECOND_US, to_us=START_US + 6 * SECOND_US)
    assert [one.price_ticks for one in found] == [1, 100]
    (second,) = await store.candles(
        SYMBOL, "1s", from_us=START_US + 5 * SECOND_US, to_us=START_US + 6 * SECOND_US
    )
    assert (second.low_units, second.close_units, second.trades) == (1, 1, 2)
    store.close()


async def test_a_restart_goes_on_and_leaves_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    store = opened(path)
    begin(store)
    publish(store, trade(START_US + 1), VenueTime(START_US + 2 * SECOND_US))
    before = await store.trades(SYMBOL)
    store.close()
    store = opened(path)
    assert await store.trades(SYMBOL) == before
    assert (await store.extent(SYMBOL)).complete_us == START_US + 2 * SECOND_US
    begin(store, START_US + 60 * SECOND_US)
    publish(store, trade(START_US + 70 * SECOND_US))
    assert [one.ts_us for one in await store.trades(SYMBOL)] == [START_US + 70 * SECOND_US, START_US + 1]
    holes = await store.holes(SYMBOL, None)
    assert [(hole.from_us - START_US, hole.reason) for hole in holes[1:]] == [(2 * SECOND_US, "restart")]
    assert holes[0].from_us == 0
    assert holes[1].to_us == START_US + 61 * SECOND_US
    store.close()


async def test_a_hole_lasts_while_the_feed_is_not_live(place: Path | None) -> None:
    store = opened(place)
    begin(store)
    publish(store, VenueTime(START_US + 5 * SECOND_US), FeedStatus(SYMBOL, "stale", "sequence_gap", START_US))
    publish(store, VenueTime(START_US + 6 * SECOND_US))
    hole = (await store.holes(SYMBOL, None))[-1]
    assert (hole.from_us, hole.to_us, hole.reason) == (START_US + 5 * SECOND_US, None, "sequence_gap")
    assert (await store.extent(SYMBOL)).complete_us == START_US + 5 * SECOND_US
    publish(store, FeedStatus(SYMBOL, "live", "synced", START_US), VenueTime(START_US + 7 * SECOND_US))
    hole = (await store.holes(SYMBOL, "1m"))[-1]
    assert hole.to_us == START_US + 8 * SECOND_US
    store.close()


async def test_a_missing_trade_is_a_hole_of_its_second() -> None:
    store = opened(None)
    begin(store)
    publish(store, VenueTime(START_US + 10 * SECOND_US), MissingTrade(SYMBOL, START_US + 11 * SECOND_US + 7))
    publish(store, trade(START_US + 11 * SECOND_US + 9), VenueTime(START_US + 13 * SECOND_US))
    hole = (await store.holes(SYMBOL, None))[-1]
    assert (hole.from_us, hole.to_us) == (START_US + 11 * SECOND_US, START_US + 12 * SECOND_US)
    assert [one.is_incomplete for one in await store.candles(SYMBOL, "1s")] == [True]
    store.close()


async def test_trades_of_a_venue_on_demand_count_from_the_first_that_comes() -> None:
    store = MarketStore(None, market.ALL, 1_000, on_demand=(market.VENUE,))
    store.open()
    begin(store)
    publish(store, VenueTime(START_US + SECOND_US))
    assert (await store.holes(SYMBOL, None))[-1].to_us is None  # perhaps only its book is streamed
    publish(store, trade(START_US + SECOND_US + 1), VenueTime(START_US + 2 * SECOND_US))
    assert (await store.holes(SYMBOL, None))[-1].to_us == START_US + 3 * SECOND_US
    publish(store, StreamsEnded(SYMBOL, frozenset({"trades"}), START_US + 4 * SECOND_US))
    publish(store, VenueTime(START_US + 9 * SECOND_US))
    assert (await store.holes(SYMBOL, None))[-1].to_us is None
    store.close()


async def test_flat_candles_stand_between_trades_and_in_no_hole(place: Path | None) -> None:
    store = opened(place)
    begin(store, BASE_US)
    at_us = BASE_US + 10 * SECOND_US
    publish(store, trade(at_us, price=5), VenueTime(at_us + 3 * SECOND_US + 5))
    publish(store, FeedStatus(None, "stale", "silent", at_us), VenueTime(at_us + 5 * SECOND_US))
    publish(store, FeedStatus(None, "live", "heard", at_us), VenueTime(at_us + 6 * SECOND_US))
    publish(store, trade(at_us + 9 * SECOND_US, price=6), VenueTime(at_us + 11 * SECOND_US))
    expected = [(0, 5, 1), (1, 5, 0), (2, 5, 0), (9, 6, 1), (10, 6, 0)]
    for newest_first in (False, True):
        page = await store.candles(SYMBOL, "1s", newest_first=newest_first)
        found = [((one.start_us - at_us) // SECOND_US, one.close_units, one.trades) for one in page]
        assert found == (expected[::-1] if newest_first else expected)
    (minute,) = await store.candles(SYMBOL, "1m")
    assert (minute.trades, minute.is_incomplete, minute.is_closed) == (2, True, False)
    store.close()


async def test_pages_of_flat_candles_meet(place: Path | None) -> None:
    store = opened(place)
    begin(store, BASE_US)
    publish(store, trade(BASE_US + 2 * SECOND_US), VenueTime(BASE_US + 500 * SECOND_US))
    for newest_first in (False, True):
        starts: list[int] = []
        from_us, to_us = 0, 1 << 62
        while page := await store.candles(
            SYMBOL, "1s", from_us=from_us, to_us=to_us, limit=7, newest_first=newest_first
        ):
            starts += [one.start_us for one in page]
            from_us, to_us = (from_us, starts[-1]) if newest_first else (starts[-1] + 1, to_us)
        assert sorted(starts) == [BASE_US + n * SECOND_US for n in range(2, 500)]
        assert starts == sorted(starts, reverse=newest_first)
    store.close()


async def test_what_does_not_fit_into_the_queue_is_dropped_and_told() -> None:
    store = opened(None, waiting=100)
    begin(store, BASE_US)
    await store.extent(SYMBOL)  # the queue is empty now
    quotes = [Quote(SYMBOL, 1, 1, 2, 1, BASE_US)] * 101
    publish(store, *quotes)  # nothing of them is stored
    assert store.figures().dropped == 0
    publish(store, *[trade(BASE_US)] * 101, VenueTime(BASE_US + SECOND_US))
    publish(store, trade(BASE_US + 2 * SECOND_US))
    assert store.figures().dropped == 101
    hole = (await store.holes(SYMBOL, None))[-1]
    assert len(await store.trades(SYMBOL)) == 1
    assert hole.to_us == BASE_US + 2 * SECOND_US  # the time came through
    store.close()


async def test_other_steps_leave_older_rows_as_they_were(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    store = opened(path)
    begin(store, BASE_US)
    publish(store, trade(BASE_US + 1, price=201, size=7))
    publish(store, Listing((market.instrument("0.2", "0.01"),), BASE_US + 2))
    publish(store, trade(BASE_US + 3, price=502, size=7))
    for _ in range(2):
        assert [(one.price, one.size) for one in await market.all_trades(store)] == [
            ("100.5", "0.007"),
            ("100.4", "0.07"),
        ]
        (day,) = await store.candles(SYMBOL, "1d")
        assert [day.price(figure) for figure in (day.open_units, day.high_units, day.low_units)] == [
            "100.5", "100.5", "100.4",
        ]  # fmt: skip
        assert day.volume == "0.077"
        steps = [(one.instrument.tick_size, one.from_us) for one in await store.instruments(SYMBOL)]
        assert steps == [("0.5", BASE_US), ("0.2", BASE_US + 2)]
        store.close()
        store = opened(path)
    store.close()


async def test_a_file_that_is_no_database_stops_history_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "market.db"
    path.write_bytes(b"something else" * 100)
    path.chmod(0o600)
    store = opened(path)
    begin(store)
    with pytest.raises(HistoryUnavailableError):
        await store.trades(SYMBOL)
    assert store.figures().has_failed
    store.close()
    assert path.read_bytes() == b"something else" * 100


async def test_a_disk_that_fails_stops_history_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retries, "FIRST_S", 3600)
    store = opened(tmp_path / "market.db")
    begin(store)
    store.writer.connections.writing.execute("PRAGMA max_page_count = 20")
    publish(store, *(trade(START_US + n * SECOND_US, number=n * n) for n in range(6_000)))
    with suppress(HistoryUnavailableError):  # its thread may have come to it
        await store.extent(SYMBOL)
    await asyncio.to_thread(store.writer.write)
    assert (await asyncio.to_thread(_unavailable, store)) is not None
    publish(store, trade(START_US))  # nobody notices
    assert store.figures().has_failed
    store.close()
    assert sqlite3.connect(tmp_path / "market.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_history_goes_on_when_there_is_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Event()
    monkeypatch.setattr(retries, "FIRST_S", 0.05)
    monkeypatch.setattr(history_writer, "check_room", lambda _: None if room.is_set() else _full())
    store = opened(tmp_path / "market.db")
    begin(store)
    publish(store, trade(START_US + 1), VenueTime(START_US + 10 * SECOND_US))
    await store.extent(SYMBOL)
    await asyncio.to_thread(store.writer.write)
    store.writer.connections.writing.execute("PRAGMA max_page_count = 20")
    publish(store, *(trade(START_US + 10 * SECOND_US + n, number=n * n) for n in range(1, 6_000)))
    with suppress(HistoryUnavailableError):
        await store.extent(SYMBOL)
    await asyncio.to_thread(store.writer.write)
    with pytest.raises(HistoryUnavailableError):
        await store.trades(SYMBOL)
    other = market.instrument(symbol="v:ETH-USDT")
    publish(store, Listing((market.instrument(), other), START_US + 11 * SECOND_US))
    publish(store, trade(START_US + 12 * SECOND_US), FeedStatus("v:ETH-USDT", "stale", "silent", START_US))
    publish(store, VenueTime(START_US + 20 * SECOND_US))
    while store.writer.waiting:
        await asyncio.sleep(0.01)
    room.set()
    while store.figures().has_failed:
        await asyncio.sleep(0.01)
    for symbol in (SYMBOL, "v:ETH-USDT"):
        publish(store, trade(START_US + 25 * SECOND_US, symbol=symbol))
    publish(store, VenueTime(START_US + 26 * SECOND_US))
    for _ in range(2):
        assert [one.ts_us - START_US for one in await market.all_trades(store)] == [1, 25 * SECOND_US]
        hole = (await store.holes(SYMBOL, None))[-1]
        assert (hole.from_us, hole.reason) == (START_US + 10 * SECOND_US, "not_stored")
        assert hole.to_us == START_US + 27 * SECOND_US
        assert len(await store.trades("v:ETH-USDT")) == 1
        (stale,) = await store.holes("v:ETH-USDT", None)
        assert (stale.from_us, stale.to_us, stale.reason) == (0, None, "start")
        await asyncio.to_thread(store.writer.write)
    assert not store.figures().has_failed
    store.close()
    assert sqlite3.connect(tmp_path / "market.db").execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _full() -> None:
    raise OSError(errno.ENOSPC, "no room")


def _unavailable(store: MarketStore) -> str | None:
    return store.writer.error


async def test_of_an_unknown_symbol_there_is_nothing(place: Path | None) -> None:
    store = opened(place)
    assert await store.trades("v:X-Y") == ()
    assert await store.candles("v:X-Y", "1m") == ()
    assert (await store.extent("v:X-Y")).complete_us == 0
    store.close()
