"""A subscription that begins with history, while the read takes as long as the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from floorwire.access.authenticator import Authenticator
from floorwire.core.codes import CloseCode
from floorwire.core.market_events import Trade, VenueTime
from floorwire.core.market_history import (
    MOST_ROWS,
    MOST_US,
    Extent,
    HistoryUnavailableError,
    Hole,
    InstrumentSince,
    StoredCandle,
    StoredTrade,
    StoredUnits,
)
from floorwire.core.units import Scale

from .hub_harness import SECOND_US, START_US, FakeWire, HubHarness, JsonValue, Message

UNITS = StoredUnits(Scale(0, 1), Scale(0, 1))
MINUTE_US = 60 * SECOND_US
TRADES = {"channel": "trades", "symbol": "BTC-USDT"}
CANDLES = {"channel": "candles", "symbol": "BTC-USDT"}


def candle(start_us: int, *, closed: bool = True) -> StoredCandle:
    return StoredCandle(
        start_us, start_us + MINUTE_US, start_us, 1, 2, 1, 2, 5, 3, closed, False, False, UNITS
    )


class SlowHistory:
    """Gives the same rows each time, when the test lets it."""

    def __init__(self) -> None:
        self.may_read = asyncio.Event()
        self.error: Exception | None = None
        self.candle_rows: list[StoredCandle] = []
        self.asked: list[tuple[int, int]] = []
        """``to_us`` and ``limit`` of each read of candles."""

    async def trades(
        self,
        symbol: str,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        after_row: int = 0,
        before_row: int = MOST_US,
        limit: int = MOST_ROWS,
        newest_first: bool = True,
    ) -> Sequence[StoredTrade]:
        await self.may_read.wait()
        if self.error is not None:
            raise self.error
        return [StoredTrade(7, START_US, "7", 5, 1, "buy", UNITS)]

    async def candles(
        self,
        symbol: str,
        interval: str,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        limit: int = MOST_ROWS,
        newest_first: bool = True,
    ) -> Sequence[StoredCandle]:
        self.asked.append((to_us, limit))
        await self.may_read.wait()
        return [row for row in reversed(self.candle_rows) if row.start_us < to_us][:limit]

    async def holes(
        self,
        symbol: str,
        interval: str | None,
        *,
        from_us: int = 0,
        to_us: int = MOST_US,
        limit: int = MOST_ROWS,
    ) -> Sequence[Hole]:
        return [Hole(0, START_US, "start")]

    async def extent(self, symbol: str) -> Extent:
        return Extent(0, 0)

    async def instruments(self, symbol: str) -> Sequence[InstrumentSince]:
        return []


@pytest.fixture
def history() -> SlowHistory:
    return SlowHistory()


@pytest.fixture
def harness(authenticator: Authenticator, history: SlowHistory) -> HubHarness:
    return HubHarness(authenticator, history=history)


async def settle(harness: HubHarness) -> None:
    """Let all that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)
        harness.end_turn()


def drain(wire: FakeWire) -> list[Message]:
    """Do the connection's work, and return what was sent."""
    while wire.connection.work():
        pass
    wire.connection.end_of_read()
    return wire.messages()


def code_and_rows(message: Message, name: str) -> tuple[JsonValue, int]:
    rows = message[name]
    assert isinstance(rows, list)
    return message.get("code"), len(rows)


async def test_events_wait_for_the_history_before_them(harness: HubHarness, history: SlowHistory) -> None:
    wire = harness.connect()
    wire.ask("subscribe", **TRADES, history=5)
    await settle(harness)
    (reply,) = drain(wire)
    assert (reply["status"], reply["seq"]) == ("subscribed", 0)
    harness.tick(times=3)
    harness.end_turn()
    wire.ask("ping", id=1)
    assert drain(wire) == []
    history.may_read.set()
    await settle(harness)
    messages = drain(wire)
    assert messages[0]["event"] == "history"
    assert messages[0]["holes"] == [{"from": 0, "to": START_US, "reason": "start"}]
    assert [message.get("seq") for message in messages if "trade_id" in message] == [1, 2, 3]
    assert [message["status"] for message in messages if "status" in message] == ["pong"]
    harness.tick()
    harness.end_turn()
    assert [message["seq"] for message in drain(wire)] == [4]


async def test_other_streams_and_clients_do_not_wait(harness: HubHarness) -> None:
    wire, other = harness.connect(), harness.connect()
    wire.ask("subscribe", channel="ticker", symbol="BTC-USDT")
    other.ask("subscribe", **TRADES)
    wire.ask("subscribe", **TRADES, history=5)
    await settle(harness)
    drain(wire)
    drain(other)
    harness.tick()
    harness.end_turn()
    assert {message["channel"] for message in drain(wire)} == {"ticker"}
    assert [message["seq"] for message in drain(other)] == [1]


