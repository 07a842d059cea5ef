"""A gateway over a fake exchange that has a past, a client that wants candles, and what they should be."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import httpx2
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from floorwire import config
from floorwire.app import Gateway
from floorwire.config import VenueSettings
from floorwire.connectors import venue_registry
from floorwire.core.candle_intervals import INTERVALS
from floorwire.web import create_app
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.serving import listening
from tests.live.beside import beside
from tests.live.faces import BYBIT, OKX, PRICE, Face, FakeMarket, served
from tests.live.live_gateway import NO_PINGS
from tests.skipping_loop import running_clock

PATIENCE_S = 4_000.0
"""In a loop that skips what is waited for."""
AMOUNTS = ("open", "high", "low", "close", "volume")

Figures: TypeAlias = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]
"""Start, open, high, low, close and volume of a candle."""


@dataclass(frozen=True)
class Candle:
    """A candle that a client got."""

    figures: Figures
    is_whole: bool
    trades: int

    @property
    def start_us(self) -> int:
        """When it begins."""
        return self.figures[0]


@dataclass(frozen=True)
class StoredTrade:
    """A trade that a client got."""

    trade_id: str
    ts_us: int
    price: Decimal
    size: Decimal
    side: str


class PastClient:
    """A client of the gateway, by HTTP and over a WebSocket."""

    def __init__(self, http: httpx2.AsyncClient, socket: ClientConnection, symbol: str) -> None:
        self._http = http
        self._socket = socket
        self._symbol = symbol
        self.messages: list[dict[str, object]] = []

    async def read(self) -> None:
        """Keep all messages that come."""
        with suppress(ConnectionClosed):
            async for text in self._socket:
                self.messages.append(json.loads(text))

    async def subscribe(self, interval: str = "1m", history: int = 0) -> None:
        """Subscribe to candles, as soon as the symbol is listed."""
        request = {"action": "subscribe", "channel": "candles", "symbol": self._symbol, "interval": interval}
        while True:
            self.messages.clear()
            await self._socket.send(
                json.dumps(request | {"id": "1"} | ({"history": history} if history else {}))
            )
            await until(lambda: any(one.get("id") == "1" for one in self.messages))
            if not any(one.get("code") == "unknown_symbol" for one in self.messages):
                return
            await asyncio.sleep(0.2)

    async def candles(self, interval: str = "1m", from_us: int = 0) -> list[Candle]:
        """Return all closed candles from a time on by HTTP, page by page, the oldest first."""
        found: list[Candle] = []
        query: dict[str, str | int] = {"symbol": self._symbol, "interval": interval, "limit": 1_000}
        query["from"] = from_us
        while True:
            answer = await self._http.get("/candles", params=query)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found[:0] = [
                Candle(
                    (row["start"], *(Decimal(row[name]) for name in AMOUNTS)),
                    not row.get("incomplete"),
                    row["trades"],
                )
                for row in page["candles"]
                if row["closed"]
            ]  # fmt: skip
            if "next" not in page:
                return found
            query["to"] = page["next"]

    async def trades(self, from_us: int) -> list[StoredTrade]:
        """Return the trades from a time on by HTTP, page by page, the oldest first."""
        found: list[StoredTrade] = []
        query: dict[str, str | int] = {"symbol": self._symbol, "from": from_us, "limit": 1_000}
        while True:
            answer = await self._http.get("/trades", params=query)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            found[:0] = [
                StoredTrade(
                    row["trade_id"], row["ts"], Decimal(row["price"]), Decimal(row["size"]), row["side"]
                )
                for row in page["trades"][::-1]
            ]
            if "next" not in page:
                return found
            query["before"] = page["next"]

    async def trade_holes(self, from_us: int) -> list[tuple[int, int | None]]:
        """Return the times from this one on of which trades are missing."""
        query: dict[str, str | int] = {"symbol": self._symbol, "from": from_us, "limit": 1_000}
        answer = await self._http.get("/trades", params=query)
        return [(hole["from"], hole["to"]) for hole in answer.json()["holes"]]

    async def is_filling(self) -> bool:
        """Return whether the exchange is asked for what is missing."""
        answer = await self._http.get("/trades", params={"symbol": self._symbol, "limit": 1})
        return answer.json().get("filling", False) is True

    async def reasons_of_holes(self) -> set[str]:
        """Return why trades are missing."""
        answer = await self._http.get("/trades", params={"symbol": self._symbol})
        return {hole["reason"] for hole in answer.json()["holes"]}


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():
            await asyncio.sleep(0.05)


async def until_traded(client: PastClient, from_us: int) -> list[StoredTrade]:
    """Wait until no trade is missing from a time on; return all."""
    async with asyncio.timeout(PATIENCE_S):
        while await client.trade_holes(from_us):
            await asyncio.sleep(5)
    return await client.trades(from_us)


def assert_each_once(trades: Sequence[StoredTrade], market: FakeMarket, from_us: int) -> None:
    """Check trades from a time on: each of the exchange is there once and in order.

    What OKX streams as one trade is all that one order traded at one price.
    """
    first_id = 2_290_000_000_000_000_000 if market.face is BYBIT else 0
    right = [one for one in market.core.history.of(market.market.symbol) if one.time_us >= from_us]
    assert len(right) > 2, "nothing was traded"
    index, ms = 0, 1_000
    for one in trades:
        parts = [right[index]]
        while first_id + parts[-1].trade_id < int(one.trade_id):
            assert market.face is OKX, f"{parts[-1].trade_id} is missing before {one.trade_id}"
            index += 1
            parts.append(right[index])
        index += 1
        assert first_id + parts[-1].trade_id == int(one.trade_id)
        whole = sum(Decimal(part.size_e8) for part in parts) / UNIT
        assert whole == one.size, f"{one} is not {parts}"
        assert {Decimal(part.price_e8) / UNIT for part in parts} == {one.price}
        assert {part.taker_side.value.lower() for part in parts} == {one.side}
        assert abs(parts[-1].time_us - one.ts_us) < ms
    assert len(right) - index < 20, "the last ones are missing"


async def assert_seconds(client: PastClient, trades: Sequence[StoredTrade], from_us: int) -> None:
    """Check that the candles of seconds are those of these trades, and whole."""
    counted: dict[int, Figures] = {}
    for one in trades:
        start, price = one.ts_us - one.ts_us % 1_000_000, one.price
        _, first, high, low, _, volume = counted.get(start, (0, price, price, price, price, Decimal(0)))
        counted[start] = start, first, max(high, price), min(low, price), price, volume + one.size
    candles = await client.candles("1s", from_us)
    assert len(candles) > 10
    for candle in candles:
        assert candle.is_whole
        if candle.start_us in counted and candle.start_us < trades[-1].ts_us - 2_000_000:
            assert candle.figures == counted[candle.start_us]
    starts = {candle.start_us for candle in candles}
    assert {start for start in counted if from_us <= start < max(starts)} <= starts


async def until_whole(client: PastClient, count: int, interval: str = "1m") -> list[Candle]:
    """Wait until the last so many candles are whole; return all."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            candles = await client.candles(interval)
            if len(candles) >= count and all(one.is_whole for one in candles[-count:]):
                return candles
            await asyncio.sleep(10)


