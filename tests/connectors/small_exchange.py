"""A small exchange of the tests, in Binance's words: one symbol, HTTP and a WebSocket."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import suppress
from urllib.parse import urlsplit

from websockets.asyncio.server import ServerConnection

from tests.connectors.local_venue import http

SYMBOL = {
    "symbol": "BTCUSDT",
    "status": "TRADING",
    "baseAsset": "BTC",
    "quoteAsset": "USDT",
    "filters": [
        {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
        {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
    ],
}


class SmallExchange:
    """One symbol in Binance's words. Each connection gets a difference and a trade every 10 ms."""

    def __init__(self) -> None:
        self.update = 100
        self.peers: set[ServerConnection] = set()

    async def talk(self, peer: ServerConnection) -> None:
        """Send what a subscriber gets."""
        self.peers.add(peer)
        with suppress(Exception):
            while True:
                self.update += 1
                now_ms = time.time_ns() // 1_000_000
                await self._send(peer, "depth@100ms", {
                    "e": "depthUpdate", "E": now_ms, "s": "BTCUSDT", "U": self.update, "u": self.update,
                    "b": [["60000.00", f"1.{self.update:05d}"]], "a": [["60001.00", "2.00000"]],
                })  # fmt: skip
                await self._send(peer, "trade", {
                    "e": "trade", "E": now_ms, "s": "BTCUSDT", "t": self.update, "p": "60000.50",
                    "q": "0.10000", "T": now_ms, "m": True, "M": True,
                })  # fmt: skip
                await asyncio.sleep(0.01)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request."""
        path = urlsplit((await reader.readuntil(b"\r\n\r\n")).split()[1].decode()).path
        book = {
            "lastUpdateId": self.update,
            "bids": [["60000.00", "1.00000"]],
            "asks": [["60001.00", "2.00000"]],
        }
        body = {"symbols": [SYMBOL]} if path == "/api/v3/exchangeInfo" else book
        writer.write(http("200 OK", json.dumps(body).encode()))
        await writer.drain()

    @staticmethod
    async def _send(peer: ServerConnection, stream: str, data: dict[str, object]) -> None:
        await peer.send(json.dumps({"stream": f"btcusdt@{stream}", "data": data}))