async def test_candles_are_those_before_the_one_that_is_open(
    harness: HubHarness, history: SlowHistory
) -> None:
    start_us = START_US - START_US % MINUTE_US
    history.candle_rows = [candle(start_us + n * MINUTE_US, closed=n < 0) for n in (-2, -1, 0)]
    history.may_read.set()
    harness.publish(VenueTime(harness.now_us), Trade("BTC-USDT", "1", 5, 1, "buy", harness.now_us))
    harness.end_turn()
    wire = harness.connect()
    wire.ask("subscribe", **CANDLES, history=2)
    await settle(harness)
    _, past, first = drain(wire)
    assert history.asked == [(start_us, 2)]
    rows = past["candles"]
    assert isinstance(rows, list)
    assert [row["start"] for row in rows if isinstance(row, dict)] == [
        start_us - 2 * MINUTE_US,
        start_us - MINUTE_US,
    ]
    assert (first["start"], first["closed"]) == (start_us, False)


async def test_before_the_first_candle_the_closed_ones_come(
    harness: HubHarness, history: SlowHistory
) -> None:
    history.candle_rows = [candle(n * MINUTE_US, closed=n < 3) for n in range(4)]
    history.may_read.set()
    wire = harness.connect()
    wire.ask("subscribe", **CANDLES, history=3)
    await settle(harness)
    _, past = drain(wire)
    assert history.asked == [(MOST_US, 4)]
    assert code_and_rows(past, "candles") == (None, 3)


@pytest.mark.parametrize(
    ("error", "code"), [(HistoryUnavailableError("x"), "history_unavailable"), (OSError(), "internal")]
)
async def test_what_cannot_be_read_says_so_and_the_stream_goes_on(
    harness: HubHarness, history: SlowHistory, error: Exception, code: str
) -> None:
    history.error = error
    history.may_read.set()
    wire = harness.connect()
    wire.ask("subscribe", **TRADES, history=5)
    await settle(harness)
    _, past = drain(wire)
    assert code_and_rows(past, "trades") == (code, 0)
    harness.tick()
    harness.end_turn()
    assert [message["seq"] for message in drain(wire)] == [1]


async def test_without_a_store_the_history_is_not_there(authenticator: Authenticator) -> None:
    harness = HubHarness(authenticator)
    wire = harness.connect()
    wire.ask("subscribe", **TRADES, history=5)
    await settle(harness)
    _, past = drain(wire)
    assert code_and_rows(past, "trades") == ("history_unavailable", 0)


async def test_new_steps_begin_the_stream_anew_without_history(
    harness: HubHarness, history: SlowHistory
) -> None:
    wire = harness.connect()
    wire.ask("subscribe", **TRADES, history=5)
    await settle(harness)
    drain(wire)
    harness.change_steps()
    harness.end_turn()
    history.may_read.set()
    await settle(harness)
    assert drain(wire) == []
    harness.tick()
    harness.end_turn()
    (event,) = drain(wire)
    assert event["seq"] == 1


async def test_a_client_that_leaves_meanwhile_is_forgotten(harness: HubHarness, history: SlowHistory) -> None:
    wire = harness.connect()
    wire.ask("subscribe", **TRADES, history=5)
    await settle(harness)
    wire.connection.close(CloseCode.GOING_AWAY, "")
    history.may_read.set()
    await settle(harness)
    assert harness.stats.subscriptions == 0


async def test_a_client_that_does_not_read_catches_up_later(
    harness: HubHarness, history: SlowHistory
) -> None:
    wire = harness.connect()
    wire.ask("subscribe", **TRADES, history=5)
    await settle(harness)
    drain(wire)
    wire.room = 0
    harness.tick(times=2)
    wire.ask("subscriptions")  # it is held until the history is sent
    history.may_read.set()
    await settle(harness)
    drain(wire)
    harness.tick(times=2)
    harness.end_turn()
    wire.drain()
    await settle(harness)
    messages = drain(wire)
    assert messages[0]["event"] == "history"
    assert [message["seq"] for message in messages if "trade_id" in message] == [1, 2, 3, 4]


async def test_all_reads_end_with_the_server(harness: HubHarness) -> None:
    wire = harness.connect()
    wire.ask("subscribe", **TRADES, history=5)
    await settle(harness)
    await harness.hub.history_reads.close()
    assert len(asyncio.all_tasks()) == 1