def expected(market: FakeMarket, interval: str = "1m") -> dict[int, Figures]:
    """Return the candles with trades, by their start, counted plainly from the exchange's trades."""
    counted: dict[int, Figures] = {}
    for trade in market.core.history.of(market.market.symbol):
        start = INTERVALS[interval].start_of(trade.time_us)
        price, size = Decimal(trade.price_e8) / UNIT, Decimal(trade.size_e8) / UNIT
        if start in counted:
            _, first, high, low, _, volume = counted[start]
            counted[start] = start, first, max(high, price), min(low, price), price, volume + size
        else:
            counted[start] = start, price, price, price, price, size
    return counted


def assert_right(candles: Sequence[Candle], market: FakeMarket, interval: str = "1m") -> None:
    """Check whole candles: each is the exchange's, none is twice, and none is left out between them."""
    right = expected(market, interval)
    starts = [one.start_us for one in candles]
    assert starts == sorted(set(starts))
    for one, after in pairwise(candles):
        assert after.start_us == INTERVALS[interval].end_of(one.start_us), "a candle is left out"
    for one in candles:
        if one.is_whole and one.start_us in right:
            assert one.figures == right[one.start_us]
        elif one.is_whole:
            assert len(set(one.figures[1:5])) == 1
            assert not one.figures[5]


@asynccontextmanager
async def with_past(face: Face) -> AsyncIterator[FakeMarket]:
    """Run a fake exchange with three days of past, where others go on trading, slowly."""
    async with served(face) as market:
        market.fake.make_past(market.market.symbol, PRICE * UNIT // market.market.tick_e8)
        flow = market.flow()

        async def trade() -> None:
            while True:
                await asyncio.sleep(1.5)
                flow.step()

        async with beside(trade()):
            yield market


@asynccontextmanager
async def gateway_over(market: FakeMarket, folder: Path, *more: str) -> AsyncIterator[PastClient]:
    """Run a gateway with the prices of the exchange; give a client. ``more``: further settings."""
    fake = market.fake
    venue = VenueSettings(
        kind=market.face.kind,
        ws_url=f"ws://127.0.0.1:{fake.port}",
        rest_url=fake.http,
        symbols=(market.face.symbol,),
    )
    settings = replace(
        config.load(None, {}, [f"data={folder}", "journal=memory", *NO_PINGS, *more], {}),
        venue=("here",),
        venues={"here": venue},
    )
    gateway = Gateway(settings, venue_registry.build(settings), running_clock())
    async with (
        gateway.running(),
        listening(create_app(gateway)) as port,
        httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", verify=False, timeout=None) as http,
        connect(f"ws://127.0.0.1:{port}/ws", max_size=None, ping_interval=None, open_timeout=None) as socket,
    ):
        client = PastClient(http, socket, market.face.symbol)
        async with beside(client.read()):
            yield client
