"""What clients want is streamed, and nothing else: a server over a small exchange in OKX's words."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection

from tests.connectors.local_venue import answering, http, tcp_venue, websocket_venue
from tests.servers import Server
from tests.trading.trader import Message, Trader, key, serving, trader

MS = 1_700_000_000_000
LIST = {
    "code": "0",
    "data": [
        {"instType": "SPOT", "instId": f"{base}-USDT", "baseCcy": base, "quoteCcy": "USDT"}
        | {"tickSz": "0.1", "lotSz": "0.001", "state": "live"}
        for base in ("BTC", "ETH")
    ],
}


class SmallOkx:
    """Each subscription of a book gets a snapshot and then a change every few milliseconds."""

    def __init__(self) -> None:
        self.subscribed: Counter[str] = Counter()
        """``channel instId`` -> how many connections are subscribed to it now."""
        self.ever: Counter[str] = Counter()

    async def talk(self, peer: ServerConnection) -> None:
        """Answer one connection."""
        mine: dict[str, asyncio.Task[None]] = {}
        with suppress(Exception):
            async for text in peer:
                if text == "ping":
                    await peer.send("pong")
                    continue
                request = json.loads(text)
                for arg in request["args"]:
                    stream = f"{arg['channel']} {arg.get('instId', '')}"
                    if request["op"] == "subscribe":
                        self.subscribed[stream] += 1
                        self.ever[stream] += 1
                        mine[stream] = asyncio.create_task(self._send(peer, arg["channel"], stream))
                    else:
                        self.subscribed[stream] -= 1
                        mine.pop(stream).cancel()
        for stream, task in mine.items():
            self.subscribed[stream] -= 1
            task.cancel()

    async def _send(self, peer: ServerConnection, channel: str, stream: str) -> None:
        number = 100
        arg = {"channel": channel, "instId": stream.rsplit(maxsplit=1)[-1]}
        with suppress(Exception):
            while channel == "books":
                numbers = {"seqId": number, "prevSeqId": -1 if number == 100 else number - 1, "checksum": 0}
                levels = {"bids": [["10.4", f"1.{number % 10}", "0", "1"]], "asks": [["10.5", "2", "0", "1"]]}
                action = "snapshot" if number == 100 else "update"
                data = [levels | numbers | {"ts": f"{MS + number}"}]
                await peer.send(json.dumps({"arg": arg, "action": action, "data": data}))
                number += 1
                await asyncio.sleep(0.01)

    def open(self) -> set[str]:
        """Return what is subscribed to of symbols now."""
        return {stream for stream, count in self.subscribed.items() if count and "-" in stream}


@asynccontextmanager
async def gateway(folder: Path, *args: str) -> AsyncIterator[tuple[SmallOkx, Server]]:
    """Run the small exchange and a gateway over it."""
    exchange, body = SmallOkx(), json.dumps(LIST).encode()
    async with (
        websocket_venue(exchange.talk) as ws_url,
        tcp_venue(answering(http("200 OK", body))) as port,
    ):
        own = ("kind=okx", f"ws_url={ws_url}", f"rest_url=http://127.0.0.1:{port}")
        settings = [f"--set=venues.okx.{setting}" for setting in own]
        context = serving(folder, "--venue=okx", *settings, *args)
        server = await asyncio.to_thread(context.__enter__)
        try:
            yield exchange, server
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not is_so():
            await asyncio.sleep(0.005)


async def listed(client: Trader) -> set[str]:
    """Return the symbols once the exchange's list came."""
    async with asyncio.timeout(20):
        while True:
            reply = await client.ask("symbols")
            symbols = reply["symbols"]
            assert isinstance(symbols, list)
            if symbols:
                return {str(row["symbol"]) for row in symbols if isinstance(row, dict)}
            await asyncio.sleep(0.02)


async def first_event(client: Trader, channel: str) -> Message:
    async with asyncio.timeout(20):
        while channel not in client.events:
            await client.receive()
    return client.events[channel][0]


async def test_streams_begin_with_the_first_client_and_end_after_the_last(tmp_path: Path) -> None:
    issued = key(tmp_path, money={"USDT": "1000"})
    async with gateway(tmp_path, "--set=feed.linger_s=0.3") as (exchange, server):
        async with trader(server, issued) as alice, trader(server, issued) as bob:
            assert await listed(alice) == {"BTC-USDT", "ETH-USDT"}, "known before anything is streamed"
            assert exchange.open() == set()
            for client in (alice, bob):
                reply = await client.ask("subscribe", channel="book", symbol="BTC-USDT")
                assert reply["status"] == "subscribed", reply
            for client in (alice, bob):
                first = await first_event(client, "book")
                assert (first["type"], first["symbol"]) == ("snapshot", "BTC-USDT")
            assert exchange.open() == {"books BTC-USDT"}
            await alice.ask("unsubscribe", channel="book", symbol="BTC-USDT")
            await asyncio.sleep(0.5)
            assert exchange.open() == {"books BTC-USDT"}, "bob is still there"
        await until(lambda: exchange.open() == set())
        assert exchange.ever["books BTC-USDT"] == 1
        async with trader(server, issued) as carol:
            await carol.ask("subscribe", channel="book", symbol="BTC-USDT")
            assert (await first_event(carol, "book"))["type"] == "snapshot"
        assert exchange.ever["books BTC-USDT"] == 2
        assert exchange.ever["books ETH-USDT"] == 0


@pytest.mark.slow
async def test_an_order_brings_its_prices_and_keeps_them_while_it_rests(tmp_path: Path) -> None:
    issued = key(tmp_path, money={"USDT": "1000"})
    async with (
        gateway(tmp_path, "--set=feed.linger_s=0", "--set=risk.price_collar=0.9") as (
            exchange,
            server,
        ),
        trader(server, issued) as alice,
    ):
        await listed(alice)
        reply = await alice.place("first", symbol="BTC-USDT", quantity="1", price="10.0")
        assert reply["code"] == "stale_market", "nobody had asked for its prices yet"
        await until(lambda: exchange.open() == {"books BTC-USDT", "trades BTC-USDT"})
        for attempt in range(100):
            reply = await alice.place(f"rest-{attempt}", symbol="BTC-USDT", quantity="1", price="10.0")
            if reply.get("code") != "stale_market":
                break
            await asyncio.sleep(0.02)
        assert reply["status"] == "accepted", reply
        await asyncio.sleep(6.0)  # longer than whoever only looked keeps them
        assert "books BTC-USDT" in exchange.open()
        await alice.ask("order.cancel", order_id=reply["order_id"])
        await until(lambda: exchange.open() == set())
