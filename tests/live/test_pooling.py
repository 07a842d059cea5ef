"""400 symbols for 50 clients: as few connections as the limits allow, and none after the last client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.fake_exchange.binance import FakeBinance
from tests.fake_exchange.exchange import FakeExchange
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.okx import FakeOkx
from tests.fake_exchange.serving import running
from tests.live.faces import BINANCE, OKX, Face, follow_loop
from tests.live.market_client import gateway_of
from tests.skipping_loop import running_clock

pytestmark = [pytest.mark.slow, pytest.mark.skipping]
SYMBOLS, CLIENTS = 400, 50
EACH = 2 * SYMBOLS // CLIENTS
"""Symbols of one client: each symbol has two clients."""
CHANNELS = ("book", "trades", "ticker")
LINGER_S = 30.0
"""As the settings have it."""
PATIENCE_S = 3_600.0
"""In a loop that skips what is waited for."""
NAMES = [f"A{number}" for number in range(SYMBOLS)]


@dataclass(frozen=True)
class Limits:
    """What the exchange allows on a connection, and what the fake has now."""

    face: Face
    least: int
    """The least connections for all symbols."""
    streams: Callable[[FakeExchange], list[set[str]]]
    """What each connection is subscribed to."""
    expected: Callable[[str], set[str]]
    """What is needed of a symbol."""


def binance_streams(fake: FakeExchange) -> list[set[str]]:
    assert isinstance(fake, FakeBinance)
    return [set(connection.streams) for connection in fake.streams.connections]


def okx_streams(fake: FakeExchange) -> list[set[str]]:
    assert isinstance(fake, FakeOkx)
    return [
        {f"{one['channel']}:{one['instId']}" for one in connection.args if "instId" in one}
        for connection in fake.sockets.connections
    ]


def of_binance(name: str) -> set[str]:
    kinds = ("depth@100ms", "trade", "bookTicker", "ticker")
    return {f"{name.lower()}usdt@{kind}" for kind in kinds}


def of_okx(name: str) -> set[str]:
    return {f"{channel}:{name}-USDT" for channel in ("books", "bbo-tbt", "trades", "tickers")}


LIMITS = (
    # Binance: 1,024 streams on a connection.
    Limits(BINANCE, -(-SYMBOLS * len(of_binance("")) // 1_024), binance_streams, of_binance),
    # OKX: fewer than 30 depth channels on a connection.
    Limits(OKX, -(-SYMBOLS // 29), okx_streams, of_okx),
)


async def read(client: ClientConnection) -> None:
    """Read all that comes."""
    async for _ in client:
        pass


async def subscribe(client: ClientConnection, number: int) -> None:
    """Subscribe to the symbols of the client with this number, once they are listed."""
    for at in range(EACH):
        symbol = f"{NAMES[(number * EACH // 2 + at) % SYMBOLS]}-USDT"
        for channel in CHANNELS:
            request = {"action": "subscribe", "channel": channel, "symbol": symbol, "id": at}
            while True:
                await client.send(json.dumps(request))
                while (reply := json.loads(await client.recv())).get("id") != at:
                    pass
                if reply.get("code") != "unknown_symbol":
                    break
                await asyncio.sleep(0.2)
            assert reply["status"] == "subscribed", reply


async def until(is_so: Callable[[], bool], what: Callable[[], object]) -> None:
    for _ in range(int(PATIENCE_S)):
        if is_so():
            return
        await asyncio.sleep(1)
    raise AssertionError(what())


@pytest.mark.parametrize("limits", LIMITS, ids=lambda one: str(one.face))
async def test_least_connections_for_many_symbols_and_clients(limits: Limits) -> None:
    markets = [Market(name, "USDT", tick_e8=UNIT // 100, step_e8=UNIT // 100) for name in NAMES]
    fake = limits.face.make(markets)
    wanted = set[str]().union(*(limits.expected(name) for name in NAMES))

    def subscribed() -> set[str]:
        return set[str]().union(*limits.streams(fake))

    follow_loop(fake)
    symbols = [f"{name}-USDT" for name in NAMES]
    async with (
        running(fake),
        gateway_of(limits.face, fake, symbols, running_clock()) as address,
        AsyncExitStack() as stack,
    ):
        clients = [
            await stack.enter_async_context(
                connect(address, max_size=None, max_queue=None, ping_interval=None, open_timeout=None)
            )
            for _ in range(CLIENTS)
        ]
        await asyncio.gather(*(subscribe(client, number) for number, client in enumerate(clients)))
        readers = [asyncio.create_task(read(client)) for client in clients]
        await until(lambda: subscribed() >= wanted, lambda: sorted(wanted - subscribed())[:5])
        carrying = [one for one in limits.streams(fake) if one]
        assert len(carrying) == limits.least, [len(one) for one in carrying]
        assert sum(map(len, carrying)) == len(subscribed()), "a stream is subscribed to twice"
        # Clients that leave one after the other end what nobody else wants.
        for client in clients[:-1]:
            await client.close()
        last = set[str]().union(
            *(limits.expected(NAMES[((CLIENTS - 1) * EACH // 2 + at) % SYMBOLS]) for at in range(EACH))
        )
        await until(lambda: subscribed() == last, lambda: len(subscribed()))
        await clients[-1].close()
        await asyncio.sleep(LINGER_S / 3)
        assert subscribed() == last, "they are kept for the grace"
        await until(lambda: not subscribed(), subscribed)
        await until(lambda: not any(limits.streams(fake)), lambda: limits.streams(fake))
        await asyncio.gather(*readers, return_exceptions=True)
    assert not fake.counts.refusals, "a budget was exceeded"
    opened = {home: count for home, count in fake.counts.connections.items() if home != "business"}
    assert sum(opened.values()) <= limits.least + 1, opened
